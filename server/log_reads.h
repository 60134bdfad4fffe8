/* Reads of the log for people: GET /v1/log. */
#ifndef RAFTD_LOG_READS_H
#define RAFTD_LOG_READS_H

#include "server/node.h"

enum { LOG_READS_BYTES_MAX = 4 * 1024 * 1024 }; /* Of entries in one answer, unless the first alone is larger. */

struct log_read {
    uint64_t ticket;
    uint64_t token; /* Of the disk's read; 0: not begun. */
    raft_index from;
    raft_index first; /* Of the disk's read. */
    size_t limit;
    node_log_done done; /* NULL: cancelled. */
    void *context;
};

struct log_reads {
    struct log_read *list; /* Owned. */
    size_t count;
    size_t capacity;
};

void log_reads_clear(struct log_reads *reads);
uint64_t log_reads_add(struct node *node, raft_index from, size_t limit, node_log_done done, void *context);
bool log_reads_cancel(struct log_reads *reads, uint64_t ticket);
/* Answers or begins what was asked this turn. */
void log_reads_turn(struct node *node);
/* The disk has read entries. False: not for here. */
bool log_reads_loaded(struct node *node, uint64_t token, const struct raft_entry *entries, size_t count);

#endif
