/* Reads the table from a snapshot. Nothing is taken for granted: what is accepted is what a table can hold, and would be
 * written again byte for byte. */
#include "server/sessions.h"

#include "server/machine/snapshot_stream.h"
#include "server/sessions_record.h"
#include "server/sessions_snapshot.h"
#include "server/sessions_table.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

struct restore {
    struct sessions *sessions;
    struct snapshot_reader *reader;
    uint64_t last_session;                      /* The one before; 0 before the first. */
    struct sessions_key last_key;               /* The one before, without its result; key_size 0 before the first. */
    char last_key_bytes[SESSIONS_KEY_SIZE_MAX]; /* What last_key.key points at. */
};

static const char ends_early[] = "the snapshot ends within it";

static bool read_number(struct restore *restore, uint64_t *out_number) {
    return snapshot_read_number(restore->reader, SESSIONS_NUMBER_SIZE, out_number);
}

/* Reads a result, borrowed until the next read, of a table whose results have `bytes_before` bytes so far. Answers what is
 * wrong with it; NULL: nothing. */
static const char *read_result(struct restore *restore, uint64_t bytes_before, struct json_span *out_result) {
    const struct sessions_limits *limits = &restore->sessions->limits;
    uint64_t size;
    if (!snapshot_read_number(restore->reader, SESSIONS_SNAPSHOT_RESULT_SIZE_WIDTH, &size)) {
        return ends_early;
    }
    if (size > limits->result_size) {
        return "its result is too large";
    }
    if (size > limits->result_bytes - bytes_before) {
        return "all results together are too large";
    }
    *out_result = (struct json_span){.data = "", .size = 0};
    if (size == 0) {
        return NULL;
    }
    struct json_span result;
    if (!snapshot_read_span(restore->reader, size, &result)) {
        return ends_early;
    }
    if (!sessions_record_is_kept(result, limits->result_size)) {
        return "its result is no JSON";
    }
    *out_result = result;
    return NULL;
}

/* A time that is now or earlier, and not so early that it would be over. */
static const char *time_fault(const struct restore *restore, uint64_t time_ms) {
    if (time_ms > restore->sessions->now_ms) {
        return "its time is after the table's";
    }
    return sessions_record_is_over(time_ms, restore->sessions->now_ms) ? "its time is over" : NULL;
}

static const char *answer_fault(const struct sessions_client *client, struct json_span result) {
    bool answered = client->sequence != 0;
    if (answered != (client->id.index != 0) || answered != (client->id.term != 0)) {
        return "its answer is half there";
    }
    return !answered && result.size > 0 ? "it has a result without an answer" : NULL;
}

/* What follows the id. */
static const char *restore_client(struct restore *restore, uint64_t session) {
    struct sessions *sessions = restore->sessions;
    struct sessions_client client = {.session = session};
    if (!read_number(restore, &client.last_used_ms) || !read_number(restore, &client.sequence) ||
        !read_number(restore, &client.id.index) || !read_number(restore, &client.id.term)) {
        return ends_early;
    }
    if (session <= restore->last_session) {
        return "its id is not above the one before";
    }
    if (sessions->clients.heads.count == sessions->limits.sessions) {
        return "it is one too many";
    }
    struct json_span result;
    const char *fault = time_fault(restore, client.last_used_ms);
    fault = fault != NULL ? fault : read_result(restore, sessions->clients.result_bytes, &result);
    fault = fault != NULL ? fault : answer_fault(&client, result);
    if (fault == NULL) {
        sessions_clients_add(&sessions->clients, &client, result);
        restore->last_session = session;
    }
    return fault;
}

/* The numbers between a key and its result. */
static bool read_key_numbers(struct restore *restore, struct sessions_key *record) {
    return read_number(restore, &record->first_used_ms) && read_number(restore, &record->id.index) &&
           read_number(restore, &record->id.term) && read_number(restore, &record->command.high) &&
           read_number(restore, &record->command.low);
}

