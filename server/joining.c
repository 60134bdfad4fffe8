#include "server/joining.h"

#include "server/node_state.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static void set_why(struct node *node, const char *text) {
    struct joining *joining = &node->joining;
    char fresh[PROBLEM_DETAIL_SIZE];
    snprintf(fresh, sizeof fresh, "%s", text);
    if (strcmp(joining->why, fresh) == 0) {
        return;
    }
    memcpy(joining->why, fresh, sizeof fresh);
    if (node->io.diagnostics != NULL) {
        diagnostics_write(node->io.diagnostics, DIAGNOSTICS_INFO, "joining", "%s: %s", joining->asked.url, fresh);
    }
}

/* --join says where to begin, or whoever has another disk in this node's place, one of the list that is restored, or who is
 * found (server/discovery.h). That may be taken out meanwhile: what was found once counts. */
static void learn_url(struct node *node) {
    struct joining *joining = &node->joining;
    const char *url = node->options.join_url;
    if (joining->url[0] == '\0' && url == NULL && node->options.replace) {
        url = formation_disowner_url(&node->formation);
    }
    if (joining->url[0] == '\0' && url == NULL) {
        url = formation_restored_url(&node->formation);
    }
    if (joining->url[0] == '\0' && url == NULL) {
        url = discovery_cluster_url(node);
    }
    if (url != NULL) {
        snprintf(joining->url, sizeof joining->url, "%s", url);
    }
}

bool joining_is_wanted(const struct node *node) {
    bool asks = node->options.join_url != NULL || node->joining.url[0] != '\0';
    return node->core == NULL && node->formation.state == MESSAGE_BLANK && asks;
}

static void pause(struct node *node) {
    struct joining *joining = &node->joining;
    joining->pause_ms = joining->pause_ms == 0 ? JOINING_PAUSE_MS : 2 * joining->pause_ms;
    if (joining->pause_ms > JOINING_PAUSE_MAX_MS) {
        joining->pause_ms = JOINING_PAUSE_MAX_MS;
    }
    joining->next_ms = node->now_ms + joining->pause_ms;
    joining->turn = joining->turn >= joining->known.count ? 0 : joining->turn + 1;
    node->work = true;
}

static void choose(struct node *node) {
    struct joining *joining = &node->joining;
    joining->asked = (struct members_member){.id = 0};
    if (joining->turn > 0 && joining->turn <= joining->known.count &&
        joining->known.list[joining->turn - 1].id != node->options.id) {
        joining->asked = joining->known.list[joining->turn - 1];
    } else {
        snprintf(joining->asked.url, sizeof joining->asked.url, "%s", joining->url);
    }
}

void joining_turn(struct node *node) {
    struct joining *joining = &node->joining;
    learn_url(node);
    if (!joining_is_wanted(node) || node->formation.write != 0 || joining->question != 0 || joining->request != 0 ||
        node->now_ms < joining->next_ms) {
        return;
    }
    choose(node);
    struct message_request request;
    request.kind = MESSAGE_PROBE;
    request.round = 0;
    request.probe.list = node->options.cluster;
    request.probe.machine = node->options.machine->name;
    joining->question = node_new_number(node);
    calls_send(node, &joining->asked, &request, joining->question, FORMATION_PROBE_TIMEOUT_MS);
}

static void ask_to_join(struct node *node, enum change_kind kind) {
    struct joining *joining = &node->joining;
    struct members_member self = {.id = node->options.id, .voter = !node->options.learner};
    snprintf(self.url, sizeof self.url, "%s", node->options.url);
    memcpy(self.incarnation, node->identity.incarnation, sizeof self.incarnation);
    struct message_request request;
    request.kind = MESSAGE_CHANGE;
    request.round = 0;
    request.change = (struct message_change){
        .change = {.kind = kind, .own = true, .members = {.count = 1, .list = {self}}},
        .forward = true,
        .timeout_ms = NODE_TIMEOUT_MAX_MS,
    };
    joining->request = node_new_number(node);
    calls_send(node, &joining->asked, &request, joining->request, NODE_TIMEOUT_MAX_MS);
    set_why(node, "is asked to take this node in");
}

