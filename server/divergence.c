#include "server/divergence.h"

#include <assert.h>
#include <string.h>

void divergence_clear(struct divergence *divergence) {
    *divergence = (struct divergence){0};
}

/* -- Servers -- */

static bool contains(const raft_node_id *ids, size_t count, raft_node_id id) {
    for (size_t i = 0; i < count; i++) {
        if (ids[i] == id) {
            return true;
        }
    }
    return false;
}

static bool votes(const struct raft_configuration *configuration, raft_node_id id) {
    return contains(configuration->voters, configuration->voter_count, id) ||
           contains(configuration->outgoing, configuration->outgoing_count, id);
}

static bool is_member(const struct raft_configuration *configuration, raft_node_id id) {
    return votes(configuration, id) || contains(configuration->learners, configuration->learner_count, id);
}

void divergence_keep_members(struct divergence *divergence, const struct raft_configuration *configuration) {
    size_t kept = 0;
    for (size_t i = 0; i < divergence->count; i++) {
        if (is_member(configuration, divergence->servers[i].id)) {
            divergence->servers[kept++] = divergence->servers[i];
        }
    }
    divergence->count = kept;
}

const struct divergence_server *divergence_find(const struct divergence *divergence, raft_node_id id) {
    for (size_t i = 0; i < divergence->count; i++) {
        if (divergence->servers[i].id == id) {
            return &divergence->servers[i];
        }
    }
    return NULL;
}

static struct divergence_report *report_at(struct divergence_server *server, raft_index index) {
    for (size_t i = 0; i < server->count; i++) {
        if (server->reports[i].report.index == index) {
            return &server->reports[i];
        }
    }
    return NULL;
}

/* -- Judging -- */

/* How many of them have reported that hash at that index. */
static size_t count_same(struct divergence *divergence, const raft_node_id *ids, size_t id_count,
                         struct state_hash_report report) {
    size_t same = 0;
    for (size_t i = 0; i < divergence->count; i++) {
        const struct divergence_report *other = report_at(&divergence->servers[i], report.index);
        if (other != NULL && other->report.hash == report.hash && contains(ids, id_count, divergence->servers[i].id)) {
            same++;
        }
    }
    return same;
}

static bool has_majority(struct divergence *divergence, const struct raft_configuration *configuration,
                         struct state_hash_report report) {
    size_t new_same = count_same(divergence, configuration->voters, configuration->voter_count, report);
    size_t old_same = count_same(divergence, configuration->outgoing, configuration->outgoing_count, report);
    return new_same > configuration->voter_count / 2 &&
           (configuration->outgoing_count == 0 || old_same > configuration->outgoing_count / 2);
}

static void judge_server(struct divergence_server *server) {
    size_t at = server->count;
    enum divergence_verdict verdict = DIVERGENCE_UNKNOWN;
    while (at > 0 && verdict == DIVERGENCE_UNKNOWN) {
        verdict = server->reports[--at].verdict;
    }
    if (verdict == DIVERGENCE_AGREES && at + 1 < server->count) {
        verdict = DIVERGENCE_UNKNOWN; /* It did, but what it reported since may differ. */
    }
    if (verdict == DIVERGENCE_UNKNOWN && server->verdict == DIVERGENCE_DIFFERS) {
        return; /* It does not end by itself. */
    }
    if (verdict == DIVERGENCE_DIFFERS && server->verdict != DIVERGENCE_DIFFERS) {
        server->since = server->reports[at].report.index;
    }
    server->verdict = verdict;
}

/* The state as of that index is known: who has reported it, and who another? */
static void judge_all(struct divergence *divergence, struct state_hash_report state) {
    for (size_t i = 0; i < divergence->count; i++) {
        struct divergence_server *server = &divergence->servers[i];
        struct divergence_report *report = report_at(server, state.index);
        if (report != NULL) {
            report->verdict = report->report.hash == state.hash ? DIVERGENCE_AGREES : DIVERGENCE_DIFFERS;
            judge_server(server);
        }
    }
    if (state.index >= divergence->disputed) {
        divergence->disputed = 0;
    }
}

/* Do voters who are not known to differ contradict each other there? */
static bool is_disputed(struct divergence *divergence, const struct raft_configuration *configuration, raft_index index) {
    const struct divergence_report *first = NULL;
    for (size_t i = 0; i < divergence->count; i++) {
        struct divergence_server *server = &divergence->servers[i];
        const struct divergence_report *report = report_at(server, index);
        if (report == NULL || server->verdict == DIVERGENCE_DIFFERS || !votes(configuration, server->id)) {
            continue;
        }
        if (first != NULL && first->report.hash != report->report.hash) {
            return true;
        }
        first = report;
    }
    return false;
}

static void judge(struct divergence *divergence, const struct raft_configuration *configuration, raft_index index) {
    for (size_t i = 0; i < divergence->count; i++) {
        const struct divergence_report *report = report_at(&divergence->servers[i], index);
        if (report != NULL && has_majority(divergence, configuration, report->report)) {
            judge_all(divergence, report->report);
            return;
        }
    }
    if (index > divergence->disputed && is_disputed(divergence, configuration, index)) {
        divergence->disputed = index;
    }
}

/* -- Reports -- */

/* False: it says nothing new, or is older than all that is kept. */
static bool keep(struct divergence_server *server, struct state_hash_report report) {
    const struct divergence_report *known = report_at(server, report.index);
    if (known != NULL && known->report.hash == report.hash) {
        return false;
    }
    if (known != NULL) {
        server->count = 0;
    }
    if (server->count == DIVERGENCE_REPORTS) {
        if (report.index < server->reports[0].report.index) {
            return false;
        }
        memmove(server->reports, server->reports + 1, --server->count * sizeof server->reports[0]);
    }
    size_t at = server->count++;
    for (; at > 0 && server->reports[at - 1].report.index > report.index; at--) {
        server->reports[at] = server->reports[at - 1];
    }
    server->reports[at] = (struct divergence_report){.report = report};
    return true;
}

void divergence_note(struct divergence *divergence, const struct raft_configuration *configuration, raft_node_id from,
                     struct state_hash_report report) {
    assert(report.index != 0);
    if (!is_member(configuration, from)) {
        return;
    }
    struct divergence_server *server = (struct divergence_server *)divergence_find(divergence, from);
    if (server == NULL) {
        if (divergence->count == RAFT_MEMBERS_MAX) {
            divergence_keep_members(divergence, configuration);
        }
        server = &divergence->servers[divergence->count++];
        *server = (struct divergence_server){.id = from};
    }
    if (keep(server, report)) {
        judge_server(server);
        judge(divergence, configuration, report.index);
    }
}
