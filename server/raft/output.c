#include "server/raft/output.h"

#include "server/base/memory.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

void output_init(struct output *output) {
    *output = (struct output){.next_write = 1};
}

static void release_entries(struct raft_entry *entries, size_t count) {
    for (size_t i = 0; i < count; i++) {
        buffer_release(entries[i].buffer);
    }
}

/* The array, for the next turn, unless it has become long. */
static void *keep_room(void *array, size_t *capacity) {
    if (*capacity <= OUTPUT_KEPT) {
        return array;
    }
    free(array);
    *capacity = 0;
    return NULL;
}

static void empty_turn(struct output_turn *turn) {
    release_entries(turn->entries, turn->entry_count);
    turn->entry_count = turn->message_count = turn->read_count = 0;
    turn->entries = keep_room(turn->entries, &turn->entry_capacity);
    turn->messages = keep_room(turn->messages, &turn->message_capacity);
    turn->reads = keep_room(turn->reads, &turn->read_capacity);
}

static void free_turn(struct output_turn *turn) {
    release_entries(turn->entries, turn->entry_count);
    free(turn->entries);
    free(turn->messages);
    free(turn->reads);
}

void output_clear(struct output *output) {
    free_turn(&output->turn);
    free_turn(&output->taken);
    free(output->unfinished);
    *output = (struct output){0};
}

void output_hard_state(struct output *output) {
    output->hard_state_changed = true;
}

void output_truncate(struct output *output, raft_index index) {
    assert(index > 0);
    bool written_before = output->turn.entry_count == 0 || index < output->turn.entries[0].id.index;
    while (output->turn.entry_count > 0 && output->turn.entries[output->turn.entry_count - 1].id.index >= index) {
        buffer_release(output->turn.entries[--output->turn.entry_count].buffer);
    }
    assert(!written_before || output->replaced_by.index == 0); /* A log replaced in this turn is all of this turn. */
    /* What only this turn appended was never handed to the disk and need not be removed there. */
    if (written_before) {
        assert(output->truncate_from == 0 ||
               index < output->truncate_from); /* What comes after that one is of this turn. */
        output->truncate_from = index;
    }
}

/* Entries of the turn up to `index` are not written at all. */
static void drop_first_entries(struct output *output, raft_index index) {
    size_t dropped = 0;
    while (dropped < output->turn.entry_count && output->turn.entries[dropped].id.index <= index) {
        dropped++;
    }
    release_entries(output->turn.entries, dropped);
    output->turn.entry_count -= dropped;
    if (output->turn.entry_count > 0) {
        memmove(output->turn.entries, output->turn.entries + dropped,
                output->turn.entry_count * sizeof *output->turn.entries);
    }
}

static void replace_log(struct output *output, struct raft_entry_id base) {
    output->replaced_by = base;
    output->truncate_from = 0;
    output->compact_through = 0;
}

void output_compact(struct output *output, struct raft_entry_id through) {
    assert(through.index > output->compact_through && through.index > output->replaced_by.index);
    if (output->turn.entry_count > 0 && output->turn.entries[0].id.index <= through.index) {
        /* The disk's log ends before `through`, and everything behind it is in this turn. */
        drop_first_entries(output, through.index);
        replace_log(output, through);
    } else {
        assert(output->replaced_by.index == 0); /* Else the whole log would be in this turn. */
        output->compact_through = through.index;
    }
}

void output_replace(struct output *output, struct raft_entry_id base) {
    drop_first_entries(output, UINT64_MAX);
    replace_log(output, base);
}

void output_entry(struct output *output, const struct raft_entry *entry) {
    assert(output->turn.entry_count == 0 ||
           entry->id.index == output->turn.entries[output->turn.entry_count - 1].id.index + 1);
    output->turn.entries = memory_grow(output->turn.entries, &output->turn.entry_capacity, output->turn.entry_count + 1,
                                       sizeof *output->turn.entries);
    struct raft_entry *kept = &output->turn.entries[output->turn.entry_count++];
    *kept = *entry;
    kept->configuration = NULL; /* Borrowed for the input's call only. */
    buffer_retain(kept->buffer);
}

