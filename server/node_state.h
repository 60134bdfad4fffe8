/* The node's whole state, shared by the files that it is made of; each part is owned by the file it is named after. */
#ifndef RAFTD_NODE_STATE_H
#define RAFTD_NODE_STATE_H

#include "server/applier.h"
#include "server/calls.h"
#include "server/changes.h"
#include "server/chronicle.h"
#include "server/cluster_clock.h"
#include "server/contacts.h"
#include "server/discovery.h"
#include "server/disk_space.h"
#include "server/disk_watch.h"
#include "server/diverged.h"
#include "server/entry_cache.h"
#include "server/formation.h"
#include "server/forwards.h"
#include "server/handover.h"
#include "server/intake.h"
#include "server/joining.h"
#include "server/log_reads.h"
#include "server/measures.h"
#include "server/mending.h"
#include "server/node.h"
#include "server/outbox.h"
#include "server/proposals.h"
#include "server/reads.h"
#include "server/roster.h"
#include "server/snapshot_receipt.h"
#include "server/snapshot_sends.h"
#include "server/snapshot_wishes.h"
#include "server/snapshots.h"
#include "server/standing.h"
#include "server/watches.h"

/* After SIGTERM, what is in flight may finish for this long. */
enum { NODE_SHUT_DOWN_GRACE_MS = 2000 };

struct node {
    struct node_options options;
    struct node_io io;
    struct storage_identity identity;
    uint64_t now_ms;
    uint64_t next_number; /* Tickets and tokens: unique in the node's life, never 0. */
    bool work;            /* Something was gathered that node_turn has not seen. */
    bool shutting_down;
    uint64_t shut_down_deadline_ms;

    struct raft *core;     /* NULL while waiting to form. */
    uint64_t writes_begun; /* Number of the newest write handed to the disk. */
    uint64_t writes_done;
    uint64_t core_write_offset; /* The core counts its writes from 1: number on disk = number in the core + this, which
                                   grows with each write that is none of the core's. */
    struct disk_watch disk_watch;
    struct disk_space disk_space;

    struct roster roster;
    struct entry_cache cache;
    struct applier applier;
    struct cluster_clock clock;
    struct outbox outbox;
    struct calls calls;
    struct contacts contacts;
    struct proposals proposals;
    struct forwards forwards;
    struct reads reads;
    struct log_reads log_reads;
    struct watches watches;
    struct handover handover;
    struct changes changes;
    struct snapshots snapshots;
    struct snapshot_wishes snapshot_wishes;
    struct snapshot_sends snapshot_sends;
    struct snapshot_receipt snapshot_receipt;
    struct formation formation;
    struct discovery discovery;
    struct joining joining;
    struct intake intake;
    struct standing standing;
    struct diverged diverged;
    struct mending mending;
    struct chronicle chronicle;
    struct measures measures;

    bool ready_known;       /* What was committed when this node started is known: */
    raft_index ready_index; /* it is ready when this much is applied. */
};

uint64_t node_new_number(struct node *node);
/* Hands a write to the disk and answers its number. */
uint64_t node_write(struct node *node, const struct storage_write *write);
/* The cluster is formed: starts the consensus module with the log as the store (or the caller) has it. */
void node_start_core(struct node *node, struct raft *core);
/* The core with this node's options; its log is still empty. */
struct raft *node_make_core(struct node *node, struct raft_hard_state hard_state);
/* Fills in an envelope for a request to that member. */
void node_address(const struct node *node, const struct members_member *to, struct message_address *out_address);
/* An answer of this node to a request, with nothing but who and when filled in. */
struct message_answer node_answer_to(const struct node *node, enum message_kind kind, raft_round round);
void node_reply(struct node *node, uint64_t ticket, const struct message_answer *answer);
void node_reply_problem(struct node *node, uint64_t ticket, enum message_kind kind, raft_round round,
                        const struct problem *problem);
bool node_is_leader(const struct node *node);
/* 0 when unknown. */
raft_node_id node_leader(const struct node *node);

#endif
