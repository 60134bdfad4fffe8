#include "server/discovery.h"

#include "server/node_state.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static bool is_used(const struct node *node) {
    return node->options.expect > 0;
}

static bool is_blank(const struct node *node) {
    return node->core == NULL && node->formation.state == MESSAGE_BLANK && node->formation.write == 0;
}

static bool leads(const struct node *node) {
    return node_leader(node) == node->options.id;
}

/* Without a leader, or before there can be one; and a leader that misses a member. */
static bool is_searching(const struct node *node) {
    bool is_wanted = node_leader(node) == 0 || (leads(node) && contacts_is_anyone_silent(node));
    return is_used(node) && !node->shutting_down && is_wanted;
}

static bool is_fresh(const struct node *node, const struct discovery_peer *peer) {
    return peer->fits && peer->answered_ms != 0 && node->now_ms - peer->answered_ms <= DISCOVERY_FRESH_MS;
}

static bool is_candidate(const struct node *node, const struct discovery_peer *peer) {
    return is_fresh(node, peer) && peer->state == MESSAGE_BLANK && !peer->joins;
}

/* -- Addresses -- */

bool node_searches(struct node *node) {
    if (!is_searching(node) || node->now_ms < node->discovery.lookup_ms) {
        return false;
    }
    node->discovery.lookup_ms = node->now_ms + (uint64_t)(leads(node) ? DISCOVERY_LED_MS : DISCOVERY_LOOKUP_MS);
    return true;
}

static bool is_among(const char *url, const char *const *urls, size_t count) {
    for (size_t i = 0; i < count; i++) {
        if (strcmp(urls[i], url) == 0) {
            return true;
        }
    }
    return false;
}

static struct discovery_peer *find_url(struct discovery *discovery, const char *url) {
    for (size_t i = 0; i < discovery->count; i++) {
        if (strcmp(discovery->list[i].member.url, url) == 0) {
            return &discovery->list[i];
        }
    }
    return NULL;
}

void node_found(struct node *node, const char *const *urls, size_t count, const char *why) {
    struct discovery *discovery = &node->discovery;
    snprintf(discovery->why, sizeof discovery->why, "%s", why);
    node->work = true;
    if (why[0] != '\0') {
        return; /* What was found before may still be there. */
    }
    size_t kept = 0;
    for (size_t i = 0; i < discovery->count; i++) {
        if (is_among(discovery->list[i].member.url, urls, count)) {
            discovery->list[kept++] = discovery->list[i];
        }
    }
    discovery->count = kept;
    for (size_t i = 0; i < count && discovery->count < DISCOVERY_MAX; i++) {
        if (find_url(discovery, urls[i]) == NULL && strlen(urls[i]) < MEMBERS_URL_SIZE) {
            struct discovery_peer *peer = &discovery->list[discovery->count++];
            *peer = (struct discovery_peer){.next_probe_ms = node->now_ms};
            memcpy(peer->member.url, urls[i], strlen(urls[i]) + 1);
        }
    }
}

static void probe(struct node *node, struct discovery_peer *peer) {
    struct message_request request;
    request.kind = MESSAGE_PROBE;
    request.round = 0;
    request.probe.list = node->options.cluster;
    request.probe.machine = node->options.machine->name;
    peer->question = node_new_number(node);
    peer->next_probe_ms = node->now_ms + (uint64_t)(leads(node) ? DISCOVERY_LED_MS : FORMATION_PROBE_MS);
    const struct members_member whoever = {.id = 0};
    struct members_member to = whoever;
    memcpy(to.url, peer->member.url, sizeof to.url);
    calls_send(node, &to, &request, peer->question, FORMATION_PROBE_TIMEOUT_MS);
}

/* -- Answers -- */

/* It may be found elsewhere than where it was known to be. */
static void locate(struct node *node, const struct discovery_peer *peer) {
    if (node->core != NULL) {
        const struct members_member *known = roster_find(&node->roster, peer->member.id);
        if (known != NULL && strcmp(known->url, peer->member.url) != 0) {
            contacts_moved(node, &peer->member);
        }
    } else if (node->formation.state == MESSAGE_HOLDING) {
        formation_found(node, &peer->member);
    }
}

static void understand(struct node *node, struct discovery_peer *peer, const struct message_answer *answer) {
    const struct message_probe_answer *told = &answer->probe;
    const struct members_member *listed = members_find(&told->list, answer->from);
    peer->member.id = answer->from;
    memcpy(peer->member.incarnation, answer->incarnation, sizeof peer->member.incarnation);
    snprintf(peer->own_url, sizeof peer->own_url, "%s", listed == NULL ? "" : listed->url);
    peer->answered_ms = node->now_ms;
    peer->state = told->state;
    peer->joins = told->joins;
    peer->fits = answer->from != node->options.id && strcmp(told->machine, node->options.machine->name) == 0;
    memcpy(peer->cluster_id, told->cluster_id, sizeof peer->cluster_id);
    if (!peer->fits) {
        return;
    }
    locate(node, peer);
    if (is_blank(node) && told->state == MESSAGE_HOLDING) {
        formation_adopt(node, told);
    }
}

bool discovery_answered(struct node *node, uint64_t number, const struct message_answer *answer) {
    struct discovery *discovery = &node->discovery;
    for (size_t i = 0; i < discovery->count && number != 0; i++) {
        struct discovery_peer *peer = &discovery->list[i];
        if (peer->question == number) {
            peer->question = 0;
            if (answer != NULL && answer->problem.code == PROBLEM_NONE) {
                understand(node, peer, answer);
            }
            return true;
        }
    }
    return false;
}

