#include "cluster.h"
#include "tests/check_main.h"

struct setting {
    struct cluster *cluster;
    size_t leader;
    size_t follower;
    size_t third;
    raft_term term;
};

static struct setting begin(uint64_t seed) {
    struct cluster *cluster = cluster_create(3, seed);
    size_t leader = cluster_form(cluster);
    cluster_run(cluster, HEARTBEAT_MS);
    size_t follower = cluster_other(cluster, leader);
    return (struct setting){cluster, leader, follower, cluster_other(cluster, follower),
                            cluster_status(cluster, leader).raft.hard_state.term};
}

static void assert_led(const struct client *client, size_t leader, raft_term term) {
    assert_problem(client, PROBLEM_NONE, false);
    ck_assert_uint_eq(client->lines[0].id.index, leader + 1);
    ck_assert_uint_eq(client->lines[0].id.term, term);
}

START_TEST(asked_anywhere_leadership_goes_to_whom_it_shall_at_once) {
    struct setting now = begin(1);
    struct client *client = cluster_transfer(now.cluster, (now.leader + (size_t)_i) % 3, now.follower);
    assert_led(client_await(client), now.follower, now.term + 1);
    ck_assert_uint_lt(client->answered_ms - client->asked_ms, HEARTBEAT_MS);
    ck_assert_uint_eq(cluster_await_leader(now.cluster), now.follower);
    assert_result(client_await(cluster_propose(now.cluster, now.leader, PUT("a", "1"))), "{}");
    cluster_destroy(now.cluster);
}
END_TEST

START_TEST(without_a_name_somebody_else_leads) {
    struct setting now = begin(2);
    now.cluster->refused[now.leader][now.follower] = true;
    cluster_run(now.cluster, ELECTION_MS); /* Only the third is heard. */
    struct client *client = cluster_transfer(now.cluster, now.leader, CLUSTER_MAX);
    assert_led(client_await(client), now.third, now.term + 1);
    cluster_destroy(now.cluster);
}
END_TEST

START_TEST(to_the_leader_itself_nothing_is_to_be_done) {
    struct setting now = begin(3);
    struct client *here = cluster_transfer(now.cluster, now.leader, now.leader);
    struct client *there = cluster_transfer(now.cluster, now.follower, now.leader);
    cluster_settle(now.cluster);
    assert_led(here, now.leader, now.term);
    assert_led(there, now.leader, now.term);
    cluster_destroy(now.cluster);
}
END_TEST

START_TEST(a_stranger_is_refused) {
    struct setting now = begin(4);
    struct client *client = cluster_transfer(now.cluster, now.follower, 8);
    cluster_settle(now.cluster);
    assert_problem(client, PROBLEM_CONFLICT, false);
    ck_assert_ptr_nonnull(strstr(client->problem.detail, "node 9 is no voter"));
    ck_assert(node_is_leader(cluster_node(now.cluster, now.leader)));
    cluster_destroy(now.cluster);
}
END_TEST

START_TEST(with_forward_false_only_the_leader_does_it) {
    struct setting now = begin(5);
    struct client *client = cluster_transfer_with(now.cluster, now.follower, now.follower, 1000, false);
    cluster_settle(now.cluster);
    assert_problem(client, PROBLEM_NOT_LEADER, false);
    client = cluster_transfer_with(now.cluster, now.leader, now.follower, 1000, false);
    cluster_settle(now.cluster);
    assert_led(client, now.follower, now.term + 1);
    cluster_destroy(now.cluster);
}
END_TEST

/* What was held is appended when nobody takes over, and once only. */
START_TEST(proposals_are_held_and_appended_when_it_is_given_up) {
    struct setting now = begin(6);
    now.cluster->lost[now.leader][now.follower] = true;
    struct client *wish = cluster_transfer(now.cluster, now.leader, now.follower);
    cluster_settle(now.cluster);
    struct client *here = cluster_propose(now.cluster, now.leader, PUT("a", "1"));
    struct client *there = cluster_propose(now.cluster, now.third, PUT("b", "1"));
    cluster_run(now.cluster, ELECTION_MS - 1);
    ck_assert_uint_eq(here->answers + there->answers + wish->answers, 0);
    cluster_run(now.cluster, 1);
    assert_problem(wish, PROBLEM_TIMEOUT, true);
    assert_result(client_await(here), "{}");
    assert_result(client_await(there), "{}");
    ck_assert(node_is_leader(cluster_node(now.cluster, now.leader)));
    cluster_destroy(now.cluster);
}
END_TEST

