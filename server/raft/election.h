/* Elections: time-outs, PreVote, votes (§3.4, §3.6.1, §4.2.3, §9.6). */
#ifndef RAFT_ELECTION_H
#define RAFT_ELECTION_H

#include "server/raft/state.h"

/* Draws a new time-out: from 1 to 2 times election_timeout_ms from now on (§3.4); in a hurry, of what a promise lasts. */
void election_restart_timer(struct raft *raft);

/* The leader of this term was heard: no vote for anybody else for a while (§4.2.3), and the promise for leases (§6.4.1). */
void election_leader_heard(struct raft *raft, raft_node_id leader);

/* The clock has moved since the leader was heard, in the same turn: the promise counts from now, since the answer that
 * gives it has not left yet and the request may have been sent after the time that was read before it. */
void election_renew_promise(struct raft *raft);

/* The leader that is followed seems to be gone (raft_hint_gone). */
void election_leader_gone(struct raft *raft);

/* How long an answer to AppendEntries binds this server: 1.5 heartbeats. */
uint32_t election_promise_ms(const struct raft *raft);

/* The leader asked for it: campaigns at once, without asking for pre-votes (§3.10). */
void election_start_transfer(struct raft *raft);

/* It decides everything by itself. */
bool election_is_sole_voter(const struct raft *raft);

/* raft->unfit has changed: who may not lead stops campaigning. */
void election_set_unfit(struct raft *raft);

/* Follower or candidate: campaigns when the time is over. */
void election_tick(struct raft *raft);

/* When election_tick has something to do; UINT64_MAX: never. */
uint64_t election_next_ms(const struct raft *raft);

/* A pre-vote request never changes this server's term; a vote request does, unless a leader is alive (§4.2.3). */
void election_receive_request(struct raft *raft, const struct raft_message *request);
void election_receive_answer(struct raft *raft, const struct raft_message *answer);
void election_send_failed(struct raft *raft, raft_node_id to, raft_round round);

/* The candidate's own vote counts once it is on disk. */
void election_persisted(struct raft *raft, raft_write write);

#endif
