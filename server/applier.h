/* Feeds the machine: committed entries in log order, from the cache or, after a restart, from the disk. */
#ifndef RAFTD_APPLIER_H
#define RAFTD_APPLIER_H

#include "server/json/json.h"
#include "server/machine/machine.h"
#include "server/raft/raft.h"
#include "server/sessions.h"
#include "server/state_hash.h"

struct node;

enum { APPLIER_READ_BYTES = 1024 * 1024 }; /* Asked of the disk at once. */

struct applier {
    void *state;                  /* The machine's. */
    struct sessions *sessions;    /* Owned; what was answered (§6.3): the other half of the replicated state. */
    struct raft_entry_id applied; /* {0,0} before the first. */
    uint64_t load_token;          /* The disk is reading what comes next; 0: it is not. */
    bool load_stale;              /* What it reads is not what comes next any more. */
    struct state_hash hash;       /* Of all answers up to `applied`. */
    struct json_writer result;    /* Of the command being applied; kept to save allocations. */
};

void applier_init(struct applier *applier, const struct machine *machine);
void applier_clear(struct applier *applier, const struct machine *machine);

/* The state and the table are these from now on; `applied` is what they cover, perhaps less than was applied before. What
 * was there is not freed; the hash is the caller's to begin anew. */
void applier_replace(struct applier *applier, void *state, struct sessions *sessions, struct raft_entry_id applied);

/* Applies up to the commit index, as far as the entries are at hand. */
void applier_run(struct node *node);
/* The disk has read entries. False: not for the applier. */
bool applier_loaded(struct node *node, uint64_t token, const struct raft_entry *entries, size_t count);

/* A machine_output that appends to a json_writer. */
struct machine_output applier_output(struct json_writer *writer);

#endif
