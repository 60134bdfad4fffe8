/* Those who watch: every committed command, in order, as this node applies it.
 *
 *     new --- first index judged ---> open <--- no room, resume ---> paused
 *
 * Each has a position of its own and takes entries from the cache, or from the disk when it is behind the cache. Nothing is
 * kept for those who are slow: whoever has no room pauses, and the entries are looked up again when it has. */
#ifndef RAFTD_WATCHES_H
#define RAFTD_WATCHES_H

#include "server/node.h"

enum {
    WATCHES_READ_BYTES = 64 * 1024, /* Asked of the disk at once; a larger entry comes alone. */
    WATCHES_READS_MAX = 4           /* On their way from the disk, for all together: others wait for it as well. */
};

enum watches_state {
    WATCHES_NEW,
    WATCHES_OPEN,
    WATCHES_PAUSED, /* Its reader has no room. */
    WATCHES_GONE    /* Cancelled or ended; leaves the list when the disk has nothing more for it. */
};

struct watches_watch {
    uint64_t ticket;
    enum watches_state state;
    raft_index next; /* The index it is at: all before have been handed out. 0: new, and from the next one on. */
    uint64_t token;  /* The disk is reading for it; 0: it is not. */
    struct node_watcher watcher;
};

struct watches {
    struct watches_watch *list; /* Owned. */
    size_t count;
    size_t capacity;
    size_t reads; /* On their way from the disk. */
    size_t turn;  /* Who comes first changes from turn to turn, so that the disk's few places go round. */
};

void watches_clear(struct watches *watches);
uint64_t watches_add(struct node *node, raft_index from, const struct node_watcher *watcher);
bool watches_cancel(struct watches *watches, uint64_t ticket);
void watches_resume(struct node *node, uint64_t ticket);
/* Hands out what is applied, to everybody who has room. Free while nobody watches. */
void watches_turn(struct node *node);
/* The disk has read entries. False: not for here. */
bool watches_loaded(struct node *node, uint64_t token, const struct raft_entry *entries, size_t count);

#endif
