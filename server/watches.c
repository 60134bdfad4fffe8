#include "server/watches.h"

#include "server/base/memory.h"
#include "server/node_state.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>

void watches_clear(struct watches *watches) {
    free(watches->list);
    *watches = (struct watches){0};
}

uint64_t watches_add(struct node *node, raft_index from, const struct node_watcher *watcher) {
    struct watches *watches = &node->watches;
    watches->list = memory_grow(watches->list, &watches->capacity, watches->count + 1, sizeof *watches->list);
    struct watches_watch *watch = &watches->list[watches->count++];
    *watch = (struct watches_watch){.ticket = node_new_number(node), .next = from, .watcher = *watcher};
    node->work = true;
    return watch->ticket;
}

static struct watches_watch *find(struct watches *watches, uint64_t ticket) {
    for (size_t i = 0; i < watches->count; i++) {
        if (watches->list[i].ticket == ticket && watches->list[i].state != WATCHES_GONE) {
            return &watches->list[i];
        }
    }
    return NULL;
}

bool watches_cancel(struct watches *watches, uint64_t ticket) {
    struct watches_watch *watch = find(watches, ticket);
    if (watch != NULL) {
        watch->state = WATCHES_GONE;
    }
    return watch != NULL;
}

void watches_resume(struct node *node, uint64_t ticket) {
    struct watches_watch *watch = find(&node->watches, ticket);
    if (watch != NULL && watch->state == WATCHES_PAUSED) {
        watch->state = WATCHES_OPEN;
        node->work = true;
    }
}

/* Callbacks may add watches, which moves the list: from here on a watch is named by its place in it. */
static struct watches_watch *watch_at(struct node *node, size_t at) {
    return &node->watches.list[at];
}

static void end(struct node *node, size_t at, const struct problem *problem, raft_index first_index) {
    struct node_watcher watcher = watch_at(node, at)->watcher;
    watch_at(node, at)->state = WATCHES_GONE;
    watcher.ended(watcher.context, problem, first_index);
}

static void hand_out(struct node *node, size_t at, const struct raft_entry *entry) {
    struct watches_watch *watch = watch_at(node, at);
    assert(watch->state == WATCHES_OPEN && watch->next == entry->id.index);
    watch->next++;
    if (entry->type != RAFT_COMMAND) {
        return;
    }
    struct node_watcher watcher = watch->watcher;
    bool room = watcher.command(watcher.context, entry);
    watch = watch_at(node, at);
    if (!room && watch->state == WATCHES_OPEN) {
        watch->state = WATCHES_PAUSED;
    }
}

static void load(struct node *node, size_t at) {
    struct watches_watch *watch = watch_at(node, at);
    raft_index last = entry_cache_first(&node->cache) - 1;
    raft_index applied = node->applier.applied.index;
    watch->token = node_new_number(node);
    node->watches.reads++;
    node->io.disk.read(node->io.disk.context, watch->token, watch->next, last < applied ? last : applied,
                       WATCHES_READ_BYTES);
}

static bool wants_more(struct node *node, size_t at) {
    const struct watches_watch *watch = watch_at(node, at);
    return watch->state == WATCHES_OPEN && watch->token == 0 && watch->next <= node->applier.applied.index;
}

static void feed(struct node *node, size_t at) {
    while (wants_more(node, at)) {
        raft_index next = watch_at(node, at)->next;
        if (next >= entry_cache_first(&node->cache)) {
            hand_out(node, at, entry_cache_range(&node->cache, next, 1));
        } else if (node->watches.reads < WATCHES_READS_MAX) {
            load(node, at);
        } else {
            return; /* The end of another's read is followed by another turn. */
        }
    }
}

static raft_index first_index(const struct node *node) {
    struct raft_status status;
    raft_status(node->core, &status);
    return status.first_index;
}

/* Why this one cannot be served, or not any longer. */
static bool must_end(struct node *node, size_t at, raft_index first, struct problem *out_problem) {
    if (node->shutting_down) {
        problem_set(out_problem, PROBLEM_SHUTTING_DOWN, false, "node %" PRIu64 " is shutting down", node->options.id);
        return true;
    }
    if (node->core == NULL) {
        problem_set(out_problem, PROBLEM_NOT_READY, false, "node %" PRIu64 " is not in a cluster yet", node->options.id);
        return true;
    }
    raft_index next = watch_at(node, at)->next;
    if (next != 0 && next < first) {
        problem_set(out_problem, PROBLEM_COMPACTED, false, "the log begins at index %" PRIu64, first);
        return true;
    }
    return false;
}

static void move_on(struct node *node, size_t at, raft_index first) {
    struct problem problem;
    if (watch_at(node, at)->state == WATCHES_GONE) {
        return;
    }
    if (must_end(node, at, first, &problem)) {
        end(node, at, &problem, problem.code == PROBLEM_COMPACTED ? first : 0);
        return;
    }
    struct watches_watch *watch = watch_at(node, at);
    if (watch->state == WATCHES_NEW) {
        watch->state = WATCHES_OPEN;
        raft_index applied = node->applier.applied.index;
        raft_index reached = node->diverged.reached; /* What is applied once more is not new. */
        watch->next = watch->next != 0 ? watch->next : (applied > reached ? applied : reached) + 1;
        struct node_watcher watcher = watch->watcher;
        watcher.opened(watcher.context, watch->next);
    }
    feed(node, at);
}

static void forget_gone(struct watches *watches) {
    size_t kept = 0;
    for (size_t i = 0; i < watches->count; i++) {
        if (watches->list[i].state != WATCHES_GONE || watches->list[i].token != 0) {
            watches->list[kept++] = watches->list[i];
        }
    }
    watches->count = kept;
}

void watches_turn(struct node *node) {
    size_t count = node->watches.count; /* Those that callbacks add have their turn in the next. */
    if (count == 0) {
        return;
    }
    raft_index first = node->core == NULL ? 0 : first_index(node);
    size_t begin = node->watches.turn++ % count;
    for (size_t i = 0; i < count; i++) {
        move_on(node, (begin + i) % count, first);
    }
    forget_gone(&node->watches);
}

bool watches_loaded(struct node *node, uint64_t token, const struct raft_entry *entries, size_t count) {
    size_t at = 0;
    while (at < node->watches.count && watch_at(node, at)->token != token) {
        at++;
    }
    if (at == node->watches.count) {
        return false;
    }
    watch_at(node, at)->token = 0;
    node->watches.reads--;
    /* What is applied stays in the log until it is compacted; then the next turn says so. */
    assert(count > 0 || watch_at(node, at)->state == WATCHES_GONE || watch_at(node, at)->next < first_index(node));
    for (size_t i = 0; i < count && watch_at(node, at)->state == WATCHES_OPEN; i++) {
        hand_out(node, at, &entries[i]);
    }
    return true;
}
