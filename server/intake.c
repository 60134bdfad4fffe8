#include "server/intake.h"

#include "server/node_state.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* The next one of the list after `after` that does not vote; NULL: none. */
static const struct members_member *find_missing(const struct node *node, raft_node_id after) {
    const struct members *now = &roster_current(&node->roster)->members;
    const struct members *list = &node->options.cluster;
    for (size_t i = 0; i < list->count; i++) {
        const struct members_member *member = members_find(now, list->list[i].id);
        if (list->list[i].id > after && (member == NULL || !member->voter || member->outgoing)) {
            return &list->list[i];
        }
    }
    return NULL;
}

void intake_turn(struct node *node) {
    if (node->intake.kind != NODE_INTAKE_NONE && node->core != NULL && roster_is_committed(&node->roster, node->core) &&
        find_missing(node, 0) == NULL) {
        node->intake.kind = NODE_INTAKE_NONE;
        node->work = true;
    }
}

bool intake_is_open(const struct node *node) {
    return node->intake.kind != NODE_INTAKE_NONE && node->core != NULL;
}

bool intake_bars_commands(const struct node *node) {
    return node->intake.kind == NODE_INTAKE_RESTORED && node->core != NULL;
}

void intake_problem(const struct node *node, struct problem *out_problem) {
    const struct members_member *missing = find_missing(node, 0);
    if (missing == NULL) {
        problem_set(out_problem, PROBLEM_NOT_READY, false, "restored from a backup; its members are being settled");
        return;
    }
    problem_set(out_problem, PROBLEM_NOT_READY, false,
                "restored from a backup; takes commands when all nodes of --cluster are in, node %" PRIu64
                " (%.128s) for one is not",
                missing->id, missing->url);
}

void intake_waiting(const struct node *node, struct node_status *status) {
    const struct members_member *missing = NULL;
    while ((missing = find_missing(node, missing == NULL ? 0 : missing->id)) != NULL &&
           status->waiting_count < RAFT_MEMBERS_MAX) {
        struct node_waiting *waiting = &status->waiting[status->waiting_count++];
        *waiting = (struct node_waiting){.id = missing->id};
        memcpy(waiting->url, missing->url, sizeof waiting->url);
        snprintf(waiting->why, sizeof waiting->why,
                 "is to join this cluster, which is %s; it must run, blank, with the same --cluster list",
                 node->intake.kind == NODE_INTAKE_RESTORED ? "restored from a backup" : "recovered from a lost majority");
    }
}
