#include "cluster.h"
#include "tests/check_main.h"

struct setting {
    struct cluster *cluster;
    size_t leader;
    size_t follower;
    size_t third;
};

/* Three nodes; "a" is 1 everywhere. */
static struct setting begin(uint64_t seed) {
    struct cluster *cluster = cluster_create(3, seed);
    size_t leader = cluster_form(cluster);
    client_await(cluster_propose(cluster, leader, PUT("a", "1")));
    cluster_run(cluster, HEARTBEAT_MS);
    size_t follower = cluster_other(cluster, leader);
    return (struct setting){cluster, leader, follower, cluster_other(cluster, follower)};
}

START_TEST(a_read_anywhere_sees_every_write_that_was_answered_before) {
    struct setting now = begin(1);
    for (unsigned i = 0; i < 20; i++) {
        char command[64];
        char expected[64];
        snprintf(command, sizeof command, PUT("a", "%u"), i);
        snprintf(expected, sizeof expected, "{\"found\":true,\"value\":%u}", i);
        client_await(cluster_propose(now.cluster, i % 3, command));
        struct client *reads[3];
        for (size_t k = 0; k < 3; k++) {
            reads[k] = cluster_get(now.cluster, k);
        }
        for (size_t k = 0; k < 3; k++) {
            assert_result(client_await(reads[k]), expected);
        }
    }
    cluster_destroy(now.cluster);
}
END_TEST

START_TEST(an_answer_says_which_index_and_term_it_reflects) {
    struct setting now = begin(2);
    struct client *client = client_await(cluster_get(now.cluster, (size_t)_i));
    struct node_status status = cluster_status(now.cluster, (size_t)_i);
    ck_assert_uint_eq(client->lines[0].id.index, status.applied_index);
    ck_assert_uint_eq(client->lines[0].id.term, status.applied_term);
    ck_assert_uint_gt(status.applied_term, 1);
    cluster_destroy(now.cluster);
}
END_TEST

START_TEST(a_stale_read_needs_nobody_else) {
    struct setting now = begin(3);
    cluster_set_around(now.cluster, now.cluster->refused, now.follower, true);
    client_await(cluster_propose(now.cluster, now.leader, PUT("a", "2")));
    cluster_run(now.cluster, 5000);
    struct client *client = QUERY(now.cluster, now.follower, .consistency = NODE_STALE);
    cluster_settle(now.cluster);
    assert_result(client, "{\"found\":true,\"value\":1}");
    cluster_destroy(now.cluster);
}
END_TEST

START_TEST(a_read_waits_for_min_index) {
    struct setting now = begin(4);
    raft_index next = cluster_status(now.cluster, now.follower).applied_index + 1;
    enum node_consistency consistency = _i == 0 ? NODE_STALE : NODE_LINEARIZABLE;
    struct client *has = QUERY(now.cluster, now.follower, .consistency = consistency, .min_index = next - 1);
    struct client *has_not = QUERY(now.cluster, now.follower, .consistency = consistency, .min_index = next);
    cluster_run(now.cluster, 50);
    assert_result(has, "{\"found\":true,\"value\":1}");
    ck_assert_uint_eq(has_not->answers, 0);
    client_await(cluster_propose(now.cluster, now.leader, PUT("a", "2")));
    assert_result(client_await(has_not), "{\"found\":true,\"value\":2}");
    cluster_destroy(now.cluster);
}
END_TEST

START_TEST(a_min_index_that_does_not_come_is_a_time_out) {
    struct setting now = begin(5);
    raft_index next = cluster_status(now.cluster, now.follower).applied_index + 1;
    struct client *client =
        QUERY(now.cluster, now.follower, .consistency = NODE_STALE, .min_index = next, .timeout_ms = 250);
    cluster_run(now.cluster, 249);
    ck_assert_uint_eq(client->answers, 0);
    cluster_run(now.cluster, 1);
    assert_problem(client, PROBLEM_TIMEOUT, false);
    cluster_destroy(now.cluster);
}
END_TEST

