/* Messages of the consensus module on their way out: those that rest on a write wait for it, AppendEntries whose entries
 * are no longer in the cache wait for the disk to read them. */
#ifndef RAFTD_OUTBOX_H
#define RAFTD_OUTBOX_H

#include "server/raft/raft.h"

struct node;

struct outbox_loading {
    uint64_t token;
    struct raft_message message;
};

struct outbox {
    struct raft_message *waiting; /* Owned; after_write counted as the disk counts. */
    size_t count;
    size_t capacity;
    struct outbox_loading *loading; /* Owned. */
    size_t loading_count;
    size_t loading_capacity;
};

void outbox_clear(struct outbox *outbox);

/* Sends the message, now or when its write is done. */
void outbox_post(struct node *node, const struct raft_message *message);
/* Sends what waited for writes that are done now. */
void outbox_written(struct node *node);
/* The disk has read entries. False: not for the outbox. */
bool outbox_loaded(struct node *node, uint64_t token, const struct raft_entry *entries, size_t count);

#endif
