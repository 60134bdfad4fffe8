/* Proposals that are applied once (§6.3), on whole nodes: retries through every node, across leaders, restarts and time. */
#include "cluster.h"
#include "tests/check_main.h"

/* A cluster of three, with its leader and one of the others. */
struct setting {
    struct cluster *cluster;
    size_t leader;
    size_t follower;
};

static struct setting begin(uint64_t seed) {
    struct cluster *cluster = cluster_create(3, seed);
    size_t leader = cluster_form(cluster);
    return (struct setting){cluster, leader, cluster_other(cluster, leader)};
}

static struct client_line once(struct cluster *cluster, size_t at, const char *command, const char *key, uint64_t session,
                               uint64_t sequence) {
    return client_await(cluster_propose_once(cluster, at, command, key, session, sequence))->lines[0];
}

static uint64_t open_session(struct cluster *cluster, size_t at) {
    const struct client *client = client_await(cluster_change_session(cluster, at, 0));
    assert_problem(client, PROBLEM_NONE, false);
    ck_assert_uint_gt(client->lines[0].id.index, 0);
    return client->lines[0].id.index;
}

static void assert_done(struct client_line line, const char *result, bool duplicate) {
    ck_assert_msg(line.problem.code == PROBLEM_NONE, "%s", line.problem.detail);
    ck_assert_str_eq(line.text, result);
    ck_assert(line.duplicate == duplicate);
}

static void assert_same(struct client_line line, struct client_line first) {
    assert_done(line, first.text, true);
    ck_assert_uint_eq(line.id.index, first.id.index);
    ck_assert_uint_eq(line.id.term, first.id.term);
}

static void assert_rejected(struct client_line line, enum problem_code code) {
    ck_assert_msg(line.problem.code == code, "%s", problem_name(line.problem.code));
    ck_assert(!line.problem.outcome_unknown);
}

/* The stamps in a log never fall. Answers how many there are. */
static size_t check_stamps(struct cluster *cluster, size_t at, uint64_t *out_newest) {
    const struct client *log = client_await(cluster_read_log(cluster, at, 1, NODE_LOG_LIMIT_MAX));
    size_t count = 0;
    *out_newest = 0;
    for (size_t i = 0; i < log->count; i++) {
        const struct client_line *line = &log->lines[i];
        if (line->type == RAFT_COMMAND || line->type == RAFT_SESSION) {
            ck_assert_uint_ge(line->time_ms, *out_newest);
            *out_newest = line->time_ms;
            count++;
        } else {
            ck_assert_uint_eq(line->time_ms, 0);
        }
    }
    return count;
}

START_TEST(a_retry_through_any_node_has_the_first_answer) {
    struct setting now = begin(1);
    client_await(cluster_propose(now.cluster, now.leader, PUT("a", "0")));
    uint64_t session = open_session(now.cluster, now.follower);
    struct client_line first = once(now.cluster, now.follower, PUT("a", "1"), NULL, session, 5);
    assert_done(first, "{\"previous\":0}", false);
    struct client_line keyed = once(now.cluster, now.follower, PUT("a", "2"), "pay \"7\\\"", 0, 0);
    assert_done(keyed, "{\"previous\":1}", false);
    for (size_t at = 0; at < 3; at++) {
        assert_same(once(now.cluster, at, PUT("a", "9"), NULL, session, 5), first); /* Whatever its body. */
        assert_same(once(now.cluster, at, PUT("a", "2"), "pay \"7\\\"", 0, 0), keyed);
    }
    assert_result(client_await(cluster_get(now.cluster, now.leader)), "{\"found\":true,\"value\":2}");
    cluster_destroy(now.cluster);
}
END_TEST

START_TEST(numbers_go_up_with_gaps_and_never_down) {
    struct setting now = begin(2);
    uint64_t session = open_session(now.cluster, now.leader);
    assert_done(once(now.cluster, now.leader, PUT("a", "1"), NULL, session, 2), "{}", false);
    assert_rejected(once(now.cluster, now.follower, PUT("a", "2"), NULL, session, 1), PROBLEM_STALE_SEQUENCE);
    assert_done(once(now.cluster, now.leader, PUT("a", "3"), NULL, session, RAFT_NUMBER_MAX), "{\"previous\":1}", false);
    assert_rejected(once(now.cluster, now.leader, PUT("a", "2"), NULL, session, 2), PROBLEM_STALE_SEQUENCE);
    cluster_destroy(now.cluster);
}
END_TEST