START_TEST(a_query_that_the_machine_does_not_understand_is_refused) {
    struct setting now = begin(6);
    struct client *client = client_await(QUERY(now.cluster, now.follower, .text = "{\"op\":\"nonsense\"}"));
    assert_problem(client, PROBLEM_INVALID_COMMAND, false);
    ck_assert_uint_gt(strlen(client->problem.detail), 0);
    cluster_destroy(now.cluster);
}
END_TEST

START_TEST(with_forward_false_only_the_leader_confirms) {
    struct setting now = begin(7);
    struct client *client = QUERY(now.cluster, now.follower, .stay = true);
    cluster_settle(now.cluster);
    assert_problem(client, PROBLEM_NOT_LEADER, false);
    client = QUERY(now.cluster, now.leader, .stay = true);
    cluster_settle(now.cluster);
    assert_result(client, "{\"found\":true,\"value\":1}");
    client = QUERY(now.cluster, now.follower, .consistency = NODE_STALE, .stay = true);
    cluster_settle(now.cluster);
    assert_result(client, "{\"found\":true,\"value\":1}");
    /* Without a leader. */
    cluster_set_around(now.cluster, now.cluster->refused, now.follower, true);
    cluster_run(now.cluster, 3000);
    client = QUERY(now.cluster, now.follower, .stay = true);
    cluster_settle(now.cluster);
    assert_problem(client, PROBLEM_NO_LEADER, false);
    cluster_destroy(now.cluster);
}
END_TEST

START_TEST(no_read_is_answered_before_the_leader_has_committed_in_its_term) {
    struct setting now = begin(8);
    cluster_kill(now.cluster, now.leader);
    /* Given disks that take votes, but not the first entry of the new term. */
    struct member *members = now.cluster->members;
    members[now.follower].write_limit = members[now.follower].writes_done + 1;
    members[now.third].write_limit = members[now.third].writes_done + 1;
    while (cluster_leader(now.cluster) == CLUSTER_MAX) {
        cluster_run(now.cluster, 10);
    }
    size_t leader = cluster_leader(now.cluster);
    ck_assert(!cluster_status(now.cluster, leader).raft.has_committed_in_term);
    struct client *here = cluster_get(now.cluster, leader);
    struct client *there = cluster_get(now.cluster, leader == now.third ? now.follower : now.third);
    cluster_run(now.cluster, 500);
    ck_assert_uint_eq(here->answers + there->answers, 0);
    members[now.follower].write_limit = members[now.third].write_limit = UINT64_MAX;
    assert_result(client_await(here), "{\"found\":true,\"value\":1}");
    assert_result(client_await(there), "{\"found\":true,\"value\":1}");
    cluster_destroy(now.cluster);
}
END_TEST

START_TEST(a_leader_that_is_cut_off_confirms_nothing) {
    struct setting now = begin(9);
    cluster_set_around(now.cluster, now.cluster->lost, now.leader, true);
    struct client *client = cluster_get(now.cluster, now.leader);
    ck_assert(node_is_leader(cluster_node(now.cluster, now.leader)));
    cluster_run(now.cluster, 4999);
    ck_assert_uint_eq(client->answers, 0);
    cluster_run(now.cluster, 1);
    assert_problem(client, PROBLEM_NO_LEADER, false);
    cluster_destroy(now.cluster);
}
END_TEST

START_TEST(a_read_that_a_deposed_leader_could_not_confirm_is_confirmed_by_the_next) {
    struct setting now = begin(10);
    cluster_set_around(now.cluster, now.cluster->refused, now.leader, true);
    struct client *client = QUERY(now.cluster, now.leader, .timeout_ms = 60000);
    while (cluster_leader(now.cluster) == now.leader || cluster_leader(now.cluster) == CLUSTER_MAX) {
        cluster_run(now.cluster, 10);
    }
    client_await(cluster_propose(now.cluster, cluster_leader(now.cluster), PUT("a", "2")));
    ck_assert_uint_eq(client->answers, 0);
    cluster_set_around(now.cluster, now.cluster->refused, now.leader, false);
    assert_result(client_await(client), "{\"found\":true,\"value\":2}");
    cluster_destroy(now.cluster);
}
END_TEST

