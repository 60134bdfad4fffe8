/* Snapshots that the leader sends (ch. 5, Figure 5.3): the follower's half.
 *
 *     a piece --- the consensus module takes it ---> stored on the short lane ---> answered
 *     the last one ---> checked and restored on the long lane ---> in effect, in one turn ---> on disk ---> "installed"
 *
 * Nothing of this holds up the log, reads or heartbeats. What has been stored stays over a restart, and the leader goes on
 * after it; another file starts over. Nothing takes effect but a whole file whose every byte was checked, and "installed"
 * is said only when the write that names it is done. One file is put into effect at a time, and that is never interrupted.
 */
#ifndef RAFTD_SNAPSHOT_RECEIPT_H
#define RAFTD_SNAPSHOT_RECEIPT_H

#include "server/message.h"

struct node;

/* A piece that the consensus module has not judged yet. */
struct snapshot_receipt_piece {
    uint64_t ticket;
    raft_round round;
    struct message_install install; /* One reference of its buffer. */
};

struct snapshot_receipt {
    struct snapshot_receipt_piece *pieces; /* Owned. */
    size_t count;
    size_t capacity;
    size_t storing; /* Pieces with jobs. */
    /* Whole, and on its way into effect; length 0: none. Begun when no piece is being stored any more. */
    struct storage_snapshot installing;
    bool begun;
    uint64_t write;                  /* The write that names it; 0: not begun. */
    bool mends;                      /* It takes the place of a state that differs (server/diverged.h). */
    struct storage_snapshot mended;  /* The last one that did, on disk; length 0: none. */
    struct storage_snapshot refused; /* Whole, but of no use here; length 0: none. */
    struct problem refusal;          /* Why. */
    uint64_t installed;              /* How many took effect in this life. */
};

/* All jobs have ended. */
void snapshot_receipt_clear(struct snapshot_receipt *receipt);

/* A peer's MESSAGE_INSTALL_SNAPSHOT. */
void snapshot_receipt_receive(struct node *node, const struct message_request *request, uint64_t ticket);
/* The consensus module's answer to it: RAFT_INSTALL_ANSWER. */
void snapshot_receipt_judged(struct node *node, const struct raft_message *answer);
/* The turn's write, with this number, names the snapshot that took effect, if one did. */
void snapshot_receipt_write_begun(struct node *node, const struct storage_write *write, uint64_t number);
/* Writes are done. */
void snapshot_receipt_written(struct node *node);

#endif
