#include "api/checkup.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* Who of the others reaches a node. */
struct view {
    size_t tried;
    size_t reached;
    char missed_by[CHECKUP_TEXT_SIZE / 4]; /* "node 1, node 2" */
};

static struct view view_of(const struct checkup *checkup, size_t to) {
    struct view view = {0};
    size_t size = 0;
    for (size_t from = 0; from < checkup->count; from++) {
        enum checkup_reach reach = checkup->reach[from][to];
        if (from == to || reach == CHECKUP_NOT_TRIED) {
            continue;
        }
        view.tried++;
        if (reach == CHECKUP_REACHED) {
            view.reached++;
        } else if (size < sizeof view.missed_by) {
            size += (size_t)snprintf(view.missed_by + size, sizeof view.missed_by - size, "%snode %" PRIu64,
                                     size > 0 ? ", " : "", checkup->nodes[from].id);
        }
    }
    return view;
}

static const struct checkup_peer *peer_of(const struct checkup *checkup, raft_node_id id) {
    for (size_t i = 0; i < checkup->peer_count[1]; i++) {
        if (checkup->peers[1][i].id == id) {
            return &checkup->peers[1][i];
        }
    }
    return NULL;
}

static void tell_stranger(const struct checkup *checkup, const struct checkup_node *node,
                          struct checkup_findings *findings) {
    struct checkup_finding *found = checkup_add(findings, CHECKUP_PROBLEM, "other_cluster", node->id);
    checkup_say(found->problem, "at the address of node %" PRIu64 " there is somebody else", node->id);
    checkup_say(found->evidence, "%s answers as node %" PRIu64 " of cluster %s; this is cluster %s", node->url,
                node->said_id, node->cluster_id[0] != '\0' ? node->cluster_id : "(none)", checkup->cluster_id);
    checkup_say(found->command,
                "mend the name or port behind %s; or, if that node is gone for good: curl -X DELETE %s/v1/members/%" PRIu64,
                node->url, checkup->client_url, node->id);
}

static void tell_silent(const struct checkup *checkup, size_t place, const struct view *view,
                        struct checkup_findings *findings) {
    const struct checkup_node *node = &checkup->nodes[place];
    const struct checkup_peer *peer = peer_of(checkup, node->id);
    const char *why = node->why[0] != '\0' ? node->why : checkup->reach_why[place];
    char heard[80] = "";
    if (peer != NULL) {
        snprintf(heard, sizeof heard, "; the leader heard of it %" PRIu64 " s ago", peer->last_contact_ms / 1000);
    }
    struct checkup_finding *found = checkup_add(findings, CHECKUP_PROBLEM, "member_silent", node->id);
    checkup_say(found->problem, "node %" PRIu64 " is not heard of", node->id);
    checkup_say(found->evidence, "%s: %s (asked by %s)%s", node->url, why[0] != '\0' ? why : "no answer", view->missed_by,
                heard);
    checkup_say(found->command,
                "systemctl start raftd   # on its machine; if it is gone for good: curl -X DELETE %s/v1/members/%" PRIu64,
                checkup->client_url, node->id);
}

static void tell_unreachable(const struct checkup *checkup, size_t place, const struct view *view,
                             struct checkup_findings *findings) {
    const struct checkup_node *node = &checkup->nodes[place];
    bool by_all = view->reached == 0;
    struct checkup_finding *found =
        checkup_add(findings, CHECKUP_PROBLEM, by_all ? "advertise_unreachable" : "partly_unreachable", node->id);
    checkup_say(found->problem, "node %" PRIu64 " %s", node->id,
                by_all ? "serves, but not where it tells the others that it is" : "is not reached by some of the others");
    checkup_say(found->evidence, "%s does not reach it at %s: %s", view->missed_by, node->url,
                checkup->reach_why[place][0] != '\0' ? checkup->reach_why[place] : "no answer");
    if (by_all) {
        checkup_say(found->command,
                    "raftd --advertise http://NAME-THAT-OTHERS-REACH:PORT ...   # start node %" PRIu64 " again with it",
                    node->id);
    } else {
        checkup_say(found->command, "curl -v %s/healthz   # on %s: names, firewalls, routes", node->url, view->missed_by);
    }
}

/* It can be reached, and yet the leader has not heard it for long. */
static void look_at_contact(const struct checkup *checkup, const struct checkup_node *node,
                            struct checkup_findings *findings) {
    const struct checkup_peer *peer = peer_of(checkup, node->id);
    if (peer == NULL || peer->last_contact_ms < CHECKUP_SILENT_MS || strcmp(node->role, "waiting") == 0) {
        return;
    }
    struct checkup_finding *found = checkup_add(findings, CHECKUP_PROBLEM, "member_without_contact", node->id);
    checkup_say(found->problem, "node %" PRIu64 " can be reached, but does not answer the leader", node->id);
    checkup_say(found->evidence, "node %" PRIu64 ", which leads, heard of it %" PRIu64 " s ago", checkup->leader,
                peer->last_contact_ms / 1000);
    checkup_say(found->command, "journalctl -u raftd   # on both: a token or a certificate may be refused");
}

void checkup_contacts(const struct checkup *checkup, struct checkup_findings *findings) {
    for (size_t i = 0; i < checkup->count; i++) {
        const struct checkup_node *node = &checkup->nodes[i];
        bool self = node->id == checkup->self;
        struct view view = view_of(checkup, i);
        if (!node->member) {
            continue;
        }
        if (node->answered && !checkup_is_ours(checkup, node)) {
            tell_stranger(checkup, node, findings);
        } else if (!self && !node->answered && view.reached == 0) {
            tell_silent(checkup, i, &view, findings);
        } else if (view.reached < view.tried) {
            tell_unreachable(checkup, i, &view, findings);
        } else {
            look_at_contact(checkup, node, findings);
        }
    }
}