static const char *key_fault(const struct restore *restore, const struct sessions_key *record) {
    const struct sessions *sessions = restore->sessions;
    const char *fault = time_fault(restore, record->first_used_ms);
    if (fault != NULL) {
        return fault;
    }
    if (record->id.index == 0 || record->id.term == 0) {
        return "its answer has no entry";
    }
    if (restore->last_key.key_size > 0 && sessions_keys_compare(record, &restore->last_key) <= 0) {
        return "it is not younger than the one before";
    }
    if (sessions->keys.ages.count == sessions->limits.keys) {
        return "it is one too many";
    }
    struct sessions_key twin;
    bool there = sessions_keys_find(&sessions->keys, record->key, record->key_size, sessions->now_ms, &twin);
    return there ? "it is there twice" : NULL;
}

/* What follows the size of the key. */
static const char *restore_key(struct restore *restore, size_t key_size) {
    char bytes[SESSIONS_KEY_SIZE_MAX];
    struct sessions_key record = {.key = bytes, .key_size = key_size};
    if (key_size > sizeof bytes) {
        return "it is too long";
    }
    if (!snapshot_read_bytes(restore->reader, bytes, key_size) || !read_key_numbers(restore, &record)) {
        return ends_early;
    }
    const char *fault = key_fault(restore, &record);
    fault = fault != NULL ? fault : read_result(restore, restore->sessions->keys.result_bytes, &record.result);
    if (fault == NULL) {
        sessions_keys_put(&restore->sessions->keys, &record);
        memcpy(restore->last_key_bytes, bytes, key_size);
        restore->last_key = record;
        restore->last_key.key = restore->last_key_bytes;
        restore->last_key.result = (struct json_span){.data = "", .size = 0};
    }
    return fault;
}

static void say(struct machine_output why, const char *text) {
    why.append(why.context, text, strlen(text));
}

static bool refuse(struct machine_output why, const char *what, uint64_t number, const char *fault) {
    char place[sizeof "session 18446744073709551615: "];
    snprintf(place, sizeof place, "%s %" PRIu64 ": ", what, number);
    say(why, place);
    say(why, fault);
    return false;
}

static bool restore_clients(struct restore *restore, struct machine_output why) {
    uint64_t session;
    while (read_number(restore, &session)) {
        if (session == 0) {
            return true;
        }
        const char *fault = restore_client(restore, session);
        if (fault != NULL) {
            return refuse(why, "session", session, fault);
        }
    }
    say(why, "the table of sessions ends before its keys");
    return false;
}

static bool restore_keys(struct restore *restore, struct machine_output why) {
    uint64_t key_size;
    while (snapshot_read_number(restore->reader, SESSIONS_SNAPSHOT_KEY_SIZE_WIDTH, &key_size)) {
        if (key_size == 0) {
            return true;
        }
        const char *fault = restore_key(restore, (size_t)key_size);
        if (fault != NULL) {
            return refuse(why, "key", restore->sessions->keys.ages.count + 1, fault);
        }
    }
    say(why, "the table of sessions ends among its keys");
    return false;
}

static bool restore_table(struct restore *restore, struct machine_output why) {
    if (snapshot_read_head(restore->reader, SESSIONS_SNAPSHOT_NAME, SESSIONS_SNAPSHOT_VERSION) != NULL ||
        !read_number(restore, &restore->sessions->now_ms)) {
        say(why, "this is no table of sessions, or of a version that this program does not know");
        return false;
    }
    if (!restore_clients(restore, why) || !restore_keys(restore, why)) {
        return false;
    }
    if (!snapshot_reader_is_at_end(restore->reader)) {
        say(why, "the table of sessions goes on after its end");
        return false;
    }
    return true;
}

bool sessions_restore(struct sessions *sessions, struct machine_input snapshot, struct machine_output why) {
    assert(sessions->clients.heads.count == 0 && sessions->keys.ages.count == 0);
    struct restore restore = {.sessions = sessions, .reader = snapshot_reader_create(snapshot)};
    bool good = restore_table(&restore, why);
    snapshot_reader_destroy(restore.reader);
    return good;
}
