#include "cluster.h"
#include "tests/check_main.h"

static size_t form(struct cluster **out_cluster, size_t count, uint64_t seed) {
    *out_cluster = cluster_create(count, seed);
    size_t leader = cluster_form(*out_cluster);
    cluster_run(*out_cluster, HEARTBEAT_MS);
    return leader;
}

START_TEST(status_and_brief_say_who_leads_and_how_far_everybody_is) {
    struct cluster *cluster;
    size_t leader = form(&cluster, 3, 1);
    client_await(cluster_propose(cluster, leader, PUT("a", "1")));
    cluster_run(cluster, HEARTBEAT_MS);
    for (size_t i = 0; i < 3; i++) {
        struct node_status status = cluster_status(cluster, i);
        struct node_brief brief;
        node_brief(cluster_node(cluster, i), &brief);
        ck_assert_int_eq(status.role, i == leader ? NODE_LEADER : NODE_FOLLOWER);
        ck_assert_uint_eq(status.id, i + 1);
        ck_assert_str_eq(status.incarnation, cluster->members[i].incarnation);
        ck_assert_str_eq(status.cluster_id, cluster_status(cluster, 0).cluster_id);
        ck_assert_uint_eq(strlen(status.cluster_id), STORAGE_CLUSTER_ID_SIZE);
        ck_assert_uint_eq(status.raft.leader, leader + 1);
        ck_assert_uint_eq(status.applied_index, status.raft.commit_index);
        ck_assert_uint_eq(status.members.count, 3);
        ck_assert_uint_eq(status.members_index, 1);
        ck_assert_str_eq(status.members.list[2].incarnation, cluster->members[2].incarnation);
        ck_assert_uint_eq(status.waiting_count, 0);
        ck_assert_str_eq(brief.cluster_id, status.cluster_id);
        ck_assert_uint_eq(brief.id, i + 1);
        ck_assert_uint_eq(brief.leader, leader + 1);
        ck_assert_uint_eq(brief.term, status.raft.hard_state.term);
        ck_assert_uint_eq(brief.applied_index, status.applied_index);
    }
    cluster_destroy(cluster);
}
END_TEST

START_TEST(a_waiting_node_has_no_cluster_no_leader_and_no_term) {
    struct cluster *cluster = cluster_create(2, 2);
    cluster_start(cluster, 0);
    cluster_run(cluster, 1000);
    struct node_brief brief;
    node_brief(cluster_node(cluster, 0), &brief);
    ck_assert_str_eq(brief.cluster_id, "");
    ck_assert_uint_eq(brief.leader, 0);
    ck_assert_uint_eq(brief.term, 0);
    ck_assert_int_eq(cluster_status(cluster, 0).role, NODE_WAITING);
    cluster_destroy(cluster);
}
END_TEST

START_TEST(urls_come_from_the_configuration_and_else_from_the_list) {
    struct cluster *cluster = cluster_create(2, 3);
    cluster_start(cluster, 0);
    ck_assert_str_eq(node_member_url(cluster_node(cluster, 0), 2), "http://node2:8001");
    ck_assert_ptr_null(node_member_url(cluster_node(cluster, 0), 3));
    cluster_start(cluster, 1);
    cluster_await_leader(cluster);
    /* Restarted with a list that says something else and more. */
    cluster_kill(cluster, 0);
    cluster->members[0].options.cluster = cluster_list(3);
    snprintf(cluster->members[0].options.cluster.list[1].url, MEMBERS_URL_SIZE, "http://elsewhere:8001");
    cluster_start(cluster, 0);
    ck_assert_str_eq(node_member_url(cluster_node(cluster, 0), 2), "http://node2:8001");
    ck_assert_str_eq(node_member_url(cluster_node(cluster, 0), 3), "http://node3:8001");
    cluster_destroy(cluster);
}
END_TEST

