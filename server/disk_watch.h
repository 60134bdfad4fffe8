/* How long the disk takes: a disk whose oldest unfinished write is older than an election time-out stalls, and its server
 * is no leader (architecture §3). It is well again when for an election time-out no write has taken even half as long. */
#ifndef RAFTD_DISK_WATCH_H
#define RAFTD_DISK_WATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct node;

struct disk_watch_write {
    uint64_t number;
    uint64_t begun_ms;
    uint64_t bytes;
};

struct disk_watch {
    struct disk_watch_write *writes; /* Owned: the unfinished ones from `first` on, in order. */
    size_t first;
    size_t count;
    size_t capacity;
    uint64_t bytes; /* Of them together. */
    bool stalled;
    uint64_t slow_ms; /* When an unfinished write was last older than half an election time-out. */
};

void disk_watch_clear(struct disk_watch *watch);

/* The write goes to the disk now. */
void disk_watch_begun(struct node *node, uint64_t number, uint64_t bytes);
/* It is done, and all before it. */
void disk_watch_written(struct node *node, uint64_t number);
/* Judges anew. */
void disk_watch_turn(struct node *node);

/* For how long the oldest unfinished write has been under way; 0 when there is none. */
uint64_t disk_watch_oldest_ms(const struct node *node);
/* UINT64_MAX: nothing changes by itself. */
uint64_t disk_watch_deadline_ms(const struct node *node);

#endif
