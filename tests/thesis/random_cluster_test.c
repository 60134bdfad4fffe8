/* Clusters of three to seven nodes through random trouble (Figure 3.2 and §3.7, §3.8, §6.4 at once): after every turn the
 * invariants hold, and when the trouble is over the cluster gets to work within a few election time-outs.
 *
 * RAFT_SEEDS=n runs the first n seeds, RAFT_SEED=n that one alone and tells all. */
#include "tests/check_main.h"
#include "tests/number_from.h"

#include "tests/thesis/cluster.h"

#include <inttypes.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

enum { SEEDS = 400, STEPS = 1500, HINT_STEPS = 5, ELECTIONS_MAX = 10, CATCH_UP_MS = 20 };

/* How often, in so many steps on average, something happens; 0: never. */
struct trouble {
    uint64_t partition;
    uint64_t heal;
    uint64_t crash;
    uint64_t restart;
    uint64_t pause;
    uint64_t resume;
    uint64_t drift;  /* A clock changes its speed, from a tenth to double. */
    uint64_t behead; /* Whoever leads is crashed or cut off. */
    uint64_t compact;
    uint64_t unfit; /* A node must not lead, or may again. */
    uint64_t hint;  /* A leader that lives seems to be gone to somebody who follows it. */
};

static bool once_in(struct cluster *cluster, uint64_t steps) {
    return steps > 0 && cluster_random(cluster, steps) == 0;
}

/* -- Trouble -- */

static uint64_t one_of_three(struct cluster *cluster, uint64_t first, uint64_t second, uint64_t third) {
    uint64_t which = cluster_random(cluster, 3);
    return which == 0 ? first : which == 1 ? second : third;
}

static struct trouble choose_trouble(struct cluster *cluster) {
    cluster->weather = (struct cluster_weather){
        .lost = one_of_three(cluster, 0, 5, 25),
        .repeated = one_of_three(cluster, 0, 5, 25),
        .late = one_of_three(cluster, 0, 3, 20),
        .network_ms = one_of_three(cluster, 1, 6, 40),
        .call_ms = one_of_three(cluster, 20, 60, 200),
        .disk_ms = one_of_three(cluster, 0, 5, 60),
        .stray = one_of_three(cluster, 0, 2, 10),
    };
    struct trouble trouble = {
        .partition = one_of_three(cluster, 0, 80, 300),
        .heal = one_of_three(cluster, 50, 100, 200),
        .crash = one_of_three(cluster, 0, 60, 300),
        .restart = one_of_three(cluster, 5, 50, 150),
        .pause = one_of_three(cluster, 0, 80, 300),
        .resume = one_of_three(cluster, 20, 50, 100),
        .drift = one_of_three(cluster, 0, 50, 300),
        .behead = one_of_three(cluster, 0, 30, 100),
        .compact = one_of_three(cluster, 0, 20, 100),
        .unfit = one_of_three(cluster, 0, 0, 60),
        .hint = one_of_three(cluster, 0, 20, 200),
    };
    cluster->steady_clocks = trouble.drift == 0;
    return trouble;
}

/* A change takes a dozen round trips one after the other: with less trouble many come to their end. */
static struct trouble choose_less_trouble(struct cluster *cluster) {
    struct trouble trouble = choose_trouble(cluster);
    cluster->weather.lost = one_of_three(cluster, 0, 1, 5);
    cluster->weather.late = one_of_three(cluster, 0, 1, 5);
    cluster->weather.network_ms = one_of_three(cluster, 1, 3, 6);
    cluster->weather.disk_ms = one_of_three(cluster, 0, 2, 5);
    trouble.partition *= 2;
    trouble.pause *= 2;
    return trouble;
}

static void cut(struct cluster *cluster, size_t from, size_t to, bool is_cut) {
    if (from != to && is_cut) {
        cluster->cut[from][to] = true;
    }
}

static void heal(struct cluster *cluster) {
    for (size_t i = 0; i < cluster->node_count; i++) {
        for (size_t j = 0; j < cluster->node_count; j++) {
            cluster->cut[i][j] = false;
        }
    }
}

static void cut_off(struct cluster *cluster, size_t one, bool inward, bool outward) {
    for (size_t i = 0; i < cluster->node_count; i++) {
        cut(cluster, one, i, outward);
        cut(cluster, i, one, inward);
    }
}

