#include "server/formation.h"

#include "server/node_state.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static void say(struct node *node, const char *text) {
    if (node->io.diagnostics != NULL) {
        diagnostics_write(node->io.diagnostics, DIAGNOSTICS_INFO, "formation", "%s", text);
    }
}

/* Sets a reason and logs it when it is new. `id` 0: this node itself. */
static void set_why(struct node *node, raft_node_id id, char *why, const char *text) {
    char fresh[PROBLEM_DETAIL_SIZE];
    snprintf(fresh, sizeof fresh, "%s", text);
    if (strcmp(why, fresh) == 0) {
        return;
    }
    memcpy(why, fresh, sizeof fresh);
    char line[PROBLEM_DETAIL_SIZE + 64];
    if (id == 0) {
        snprintf(line, sizeof line, "%s", fresh[0] == '\0' ? "this node is not kept out any more" : fresh);
    } else {
        snprintf(line, sizeof line, "node %" PRIu64 ": %s", id, fresh[0] == '\0' ? "is there" : fresh);
    }
    say(node, line);
}

static struct formation_peer *find_peer(struct formation *formation, raft_node_id id) {
    for (size_t i = 0; i < formation->peer_count; i++) {
        if (formation->peers[i].member.id == id) {
            return &formation->peers[i];
        }
    }
    return NULL;
}

/* Whom to ask: the list; once there is a first configuration, all who founded, whatever the list says now, because each of
 * their disks counts. The list is then only a hint where they are. */
static void choose_peers(struct node *node) {
    struct formation *formation = &node->formation;
    struct formation before = *formation;
    const struct members *list = formation->state == MESSAGE_BLANK ? &node->options.cluster : &formation->founding;
    formation->peer_count = 0;
    for (size_t i = 0; i < list->count; i++) {
        const struct members_member *member = &list->list[i];
        if (member->id == node->options.id) {
            continue;
        }
        struct formation_peer *peer = &formation->peers[formation->peer_count++];
        const struct formation_peer *known = find_peer(&before, member->id);
        if (known != NULL) {
            *peer = *known;
        } else {
            *peer = (struct formation_peer){.member = *member, .next_probe_ms = node->now_ms};
            snprintf(peer->why, sizeof peer->why, "not asked yet");
        }
        const struct members_member *listed = members_find(&node->options.cluster, member->id);
        peer->member = listed == NULL ? *member : *listed;
    }
}

void formation_start(struct node *node, const struct members *founding) {
    struct formation *formation = &node->formation;
    *formation = (struct formation){.state = founding == NULL ? MESSAGE_BLANK : MESSAGE_HOLDING};
    if (founding != NULL) {
        formation->founding = *founding;
    }
    choose_peers(node);
    node->work = true;
}

void formation_listed(struct node *node) {
    assert(node->formation.state == MESSAGE_BLANK);
    choose_peers(node);
    node->work = true;
}

void formation_found(struct node *node, const struct members_member *member) {
    struct formation_peer *peer = find_peer(&node->formation, member->id);
    const struct members_member *founder = members_find(&node->formation.founding, member->id);
    if (peer != NULL && founder != NULL && strcmp(founder->incarnation, member->incarnation) == 0) {
        memcpy(peer->member.url, member->url, sizeof peer->member.url);
    }
}

/* -- Writing -- */

static void begin_write(struct node *node, struct storage_write *write, const char *cluster_id,
                        enum message_formation_state next_state) {
    struct formation *formation = &node->formation;
    assert(formation->write == 0);
    write->cluster_changed = true;
    memcpy(write->cluster_id, cluster_id, sizeof write->cluster_id);
    write->formed = next_state == MESSAGE_FORMED;
    memcpy(node->identity.cluster_id, cluster_id, sizeof node->identity.cluster_id);
    formation->next_state = next_state;
    formation->write = node_write(node, write);
}

