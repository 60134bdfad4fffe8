#include "cluster_members.h"
#include "tests/check_main.h"

START_TEST(a_node_that_joins_is_taken_in_by_its_own_request) {
    struct cluster *cluster = members_cluster(4, 3, 1);
    cluster_start(cluster, 3);
    members_await(cluster, 3, "1,2,3,4");
    ck_assert_int_eq(cluster_status(cluster, 3).role, NODE_FOLLOWER);
    assert_result(client_await(cluster_propose(cluster, 3, PUT("a", "1"))), "{}");
    cluster_destroy(cluster);
}
END_TEST

START_TEST(a_client_and_the_node_itself_ask_for_the_same) {
    struct cluster *cluster = members_cluster(4, 3, 2);
    cluster_start(cluster, 3);
    struct client *clients[3];
    for (size_t i = 0; i < 3; i++) {
        clients[i] = members_add_node(cluster, i, 3, true);
    }
    for (size_t i = 0; i < 3; i++) {
        assert_result(client_await(clients[i]), "1,2,3,4");
    }
    assert_result(client_await(members_add_node(cluster, 3, 3, true)), "1,2,3,4"); /* It is there. */
    cluster_destroy(cluster);
}
END_TEST

START_TEST(a_learner_stays_one_until_it_is_promoted) {
    struct cluster *cluster = members_cluster(4, 3, 3);
    cluster->members[3].options.learner = true;
    cluster_start(cluster, 3);
    members_await(cluster, 3, "1,2,3+4");
    cluster_run(cluster, 3 * ELECTION_MS);
    ck_assert_int_eq(cluster_status(cluster, 3).role, NODE_LEARNER);
    assert_result(client_await(members_by_id(cluster, 3, CHANGE_PROMOTE, 3)), "1,2,3,4");
    cluster_destroy(cluster);
}
END_TEST

START_TEST(a_node_that_does_not_answer_is_given_up_after_ten_seconds) {
    struct cluster *cluster = members_cluster(4, 3, 4);
    size_t leader = cluster_leader(cluster);
    struct client *client = members_add_node(cluster, (leader + 1) % 3, 3, true);
    cluster_settle(cluster);
    struct client *second = members_by_id(cluster, leader, CHANGE_REMOVE, 8);
    cluster_settle(cluster);
    assert_problem(second, PROBLEM_CHANGE_IN_PROGRESS, false);
    cluster_run(cluster, RAFT_CATCH_UP_SILENCE_MS - 1);
    ck_assert_uint_eq(client->answers, 0);
    cluster_run(cluster, 1);
    assert_problem(client, PROBLEM_CATCH_UP_FAILED, false);
    ck_assert_ptr_nonnull(strstr(client->problem.detail, "http://node4:8001"));
    assert_members(cluster, leader, "1,2,3");
    assert_result(client_await(members_by_id(cluster, leader, CHANGE_REMOVE, 8)), "1,2,3");
    cluster_destroy(cluster);
}
END_TEST

START_TEST(a_node_that_falls_silent_on_its_way_is_taken_back) {
    struct cluster *cluster = members_cluster(4, 3, 5);
    size_t leader = cluster_leader(cluster);
    cluster_start(cluster, 3);
    cluster->members[3].options.join_url = NULL;
    struct client *client = members_add_node(cluster, leader, 3, true);
    while (cluster_status(cluster, leader).members.count == 3) {
        cluster_run(cluster, 1);
    }
    cluster_kill(cluster, 3);
    assert_members(cluster, leader, "1,2,3+4");
    assert_problem(client_await(client), PROBLEM_CATCH_UP_FAILED, false);
    assert_members(cluster, leader, "1,2,3");
    cluster_destroy(cluster);
}
END_TEST

START_TEST(a_node_that_is_blank_and_does_not_join_is_refused) {
    struct cluster *cluster = members_cluster(4, 3, 6);
    struct members list = cluster_list(4); /* It waits for others with the same list. */
    cluster->members[3].options.join_url = NULL;
    cluster->members[3].options.cluster = list;
    cluster_start(cluster, 3);
    struct client *client = members_add_node(cluster, 0, 3, true);
    assert_problem(client_await(client), PROBLEM_CONFLICT, false);
    ck_assert_ptr_nonnull(strstr(client->problem.detail, "--join"));
    cluster_destroy(cluster);
}
END_TEST

