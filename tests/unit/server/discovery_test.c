/* Nodes that find each other under one name. The name stands for what the test says, on each node. */
#include "cluster_forming.h"
#include "tests/check_main.h"
#include "tests/number_from.h"

enum { EXPECT = 3 };

struct name {
    bool known[CLUSTER_MAX][CLUSTER_MAX]; /* [at][of]: looked up at that node, it stands for this one too. */
    const char *why;                      /* Look-ups fail. */
};

static struct name name;

static void look_up(void *context, const struct member *member) {
    (void)context;
    if (!node_searches(member->node)) {
        return;
    }
    const char *urls[CLUSTER_MAX];
    size_t count = 0;
    for (size_t i = 0; i < member->cluster->count; i++) {
        if (name.known[member->at][i]) {
            urls[count++] = member->cluster->members[i].url;
        }
    }
    node_found(member->node, urls, count, name.why);
}

static struct cluster *begin(size_t count, uint64_t seed) {
    struct cluster *cluster = cluster_create(count, seed);
    name = (struct name){.why = ""};
    memset(name.known, true, sizeof name.known);
    cluster->turned = look_up;
    for (size_t i = 0; i < count; i++) {
        cluster->members[i].options.cluster.count = 0;
        cluster->members[i].options.expect = EXPECT;
        cluster->members[i].options.discover = "raftd:8001";
    }
    return cluster;
}

/* Nobody takes part but in one cluster, and not before all whom its first configuration names have it on their disks. */
static void check_one_cluster(const struct cluster *cluster) {
    const char *formed = "";
    static struct storage_state states[CLUSTER_MAX];
    for (size_t i = 0; i < cluster->count; i++) {
        states[i] = disk_state(cluster, i);
        const struct node *node = cluster->members[i].node;
        if (node != NULL && node->core != NULL && node->identity.cluster_id[0] != '\0') {
            ck_assert_msg(formed[0] == '\0' || strcmp(formed, node->identity.cluster_id) == 0, "two clusters");
            formed = node->identity.cluster_id;
        }
    }
    size_t holders = 0;
    for (size_t i = 0; i < cluster->count; i++) {
        holders += strcmp(states[i].identity.cluster_id, formed) == 0 && states[i].last.index >= 1 ? 1 : 0;
    }
    ck_assert(formed[0] == '\0' || holders >= EXPECT);
}

static bool all_in(struct cluster *cluster) {
    check_one_cluster(cluster);
    for (size_t i = 0; i < cluster->count; i++) {
        const struct node *node = cluster->members[i].node;
        if (node == NULL || node->core == NULL) {
            return false;
        }
        const struct members *members = &roster_current(&node->roster)->members;
        for (size_t k = 0; k < cluster->count; k++) {
            const struct members_member *member = members_find(members, k + 1);
            if (member == NULL || !member->voter || member->outgoing) {
                return false;
            }
        }
    }
    return true;
}

static bool not_yet(struct cluster *cluster) {
    check_one_cluster(cluster);
    return false;
}

/* A command is done, whatever it answers. */
static void assert_goes_on(struct cluster *cluster) {
    size_t leader = cluster_await_leader(cluster);
    struct client *client = client_await(cluster_propose(cluster, leader, PUT("a", "2")));
    ck_assert_int_eq(client->lines[0].problem.code, PROBLEM_NONE);
}

START_TEST(three_in_any_order_form_one_cluster) {
    static const size_t orders[][3] = {{0, 1, 2}, {0, 2, 1}, {1, 0, 2}, {1, 2, 0}, {2, 0, 1}, {2, 1, 0}};
    struct cluster *cluster = begin(3, 1);
    for (size_t i = 0; i < 3; i++) {
        cluster_start(cluster, orders[_i][i]);
        if (i < 2) {
            cluster_run_until(cluster, not_yet, 2500);
        }
    }
    ck_assert(cluster_run_until(cluster, all_in, 4000));
    assert_serves(cluster);
    cluster_destroy(cluster);
}
END_TEST

START_TEST(five_at_once_are_one_cluster_of_five) {
    struct cluster *cluster = begin(5, 2);
    cluster_start_all(cluster);
    ck_assert(cluster_run_until(cluster, all_in, 20000));
    assert_serves(cluster);
    cluster_destroy(cluster);
}
END_TEST

