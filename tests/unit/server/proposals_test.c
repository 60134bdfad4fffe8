#include "cluster.h"
#include "tests/check_main.h"

static size_t commands_in_log(struct cluster *cluster, size_t at) {
    struct client *log = cluster_read_log(cluster, at, 0, NODE_LOG_LIMIT_MAX);
    client_await(log);
    size_t count = 0;
    for (size_t i = 0; i < log->count; i++) {
        count += log->lines[i].type == RAFT_COMMAND ? 1 : 0;
    }
    return count;
}

START_TEST(a_command_proposed_anywhere_is_answered_with_the_machines_exact_bytes) {
    struct cluster *cluster = cluster_create(3, 1);
    cluster_form(cluster);
    struct client *client = cluster_propose(cluster, (size_t)_i, PUT("a", "{ \"x\" : [1e2,\t10000000000000000001] }"));
    assert_result(client_await(client), "{}");
    ck_assert_uint_eq(client->answered_ms, client->asked_ms);
    client = cluster_propose(cluster, (size_t)_i, PUT("a", "1"));
    assert_result(client_await(client), "{\"previous\":{ \"x\" : [1e2,\t10000000000000000001] }}");
    cluster_run(cluster, HEARTBEAT_MS);
    struct node_status status = cluster_status(cluster, (size_t)_i);
    ck_assert_uint_eq(client->lines[0].id.index, status.applied_index);
    ck_assert_uint_eq(client->lines[0].id.term, status.applied_term);
    assert_machines_equal(cluster);
    cluster_destroy(cluster);
}
END_TEST

START_TEST(commands_of_one_request_are_appended_in_order_and_answered_in_order) {
    struct cluster *cluster = cluster_create(3, 2);
    cluster_form(cluster);
    struct client *client = cluster_propose(cluster, (size_t)_i, PUT("a", "1") "\n" PUT("a", "2") "\n" PUT("a", "3"));
    client_await(client);
    ck_assert_uint_eq(client->count, 3);
    assert_line(client, 0, "{}");
    assert_line(client, 1, "{\"previous\":1}");
    assert_line(client, 2, "{\"previous\":2}");
    ck_assert_uint_eq(client->lines[1].id.index, client->lines[0].id.index + 1);
    ck_assert_uint_eq(client->lines[2].id.index, client->lines[0].id.index + 2);
    cluster_destroy(cluster);
}
END_TEST

START_TEST(a_command_that_the_machine_refuses_is_refused_alone_and_never_takes_effect) {
    struct cluster *cluster = cluster_create(3, 3);
    cluster_form(cluster);
    static const char nonsense[] = "{\"op\":\"nonsense\"}";
    struct problem problem;
    ck_assert(!node_check(cluster_node(cluster, 0), (struct json_span){nonsense, sizeof nonsense - 1}, &problem));
    ck_assert_int_eq(problem.code, PROBLEM_INVALID_COMMAND);
    ck_assert(!problem.outcome_unknown);
    /* When it enters the log all the same, as of a peer that did not ask. */
    struct client *client = cluster_propose(cluster, (size_t)_i, PUT("a", "1") "\n{\"op\":\"nonsense\"}\n" PUT("a", "2"));
    client_await(client);
    assert_line(client, 0, "{}");
    ck_assert_int_eq(client->lines[1].problem.code, PROBLEM_INVALID_COMMAND);
    ck_assert(!client->lines[1].problem.outcome_unknown);
    ck_assert_uint_gt(strlen(client->lines[1].problem.detail), 0);
    assert_line(client, 2, "{\"previous\":1}");
    cluster_destroy(cluster);
}
END_TEST