START_TEST(a_question_that_gets_no_answer_is_asked_anew) {
    /* The follower's question is lost; broken after it arrived; refused. */
    struct setting now = begin(11);
    bool(*faults[])[CLUSTER_MAX] = {now.cluster->lost, now.cluster->breaking, now.cluster->refused};
    faults[_i][now.follower][now.leader] = true;
    struct client *client = QUERY(now.cluster, now.follower, .timeout_ms = 10000);
    cluster_run(now.cluster, 1000);
    ck_assert_uint_eq(client->answers, 0);
    faults[_i][now.follower][now.leader] = false;
    assert_result(client_await(client), "{\"found\":true,\"value\":1}");
    cluster_destroy(now.cluster);
}
END_TEST

START_TEST(the_next_leader_is_asked_when_the_last_one_died_with_the_question) {
    struct setting now = begin(12);
    now.cluster->held[now.leader][now.follower] = true;
    struct client *client = cluster_get(now.cluster, now.follower);
    cluster_run(now.cluster, 10);
    cluster_kill(now.cluster, now.leader);
    now.cluster->held[now.leader][now.follower] = false;
    assert_result(client_await(client), "{\"found\":true,\"value\":1}");
    cluster_destroy(now.cluster);
}
END_TEST

START_TEST(reads_of_one_turn_share_a_question_and_few_questions_are_out) {
    struct setting now = begin(13);
    now.cluster->held[now.follower][now.leader] = true;
    struct client *clients[30];
    for (size_t i = 0; i < 30; i++) {
        clients[i] = cluster_get(now.cluster, now.follower);
        if (i % 3 == 2) {
            cluster_settle(now.cluster);
        }
    }
    ck_assert_uint_eq(network_count(now.cluster, now.follower, now.leader, MESSAGE_READ_INDEX, PACKET_SENT),
                      READS_ASKS_MAX);
    now.cluster->held[now.follower][now.leader] = false;
    cluster_settle(now.cluster);
    for (size_t i = 0; i < 30; i++) {
        assert_result(clients[i], "{\"found\":true,\"value\":1}");
    }
    cluster_destroy(now.cluster);
}
END_TEST

/* "a" is read under the lease. */
static struct client *read_by_lease(struct cluster *cluster, size_t at) {
    return QUERY(cluster, at, .consistency = NODE_LEASE);
}

START_TEST(under_the_lease_the_leader_answers_without_asking_anybody) {
    struct setting now = begin(17);
    cluster_run(now.cluster, HEARTBEAT_MS);
    cluster_set_around(now.cluster, now.cluster->held, now.leader, true);
    struct client *client = read_by_lease(now.cluster, now.leader);
    struct client *confirmed = cluster_get(now.cluster, now.leader);
    cluster_settle(now.cluster);
    assert_result(client, "{\"found\":true,\"value\":1}");
    ck_assert_uint_eq(confirmed->answers, 0);
    /* When it is over, a lease read waits for a round like any other. */
    cluster_run(now.cluster, 2 * HEARTBEAT_MS);
    client = read_by_lease(now.cluster, now.leader);
    cluster_run(now.cluster, HEARTBEAT_MS);
    ck_assert_uint_eq(client->answers, 0);
    cluster_set_around(now.cluster, now.cluster->held, now.leader, false);
    assert_result(client_await(client), "{\"found\":true,\"value\":1}");
    cluster_destroy(now.cluster);
}
END_TEST

START_TEST(the_lease_is_judged_by_a_time_read_after_the_query_came) {
    /* Given a leader within its lease, whose turn then takes long: a query of its own, another node's question. */
    struct setting now = begin(18);
    cluster_run(now.cluster, HEARTBEAT_MS);
    cluster_set_around(now.cluster, now.cluster->held, now.leader, true);
    struct node *node = cluster_node(now.cluster, now.leader);
    node_tick(node, now.cluster->now_ms);
    struct message_request request = network_request(now.cluster, now.follower, now.leader, MESSAGE_READ_INDEX);
    request.lease = true;
    struct packet *packet = network_ask(now.cluster, now.leader, &request);
    struct client *client = read_by_lease(now.cluster, now.leader);
    now.cluster->now_ms += 3 * HEARTBEAT_MS;
    node_turn(node, now.cluster->now_ms);
    ck_assert_uint_eq(client->answers, 0);
    ck_assert_int_eq(packet->state, PACKET_ARRIVED);
    cluster_set_around(now.cluster, now.cluster->held, now.leader, false);
    assert_result(client_await(client), "{\"found\":true,\"value\":1}");
    ck_assert_int_eq(packet->state, PACKET_ANSWERED);
    cluster_destroy(now.cluster);
}
END_TEST

