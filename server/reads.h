/* Everybody who waits to read (§6.4).
 *
 *     asking --- read index known ---> waiting --- applied that far ---> answered
 *
 * All queries of one kind (linearizable, lease) that came in a turn share one question: on the leader to the consensus
 * module, elsewhere to the leader by /raft/v1/read_index. While READS_ASKS_MAX questions of the kind are out to the leader,
 * newer queries gather for the next one. */
#ifndef RAFTD_READS_H
#define RAFTD_READS_H

#include "server/node.h"

enum { READS_ASKS_MAX = 2 };

enum reads_state {
    READS_NEW,    /* Nobody has been asked. */
    READS_ASKING, /* Part of the question `question`. */
    READS_WAITING /* `index` must be applied. */
};

struct reads_query {
    uint64_t ticket;
    enum reads_state state;
    bool lease; /* The leader's lease will do (§6.4.1). */
    bool forward;
    uint64_t question;
    raft_index index; /* The larger of read index and min_index. */
    uint64_t deadline_ms;
    uint64_t session;    /* Not 0: the question is about this session (§6.3), and there is no body. */
    struct buffer *body; /* One reference. */
    struct json_span query;
    node_query_done done; /* NULL: the client is gone. */
    void *context;
};

/* A question to the leader that has no answer yet. */
struct reads_ask {
    uint64_t question;
    bool lease;
};

/* A question of another node's, for our consensus module. */
struct reads_peer {
    uint64_t question;
    bool lease;
    bool asked; /* The module has it: in the turn in which it came, with the time read after it. */
    uint64_t ticket;
    raft_round round;
};

struct reads {
    struct reads_query *list; /* Owned. */
    size_t count;
    size_t capacity;
    struct reads_peer *peers; /* Owned. */
    size_t peer_count;
    size_t peer_capacity;
    struct reads_ask asks[2 * READS_ASKS_MAX];
    size_t ask_count;
    uint64_t retry_ms; /* The leader refused or was not reached: not asked again before. */
};

void reads_clear(struct reads *reads);

uint64_t reads_add(struct node *node, struct buffer *body, struct json_span query, enum node_consistency consistency,
                   raft_index min_index, uint32_t timeout_ms, bool forward, node_query_done done, void *context);
uint64_t reads_add_session(struct node *node, uint64_t session, uint32_t timeout_ms, bool forward, node_query_done done,
                           void *context);
bool reads_cancel(struct reads *reads, uint64_t ticket);

/* Asks for those who are new. */
void reads_turn(struct node *node);
/* Answers those whose index is applied, ends those whose time is over. */
void reads_deliver(struct node *node);
uint64_t reads_deadline_ms(const struct node *node);

/* The consensus module's answer to raft_read. */
void reads_confirmed(struct node *node, const struct raft_read_answer *answer);
/* The leader's answer to our question; `ok` false: none. */
void reads_leader_answered(struct node *node, uint64_t question, bool ok, raft_index index);
/* A peer's MESSAGE_READ_INDEX. */
void reads_receive(struct node *node, const struct message_request *request, uint64_t ticket);

#endif
