#include "server/sessions.h"

#include "server/base/memory.h"
#include "server/sessions_record.h"
#include "server/sessions_table.h"

#include <assert.h>
#include <stdlib.h>

/* What one entry takes out, of sessions and of keys, of what is over. More than one of each: an entry adds one at most, so
 * that what is over gets less with every entry. */
enum { OVER_PER_ENTRY = 16 };

static_assert(SESSIONS_RESULT_MAX <= SESSIONS_RESULTS_MAX, "one result alone must not exceed what all may have");
static_assert(SESSIONS_KEY_SIZE_MAX <= PAIR_KEY_SIZE_MAX / 2, "keys are parts of the trees' keys");

struct sessions *sessions_table_create(struct sessions_limits limits) {
    assert(limits.sessions > 0 && limits.keys > 0 && limits.result_size <= limits.result_bytes);
    struct sessions *sessions = memory_zalloc(sizeof *sessions);
    sessions->limits = limits;
    return sessions;
}

struct sessions *sessions_create(void) {
    return sessions_table_create((struct sessions_limits){
        .sessions = SESSIONS_MAX,
        .keys = SESSIONS_KEYS_MAX,
        .result_bytes = SESSIONS_RESULTS_MAX,
        .result_size = SESSIONS_RESULT_MAX,
    });
}

void sessions_destroy(struct sessions *sessions) {
    if (sessions != NULL) {
        sessions_clients_clear(&sessions->clients);
        sessions_keys_clear(&sessions->keys);
        free(sessions);
    }
}

/* A stamp from before the latest one, which no leader should make, stops the clock and does not turn it back. */
static void set_clock(struct sessions *sessions, uint64_t time_ms) {
    if (time_ms > sessions->now_ms) {
        sessions->now_ms = time_ms;
    }
}

void sessions_open(struct sessions *sessions, uint64_t session, uint64_t time_ms) {
    assert(session != 0);
    set_clock(sessions, time_ms);
    /* Indexes do not come twice; one is there already only in a table restored from a snapshot of another log. */
    sessions_clients_remove(&sessions->clients, session);
    while (sessions->clients.heads.count >= sessions->limits.sessions) {
        sessions_clients_remove_oldest(&sessions->clients);
    }
    struct sessions_client client = {.session = session, .last_used_ms = sessions->now_ms};
    sessions_clients_add(&sessions->clients, &client, (struct json_span){.data = "", .size = 0});
}

bool sessions_close(struct sessions *sessions, uint64_t session, uint64_t time_ms) {
    set_clock(sessions, time_ms);
    struct sessions_client client;
    if (!sessions_clients_find(&sessions->clients, session, sessions->now_ms, &client)) {
        return false;
    }
    sessions_clients_remove(&sessions->clients, session);
    return true;
}

void sessions_advance(struct sessions *sessions, uint64_t time_ms) {
    set_clock(sessions, time_ms);
    for (int i = 0; i < OVER_PER_ENTRY && sessions_clients_remove_over(&sessions->clients, sessions->now_ms); i++) {
    }
    for (int i = 0; i < OVER_PER_ENTRY && sessions_keys_remove_over(&sessions->keys, sessions->now_ms); i++) {
    }
}

static struct sessions_answer answer_of_client(const struct sessions *sessions, const struct sessions_client *client) {
    struct json_span result = sessions_clients_result(&sessions->clients, client);
    return (struct sessions_answer){
        .id = client->id,
        .sequence = client->sequence,
        .omitted = client->sequence != 0 && result.size == 0,
        .result = result,
    };
}

static enum sessions_verdict begin_in_session(struct sessions *sessions, const struct sessions_origin *origin,
                                              struct sessions_answer *out_answer) {
    struct sessions_client client;
    if (!sessions_clients_find(&sessions->clients, origin->session, sessions->now_ms, &client)) {
        return SESSIONS_EXPIRED;
    }
    sessions_clients_use(&sessions->clients, &client, sessions->now_ms);
    if (origin->sequence > client.sequence) {
        return SESSIONS_APPLY;
    }
    if (origin->sequence < client.sequence || origin->sequence == 0) {
        return SESSIONS_STALE;
    }
    *out_answer = answer_of_client(sessions, &client);
    return SESSIONS_DUPLICATE;
}