START_TEST(with_forward_false_only_the_leader_takes_commands) {
    struct cluster *cluster = cluster_create(3, 4);
    size_t leader = cluster_form(cluster);
    struct client *client = cluster_propose_with(cluster, cluster_other(cluster, leader), PUT("a", "1"), 1000, false);
    cluster_settle(cluster);
    assert_problem(client, PROBLEM_NOT_LEADER, false);
    char leads[32];
    snprintf(leads, sizeof leads, "node %zu is", leader + 1);
    ck_assert_ptr_nonnull(strstr(client->lines[0].problem.detail, leads));
    client = cluster_propose_with(cluster, leader, PUT("a", "1"), 1000, false);
    cluster_settle(cluster);
    assert_result(client, "{}");
    cluster_destroy(cluster);
}
END_TEST

/* Kills the leader and runs until the others have noticed; answers one of them. */
static size_t lose_leader(struct cluster *cluster) {
    size_t leader = cluster_leader(cluster);
    size_t other = cluster_other(cluster, leader);
    cluster_kill(cluster, leader);
    cluster_set_around(cluster, cluster->refused, other, true);
    while (node_leader(cluster_node(cluster, other)) != 0) {
        cluster_run(cluster, 10);
    }
    return other;
}

START_TEST(without_a_leader_forward_false_is_refused_at_once) {
    struct cluster *cluster = cluster_create(3, 5);
    cluster_form(cluster);
    size_t other = lose_leader(cluster);
    struct client *client = cluster_propose_with(cluster, other, PUT("a", "1"), 1000, false);
    cluster_settle(cluster);
    assert_problem(client, PROBLEM_NO_LEADER, false);
    cluster_destroy(cluster);
}
END_TEST

START_TEST(without_a_leader_a_command_is_held_until_there_is_one) {
    struct cluster *cluster = cluster_create(3, 6);
    cluster_form(cluster);
    size_t other = lose_leader(cluster);
    struct client *client = cluster_propose_with(cluster, other, PUT("a", "1"), 60000, true);
    cluster_run(cluster, 3000);
    ck_assert_uint_eq(client->answers, 0);
    cluster_set_around(cluster, cluster->refused, other, false);
    assert_result(client_await(client), "{}");
    ck_assert_uint_eq(commands_in_log(cluster, other), 1);
    cluster_destroy(cluster);
}
END_TEST

START_TEST(a_command_held_until_its_time_is_over_was_never_taken) {
    struct cluster *cluster = cluster_create(3, 7);
    cluster_form(cluster);
    size_t other = lose_leader(cluster);
    struct client *client = cluster_propose_with(cluster, other, PUT("a", "1"), 2000, true);
    cluster_run(cluster, 1999);
    ck_assert_uint_eq(client->answers, 0);
    cluster_run(cluster, 1);
    assert_problem(client, PROBLEM_NO_LEADER, false);
    cluster_set_around(cluster, cluster->refused, other, false);
    cluster_await_leader(cluster);
    ck_assert_uint_eq(commands_in_log(cluster, other), 0);
    cluster_destroy(cluster);
}
END_TEST

/* -- Entries whose fate is open -- */

START_TEST(when_time_is_over_for_an_entry_in_the_log_its_outcome_is_unknown) {
    struct cluster *cluster = cluster_create(3, 8);
    size_t leader = cluster_form(cluster);
    cluster_set_around(cluster, cluster->held, leader, true);
    struct client *client = cluster_propose_with(cluster, leader, PUT("a", "1"), 300, true);
    cluster_run(cluster, 299);
    ck_assert_uint_eq(client->answers, 0);
    cluster_run(cluster, 1);
    assert_problem(client, PROBLEM_TIMEOUT, true);
    /* And indeed it takes effect later. */
    cluster_set_around(cluster, cluster->held, leader, false);
    cluster_run(cluster, HEARTBEAT_MS);
    assert_result(client_await(cluster_get(cluster, leader)), "{\"found\":true,\"value\":1}");
    cluster_destroy(cluster);
}
END_TEST

