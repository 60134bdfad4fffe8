/* One server under test. Time, disk and network are in the hands of the test: nothing is on disk before harness_persist,
 * no time passes but by harness_pass, and what the server says to others in a turn is kept in `sent` until the next.
 *
 * Logs are written as a string of terms, one digit an entry: "1123" is a log of four entries. The first entry of a restored
 * log is the configuration of voters 1..n, and a server under test is number 1. Of a log with a base it is what follows,
 * and the configuration is its snapshot's. */
#ifndef TESTS_RAFT_HARNESS_H
#define TESTS_RAFT_HARNESS_H

#include "server/raft/raft.h"

#include <check.h>

enum {
    HEARTBEAT_MS = 10,
    ELECTION_MS = 100,
    PROMISE_MS = HEARTBEAT_MS * 3 / 2,
    HARNESS_SENT_MAX = 256,
    HARNESS_ENTRIES_MAX = 64,
    HARNESS_LINE_MAX = 256
};

struct harness_setup {
    size_t voters;   /* The configuration: 1..voters. 0: no configuration at all. */
    size_t learners; /* The ids after the voters. */
    const char *log; /* Terms; begins with the configuration's when there are voters. NULL: that one, of term 1. */
    struct raft_entry_id base;         /* The log begins after it. */
    struct raft_entry_id snapshot;     /* Not below the base. {0,0}: the base. */
    struct raft_hard_state hard_state; /* Term 0: that of the log's last entry. */
    raft_node_id id;                   /* 0: 1. */
    uint64_t seed;
    uint32_t in_flight;     /* 0: 4. */
    uint32_t batch_entries; /* 0: 8. */
    uint32_t batch_bytes;   /* 0: 1000. */
};

struct harness {
    struct raft *raft;
    uint64_t now_ms;
    uint64_t next_ticket;
    raft_round next_round; /* Of requests that others send. */
    struct raft_configuration configuration;
    char line[HARNESS_LINE_MAX]; /* The last important line of the trace. */
    size_t line_count;           /* Of all lines. */

    /* The last turn. */
    struct raft_message sent[HARNESS_SENT_MAX];
    size_t sent_count;
    struct raft_read_answer reads[HARNESS_SENT_MAX];
    size_t read_count;
    raft_write write;
    raft_write last_write; /* The newest that there was, in whatever turn. */
    bool hard_state_changed;
    struct raft_hard_state hard_state;
    raft_index truncate_from;
    struct raft_entry_id replaced_by;
    raft_index compact_through;
    struct raft_entry_id written[HARNESS_ENTRIES_MAX];
    size_t written_count;
    raft_index commit_index;
    bool has_due;
    struct raft_configuration due; /* The configuration that is due, if one is. */
    raft_node_id given_up_on;
};

/* An AppendEntries of `term` by `from`. */
struct harness_append {
    raft_node_id from; /* 0: 2. */
    raft_term term;
    struct raft_entry_id prev;
    raft_index commit;
    const char *entries; /* Terms; NULL: none. */
};

#define ID(index, term) ((struct raft_entry_id){index, term})

#define START(...)      harness_start(&(struct harness_setup){__VA_ARGS__})
#define APPEND(h, ...)  harness_append(h, &(struct harness_append){__VA_ARGS__})
#define RECEIVE(h, ...) harness_receive_append(h, &(struct harness_append){__VA_ARGS__})

/* Voters 1..voters, and the ids after them as learners. */
struct raft_configuration harness_configuration(size_t voters, size_t learners);
struct harness *harness_start(const struct harness_setup *setup);
void harness_stop(struct harness *harness);

/* Ends the turn. */
void harness_turn(struct harness *harness);
/* Everything handed to the disk so far is there; the turn ends. */
void harness_persist(struct harness *harness);
/* Time passes, in one tick; the turn ends. */
void harness_pass(struct harness *harness, uint64_t ms);

/* An AppendEntries arrives; the turn does not end. Answers its round. */
raft_round harness_receive_append(struct harness *harness, const struct harness_append *append);
/* A request arrives, the turn ends, and it must have been answered in it. */
struct raft_message harness_append(struct harness *harness, const struct harness_append *append);
struct raft_message harness_ask_vote(struct harness *harness, raft_node_id from, raft_term term, struct raft_entry_id last);
struct raft_message harness_ask_pre_vote(struct harness *harness, raft_node_id from, raft_term term,
                                         struct raft_entry_id last);

/* A chunk of a snapshot arrives, the turn ends, and it must have been answered in it. */
struct raft_message harness_chunk(struct harness *harness, raft_node_id from, raft_term term);
/* The snapshot is whole: of the configuration that it started with, or another one; the turn does not end. */
bool harness_install(struct harness *harness, struct raft_entry_id id);
bool harness_install_with(struct harness *harness, struct raft_entry_id id, raft_index configuration_index,
                          struct raft_configuration configuration);

/* The end of a request of the server's; the turn ends too. */
void harness_answer_vote(struct harness *harness, struct raft_message request, raft_term term, bool granted);
void harness_succeed(struct harness *harness, struct raft_message request);
void harness_refuse(struct harness *harness, struct raft_message request, struct raft_entry_id conflict);
void harness_installed(struct harness *harness, struct raft_message request, raft_index installed);
void harness_fail(struct harness *harness, struct raft_message request);

/* The first message of that type to `to` in the last turn; there must be one. */
struct raft_message harness_sent(const struct harness *harness, raft_node_id to, enum raft_message_type type);
size_t harness_sent_count(const struct harness *harness, raft_node_id to, enum raft_message_type type);

/* Steps on the way to leadership, each with its turns, in a cluster of more than one voter. */
void harness_campaign(struct harness *harness);      /* Time passes until it asks for pre-votes. */
void harness_win_pre_votes(struct harness *harness); /* It asks for votes; its own is not on disk yet. */
void harness_win(struct harness *harness);           /* It leads; its first entry is not on disk yet. */
void harness_lead(struct harness *harness);          /* Its first entry is on its disk; the last turn is that of winning. */
/* Leads, and voter 2 has the log and everything in it is committed; nothing is on the way to 2. */
void harness_lead_and_commit(struct harness *harness);

/* Proposes `count` commands of `size` bytes; the turn ends. False: not the leader. */
bool harness_propose(struct harness *harness, size_t count, uint32_t size);

enum raft_role harness_role(const struct harness *harness);
/* Of a log with a base: what follows it. */
void harness_assert_log(const struct harness *harness, const char *terms);
/* What the leader thinks of that server. */
struct raft_peer_status harness_peer(const struct harness *harness, raft_node_id id);

#endif
