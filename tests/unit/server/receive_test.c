#include "cluster.h"
#include "tests/check_main.h"

#define SOMEBODY "ffffffffffffffffffffffffffffffff"

struct setting {
    struct cluster *cluster;
    size_t leader;
    size_t follower;
};

static struct setting begin(uint64_t seed) {
    struct cluster *cluster = cluster_create(3, seed);
    size_t leader = cluster_form(cluster);
    cluster_run(cluster, HEARTBEAT_MS);
    return (struct setting){cluster, leader, cluster_other(cluster, leader)};
}

static const enum message_kind kinds[] = {MESSAGE_REQUEST_VOTE, MESSAGE_APPEND_ENTRIES, MESSAGE_READ_INDEX,
                                          MESSAGE_PROPOSE,      MESSAGE_TIMEOUT_NOW,    MESSAGE_TRANSFER};
enum { KINDS = sizeof kinds / sizeof *kinds };

/* A request of the leader's to the follower that makes sense, in a term of which the follower would have to take note. */
static struct message_request request_of(struct setting now, enum message_kind kind, struct json_span *command) {
    struct message_request request = network_request(now.cluster, now.leader, now.follower, kind);
    *command = (struct json_span){"1", 1};
    if (kind == MESSAGE_PROPOSE) {
        memset(&request.propose, 0, sizeof request.propose);
        request.propose.count = 1;
        request.propose.commands = command;
    } else {
        request.raft.term = raft_current_term(cluster_node(now.cluster, now.follower)->core) + 1;
    }
    return request;
}

static void assert_nothing_changes(struct setting now, const struct message_request *request, enum problem_code code) {
    struct node *node = cluster_node(now.cluster, now.follower);
    struct node_status before = cluster_status(now.cluster, now.follower);
    uint64_t writes = node->writes_begun;
    struct packet *packet = network_ask(now.cluster, now.follower, request);
    cluster_settle(now.cluster);
    struct message_answer answer = network_answer(packet);
    ck_assert_msg(answer.problem.code == code, "%s: %s", problem_name(answer.problem.code), answer.problem.detail);
    ck_assert(request->kind != MESSAGE_PROPOSE || !answer.problem.outcome_unknown);
    ck_assert_uint_eq(answer.from, now.follower + 1);
    ck_assert_uint_eq(answer.round, request->round);
    struct node_status after = cluster_status(now.cluster, now.follower);
    ck_assert_uint_eq(after.raft.hard_state.term, before.raft.hard_state.term);
    ck_assert_uint_eq(after.raft.hard_state.voted_for, before.raft.hard_state.voted_for);
    ck_assert_uint_eq(after.raft.last.index, before.raft.last.index);
    ck_assert_uint_eq(after.raft.commit_index, before.raft.commit_index);
    ck_assert_uint_eq(after.raft.leader, before.raft.leader);
    ck_assert_uint_eq(node->writes_begun, writes);
}

START_TEST(a_request_for_another_cluster_node_or_incarnation_changes_nothing) {
    struct setting now = begin(1);
    struct json_span command;
    struct message_request good = request_of(now, kinds[_i], &command);
    struct message_request request = good;
    memcpy(request.address.cluster_id, SOMEBODY, sizeof request.address.cluster_id);
    assert_nothing_changes(now, &request, PROBLEM_WRONG_CLUSTER);
    request = good;
    request.address.to = now.leader + 1;
    assert_nothing_changes(now, &request, PROBLEM_WRONG_CLUSTER);
    request = good;
    memcpy(request.address.to_incarnation, SOMEBODY, sizeof request.address.to_incarnation);
    assert_nothing_changes(now, &request, PROBLEM_WRONG_CLUSTER);
    cluster_destroy(now.cluster);
}
END_TEST

START_TEST(a_request_that_claims_to_come_from_the_receiver_changes_nothing) {
    struct setting now = begin(2);
    struct json_span command;
    struct message_request request = request_of(now, kinds[_i], &command);
    request.address.from = now.follower + 1;
    assert_nothing_changes(now, &request, PROBLEM_BAD_REQUEST);
    cluster_destroy(now.cluster);
}
END_TEST

START_TEST(a_term_too_far_ahead_is_refused_and_one_just_not_so_far_is_believed) {
    struct setting now = begin(3);
    struct json_span command;
    struct message_request request = request_of(now, kinds[_i], &command);
    raft_term term = raft_current_term(cluster_node(now.cluster, now.follower)->core);
    request.raft.term = term + RAFT_TERM_JUMP_MAX + 1;
    assert_nothing_changes(now, &request, PROBLEM_BAD_REQUEST);
    request.raft.term = RAFT_NUMBER_MAX;
    assert_nothing_changes(now, &request, PROBLEM_BAD_REQUEST);
    request.raft.term = term + RAFT_TERM_JUMP_MAX;
    cluster_set_around(now.cluster, now.cluster->held, now.leader, true);
    cluster_run(now.cluster, 1000);
    struct packet *packet = network_ask(now.cluster, now.follower, &request);
    cluster_settle(now.cluster);
    ck_assert_int_eq(network_answer(packet).problem.code, PROBLEM_NONE);
    ck_assert_uint_ge(cluster_status(now.cluster, now.follower).raft.hard_state.term, term + RAFT_TERM_JUMP_MAX);
    cluster_destroy(now.cluster);
}
END_TEST

