#include "server/log_reads.h"

#include "server/base/memory.h"
#include "server/node_state.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>

void log_reads_clear(struct log_reads *reads) {
    free(reads->list);
    *reads = (struct log_reads){0};
}

uint64_t log_reads_add(struct node *node, raft_index from, size_t limit, node_log_done done, void *context) {
    assert(limit >= 1 && limit <= NODE_LOG_LIMIT_MAX);
    struct log_reads *reads = &node->log_reads;
    reads->list = memory_grow(reads->list, &reads->capacity, reads->count + 1, sizeof *reads->list);
    struct log_read *read = &reads->list[reads->count++];
    *read =
        (struct log_read){.ticket = node_new_number(node), .from = from, .limit = limit, .done = done, .context = context};
    node->work = true;
    return read->ticket;
}

bool log_reads_cancel(struct log_reads *reads, uint64_t ticket) {
    for (size_t i = 0; i < reads->count; i++) {
        if (reads->list[i].ticket == ticket) {
            reads->list[i].done = NULL;
            return true;
        }
    }
    return false;
}

static struct node_log_answer bounds(const struct node *node) {
    struct node_log_answer answer = {.first_index = 1};
    if (node->core != NULL) {
        struct raft_status status;
        raft_status(node->core, &status);
        answer.first_index = status.first_index;
        answer.last_index = status.last.index;
        answer.commit_index = status.commit_index;
    }
    return answer;
}

/* Takes the read out of the list and answers it. */
static void finish(struct node *node, size_t at, const struct node_log_answer *answer) {
    struct log_reads *reads = &node->log_reads;
    struct log_read read = reads->list[at];
    reads->list[at] = reads->list[--reads->count];
    if (read.done != NULL) {
        read.done(read.context, answer);
    }
}

/* Entries that were truncated while the disk read them are not the log's any more. */
static size_t count_still_true(const struct node *node, const struct raft_entry *entries, size_t count) {
    size_t same = 0;
    while (same < count && raft_term_at(node->core, entries[same].id.index) == entries[same].id.term) {
        same++;
    }
    return same;
}

static size_t fit(const struct raft_entry *entries, size_t count) {
    size_t bytes = 0;
    size_t fitting = 0;
    while (fitting < count && (fitting == 0 || bytes + entries[fitting].size <= LOG_READS_BYTES_MAX)) {
        bytes += entries[fitting++].size;
    }
    return fitting;
}

static void begin(struct node *node, size_t at) {
    struct log_read *read = &node->log_reads.list[at];
    struct node_log_answer answer = bounds(node);
    raft_index from = read->from == 0 ? answer.first_index : read->from;
    if (from < answer.first_index) {
        problem_set(&answer.problem, PROBLEM_COMPACTED, false, "the log begins at index %" PRIu64, answer.first_index);
        finish(node, at, &answer);
        return;
    }
    if (from > answer.last_index) {
        finish(node, at, &answer);
        return;
    }
    raft_index available = answer.last_index - from + 1;
    size_t count = available < read->limit ? (size_t)available : read->limit;
    raft_index cached = entry_cache_first(&node->cache);
    if (from < cached) {
        raft_index last = from + count - 1;
        read->token = node_new_number(node);
        node->io.disk.read(node->io.disk.context, read->token, from, last < cached ? last : cached - 1,
                           LOG_READS_BYTES_MAX);
        return;
    }
    answer.entries = entry_cache_range(&node->cache, from, count);
    answer.count = fit(answer.entries, count);
    finish(node, at, &answer);
}

void log_reads_turn(struct node *node) {
    for (size_t i = node->log_reads.count; i > 0; i--) {
        if (node->log_reads.list[i - 1].token == 0) {
            begin(node, i - 1);
        }
    }
}

bool log_reads_loaded(struct node *node, uint64_t token, const struct raft_entry *entries, size_t count) {
    for (size_t i = 0; i < node->log_reads.count; i++) {
        if (node->log_reads.list[i].token == token) {
            struct node_log_answer answer = bounds(node);
            answer.entries = entries;
            answer.count = count_still_true(node, entries, count);
            finish(node, i, &answer);
            return true;
        }
    }
    return false;
}
