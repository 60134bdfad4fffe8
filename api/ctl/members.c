#include "api/ctl/ctl.h"
#include "api/ctl/table.h"

#include "server/json/json.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* A change of the members, catching up included, takes long, and every attempt may wait for all of it. */
enum { CHANGE_TIMEOUT_MS = 60000, PATH_SIZE = 64 };
#define ID_MAX ((UINT64_C(1) << 53) - 1)

static void add_rows(struct table *table, struct json_span configuration, const char *list_name, const char *role) {
    struct json_span list, member, id, url, promote;
    if (!json_member(configuration, list_name, &list) || json_type(list) != JSON_ARRAY) {
        return;
    }
    struct json_cursor cursor = json_open(list);
    while (json_next_element(&cursor, &member)) {
        if (!json_member(member, "id", &id) || !json_member(member, "url", &url) || json_type(url) != JSON_STRING) {
            continue;
        }
        bool on_the_way = json_member(member, "promote", &promote) && json_type(promote) == JSON_TRUE;
        char *text = malloc(url.size + 1);
        size_t size = text != NULL ? json_string_decode(url, text) : 0;
        table_cell(table, "%.*s", (int)id.size, id.data);
        table_cell(table, "%s%s", role, on_the_way ? ", on its way to vote" : "");
        table_cell(table, "%.*s", (int)size, text != NULL ? text : "");
        free(text);
    }
}

static int show(const struct ctl *ctl, const struct raftclient_answer *answer) {
    struct json_span configuration;
    size_t offset;
    if (ctl->options->json) {
        return ctl_line(answer->body, answer->body_size) ? CTL_DONE : CTL_FAILED;
    }
    if (!json_scan(answer->body, answer->body_size, &configuration, &offset)) {
        fprintf(stderr, "raftctl: %s answered what is no configuration\n", answer->node_url);
        return CTL_FAILED;
    }
    struct table table = {0};
    table_row(&table, "ID", "ROLE", "URL", NULL);
    add_rows(&table, configuration, "voters", "voter");
    add_rows(&table, configuration, "outgoing", "voter, on its way out");
    add_rows(&table, configuration, "learners", "learner");
    table_print(&table, stdout);
    return CTL_DONE;
}

static int change(struct ctl *ctl, const char *method, const char *path, const char *body) {
    const struct raftclient_request request = {.size = sizeof request,
                                               .method = method,
                                               .path = path,
                                               .body = body,
                                               .body_size = body != NULL ? strlen(body) : 0,
                                               .repeatable = true,
                                               .takes_timeout = true,
                                               .attempt_ms = CHANGE_TIMEOUT_MS};
    if (ctl->options->timeout_ms == 0) {
        raftclient_set_timeout(ctl->client, CHANGE_TIMEOUT_MS);
    }
    const struct raftclient_answer *answer = raftclient_call(ctl->client, &request);
    int code = ctl_judge(answer);
    return code == CTL_DONE ? show(ctl, answer) : code;
}

static int add(struct ctl *ctl, uint64_t id) {
    struct json_writer writer = {0};
    size_t size;
    json_write_object_begin(&writer);
    json_write_name(&writer, "id");
    json_write_uint64(&writer, id);
    json_write_name(&writer, "url");
    json_write_text(&writer, ctl->options->arguments[2]);
    if (ctl->options->learner) {
        json_write_name(&writer, "role");
        json_write_text(&writer, "learner");
    }
    json_write_object_end(&writer);
    char *body = json_writer_take(&writer, &size);
    int code = change(ctl, "POST", "/v1/members", body);
    free(body);
    return code;
}

int members_run(struct ctl *ctl) {
    const struct options *options = ctl->options;
    const char *deed = options->argument_count > 0 ? options->arguments[0] : "list";
    bool adds = strcmp(deed, "add") == 0, promotes = strcmp(deed, "promote") == 0, removes = strcmp(deed, "remove") == 0;
    const struct raftclient_answer *answer;
    uint64_t id = 0;
    char path[PATH_SIZE];
    if (options->learner && !adds) {
        return ctl_wrong("--learner is an option of members add");
    }
    if (strcmp(deed, "list") == 0 && options->argument_count <= 1) {
        int code = ctl_get(ctl, "/v1/members", &answer);
        return code == CTL_DONE ? show(ctl, answer) : code;
    }
    if ((!adds && !promotes && !removes) || options->argument_count != (adds ? 3u : 2u) ||
        !options_number(options->arguments[1], 1, ID_MAX, &id)) {
        return ctl_wrong("members takes nothing, list, add ID URL, promote ID or remove ID");
    }
    if (adds) {
        return add(ctl, id);
    }
    snprintf(path, sizeof path, "/v1/members/%" PRIu64 "%s", id, promotes ? "/promote" : "");
    return change(ctl, promotes ? "POST" : "DELETE", path, NULL);
}