START_TEST(a_node_is_ready_when_it_has_applied_what_was_committed_when_it_started) {
    struct cluster *cluster;
    size_t leader = form(&cluster, 3, 4);
    size_t follower = cluster_other(cluster, leader);
    char why[256];
    for (size_t i = 0; i < 3; i++) {
        ck_assert_msg(node_ready(cluster_node(cluster, i), why, sizeof why), "%s", why);
    }
    cluster_kill(cluster, follower);
    client_await(cluster_propose(cluster, leader, PUT("a", "1")));
    cluster_start(cluster, follower);
    ck_assert(!node_ready(cluster_node(cluster, follower), why, sizeof why));
    ck_assert_ptr_nonnull(strstr(why, "no leader is known"));
    cluster->members[follower].hold_writes = true;
    cluster_run(cluster, 2 * HEARTBEAT_MS);
    ck_assert_uint_ne(node_leader(cluster_node(cluster, follower)), 0);
    cluster->members[follower].hold_writes = false;
    cluster_run(cluster, 2 * HEARTBEAT_MS);
    ck_assert_msg(node_ready(cluster_node(cluster, follower), why, sizeof why), "%s", why);
    ck_assert_uint_eq(cluster_status(cluster, follower).applied_index, cluster_status(cluster, leader).applied_index);
    /* And no longer when it knows no leader. */
    cluster_set_around(cluster, cluster->refused, follower, true);
    cluster_run(cluster, 3 * ELECTION_MS);
    ck_assert(!node_ready(cluster_node(cluster, follower), why, sizeof why));
    cluster_destroy(cluster);
}
END_TEST

START_TEST(a_configuration_in_the_log_that_makes_no_sense_is_refused_at_the_start) {
    struct cluster *cluster = cluster_create(1, 5);
    cluster_form(cluster);
    cluster_kill(cluster, 0);
    struct raft_entry entry = {.id = {3, 2}, .type = RAFT_CONFIGURATION, .size = 2, .data = "{}"};
    struct storage_write write = {.entries = &entry, .entry_count = 1};
    struct storage_message message;
    struct member *member = &cluster->members[0];
    ck_assert_int_eq(storage_write(member->storage, &write, &message), STORAGE_OK);
    struct node_io io = {.reply = network_reply, .random = fill_random};
    ck_assert_ptr_null(node_create(&member->options, &io, member->storage, cluster->now_ms, &message));
    ck_assert_ptr_nonnull(strstr(message.text, "configuration"));
    cluster_destroy(cluster);
}
END_TEST

START_TEST(term_vote_and_log_survive_a_restart) {
    struct cluster *cluster;
    size_t leader = form(&cluster, 3, 6);
    for (unsigned i = 0; i < 5; i++) {
        client_await(cluster_propose(cluster, leader, PUT("a", "1")));
    }
    cluster_run(cluster, HEARTBEAT_MS);
    struct node_status before[3];
    for (size_t i = 0; i < 3; i++) {
        before[i] = cluster_status(cluster, i);
        cluster_kill(cluster, i);
    }
    for (size_t i = 0; i < 3; i++) {
        cluster_start(cluster, i);
        struct node_status after = cluster_status(cluster, i);
        ck_assert_uint_eq(after.raft.hard_state.term, before[i].raft.hard_state.term);
        ck_assert_uint_eq(after.raft.hard_state.voted_for, before[i].raft.hard_state.voted_for);
        ck_assert_uint_eq(after.raft.last.index, before[i].raft.last.index);
        ck_assert_uint_eq(after.raft.last.term, before[i].raft.last.term);
    }
    leader = cluster_await_leader(cluster);
    assert_result(client_await(cluster_get(cluster, leader)), "{\"found\":true,\"value\":1}");
    cluster_destroy(cluster);
}
END_TEST

START_TEST(an_idle_cluster_only_sends_heartbeats_and_no_node_turns_without_need) {
    struct cluster *cluster;
    size_t leader = form(&cluster, 3, 7);
    struct node *node = cluster_node(cluster, leader);
    uint64_t before = node->next_number;
    uint64_t writes = node->writes_begun;
    cluster_run(cluster, 100 * HEARTBEAT_MS);
    ck_assert_uint_eq(cluster_leader(cluster), leader);
    ck_assert_uint_eq(node->next_number - before, 2 * 100);
    ck_assert_uint_eq(node->writes_begun, writes);
    cluster_destroy(cluster);
}
END_TEST

