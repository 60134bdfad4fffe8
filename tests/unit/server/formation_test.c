#include "cluster_forming.h"
#include "tests/check_main.h"

START_TEST(nodes_started_in_any_order_form_one_cluster) {
    static const size_t orders[][3] = {{0, 1, 2}, {0, 2, 1}, {1, 0, 2}, {1, 2, 0}, {2, 0, 1}, {2, 1, 0}};
    struct cluster *cluster = cluster_create(3, 1);
    for (size_t i = 0; i < 3; i++) {
        cluster_start(cluster, orders[_i][i]);
        ck_assert(!cluster_run_until(cluster, i < 2 ? never : all_formed, 1500) || i == 2);
    }
    ck_assert(all_formed(cluster));
    assert_serves(cluster);
    cluster_destroy(cluster);
}
END_TEST

START_TEST(while_a_node_is_missing_nobody_forms_and_status_says_who_and_why) {
    struct cluster *cluster = cluster_create(3, 2);
    cluster_start(cluster, 0);
    cluster_start(cluster, 2);
    cluster_run_until(cluster, never, 5000);
    assert_waits(cluster, 0, 2, "connection refused");
    assert_waits(cluster, 2, 2, "connection refused");
    ck_assert_uint_eq(cluster_status(cluster, 0).waiting_count, 1);
    char why[256];
    ck_assert(!node_ready(cluster_node(cluster, 0), why, sizeof why));
    ck_assert_str_eq(why, "waiting for the cluster to form; node 2 (http://node2:8001): connection refused");
    ck_assert_uint_eq(disk_state(cluster, 0).last.index, 0);

    cluster_start(cluster, 1);
    ck_assert(cluster_run_until(cluster, all_formed, 2000));
    assert_serves(cluster);
    cluster_destroy(cluster);
}
END_TEST

START_TEST(a_node_that_was_there_and_went_is_missing_again) {
    /* Given two nodes of three, one of which goes before the third comes. */
    struct cluster *cluster = cluster_create(3, 2);
    cluster_start(cluster, 0);
    cluster_start(cluster, 1);
    cluster_run(cluster, 1000);
    cluster_kill(cluster, 1);
    cluster_start(cluster, 2);
    cluster_run_until(cluster, never, 3000);
    assert_waits(cluster, 0, 2, "connection refused");
    cluster_start(cluster, 1);
    ck_assert(cluster_run_until(cluster, all_formed, 2000));
    cluster_destroy(cluster);
}
END_TEST

START_TEST(an_answer_of_long_ago_does_not_count) {
    /* Given a node that was there, and of which nothing is known since, not even that it went; and a third that only now
     * can make itself heard. */
    struct cluster *cluster = cluster_create(3, 2);
    cluster->held[2][0] = true;
    cluster_start_all(cluster);
    cluster_run(cluster, 900);
    const struct formation_peer *peer = &cluster_node(cluster, 0)->formation.peers[0];
    cluster->lost[0][1] = true;
    while (cluster->now_ms <= peer->answered_ms + FORMATION_FRESH_MS) {
        cluster_run(cluster, 1);
    }
    cluster->held[2][0] = false;
    cluster_settle(cluster);
    ck_assert_str_eq(peer[0].why, "");
    ck_assert_str_eq(peer[1].why, "");
    ck_assert_uint_eq(disk_state(cluster, 0).last.index, 0);
    cluster_destroy(cluster);
}
END_TEST

START_TEST(nodes_with_different_lists_do_not_form_and_say_so) {
    struct cluster *cluster = cluster_create(3, 3);
    snprintf(cluster->members[1].options.cluster.list[2].url, MEMBERS_URL_SIZE, "http://elsewhere:8001");
    cluster_start_all(cluster);
    cluster_run_until(cluster, never, 3000);
    assert_waits(cluster, 0, 2, "--cluster list");
    assert_waits(cluster, 2, 2, "--cluster list");
    assert_waits(cluster, 1, 1, "--cluster list");
    cluster_destroy(cluster);
}
END_TEST

