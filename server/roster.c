#include "server/roster.h"

#include "server/base/memory.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

void roster_init(struct roster *roster) {
    *roster = (struct roster){0};
    roster->list = memory_grow(NULL, &roster->capacity, 1, sizeof *roster->list);
    roster->list[0] = (struct roster_at){0};
    roster->count = 1;
}

void roster_clear(struct roster *roster) {
    free(roster->list);
    *roster = (struct roster){0};
}

bool roster_read(const struct raft_entry *entry, struct members *out_members) {
    assert(entry->type == RAFT_CONFIGURATION);
    struct json_span value;
    size_t offset;
    return json_scan(entry->data, entry->size, &value, &offset) && members_read(value, out_members);
}

bool roster_append(struct roster *roster, const struct raft_entry *entry) {
    assert(entry->id.index > roster_current(roster)->index);
    struct members members;
    if (!roster_read(entry, &members)) {
        return false;
    }
    roster->list = memory_grow(roster->list, &roster->capacity, roster->count + 1, sizeof *roster->list);
    roster->list[roster->count++] = (struct roster_at){entry->id.index, members, entry->id.term};
    return true;
}

void roster_truncate(struct roster *roster, raft_index index) {
    assert(index > 0);
    while (roster_current(roster)->index >= index) {
        assert(roster->count > 1);
        roster->count--;
    }
}

/* How many of the list are at or before `index`; always one at least. */
static size_t count_until(const struct roster *roster, raft_index index) {
    size_t count = 1;
    while (count < roster->count && roster->list[count].index <= index) {
        count++;
    }
    return count;
}

static void drop_first(struct roster *roster, size_t count) {
    roster->count -= count;
    memmove(roster->list, roster->list + count, roster->count * sizeof *roster->list);
}

void roster_reset(struct roster *roster, raft_index index, const struct members *members) {
    drop_first(roster, count_until(roster, index) - 1);
    roster->list[0] = (struct roster_at){index, *members, 0};
}

void roster_restart(struct roster *roster) {
    roster->count = 1;
}

void roster_compact(struct roster *roster, raft_index index) {
    drop_first(roster, count_until(roster, index) - 1);
}

const struct roster_at *roster_as_of(const struct roster *roster, raft_index index) {
    return &roster->list[count_until(roster, index) - 1];
}

const struct roster_at *roster_current(const struct roster *roster) {
    return &roster->list[roster->count - 1];
}

bool roster_is_committed(const struct roster *roster, const struct raft *raft) {
    const struct roster_at *current = roster_current(roster);
    if (current->index > raft_commit_index(raft)) {
        return false;
    }
    raft_term now = raft_term_at(raft, current->index); /* 0: compacted away. */
    return current->term == 0 || now == 0 || now == current->term;
}

const struct members_member *roster_find(const struct roster *roster, raft_node_id id) {
    for (size_t i = roster->count; i > 0; i--) {
        const struct members_member *member = members_find(&roster->list[i - 1].members, id);
        if (member != NULL) {
            return member;
        }
    }
    return NULL;
}

static const struct members_member *find_incarnation(const struct roster_at *at, raft_node_id id, const char *incarnation) {
    const struct members_member *member = members_find(&at->members, id);
    return member != NULL && strcmp(member->incarnation, incarnation) == 0 ? member : NULL;
}

const struct members_member *roster_self(const struct roster *roster, raft_node_id id, const char *incarnation) {
    return find_incarnation(roster_current(roster), id, incarnation);
}

bool roster_ever(const struct roster *roster, raft_node_id id, const char *incarnation) {
    for (size_t i = 0; i < roster->count; i++) {
        if (find_incarnation(&roster->list[i], id, incarnation) != NULL) {
            return true;
        }
    }
    return false;
}