void output_message(struct output *output, const struct raft_message *message) {
    output->turn.messages = memory_grow(output->turn.messages, &output->turn.message_capacity,
                                        output->turn.message_count + 1, sizeof *output->turn.messages);
    output->turn.messages[output->turn.message_count++] = *message;
}

void output_read(struct output *output, struct raft_read_answer answer) {
    output->turn.reads = memory_grow(output->turn.reads, &output->turn.read_capacity, output->turn.read_count + 1,
                                     sizeof *output->turn.reads);
    output->turn.reads[output->turn.read_count++] = answer;
}

/* The lowest index that the turn's write touches so far. A replaced log is not on disk before the write is: no index of it,
 * not even those that the snapshot covers. What is compacted was on disk before. */
static raft_index turn_first_index(const struct output *output) {
    if (output->replaced_by.index != 0) {
        return 1;
    }
    raft_index first = UINT64_MAX;
    if (output->truncate_from != 0) {
        first = output->truncate_from;
    }
    if (output->turn.entry_count > 0 && output->turn.entries[0].id.index < first) {
        first = output->turn.entries[0].id.index;
    }
    return first;
}

raft_write output_wait_for(const struct output *output, raft_index match_index) {
    if (output->hard_state_changed || turn_first_index(output) <= match_index) {
        return output->next_write;
    }
    for (size_t i = output->unfinished_count; i > 0; i--) {
        const struct output_write *write = &output->unfinished[i - 1];
        if (write->hard_state || write->first_index <= match_index) {
            return write->number;
        }
    }
    return 0;
}

void output_persisted(struct output *output, raft_write number) {
    assert(number < output->next_write);
    size_t done = 0;
    while (done < output->unfinished_count && output->unfinished[done].number <= number) {
        done++;
    }
    output->unfinished_count -= done;
    if (output->unfinished_count > 0) {
        memmove(output->unfinished, output->unfinished + done, output->unfinished_count * sizeof *output->unfinished);
    }
}

raft_index output_persisted_index(const struct output *output, raft_index last_index) {
    raft_index touched = turn_first_index(output);
    for (size_t i = 0; i < output->unfinished_count; i++) {
        if (output->unfinished[i].first_index < touched) {
            touched = output->unfinished[i].first_index;
        }
    }
    return touched <= last_index ? touched - 1 : last_index;
}

static raft_write close_write(struct output *output) {
    raft_index first_index = turn_first_index(output);
    if (!output->hard_state_changed && first_index == UINT64_MAX && output->compact_through == 0) {
        return 0;
    }
    raft_write number = output->next_write++;
    output->unfinished = memory_grow(output->unfinished, &output->unfinished_capacity, output->unfinished_count + 1,
                                     sizeof *output->unfinished);
    output->unfinished[output->unfinished_count++] =
        (struct output_write){.number = number, .hard_state = output->hard_state_changed, .first_index = first_index};
    return number;
}

const struct raft_actions *output_take(struct output *output, struct raft_hard_state hard_state, raft_index commit_index) {
    empty_turn(&output->taken);
    output->actions = (struct raft_actions){
        .write = close_write(output),
        .hard_state_changed = output->hard_state_changed,
        .hard_state = hard_state,
        .truncate_from = output->truncate_from,
        .replaced_by = output->replaced_by,
        .compact_through = output->compact_through,
        .entries = output->turn.entries,
        .entry_count = output->turn.entry_count,
        .messages = output->turn.messages,
        .message_count = output->turn.message_count,
        .commit_index = commit_index,
        .reads = output->turn.reads,
        .read_count = output->turn.read_count,
    };
    struct output_turn emptied = output->taken;
    output->taken = output->turn;
    output->turn = emptied;
    output->hard_state_changed = false;
    output->truncate_from = 0;
    output->replaced_by = (struct raft_entry_id){0, 0};
    output->compact_through = 0;
    return &output->actions;
}