/* Two halves that do not hear each other, or one direction of one pair, or everything that reaches or leaves one node. */
static void partition(struct cluster *cluster) {
    size_t one = cluster_random(cluster, cluster->node_count);
    size_t other = cluster_random(cluster, cluster->node_count);
    uint64_t side = cluster_random(cluster, UINT64_C(1) << cluster->node_count);
    switch (cluster_random(cluster, 4)) {
    case 0:
        for (size_t i = 0; i < cluster->node_count; i++) {
            for (size_t j = 0; j < cluster->node_count; j++) {
                cut(cluster, i, j, ((side >> i) & 1) != ((side >> j) & 1));
            }
        }
        break;
    case 1:
        cut_off(cluster, one, true, false);
        break;
    case 2:
        cut_off(cluster, one, false, true);
        break;
    default:
        cut(cluster, one, other, true);
        break;
    }
}

/* The worst moments are just after an election and in the middle of replication. */
static void behead(struct cluster *cluster) {
    for (size_t i = 0; i < cluster->node_count; i++) {
        struct cluster_node *node = &cluster->nodes[i];
        if (node->led_term == 0) {
            continue;
        }
        if (cluster_chance(cluster, 50)) {
            cluster_crash(cluster, node);
        } else {
            cut_off(cluster, i, true, cluster_chance(cluster, 50));
        }
    }
}

/* A process that ends is noticed by most, and soon; one that lives may seem to have ended. */
static void hint(struct cluster *cluster, struct cluster_node *node, uint64_t falsely) {
    raft_node_id leader = raft_leader(node->raft);
    if (leader == 0) {
        return;
    }
    bool is_gone = cluster->nodes[leader - 1].raft == NULL;
    if (once_in(cluster, is_gone ? HINT_STEPS : falsely * cluster->node_count)) {
        raft_hint_gone(node->raft, leader);
    }
}

static void make_trouble(struct cluster *cluster, const struct trouble *trouble) {
    if (once_in(cluster, trouble->partition)) {
        partition(cluster);
    }
    if (once_in(cluster, trouble->drift)) {
        cluster_set_clock(cluster, &cluster->nodes[cluster_random(cluster, cluster->node_count)],
                          100 + cluster_random(cluster, 1901));
    }
    if (once_in(cluster, trouble->behead)) {
        behead(cluster);
    }
    if (once_in(cluster, trouble->heal)) {
        heal(cluster);
    }
    for (size_t i = 0; i < cluster->node_count; i++) {
        struct cluster_node *node = &cluster->nodes[i];
        if (node->raft != NULL && once_in(cluster, trouble->compact)) {
            cluster_take_snapshot(cluster, node);
        }
        if (node->raft != NULL && once_in(cluster, trouble->unfit * cluster->node_count)) {
            cluster_set_unfit(node, !node->unfit);
        }
        if (node->raft != NULL && !node->paused) {
            hint(cluster, node, trouble->hint);
        }
        if (node->raft == NULL) {
            if (once_in(cluster, trouble->restart)) {
                cluster_restart(cluster, node);
            }
        } else if (once_in(cluster, trouble->crash * cluster->node_count)) {
            cluster_crash(cluster, node);
        } else if (node->paused) {
            node->paused = !once_in(cluster, trouble->resume);
        } else {
            node->paused = once_in(cluster, trouble->pause * cluster->node_count);
        }
    }
}

/* -- Calm -- */

static void end_trouble(struct cluster *cluster) {
    cluster->weather = (struct cluster_weather){.network_ms = 2, .call_ms = 30, .disk_ms = 2};
    heal(cluster);
    for (size_t i = 0; i < cluster->node_count; i++) {
        cluster->nodes[i].paused = false;
        cluster_set_clock(cluster, &cluster->nodes[i], 1000);
        if (cluster->nodes[i].raft == NULL) {
            cluster_restart(cluster, &cluster->nodes[i]);
        }
        cluster_set_unfit(&cluster->nodes[i], false);
    }
}

/* Of several the newest; NULL: nobody leads. */
static struct cluster_node *find_leader(struct cluster *cluster) {
    struct cluster_node *leader = NULL;
    for (size_t i = 0; i < cluster->node_count; i++) {
        struct cluster_node *node = &cluster->nodes[i];
        if (raft_role(node->raft) == RAFT_LEADER &&
            (leader == NULL || raft_current_term(node->raft) > raft_current_term(leader->raft))) {
            leader = node;
        }
    }
    return leader;
}