START_TEST(later_ones_are_taken_in) {
    struct cluster *cluster = begin(5, 3);
    for (size_t i = 0; i < 3; i++) {
        cluster_start(cluster, i);
    }
    cluster_run(cluster, 6000);
    assert_serves(cluster);
    cluster_start(cluster, 3);
    cluster_start(cluster, 4);
    ck_assert(cluster_run_until(cluster, all_in, 20000));
    cluster_destroy(cluster);
}
END_TEST

START_TEST(too_few_wait_and_say_for_what) {
    struct cluster *cluster = begin(3, 4);
    cluster_start(cluster, 0);
    cluster_start(cluster, 1);
    cluster_run_until(cluster, not_yet, 5000);
    struct node_status status = cluster_status(cluster, 0);
    ck_assert_uint_eq(status.waiting_count, 1);
    ck_assert_str_eq(status.waiting[0].url, "raftd:8001");
    ck_assert_str_eq(status.waiting[0].why,
                     "3 addresses, 2 blank nodes that run --machine hashmap (this one counted); 3 are expected");
    char why[300];
    ck_assert(!node_ready(cluster_node(cluster, 0), why, sizeof why));
    ck_assert_msg(strstr(why, "form; (raftd:8001): 3 addresses") != NULL, "%s", why);
    name.why = "Temporary failure in name resolution";
    cluster_run(cluster, 1500);
    status = cluster_status(cluster, 0);
    ck_assert_str_eq(status.waiting[0].why, "cannot be looked up: Temporary failure in name resolution");
    name.why = "";
    cluster_start(cluster, 2);
    ck_assert(cluster_run_until(cluster, all_in, 6000));
    cluster_destroy(cluster);
}
END_TEST

START_TEST(another_machine_does_not_count) {
    struct cluster *cluster = begin(3, 5);
    cluster->members[2].options.machine = machine_register();
    cluster_start_all(cluster);
    cluster_run_until(cluster, not_yet, 5000);
    ck_assert_ptr_null(cluster_node(cluster, 0)->core);
    ck_assert_ptr_null(cluster_node(cluster, 2)->core);
    cluster_destroy(cluster);
}
END_TEST

START_TEST(a_lost_volume_comes_back_as_another_node) {
    struct cluster *cluster = begin(4, 6);
    for (size_t i = 0; i < 3; i++) {
        cluster_start(cluster, i);
    }
    cluster_run(cluster, 6000);
    assert_serves(cluster);
    cluster_kill(cluster, 1);
    cluster_start(cluster, 3); /* In the same container as it were: with another id, as it has another disk. */
    for (unsigned ms = 0; cluster_node(cluster, 3)->core == NULL; ms++) {
        ck_assert_uint_lt(ms, 20000);
        cluster_run(cluster, 1);
        check_one_cluster(cluster);
    }
    assert_goes_on(cluster);
    cluster_destroy(cluster);
}
END_TEST

/* All at new addresses, which only the name tells. */
START_TEST(all_addresses_may_be_new) {
    struct cluster *cluster = begin(3, 7);
    cluster_start_all(cluster);
    ck_assert(cluster_run_until(cluster, all_in, 6000));
    assert_serves(cluster);
    for (size_t round = 0; round < 3; round++) {
        for (size_t i = 0; i < 3; i++) {
            cluster_kill(cluster, i);
        }
        for (size_t i = 0; i < 3; i++) {
            /* In the last round each one is where another was. */
            snprintf(cluster->members[i].url, MEMBERS_URL_SIZE, "http://10.0.%zu.%zu:8001", round, (i + round) % 3);
            if (round == 2) {
                snprintf(cluster->members[i].url, MEMBERS_URL_SIZE, "http://10.0.1.%zu:8001", i);
            }
        }
        cluster_start_all(cluster);
        assert_goes_on(cluster);
        for (size_t i = 0; i < 9; i++) {
            for (unsigned ms = 0;
                 strcmp(node_member_url(cluster_node(cluster, i / 3), i % 3 + 1), cluster->members[i % 3].url) != 0; ms++) {
                ck_assert_uint_lt(ms, 20000);
                cluster_run(cluster, 1);
            }
        }
    }
    cluster_destroy(cluster);
}
END_TEST

