/* The actions of the turn under way, and which writes are not on disk yet. */
#ifndef RAFT_OUTPUT_H
#define RAFT_OUTPUT_H

#include "server/raft/raft.h"

/* A write handed out and not reported back. */
struct output_write {
    raft_write number;
    bool hard_state;        /* It holds a term or vote. */
    raft_index first_index; /* The lowest index it touches, by truncation, replacement or writing; UINT64_MAX: none. */
};

enum { OUTPUT_KEPT = 1024 /* Elements: longer arrays are freed when their turn is over, shorter ones used again. */ };

/* Arrays of one turn, owned. */
struct output_turn {
    struct raft_entry *entries; /* With one reference of each buffer. */
    size_t entry_count;
    size_t entry_capacity;

    struct raft_message *messages;
    size_t message_count;
    size_t message_capacity;

    struct raft_read_answer *reads;
    size_t read_count;
    size_t read_capacity;
};

struct output {
    /* This turn's write, being gathered; its number will be next_write. */
    raft_write next_write;
    bool hard_state_changed;
    raft_index truncate_from;
    struct raft_entry_id replaced_by;
    raft_index compact_through;
    struct output_turn turn;

    struct output_write *unfinished; /* Owned; by ascending number. */
    size_t unfinished_count;
    size_t unfinished_capacity;

    /* What the last raft_take_actions handed out, until the next. */
    struct raft_actions actions;
    struct output_turn taken;
};

void output_init(struct output *output);
void output_clear(struct output *output);

/* The hard state changed: this turn's write will hold it. */
void output_hard_state(struct output *output);
/* Entries from `index` on are gone: those of this turn are dropped, those of earlier writes will be removed on disk. */
void output_truncate(struct output *output, raft_index index);
/* The log up to `index` is gone, a snapshot has it; what is above stays. Entries of this very turn may be among what goes:
 * then none that stays is on disk, and the write replaces the whole log there. */
void output_compact(struct output *output, struct raft_entry_id through);
/* The whole log is gone and begins anew after `base`, which a snapshot has. */
void output_replace(struct output *output, struct raft_entry_id base);
/* One more entry to write; retains its buffer. */
void output_entry(struct output *output, const struct raft_entry *entry);
void output_message(struct output *output, const struct raft_message *message);
void output_read(struct output *output, struct raft_read_answer answer);

/* The number of the write, this turn's included, that must be done before hard state and the log up to `match_index` are on
 * disk as they are now; 0 when they are. */
raft_write output_wait_for(const struct output *output, raft_index match_index);
/* Write `number` and all before it are on disk. */
void output_persisted(struct output *output, raft_write number);
/* The log (ending at last_index) is on disk up to here. */
raft_index output_persisted_index(const struct output *output, raft_index last_index);

/* Closes the turn: what was gathered becomes output->actions, and a new turn begins. */
const struct raft_actions *output_take(struct output *output, struct raft_hard_state hard_state, raft_index commit_index);

#endif
