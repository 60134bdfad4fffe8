/* The sessions of the exactly-once table, in three trees:
 *
 *     heads      session                  ->  last use, sequence, index, term      every open session
 *     uses       last use, session        ->  nothing                              the same, least recently used first
 *     results    index, session           ->  the result                           oldest answer first
 *
 * A session whose answer was cut has no result. Using a session writes its head and its place among the uses anew, and
 * never copies a result.
 *
 * Sessions that are over are not found, whether or not they were taken out already: taking them out is house-keeping, done
 * a few at a time, so that no single entry pays for a hundred thousand. */
#ifndef RAFTD_SESSIONS_CLIENTS_H
#define RAFTD_SESSIONS_CLIENTS_H

#include "server/json/json.h"
#include "server/machine/cow_tree.h"
#include "server/raft/raft.h"

#include <stdbool.h>
#include <stdint.h>

/* Zero-initialise to begin. */
struct sessions_clients {
    struct cow_tree heads;
    struct cow_tree uses;
    struct cow_tree results;
    uint64_t result_bytes;
};

/* One session's head. */
struct sessions_client {
    uint64_t session;
    uint64_t last_used_ms;
    uint64_t sequence;       /* Of the highest applied proposal; 0 before the first. */
    struct raft_entry_id id; /* Its entry; {0,0} before the first. */
};

void sessions_clients_clear(struct sessions_clients *clients);

/* False: no such session, or it is over. */
bool sessions_clients_find(const struct sessions_clients *clients, uint64_t session, uint64_t now_ms,
                           struct sessions_client *out_client);
/* The result of its last answer, borrowed; size 0: there is none. */
struct json_span sessions_clients_result(const struct sessions_clients *clients, const struct sessions_client *client);

/* Puts in a session that is not there. `result` has size 0 when there is none. */
void sessions_clients_add(struct sessions_clients *clients, const struct sessions_client *client, struct json_span result);
/* Takes a session out, over or not; nothing happens when it is not there. */
void sessions_clients_remove(struct sessions_clients *clients, uint64_t session);
/* Takes out the least recently used session, of several the one with the lowest id. There is one. */
void sessions_clients_remove_oldest(struct sessions_clients *clients);
/* Takes out one session that is over. False: there is none. */
bool sessions_clients_remove_over(struct sessions_clients *clients, uint64_t now_ms);

/* Notes that the session was used, in the table and in `client`. */
void sessions_clients_use(struct sessions_clients *clients, struct sessions_client *client, uint64_t now_ms);
/* Replaces its last answer. `result` has size 0 when it is not kept. */
void sessions_clients_answer(struct sessions_clients *clients, const struct sessions_client *client, uint64_t sequence,
                             struct raft_entry_id id, struct json_span result);
/* Cuts the oldest answers until all results together have at most `bytes_max` bytes. Sessions that are over go before
 * anything of others is cut: what is cut must not depend on how much house-keeping was done. */
void sessions_clients_trim(struct sessions_clients *clients, uint64_t bytes_max, uint64_t now_ms);

/* The head in a pair of `heads`. */
struct sessions_client sessions_clients_read(const struct pair *head);

#endif