/* The first configuration, as entry 1 of term 1 in every founding member's log. */
static void write_founding(struct node *node, const struct members *founding, const char *cluster_id) {
    struct json_writer writer = {0};
    members_write(founding, &writer);
    size_t size;
    char *text = json_writer_take(&writer, &size);
    struct buffer *buffer = buffer_take(text, size);
    struct raft_entry entry = {
        .id = {1, 1}, .type = RAFT_CONFIGURATION, .size = (uint32_t)size, .data = text, .buffer = buffer};
    struct storage_write write = {
        .entries = &entry, .entry_count = 1, .hard_state_changed = true, .hard_state = {.term = 1, .voted_for = 0}};
    node->formation.founding = *founding;
    /* A cluster of one has nobody to wait for. */
    begin_write(node, &write, cluster_id, founding->count == 1 ? MESSAGE_FORMED : MESSAGE_HOLDING);
    bool known = roster_append(&node->roster, &entry);
    assert(known);
    entry_cache_append(&node->cache, &entry);
    buffer_release(buffer);
}

static void found_cluster(struct node *node) {
    struct members founding = node->options.cluster;
    for (size_t i = 0; i < founding.count; i++) {
        struct members_member *member = &founding.list[i];
        const char *incarnation = node->identity.incarnation;
        for (size_t k = 0; k < node->formation.peer_count; k++) {
            if (node->formation.peers[k].member.id == member->id) {
                incarnation = node->formation.peers[k].incarnation;
            }
        }
        memcpy(member->incarnation, incarnation, sizeof member->incarnation);
    }
    unsigned char bytes[STORAGE_CLUSTER_ID_SIZE / 2];
    node->io.random(node->io.random_context, bytes, sizeof bytes);
    char cluster_id[STORAGE_CLUSTER_ID_SIZE + 1];
    for (size_t i = 0; i < sizeof bytes; i++) {
        snprintf(cluster_id + 2 * i, 3, "%02x", bytes[i]);
    }
    char line[128];
    snprintf(line, sizeof line, "all %zu listed nodes are there and blank: founds cluster %s", founding.count, cluster_id);
    say(node, line);
    write_founding(node, &founding, cluster_id);
}

static void become_formed(struct node *node) {
    struct storage_write write = {0};
    begin_write(node, &write, node->identity.cluster_id, MESSAGE_FORMED);
}

/* The first configuration is on disk as entry 1, and perhaps no longer in the cache: the module needs but its size. */
static void restore_founding(const struct members *founding, struct raft *core) {
    struct raft_configuration configuration;
    members_configuration(founding, &configuration);
    struct json_writer writer = {0};
    members_write(founding, &writer);
    struct raft_entry entry = {
        .id = {1, 1}, .type = RAFT_CONFIGURATION, .size = (uint32_t)writer.size, .configuration = &configuration};
    json_writer_discard(&writer);
    raft_restore_entry(core, &entry);
}

static void start_core(struct node *node) {
    node->identity.formed = true;
    bool holds = node->formation.founding.count > 0;
    struct raft *core = node_make_core(node, (struct raft_hard_state){.term = holds ? 1 : 0, .voted_for = 0});
    if (holds) {
        restore_founding(&node->formation.founding, core);
    }
    node_start_core(node, core);
}

void formation_written(struct node *node) {
    struct formation *formation = &node->formation;
    if (formation->write == 0 || node->writes_done < formation->write) {
        return;
    }
    formation->write = 0;
    formation->state = formation->next_state;
    if (formation->state == MESSAGE_FORMED) {
        char line[128];
        snprintf(line, sizeof line, "cluster %s is formed", node->identity.cluster_id);
        say(node, line);
        start_core(node);
    } else {
        choose_peers(node);
        say(node, "holds the first configuration; waits until every listed node does");
    }
}

void formation_claimed(struct node *node, const char *cluster_id) {
    if (node->formation.write != 0) {
        return;
    }
    if (node->formation.state == MESSAGE_BLANK) {
        struct storage_write write = {0};
        begin_write(node, &write, cluster_id, MESSAGE_FORMED);
    } else {
        become_formed(node);
    }
}

/* -- Deciding -- */

