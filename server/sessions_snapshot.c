/* The table in a snapshot. Numbers are unsigned and big-endian:
 *
 *     table     "raftdses"  version:4 = 1  cluster_time_ms:8  session*  0:8  key*  0:1
 *     session   id:8 (not 0)  last_use_ms:8  sequence:8  index:8  term:8  result_size:4  result
 *     key       key_size:1 (1 to 128)  key  first_use_ms:8  index:8  term:8  command_hash:16  result_size:4  result
 *
 * Sessions ascend by id; keys by first use, index and the key's bytes. Sequence, index and term are 0 before a session's
 * first answer, and none of them is later. A result is JSON; result_size 0 stands for an answer whose result is not kept.
 * What is over at the cluster time is left out, however much of it the table still holds, so that equal tables write equal
 * bytes; for the same reason what sessions_restore accepts would be written again byte for byte. There are no counts: they
 * would have to be found out by a walk before the first record could be written.
 *
 * A table at 7 s with session 5, opened at 6 s and not used yet, and no key, 73 bytes:
 *
 *     72 61 66 74 64 73 65 73  00 00 00 01  00 00 00 00 00 00 1b 58      raftdses, version 1, 7000 ms
 *     00 00 00 00 00 00 00 05  00 00 00 00 00 00 17 70                   session 5, 6000 ms
 *     00 (24 times)            00 00 00 00                               no answer, no result
 *     00 00 00 00 00 00 00 00  00                                        no more sessions, no keys */
#include "server/sessions_snapshot.h"

#include "server/base/memory.h"
#include "server/machine/cow_cursor.h"
#include "server/machine/snapshot_stream.h"
#include "server/sessions_record.h"
#include "server/sessions_table.h"

#include <stdlib.h>

/* What writing needs of a table; the other trees say the same in another order. */
struct frozen {
    uint64_t now_ms;
    struct sessions_clients clients; /* Heads and results. */
    struct cow_tree ages;            /* Of keys. */
};

void *sessions_freeze(struct sessions *sessions) {
    struct frozen *frozen = memory_zalloc(sizeof *frozen);
    frozen->now_ms = sessions->now_ms;
    frozen->clients.heads = cow_tree_share(&sessions->clients.heads);
    frozen->clients.results = cow_tree_share(&sessions->clients.results);
    frozen->ages = cow_tree_share(&sessions->keys.ages);
    return frozen;
}

void sessions_release(struct sessions *sessions, void *frozen) {
    (void)sessions; /* Trees count their nodes; the table they were shared from has no part in that. */
    struct frozen *view = frozen;
    sessions_clients_clear(&view->clients);
    cow_tree_clear(&view->ages);
    free(view);
}

static void write_result(struct snapshot_writer *writer, struct json_span result) {
    snapshot_write_number(writer, result.size, SESSIONS_SNAPSHOT_RESULT_SIZE_WIDTH);
    snapshot_write_bytes(writer, result.data, result.size);
}

static void write_clients(struct snapshot_writer *writer, const struct frozen *frozen) {
    struct cow_cursor cursor = cow_cursor_seek(&frozen->clients.heads, "", 0, false);
    const struct pair *pair;
    while (snapshot_writer_is_good(writer) && (pair = cow_cursor_next(&cursor)) != NULL) {
        struct sessions_client client = sessions_clients_read(pair);
        if (sessions_record_is_over(client.last_used_ms, frozen->now_ms)) {
            continue;
        }
        snapshot_write_number(writer, client.session, SESSIONS_NUMBER_SIZE);
        snapshot_write_number(writer, client.last_used_ms, SESSIONS_NUMBER_SIZE);
        snapshot_write_number(writer, client.sequence, SESSIONS_NUMBER_SIZE);
        snapshot_write_number(writer, client.id.index, SESSIONS_NUMBER_SIZE);
        snapshot_write_number(writer, client.id.term, SESSIONS_NUMBER_SIZE);
        write_result(writer, sessions_clients_result(&frozen->clients, &client));
    }
    snapshot_write_number(writer, 0, SESSIONS_NUMBER_SIZE);
}

static void write_keys(struct snapshot_writer *writer, const struct frozen *frozen) {
    struct cow_cursor cursor = sessions_keys_walk(&frozen->ages, frozen->now_ms);
    const struct pair *pair;
    while (snapshot_writer_is_good(writer) && (pair = cow_cursor_next(&cursor)) != NULL) {
        struct sessions_key record = sessions_keys_read(pair);
        snapshot_write_number(writer, record.key_size, SESSIONS_SNAPSHOT_KEY_SIZE_WIDTH);
        snapshot_write_bytes(writer, record.key, record.key_size);
        snapshot_write_number(writer, record.first_used_ms, SESSIONS_NUMBER_SIZE);
        snapshot_write_number(writer, record.id.index, SESSIONS_NUMBER_SIZE);
        snapshot_write_number(writer, record.id.term, SESSIONS_NUMBER_SIZE);
        snapshot_write_number(writer, record.command.high, SESSIONS_NUMBER_SIZE);
        snapshot_write_number(writer, record.command.low, SESSIONS_NUMBER_SIZE);
        write_result(writer, record.result);
    }
    snapshot_write_number(writer, 0, SESSIONS_SNAPSHOT_KEY_SIZE_WIDTH);
}

bool sessions_write(const void *frozen, struct machine_output snapshot) {
    const struct frozen *view = frozen;
    struct snapshot_writer *writer = snapshot_writer_create(snapshot);
    snapshot_write_head(writer, SESSIONS_SNAPSHOT_NAME, SESSIONS_SNAPSHOT_VERSION);
    snapshot_write_number(writer, view->now_ms, SESSIONS_NUMBER_SIZE);
    write_clients(writer, view);
    write_keys(writer, view);
    return snapshot_writer_finish(writer);
}