START_TEST(another_nodes_question_is_answered_under_the_lease_when_that_is_asked_for) {
    struct setting now = begin(19);
    cluster_run(now.cluster, HEARTBEAT_MS);
    cluster_set_around(now.cluster, now.cluster->held, now.leader, true);
    struct packet *packets[2];
    for (size_t i = 0; i < 2; i++) {
        struct message_request request = network_request(now.cluster, now.follower, now.leader, MESSAGE_READ_INDEX);
        request.lease = i == 0;
        packets[i] = network_ask(now.cluster, now.leader, &request);
    }
    cluster_settle(now.cluster);
    ck_assert_uint_eq(network_answer(packets[0]).read_index, cluster_status(now.cluster, now.leader).raft.commit_index);
    ck_assert_int_eq(packets[1]->state, PACKET_ARRIVED);
    cluster_destroy(now.cluster);
}
END_TEST

START_TEST(a_read_by_lease_anywhere_sees_every_write_that_was_answered_before) {
    struct setting now = begin(20);
    for (unsigned i = 0; i < 20; i++) {
        char command[64];
        char expected[64];
        snprintf(command, sizeof command, PUT("a", "%u"), i);
        snprintf(expected, sizeof expected, "{\"found\":true,\"value\":%u}", i);
        client_await(cluster_propose(now.cluster, i % 3, command));
        struct client *reads[3];
        for (size_t k = 0; k < 3; k++) {
            reads[k] = read_by_lease(now.cluster, k);
        }
        for (size_t k = 0; k < 3; k++) {
            assert_result(client_await(reads[k]), expected);
        }
    }
    cluster_destroy(now.cluster);
}
END_TEST

START_TEST(reads_of_two_kinds_are_two_questions_and_neither_takes_the_others_place) {
    struct setting now = begin(21);
    now.cluster->held[now.follower][now.leader] = true;
    struct client *clients[12];
    for (size_t i = 0; i < 12; i++) {
        clients[i] = i % 2 == 0 ? cluster_get(now.cluster, now.follower) : read_by_lease(now.cluster, now.follower);
        if (i % 4 == 3) {
            cluster_settle(now.cluster);
        }
    }
    ck_assert_uint_eq(network_count(now.cluster, now.follower, now.leader, MESSAGE_READ_INDEX, PACKET_SENT),
                      2 * READS_ASKS_MAX);
    now.cluster->held[now.follower][now.leader] = false;
    cluster_settle(now.cluster);
    for (size_t i = 0; i < 12; i++) {
        assert_result(clients[i], "{\"found\":true,\"value\":1}");
    }
    ck_assert_uint_eq(cluster_node(now.cluster, now.follower)->reads.ask_count, 0);
    cluster_destroy(now.cluster);
}
END_TEST

START_TEST(a_cancelled_read_is_not_answered) {
    struct setting now = begin(14);
    struct client *at_once = cluster_get(now.cluster, now.follower);
    client_cancel(at_once);
    now.cluster->held[now.follower][now.leader] = true;
    struct client *later = cluster_get(now.cluster, now.follower);
    cluster_settle(now.cluster);
    client_cancel(later);
    now.cluster->held[now.follower][now.leader] = false;
    cluster_settle(now.cluster);
    ck_assert_uint_eq(cluster_node(now.cluster, now.follower)->reads.count, 0);
    cluster_destroy(now.cluster);
}
END_TEST