START_TEST(a_key_with_another_body_is_refused_and_a_space_is_another_byte) {
    struct setting now = begin(3);
    assert_done(once(now.cluster, now.leader, PUT("a", "1"), "k", 0, 0), "{}", false);
    assert_rejected(once(now.cluster, now.follower, PUT("a", "2"), "k", 0, 0), PROBLEM_KEY_REUSED);
    assert_rejected(once(now.cluster, now.leader, PUT("a", " 1"), "k", 0, 0), PROBLEM_KEY_REUSED);
    assert_done(once(now.cluster, now.leader, PUT("a", "2"), "K", 0, 0), "{\"previous\":1}", false);
    cluster_destroy(now.cluster);
}
END_TEST

START_TEST(a_session_ends_when_it_is_closed) {
    struct setting now = begin(4);
    uint64_t session = open_session(now.cluster, now.leader);
    assert_problem(client_await(cluster_change_session(now.cluster, now.follower, session)), PROBLEM_NONE, false);
    assert_problem(client_await(cluster_change_session(now.cluster, now.follower, session)), PROBLEM_SESSION_EXPIRED,
                   false);
    assert_rejected(once(now.cluster, now.follower, PUT("a", "1"), NULL, session, 1), PROBLEM_SESSION_EXPIRED);
    assert_result(client_await(cluster_get(now.cluster, now.leader)), "{\"found\":false}");
    cluster_destroy(now.cluster);
}
END_TEST

START_TEST(its_last_proposal_is_read_on_any_node) {
    struct setting now = begin(5);
    uint64_t session = open_session(now.cluster, now.leader);
    char expected[200];
    for (size_t at = 0; at < 3; at++) {
        snprintf(expected, sizeof expected, "{\"session\":%" PRIu64 ",\"seq\":0}", session);
        assert_result(client_await(cluster_read_session(now.cluster, at, session)), expected);
    }
    struct client_line first = once(now.cluster, now.leader, PUT("a", "1"), NULL, session, 8);
    snprintf(expected, sizeof expected,
             "{\"session\":%" PRIu64 ",\"seq\":8,\"index\":%" PRIu64 ",\"term\":%" PRIu64 ",\"result\":{}}", session,
             first.id.index, first.id.term);
    for (size_t at = 0; at < 3; at++) {
        assert_result(client_await(cluster_read_session(now.cluster, at, session)), expected);
        assert_problem(client_await(cluster_read_session(now.cluster, at, session + 1)), PROBLEM_SESSION_EXPIRED, false);
    }
    cluster_destroy(now.cluster);
}
END_TEST

static bool somebody_leads(struct cluster *cluster) {
    for (size_t at = 0; at < cluster->count; at++) {
        if (cluster->members[at].node != NULL && node_is_leader(cluster->members[at].node)) {
            return true;
        }
    }
    return false;
}

/* A known trap: the new leader has the first attempt in its log, not applied, when the retry comes. */
START_TEST(a_new_leader_that_has_not_applied_the_first_yet_answers_the_retry_with_it) {
    struct setting now = begin(6);
    uint64_t session = open_session(now.cluster, now.leader);
    cluster_run(now.cluster, 5000);
    /* Given entries that have reached the others, whose answers do not come before the leader dies */
    for (size_t at = 0; at < 3; at++) {
        now.cluster->members[at].hold_writes = true;
    }
    cluster_propose_once(now.cluster, now.leader, PUT("a", "1"), NULL, session, 1);
    cluster_propose_once(now.cluster, now.leader, PUT("b", "1"), "k", 0, 0);
    cluster_settle(now.cluster);
    cluster_kill(now.cluster, now.leader);
    for (size_t at = 0; at < 3; at++) {
        now.cluster->members[at].hold_writes = false;
    }
    /* When they are retried with the next leader as soon as it is one */
    now.cluster->network_ms = 20;
    ck_assert(cluster_run_until(now.cluster, somebody_leads, 60000));
    size_t next = cluster_leader(now.cluster);
    ck_assert_uint_eq(cluster_status(now.cluster, next).applied_index, session);
    ck_assert_uint_gt(cluster_status(now.cluster, next).raft.last.index, session + 2);
    struct client *retry = cluster_propose_once(now.cluster, next, PUT("a", "1"), NULL, session, 1);
    struct client *keyed_retry = cluster_propose_once(now.cluster, next, PUT("b", "1"), "k", 0, 0);
    /* Then they were applied once */
    struct client_line line = client_await(retry)->lines[0];
    assert_done(line, "{}", true);
    ck_assert_uint_eq(line.id.index, session + 1);
    assert_done(client_await(keyed_retry)->lines[0], "{}", true);
    uint64_t newest;
    ck_assert_uint_eq(check_stamps(now.cluster, next, &newest), 5);
    ck_assert_uint_ge(newest, 5000); /* It went on from a stamp that was not applied yet. */
    cluster_destroy(now.cluster);
}
END_TEST