START_TEST(an_entry_that_another_one_replaced_is_rejected_when_that_one_is_committed) {
    struct cluster *cluster = cluster_create(5, 9);
    size_t old = cluster_form(cluster);
    cluster_set_around(cluster, cluster->refused, old, true);
    struct client *client =
        cluster_propose_with(cluster, old, PUT("a", "1") "\n" PUT("a", "2") "\n" PUT("a", "3"), 60000, true);
    while (cluster_leader(cluster) == old || cluster_leader(cluster) == CLUSTER_MAX) {
        cluster_run(cluster, 10);
    }
    ck_assert_uint_eq(client->answers, 0);
    cluster_set_around(cluster, cluster->refused, old, false);
    size_t leader = cluster_await_leader(cluster);
    /* One no-op was committed at the first index; the others are open as long as the log is no longer. */
    ck_assert_uint_eq(client->answers, 0);
    client_await(cluster_propose(cluster, leader, PUT("b", "1") "\n" PUT("b", "2")));
    client_await(client);
    assert_problem(client, PROBLEM_LEADERSHIP_LOST, false);
    assert_result(client_await(cluster_get(cluster, old)), "{\"found\":false}");
    cluster_destroy(cluster);
}
END_TEST

START_TEST(an_entry_that_the_next_leader_commits_is_done) {
    struct cluster *cluster = cluster_create(3, 10);
    size_t old = cluster_form(cluster);
    size_t next = cluster_other(cluster, old);
    size_t third = cluster_other(cluster, next);
    /* Given an entry that reached only one other, who could not say so. */
    cluster->lost[next][old] = cluster->lost[old][third] = cluster->lost[third][old] = true;
    struct client *client = cluster_propose_with(cluster, old, PUT("a", "1"), 60000, true);
    cluster_settle(cluster);
    cluster_set_around(cluster, cluster->lost, old, false);
    cluster_set_around(cluster, cluster->refused, old, true);
    while (cluster_leader(cluster) != next) {
        cluster_run(cluster, 10);
    }
    ck_assert_uint_eq(client->answers, 0);
    cluster_set_around(cluster, cluster->refused, old, false);
    assert_result(client_await(client), "{}");
    assert_result(client_await(cluster_get(cluster, old)), "{\"found\":true,\"value\":1}");
    cluster_destroy(cluster);
}
END_TEST

START_TEST(a_deposed_leader_that_hears_nothing_says_unknown_after_two_election_timeouts) {
    struct cluster *cluster = cluster_create(3, 11);
    size_t old = cluster_form(cluster);
    cluster_set_around(cluster, cluster->lost, old, true);
    struct client *client = cluster_propose_with(cluster, old, PUT("a", "1"), 60000, true);
    while (node_is_leader(cluster_node(cluster, old))) {
        cluster_run(cluster, 10);
    }
    cluster_run(cluster, 2 * ELECTION_MS - 20);
    ck_assert_uint_eq(client->answers, 0);
    cluster_run(cluster, 30);
    assert_problem(client, PROBLEM_LEADERSHIP_LOST, true);
    cluster_destroy(cluster);
}
END_TEST

/* -- Limits -- */

START_TEST(commands_beyond_the_limit_are_refused_until_others_are_answered) {
    struct cluster *cluster = cluster_create(3, 13);
    for (size_t i = 0; i < 3; i++) {
        cluster->members[i].options.queued_commands_max = 3;
    }
    size_t leader = cluster_form(cluster);
    size_t at = _i == 0 ? leader : cluster_other(cluster, leader);
    cluster_set_around(cluster, cluster->held, leader, true);
    struct client *fits = cluster_propose(cluster, at, PUT("a", "1") "\n" PUT("a", "2") "\n" PUT("a", "3"));
    struct client *too_many = cluster_propose(cluster, at, PUT("a", "4"));
    cluster_settle(cluster);
    ck_assert_uint_eq(fits->answers, 0);
    assert_problem(too_many, PROBLEM_OVERLOADED, false);
    cluster_set_around(cluster, cluster->held, leader, false);
    client_await(fits);
    assert_line(fits, 2, "{\"previous\":2}");
    assert_result(client_await(cluster_propose(cluster, at, PUT("a", "5"))), "{\"previous\":3}");
    cluster_destroy(cluster);
}
END_TEST