START_TEST(nodes_with_different_machines_do_not_form_and_say_so) {
    struct cluster *cluster = cluster_create(3, 4);
    cluster->members[2].options.machine = machine_register();
    cluster_start_all(cluster);
    cluster_run_until(cluster, never, 3000);
    assert_waits(cluster, 0, 3, "--machine register");
    assert_waits(cluster, 2, 1, "--machine hashmap");
    cluster_destroy(cluster);
}
END_TEST

START_TEST(a_url_that_leads_to_another_node_is_named) {
    struct cluster *cluster = cluster_create(3, 5);
    for (size_t i = 0; i < 3; i++) {
        snprintf(cluster->members[i].options.cluster.list[1].url, MEMBERS_URL_SIZE, "http://node3:8001");
    }
    cluster_start_all(cluster);
    cluster_run_until(cluster, never, 3000);
    ck_assert_str_eq(waiting_for(cluster, 0, 2).why, "node 3 answers at http://node3:8001");
    cluster_destroy(cluster);
}
END_TEST

START_TEST(a_list_of_one_forms_and_leads_at_once) {
    struct cluster *cluster = cluster_create(1, 6);
    cluster_start(cluster, 0);
    cluster_settle(cluster);
    ck_assert(all_formed(cluster));
    ck_assert(node_is_leader(cluster_node(cluster, 0)));
    struct client *client = cluster_propose(cluster, 0, PUT("a", "1"));
    cluster_settle(cluster);
    assert_result(client, "{}");
    /* And again at once when it is restarted. */
    cluster_restart(cluster, 0);
    cluster_settle(cluster);
    client = cluster_get(cluster, 0);
    cluster_settle(cluster);
    assert_result(client, "{\"found\":true,\"value\":1}");
    cluster_destroy(cluster);
}
END_TEST

/* -- Requests that count a node in -- */

START_TEST(a_request_that_names_its_incarnation_brings_a_blank_node_into_the_cluster) {
    struct cluster *cluster = cluster_create(2, 12);
    cluster_start(cluster, 0);
    cluster_settle(cluster);
    struct message_request request = network_request(cluster, 1, 0, MESSAGE_APPEND_ENTRIES);
    memcpy(request.address.cluster_id, OTHER_CLUSTER, sizeof request.address.cluster_id);
    request.raft.term = 3000000;
    cluster->members[0].hold_writes = true;
    struct packet *first = network_ask(cluster, 0, &request);
    cluster_settle(cluster);
    ck_assert_int_eq(network_answer(first).problem.code, PROBLEM_NOT_READY);
    ck_assert_int_eq(cluster_status(cluster, 0).role, NODE_WAITING);
    /* Once it has written that, it takes part, and only in that cluster. */
    cluster->members[0].hold_writes = false;
    cluster_settle(cluster);
    ck_assert_str_eq(cluster_status(cluster, 0).cluster_id, OTHER_CLUSTER);
    struct packet *second = network_ask(cluster, 0, &request);
    request.address.cluster_id[0] = '0';
    struct packet *third = network_ask(cluster, 0, &request);
    cluster_settle(cluster);
    ck_assert_int_eq(network_answer(second).problem.code, PROBLEM_NONE);
    ck_assert_uint_eq(network_answer(second).term, 3000000);
    ck_assert_int_eq(network_answer(third).problem.code, PROBLEM_WRONG_CLUSTER);
    cluster_restart(cluster, 0);
    ck_assert_str_eq(cluster_status(cluster, 0).cluster_id, OTHER_CLUSTER);
    cluster_destroy(cluster);
}
END_TEST

START_TEST(a_claimed_node_is_not_claimed_by_another_cluster_while_it_writes) {
    struct cluster *cluster = cluster_create(2, 13);
    cluster_start(cluster, 0);
    cluster_settle(cluster);
    cluster->members[0].hold_writes = true;
    struct message_request request = network_request(cluster, 1, 0, MESSAGE_APPEND_ENTRIES);
    memcpy(request.address.cluster_id, OTHER_CLUSTER, sizeof request.address.cluster_id);
    network_ask(cluster, 0, &request);
    cluster_settle(cluster);
    request.address.cluster_id[0] = '0';
    struct packet *second = network_ask(cluster, 0, &request);
    cluster_settle(cluster);
    ck_assert_int_eq(network_answer(second).problem.code, PROBLEM_WRONG_CLUSTER);
    cluster->members[0].hold_writes = false;
    cluster_settle(cluster);
    ck_assert_str_eq(cluster_status(cluster, 0).cluster_id, OTHER_CLUSTER);
    cluster_destroy(cluster);
}
END_TEST