/* One leader that all members follow, everything committed at all of them, no request without an answer, and no change
 * under way. */
static bool agrees(struct cluster *cluster) {
    const struct cluster_node *leader = find_leader(cluster);
    if (leader == NULL || !raft_accepts(leader->raft)) {
        return false;
    }
    const struct raft_configuration *configuration = raft_current_configuration(leader->raft, NULL);
    if (configuration->next_voter_count > 0 || configuration->outgoing_count > 0) {
        return false;
    }
    for (size_t i = 0; i < cluster->node_count; i++) {
        const struct cluster_node *node = &cluster->nodes[i];
        if (cluster_is_member(leader, node->id) &&
            (raft_leader(node->raft) != leader->id || node->commit_index != cluster->committed.count ||
             node->log.count != cluster->committed.count || node->durable.count != cluster->committed.count ||
             node->owed > 0)) {
            return false;
        }
    }
    return true;
}

/* Some election time-outs, and the time that the slowest settings, one entry at a time, take to catch up. */
static uint64_t patience_ms(const struct cluster *cluster) {
    size_t longest = 0;
    size_t shortest = SIZE_MAX;
    for (size_t i = 0; i < cluster->node_count; i++) {
        size_t count = cluster->nodes[i].log.count;
        longest = count > longest ? count : longest;
        shortest = count < shortest ? count : shortest;
    }
    uint64_t elections = cluster->changes > 0 ? 2 * ELECTIONS_MAX : ELECTIONS_MAX; /* A change may have to be finished. */
    return elections * CLUSTER_ELECTION_MS + CATCH_UP_MS * (longest - shortest);
}

static void tell_state(const struct cluster *cluster) {
    for (size_t i = 0; i < cluster->node_count; i++) {
        const struct cluster_node *node = &cluster->nodes[i];
        fprintf(stderr,
                "node %" PRIu64 ": leader %" PRIu64 " of term %" PRIu64 ", log %zu, on disk %zu, committed %" PRIu64
                ", %zu writes under way, %zu requests to answer\n",
                node->id, raft_leader(node->raft), raft_current_term(node->raft), node->log.count, node->durable.count,
                node->commit_index, node->write_count, node->owed);
    }
}

static void run_until_agreed(struct cluster *cluster, raft_index at_least, const char *what) {
    uint64_t patience = patience_ms(cluster);
    uint64_t until_ms = cluster->now_ms + patience;
    while (cluster->committed.count < at_least || !agrees(cluster)) {
        if (cluster->now_ms > until_ms) {
            tell_state(cluster);
            cluster_fail(cluster, "liveness: no agreement within %" PRIu64 " ms %s", patience, what);
        }
        cluster_step(cluster, false);
    }
}

static void prove_progress(struct cluster *cluster) {
    end_trouble(cluster);
    run_until_agreed(cluster, 1, "of calm");
    /* A vote request that was under way may still cost the leader its term, once. */
    for (int i = 0; i < 2; i++) {
        raft_index before = cluster->committed.count;
        struct cluster_node *leader = find_leader(cluster);
        uint64_t value = cluster->next_value;
        if (!cluster_propose(cluster, leader)) {
            cluster_fail(cluster, "liveness: node %" PRIu64 " is followed by all and does not lead", leader->id);
        }
        run_until_agreed(cluster, before + 1, "after a proposal");
        if (cluster->committed.entries[before].value == value) {
            return;
        }
    }
    cluster_fail(cluster, "liveness: a proposal in calm did not commit as the next entry");
}

/* -- Seeds -- */

struct outcome {
    uint64_t trace;
    size_t committed;
    size_t reads_answered;
    size_t leaders_elected;
    size_t transfers_begun;
    size_t snapshots_installed;
    size_t configurations_appended;
    size_t joint_appended;
};

/* Odd seeds: the members are always the same. Even ones: they change, among seven. */
static struct cluster *create(uint64_t seed, bool tell) {
    if (seed % 2 != 0) {
        return cluster_create(seed, 3 + seed % 3, 3 + seed % 3, tell);
    }
    struct cluster *cluster = cluster_create(seed, CLUSTER_NODES_MAX, 1 + seed / 2 % 5, tell);
    cluster->changes = 2 + seed / 2 % 4 * 3;
    return cluster;
}

