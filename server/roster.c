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

bool roster_append(struct roster *roster, const struct raft_entry *entry) {
    assert(entry->type == RAFT_CONFIGURATION);
    assert(entry->id.index > roster_current(roster)->index);
    struct json_span value;
    size_t offset;
    struct members members;
    if (!json_scan(entry->data, entry->size, &value, &offset) || !members_read(value, &members)) {
        return false;
    }
    roster->list = memory_grow(roster->list, &roster->capacity, roster->count + 1, sizeof *roster->list);
    roster->list[roster->count++] = (struct roster_at){entry->id.index, members};
    return true;
}

void roster_truncate(struct roster *roster, raft_index index) {
    assert(index > 0);
    while (roster_current(roster)->index >= index) {
        assert(roster->count > 1);
        roster->count--;
    }
}

const struct roster_at *roster_current(const struct roster *roster) {
    return &roster->list[roster->count - 1];
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

const struct members_member *roster_self(const struct roster *roster, raft_node_id id, const char *incarnation) {
    const struct members_member *member = members_find(&roster_current(roster)->members, id);
    return member != NULL && strcmp(member->incarnation, incarnation) == 0 ? member : NULL;
}
