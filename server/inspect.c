#include "server/inspect.h"

#include "server/inspect_report.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* -- The command line -- */

enum options_end inspect_read(const char *const *arguments, const char *const *environment,
                              struct inspect_request *out_request, struct options_message *out_message) {
    const char *folder = options_environment(environment, "RAFTD_DATA_DIR");
    *out_request = (struct inspect_request){.data_dir = folder != NULL ? folder : "./raftd-data"};
    for (const char *const *at = arguments; *at != NULL; at++) {
        if (strcmp(*at, "--help") == 0) {
            return OPTIONS_HELP;
        }
        if (strcmp(*at, "--json") == 0) {
            out_request->json = true;
        } else if (strncmp(*at, "--data-dir=", 11) == 0 && (*at)[11] != '\0') {
            out_request->data_dir = *at + 11;
        } else if (strcmp(*at, "--data-dir") == 0 && at[1] != NULL) {
            out_request->data_dir = *++at;
        } else {
            snprintf(out_message->text, sizeof out_message->text,
                     "inspect: '%.200s' is not understood; it takes --data-dir FOLDER and --json", *at);
            return OPTIONS_WRONG;
        }
    }
    return OPTIONS_RUN;
}

/* -- Telling -- */

static void number(struct json_writer *out, const char *name, uint64_t value) {
    json_write_name(out, name);
    json_write_uint64(out, value);
}

static void text(struct json_writer *out, const char *name, const char *value) {
    json_write_name(out, name);
    json_write_text(out, value);
}

static void write_json(const struct inspect_report *report, struct json_writer *out) {
    const struct storage_state *state = &report->state;
    json_write_object_begin(out);
    json_write_name(out, "sound");
    json_write_bool(out, true);
    number(out, "id", state->identity.node_id);
    text(out, "incarnation", state->identity.incarnation);
    text(out, "cluster_id", state->identity.cluster_id);
    json_write_name(out, "formed");
    json_write_bool(out, state->identity.formed);
    number(out, "term", state->hard_state.term);
    number(out, "voted_for", state->hard_state.voted_for);
    number(out, "first_index", state->base.index + 1);
    number(out, "last_index", state->last.index);
    number(out, "last_term", state->last.term);
    number(out, "commands", report->commands);
    number(out, "noops", report->noops);
    number(out, "configurations", report->configurations);
    number(out, "sessions", report->sessions);
    json_write_name(out, "snapshot");
    if (state->snapshot.length == 0) {
        json_write_null(out);
    } else {
        json_write_object_begin(out);
        number(out, "index", state->snapshot.id.index);
        number(out, "term", state->snapshot.id.term);
        number(out, "size_bytes", state->snapshot.length);
        text(out, "machine", report->head.machine);
        json_write_object_end(out);
    }
    number(out, "configuration_index", report->members_index);
    json_write_name(out, "configuration");
    if (report->members.count == 0) {
        json_write_null(out);
    } else {
        members_write(&report->members, out);
    }
    json_write_name(out, "mended_at_start");
    json_write_array_begin(out);
    for (size_t i = 0; i < report->mended_count; i++) {
        json_write_text(out, report->mended[i]);
    }
    json_write_array_end(out);
    json_write_object_end(out);
    json_write_bytes(out, "\n", 1);
}

static void print_log(const struct inspect_report *report) {
    const struct storage_state *state = &report->state;
    if (state->last.index == state->base.index) {
        printf("log            empty after entry %" PRIu64 "\n", state->base.index);
        return;
    }
    printf("log            entries %" PRIu64 " to %" PRIu64 ", terms %" PRIu64 " to %" PRIu64 ": %" PRIu64
           " commands, %" PRIu64 " of sessions, %" PRIu64 " configurations, %" PRIu64 " no-ops\n",
           state->base.index + 1, state->last.index, report->first_term, state->last.term, report->commands,
           report->sessions, report->configurations, report->noops);
}

static void print_members(const struct inspect_report *report) {
    for (size_t i = 0; i < report->members.count; i++) {
        const struct members_member *member = &report->members.list[i];
        printf("%-14s node %" PRIu64 ", %s, %s\n", i == 0 ? "members" : "", member->id,
               member->outgoing && !member->voter ? "a voter on the way out"
               : member->voter                    ? "voter"
                                                  : "learner",
               member->url);
    }
    if (report->members.count > 0) {
        printf("%-14s as of the configuration of index %" PRIu64 ", committed or not\n", "", report->members_index);
    }
}

static void print_text(const char *data_dir, const struct inspect_report *report) {
    const struct storage_state *state = &report->state;
    printf("%s is sound\n", data_dir);
    printf("node           %" PRIu64 ", incarnation %s\n", state->identity.node_id, state->identity.incarnation);
    if (state->identity.cluster_id[0] == '\0') {
        printf("cluster        none yet\n");
    } else {
        printf("cluster        %s%s\n", state->identity.cluster_id, state->identity.formed ? "" : ", not formed yet");
    }
    if (state->hard_state.voted_for == 0) {
        printf("hard state     term %" PRIu64 ", no vote\n", state->hard_state.term);
    } else {
        printf("hard state     term %" PRIu64 ", vote for node %" PRIu64 "\n", state->hard_state.term,
               state->hard_state.voted_for);
    }
    print_log(report);
    if (state->snapshot.length == 0) {
        printf("snapshot       none\n");
    } else {
        printf("snapshot       of index %" PRIu64 ", term %" PRIu64 ", %" PRIu64 " bytes, machine %s\n",
               state->snapshot.id.index, state->snapshot.id.term, state->snapshot.length, report->head.machine);
    }
    print_members(report);
    for (size_t i = 0; i < report->mended_count; i++) {
        printf("%-14s %s\n", i == 0 ? "a start mends" : "", report->mended[i]);
    }
}

bool inspect_run(const struct inspect_request *request) {
    struct inspect_report *report = inspect_report_make(request->data_dir);
    bool sound = report->sound;
    if (!sound) {
        fprintf(stderr, "raftd: %s\n", report->why.text);
    } else if (request->json) {
        struct json_writer out = {0};
        write_json(report, &out);
        fwrite(out.data, 1, out.size, stdout);
        json_writer_discard(&out);
    } else {
        print_text(request->data_dir, report);
    }
    free(report);
    return sound;
}