START_TEST(the_configuration_of_a_formed_cluster_is_not_taken_for_the_first_one) {
    /* Given a node 1 that runs in a cluster whose configuration names the blank node 2, as after an addition. */
    struct cluster *cluster = cluster_create(2, 14);
    struct members list = cluster_list(2);
    for (size_t i = 0; i < 2; i++) {
        memcpy(list.list[i].incarnation, cluster->members[i].incarnation, STORAGE_INCARNATION_SIZE + 1);
    }
    struct json_writer writer = {0};
    members_write(&list, &writer);
    struct raft_entry entry = {
        .id = {1, 1}, .type = RAFT_CONFIGURATION, .size = (uint32_t)writer.size, .data = writer.data};
    struct storage_write write = {.entries = &entry,
                                  .entry_count = 1,
                                  .hard_state_changed = true,
                                  .hard_state = {.term = 1},
                                  .cluster_changed = true,
                                  .cluster_id = OTHER_CLUSTER,
                                  .formed = true};
    struct storage_message message;
    ck_assert_int_eq(storage_write(cluster->members[0].storage, &write, &message), STORAGE_OK);
    json_writer_discard(&writer);
    /* Its own requests do not come through, the blank node's probes do. */
    cluster->refused[0][1] = true;
    cluster_start_all(cluster);
    cluster_run(cluster, 3000);
    /* Then it does not write that configuration as its own entry 1 ... */
    ck_assert_uint_eq(disk_state(cluster, 1).last.index, 0);
    assert_waits(cluster, 1, 1, "counts this node in");
    /* ... but takes part as soon as a member calls it. */
    cluster->refused[0][1] = false;
    cluster_run(cluster, 10000);
    ck_assert_str_eq(cluster_status(cluster, 1).cluster_id, OTHER_CLUSTER);
    cluster_destroy(cluster);
}
END_TEST

/* What a peer calls the first configuration would be entry 1 for good: the node could never start again. */
START_TEST(a_first_configuration_without_voters_or_with_somebody_on_the_way_is_not_believed) {
    for (int lie = 0; lie < 4; lie++) {
        struct cluster *cluster = cluster_create(2, 15);
        cluster->held[1][0] = true;
        cluster_start_all(cluster);
        cluster_settle(cluster);
        struct packet *probe = NULL;
        for (size_t i = 0; i < cluster->packet_count; i++) {
            if (cluster->packets[i]->from == 1 && cluster->packets[i]->kind == MESSAGE_PROBE) {
                probe = cluster->packets[i];
            }
        }
        ck_assert_ptr_nonnull(probe);
        struct message_answer answer;
        memset(&answer, 0, sizeof answer);
        answer.kind = MESSAGE_PROBE;
        answer.from = 1;
        answer.round = strtoull(strstr(probe->text, "\"round\":") + strlen("\"round\":"), NULL, 10);
        memcpy(answer.incarnation, cluster->members[0].incarnation, STORAGE_INCARNATION_SIZE + 1);
        answer.probe.state = MESSAGE_HOLDING;
        memcpy(answer.probe.cluster_id, OTHER_CLUSTER, sizeof answer.probe.cluster_id);
        answer.probe.machine = "hashmap";
        answer.probe.list = answer.probe.members = cluster_list(2);
        for (size_t i = 0; i < 2; i++) {
            struct members_member *member = &answer.probe.members.list[i];
            memcpy(member->incarnation, cluster->members[i].incarnation, STORAGE_INCARNATION_SIZE + 1);
            member->voter = lie >= 2;
        }
        answer.probe.members.list[0].voter = lie >= 1;
        answer.probe.members.list[1].outgoing = lie == 2;
        answer.probe.members.list[1].next = lie == 3 ? MEMBERS_NEXT_LEARNER : MEMBERS_NEXT_NONE;
        uint64_t token = probe->token;
        probe->token = 0;
        node_tick(cluster_node(cluster, 1), cluster->now_ms);
        node_answered(cluster_node(cluster, 1), token, TRANSPORT_ANSWERED, &answer, NULL, "");
        node_turn(cluster_node(cluster, 1), cluster->now_ms);
        assert_waits(cluster, 1, 1, "cannot be one");
        cluster_settle(cluster);
        ck_assert_uint_eq(disk_state(cluster, 1).last.index, 0);
        cluster_destroy(cluster);
    }
}
END_TEST