START_TEST(only_a_leader_answers_questions_of_others) {
    struct setting now = begin(15);
    struct message_request request = network_request(now.cluster, now.third, now.follower, MESSAGE_READ_INDEX);
    struct packet *packet = network_ask(now.cluster, now.follower, &request);
    cluster_settle(now.cluster);
    ck_assert_int_eq(network_answer(packet).problem.code, PROBLEM_NOT_LEADER);
    request = network_request(now.cluster, now.third, now.leader, MESSAGE_READ_INDEX);
    packet = network_ask(now.cluster, now.leader, &request);
    cluster_settle(now.cluster);
    ck_assert_int_eq(network_answer(packet).problem.code, PROBLEM_NONE);
    ck_assert_uint_eq(network_answer(packet).read_index, cluster_status(now.cluster, now.leader).raft.commit_index);
    cluster_destroy(now.cluster);
}
END_TEST

START_TEST(a_follower_waits_until_it_has_applied_what_the_leader_named) {
    struct setting now = begin(16);
    /* Given a follower to which no entries come, but answers to its questions do. */
    now.cluster->lost[now.leader][now.follower] = true;
    client_await(cluster_propose(now.cluster, now.leader, PUT("a", "2")));
    now.cluster->held[now.leader][now.follower] = true;
    now.cluster->lost[now.leader][now.follower] = false;
    struct client *client = cluster_get(now.cluster, now.follower);
    cluster_run(now.cluster, 10);
    for (size_t i = 0; i < now.cluster->packet_count; i++) {
        struct packet *packet = now.cluster->packets[i];
        if (packet->kind == MESSAGE_READ_INDEX && packet->state == PACKET_ANSWERED) {
            packet_answer(now.cluster, packet);
        }
    }
    cluster_settle(now.cluster);
    ck_assert_uint_eq(client->answers, 0);
    ck_assert_int_eq(cluster_node(now.cluster, now.follower)->reads.list[0].state, READS_WAITING);
    now.cluster->held[now.leader][now.follower] = false;
    assert_result(client_await(client), "{\"found\":true,\"value\":2}");
    cluster_destroy(now.cluster);
}
END_TEST

static void add_tests(TCase *tcase) {
    tcase_add_test(tcase, a_read_anywhere_sees_every_write_that_was_answered_before);
    tcase_add_loop_test(tcase, an_answer_says_which_index_and_term_it_reflects, 0, 3);
    tcase_add_test(tcase, a_stale_read_needs_nobody_else);
    tcase_add_loop_test(tcase, a_read_waits_for_min_index, 0, 2);
    tcase_add_test(tcase, a_min_index_that_does_not_come_is_a_time_out);
    tcase_add_test(tcase, a_query_that_the_machine_does_not_understand_is_refused);
    tcase_add_test(tcase, with_forward_false_only_the_leader_confirms);
    tcase_add_test(tcase, no_read_is_answered_before_the_leader_has_committed_in_its_term);
    tcase_add_test(tcase, a_leader_that_is_cut_off_confirms_nothing);
    tcase_add_test(tcase, a_read_that_a_deposed_leader_could_not_confirm_is_confirmed_by_the_next);
    tcase_add_loop_test(tcase, a_question_that_gets_no_answer_is_asked_anew, 0, 3);
    tcase_add_test(tcase, the_next_leader_is_asked_when_the_last_one_died_with_the_question);
    tcase_add_test(tcase, reads_of_one_turn_share_a_question_and_few_questions_are_out);
    tcase_add_test(tcase, under_the_lease_the_leader_answers_without_asking_anybody);
    tcase_add_test(tcase, the_lease_is_judged_by_a_time_read_after_the_query_came);
    tcase_add_test(tcase, another_nodes_question_is_answered_under_the_lease_when_that_is_asked_for);
    tcase_add_test(tcase, a_read_by_lease_anywhere_sees_every_write_that_was_answered_before);
    tcase_add_test(tcase, reads_of_two_kinds_are_two_questions_and_neither_takes_the_others_place);
    tcase_add_test(tcase, a_cancelled_read_is_not_answered);
    tcase_add_test(tcase, only_a_leader_answers_questions_of_others);
    tcase_add_test(tcase, a_follower_waits_until_it_has_applied_what_the_leader_named);
}

CHECK_MAIN("reads", add_tests)
