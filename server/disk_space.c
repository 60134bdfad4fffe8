#include "server/disk_space.h"

#include "server/base/memory.h"
#include "server/node_state.h"

#include <inttypes.h>
#include <stdlib.h>

enum { ENTRY_BYTES = 128 /* Around an entry's data: its key, its record, LevelDB's own. */ };

void disk_space_init(struct disk_space *space) {
    *space = (struct disk_space){.room = STORAGE_ROOM_UNKNOWN};
}

void disk_space_clear(struct disk_space *space) {
    free(space->peers);
    disk_space_init(space);
}

uint64_t disk_space_bytes(const struct raft_entry *entries, size_t count) {
    uint64_t bytes = 0;
    for (size_t i = 0; i < count; i++) {
        bytes += ENTRY_BYTES + entries[i].size + entries[i].key_size;
    }
    return bytes;
}

/* -- This node's disk -- */

bool disk_space_is_full(const struct node *node) {
    return node->disk_space.room.for_commands == 0;
}

static void say(const struct node *node, enum diagnostics_level level, const char *what) {
    if (node->io.diagnostics != NULL) {
        diagnostics_write(node->io.diagnostics, level, "disk", what, node->disk_space.room.free_bytes);
    }
}

void disk_space_told(struct node *node, const struct storage_room *room) {
    struct disk_space *space = &node->disk_space;
    space->room = *room;
    bool full = disk_space_is_full(node);
    if (full != space->full) {
        space->full = full;
        say(node, full ? DIAGNOSTICS_WARNING : DIAGNOSTICS_INFO,
            full ? "the disk is full (%" PRIu64
                   " bytes are free): commands are refused, reads go on; a snapshot that cuts the log may "
                   "give space back, otherwise the data directory needs more"
                 : "the disk has room again (%" PRIu64 " bytes are free)");
    }
}

void disk_space_handed_over(struct disk_space *space) {
    space->admitted = 0;
}

/* Of `room`, less what is on its way to the disk. */
static bool fits(const struct node *node, uint64_t room, uint64_t bytes) {
    uint64_t under_way = node->disk_watch.bytes + node->disk_space.admitted;
    return room > under_way && room - under_way >= bytes;
}

static bool has_command(const struct node *node, const struct raft_append_entries *append) {
    for (size_t i = 0; i < append->entry_count; i++) {
        const struct raft_entry *entry = &append->entries[i];
        bool own = entry->type == RAFT_NOOP || entry->type == RAFT_CONFIGURATION;
        if (!own && raft_term_at(node->core, entry->id.index) != entry->id.term) {
            return true;
        }
    }
    return false;
}

bool disk_space_take(struct node *node, const struct raft_append_entries *append, struct problem *out_problem) {
    struct disk_space *space = &node->disk_space;
    uint64_t bytes = disk_space_bytes(append->entries, append->entry_count);
    if (append->entry_count == 0 || space->room.for_entries == UINT64_MAX || !has_command(node, append)) {
        return true;
    }
    if (!fits(node, space->room.for_entries, bytes)) {
        problem_set(out_problem, PROBLEM_STORAGE_FULL, false, "node %" PRIu64 " has no room on its disk for more entries",
                    node->options.id);
        return false;
    }
    space->admitted += bytes;
    return true;
}

/* -- The others' -- */

static struct disk_space_peer *find(const struct disk_space *space, raft_node_id id) {
    for (size_t i = 0; i < space->peer_count; i++) {
        if (space->peers[i].id == id) {
            return &space->peers[i];
        }
    }
    return NULL;
}

void disk_space_heard(struct node *node, raft_node_id id, const struct message_answer *answer) {
    struct disk_space *space = &node->disk_space;
    struct disk_space_peer *peer = find(space, id);
    bool refused = answer->problem.code == PROBLEM_STORAGE_FULL;
    if (!refused && (answer->problem.code != PROBLEM_NONE || !answer->storage_full)) {
        if (peer != NULL && answer->problem.code == PROBLEM_NONE) {
            *peer = space->peers[--space->peer_count];
        }
        return;
    }
    if (peer == NULL) {
        space->peers = memory_grow(space->peers, &space->peer_capacity, space->peer_count + 1, sizeof *space->peers);
        peer = &space->peers[space->peer_count++];
        *peer = (struct disk_space_peer){.id = id};
    }
    peer->said_ms = node->now_ms;
    if (refused) {
        peer->refused = true;
        peer->term = raft_current_term(node->core);
    }
}