START_TEST(proposals_are_held_and_go_to_the_next_leader) {
    struct setting now = begin(7);
    now.cluster->held[now.leader][now.follower] = true;
    struct client *wish = cluster_transfer(now.cluster, now.leader, now.follower);
    cluster_settle(now.cluster);
    struct client *here = cluster_propose(now.cluster, now.leader, PUT("a", "1"));
    struct client *there = cluster_propose(now.cluster, now.third, PUT("b", "1"));
    struct client *stays = cluster_propose_with(now.cluster, now.leader, PUT("c", "1"), 5000, false);
    cluster_run(now.cluster, HEARTBEAT_MS);
    ck_assert_uint_eq(here->answers + there->answers + stays->answers, 0);
    now.cluster->held[now.leader][now.follower] = false;
    assert_led(client_await(wish), now.follower, now.term + 1);
    assert_result(client_await(here), "{}");
    assert_result(client_await(there), "{}");
    assert_problem(client_await(stays), PROBLEM_NO_LEADER, false); /* In that moment. */
    ck_assert_uint_eq(here->lines[0].id.term, now.term + 1);
    cluster_destroy(now.cluster);
}
END_TEST

START_TEST(a_proposal_that_is_held_for_too_long_entered_no_log) {
    struct setting now = begin(8);
    now.cluster->lost[now.leader][now.follower] = true;
    cluster_transfer(now.cluster, now.leader, now.follower);
    cluster_settle(now.cluster);
    struct client *client = cluster_propose_with(now.cluster, now.leader, PUT("a", "1"), 200, true);
    cluster_run(now.cluster, 200);
    assert_problem(client, PROBLEM_TIMEOUT, false);
    cluster_destroy(now.cluster);
}
END_TEST

START_TEST(a_second_wish_meanwhile_is_a_conflict) {
    struct setting now = begin(9);
    now.cluster->held[now.leader][now.follower] = true;
    struct client *first = cluster_transfer(now.cluster, now.leader, now.follower);
    cluster_settle(now.cluster);
    struct client *second = cluster_transfer(now.cluster, now.third, now.third);
    struct client *itself = cluster_transfer(now.cluster, now.leader, now.leader);
    cluster_settle(now.cluster);
    assert_problem(second, PROBLEM_CONFLICT, false);
    assert_problem(itself, PROBLEM_CONFLICT, false);
    now.cluster->held[now.leader][now.follower] = false;
    assert_led(client_await(first), now.follower, now.term + 1);
    cluster_destroy(now.cluster);
}
END_TEST

START_TEST(without_a_leader_a_wish_waits_for_one_and_no_longer_than_its_time) {
    struct setting now = begin(10);
    cluster_kill(now.cluster, now.leader);
    cluster_run(now.cluster, 1);
    cluster_set_around(now.cluster, now.cluster->lost, now.third, true);
    cluster_run(now.cluster, 3 * ELECTION_MS);
    struct client *at_once = cluster_transfer_with(now.cluster, now.follower, now.third, 5000, false);
    struct client *brief = cluster_transfer_with(now.cluster, now.follower, now.third, 1000, true);
    struct client *patient = cluster_transfer(now.cluster, now.follower, now.third);
    cluster_settle(now.cluster);
    assert_problem(at_once, PROBLEM_NO_LEADER, false);
    cluster_run(now.cluster, 999);
    ck_assert_uint_eq(brief->answers, 0);
    cluster_run(now.cluster, 1);
    assert_problem(brief, PROBLEM_NO_LEADER, false);
    ck_assert_uint_eq(patient->answers, 0);
    cluster_set_around(now.cluster, now.cluster->lost, now.third, false);
    client_await(patient);
    assert_problem(patient, PROBLEM_NONE, false);
    ck_assert_uint_eq(patient->lines[0].id.index, now.third + 1);
    cluster_destroy(now.cluster);
}
END_TEST

