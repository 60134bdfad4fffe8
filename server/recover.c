#include "server/recover.h"

#include "server/inspect_report.h"
#include "server/intake_mark.h"
#include "server/new_cluster.h"

#include "server/base/buffer.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum options_end recover_read(const char *const *arguments, const char *const *environment,
                              struct recover_request *out_request, struct options_message *out_message) {
    const char *folder = options_environment(environment, "RAFTD_DATA_DIR");
    *out_request = (struct recover_request){.data_dir = folder != NULL ? folder : "./raftd-data"};
    for (const char *const *at = arguments; *at != NULL; at++) {
        if (strcmp(*at, "--help") == 0) {
            return OPTIONS_HELP;
        }
        if (strcmp(*at, "--yes") == 0) {
            out_request->yes = true;
        } else if (strncmp(*at, "--data-dir=", 11) == 0 && (*at)[11] != '\0') {
            out_request->data_dir = *at + 11;
        } else if (strcmp(*at, "--data-dir") == 0 && at[1] != NULL) {
            out_request->data_dir = *++at;
        } else {
            snprintf(out_message->text, sizeof out_message->text,
                     "recover: '%.200s' is not understood; it takes --data-dir FOLDER and --yes", *at);
            return OPTIONS_WRONG;
        }
    }
    return OPTIONS_RUN;
}

/* -- What there is -- */

static bool refuse(struct storage_message *out_message, const char *text) {
    snprintf(out_message->text, sizeof out_message->text, "%s", text);
    return false;
}

static size_t count_voters(const struct members *members) {
    size_t count = 0;
    for (size_t i = 0; i < members->count; i++) {
        count += members->list[i].voter || members->list[i].outgoing ? 1 : 0;
    }
    return count;
}

/* There is something to be recovered, and this is the node for it. */
static bool judge(const struct inspect_report *report, struct storage_message *out_message) {
    const struct storage_identity *identity = &report->state.identity;
    const struct members_member *self = members_find(&report->members, identity->node_id);
    if (!identity->formed || report->members.count == 0) {
        return refuse(out_message, "this node has never been in a cluster that was formed: there is nothing to recover");
    }
    if (self == NULL) {
        return refuse(out_message,
                      "its log says that this node was left out of the cluster; its newest snapshot, in snapshots/, "
                      "can be given to --restore");
    }
    if (count_voters(&report->members) == 1 && (self->voter || self->outgoing)) {
        return refuse(out_message, "this node is the only voter of its cluster already: start it");
    }
    return true;
}

static void tell(const char *data_dir, const struct inspect_report *report) {
    const struct storage_state *state = &report->state;
    const struct members_member *self = members_find(&report->members, state->identity.node_id);
    printf("%s: node %" PRIu64 " of cluster %s\n", data_dir, state->identity.node_id, state->identity.cluster_id);
    for (size_t i = 0; i < report->members.count; i++) {
        const struct members_member *member = &report->members.list[i];
        printf("  %s node %" PRIu64 ", %s, %s\n", member == self ? "this" : "lost", member->id,
               member->voter || member->outgoing ? "voter" : "learner", member->url);
    }
    printf("Its log ends at index %" PRIu64 ", term %" PRIu64 ".\n\n", state->last.index, state->last.term);
    printf(
        "It becomes the only voter of a NEW cluster, with the state of that log. Before you agree:\n"
        "- What a majority acknowledged and this node never got is LOST. How much that is cannot be known here. Run `raftd\n"
        "  inspect` on every directory that is left, and recover only the one whose log ends in the highest term; of\n"
        "  those the one with the highest index.\n"
        "- What stands at the end of its log takes effect, also what no client was answered for.\n"
        "- If a majority of the old cluster runs, or will, do NOT go on: there would be two clusters, each believing\n"
        "  that it is the one. The others can join the new one only with wiped directories.\n"
        "- There is no way back but a copy of the directory, made before.\n");
}

static bool is_agreed(const struct recover_request *request, struct storage_message *out_message) {
    char answer[16] = "";
    if (request->yes) {
        return true;
    }
    if (isatty(STDIN_FILENO) == 0) {
        return refuse(out_message, "nothing is changed; to do it, say --yes");
    }
    printf("\nType yes to go on: ");
    fflush(stdout);
    if (fgets(answer, sizeof answer, stdin) == NULL || strcmp(answer, "yes\n") != 0) {
        return refuse(out_message, "nothing is changed");
    }
    return true;
}

/* -- Doing it -- */