static bool all_peers(const struct node *node, enum message_formation_state at_least) {
    for (size_t i = 0; i < node->formation.peer_count; i++) {
        const struct formation_peer *peer = &node->formation.peers[i];
        bool fresh = peer->answered_ms != 0 && node->now_ms - peer->answered_ms <= FORMATION_FRESH_MS;
        bool as_wanted = at_least == MESSAGE_BLANK ? peer->state == MESSAGE_BLANK : peer->state >= at_least;
        if (!fresh || !as_wanted || peer->why[0] != '\0') {
            return false;
        }
    }
    return true;
}

static bool is_lowest(const struct node *node) {
    return node->options.cluster.count > 0 && node->options.cluster.list[0].id == node->options.id;
}

static void probe(struct node *node, struct formation_peer *peer) {
    peer->asked = true;
    peer->next_probe_ms = node->now_ms + FORMATION_PROBE_MS;
    struct message_request request;
    request.kind = MESSAGE_PROBE;
    request.round = 0;
    request.probe.list = node->options.cluster;
    request.probe.machine = node->options.machine->name;
    calls_send(node, &peer->member, &request, 0, FORMATION_PROBE_TIMEOUT_MS);
}

void formation_turn(struct node *node) {
    struct formation *formation = &node->formation;
    if (formation->write != 0) {
        return;
    }
    if (formation->state == MESSAGE_BLANK && is_lowest(node) && all_peers(node, MESSAGE_BLANK) &&
        discovery_may_found(node)) {
        found_cluster(node);
        return;
    }
    if (formation->state == MESSAGE_HOLDING && all_peers(node, MESSAGE_HOLDING)) {
        become_formed(node);
        return;
    }
    for (size_t i = 0; i < formation->peer_count; i++) {
        struct formation_peer *peer = &formation->peers[i];
        if (!peer->asked && node->now_ms >= peer->next_probe_ms) {
            probe(node, peer);
        }
    }
}

uint64_t formation_deadline_ms(const struct node *node) {
    uint64_t deadline = UINT64_MAX;
    for (size_t i = 0; i < node->formation.peer_count && node->formation.write == 0; i++) {
        const struct formation_peer *peer = &node->formation.peers[i];
        if (!peer->asked && peer->next_probe_ms < deadline) {
            deadline = peer->next_probe_ms;
        }
    }
    return deadline;
}

/* -- Answers -- */

/* This node's id is taken, by a disk that is not this one: it may have voted, and this one would not know (§3.8). */
static void meet_disowner(struct node *node, struct formation_peer *peer, const struct message_probe_answer *answer) {
    char text[PROBLEM_DETAIL_SIZE];
    const char *cure = "bring the old directory back, or empty all listed nodes' directories: it has not served yet";
    if (answer->state == MESSAGE_FORMED) {
        cure = node->options.replace ? "asks to take that place (--replace)"
                                     : "bring the old directory back, or start this one with --replace";
    }
    snprintf(text, sizeof text,
             "node %" PRIu64 " founded cluster %s with another data directory; this one is blank and must not vote in its "
             "place: %s",
             node->options.id, answer->cluster_id, cure);
    set_why(node, 0, node->formation.own_why, text);
    set_why(node, peer->member.id, peer->why, "belongs to a cluster already");
    peer->disowns_us = true;
}

/* All who found a cluster vote, and nobody is on the way in or out. A peer that says otherwise is not believed: it would be
 * on this node's disk for good. */
static bool is_founding(const struct members *members) {
    for (size_t i = 0; i < members->count; i++) {
        const struct members_member *member = &members->list[i];
        if (!member->voter || member->outgoing || member->joining || member->next != MEMBERS_NEXT_NONE) {
            return false;
        }
    }
    return members->count > 0;
}

void formation_adopt(struct node *node, const struct message_probe_answer *answer) {
    const struct members_member *self = members_find(&answer->members, node->options.id);
    if (self != NULL && strcmp(self->incarnation, node->identity.incarnation) == 0 && is_founding(&answer->members) &&
        node->formation.write == 0) {
        write_founding(node, &answer->members, answer->cluster_id);
    }
}