START_TEST(a_wish_that_reached_the_leader_over_a_connection_that_broke_may_come_true) {
    struct setting now = begin(11);
    now.cluster->breaking[now.third][now.leader] = true;
    struct client *client = cluster_transfer(now.cluster, now.third, now.follower);
    assert_problem(client_await(client), PROBLEM_LEADERSHIP_LOST, true);
    now.cluster->breaking[now.third][now.leader] = false;
    ck_assert_uint_eq(cluster_await_leader(now.cluster), now.follower);
    cluster_destroy(now.cluster);
}
END_TEST

START_TEST(who_is_refused_because_leadership_went_elsewhere_asks_the_next) {
    struct setting now = begin(12);
    /* Given a wish on its way to a leader that is none any more when it comes. */
    now.cluster->held[now.third][now.leader] = true;
    struct client *late = cluster_transfer(now.cluster, now.third, now.third);
    cluster_settle(now.cluster);
    client_await(cluster_transfer(now.cluster, now.leader, now.follower));
    now.cluster->held[now.third][now.leader] = false;
    assert_led(client_await(late), now.third, now.term + 2);
    cluster_destroy(now.cluster);
}
END_TEST

START_TEST(a_wish_whose_client_is_gone_goes_on_unanswered) {
    struct setting now = begin(13);
    struct client *client = cluster_transfer(now.cluster, now.third, now.follower);
    client_cancel(client);
    cluster_run(now.cluster, HEARTBEAT_MS);
    ck_assert_uint_eq(cluster_await_leader(now.cluster), now.follower);
    ck_assert_uint_eq(cluster_node(now.cluster, now.third)->handover.count, 0);
    cluster_destroy(now.cluster);
}
END_TEST

START_TEST(a_wish_that_another_candidate_spoils_says_who_leads) {
    struct setting now = begin(14);
    /* Given a target that cannot win: nobody hears it ask for votes. */
    now.cluster->refused[now.follower][now.leader] = now.cluster->refused[now.follower][now.third] = true;
    struct client *client = client_await(cluster_transfer(now.cluster, now.leader, now.follower));
    ck_assert(client->problem.code == PROBLEM_CONFLICT || client->problem.code == PROBLEM_TIMEOUT);
    ck_assert(client->problem.outcome_unknown);
    cluster_destroy(now.cluster);
}
END_TEST

/* -- SIGTERM -- */

START_TEST(a_leader_that_shuts_down_hands_over_and_then_may_end) {
    struct setting now = begin(15);
    struct node *node = cluster_node(now.cluster, now.leader);
    struct client *last = cluster_propose(now.cluster, now.leader, PUT("a", "1"));
    node_turn(node, now.cluster->now_ms); /* In the log, and nowhere else yet. */
    node_shut_down(node);
    ck_assert(!node_may_end(node));
    uint64_t began_ms = now.cluster->now_ms;
    while (!node_may_end(node)) {
        cluster_run(now.cluster, 1);
    }
    ck_assert_uint_lt(now.cluster->now_ms - began_ms, HEARTBEAT_MS);
    ck_assert(!node_is_leader(node));
    assert_result(last, "{}");
    assert_problem(client_await(cluster_propose(now.cluster, now.leader, PUT("a", "2"))), PROBLEM_SHUTTING_DOWN, false);
    assert_problem(client_await(cluster_transfer(now.cluster, now.leader, now.third)), PROBLEM_SHUTTING_DOWN, false);
    cluster_kill(now.cluster, now.leader);
    size_t leader = cluster_await_leader(now.cluster);
    ck_assert_uint_eq(cluster_status(now.cluster, leader).raft.hard_state.term, now.term + 1);
    cluster_destroy(now.cluster);
}
END_TEST

START_TEST(a_leader_that_nobody_can_replace_waits_no_longer_than_an_election_timeout) {
    struct setting now = begin(16);
    cluster_set_around(now.cluster, now.cluster->lost, now.leader, true);
    struct node *node = cluster_node(now.cluster, now.leader);
    node_shut_down(node);
    cluster_run(now.cluster, ELECTION_MS);
    ck_assert(node_may_end(node));
    cluster_destroy(now.cluster);
}
END_TEST