START_TEST(bytes_beyond_the_limit_are_refused_until_others_are_answered) {
    struct cluster *cluster = cluster_create(3, 14);
    for (size_t i = 0; i < 3; i++) {
        cluster->members[i].options.queued_bytes_max = 2 * strlen(PUT("a", "1"));
    }
    size_t leader = cluster_form(cluster);
    size_t at = _i == 0 ? leader : cluster_other(cluster, leader);
    cluster_set_around(cluster, cluster->held, leader, true);
    struct client *first = cluster_propose(cluster, at, PUT("a", "1"));
    struct client *one_too_many = cluster_propose(cluster, at, PUT("a", "22"));
    struct client *second = cluster_propose(cluster, at, PUT("a", "2"));
    struct client *third = cluster_propose(cluster, at, "1");
    cluster_settle(cluster);
    ck_assert_uint_eq(first->answers + second->answers, 0);
    assert_problem(one_too_many, PROBLEM_OVERLOADED, false);
    assert_problem(third, PROBLEM_OVERLOADED, false);
    cluster_set_around(cluster, cluster->held, leader, false);
    assert_result(client_await(first), "{}");
    assert_result(client_await(second), "{\"previous\":1}");
    assert_result(client_await(cluster_propose(cluster, at, PUT("a", "3"))), "{\"previous\":2}");
    cluster_destroy(cluster);
}
END_TEST

/* One large value, and many commands that are each answered with it. */
START_TEST(results_of_one_request_beyond_64_mib_are_left_out_and_the_commands_count) {
    enum { VALUE = 1024 * 1024, COMMANDS = PROPOSALS_RESULTS_MAX / VALUE + 1 };
    struct cluster *cluster = cluster_create(1, 29);
    cluster->members[0].options.queued_bytes_max = UINT64_MAX;
    size_t leader = cluster_form(cluster);
    char *put = memory_alloc(VALUE + 64);
    int head = sprintf(put, "{\"op\":\"put\",\"key\":\"a\",\"value\":\"");
    memset(put + head, 'x', VALUE);
    strcpy(put + head + VALUE, "\"}");
    client_await(cluster_propose(cluster, leader, put));
    static const char cas[] = "{\"op\":\"cas\",\"key\":\"a\",\"expected\":1,\"value\":2}\n";
    char lines[COMMANDS * sizeof cas] = "";
    for (size_t i = 0; i < COMMANDS; i++) {
        strcat(lines, cas);
    }
    struct client *client = client_await(cluster_propose(cluster, leader, lines));
    size_t left_out = 0;
    for (size_t i = 0; i < COMMANDS; i++) {
        ck_assert_int_eq(client->lines[i].problem.code, PROBLEM_NONE);
        ck_assert_uint_eq(client->lines[i].id.index, client->lines[0].id.index + i);
        ck_assert(client->lines[i].omitted == (client->lines[i].text[0] == '\0'));
        left_out += client->lines[i].omitted ? 1 : 0;
    }
    ck_assert_uint_eq(left_out, 2); /* Each is some bytes larger than the value. */
    ck_assert(client->lines[COMMANDS - 1].omitted);
    ck_assert_uint_eq(cluster_node(cluster, leader)->proposals.results_bytes, 0);
    free(put);
    cluster_destroy(cluster);
}
END_TEST

START_TEST(a_cancelled_client_hears_nothing_and_its_command_goes_on) {
    struct cluster *cluster = cluster_create(3, 15);
    size_t leader = cluster_form(cluster);
    size_t at = _i % 2 == 0 ? leader : cluster_other(cluster, leader);
    struct client *client = cluster_propose(cluster, at, PUT("a", "1"));
    if (_i >= 2) {
        /* Not at once, but when it is in the log or with the leader. */
        cluster_set_around(cluster, cluster->held, leader, true);
        cluster_settle(cluster);
    }
    client_cancel(client);
    cluster_set_around(cluster, cluster->held, leader, false);
    cluster_settle(cluster);
    ck_assert_uint_eq(client->answers, 0);
    assert_result(client_await(cluster_get(cluster, at)), "{\"found\":true,\"value\":1}");
    node_cancel(cluster_node(cluster, at), client->ticket); /* Unknown by now. */
    cluster_destroy(cluster);
}
END_TEST