START_TEST(a_member_without_a_log_believes_any_term_that_leaves_room_for_more) {
    struct cluster *cluster = cluster_create(2, 4);
    cluster_start(cluster, 0);
    cluster_settle(cluster);
    struct message_request request = network_request(cluster, 1, 0, MESSAGE_APPEND_ENTRIES);
    memcpy(request.address.cluster_id, SOMEBODY, sizeof request.address.cluster_id);
    network_ask(cluster, 0, &request);
    cluster_settle(cluster);
    static const struct {
        raft_term term;
        enum problem_code code;
    } steps[] = {{RAFT_NUMBER_MAX, PROBLEM_BAD_REQUEST},
                 {RAFT_NUMBER_MAX - RAFT_TERM_JUMP_MAX + 1, PROBLEM_BAD_REQUEST},
                 {RAFT_NUMBER_MAX - RAFT_TERM_JUMP_MAX, PROBLEM_NONE}};
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        request.raft.term = steps[i].term;
        struct packet *packet = network_ask(cluster, 0, &request);
        cluster_settle(cluster);
        ck_assert_int_eq(network_answer(packet).problem.code, steps[i].code);
    }
    cluster_destroy(cluster);
}
END_TEST

/* -- Answers -- */

static struct packet *find_answer(struct setting now, enum message_kind kind) {
    for (size_t i = 0; i < now.cluster->packet_count; i++) {
        struct packet *packet = now.cluster->packets[i];
        if (packet->kind == kind && packet->from == now.leader && packet->to == now.follower &&
            packet->state == PACKET_ANSWERED) {
            return packet;
        }
    }
    ck_abort_msg("nothing has been answered");
    return NULL;
}

/* Writes the answer anew as somebody else would give it. */
static void forge(struct packet *packet, raft_node_id from, const char *incarnation, int64_t round, raft_term term) {
    struct json_span value;
    size_t offset;
    struct message_answer answer;
    char *text = packet->text;
    ck_assert(json_scan(text, packet->size, &value, &offset));
    ck_assert(message_answer_read(packet->kind, packet->status, value, &answer));
    answer.from = from == 0 ? answer.from : from;
    if (incarnation != NULL) {
        memcpy(answer.incarnation, incarnation, sizeof answer.incarnation);
    }
    answer.round += (raft_round)round;
    answer.term += term;
    struct json_writer writer = {0};
    message_answer_write(&answer, &writer);
    packet->text = json_writer_take(&writer, &packet->size);
    message_answer_clear(&answer);
    free(text);
}

START_TEST(an_answer_of_another_incarnation_node_or_round_or_of_an_absurd_term_does_not_count) {
    struct setting now = begin(5);
    size_t third = cluster_other(now.cluster, now.follower);
    /* Given an entry that only the follower's answer could commit. */
    cluster_set_around(now.cluster, now.cluster->refused, third, true);
    now.cluster->held[now.follower][now.leader] = true;
    struct client *client = cluster_propose_with(now.cluster, now.leader, PUT("a", "1"), 500, true);
    cluster_settle(now.cluster);
    struct packet *packet = find_answer(now, MESSAGE_APPEND_ENTRIES);
    raft_term term = raft_current_term(cluster_node(now.cluster, now.leader)->core);
    switch (_i) {
    case 0:
        forge(packet, 0, SOMEBODY, 0, 0);
        break;
    case 1:
        forge(packet, third + 1, NULL, 0, 0);
        break;
    case 2:
        forge(packet, 0, NULL, 1, 0);
        break;
    case 3:
        forge(packet, 0, NULL, 0, RAFT_TERM_JUMP_MAX + 1);
        break;
    default: /* As it was. */
        break;
    }
    packet_answer(now.cluster, packet);
    cluster_run(now.cluster, 50);
    ck_assert_uint_eq(client->answers, _i == 4 ? 1 : 0);
    ck_assert_uint_eq(raft_current_term(cluster_node(now.cluster, now.leader)->core), term);
    cluster_destroy(now.cluster);
}
END_TEST

START_TEST(an_answer_that_comes_after_its_time_is_ignored) {
    struct setting now = begin(6);
    struct node *node = cluster_node(now.cluster, now.leader);
    node_answered(node, UINT64_MAX, TRANSPORT_BROKEN, NULL, NULL, "late");
    ck_assert_uint_eq(cluster_leader(now.cluster), now.leader);
    cluster_destroy(now.cluster);
}
END_TEST

/* -- Whatever comes -- */

static uint64_t some_number(struct cluster *cluster, uint64_t near) {
    static const uint64_t numbers[] = {0, 1, 2, RAFT_NUMBER_MAX, RAFT_NUMBER_MAX - 1, RAFT_TERM_JUMP_MAX, 4096};
    uint64_t way = cluster_random(cluster, 12);
    return way < 7 ? numbers[way] : way == 7 && near > 0 ? near - 1 : near + cluster_random(cluster, 4);
}