START_TEST(after_all_nodes_restart_a_retry_has_the_first_answer) {
    struct setting now = begin(7);
    uint64_t session = open_session(now.cluster, now.leader);
    cluster_run(now.cluster, 5000);
    struct client_line first = once(now.cluster, now.leader, PUT("a", "1"), NULL, session, 1);
    struct client_line keyed = once(now.cluster, now.leader, PUT("b", "1"), "k\"", 0, 0);
    for (size_t at = 0; at < 3; at++) {
        now.cluster->members[at].options.cache_bytes = 0; /* Entries are read from disk. */
        cluster_restart(now.cluster, at);
    }
    now.cluster->network_ms = 20;
    ck_assert(cluster_run_until(now.cluster, somebody_leads, 60000));
    size_t leader = cluster_leader(now.cluster);
    ck_assert_uint_eq(cluster_status(now.cluster, leader).applied_index, 0);
    struct client *early = cluster_propose(now.cluster, leader, PUT("c", "1")); /* Stamped before anything is applied. */
    for (size_t at = 0; at < 3; at++) {
        assert_same(once(now.cluster, at, PUT("a", "1"), NULL, session, 1), first);
        assert_same(once(now.cluster, at, PUT("b", "1"), "k\"", 0, 0), keyed);
    }
    assert_result(client_await(early), "{}");
    uint64_t newest;
    ck_assert_uint_eq(check_stamps(now.cluster, leader, &newest), 10);
    cluster_destroy(now.cluster);
}
END_TEST

START_TEST(a_command_that_the_machine_refuses_uses_no_number_up) {
    struct setting now = begin(8);
    uint64_t session = open_session(now.cluster, now.leader);
    assert_rejected(once(now.cluster, now.follower, "{\"op\":\"nonsense\"}", NULL, session, 1), PROBLEM_INVALID_COMMAND);
    assert_done(once(now.cluster, now.follower, PUT("a", "1"), NULL, session, 1), "{}", false);
    assert_rejected(once(now.cluster, now.follower, "{\"op\":\"nonsense\"}", "k", 0, 0), PROBLEM_INVALID_COMMAND);
    assert_done(once(now.cluster, now.follower, PUT("a", "2"), "k", 0, 0), "{\"previous\":1}", false);
    cluster_destroy(now.cluster);
}
END_TEST

/* Time that passes while somebody leads, in slices that a run of the cluster takes. */
static void pass(struct cluster *cluster, uint64_t ms) {
    cluster_run(cluster, ms);
}

START_TEST(an_hour_of_cluster_time_ends_sessions_and_keys) {
    struct cluster *cluster = cluster_create(1, 9);
    cluster_form(cluster);
    uint64_t session = open_session(cluster, 0);
    uint64_t other = open_session(cluster, 0);
    once(cluster, 0, PUT("a", "1"), "k", 0, 0);
    once(cluster, 0, PUT("b", "1"), NULL, other, 1);
    pass(cluster, SESSIONS_EXPIRY_MS - 60000);
    assert_done(once(cluster, 0, PUT("a", "1"), "k", 0, 0), "{}", true);
    assert_done(once(cluster, 0, PUT("b", "1"), NULL, other, 1), "{}", true); /* A use: its hour begins anew. */
    pass(cluster, 120000);
    assert_rejected(once(cluster, 0, PUT("c", "1"), NULL, session, 1), PROBLEM_SESSION_EXPIRED);
    assert_done(once(cluster, 0, PUT("b", "1"), NULL, other, 1), "{}", true);
    assert_done(once(cluster, 0, PUT("a", "1"), "k", 0, 0), "{\"previous\":1}", false);
    cluster_destroy(cluster);
}
END_TEST

START_TEST(stamps_never_go_back_from_leader_to_leader) {
    struct setting now = begin(10);
    for (int i = 0; i < 6; i++) {
        size_t leader = cluster_await_leader(now.cluster);
        client_await(cluster_propose(now.cluster, leader, PUT("a", "1")));
        cluster_run(now.cluster, 700);
        client_await(cluster_propose(now.cluster, leader, PUT("a", "1")));
        cluster_restart(now.cluster, leader);
    }
    uint64_t newest = 0;
    size_t commands = check_stamps(now.cluster, cluster_await_leader(now.cluster), &newest);
    ck_assert_uint_eq(commands, 12);
    ck_assert_uint_ge(newest, 6 * 700);
    ck_assert_uint_lt(newest, 6 * 700 + 3000); /* Nobody's clock runs while nobody leads, nor anybody's own epoch. */
    cluster_destroy(now.cluster);
}
END_TEST

static bool another_leads(struct cluster *cluster) {
    size_t leader = cluster_leader(cluster);
    return leader != CLUSTER_MAX && !cluster->lost[leader][(leader + 1) % 3];
}

