#include "server/raft/log.h"

#include "server/base/memory.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum { CAPACITY_MIN = 64 /* Fewer records are not worth giving back. */ };

void log_init(struct log *log) {
    *log = (struct log){0};
}

void log_clear(struct log *log) {
    log_reset(log, (struct raft_entry_id){0, 0});
}

raft_index log_last_index(const struct log *log) {
    return log->base.index + log->count;
}

struct raft_entry_id log_last(const struct log *log) {
    if (log->count == 0) {
        return log->base;
    }
    return (struct raft_entry_id){log_last_index(log), log->records[log->count - 1].term};
}

raft_term log_term_at(const struct log *log, raft_index index) {
    if (index == log->base.index) {
        return log->base.term;
    }
    if (index < log->base.index || index > log_last_index(log)) {
        return 0;
    }
    return log_at(log, index)->term;
}

const struct log_record *log_at(const struct log *log, raft_index index) {
    assert(index > log->base.index);
    assert(index <= log_last_index(log));
    return &log->records[index - log->base.index - 1];
}

void log_append(struct log *log, struct raft_entry_id id, enum raft_entry_type type, uint32_t size) {
    assert(id.index == log_last_index(log) + 1);
    assert(id.term >= log_last(log).term);
    log->records = memory_grow(log->records, &log->capacity, log->count + 1, sizeof *log->records);
    log->records[log->count++] = (struct log_record){.term = id.term, .size = size, .type = (uint8_t)type};
}

void log_truncate(struct log *log, raft_index index) {
    assert(index > log->base.index);
    assert(index <= log_last_index(log));
    log->count = index - log->base.index - 1;
}

/* A log that once was long keeps no more than four times what it needs. */
static void give_back(struct log *log) {
    size_t enough = log->count > CAPACITY_MIN ? log->count : CAPACITY_MIN;
    if (log->capacity / 4 >= enough) {
        log->capacity = 2 * enough;
        log->records = memory_realloc(log->records, log->capacity * sizeof *log->records);
    }
}

void log_compact(struct log *log, raft_index index) {
    struct raft_entry_id base = {index, log_at(log, index)->term};
    size_t gone = index - log->base.index;
    log->count -= gone;
    memmove(log->records, log->records + gone, log->count * sizeof *log->records);
    log->base = base;
    give_back(log);
}

void log_reset(struct log *log, struct raft_entry_id base) {
    assert((base.index == 0) == (base.term == 0));
    free(log->records);
    *log = (struct log){.base = base};
}

/* Terms never fall along the log, so both searches are binary: a term may span a million entries. */
raft_index log_first_of_term_at(const struct log *log, raft_index index) {
    raft_term term = log_at(log, index)->term;
    return log_last_not_above(log, index, term - 1) + 1;
}

raft_index log_last_not_above(const struct log *log, raft_index index, raft_term term) {
    raft_index last = log_last_index(log);
    raft_index low = log->base.index + 1;                /* Everything below low has a term not above `term`. */
    raft_index high = (index < last ? index : last) + 1; /* Everything from high on is out of the question. */
    while (low < high) {
        raft_index middle = low + (high - low) / 2;
        if (log_at(log, middle)->term <= term) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low - 1;
}