static struct raft_entry_id some_id(struct cluster *cluster, raft_index index, raft_term term) {
    struct raft_entry_id id = {some_number(cluster, index), some_number(cluster, term)};
    return id.index == 0 || id.term == 0 ? (struct raft_entry_id){0, 0} : id;
}

/* What the JSON form lets through is all that can come; it is asked for what it thinks of each. */
static void send_if_legal(struct cluster *cluster, size_t to, const struct message_request *request) {
    struct json_writer writer = {0};
    message_request_write(request, &writer);
    size_t size;
    char *text = json_writer_take(&writer, &size);
    struct buffer *body = buffer_take(text, size);
    struct json_span value;
    size_t offset;
    struct message_request read;
    struct problem problem;
    ck_assert(json_scan(body->data, body->size, &value, &offset));
    if (message_request_read(request->kind, value, body, &read, &problem)) {
        message_request_clear(&read);
        network_ask(cluster, to, request);
    }
    buffer_release(body);
}

static void send_something(struct cluster *cluster) {
    size_t to = (size_t)cluster_random(cluster, 3);
    enum message_kind kind = kinds[cluster_random(cluster, KINDS)];
    struct message_request request = network_request(cluster, (size_t)cluster_random(cluster, 3), to, kind);
    const struct raft *core = cluster_node(cluster, to)->core;
    raft_index last = raft_last_index(core);
    raft_term term = raft_current_term(core);
    request.round = some_number(cluster, 1);
    static const char command[] = PUT("hostile", "1");
    struct json_span span = {command, sizeof command - 1};
    struct raft_entry entries[3];
    memset(entries, 0, sizeof entries);
    if (kind == MESSAGE_PROPOSE) {
        memset(&request.propose, 0, sizeof request.propose);
        request.propose = (struct message_propose){.term = some_number(cluster, term),
                                                   .sequence = some_number(cluster, 5),
                                                   .timeout_ms = some_number(cluster, 100),
                                                   .count = 1,
                                                   .commands = &span};
    } else if (kind == MESSAGE_TRANSFER) {
        request.transfer = (struct message_transfer){some_number(cluster, 4), some_number(cluster, 2000)};
    } else if (kind == MESSAGE_READ_INDEX) {
        request.lease = cluster_random(cluster, 2) == 0;
    } else if (kind == MESSAGE_TIMEOUT_NOW) {
        request.raft.term = some_number(cluster, term);
    } else if (kind == MESSAGE_REQUEST_VOTE) {
        request.raft.term = some_number(cluster, term);
        request.raft.request_vote = (struct raft_request_vote){.pre_vote = cluster_random(cluster, 2) == 0,
                                                               .transfer = cluster_random(cluster, 4) == 0,
                                                               .last_log = some_id(cluster, last, term)};
    } else if (kind == MESSAGE_APPEND_ENTRIES) {
        request.raft.term = some_number(cluster, term);
        struct raft_append_entries *append = &request.raft.append_entries;
        append->prev = some_id(cluster, last, term);
        append->leader_commit = some_number(cluster, last);
        append->entry_count = (size_t)cluster_random(cluster, 4);
        append->entries = entries;
        for (size_t i = 0; i < append->entry_count; i++) {
            entries[i] = (struct raft_entry){.id = {append->prev.index + 1 + i, some_number(cluster, term)},
                                             .type = RAFT_COMMAND,
                                             .size = (uint32_t)span.size,
                                             .data = span.data};
        }
    }
    send_if_legal(cluster, to, &request);
}

START_TEST(no_values_that_the_json_form_lets_through_end_the_process) {
    /* Whoever can send these could forge entries as well, so nothing is promised but that everybody lives. */
    struct cluster *cluster = cluster_create(3, (uint64_t)_i);
    cluster_form(cluster);
    for (unsigned i = 0; i < 300; i++) {
        send_something(cluster);
        if (cluster_random(cluster, 3) == 0) {
            cluster_run(cluster, cluster_random(cluster, 300));
        }
    }
    cluster_destroy(cluster);
}
END_TEST

static void add_tests(TCase *tcase) {
    tcase_add_loop_test(tcase, a_request_for_another_cluster_node_or_incarnation_changes_nothing, 0, KINDS);
    tcase_add_loop_test(tcase, a_request_that_claims_to_come_from_the_receiver_changes_nothing, 0, KINDS);
    tcase_add_loop_test(tcase, a_term_too_far_ahead_is_refused_and_one_just_not_so_far_is_believed, 0, 2);
    tcase_add_test(tcase, a_member_without_a_log_believes_any_term_that_leaves_room_for_more);
    tcase_add_loop_test(tcase, an_answer_of_another_incarnation_node_or_round_or_of_an_absurd_term_does_not_count, 0, 5);
    tcase_add_test(tcase, an_answer_that_comes_after_its_time_is_ignored);
    tcase_add_loop_test(tcase, no_values_that_the_json_form_lets_through_end_the_process, 0, 30);
}

CHECK_MAIN("receive", add_tests)
