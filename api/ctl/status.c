#include "api/ctl/ctl.h"
#include "api/ctl/table.h"
#include "api/ctl/view.h"

#include "server/base/memory.h"

#include <inttypes.h>
#include <stdlib.h>

static const char *trouble(const struct view_node *node) {
    return node->diverged           ? "its state differs"
           : node->divergence_alarm ? "states differ"
           : node->disk_full        ? "disk full"
           : node->disk_stalled     ? "disk stalled"
                                    : "";
}

static void uptime(struct table *table, uint64_t seconds) {
    if (seconds < 120) {
        table_cell(table, "%" PRIu64 "s", seconds);
    } else if (seconds < 2 * 3600) {
        table_cell(table, "%" PRIu64 "m", seconds / 60);
    } else if (seconds < 48 * 3600) {
        table_cell(table, "%" PRIu64 "h", seconds / 3600);
    } else {
        table_cell(table, "%" PRIu64 "d", seconds / 86400);
    }
}

static void show_node(struct table *table, const struct view_node *node) {
    table_cell(table, "%" PRIu64, node->id);
    if (!node->reachable) {
        table_cell(table, "unreachable");
        for (int i = 0; i < 7; i++) {
            table_cell(table, "-");
        }
    } else {
        table_cell(table, "%s", node->role);
        table_cell(table, "%" PRIu64, node->term);
        table_cell(table, "%" PRIu64, node->applied_index);
        table_cell(table, "%" PRIu64, node->commit_index);
        table_cell(table, "%" PRIu64, node->last_index);
        table_cell(table, "%.1f MB", (double)node->storage_bytes / 1e6);
        uptime(table, node->uptime_seconds);
        table_cell(table, "%s", node->version);
    }
    table_cell(table, "%s", node->client_url);
    table_cell(table, "%s", node->reachable ? trouble(node) : "");
}

static void show(const struct view *view) {
    struct table table = {0};
    size_t reachable = 0;
    table_row(&table, "ID", "ROLE", "TERM", "APPLIED", "COMMIT", "LAST", "STORAGE", "UP", "VERSION", "URL", "", NULL);
    for (size_t i = 0; i < view->count; i++) {
        show_node(&table, &view->nodes[i]);
        reachable += view->nodes[i].reachable;
    }
    if (view->leader != 0) {
        printf("node %" PRIu64 " leads in term %" PRIu64 "; ", view->leader, view->term);
    } else {
        printf("nobody leads (term %" PRIu64 "); ", view->term);
    }
    printf("%zu of %zu nodes can be reached\n", reachable, view->count);
    table_print(&table, stdout);
}

int status_run(struct ctl *ctl) {
    const struct raftclient_answer *answer;
    if (ctl->options->argument_count != 0) {
        return ctl_wrong("status takes no argument");
    }
    int code = ctl_get(ctl, "/v1/cluster", &answer);
    if (code != CTL_DONE) {
        return code;
    }
    if (ctl->options->json) {
        return ctl_line(answer->body, answer->body_size) ? CTL_DONE : CTL_FAILED;
    }
    struct view *view = memory_alloc(sizeof *view);
    bool read = view_read(answer->body, answer->body_size, view);
    if (read) {
        show(view);
    } else {
        fprintf(stderr, "raftctl: %s answered what is no cluster\n", answer->node_url);
    }
    free(view);
    return read ? CTL_DONE : CTL_FAILED;
}