START_TEST(nobody_is_answered_before_a_majority_has_the_entry_on_disk) {
    struct cluster *cluster = cluster_create(3, 16);
    size_t leader = cluster_form(cluster);
    for (size_t i = 0; i < 3; i++) {
        cluster->members[i].hold_writes = true;
    }
    struct client *client = cluster_propose(cluster, leader, PUT("a", "1"));
    cluster_run(cluster, 50);
    ck_assert_uint_eq(client->answers, 0);
    /* One disk is none. */
    size_t first = (leader + (size_t)_i) % 3;
    cluster->members[first].hold_writes = false;
    cluster_run(cluster, 50);
    ck_assert_uint_eq(client->answers, 0);
    cluster->members[cluster_other(cluster, first)].hold_writes = false;
    cluster_settle(cluster);
    assert_result(client, "{}");
    cluster_destroy(cluster);
}
END_TEST

START_TEST(a_node_alone_answers_when_its_disk_has_the_entry) {
    struct cluster *cluster = cluster_create(1, 17);
    cluster_form(cluster);
    cluster->members[0].hold_writes = true;
    struct client *client = cluster_propose(cluster, 0, PUT("a", "1"));
    cluster_run(cluster, 3000);
    ck_assert_uint_eq(client->answers, 0);
    cluster->members[0].hold_writes = false;
    cluster_settle(cluster);
    assert_result(client, "{}");
    cluster_destroy(cluster);
}
END_TEST

/* -- The end -- */

START_TEST(shutting_down_refuses_what_is_queued_and_what_comes) {
    struct cluster *cluster = cluster_create(3, 18);
    cluster_form(cluster);
    size_t other = lose_leader(cluster);
    struct client *queued = cluster_propose(cluster, other, PUT("a", "1"));
    cluster_settle(cluster);
    node_shut_down(cluster_node(cluster, other));
    struct client *late = cluster_propose(cluster, other, PUT("a", "2"));
    struct client *read = cluster_get(cluster, other);
    cluster_settle(cluster);
    assert_problem(queued, PROBLEM_SHUTTING_DOWN, false);
    assert_problem(late, PROBLEM_SHUTTING_DOWN, false);
    assert_problem(read, PROBLEM_SHUTTING_DOWN, false);
    char why[128];
    ck_assert(!node_ready(cluster_node(cluster, other), why, sizeof why));
    ck_assert_str_eq(why, "shutting down");
    cluster_destroy(cluster);
}
END_TEST

START_TEST(shutting_down_lets_what_is_under_way_end_within_the_grace) {
    struct cluster *cluster = cluster_create(3, 19);
    size_t leader = cluster_form(cluster);
    size_t at = _i == 0 ? leader : cluster_other(cluster, leader);
    cluster_set_around(cluster, cluster->held, leader, true);
    struct client *client = cluster_propose(cluster, at, PUT("a", "1"));
    cluster_settle(cluster);
    node_shut_down(cluster_node(cluster, at));
    cluster_run(cluster, 100);
    ck_assert_uint_eq(client->answers, 0);
    cluster_set_around(cluster, cluster->held, leader, false);
    cluster_settle(cluster);
    assert_result(client, "{}");
    cluster_destroy(cluster);
}
END_TEST