/* What was begun is in the log: whoever leads next goes on with it, and who waited for it has an answer. */
START_TEST(the_next_leader_goes_on_with_what_it_finds) {
    struct cluster *cluster = members_cluster(4, 3, 7);
    size_t leader = cluster_leader(cluster);
    size_t follower = (leader + 1) % 3;
    cluster_start(cluster, 3);
    struct client *client = members_add_node(cluster, follower, 3, true);
    while (cluster_status(cluster, follower).members.count == 3) {
        cluster_run(cluster, 1);
    }
    cluster_kill(cluster, leader);
    assert_result(client_await(client), "1,2,3,4");
    ck_assert(!client->problem.outcome_unknown);
    cluster_destroy(cluster);
}
END_TEST

START_TEST(a_leader_that_is_removed_hands_over_first) {
    struct cluster *cluster = members_cluster(3, 3, 8);
    size_t leader = cluster_leader(cluster);
    raft_term term = cluster_status(cluster, leader).raft.hard_state.term;
    struct client *removal = members_by_id(cluster, leader, CHANGE_REMOVE, leader);
    struct client *command = cluster_propose(cluster, leader, PUT("a", "1"));
    client_await(removal);
    assert_problem(removal, PROBLEM_NONE, false);
    assert_result(client_await(command), "{}");
    ck_assert_uint_eq(cluster_status(cluster, cluster_await_leader(cluster)).raft.hard_state.term, term + 1);
    cluster_run(cluster, 2 * ELECTION_MS);
    ck_assert_int_eq(cluster_status(cluster, leader).role, NODE_REMOVED);
    cluster_destroy(cluster);
}
END_TEST

/* From {1,2,3} to the other two: the leader goes with the configuration it commits. What it holds then goes to the next. */
START_TEST(what_a_leaving_leader_holds_goes_to_the_next_one) {
    struct cluster *cluster = members_cluster(5, 3, 9);
    size_t leader = cluster_leader(cluster);
    for (size_t i = 3; i < 5; i++) {
        cluster->members[i].options.learner = true;
        cluster_start(cluster, i);
        members_await(cluster, i, i == 3 ? "1,2,3+4" : "1,2,3+4+5");
    }
    struct change change = {.kind = CHANGE_PUT, .members = {.count = 2}};
    change.members.list[0] = members_at(cluster, 3, true);
    change.members.list[1] = members_at(cluster, 4, true);
    cluster->network_ms = 5;
    struct client *client = members_change(cluster, leader, &change, NODE_TIMEOUT_MAX_MS, true);
    struct client *commands[64];
    size_t count = 0;
    while (client->answers == 0 && count < 64) {
        commands[count++] = cluster_propose(cluster, leader, PUT("a", "1"));
        cluster_run(cluster, 1);
    }
    assert_result(client_await(client), "4,5");
    size_t done = 0;
    for (size_t i = 0; i < count; i++) {
        client_await(commands[i]);
        bool refused = commands[i]->lines[0].problem.code == PROBLEM_NOT_READY;
        done += refused ? 0 : 1;
        assert_problem(commands[i], refused ? PROBLEM_NOT_READY : PROBLEM_NONE, false);
    }
    ck_assert_uint_gt(done, 5);
    ck_assert_int_eq(cluster_status(cluster, leader).role, NODE_REMOVED);
    cluster_destroy(cluster);
}
END_TEST

START_TEST(a_change_that_would_leave_no_majority_names_the_silent) {
    struct cluster *cluster = members_cluster(3, 3, 10);
    size_t leader = cluster_leader(cluster);
    size_t dead = (leader + 1) % 3;
    cluster_kill(cluster, dead);
    cluster_run(cluster, 2 * ELECTION_MS);
    struct client *client = members_by_id(cluster, leader, CHANGE_REMOVE, (leader + 2) % 3);
    assert_problem(client_await(client), PROBLEM_CONFLICT, false);
    char part[32];
    snprintf(part, sizeof part, "silent: %zu", dead + 1);
    ck_assert_ptr_nonnull(strstr(client->problem.detail, part));
    client = members_by_id(cluster, leader, CHANGE_REMOVE, dead); /* The dead one may go. */
    assert_problem(client_await(client), PROBLEM_NONE, false);
    cluster_destroy(cluster);
}
END_TEST

START_TEST(after_a_broken_connection_the_leader_is_asked_again) {
    struct cluster *cluster = members_cluster(3, 3, 11);
    size_t leader = cluster_leader(cluster);
    size_t follower = (leader + 1) % 3;
    cluster->breaking[follower][leader] = true;
    struct client *client = members_by_id(cluster, follower, CHANGE_REMOVE, (leader + 2) % 3);
    cluster_run(cluster, HEARTBEAT_MS);
    ck_assert_uint_eq(client->answers, 0);
    cluster->breaking[follower][leader] = false;
    assert_problem(client_await(client), PROBLEM_NONE, false);
    assert_members(cluster, leader, leader == 0 ? "1,2" : leader == 1 ? "2,3" : "1,3");
    cluster_destroy(cluster);
}
END_TEST