/* The peer has a configuration and this node has none: adopts it if it is the first one and counts this very incarnation
 * in. */
static void meet_member(struct node *node, struct formation_peer *peer, const struct message_probe_answer *answer) {
    const struct members_member *self = members_find(&answer->members, node->options.id);
    char text[PROBLEM_DETAIL_SIZE];
    if (self == NULL && answer->restored) {
        snprintf(text, sizeof text, "founded cluster %s anew: asked to take this node in", answer->cluster_id);
        set_why(node, peer->member.id, peer->why, text);
        peer->takes_us_in = true;
    } else if (self == NULL) {
        snprintf(text, sizeof text, "belongs to cluster %s, which does not count node %" PRIu64 " in", answer->cluster_id,
                 node->options.id);
        set_why(node, peer->member.id, peer->why, text);
    } else if (strcmp(self->incarnation, node->identity.incarnation) != 0) {
        meet_disowner(node, peer, answer);
    } else if (answer->state == MESSAGE_FORMED) {
        /* What it holds now need not be the first configuration any more. The log, that one included, comes from the
         * leader. */
        snprintf(text, sizeof text, "is in cluster %s, which counts this node in: waiting for its leader to call",
                 answer->cluster_id);
        set_why(node, peer->member.id, peer->why, text);
    } else if (!is_founding(&answer->members)) {
        set_why(node, peer->member.id, peer->why, "tells of a first configuration that cannot be one");
    } else {
        formation_adopt(node, answer);
    }
}

/* This node holds a configuration: does the peer's answer fit it? */
static void meet_as_holder(struct node *node, struct formation_peer *peer, const struct message_answer *answer) {
    const struct members_member *member = members_find(&node->formation.founding, peer->member.id);
    const struct message_probe_answer *probe_answer = &answer->probe;
    char text[PROBLEM_DETAIL_SIZE];
    if (member == NULL || strcmp(member->incarnation, answer->incarnation) != 0) {
        snprintf(text, sizeof text,
                 "has another data directory than the one that cluster %s was founded with: bring that one back, or empty "
                 "all listed nodes' directories, which have not served yet",
                 node->identity.cluster_id);
        set_why(node, peer->member.id, peer->why, text);
    } else if (probe_answer->state == MESSAGE_BLANK) {
        set_why(node, peer->member.id, peer->why, "does not hold the first configuration yet");
    } else if (strcmp(probe_answer->cluster_id, node->identity.cluster_id) != 0) {
        snprintf(text, sizeof text, "belongs to another cluster, %s", probe_answer->cluster_id);
        set_why(node, peer->member.id, peer->why, text);
    } else {
        set_why(node, peer->member.id, peer->why, "");
        if (probe_answer->state == MESSAGE_FORMED && node->formation.write == 0) {
            become_formed(node);
        }
    }
}

static void understand(struct node *node, struct formation_peer *peer, const struct message_answer *answer) {
    const struct message_probe_answer *probe_answer = &answer->probe;
    char text[PROBLEM_DETAIL_SIZE];
    peer->disowns_us = peer->takes_us_in = false;
    if (answer->from != peer->member.id) {
        snprintf(text, sizeof text, "node %" PRIu64 " answers at %.200s", answer->from, peer->member.url);
        set_why(node, peer->member.id, peer->why, text);
    } else if (strcmp(probe_answer->machine, node->options.machine->name) != 0) {
        snprintf(text, sizeof text, "runs --machine %.64s, this node %s", probe_answer->machine,
                 node->options.machine->name);
        set_why(node, peer->member.id, peer->why, text);
    } else if (node->formation.state == MESSAGE_HOLDING) {
        meet_as_holder(node, peer, answer);
    } else if (probe_answer->state != MESSAGE_BLANK) {
        meet_member(node, peer, probe_answer);
    } else if (!members_same_list(&probe_answer->list, &node->options.cluster)) {
        set_why(node, peer->member.id, peer->why,
                node->options.expect == 0
                    ? "was started with another --cluster list than this node; compare the two commands"
                    : "does not see the same nodes as this one yet, or expects another number");
    } else {
        set_why(node, peer->member.id, peer->why, "");
    }
    peer->answered_ms = node->now_ms;
    peer->state = probe_answer->state;
    memcpy(peer->incarnation, answer->incarnation, sizeof peer->incarnation);
}