/* A member of a cluster has answered: is this node counted in, and if not, what is it to ask for? */
static void meet(struct node *node, const struct message_probe_answer *probe) {
    const struct members_member *self = members_find(&probe->members, node->options.id);
    char text[PROBLEM_DETAIL_SIZE];
    if (self == NULL) {
        ask_to_join(node, CHANGE_ADD);
        return;
    }
    if (strcmp(self->incarnation, node->identity.incarnation) == 0) {
        set_why(node, "counts this node in: waiting for its leader to call");
    } else if (node->options.replace) {
        ask_to_join(node, CHANGE_REPLACE);
        return;
    } else {
        snprintf(text, sizeof text,
                 "its cluster knows node %" PRIu64
                 " with another data directory; this one is blank and must not vote in its "
                 "place: bring that one back, start this one with --replace, or remove node %" PRIu64 " first",
                 node->options.id, node->options.id);
        set_why(node, text);
    }
    pause(node);
}

bool joining_answered(struct node *node, uint64_t number, const struct message_answer *answer, const char *why) {
    struct joining *joining = &node->joining;
    if (number == 0 || number != joining->question) {
        return false;
    }
    joining->question = 0;
    if (!joining_is_wanted(node)) {
        return true;
    }
    char text[PROBLEM_DETAIL_SIZE];
    if (answer == NULL || answer->problem.code != PROBLEM_NONE) {
        set_why(node, answer == NULL ? why : answer->problem.detail);
    } else if (answer->from == node->options.id) {
        set_why(node, strcmp(answer->incarnation, node->identity.incarnation) == 0
                          ? "is this very node: say with --join where another one is"
                          : "there is another node with this id");
    } else if (strcmp(answer->probe.machine, node->options.machine->name) != 0) {
        snprintf(text, sizeof text, "runs --machine %.64s, this node %s", answer->probe.machine,
                 node->options.machine->name);
        set_why(node, text);
    } else if (answer->probe.state != MESSAGE_FORMED || answer->probe.members.count == 0) {
        set_why(node, "is in no cluster yet itself");
    } else {
        joining->asked.id = answer->from;
        memcpy(joining->asked.incarnation, answer->incarnation, sizeof joining->asked.incarnation);
        memcpy(joining->cluster_id, answer->probe.cluster_id, sizeof joining->cluster_id);
        joining->known = answer->probe.members;
        meet(node, &answer->probe);
        return true;
    }
    pause(node);
    return true;
}

bool joining_change_answered(struct node *node, uint64_t number, const struct message_answer *answer, const char *why) {
    struct joining *joining = &node->joining;
    if (number == 0 || number != joining->request) {
        return false;
    }
    joining->request = 0;
    if (!joining_is_wanted(node)) {
        return true;
    }
    if (answer == NULL) {
        set_why(node, why);
    } else if (answer->problem.code != PROBLEM_NONE) {
        set_why(node, answer->problem.detail);
    } else {
        joining->pause_ms = 0;
    }
    pause(node);
    return true;
}

uint64_t joining_deadline_ms(const struct node *node) {
    const struct joining *joining = &node->joining;
    bool idle = joining->question == 0 && joining->request == 0;
    return joining_is_wanted(node) && node->formation.write == 0 && idle ? joining->next_ms : UINT64_MAX;
}

void joining_waiting(const struct node *node, struct node_status *status) {
    const struct joining *joining = &node->joining;
    if (!joining_is_wanted(node) || status->waiting_count == RAFT_MEMBERS_MAX) {
        return;
    }
    struct node_waiting *waiting = &status->waiting[status->waiting_count++];
    *waiting = (struct node_waiting){.id = joining->asked.id};
    snprintf(waiting->url, sizeof waiting->url, "%s", joining->asked.url[0] != '\0' ? joining->asked.url : joining->url);
    snprintf(waiting->why, sizeof waiting->why, "%s", joining->why[0] != '\0' ? joining->why : "not asked yet");
}