START_TEST(when_the_grace_is_over_what_is_under_way_is_unknown) {
    struct cluster *cluster = cluster_create(3, 20);
    size_t leader = cluster_form(cluster);
    size_t at = _i == 0 ? leader : cluster_other(cluster, leader);
    cluster_set_around(cluster, cluster->held, leader, true);
    struct client *client = cluster_propose_with(cluster, at, PUT("a", "1"), 60000, true);
    struct client *read = QUERY(cluster, at, .timeout_ms = 60000);
    cluster_settle(cluster);
    node_shut_down(cluster_node(cluster, at));
    cluster_run(cluster, NODE_SHUT_DOWN_GRACE_MS);
    ck_assert_uint_eq(client->answers, 1);
    ck_assert(client->lines[0].problem.outcome_unknown);
    ck_assert_int_eq(client->lines[0].problem.code, PROBLEM_SHUTTING_DOWN);
    assert_problem(read, PROBLEM_SHUTTING_DOWN, false);
    cluster_destroy(cluster);
}
END_TEST

START_TEST(a_command_in_a_body_of_white_space_does_not_keep_it_all_in_memory) {
    struct cluster *cluster = cluster_create(1, 21);
    cluster_form(cluster);
    static char body[100001];
    memset(body, ' ', sizeof body - 1);
    memcpy(body + 50000, PUT("a", "1"), strlen(PUT("a", "1")));
    struct client *client = cluster_propose(cluster, 0, body);
    assert_result(client_await(client), "{}");
    struct node *node = cluster_node(cluster, 0);
    const struct raft_entry *entry = entry_cache_range(&node->cache, client->lines[0].id.index, 1);
    ck_assert_uint_eq(entry->size, strlen(PUT("a", "1")));
    ck_assert_uint_lt(entry->buffer->size, 5000);
    cluster_destroy(cluster);
}
END_TEST

static void add_tests(TCase *tcase) {
    tcase_add_loop_test(tcase, a_command_proposed_anywhere_is_answered_with_the_machines_exact_bytes, 0, 3);
    tcase_add_loop_test(tcase, commands_of_one_request_are_appended_in_order_and_answered_in_order, 0, 3);
    tcase_add_loop_test(tcase, a_command_that_the_machine_refuses_is_refused_alone_and_never_takes_effect, 0, 3);
    tcase_add_test(tcase, with_forward_false_only_the_leader_takes_commands);
    tcase_add_test(tcase, without_a_leader_forward_false_is_refused_at_once);
    tcase_add_test(tcase, without_a_leader_a_command_is_held_until_there_is_one);
    tcase_add_test(tcase, a_command_held_until_its_time_is_over_was_never_taken);
    tcase_add_test(tcase, when_time_is_over_for_an_entry_in_the_log_its_outcome_is_unknown);
    tcase_add_test(tcase, an_entry_that_another_one_replaced_is_rejected_when_that_one_is_committed);
    tcase_add_test(tcase, an_entry_that_the_next_leader_commits_is_done);
    tcase_add_test(tcase, a_deposed_leader_that_hears_nothing_says_unknown_after_two_election_timeouts);
    tcase_add_loop_test(tcase, commands_beyond_the_limit_are_refused_until_others_are_answered, 0, 2);
    tcase_add_loop_test(tcase, bytes_beyond_the_limit_are_refused_until_others_are_answered, 0, 2);
    tcase_add_test(tcase, results_of_one_request_beyond_64_mib_are_left_out_and_the_commands_count);
    tcase_add_loop_test(tcase, a_cancelled_client_hears_nothing_and_its_command_goes_on, 0, 4);
    tcase_add_loop_test(tcase, nobody_is_answered_before_a_majority_has_the_entry_on_disk, 0, 3);
    tcase_add_test(tcase, a_node_alone_answers_when_its_disk_has_the_entry);
    tcase_add_test(tcase, shutting_down_refuses_what_is_queued_and_what_comes);
    tcase_add_loop_test(tcase, shutting_down_lets_what_is_under_way_end_within_the_grace, 0, 2);
    tcase_add_loop_test(tcase, when_the_grace_is_over_what_is_under_way_is_unknown, 0, 2);
    tcase_add_test(tcase, a_command_in_a_body_of_white_space_does_not_keep_it_all_in_memory);
}

CHECK_MAIN("proposals", add_tests)