static void make_lead(struct cluster *cluster, size_t wanted) {
    size_t starts = 0;
    size_t leader = cluster_await_leader(cluster);
    while (leader != wanted) {
        cluster_restart(cluster, leader);
        leader = cluster_await_leader(cluster);
        ck_assert_uint_lt(++starts, 50);
    }
}

/* The one who moved asks at its own old address for the leader, which got it, and the leader asks there for the one who
 * moved. */
START_TEST(who_has_the_leader_at_its_old_address_is_found) {
    struct cluster *cluster = begin(3, (uint64_t)_i);
    cluster_start_all(cluster);
    ck_assert(cluster_run_until(cluster, all_in, 6000));
    cluster_kill(cluster, 0);
    cluster_kill(cluster, 1);
    memcpy(cluster->members[1].url, cluster->members[0].url, MEMBERS_URL_SIZE);
    snprintf(cluster->members[0].url, MEMBERS_URL_SIZE, "http://10.0.0.1:8001");
    cluster_start(cluster, 1);
    make_lead(cluster, 1);
    cluster_run(cluster, 5000);
    cluster_start(cluster, 0);
    for (unsigned ms = 0; strcmp(node_member_url(cluster_node(cluster, 1), 1), cluster->members[0].url) != 0; ms++) {
        ck_assert_uint_lt(ms, 20000);
        cluster_run(cluster, 1);
    }
    ck_assert(cluster_run_until(cluster, all_in, 6000));
    cluster_destroy(cluster);
}
END_TEST

/* As many blank nodes as the README allows, 2 * EXPECT - 1; they start, die and come back when they like, and the name
 * tells each of them something else until it is the same everywhere. */
START_TEST(whatever_the_name_tells_there_is_one_cluster) {
    struct cluster *cluster = begin(2 * EXPECT - 1, (uint64_t)_i);
    cluster->disk_ms = 300;
    cluster->network_ms = 100;
    memset(name.known, false, sizeof name.known);
    for (unsigned step = 0; step < 60; step++) {
        size_t at = cluster_random(cluster, cluster->count);
        size_t of = cluster_random(cluster, cluster->count);
        switch (cluster_random(cluster, 6)) {
        case 0:
            if (cluster->members[at].node == NULL) {
                cluster_start(cluster, at);
            }
            break;
        case 1:
            if (cluster->members[at].node != NULL && cluster_random(cluster, 2) == 0) {
                cluster_kill(cluster, at);
            }
            break;
        default:
            name.known[at][of] = cluster_random(cluster, 4) != 0;
        }
        cluster_run(cluster, cluster_random(cluster, 600));
        check_one_cluster(cluster);
    }
    memset(name.known, true, sizeof name.known);
    for (size_t i = 0; i < cluster->count; i++) {
        if (cluster->members[i].node == NULL) {
            cluster_start(cluster, i);
        }
    }
    ck_assert_msg(cluster_run_until(cluster, all_in, 60000), "it never comes to one cluster");
    assert_serves(cluster);
    cluster_destroy(cluster);
}
END_TEST

/* How many clusters have begun to serve. */
static size_t count_clusters(const struct cluster *cluster) {
    const char *seen[CLUSTER_MAX];
    size_t count = 0;
    for (size_t i = 0; i < cluster->count; i++) {
        const struct node *node = cluster->members[i].node;
        bool known = node == NULL || node->core == NULL;
        for (size_t k = 0; k < count && !known; k++) {
            known = strcmp(seen[k], node->identity.cluster_id) == 0;
        }
        if (!known) {
            seen[count++] = node->identity.cluster_id;
        }
    }
    return count;
}

/* Five, of which the middle one is seen by two and two others that do not see each other: both sides could found a cluster
 * with it. It belongs to one, and the other side waits. */