static struct outcome run_seed(uint64_t seed, bool tell) {
    struct cluster *cluster = create(seed, tell);
    struct trouble trouble = cluster->changes > 0 && seed % 3 != 0 ? choose_less_trouble(cluster) : choose_trouble(cluster);
    for (int i = 0; i < STEPS; i++) {
        make_trouble(cluster, &trouble);
        cluster_step(cluster, true);
    }
    prove_progress(cluster);
    struct outcome outcome = {
        cluster->trace,           cluster->committed.count,     cluster->reads_answered,          cluster->leaders_elected,
        cluster->transfers_begun, cluster->snapshots_installed, cluster->configurations_appended, cluster->joint_appended};
    cluster_destroy(cluster);
    return outcome;
}

/* Each in a process of its own, so that a failed assertion is told with its seed, too. */
static void run_seed_apart(uint64_t seed, bool tell) {
    pid_t child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) {
        run_seed(seed, tell);
        exit(EXIT_SUCCESS);
    }
    int status;
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == EXIT_SUCCESS,
                  "seed %" PRIu64 " failed; again, with all that is decided: RAFT_SEED=%" PRIu64 " random_cluster_test",
                  seed, seed);
}

START_TEST(invariants_hold_through_trouble_and_calm_brings_progress) {
    uint64_t only = number_from("RAFT_SEED", 0);
    if (only != 0) {
        run_seed_apart(only, true);
        return;
    }
    uint64_t seeds = number_from("RAFT_SEEDS", SEEDS);
    for (uint64_t seed = 1; seed <= seeds; seed++) {
        run_seed_apart(seed, false);
    }
}
END_TEST

START_TEST(the_same_seed_runs_the_same_way_and_another_does_not) {
    struct outcome first = run_seed(4, false);
    ck_assert_uint_eq(run_seed(4, false).trace, first.trace);
    ck_assert_uint_ne(run_seed(6, false).trace, first.trace);
}
END_TEST

START_TEST(false_hints_cost_no_leader_anything) {
    for (uint64_t seed = 1; seed <= 9; seed += 2) {
        struct cluster *cluster = create(seed, false);
        end_trouble(cluster);
        run_until_agreed(cluster, 1, "of calm");
        raft_term term = raft_current_term(find_leader(cluster)->raft);
        for (int i = 0; i < STEPS; i++) {
            for (size_t k = 0; k < cluster->node_count; k++) {
                hint(cluster, &cluster->nodes[k], 2);
            }
            if (i % 10 == 0) {
                cluster_propose(cluster, find_leader(cluster));
            }
            cluster_step(cluster, false);
        }
        ck_assert_uint_eq(raft_current_term(find_leader(cluster)->raft), term);
        cluster_destroy(cluster);
    }
}
END_TEST

START_TEST(the_trouble_leaves_room_for_work) {
    size_t committed = 0;
    size_t reads_answered = 0;
    size_t leaders_elected = 0;
    size_t snapshots_installed = 0;
    size_t transfers_begun = 0;
    size_t configurations_appended = 0;
    size_t joint_appended = 0;
    for (uint64_t seed = 1; seed <= 20; seed++) {
        struct outcome outcome = run_seed(seed, false);
        committed += outcome.committed;
        reads_answered += outcome.reads_answered;
        leaders_elected += outcome.leaders_elected;
        snapshots_installed += outcome.snapshots_installed;
        transfers_begun += outcome.transfers_begun;
        configurations_appended += outcome.configurations_appended;
        joint_appended += outcome.joint_appended;
    }
    ck_assert_uint_gt(committed, 20 * 50);
    ck_assert_uint_gt(reads_answered, 20 * 20);
    ck_assert_uint_gt(leaders_elected, 20 * 2);
    ck_assert_uint_gt(snapshots_installed, 20);
    ck_assert_uint_gt(transfers_begun, 10);
    ck_assert_uint_gt(configurations_appended, 10 * 5);
    ck_assert_uint_gt(joint_appended, 10);
}
END_TEST

static void add_tests(TCase *tcase) {
    tcase_set_timeout(tcase, 600); /* Sanitizers, and as many seeds as are asked for. */
    tcase_add_test(tcase, invariants_hold_through_trouble_and_calm_brings_progress);
    tcase_add_test(tcase, the_same_seed_runs_the_same_way_and_another_does_not);
    tcase_add_test(tcase, false_hints_cost_no_leader_anything);
    tcase_add_test(tcase, the_trouble_leaves_room_for_work);
}

CHECK_MAIN("thesis/random_cluster", add_tests)
