/* A session's proposal that is refused because the session is gone was not applied by that attempt. If it was the first
 * one, nothing of this proposal was, and it goes out in a new session; otherwise an earlier attempt may have been applied
 * before the session went, nobody can say any more, and it is not sent again. */
#include "api/client/propose.h"

#include "api/client/call.h"
#include "api/client/clock.h"
#include "api/client/reading.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { PATH_SIZE = 96, KEY_BYTES = 16, HEADER_SIZE = 64 + RAFTCLIENT_KEY_MAX };

/* Reads what a call that is done was answered. An answer that is none leaves it open what has happened. */
static const struct raftclient_answer *read_answer(struct raftclient *client, enum raftclient_outcome otherwise) {
    struct raftclient_answer *answer = &client->answer;
    if (answer->outcome == RAFTCLIENT_DONE && !reading_result(answer)) {
        char detail[RAFTCLIENT_URL_MAX + 64];
        snprintf(detail, sizeof detail, "%s answered %u, which is no answer of raftd's", client->node_url, answer->status);
        return call_say(client, otherwise, "bad_answer", detail);
    }
    return answer;
}

static bool open_session(struct raftclient *client, uint64_t deadline_ms) {
    const struct call call = {.method = "POST",
                              .path = "/v1/sessions",
                              .kind = VERDICT_REPEATABLE, /* One too many does no harm, and is forgotten. */
                              .takes_timeout = true,
                              .deadline_ms = deadline_ms};
    const struct raftclient_answer *answer = call_run(client, &call);
    if (answer->outcome == RAFTCLIENT_DONE) {
        client->session = reading_session(answer->body, answer->body_size);
        client->sequence = 0;
        if (client->session == 0) {
            call_say(client, RAFTCLIENT_UNAVAILABLE, "bad_answer", "no session was opened");
        }
    } else if (answer->outcome == RAFTCLIENT_UNKNOWN) {
        client->answer.outcome = RAFTCLIENT_UNAVAILABLE; /* Nothing was proposed. */
    }
    return client->session != 0;
}

static const struct raftclient_answer *propose_in_session(struct raftclient *client, const char *command, size_t size) {
    uint64_t deadline = call_deadline(client);
    for (bool again = false;; again = true) {
        if (client->session == 0 && !open_session(client, deadline)) {
            return &client->answer;
        }
        char path[PATH_SIZE];
        snprintf(path, sizeof path, "/v1/propose?session=%" PRIu64 "&seq=%" PRIu64, client->session, ++client->sequence);
        const struct call call = {.method = "POST",
                                  .path = path,
                                  .body = command,
                                  .body_size = size,
                                  .kind = VERDICT_REPEATABLE,
                                  .takes_timeout = true,
                                  .deadline_ms = deadline};
        const struct raftclient_answer *answer = call_run(client, &call);
        if (strcmp(answer->code, "session_expired") != 0) {
            return read_answer(client, RAFTCLIENT_UNKNOWN);
        }
        client->session = 0;
        if (again || answer->outcome != RAFTCLIENT_REJECTED) {
            return answer;
        }
    }
}

static const struct raftclient_answer *propose_with_key(struct raftclient *client, const char *key, const char *command,
                                                        size_t size) {
    char header[HEADER_SIZE];
    snprintf(header, sizeof header, "Idempotency-Key: %s", key);
    const struct call call = {.method = "POST",
                              .path = "/v1/propose",
                              .body = command,
                              .body_size = size,
                              .header = header,
                              .kind = VERDICT_REPEATABLE,
                              .takes_timeout = true,
                              .deadline_ms = call_deadline(client)};
    call_run(client, &call);
    return read_answer(client, RAFTCLIENT_UNKNOWN);
}

const struct raftclient_answer *raftclient_propose(struct raftclient *client, const char *command, size_t size) {
    call_begin(client);
    if (!client->options.use_keys) {
        return propose_in_session(client, command, size);
    }
    unsigned char bytes[KEY_BYTES];
    char key[2 * KEY_BYTES + 1];
    clock_random(bytes, sizeof bytes);
    for (size_t i = 0; i < sizeof bytes; i++) {
        snprintf(key + 2 * i, 3, "%02x", bytes[i]);
    }
    return propose_with_key(client, key, command, size);
}

const struct raftclient_answer *raftclient_propose_keyed(struct raftclient *client, const char *key, const char *command,
                                                         size_t size) {
    call_begin(client);
    size_t length = strlen(key);
    bool printable = length >= 1 && length <= RAFTCLIENT_KEY_MAX;
    for (size_t i = 0; printable && i < length; i++) {
        /* A blank at either end would be lost on the way. */
        printable = key[i] > ' ' ? key[i] < 0x7F : key[i] == ' ' && i > 0 && i + 1 < length;
    }
    if (!printable) {
        return call_say(client, RAFTCLIENT_REJECTED, "bad_request", "a key is 1 to 128 printable ASCII characters");
    }
    return propose_with_key(client, key, command, size);
}

void propose_close(struct raftclient *client) {
    if (client->session == 0) {
        return;
    }
    char path[PATH_SIZE];
    snprintf(path, sizeof path, "/v1/sessions/%" PRIu64, client->session);
    const struct call call = {.method = "DELETE",
                              .path = path,
                              .kind = VERDICT_REPEATABLE,
                              .takes_timeout = true,
                              .deadline_ms = clock_after(clock_ms(), RAFTCLIENT_CLOSE_MS)};
    client->session = 0;
    call_begin(client);
    call_run(client, &call);
}
