/* Snapshots of this node's state and the log that they make superfluous (ch. 5):
 *
 *     due or asked for -> frozen, written to a file -> named by a write, with the log cut -> what nobody needs is removed
 *
 * One at a time. A file counts when the write that names it is on disk, and only then is an older one removed. One that
 * could not be written (a full disk) is tried again later.
 *
 * The log itself may be what fills the disk. So when room runs short one is due early, whatever the number of entries;
 * and on a full disk (disk_space.h) nothing of the log is kept for others but what a transfer needs: each
 * node does that for its own disk. The file may use the reserve (storage/space.h).
 *
 * A snapshot from the leader (server/snapshot_receipt) takes the same way from its naming on: whoever receives it calls
 * snapshots_hold before the file gets its name, snapshots_name in the turn in which it takes effect, and snapshots_release
 * when snapshots_current is that one or it came to nothing. */
#ifndef RAFTD_SNAPSHOTS_H
#define RAFTD_SNAPSHOTS_H

#include "server/snapshot_taking.h"

enum {
    SNAPSHOTS_ENTRY_BYTES = 32, /* What an entry takes in the log besides its payload, about. */
    /* Due after N entries, but not before the log takes this part of the last snapshot's size (§5.1.2): a large state is
     * not written anew for few changes, and what is written for snapshots stays in proportion to what is written anyway. */
    SNAPSHOTS_SIZE_DIVISOR = 4,
    SNAPSHOTS_TAIL_DIVISOR = 4,  /* This part of N entries before a snapshot stays in the log: who is briefly slow needs no
                                    snapshot. */
    SNAPSHOTS_HOLD_FACTOR = 10,  /* A follower in contact keeps the log behind it, up to so many times N entries. */
    SNAPSHOTS_STEP_DIVISOR = 10, /* A cut of less than this part of N entries waits for more. */
    /* Due early when what commands may still take on the disk is less than the next file may need and this, */
    SNAPSHOTS_EARLY_BYTES = 8 << 20,
    SNAPSHOTS_EARLY_LOG_BYTES = 1 << 20, /* on a full disk too, once there is so much of the log to be cut. */
    SNAPSHOTS_EARLY_TAIL = 100,          /* Then no more than so many entries before it stay. Of a full disk: none. */
    SNAPSHOTS_RETRY_MS = 5000,           /* After a failure, twice as long after each further one, up to */
    SNAPSHOTS_RETRY_MAX_MS = 300000
};

struct snapshots {
    struct storage *storage;         /* Borrowed: only to be compacted, on the long lane. */
    struct storage_snapshot current; /* The one that counts; length 0: none. */
    uint64_t bytes;                  /* Of the log, applied since that one. */
    raft_index wanted;               /* One that covers this is wanted; 0: none. */
    raft_index asked;                /* The same, and by somebody who waits: a failure before does not matter. */

    struct snapshot_taking *taking; /* NULL: none is being written. */
    uint64_t taking_bytes;          /* Of the log, up to what it covers. */
    uint64_t taking_since_ms;
    unsigned failures; /* Since the last success. */
    uint64_t retry_ms;
    bool was_full;        /* At the last turn. */
    bool pressed;         /* The newest was taken for want of room. */
    uint64_t again_ms;    /* On a full disk, the next one for a small part of its size. */
    uint64_t compact_ms;  /* The store had no room to give space back: when to try again. 0: no. */
    uint64_t duration_ms; /* Of the last one; */
    uint64_t taken;       /* how many there were in this life, */
    uint64_t failed;      /* and how many could not be written. */

    struct storage_snapshot fresh;  /* Whole and to be named by the next write; length 0: none. */
    struct storage_snapshot naming; /* In write `naming_write`; 0: none. */
    uint64_t naming_write;
    uint64_t cut_write; /* The newest that cut the log's beginning; 0: none under way. */
    uint64_t look_ms;   /* The log may be cut further, but somebody needed it: when to look again. */
    bool clean_due;     /* There may be files that nobody needs, */
    bool drop_due;      /* a part of one from the leader that was overtaken, */
    bool compact_due;   /* or space in the log's store. */
    bool cleaning;
    unsigned holds;
};

void snapshots_init(struct node *node, struct storage *storage, const struct storage_snapshot *current);
/* An entry has been applied. */
void snapshots_applied(struct node *node, const struct raft_entry *entry);
/* Before the turn's actions are taken: begins what is due, cuts the log. */
void snapshots_turn(struct node *node);
/* There is a name for this turn's write, even if nothing else is. */
bool snapshots_has_name(const struct node *node);
/* Completes the turn's write, and has been told its number. */
void snapshots_complete_write(struct node *node, struct storage_write *write);
void snapshots_write_begun(struct node *node, const struct storage_write *write, uint64_t number);
void snapshots_written(struct node *node);
/* UINT64_MAX: nothing is due by itself. */
uint64_t snapshots_deadline_ms(const struct node *node);
/* One that is being written is given up. */
void snapshots_shut_down(struct node *node);

/* -- For those who send and receive them -- */

/* length 0: none yet. */
const struct storage_snapshot *snapshots_current(const struct node *node);
/* One that covers what is applied now is wanted, soon. */
void snapshots_want(struct node *node);
/* Until as many snapshots_release: no snapshot is begun and no file is removed. */
void snapshots_hold(struct node *node);
void snapshots_release(struct node *node);
/* The state differs from the majority's (architecture §4): what was made of it and is not named yet is dropped. */
void snapshots_distrust(struct node *node);
/* It is not older than the one that counts, or is about to. */
bool snapshots_may_name(const struct node *node, const struct storage_snapshot *snapshot);
/* This turn's write names that file, which is whole. It may be named (snapshots_may_name). */
void snapshots_name(struct node *node, const struct storage_snapshot *snapshot);

#endif
