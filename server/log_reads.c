#include "server/log_reads.h"

#include "server/base/memory.h"
#include "server/node_state.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

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
        read->first = from;
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

/* The read's entries from the disk and, after them, as many from the cache as belong to it. The module may be a turn ahead
 * of the cache. The caller frees the array. */
static struct raft_entry *join_cached(const struct node *node, const struct log_read *read,
                                      const struct raft_entry *entries, size_t *count) {
    struct raft_entry *all = memory_alloc(read->limit * sizeof *all);
    memcpy(all, entries, *count * sizeof *all);
    raft_index next = all[*count - 1].id.index + 1;
    while (*count < read->limit && entry_cache_has(&node->cache, next, 1)) {
        const struct raft_entry *entry = entry_cache_range(&node->cache, next++, 1);
        if (count_still_true(node, entry, 1) == 0) {
            break;
        }
        all[(*count)++] = *entry;
    }
    return all;
}

bool log_reads_loaded(struct node *node, uint64_t token, const struct raft_entry *entries, size_t count) {
    for (size_t i = 0; i < node->log_reads.count; i++) {
        if (node->log_reads.list[i].token != token) {
            continue;
        }
        struct node_log_answer answer = bounds(node);
        if (node->log_reads.list[i].first < answer.first_index) {
            /* What it asked for was cut off meanwhile: the next turn judges it anew. */
            node->log_reads.list[i].token = 0;
            node->work = true;
            return true;
        }
        answer.count = count_still_true(node, entries, count);
        struct raft_entry *all = NULL;
        if (answer.count > 0) {
            all = join_cached(node, &node->log_reads.list[i], entries, &answer.count);
            answer.count = fit(all, answer.count);
        }
        answer.entries = all;
        finish(node, i, &answer);
        free(all);
        return true;
    }
    return false;
}