START_TEST(all_that_comes_in_one_turn_is_one_write_and_one_request_per_follower) {
    struct cluster *cluster;
    size_t leader = form(&cluster, 3, 8);
    size_t follower = cluster_other(cluster, leader);
    uint64_t writes = cluster_node(cluster, leader)->writes_begun;
    cluster_set_around(cluster, cluster->held, leader, true);
    for (unsigned i = 0; i < 100; i++) {
        cluster_propose(cluster, leader, PUT("a", "1"));
    }
    cluster_settle(cluster);
    ck_assert_uint_eq(cluster_node(cluster, leader)->writes_begun, writes + 1);
    ck_assert_uint_eq(network_count(cluster, leader, follower, MESSAGE_APPEND_ENTRIES, PACKET_SENT), 1);
    cluster_set_around(cluster, cluster->held, leader, false);
    cluster_settle(cluster);
    ck_assert_uint_eq(cluster->clients[cluster->client_count - 1]->answers, 1);
    cluster_destroy(cluster);
}
END_TEST

START_TEST(roles_have_the_names_of_the_contract) {
    ck_assert_str_eq(node_role_name(NODE_LEADER), "leader");
    ck_assert_str_eq(node_role_name(NODE_FOLLOWER), "follower");
    ck_assert_str_eq(node_role_name(NODE_CANDIDATE), "candidate");
    ck_assert_str_eq(node_role_name(NODE_PRE_CANDIDATE), "pre_candidate");
    ck_assert_str_eq(node_role_name(NODE_LEARNER), "learner");
    ck_assert_str_eq(node_role_name(NODE_WAITING), "waiting");
}
END_TEST

/* A value nested so deeply that the command is as deep as JSON may be. */
START_TEST(the_deepest_command_that_clients_may_send_reaches_everybody) {
    struct cluster *cluster;
    size_t leader = form(&cluster, 3, 9);
    char command[2 * JSON_DEPTH_MAX + 100];
    size_t size = (size_t)sprintf(command, "{\"op\":\"put\",\"key\":\"a\",\"value\":");
    memset(command + size, '[', JSON_DEPTH_MAX - 1);
    size += JSON_DEPTH_MAX - 1;
    memset(command + size, ']', JSON_DEPTH_MAX - 1);
    size += JSON_DEPTH_MAX - 1;
    memcpy(command + size, "}", 2);
    struct client *client = cluster_propose(cluster, _i == 0 ? leader : cluster_other(cluster, leader), command);
    assert_result(client_await(client), "{}");
    cluster_run(cluster, HEARTBEAT_MS);
    assert_machines_equal(cluster);
    cluster_destroy(cluster);
}
END_TEST

static void add_tests(TCase *tcase) {
    tcase_add_test(tcase, status_and_brief_say_who_leads_and_how_far_everybody_is);
    tcase_add_test(tcase, a_waiting_node_has_no_cluster_no_leader_and_no_term);
    tcase_add_test(tcase, urls_come_from_the_configuration_and_else_from_the_list);
    tcase_add_test(tcase, a_node_is_ready_when_it_has_applied_what_was_committed_when_it_started);
    tcase_add_test(tcase, a_configuration_in_the_log_that_makes_no_sense_is_refused_at_the_start);
    tcase_add_test(tcase, term_vote_and_log_survive_a_restart);
    tcase_add_test(tcase, an_idle_cluster_only_sends_heartbeats_and_no_node_turns_without_need);
    tcase_add_test(tcase, all_that_comes_in_one_turn_is_one_write_and_one_request_per_follower);
    tcase_add_test(tcase, roles_have_the_names_of_the_contract);
    tcase_add_loop_test(tcase, the_deepest_command_that_clients_may_send_reaches_everybody, 0, 2);
}

CHECK_MAIN("node", add_tests)