START_TEST(nobody_is_served_before_the_cluster_is_formed) {
    struct cluster *cluster = cluster_create(2, 15);
    cluster_start(cluster, 0);
    cluster_run(cluster, 100);
    struct client *command = cluster_propose_with(cluster, 0, PUT("a", "1"), 300, true);
    struct client *stale = QUERY(cluster, 0, .consistency = NODE_STALE, .timeout_ms = 300);
    struct client *read = QUERY(cluster, 0, .timeout_ms = 300);
    struct client *stay = cluster_propose_with(cluster, 0, PUT("a", "1"), 300, false);
    struct client *log = cluster_read_log(cluster, 0, 0, 10);
    cluster_settle(cluster);
    ck_assert_uint_eq(command->answers + stale->answers + read->answers, 0);
    assert_problem(stay, PROBLEM_NO_LEADER, false);
    ck_assert_uint_eq(log->answers, 1);
    ck_assert_uint_eq(log->count, 0);
    cluster_run(cluster, 300);
    assert_problem(command, PROBLEM_NO_LEADER, false);
    assert_problem(stale, PROBLEM_NO_LEADER, false);
    assert_problem(read, PROBLEM_NO_LEADER, false);
    ck_assert_ptr_nonnull(strstr(read->problem.detail, "form"));
    ck_assert_ptr_nonnull(strstr(stale->problem.detail, "form"));
    cluster_destroy(cluster);
}
END_TEST

START_TEST(what_was_held_while_forming_is_done_when_it_is_formed) {
    struct cluster *cluster = cluster_create(2, 16);
    cluster_start(cluster, 0);
    cluster_run(cluster, 100);
    struct client *client = cluster_propose(cluster, 0, PUT("a", "1"));
    cluster_run(cluster, 1000);
    cluster_start(cluster, 1);
    assert_result(client_await(client), "{}");
    cluster_destroy(cluster);
}
END_TEST

static void add_tests(TCase *tcase) {
    tcase_add_loop_test(tcase, nodes_started_in_any_order_form_one_cluster, 0, 6);
    tcase_add_test(tcase, while_a_node_is_missing_nobody_forms_and_status_says_who_and_why);
    tcase_add_test(tcase, a_node_that_was_there_and_went_is_missing_again);
    tcase_add_test(tcase, an_answer_of_long_ago_does_not_count);
    tcase_add_test(tcase, nodes_with_different_lists_do_not_form_and_say_so);
    tcase_add_test(tcase, nodes_with_different_machines_do_not_form_and_say_so);
    tcase_add_test(tcase, a_url_that_leads_to_another_node_is_named);
    tcase_add_test(tcase, a_list_of_one_forms_and_leads_at_once);
    tcase_add_test(tcase, a_request_that_names_its_incarnation_brings_a_blank_node_into_the_cluster);
    tcase_add_test(tcase, a_claimed_node_is_not_claimed_by_another_cluster_while_it_writes);
    tcase_add_test(tcase, the_configuration_of_a_formed_cluster_is_not_taken_for_the_first_one);
    tcase_add_test(tcase, a_first_configuration_without_voters_or_with_somebody_on_the_way_is_not_believed);
    tcase_add_test(tcase, nobody_is_served_before_the_cluster_is_formed);
    tcase_add_test(tcase, what_was_held_while_forming_is_done_when_it_is_formed);
}

CHECK_MAIN("formation", add_tests)