START_TEST(what_a_leader_stamped_alone_does_not_count_beside_the_others_time) {
    enum { PATIENCE_MS = 60000 };
    struct cluster *cluster = cluster_create(3, 14);
    for (size_t at = 0; at < 3; at++) {
        cluster->members[at].options.election_timeout_ms = PATIENCE_MS;
    }
    size_t old = cluster_form(cluster);
    client_await(cluster_propose(cluster, old, PUT("a", "1")));
    cluster_set_around(cluster, cluster->lost, old, true);
    pass(cluster, PATIENCE_MS - 15000);
    struct client *alone = cluster_propose(cluster, old, PUT("a", "2")); /* A stamp of 45 seconds, in its own log only. */
    ck_assert(cluster_run_until(cluster, another_leads, 4 * (uint64_t)PATIENCE_MS));
    cluster_set_around(cluster, cluster->lost, old, false);
    size_t next = cluster_leader(cluster);
    client_await(cluster_propose(cluster, next, PUT("a", "3")));
    cluster_run(cluster, 3 * (uint64_t)PATIENCE_MS); /* What was lost on the way is given up. */
    ck_assert_uint_eq(alone->answers, 1);
    assert_problem(client_await(cluster_transfer(cluster, next, old)), PROBLEM_NONE, false);
    ck_assert_uint_eq(cluster_await_leader(cluster), old);
    client_await(cluster_propose(cluster, old, PUT("a", "4")));
    uint64_t newest;
    ck_assert_uint_eq(check_stamps(cluster, old, &newest), 3);
    ck_assert_uint_lt(newest, 30000);
    cluster_destroy(cluster);
}
END_TEST

START_TEST(many_of_all_kinds_are_passed_on_together) {
    /* Given so much around the commands in one forwarded request that the leader copies out what counts */
    enum { COUNT = 300 };
    struct setting now = begin(12);
    struct client *keyed[COUNT];
    struct client *opened[COUNT];
    char key[8];
    for (size_t i = 0; i < COUNT; i++) {
        snprintf(key, sizeof key, "%03zu", i);
        opened[i] = cluster_change_session(now.cluster, now.follower, 0);
        keyed[i] = cluster_propose_once(now.cluster, now.follower, PUT("", "1"), key, 0, 0);
    }
    /* Then each has its own answer, and a retry the same */
    for (size_t i = 0; i < COUNT; i++) {
        assert_result(client_await(opened[i]), "null");
        assert_result(client_await(keyed[i]), i == 0 ? "{}" : "{\"previous\":1}");
        ck_assert_uint_eq(keyed[i]->lines[0].id.index, opened[i]->lines[0].id.index + 1);
    }
    ck_assert_uint_eq(cluster_node(now.cluster, now.follower)->forwards.next_sequence, 1);
    for (size_t i = 0; i < COUNT; i += 50) {
        snprintf(key, sizeof key, "%03zu", i);
        assert_same(once(now.cluster, now.leader, PUT("", "1"), key, 0, 0), keyed[i]->lines[0]);
    }
    cluster_destroy(now.cluster);
}
END_TEST

START_TEST(a_key_in_a_body_of_white_space_is_kept_with_its_command) {
    struct setting now = begin(11);
    enum { SPACES = 20000 };
    char *text = memory_alloc(SPACES + 100);
    memset(text, ' ', SPACES);
    strcpy(text + SPACES, PUT("a", "1"));
    struct client_line first = once(now.cluster, now.follower, text, "k", 0, 0);
    assert_done(first, "{}", false);
    assert_same(once(now.cluster, now.leader, text, "k", 0, 0), first);
    free(text);
    cluster_destroy(now.cluster);
}
END_TEST

static void add_tests(TCase *tcase) {
    tcase_add_test(tcase, a_retry_through_any_node_has_the_first_answer);
    tcase_add_test(tcase, numbers_go_up_with_gaps_and_never_down);
    tcase_add_test(tcase, a_key_with_another_body_is_refused_and_a_space_is_another_byte);
    tcase_add_test(tcase, a_session_ends_when_it_is_closed);
    tcase_add_test(tcase, its_last_proposal_is_read_on_any_node);
    tcase_add_test(tcase, a_new_leader_that_has_not_applied_the_first_yet_answers_the_retry_with_it);
    tcase_add_test(tcase, after_all_nodes_restart_a_retry_has_the_first_answer);
    tcase_add_test(tcase, a_command_that_the_machine_refuses_uses_no_number_up);
    tcase_add_test(tcase, an_hour_of_cluster_time_ends_sessions_and_keys);
    tcase_add_test(tcase, stamps_never_go_back_from_leader_to_leader);
    tcase_add_test(tcase, what_a_leader_stamped_alone_does_not_count_beside_the_others_time);
    tcase_add_test(tcase, many_of_all_kinds_are_passed_on_together);
    tcase_add_test(tcase, a_key_in_a_body_of_white_space_is_kept_with_its_command);
}

CHECK_MAIN("node_once", add_tests)