static bool any_disowns_us(const struct formation *formation) {
    for (size_t i = 0; i < formation->peer_count; i++) {
        if (formation->peers[i].disowns_us) {
            return true;
        }
    }
    return false;
}

const char *formation_disowner_url(const struct formation *formation) {
    for (size_t i = 0; i < formation->peer_count; i++) {
        const struct formation_peer *peer = &formation->peers[i];
        if (peer->disowns_us && peer->state == MESSAGE_FORMED) {
            return peer->member.url;
        }
    }
    return NULL;
}

const char *formation_restored_url(const struct formation *formation) {
    for (size_t i = 0; i < formation->peer_count; i++) {
        if (formation->peers[i].takes_us_in) {
            return formation->peers[i].member.url;
        }
    }
    return NULL;
}

void formation_answered(struct node *node, raft_node_id id, const struct message_answer *answer, const char *why) {
    struct formation_peer *peer = find_peer(&node->formation, id);
    if (node->core != NULL || peer == NULL) {
        return; /* It does not matter any more. */
    }
    peer->asked = false;
    if (answer == NULL) {
        set_why(node, id, peer->why, why);
    } else if (answer->problem.code != PROBLEM_NONE) {
        set_why(node, id, peer->why, answer->problem.detail);
    } else {
        understand(node, peer, answer);
    }
    if (!any_disowns_us(&node->formation)) {
        set_why(node, 0, node->formation.own_why, "");
    }
    node->work = true;
}

void formation_receive_probe(struct node *node, const struct message_request *request, uint64_t ticket) {
    struct message_answer answer = node_answer_to(node, MESSAGE_PROBE, request->round);
    bool formed = node->core != NULL;
    answer.probe.state = formed ? MESSAGE_FORMED : node->formation.state;
    answer.probe.list = node->options.cluster;
    answer.probe.machine = node->options.machine->name;
    answer.probe.cluster_id[0] = '\0';
    answer.probe.members.count = 0;
    if (answer.probe.state != MESSAGE_BLANK) {
        memcpy(answer.probe.cluster_id, node->identity.cluster_id, sizeof answer.probe.cluster_id);
        answer.probe.members = formed ? roster_current(&node->roster)->members : node->formation.founding;
    }
    answer.probe.members_index = formed ? roster_current(&node->roster)->index : 0;
    answer.probe.members_committed = formed && roster_is_committed(&node->roster, node->core);
    answer.probe.leader = node_leader(node);
    answer.probe.restored = intake_is_open(node);
    answer.probe.joins = joining_is_wanted(node);
    node_reply(node, ticket, &answer);
}

void formation_waiting(const struct node *node, struct node_status *status) {
    const struct formation *formation = &node->formation;
    if (formation->own_why[0] != '\0') {
        struct node_waiting *waiting = &status->waiting[status->waiting_count++];
        *waiting = (struct node_waiting){.id = node->options.id};
        snprintf(waiting->url, sizeof waiting->url, "%s", node->options.url);
        snprintf(waiting->why, sizeof waiting->why, "%s", formation->own_why);
    }
    for (size_t i = 0; i < formation->peer_count; i++) {
        const struct formation_peer *peer = &formation->peers[i];
        if (peer->why[0] != '\0' && status->waiting_count < RAFT_MEMBERS_MAX) {
            struct node_waiting *waiting = &status->waiting[status->waiting_count++];
            *waiting = (struct node_waiting){.id = peer->member.id};
            memcpy(waiting->url, peer->member.url, sizeof waiting->url);
            memcpy(waiting->why, peer->why, sizeof waiting->why);
        }
    }
}
