/* Whose disk is full: commands are refused (507) while this leader's disk, or those of so many voters that no majority is
 * left, have no room for them. What the consensus module appends by itself goes on, and so do reads (architecture §3). */
#ifndef RAFTD_DISK_SPACE_H
#define RAFTD_DISK_SPACE_H

#include "server/message.h"
#include "storage/storage.h"

struct node;

/* What a follower has said of its disk. */
struct disk_space_peer {
    raft_node_id id;
    bool refused; /* It took no more entries, in `term`: none are sent until it has room. */
    raft_term term;
    uint64_t said_ms; /* When it said last that it is full. */
};

struct disk_space {
    struct storage_room room;      /* As the disk told last. */
    uint64_t admitted;             /* Bytes let in that are not handed to the disk yet. */
    bool full;                     /* The log says so. */
    uint64_t handed_over_ms;       /* When this leader last tried to hand over. */
    struct disk_space_peer *peers; /* Owned: those that are full. */
    size_t peer_count;
    size_t peer_capacity;
};

void disk_space_init(struct disk_space *space);
void disk_space_clear(struct disk_space *space);

void disk_space_told(struct node *node, const struct storage_room *room);
/* What was let in is handed to the disk (server/disk_watch.h counts it from here on). */
void disk_space_handed_over(struct disk_space *space);

/* A leader that is full hands over to a voter that has room, when a majority has (§3.10). */
void disk_space_turn(struct node *node);
/* On the leader: is there room for these commands? False: *out_problem is storage_full. */
bool disk_space_admit(struct node *node, size_t count, uint64_t bytes, struct problem *out_problem);
/* On a follower: may it store what this request would add to its log? False as above. */
bool disk_space_take(struct node *node, const struct raft_append_entries *append, struct problem *out_problem);
/* There is no room for commands here. */
bool disk_space_is_full(const struct node *node);

/* An answer to AppendEntries: its sender is full, or is not. */
void disk_space_heard(struct node *node, raft_node_id id, const struct message_answer *answer);
/* It took no more, and has not said since that it has room. */
bool disk_space_refuses(const struct node *node, raft_node_id id);

/* How many bytes entries take on the disk, about. */
uint64_t disk_space_bytes(const struct raft_entry *entries, size_t count);

#endif