START_TEST(who_is_seen_from_two_sides_founds_with_one) {
    struct cluster *cluster = begin(2 * EXPECT - 1, (uint64_t)_i);
    cluster->disk_ms = 100 + (uint64_t)_i % 7 * 100;
    cluster->network_ms = (uint64_t)_i % 5 * 50;
    for (size_t at = 0; at < 5; at++) {
        for (size_t of = 0; of < 5; of++) {
            bool apart = (at < 2 && of > 2) || (at > 2 && of < 2);
            name.known[at][of] = !apart;
            cluster->refused[at][of] = apart;
        }
    }
    for (size_t i = 0; i < 5; i++) {
        size_t at = cluster_random(cluster, 5);
        if (cluster->members[at].node == NULL) {
            cluster_start(cluster, at);
        }
        cluster_run(cluster, cluster_random(cluster, 800));
    }
    for (size_t i = 0; i < 5; i++) {
        if (cluster->members[i].node == NULL) {
            cluster_start(cluster, i);
        }
        if (cluster_random(cluster, 3) == 0) {
            cluster_restart(cluster, i);
        }
        cluster_run(cluster, cluster_random(cluster, 800));
    }
    cluster_run_until(cluster, not_yet, 6000);
    ck_assert_uint_le(count_clusters(cluster), 1);
    memset(name.known, true, sizeof name.known);
    memset(cluster->refused, 0, sizeof cluster->refused);
    if (count_clusters(cluster) == 1) {
        cluster_run_until(cluster, all_in, 60000);
        check_one_cluster(cluster);
    }
    cluster_destroy(cluster);
}
END_TEST

/* That is the limit: 2 * EXPECT blank nodes in two halves that do not see each other are two clusters. */
START_TEST(one_more_than_allowed_may_be_two_clusters) {
    struct cluster *cluster = begin(2 * EXPECT, 9);
    for (size_t at = 0; at < 6; at++) {
        for (size_t of = 0; of < 6; of++) {
            name.known[at][of] = (at < 3) == (of < 3);
        }
    }
    cluster_start_all(cluster);
    cluster_run(cluster, 6000);
    ck_assert_uint_eq(count_clusters(cluster), 2);
    cluster_destroy(cluster);
}
END_TEST

START_TEST(who_holds_a_first_configuration_finds_the_others_at_new_addresses) {
    struct cluster *cluster = begin(3, 8);
    cluster_start_all(cluster);
    while (disk_state(cluster, 0).last.index == 0) {
        cluster_run(cluster, 1);
    }
    for (size_t i = 0; i < 3; i++) {
        ck_assert(!disk_state(cluster, i).identity.formed);
        cluster_kill(cluster, i);
        snprintf(cluster->members[i].url, MEMBERS_URL_SIZE, "http://10.0.0.%zu:8001", i);
    }
    cluster_start_all(cluster);
    ck_assert(cluster_run_until(cluster, all_in, 10000));
    assert_serves(cluster);
    cluster_destroy(cluster);
}
END_TEST

static void add_tests(TCase *tcase) {
    tcase_set_timeout(tcase, 60);
    tcase_add_loop_test(tcase, three_in_any_order_form_one_cluster, 0, 6);
    tcase_add_test(tcase, five_at_once_are_one_cluster_of_five);
    tcase_add_test(tcase, later_ones_are_taken_in);
    tcase_add_test(tcase, too_few_wait_and_say_for_what);
    tcase_add_test(tcase, another_machine_does_not_count);
    tcase_add_test(tcase, a_lost_volume_comes_back_as_another_node);
    tcase_add_test(tcase, all_addresses_may_be_new);
    tcase_add_loop_test(tcase, who_has_the_leader_at_its_old_address_is_found, 0, 5);
    tcase_add_test(tcase, who_holds_a_first_configuration_finds_the_others_at_new_addresses);
    int seeds = (int)number_from("CLUSTER_SEEDS", 14); /* Those with two sides repeat after 35. */
    tcase_add_loop_test(tcase, who_is_seen_from_two_sides_founds_with_one, 0, seeds);
    tcase_add_test(tcase, one_more_than_allowed_may_be_two_clusters);
    tcase_add_loop_test(tcase, whatever_the_name_tells_there_is_one_cluster, 0, seeds);
}

CHECK_MAIN("discovery", add_tests)