START_TEST(who_does_not_lead_may_end_at_once_and_so_may_a_sole_voter) {
    struct setting now = begin(17);
    node_shut_down(cluster_node(now.cluster, now.follower));
    ck_assert(node_may_end(cluster_node(now.cluster, now.follower)));
    cluster_destroy(now.cluster);
    struct cluster *alone = cluster_create(1, 18);
    cluster_form(alone);
    node_shut_down(cluster_node(alone, 0));
    ck_assert(node_may_end(cluster_node(alone, 0)));
    cluster_destroy(alone);
    struct cluster *forming = cluster_create(3, 19);
    cluster_start(forming, 0);
    node_shut_down(cluster_node(forming, 0));
    ck_assert(node_may_end(cluster_node(forming, 0)));
    cluster_destroy(forming);
}
END_TEST

START_TEST(a_deposed_leader_that_shuts_down_stays_until_its_commands_have_their_answer) {
    struct setting now = begin(20);
    struct node *node = cluster_node(now.cluster, now.leader);
    /* Given an entry that others have and that only the next leader will commit: nothing gets back to this one. */
    now.cluster->held[now.follower][now.leader] = now.cluster->held[now.third][now.leader] = true;
    struct client *client = cluster_propose(now.cluster, now.leader, PUT("a", "1"));
    cluster_settle(now.cluster);
    now.cluster->lost[now.leader][now.follower] = now.cluster->lost[now.leader][now.third] = true;
    while (node_is_leader(node) || cluster_leader(now.cluster) == CLUSTER_MAX) {
        cluster_run(now.cluster, 1);
    }
    node_shut_down(node);
    cluster_run(now.cluster, 1);
    ck_assert(!node_may_end(node));
    now.cluster->lost[now.leader][now.follower] = now.cluster->lost[now.leader][now.third] = false;
    now.cluster->held[now.follower][now.leader] = now.cluster->held[now.third][now.leader] = false;
    while (!node_may_end(node)) {
        cluster_run(now.cluster, 1);
    }
    assert_result(client, "{}");
    cluster_destroy(now.cluster);
}
END_TEST

static void add_tests(TCase *tcase) {
    tcase_add_loop_test(tcase, asked_anywhere_leadership_goes_to_whom_it_shall_at_once, 0, 3);
    tcase_add_test(tcase, without_a_name_somebody_else_leads);
    tcase_add_test(tcase, to_the_leader_itself_nothing_is_to_be_done);
    tcase_add_test(tcase, a_stranger_is_refused);
    tcase_add_test(tcase, with_forward_false_only_the_leader_does_it);
    tcase_add_test(tcase, proposals_are_held_and_appended_when_it_is_given_up);
    tcase_add_test(tcase, proposals_are_held_and_go_to_the_next_leader);
    tcase_add_test(tcase, a_proposal_that_is_held_for_too_long_entered_no_log);
    tcase_add_test(tcase, a_second_wish_meanwhile_is_a_conflict);
    tcase_add_test(tcase, without_a_leader_a_wish_waits_for_one_and_no_longer_than_its_time);
    tcase_add_test(tcase, a_wish_that_reached_the_leader_over_a_connection_that_broke_may_come_true);
    tcase_add_test(tcase, who_is_refused_because_leadership_went_elsewhere_asks_the_next);
    tcase_add_test(tcase, a_wish_whose_client_is_gone_goes_on_unanswered);
    tcase_add_test(tcase, a_wish_that_another_candidate_spoils_says_who_leads);
    tcase_add_test(tcase, a_leader_that_shuts_down_hands_over_and_then_may_end);
    tcase_add_test(tcase, a_leader_that_nobody_can_replace_waits_no_longer_than_an_election_timeout);
    tcase_add_test(tcase, who_does_not_lead_may_end_at_once_and_so_may_a_sole_voter);
    tcase_add_test(tcase, a_deposed_leader_that_shuts_down_stays_until_its_commands_have_their_answer);
}

CHECK_MAIN("handover", add_tests)
