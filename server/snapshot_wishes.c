#include "server/snapshot_wishes.h"

#include "server/base/memory.h"
#include "server/node_state.h"

#include <inttypes.h>
#include <stdlib.h>

void snapshot_wishes_clear(struct snapshot_wishes *wishes) {
    for (size_t i = 0; i < wishes->count; i++) {
        snapshot_file_close(wishes->list[i].answer.file);
    }
    free(wishes->list);
    *wishes = (struct snapshot_wishes){0};
}

uint64_t snapshot_wishes_add(struct node *node, bool open, uint32_t timeout_ms, node_snapshot_done done, void *context) {
    struct snapshot_wishes *wishes = &node->snapshot_wishes;
    wishes->list = memory_grow(wishes->list, &wishes->capacity, wishes->count + 1, sizeof *wishes->list);
    struct snapshot_wish *wish = &wishes->list[wishes->count++];
    *wish = (struct snapshot_wish){
        .ticket = node_new_number(node),
        .open = open,
        .deadline_ms = node->now_ms + timeout_ms,
        .done = done,
        .context = context,
    };
    node->work = true;
    return wish->ticket;
}

static struct snapshot_wish *find(struct snapshot_wishes *wishes, uint64_t ticket) {
    for (size_t i = 0; i < wishes->count; i++) {
        if (wishes->list[i].ticket == ticket) {
            return &wishes->list[i];
        }
    }
    return NULL;
}

bool snapshot_wishes_cancel(struct snapshot_wishes *wishes, uint64_t ticket) {
    struct snapshot_wish *wish = find(wishes, ticket);
    if (wish != NULL) {
        wish->done = NULL;
        wish->ended = true;
    }
    return wish != NULL;
}

static void fail(struct snapshot_wish *wish, const struct problem *problem) {
    wish->ended = true;
    wish->answer.problem = *problem;
}

/* -- Opening -- */

struct opening {
    struct node *node;
    uint64_t ticket;
    struct snapshot_directory *directory;
    struct storage_snapshot snapshot;
    struct snapshot_file *file; /* NULL: `why` says why not. */
    struct storage_message why;
};

static void open_file(void *context) {
    struct opening *opening = context;
    if (snapshot_file_open(opening->directory, &opening->snapshot, &opening->file, &opening->why) != STORAGE_OK) {
        opening->file = NULL;
    }
}

static void opened(void *context, bool ran) {
    struct opening *opening = context;
    struct node *node = opening->node;
    struct snapshot_wish *wish = find(&node->snapshot_wishes, opening->ticket);
    struct problem problem;
    (void)ran; /* If not, the node has ended and nobody waits. */
    if (wish == NULL || wish->ended) {
        snapshot_file_close(opening->file);
    } else if (opening->file == NULL) {
        problem_set(&problem, PROBLEM_NOT_READY, false, "the snapshot cannot be read: %s", opening->why.text);
        fail(wish, &problem);
    } else {
        wish->ended = true;
        wish->answer.snapshot = opening->snapshot;
        wish->answer.file = opening->file;
    }
    node->work = true;
    free(opening);
}

/* Every byte is checked before one is handed out. The lane removes the file only after it was opened, if ever. */
static void begin_opening(struct node *node, struct snapshot_wish *wish) {
    struct opening *opening = memory_zalloc(sizeof *opening);
    opening->node = node;
    opening->ticket = wish->ticket;
    opening->directory = node->io.snapshots;
    opening->snapshot = *snapshots_current(node);
    wish->opening = true;
    const struct disk_job job = {.context = opening, .work = open_file, .done = opened};
    node->io.disk.run(node->io.disk.context, DISK_LANE_LONG, &job);
}

/* -- The turn -- */

static bool must_end(const struct node *node, const struct snapshot_wish *wish, struct problem *out_problem) {
    if (node->shutting_down) {
        problem_set(out_problem, PROBLEM_SHUTTING_DOWN, wish->index != 0, "node %" PRIu64 " is shutting down",
                    node->options.id);
        return true;
    }
    if (diverged_is(node)) {
        diverged_problem(node, out_problem);
        return true;
    }
    if (node->core == NULL || node->applier.applied.index == 0) {
        problem_set(out_problem, PROBLEM_NOT_READY, false, "node %" PRIu64 " has no state yet: it %s", node->options.id,
                    node->core == NULL ? "is not in a cluster" : "has applied nothing");
        return true;
    }
    if (node->now_ms >= wish->deadline_ms) {
        problem_set(out_problem, PROBLEM_TIMEOUT, wish->index != 0, "the snapshot is not written yet; it goes on");
        return true;
    }
    return false;
}

static void step(struct node *node, struct snapshot_wish *wish) {
    struct problem problem;
    if (must_end(node, wish, &problem)) {
        fail(wish, &problem);
        return;
    }
    if (wish->index == 0) {
        wish->index = node->applier.applied.index;
    }
    if (wish->index > snapshots_current(node)->id.index) {
        node->snapshots.asked = wish->index > node->snapshots.asked ? wish->index : node->snapshots.asked;
    } else if (wish->open) {
        begin_opening(node, wish);
    } else {
        wish->ended = true;
        wish->answer.snapshot = *snapshots_current(node);
    }
}

void snapshot_wishes_turn(struct node *node) {
    for (size_t i = 0; i < node->snapshot_wishes.count; i++) {
        struct snapshot_wish *wish = &node->snapshot_wishes.list[i];
        struct problem problem;
        if (wish->ended) {
            continue;
        }
        if (!wish->opening) {
            step(node, wish);
        } else if (must_end(node, wish, &problem)) {
            fail(wish, &problem);
        }
    }
}

void snapshot_wishes_failed(struct node *node, const struct snapshot_taken *taken) {
    for (size_t i = 0; i < node->snapshot_wishes.count; i++) {
        struct snapshot_wish *wish = &node->snapshot_wishes.list[i];
        struct problem problem;
        if (!wish->ended && !wish->opening && wish->index != 0 && wish->index <= taken->id.index) {
            problem_set(&problem, PROBLEM_STORAGE_FULL, false, "the snapshot could not be written: %s", taken->why.text);
            fail(wish, &problem);
        }
    }
}

void snapshot_wishes_deliver(struct node *node) {
    struct snapshot_wishes *wishes = &node->snapshot_wishes;
    for (size_t i = 0; i < wishes->count;) {
        struct snapshot_wish wish = wishes->list[i];
        if (!wish.ended) {
            i++;
            continue;
        }
        /* Taken out before it is answered: a callback may add to the list, which may move then. */
        wishes->list[i] = wishes->list[--wishes->count];
        if (wish.done != NULL) {
            wish.done(wish.context, &wish.answer);
        } else {
            snapshot_file_close(wish.answer.file);
        }
    }
}

uint64_t snapshot_wishes_deadline_ms(const struct node *node) {
    uint64_t deadline = UINT64_MAX;
    for (size_t i = 0; i < node->snapshot_wishes.count; i++) {
        const struct snapshot_wish *wish = &node->snapshot_wishes.list[i];
        deadline = wish->deadline_ms < deadline ? wish->deadline_ms : deadline;
    }
    return deadline;
}