/* What was said an election time-out ago tells nothing any more. */
static bool is_full(const struct node *node, raft_node_id id) {
    const struct disk_space_peer *peer = find(&node->disk_space, id);
    return peer != NULL && node->now_ms < peer->said_ms + node->options.election_timeout_ms;
}

bool disk_space_refuses(const struct node *node, raft_node_id id) {
    const struct disk_space_peer *peer = find(&node->disk_space, id);
    return is_full(node, id) && peer->refused && peer->term == raft_current_term(node->core);
}

/* -- The leader -- */

static bool is_heard(const struct node *node, const struct raft_status *status, raft_node_id id) {
    for (size_t i = 0; i < status->peer_count; i++) {
        if (status->peers[i].id == id) {
            return node->now_ms < status->peers[i].last_contact_ms + node->options.election_timeout_ms;
        }
    }
    return id == node->options.id;
}

static bool has_room(const struct node *node, const struct raft_status *status, raft_node_id id) {
    bool full = id == node->options.id ? disk_space_is_full(node) : is_full(node, id);
    return !full && is_heard(node, status, id);
}

static bool has_majority(const struct node *node, const struct raft_status *status, const raft_node_id *voters,
                         size_t count) {
    size_t with_room = 0;
    for (size_t i = 0; i < count; i++) {
        with_room += has_room(node, status, voters[i]) ? 1 : 0;
    }
    return with_room > count / 2;
}

static bool have_majority(const struct node *node, const struct raft_status *status) {
    const struct raft_configuration *configuration = raft_current_configuration(node->core, NULL);
    return has_majority(node, status, configuration->voters, configuration->voter_count) &&
           (configuration->outgoing_count == 0 ||
            has_majority(node, status, configuration->outgoing, configuration->outgoing_count));
}

/* Asked only when somebody is full: that no majority is heard is another matter, which the consensus module settles. */
static bool majority_has_room(const struct node *node) {
    bool somebody = false;
    for (size_t i = 0; i < node->disk_space.peer_count; i++) {
        somebody = somebody || is_full(node, node->disk_space.peers[i].id);
    }
    if (!somebody) {
        return true;
    }
    struct raft_status status;
    raft_status(node->core, &status);
    return have_majority(node, &status);
}

/* The voter with room whose log is the furthest; 0: there is none. */
static raft_node_id furthest_with_room(const struct node *node, const struct raft_status *status) {
    const struct raft_configuration *configuration = raft_current_configuration(node->core, NULL);
    const struct raft_peer_status *best = NULL;
    for (size_t i = 0; i < status->peer_count; i++) {
        const struct raft_peer_status *peer = &status->peers[i];
        bool voter = false;
        for (size_t k = 0; k < configuration->voter_count; k++) {
            voter = voter || configuration->voters[k] == peer->id;
        }
        if (voter && has_room(node, status, peer->id) && (best == NULL || peer->match_index > best->match_index)) {
            best = peer;
        }
    }
    return best == NULL ? 0 : best->id;
}

void disk_space_turn(struct node *node) {
    struct disk_space *space = &node->disk_space;
    /* Once per election time-out: after that an attempt has succeeded or is over. */
    if (!node_is_leader(node) || !disk_space_is_full(node) || raft_transferring(node->core) != 0 ||
        (space->handed_over_ms != 0 && node->now_ms < space->handed_over_ms + node->options.election_timeout_ms)) {
        return;
    }
    struct raft_status status;
    raft_status(node->core, &status);
    raft_node_id to = have_majority(node, &status) ? furthest_with_room(node, &status) : 0;
    if (to != 0 && raft_transfer(node->core, to)) {
        space->handed_over_ms = node->now_ms;
    }
}

bool disk_space_admit(struct node *node, size_t count, uint64_t bytes, struct problem *out_problem) {
    struct disk_space *space = &node->disk_space;
    uint64_t on_disk = bytes + count * ENTRY_BYTES;
    if (disk_space_is_full(node)) {
        problem_set(out_problem, PROBLEM_STORAGE_FULL, false,
                    "no room is left on the disk of node %" PRIu64 ", which leads", node->options.id);
        return false;
    }
    if (space->room.for_commands != UINT64_MAX && !fits(node, space->room.for_commands, on_disk)) {
        problem_set(out_problem, PROBLEM_STORAGE_FULL, false,
                    "the disk of node %" PRIu64 ", which leads, has no room for %" PRIu64 " bytes more", node->options.id,
                    bytes);
        return false;
    }
    if (!majority_has_room(node)) {
        problem_set(out_problem, PROBLEM_STORAGE_FULL, false, "no majority of the voters has room on its disk");
        return false;
    }
    space->admitted += on_disk;
    return true;
}