/* -- The list -- */

/* This node and the blank ones that are there, of those the lowest ids. */
static void make_list(const struct node *node, struct members *out_list) {
    struct members_member self = {.id = node->options.id, .voter = true};
    snprintf(self.url, sizeof self.url, "%s", node->options.url);
    *out_list = (struct members){0};
    members_add(out_list, &self);
    for (size_t i = 0; i < node->discovery.count; i++) {
        const struct discovery_peer *peer = &node->discovery.list[i];
        if (!is_candidate(node, peer) || members_find(out_list, peer->member.id) != NULL) {
            continue;
        }
        struct members_member member = {.id = peer->member.id, .voter = true};
        memcpy(member.url, peer->own_url[0] != '\0' ? peer->own_url : peer->member.url, sizeof member.url);
        if (out_list->count == RAFT_MEMBERS_MAX) {
            if (member.id > out_list->list[RAFT_MEMBERS_MAX - 1].id) {
                continue;
            }
            out_list->count--;
        }
        members_add(out_list, &member);
    }
    if (out_list->count > node->options.expect) {
        out_list->count = node->options.expect;
    }
}

static void choose_list(struct node *node) {
    struct members list;
    make_list(node, &list);
    if (!members_same_list(&list, &node->options.cluster)) {
        node->options.cluster = list;
        node->discovery.list_since_ms = node->now_ms;
        formation_listed(node);
    }
}

bool discovery_may_found(const struct node *node) {
    if (!is_used(node)) {
        return true;
    }
    for (size_t i = 0; i < node->discovery.count; i++) {
        if (is_fresh(node, &node->discovery.list[i]) && node->discovery.list[i].state != MESSAGE_BLANK) {
            return false;
        }
    }
    return node->options.cluster.count == node->options.expect &&
           node->now_ms - node->discovery.list_since_ms >= DISCOVERY_STABLE_MS;
}

/* Two clusters under one name: neither is joined. */
static bool sees_two_clusters(const struct node *node) {
    const char *seen = NULL;
    for (size_t i = 0; i < node->discovery.count; i++) {
        const struct discovery_peer *peer = &node->discovery.list[i];
        if (is_fresh(node, peer) && peer->state == MESSAGE_FORMED && peer->cluster_id[0] != '\0') {
            if (seen != NULL && strcmp(seen, peer->cluster_id) != 0) {
                return true;
            }
            seen = peer->cluster_id;
        }
    }
    return false;
}

const char *discovery_cluster_url(const struct node *node) {
    if (!is_used(node) || !is_blank(node) || sees_two_clusters(node)) {
        return NULL;
    }
    for (size_t i = 0; i < node->discovery.count; i++) {
        const struct discovery_peer *peer = &node->discovery.list[i];
        if (is_fresh(node, peer) && peer->state == MESSAGE_FORMED && peer->cluster_id[0] != '\0') {
            return peer->member.url;
        }
    }
    return NULL;
}

/* -- The turn -- */

void discovery_turn(struct node *node) {
    if (!is_searching(node)) {
        return;
    }
    if (is_blank(node)) {
        choose_list(node);
    }
    for (size_t i = 0; i < node->discovery.count; i++) {
        struct discovery_peer *peer = &node->discovery.list[i];
        if (peer->question == 0 && node->now_ms >= peer->next_probe_ms) {
            probe(node, peer);
        }
    }
}

static uint64_t sooner(uint64_t left, uint64_t right) {
    return left < right ? left : right;
}

uint64_t discovery_deadline_ms(const struct node *node) {
    const struct discovery *discovery = &node->discovery;
    uint64_t deadline = UINT64_MAX;
    if (!is_searching(node)) {
        return deadline;
    }
    if (discovery->lookup_ms > node->now_ms) { /* Else whoever runs the node asks node_searches anyway. */
        deadline = discovery->lookup_ms;
    }
    for (size_t i = 0; i < discovery->count; i++) {
        if (discovery->list[i].question == 0) {
            deadline = sooner(deadline, discovery->list[i].next_probe_ms);
        }
    }
    uint64_t stable_ms = discovery->list_since_ms + DISCOVERY_STABLE_MS;
    return stable_ms > node->now_ms ? sooner(deadline, stable_ms) : deadline;
}

void discovery_waiting(const struct node *node, struct node_status *status) {
    const struct discovery *discovery = &node->discovery;
    if (!is_used(node) || !is_blank(node) || joining_is_wanted(node) || status->waiting_count == RAFT_MEMBERS_MAX) {
        return;
    }
    size_t blank = 1;
    for (size_t i = 0; i < discovery->count; i++) {
        blank += is_candidate(node, &discovery->list[i]) ? 1 : 0;
    }
    struct node_waiting *waiting = &status->waiting[status->waiting_count++];
    *waiting = (struct node_waiting){.id = 0};
    snprintf(waiting->url, sizeof waiting->url, "%s", node->options.discover);
    if (sees_two_clusters(node)) {
        snprintf(waiting->why, sizeof waiting->why, "nodes of two clusters answer there: empty the directories of one");
    } else if (discovery->why[0] != '\0') {
        snprintf(waiting->why, sizeof waiting->why, "cannot be looked up: %.200s", discovery->why);
    } else {
        snprintf(waiting->why, sizeof waiting->why,
                 "%zu addresses, %zu blank nodes that run --machine %.64s (this one counted); %" PRIu32 " are expected",
                 discovery->count, blank, node->options.machine->name, node->options.expect);
    }
}
