#include "api/client/call.h"
#include "api/client/reading.h"

#include <inttypes.h>
#include <stdio.h>

enum { PATH_SIZE = 96 };

const struct raftclient_answer *raftclient_query(struct raftclient *client, const char *query, size_t size,
                                                 enum raftclient_consistency consistency, uint64_t min_index) {
    static const char *const names[] = {"linearizable", "lease", "stale"};
    char path[PATH_SIZE];
    int length = snprintf(path, sizeof path, "/v1/query?consistency=%s", names[consistency]);
    if (min_index > 0) {
        snprintf(path + length, sizeof path - (size_t)length, "&min_index=%" PRIu64, min_index);
    }
    const struct call call = {.method = "POST",
                              .path = path,
                              .body = query,
                              .body_size = size,
                              .kind = VERDICT_READ,
                              .takes_timeout = true,
                              .spread = client->options.spread_reads,
                              .deadline_ms = call_deadline(client)};
    call_begin(client);
    const struct raftclient_answer *answer = call_run(client, &call);
    if (answer->outcome == RAFTCLIENT_DONE && !reading_result(&client->answer)) {
        return call_say(client, RAFTCLIENT_UNAVAILABLE, "bad_answer", "a node's answer is none of raftd's");
    }
    return answer;
}