START_TEST(with_forward_false_only_the_leader_does_it) {
    struct cluster *cluster = members_cluster(3, 3, 12);
    size_t leader = cluster_leader(cluster);
    struct change change = {.kind = CHANGE_REMOVE, .members = {.count = 1, .list = {{.id = leader + 1}}}};
    struct client *client = members_change(cluster, (leader + 1) % 3, &change, 1000, false);
    cluster_settle(cluster);
    assert_problem(client, PROBLEM_NOT_LEADER, false);
    client = members_change(cluster, leader, &change, NODE_TIMEOUT_MAX_MS, false);
    assert_problem(client_await(client), PROBLEM_NONE, false); /* Passed on, since it had to hand over. */
    cluster_destroy(cluster);
}
END_TEST

START_TEST(a_client_that_waits_too_long_is_told_that_it_goes_on) {
    struct cluster *cluster = members_cluster(4, 3, 13);
    struct change change = {.kind = CHANGE_ADD, .members = {.count = 1, .list = {members_at(cluster, 3, true)}}};
    struct client *client = members_change(cluster, cluster_leader(cluster), &change, 200, true);
    cluster_run(cluster, 200);
    assert_problem(client, PROBLEM_TIMEOUT, true);
    cluster_start(cluster, 3);
    cluster->members[3].options.join_url = NULL;
    members_await(cluster, 3, "1,2,3,4");
    cluster_destroy(cluster);
}
END_TEST

/* The entry of the change is cut off, and its index committed by another leader, within one turn. */
START_TEST(a_change_of_which_another_leader_knows_nothing_was_not_done) {
    struct cluster *cluster = members_cluster(3, 3, 14);
    size_t leader = cluster_leader(cluster);
    size_t left = cluster_other(cluster, leader);
    cluster_set_around(cluster, cluster->lost, leader, true);
    struct client *client = members_by_id(cluster, leader, CHANGE_REMOVE, left);
    cluster_settle(cluster);
    raft_index index = roster_current(&cluster_node(cluster, leader)->roster)->index;
    ck_assert_uint_eq(index, raft_last_index(cluster_node(cluster, leader)->core));
    cluster->members[leader].paused = true;
    cluster_set_around(cluster, cluster->lost, leader, false);
    cluster_run(cluster, 5 * ELECTION_MS);
    size_t next = cluster_leader(cluster);
    ck_assert_uint_ne(next, leader);
    ck_assert_uint_ge(raft_commit_index(cluster_node(cluster, next)->core), index);
    cluster_run(cluster, 5 * ELECTION_MS); /* Now what is sent to it says so. */
    assert_members(cluster, next, "1,2,3");
    cluster->members[leader].paused = false;
    cluster_settle(cluster);
    ck_assert_uint_ge(raft_commit_index(cluster_node(cluster, leader)->core), index);
    /* The next leader was asked, which has not heard this one for long; nothing was done. */
    assert_problem(client, PROBLEM_CONFLICT, true);
    assert_members(cluster, next, "1,2,3");
    cluster_destroy(cluster);
}
END_TEST

static void add_tests(TCase *tcase) {
    tcase_add_test(tcase, a_node_that_joins_is_taken_in_by_its_own_request);
    tcase_add_test(tcase, a_client_and_the_node_itself_ask_for_the_same);
    tcase_add_test(tcase, a_learner_stays_one_until_it_is_promoted);
    tcase_add_test(tcase, a_node_that_does_not_answer_is_given_up_after_ten_seconds);
    tcase_add_test(tcase, a_node_that_falls_silent_on_its_way_is_taken_back);
    tcase_add_test(tcase, a_node_that_is_blank_and_does_not_join_is_refused);
    tcase_add_test(tcase, the_next_leader_goes_on_with_what_it_finds);
    tcase_add_test(tcase, a_leader_that_is_removed_hands_over_first);
    tcase_add_test(tcase, what_a_leaving_leader_holds_goes_to_the_next_one);
    tcase_add_test(tcase, a_change_that_would_leave_no_majority_names_the_silent);
    tcase_add_test(tcase, after_a_broken_connection_the_leader_is_asked_again);
    tcase_add_test(tcase, with_forward_false_only_the_leader_does_it);
    tcase_add_test(tcase, a_client_that_waits_too_long_is_told_that_it_goes_on);
    tcase_add_test(tcase, a_change_of_which_another_leader_knows_nothing_was_not_done);
}

CHECK_MAIN("changes", add_tests)
