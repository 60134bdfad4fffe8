#include "server/chronicle.h"

#include "server/node_state.h"

static raft_term term_of(const struct node *node) {
    return node->core == NULL ? 0 : raft_current_term(node->core);
}

static void note(struct node *node, enum chronicle_kind kind, uint64_t subject) {
    struct chronicle *chronicle = &node->chronicle;
    chronicle->events[chronicle->count % CHRONICLE_EVENTS_MAX] =
        (struct chronicle_event){.at_ms = node->now_ms, .kind = kind, .term = term_of(node), .subject = subject};
    chronicle->count++;
}

/* Who is cut off asks again and again whether it may stand: that is one event and not a hundred. */
static bool asks_again(const struct node *node) {
    const struct chronicle *chronicle = &node->chronicle;
    const struct chronicle_event *newest = &chronicle->events[(chronicle->count - 1) % CHRONICLE_EVENTS_MAX];
    return newest->kind == CHRONICLE_PRE_CANDIDATE && newest->term == term_of(node);
}

static void note_leader(struct node *node, const struct chronicle_sight *now) {
    const struct chronicle_sight *seen = &node->chronicle.seen;
    if (now->leader == seen->leader && (now->term == seen->term || now->leader == 0)) {
        return;
    }
    if (now->leader == 0) {
        note(node, CHRONICLE_NO_LEADER, seen->leader);
    } else {
        note(node, now->leader == node->options.id ? CHRONICLE_LEADER : CHRONICLE_FOLLOWS, now->leader);
        node->chronicle.leader_changes++;
    }
}

static void note_election(struct node *node, const struct chronicle_sight *now) {
    if (now->role == node->chronicle.seen.role) {
        return;
    }
    if (now->role == RAFT_CANDIDATE) {
        note(node, CHRONICLE_CANDIDATE, 0);
        node->chronicle.elections++;
    } else if (now->role == RAFT_PRE_CANDIDATE && !asks_again(node)) {
        note(node, CHRONICLE_PRE_CANDIDATE, 0);
    }
}

static void note_disk(struct node *node, const struct chronicle_sight *now) {
    const struct chronicle_sight *seen = &node->chronicle.seen;
    if (now->full && !seen->full) {
        note(node, CHRONICLE_DISK_FULL, 0);
    }
    if (now->stalled && !seen->stalled) {
        note(node, CHRONICLE_DISK_STALLED, 0);
    }
    if (!now->full && !now->stalled && (seen->full || seen->stalled)) {
        note(node, CHRONICLE_DISK_WELL, 0);
    }
}

static struct chronicle_sight look(const struct node *node) {
    struct chronicle_sight sight = {
        .snapshot_index = node->snapshots.current.id.index,
        .full = disk_space_is_full(node),
        .stalled = node->disk_watch.stalled,
        .diverged = diverged_is(node),
        .removed = node->core != NULL && standing_is_removed(node),
    };
    if (node->core != NULL) {
        sight.role = raft_role(node->core);
        sight.leader = raft_leader(node->core);
        sight.term = term_of(node);
        sight.members_index = roster_current(&node->roster)->index;
    }
    return sight;
}

void chronicle_turn(struct node *node) {
    struct chronicle *chronicle = &node->chronicle;
    const struct chronicle_sight now = look(node);
    if (chronicle->count == 0) {
        /* What it came up with is nothing new. */
        note(node, CHRONICLE_STARTED, 0);
        chronicle->seen.snapshot_index = now.snapshot_index;
        chronicle->seen.members_index = now.members_index;
    }
    if (now.leader != 0) {
        note_election(node, &now);
        note_leader(node, &now);
    } else {
        note_leader(node, &now);
        note_election(node, &now);
    }
    if (now.members_index != chronicle->seen.members_index) {
        note(node, CHRONICLE_MEMBERS, now.members_index);
    }
    if (now.snapshot_index != chronicle->seen.snapshot_index) {
        note(node, CHRONICLE_SNAPSHOT, now.snapshot_index);
    }
    note_disk(node, &now);
    if (now.diverged != chronicle->seen.diverged) {
        note(node, now.diverged ? CHRONICLE_DIVERGED : CHRONICLE_MENDED, 0);
    }
    if (now.removed && !chronicle->seen.removed) {
        note(node, CHRONICLE_REMOVED, 0);
    }
    chronicle->seen = now;
}

size_t chronicle_read(const struct chronicle *chronicle, uint64_t now_ms,
                      struct chronicle_event out_events[CHRONICLE_EVENTS_MAX]) {
    uint64_t kept = chronicle->count < CHRONICLE_EVENTS_MAX ? chronicle->count : CHRONICLE_EVENTS_MAX;
    size_t count = 0;
    for (uint64_t i = chronicle->count - kept; i < chronicle->count; i++) {
        const struct chronicle_event *event = &chronicle->events[i % CHRONICLE_EVENTS_MAX];
        if (now_ms - event->at_ms < CHRONICLE_KEPT_MS) {
            out_events[count++] = *event;
        }
    }
    return count;
}
