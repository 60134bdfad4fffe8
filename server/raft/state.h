/* One server's whole state, shared by the files of this module; each owns the part that it is named after. */
#ifndef RAFT_STATE_H
#define RAFT_STATE_H

#include "server/raft/configuration.h"
#include "server/raft/log.h"
#include "server/raft/output.h"
#include "server/raft/progress.h"
#include "server/raft/raft.h"
#include "server/raft/reorder.h"

/* A configuration that the host was told it may append (membership.c). */
struct membership_offer {
    raft_index after; /* While that of this index is in effect; 0: there is no offer. */
    struct raft_configuration configuration;
    bool gives_up;            /* It takes back what was begun, */
    raft_node_id given_up_on; /* because this server does not catch up. */
};

struct raft {
    struct raft_options options;
    uint64_t now_ms;
    uint64_t random; /* State of the generator. */
    raft_round next_round;

    /* Figure 3.1: persistent state. What is on disk lags behind by output.unfinished. */
    struct raft_hard_state hard_state;
    struct log log;
    struct configuration_history configurations;

    /* Figure 3.1: volatile state. */
    enum raft_role role;
    raft_node_id leader;     /* Of this term; 0: unknown. */
    raft_index commit_index; /* Never goes back (§3.5). */

    /* Election (election.c). */
    uint64_t election_deadline_ms; /* Campaign then, if nothing is heard. */
    uint64_t leader_contact_ms;    /* When the leader of this term was last heard; only while `leader` is known. */
    bool leader_heard;             /* Since the actions were taken last. */
    bool leader_gone;              /* `leader` seems to be (raft_hint_gone), and was not heard since. */
    uint64_t hurry_until_ms;       /* Till then election time-outs are short. */
    uint64_t promise_until_ms;     /* No vote and no pre-vote before: leases rest on it (§6.4.1). */
    raft_write vote_write;         /* The write that holds the candidate's own vote. */
    bool unfit;                    /* raft_set_unfit. */
    bool stranger;                 /* raft_set_stranger. */

    /* Follower (append_entries.c). */
    bool stream_begun; /* An AppendEntries of this term's leader has been accepted: a gap is then likely an overtaking. */
    struct reorder reorder;

    /* Leader (replication.c, read_index.c). One progress for each other server of the configuration, and for servers that
     * it has left out a moment ago and that have to learn of it (membership.c). */
    size_t peer_count;
    struct progress peers[RAFT_MEMBERS_MAX];
    raft_index term_first_index; /* The no-op of this leader's term. */
    uint64_t heartbeat_due_ms;
    uint64_t commit_notice_due_ms; /* Tell idle followers of a commit then; UINT64_MAX: nothing to tell. */
    struct read_waiting *reads;    /* Owned; oldest first. The first `reads_confirming` belong to the round under way. */
    size_t read_count;
    size_t read_capacity;
    size_t reads_confirming;
    raft_index read_index;     /* Of the round under way. */
    raft_round read_round;     /* Answers to this or a newer round confirm it. */
    raft_node_id transfer_to;  /* Leadership is being handed over to; 0: to nobody (transfer.c). */
    raft_round transfer_round; /* Of the TimeoutNow sent to it; 0: not yet. */
    uint64_t transfer_deadline_ms;
    uint64_t transfer_retry_ms; /* An unfit leader tries again then. */
    raft_node_id transfer_last; /* Whom it tried last. */
    bool lease_over;            /* A TimeoutNow was sent in this term: no lease any more. */

    /* Leader (membership.c). What it may append next, of configurations. */
    struct membership_offer offer;
    raft_index catch_up_index; /* The configuration whose new voters are being watched; 0: none. */

    struct output output;
};

/* Raises the term or changes the role to follower; `leader` may be 0. Leadership is given up, reads are failed. */
void raft_become_follower(struct raft *raft, raft_term term, raft_node_id leader);
/* The progress of that server; NULL when the configuration does not have it. */
struct progress *raft_progress(struct raft *raft, raft_node_id id);
/* Rebuilds `peers` after the configuration in effect changed; known progress is kept. A leader keeps those that are left
 * out, for their farewell. */
void raft_configuration_changed(struct raft *raft);
/* Appends one entry (from a leader, or our own as the leader) to the log and to this turn's write. */
void raft_append(struct raft *raft, const struct raft_entry *entry);
/* True when this server is a voter of the configuration in effect, or while that is joint an outgoing one (§4.3). */
bool raft_is_voter(const struct raft *raft);
/* A number below `bound`, from the seed. */
uint64_t raft_random(struct raft *raft, uint64_t bound);
void raft_trace(struct raft *raft, bool important, const char *format, ...) __attribute__((format(printf, 3, 4)));

#endif
