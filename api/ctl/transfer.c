#include "api/ctl/ctl.h"

#include "server/json/json.h"

#include <inttypes.h>
#include <string.h>

enum { TRANSFER_TIMEOUT_MS = 60000 };
#define ID_MAX ((UINT64_C(1) << 53) - 1)

static int show(const struct ctl *ctl, const struct raftclient_answer *answer) {
    struct json_span object, leader, term;
    size_t offset;
    char line[128];
    if (!ctl->options->json && json_scan(answer->body, answer->body_size, &object, &offset) &&
        json_member(object, "leader", &leader) && json_member(object, "term", &term)) {
        int size = snprintf(line, sizeof line, "node %.*s leads in term %.*s", (int)leader.size, leader.data,
                            (int)term.size, term.data);
        return ctl_line(line, (size_t)size) ? CTL_DONE : CTL_FAILED;
    }
    return ctl_line(answer->body, answer->body_size) ? CTL_DONE : CTL_FAILED;
}

int transfer_run(struct ctl *ctl) {
    const struct options *options = ctl->options;
    char body[64] = "{}";
    uint64_t id;
    if (options->argument_count > 1 ||
        (options->argument_count == 1 && !options_number(options->arguments[0], 1, ID_MAX, &id))) {
        return ctl_wrong("transfer takes the id of a node, or nothing");
    }
    if (options->argument_count == 1) {
        snprintf(body, sizeof body, "{\"to\":%" PRIu64 "}", id);
    }
    const struct raftclient_request request = {
        .size = sizeof request,
        .method = "POST",
        .path = "/v1/leader/transfer",
        .body = body,
        .body_size = strlen(body),
        .repeatable = options->argument_count == 1, /* To whoever is the furthest, twice, may hand it over twice. */
        .takes_timeout = true,
        .attempt_ms = TRANSFER_TIMEOUT_MS};
    if (options->timeout_ms == 0) {
        raftclient_set_timeout(ctl->client, TRANSFER_TIMEOUT_MS);
    }
    const struct raftclient_answer *answer = raftclient_call(ctl->client, &request);
    int code = ctl_judge(answer);
    return code == CTL_DONE ? show(ctl, answer) : code;
}
