/* Clusters whose members change: some found it, the others are blank and know whom to ask. */
#ifndef RAFTD_TESTS_SERVER_CLUSTER_MEMBERS_H
#define RAFTD_TESTS_SERVER_CLUSTER_MEMBERS_H

#include "cluster.h"

/* `count` members, of whom the first `founders` list each other. The others would ask the first one to take them in. */
static inline struct cluster *members_cluster(size_t count, size_t founders, uint64_t seed) {
    struct cluster *cluster = cluster_create(count, seed);
    struct members list = cluster_list(founders);
    for (size_t i = 0; i < count; i++) {
        struct node_options *options = &cluster->members[i].options;
        options->cluster = i < founders ? list : (struct members){0};
        options->join_url = i < founders ? NULL : cluster->members[0].url;
    }
    for (size_t i = 0; i < founders; i++) {
        cluster_start(cluster, i);
    }
    cluster_await_leader(cluster);
    cluster_run(cluster, HEARTBEAT_MS);
    return cluster;
}

/* "1,2+4" are voters 1 and 2 and learner 4; outgoing ones follow after a minus. */
static inline void members_words(const struct members *members, char out[128]) {
    size_t size = 0;
    out[0] = '\0';
    for (int list = 0; list < 3; list++) {
        for (size_t i = 0; i < members->count; i++) {
            const struct members_member *member = &members->list[i];
            bool here = list == 0 ? member->voter : list == 1 ? members_is_learner(member) : member->outgoing;
            if (here) {
                size += (size_t)snprintf(out + size, 128 - size, "%s%" PRIu64,
                                         list == 0   ? (size == 0 ? "" : ",")
                                         : list == 1 ? "+"
                                                     : "-",
                                         member->id);
            }
        }
    }
}

static inline void client_changed(void *context, const struct node_change_answer *answer) {
    struct client *client = context;
    client_answered(client, 1);
    client->problem = answer->problem;
    client->lines[0].problem = answer->problem;
    client->lines[0].id.index = answer->index;
    if (answer->problem.code == PROBLEM_NONE) {
        char words[128];
        members_words(&answer->members, words);
        client->lines[0].text = memory_text(words, strlen(words));
    }
}

static inline struct client *members_change(struct cluster *cluster, size_t at, const struct change *change,
                                            uint32_t timeout_ms, bool forward) {
    struct client *client = client_new(cluster, at);
    client->ticket = node_change(cluster_node(cluster, at), change, timeout_ms, forward, client_changed, client);
    ck_assert_uint_eq(client->answers, 0);
    return client;
}

static inline struct members_member members_at(const struct cluster *cluster, size_t which, bool voter) {
    struct members_member member = {.id = which + 1, .voter = voter};
    snprintf(member.url, sizeof member.url, "%s", cluster->members[which].url);
    return member;
}

static inline struct client *members_add_node(struct cluster *cluster, size_t at, size_t which, bool voter) {
    struct change change = {.kind = CHANGE_ADD, .members = {.count = 1, .list = {members_at(cluster, which, voter)}}};
    return members_change(cluster, at, &change, NODE_TIMEOUT_MAX_MS, true);
}

static inline struct client *members_by_id(struct cluster *cluster, size_t at, enum change_kind kind, size_t which) {
    struct change change = {.kind = kind, .members = {.count = 1, .list = {{.id = which + 1}}}};
    return members_change(cluster, at, &change, NODE_TIMEOUT_MAX_MS, true);
}

static inline void assert_members(struct cluster *cluster, size_t at, const char *expected) {
    struct node_status status = cluster_status(cluster, at);
    char words[128];
    members_words(&status.members, words);
    ck_assert_str_eq(words, expected);
}

/* Runs until that node's committed configuration reads so. */
static inline void members_await(struct cluster *cluster, size_t at, const char *expected) {
    char words[128] = "";
    for (unsigned ms = 0; ms < 60000; ms++) {
        struct node_status status = cluster_status(cluster, at);
        members_words(&status.members, words);
        if (strcmp(words, expected) == 0 && status.members_index <= status.raft.commit_index) {
            return;
        }
        cluster_run(cluster, 1);
    }
    ck_abort_msg("the members are %s, not %s", words, expected);
}

#endif