/* The snapshot that counts, with the new cluster's id in it. */
static bool move_snapshot(struct snapshot_directory *directory, const struct storage_snapshot *counts,
                          const char *cluster_id, struct storage_write *write, struct storage_message *out_message) {
    struct snapshot_file *file;
    if (counts->length == 0) {
        return true;
    }
    if (snapshot_file_open(directory, counts, &file, out_message) != STORAGE_OK) {
        return false;
    }
    write->snapshot_changed =
        new_cluster_snapshot(file, cluster_id, NULL, directory, &write->snapshot, out_message) == STORAGE_OK;
    snapshot_file_close(file);
    return write->snapshot_changed;
}

/* The configuration behind the log that makes this node the only voter. */
static struct raft_entry make_configuration(const struct inspect_report *report, struct raft_entry_id id) {
    const struct storage_identity *identity = &report->state.identity;
    const struct members_member *self = members_find(&report->members, identity->node_id);
    struct members alone = {.count = 1, .list = {{.id = self->id, .voter = true}}};
    memcpy(alone.list[0].url, self->url, sizeof alone.list[0].url);
    memcpy(alone.list[0].incarnation, identity->incarnation, sizeof identity->incarnation);
    struct json_writer writer = {0};
    members_write(&alone, &writer);
    size_t size;
    char *text = json_writer_take(&writer, &size);
    return (struct raft_entry){
        .id = id, .type = RAFT_CONFIGURATION, .size = (uint32_t)size, .data = text, .buffer = buffer_take(text, size)};
}

static bool found(struct storage *storage, const struct inspect_report *report, struct storage_write *write,
                  struct storage_message *out_message) {
    const struct storage_state *state = &report->state;
    struct snapshot_directory *directory;
    if (!new_cluster_id(write->cluster_id, out_message) ||
        snapshot_directory_open(storage_directory(storage), &state->snapshot, &directory, out_message) != STORAGE_OK) {
        return false;
    }
    const raft_term term = state->hard_state.term + 1;
    struct raft_entry entry = make_configuration(report, (struct raft_entry_id){state->last.index + 1, term});
    write->entries = &entry;
    write->entry_count = 1;
    write->hard_state_changed = true;
    write->hard_state = (struct raft_hard_state){.term = term};
    write->cluster_changed = true;
    write->formed = true;
    bool done = move_snapshot(directory, &state->snapshot, write->cluster_id, write, out_message) &&
                intake_mark_set(storage_directory(storage), NODE_INTAKE_RECOVERED, out_message) &&
                storage_write(storage, write, out_message) == STORAGE_OK;
    if (done && write->snapshot_changed) {
        snapshot_directory_clean(directory, &write->snapshot);
    }
    snapshot_directory_close(directory);
    buffer_release(entry.buffer);
    return done;
}

static void say_repair(void *context, const char *line) {
    (void)context;
    printf("%s\n", line);
}

static bool recover(const struct recover_request *request, const struct inspect_report *report,
                    struct storage_message *out_message) {
    struct storage *storage;
    if (storage_open(request->data_dir, report->state.identity.node_id, say_repair, NULL, &storage, out_message) !=
        STORAGE_OK) {
        return false;
    }
    struct storage_state now;
    storage_state(storage, &now);
    struct storage_write write = {0};
    bool done = now.last.index == report->state.last.index && now.last.term == report->state.last.term &&
                now.hard_state.term == report->state.hard_state.term;
    if (!done) {
        refuse(out_message, "somebody has used the directory meanwhile: nothing is changed");
    }
    done = done && found(storage, report, &write, out_message);
    storage_close(storage);
    if (done) {
        const struct members_member *self = members_find(&report->members, report->state.identity.node_id);
        printf("\nNode %" PRIu64 " is the only voter of cluster %s. Start it as before. Then wipe the others' directories\n"
               "and start them: as before, where all have the same --cluster list, else with --join %s.\n",
               self->id, write.cluster_id, self->url);
    }
    return done;
}

bool recover_run(const struct recover_request *request) {
    struct inspect_report *report = inspect_report_make(request->data_dir);
    struct storage_message message = report->why;
    bool done = report->sound && judge(report, &message);
    if (done) {
        tell(request->data_dir, report);
        done = is_agreed(request, &message) && recover(request, report, &message);
    }
    fflush(stdout);
    if (!done) {
        bool named = strstr(message.text, request->data_dir) != NULL;
        fprintf(stderr, "raftd: %s%s%s\n", named ? "" : request->data_dir, named ? "" : ": ", message.text);
    }
    free(report);
    return done;
}