static enum sessions_verdict begin_with_key(struct sessions *sessions, const struct sessions_origin *origin,
                                            struct json_span command, struct sessions_answer *out_answer) {
    assert(origin->key_size > 0 && origin->key_size <= SESSIONS_KEY_SIZE_MAX);
    struct sessions_key record;
    if (!sessions_keys_find(&sessions->keys, origin->key, origin->key_size, sessions->now_ms, &record)) {
        return SESSIONS_APPLY;
    }
    if (!sessions_hash_equal(record.command, sessions_hash_of(command))) {
        return SESSIONS_KEY_REUSED;
    }
    *out_answer = (struct sessions_answer){.id = record.id, .omitted = record.result.size == 0, .result = record.result};
    return SESSIONS_DUPLICATE;
}

enum sessions_verdict sessions_begin(struct sessions *sessions, const struct sessions_origin *origin,
                                     struct json_span command, struct sessions_answer *out_answer) {
    set_clock(sessions, origin->time_ms);
    if (origin->session != 0) {
        return begin_in_session(sessions, origin, out_answer);
    }
    return origin->key == NULL ? SESSIONS_APPLY : begin_with_key(sessions, origin, command, out_answer);
}

static void end_in_session(struct sessions *sessions, const struct sessions_origin *origin, struct raft_entry_id id,
                           struct json_span kept) {
    struct sessions_client client;
    bool found = sessions_clients_find(&sessions->clients, origin->session, sessions->now_ms, &client);
    assert(found); /* It was there when sessions_begin said SESSIONS_APPLY. */
    sessions_clients_answer(&sessions->clients, &client, origin->sequence, id, kept);
    sessions_clients_trim(&sessions->clients, sessions->limits.result_bytes, sessions->now_ms);
}

static void end_with_key(struct sessions *sessions, const struct sessions_origin *origin, struct json_span command,
                         struct raft_entry_id id, struct json_span kept) {
    sessions_keys_put(&sessions->keys, &(struct sessions_key){
                                           .key = origin->key,
                                           .key_size = origin->key_size,
                                           .first_used_ms = sessions->now_ms,
                                           .id = id,
                                           .command = sessions_hash_of(command),
                                           .result = kept,
                                       });
    sessions_keys_trim(&sessions->keys, sessions->limits.keys, sessions->limits.result_bytes);
}

void sessions_end(struct sessions *sessions, const struct sessions_origin *origin, struct json_span command,
                  struct raft_entry_id id, bool refused, struct json_span result) {
    assert(id.index > 0 && id.term > 0);
    if (refused || (origin->session == 0 && origin->key == NULL)) {
        return;
    }
    bool kept = sessions_record_is_kept(result, sessions->limits.result_size);
    struct json_span what = kept ? result : (struct json_span){.data = "", .size = 0};
    if (origin->session != 0) {
        end_in_session(sessions, origin, id, what);
    } else {
        end_with_key(sessions, origin, command, id, what);
    }
}

bool sessions_last(const struct sessions *sessions, uint64_t session, struct sessions_answer *out_answer) {
    struct sessions_client client;
    if (!sessions_clients_find(&sessions->clients, session, sessions->now_ms, &client)) {
        return false;
    }
    *out_answer = answer_of_client(sessions, &client);
    return true;
}

uint64_t sessions_time_ms(const struct sessions *sessions) {
    return sessions->now_ms;
}

size_t sessions_count(const struct sessions *sessions) {
    return (size_t)sessions->clients.heads.count;
}

size_t sessions_key_count(const struct sessions *sessions) {
    return (size_t)sessions->keys.ages.count;
}
