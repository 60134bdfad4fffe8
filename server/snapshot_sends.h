/* Snapshots on their way to followers that need what the log no longer has (ch. 5, Figure 5.3): the leader's half.
 *
 *     due --- the follower says how much it has ---> opening ---> reading <---> posted
 *      ^                                                              | all of it
 *      |                                                              v
 *     idle <--- a piece fails or is refused ---                   finishing --- installed ---> following
 *
 * The consensus module asks for a transfer once; a failed one it asks for again with its next heartbeat, and that goes on
 * from what the follower has stored, also after the follower's death. One piece at a time is under way to each follower,
 * beside heartbeats and everything else. Who is there to receive it is found out before the file is opened; an open file is
 * checked once, shared by all transfers of it, and read by jobs.
 *
 * Installed is not enough: the follower then needs the log after the snapshot. Both are kept until it has followed past it,
 * or has been silent for long. */
#ifndef RAFTD_SNAPSHOT_SENDS_H
#define RAFTD_SNAPSHOT_SENDS_H

#include "server/message.h"

struct node;
struct snapshot_file;

enum {
    SNAPSHOT_SENDS_CALL_MS = 10000,    /* For one piece to be answered, however slow the network is. */
    SNAPSHOT_SENDS_SILENCE_FACTOR = 30 /* Of election time-outs without a word: then nothing is kept for a follower. */
};

/* Being sent to somebody, or about to be. */
struct snapshot_sends_file {
    struct snapshot_sends_file *next;
    struct storage_snapshot snapshot;
    struct snapshot_file *reader; /* Owned; NULL: not open yet. */
    size_t uses;                  /* By transfers, and jobs. */
    bool opening;
};

enum snapshot_send_state {
    SNAPSHOT_SEND_IDLE,      /* Waits to be asked for again. */
    SNAPSHOT_SEND_DUE,       /* Asked for; the follower must be asked what it has. */
    SNAPSHOT_SEND_OPENING,   /* Its file is being opened. */
    SNAPSHOT_SEND_READING,   /* The next piece comes from the disk. */
    SNAPSHOT_SEND_POSTED,    /* A piece is on its way, perhaps an empty one. */
    SNAPSHOT_SEND_FINISHING, /* It has everything and puts it into effect; to be asked again. */
    SNAPSHOT_SEND_FOLLOWING  /* Done; the log after it is kept. */
};

struct snapshot_send {
    raft_node_id to;
    enum snapshot_send_state state;
    raft_round round; /* The module's request. */
    raft_term term;
    uint64_t serial;                  /* Of what is under way: ends of anything else are not for this one. */
    struct snapshot_sends_file *file; /* A use; NULL: none chosen. */
    raft_index index;                 /* Of the snapshot. */
    uint64_t stored;                  /* There. */
    uint64_t expected;                /* Will be, when the piece on its way is. */
    uint64_t heard_ms;                /* When the follower last answered; 0: it never did. */
    uint64_t began_ms;                /* When it was first asked for, then when the follower first answered. */
    uint64_t ask_ms;                  /* Finishing: when to ask again. */
    uint64_t told;                    /* Stored there when the log last said so, and one more. */
    bool complained;                  /* The log says that it is refused. */
    bool mend;                        /* Not asked for by the module: its receiver's state differs. */
};

struct snapshot_sends {
    struct snapshot_send list[RAFT_MEMBERS_MAX];
    size_t count;
    struct snapshot_sends_file *files; /* Owned. */
};

/* All jobs have ended. */
void snapshot_sends_clear(struct snapshot_sends *sends);

/* The consensus module's RAFT_INSTALL_SNAPSHOT: begins, or goes on with, a transfer in this turn. */
void snapshot_sends_begin(struct node *node, const struct raft_message *request);
/* Sends the newest snapshot to a node whose state differs from the majority's, whatever its log has. No-op while one is on
 * its way there. A failed one goes on when this is called again; its end is mending_sent. */
void snapshot_sends_mend(struct node *node, raft_node_id to);
/* Takes every transfer a step further, where there is one; after the turn's actions. */
void snapshot_sends_turn(struct node *node);
/* The end of a piece's call. `answer` is NULL unless answered; `why` says why. */
void snapshot_sends_answered(struct node *node, uint64_t serial, const struct message_answer *answer, const char *why);
/* UINT64_MAX: nothing is due by itself. */
uint64_t snapshot_sends_deadline_ms(const struct node *node);

/* The log after this index is still needed by somebody who gets a snapshot; UINT64_MAX: by nobody. */
raft_index snapshot_sends_keep_after(const struct node *node);
/* How much of a snapshot `to` has; -1: it gets none. */
int snapshot_sends_percent(const struct node *node, raft_node_id to);

/* -- For snapshot_sends_file.c -- */

/* The file's opening has ended; it has a reader, or `why` says why not. */
void snapshot_sends_opened(struct node *node, const struct snapshot_sends_file *file, const char *why);
/* A piece has been read. Borrowed; NULL: it could not be. */
void snapshot_sends_piece_read(struct node *node, uint64_t serial, struct buffer *piece);

#endif
