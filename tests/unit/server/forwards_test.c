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

/* A cluster of three; the second is a follower of the first. */
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

/* A forward by the follower, as it would send it. `commands` are at most 3, one a line. */
static struct message_request forward_of(struct setting setting, uint64_t sequence, struct json_span *command) {
    struct message_request request = network_request(setting.cluster, setting.follower, setting.leader, MESSAGE_PROPOSE);
    static const char text[] = PUT("a", "1");
    *command = (struct json_span){text, sizeof text - 1};
    memset(&request.propose, 0, sizeof request.propose);
    request.propose.term = raft_current_term(cluster_node(setting.cluster, setting.leader)->core);
    request.propose.sequence = sequence;
    request.propose.timeout_ms = 5000;
    request.propose.count = 1;
    request.propose.commands = command;
    return request;
}

START_TEST(a_command_that_surely_did_not_arrive_is_sent_to_the_next_leader) {
    struct setting now = begin(1);
    cluster_kill(now.cluster, now.leader);
    struct client *client = cluster_propose(now.cluster, now.follower, PUT("a", "1"));
    cluster_settle(now.cluster);
    ck_assert_uint_eq(client->answers, 0);
    ck_assert_uint_eq(node_leader(cluster_node(now.cluster, now.follower)), now.leader + 1);
    assert_result(client_await(client), "{}");
    ck_assert_uint_eq(commands_in_log(now.cluster, now.follower), 1);
    cluster_destroy(now.cluster);
}
END_TEST

enum { LATE_MS = 20000 };

/* The first command that is passed on takes long. */
static struct cluster_fate first_forward_is_late(void *context, size_t from, size_t to, enum message_kind kind,
                                                 bool is_answer) {
    bool *late = context;
    (void)from;
    (void)to;
    struct cluster_fate fate = {.delay_ms = kind == MESSAGE_PROPOSE && !is_answer && !*late ? LATE_MS : 0};
    *late = *late || fate.delay_ms > 0;
    return fate;
}

/* It is sent to the leader that was, to where a blank disk takes the leader's place until it arrives. */
START_TEST(what_reaches_the_leaders_next_incarnation_goes_to_the_next_leader) {
    struct setting now = begin(1);
    bool late = false;
    now.cluster->fate = first_forward_is_late;
    now.cluster->fate_context = &late;
    cluster_kill(now.cluster, now.leader);
    cluster_blank_disk(now.cluster, now.leader);
    now.cluster->members[now.leader].options.replace = true;
    cluster_start(now.cluster, now.leader);
    struct client *client = cluster_propose_with(now.cluster, now.follower, PUT("a", "1"), 60000, true);
    cluster_settle(now.cluster);
    ck_assert(late);
    cluster_run(now.cluster, LATE_MS - 1000);
    const struct roster *roster = &cluster_node(now.cluster, now.follower)->roster;
    ck_assert_str_eq(roster_find(roster, now.leader + 1)->incarnation, now.cluster->members[now.leader].incarnation);
    ck_assert_uint_eq(client->answers, 0);
    assert_result(client_await(client), "{}");
    ck_assert_uint_eq(commands_in_log(now.cluster, now.follower), 1);
    cluster_destroy(now.cluster);
}
END_TEST

START_TEST(a_leader_that_cannot_be_reached_is_not_asked_all_the_time) {
    struct setting now = begin(2);
    now.cluster->refused[now.follower][now.leader] = true;
    struct client *client = cluster_propose_with(now.cluster, now.follower, PUT("a", "1"), 2000, true);
    uint64_t before = cluster_node(now.cluster, now.follower)->forwards.next_sequence;
    cluster_run(now.cluster, 1000);
    uint64_t sent = cluster_node(now.cluster, now.follower)->forwards.next_sequence - before;
    ck_assert_uint_ge(sent, 10);
    ck_assert_uint_le(sent, 2 * 1000 / HEARTBEAT_MS);
    cluster_run(now.cluster, 1000);
    assert_problem(client, PROBLEM_TIMEOUT, false);
    ck_assert_uint_eq(commands_in_log(now.cluster, now.leader), 0);
    cluster_destroy(now.cluster);
}
END_TEST

START_TEST(after_a_broken_connection_the_outcome_is_unknown_and_nothing_is_sent_again) {
    struct setting now = begin(3);
    now.cluster->breaking[now.follower][now.leader] = true;
    struct client *client = cluster_propose(now.cluster, now.follower, PUT("a", "1"));
    cluster_settle(now.cluster);
    assert_problem(client, PROBLEM_LEADERSHIP_LOST, true);
    ck_assert_ptr_nonnull(strstr(client->lines[0].problem.detail, "connection reset"));
    cluster_run(now.cluster, 5000);
    ck_assert_uint_eq(commands_in_log(now.cluster, now.leader), 1);
    cluster_destroy(now.cluster);
}
END_TEST

START_TEST(a_forward_that_arrives_twice_is_taken_once) {
    struct setting now = begin(4);
    now.cluster->doubling[now.follower][now.leader] = true;
    struct client *client = cluster_propose(now.cluster, now.follower, PUT("a", "1"));
    assert_result(client_await(client), "{}");
    cluster_run(now.cluster, 1000);
    ck_assert_uint_eq(commands_in_log(now.cluster, now.leader), 1);
    cluster_destroy(now.cluster);
}
END_TEST

START_TEST(a_leader_takes_forwards_of_its_own_term_only) {
    struct setting now = begin(5);
    struct json_span command;
    struct message_request request = forward_of(now, 100, &command);
    for (int i = -1; i <= 1; i += 2) {
        request.propose.term = raft_current_term(cluster_node(now.cluster, now.leader)->core) + (raft_term)i;
        struct message_answer answer = network_answer(network_ask(now.cluster, now.leader, &request));
        ck_assert_int_eq(answer.problem.code, PROBLEM_NOT_LEADER);
        ck_assert(!answer.problem.outcome_unknown);
    }
    /* Nor does anybody else. */
    request = network_request(now.cluster, now.leader, now.follower, MESSAGE_PROPOSE);
    request.propose = forward_of(now, 100, &command).propose;
    struct message_answer answer = network_answer(network_ask(now.cluster, now.follower, &request));
    ck_assert_int_eq(answer.problem.code, PROBLEM_NOT_LEADER);
    cluster_settle(now.cluster);
    ck_assert_uint_eq(commands_in_log(now.cluster, now.leader), 0);
    cluster_destroy(now.cluster);
}
END_TEST

START_TEST(a_sequence_number_is_taken_once_within_the_window_and_never_below) {
    struct setting now = begin(6);
    struct json_span command;
    static const struct {
        uint64_t sequence;
        bool taken;
    } steps[] = {
        {10, true},      {10, false},   {9, true},       {9, false},      {11, true},
        {10, false},     {4106, true},  {11, false},     {12, true},      {10, false}, /* 4106 - 10 is the window's size. */
        {4105, true},    {13, true},    {1000000, true}, {995905, true},  {995904, false},
        {995905, false}, {4106, false}, {1000001, true}, {995905, false},
    };
    size_t taken = 0;
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        struct message_request request = forward_of(now, steps[i].sequence, &command);
        struct packet *packet = network_ask(now.cluster, now.leader, &request);
        cluster_settle(now.cluster);
        struct message_answer answer = network_answer(packet);
        ck_assert_msg((answer.problem.code == PROBLEM_NONE) == steps[i].taken, "step %zu: %s", i, answer.problem.detail);
        if (!steps[i].taken) {
            ck_assert_int_eq(answer.problem.code, PROBLEM_LEADERSHIP_LOST);
            ck_assert(answer.problem.outcome_unknown);
        }
        taken += steps[i].taken ? 1 : 0;
    }
    ck_assert_uint_eq(commands_in_log(now.cluster, now.leader), taken);
    cluster_destroy(now.cluster);
}
END_TEST

START_TEST(a_new_incarnation_of_the_sender_counts_anew) {
    struct setting now = begin(7);
    struct json_span command;
    struct message_request request = forward_of(now, 5, &command);
    for (unsigned i = 0; i < 2 * FORWARDS_SENDERS; i++) {
        snprintf(request.address.from_incarnation, sizeof request.address.from_incarnation, "%032x", i);
        struct packet *packet = network_ask(now.cluster, now.leader, &request);
        now.cluster->now_ms++;
        cluster_settle(now.cluster);
        ck_assert_int_eq(network_answer(packet).problem.code, PROBLEM_NONE);
    }
    ck_assert_uint_eq(cluster_node(now.cluster, now.leader)->forwards.sender_count, FORWARDS_SENDERS);
    cluster_destroy(now.cluster);
}
END_TEST

START_TEST(a_follower_that_was_started_again_is_not_taken_for_its_own_past) {
    struct setting now = begin(31);
    for (unsigned run = 0; run < 3; run++) {
        for (unsigned i = 0; i < 3 - run; i++) {
            assert_result(client_await(cluster_propose(now.cluster, now.follower, PUT("a", "1"))),
                          i + run == 0 ? "{}" : "{\"previous\":1}");
        }
        cluster_restart(now.cluster, now.follower);
        cluster_settle(now.cluster);
    }
    ck_assert(node_is_leader(cluster_node(now.cluster, now.leader)));
    ck_assert_uint_eq(commands_in_log(now.cluster, now.leader), 6);
    cluster_destroy(now.cluster);
}
END_TEST

START_TEST(a_leader_deposed_before_it_appended_refuses_the_whole_so_that_the_next_is_asked) {
    struct setting now = begin(8);
    struct cluster *cluster = now.cluster;
    size_t third = cluster_other(cluster, now.follower);
    /* Given a forward and the message of a new leader that arrive in the same turn. */
    struct json_span command;
    struct message_request forward = forward_of(now, 100, &command);
    struct packet *asked = network_ask(cluster, now.leader, &forward);
    struct message_request append = network_request(cluster, third, now.leader, MESSAGE_APPEND_ENTRIES);
    append.raft.term = forward.propose.term + 1;
    network_ask(cluster, now.leader, &append);
    cluster_settle(cluster);
    struct message_answer answer = network_answer(asked);
    ck_assert_int_eq(answer.problem.code, PROBLEM_NOT_LEADER);
    ck_assert(!answer.problem.outcome_unknown);
    cluster_destroy(cluster);
}
END_TEST

START_TEST(a_leader_that_shuts_down_leaves_forwarded_commands_to_the_next) {
    struct setting now = begin(9);
    node_shut_down(cluster_node(now.cluster, now.leader));
    struct client *client = cluster_propose(now.cluster, now.follower, PUT("a", "1"));
    assert_result(client_await(client), "{}");
    ck_assert(!node_is_leader(cluster_node(now.cluster, now.leader)));
    cluster_kill(now.cluster, now.leader);
    ck_assert_uint_eq(commands_in_log(now.cluster, now.follower), 1);
    cluster_destroy(now.cluster);
}
END_TEST

/* The forward that the follower has sent, when it has been answered and that is on its way back. */
static struct packet *answered_forward(struct setting now) {
    for (size_t i = 0; i < now.cluster->packet_count; i++) {
        struct packet *packet = now.cluster->packets[i];
        if (packet->kind == MESSAGE_PROPOSE && packet->from == now.follower && packet->state == PACKET_ANSWERED) {
            return packet;
        }
    }
    ck_abort_msg("no answered forward");
    return NULL;
}

START_TEST(commands_for_which_the_answer_has_no_line_are_unknown) {
    struct setting now = begin(10);
    struct client *first = cluster_propose(now.cluster, now.follower, PUT("a", "1"));
    struct client *second = cluster_propose(now.cluster, now.follower, PUT("a", "2") "\n" PUT("a", "3"));
    struct client *third = cluster_propose(now.cluster, now.follower, PUT("a", "4"));
    now.cluster->held[now.leader][now.follower] = true;
    cluster_run(now.cluster, 10);
    /* Entries cannot reach the follower, the third makes the majority. Two of four lines come back. */
    struct packet *packet = answered_forward(now);
    struct json_span value;
    size_t offset;
    struct message_answer answer;
    char *text = packet->text;
    ck_assert(json_scan(text, packet->size, &value, &offset));
    ck_assert(message_answer_read(MESSAGE_PROPOSE, 200, value, &answer));
    ck_assert_uint_eq(answer.propose.count, 4);
    answer.propose.count = 2;
    struct json_writer writer = {0};
    message_answer_write(&answer, &writer);
    packet->text = json_writer_take(&writer, &packet->size);
    message_answer_clear(&answer);
    free(text);
    now.cluster->held[now.leader][now.follower] = false;
    cluster_settle(now.cluster);
    assert_result(first, "{}");
    assert_line(second, 0, "{\"previous\":1}");
    ck_assert_int_eq(second->lines[1].problem.code, PROBLEM_LEADERSHIP_LOST);
    ck_assert(second->lines[1].problem.outcome_unknown);
    assert_problem(third, PROBLEM_LEADERSHIP_LOST, true);
    cluster_destroy(now.cluster);
}
END_TEST

START_TEST(each_client_is_told_when_its_own_time_is_over) {
    struct setting now = begin(11);
    for (size_t i = 0; i < 3; i++) {
        now.cluster->members[i].hold_writes = true;
    }
    /* Given commands that travel together, with different patience. */
    struct client *hasty = cluster_propose_with(now.cluster, now.follower, PUT("a", "1") "\n" PUT("a", "2"), 300, true);
    struct client *gone = cluster_propose_with(now.cluster, now.follower, PUT("a", "3"), 300, true);
    struct client *patient = cluster_propose_with(now.cluster, now.follower, PUT("a", "4"), 5000, true);
    cluster_run(now.cluster, 100);
    client_cancel(gone);
    cluster_run(now.cluster, 199);
    ck_assert_uint_eq(hasty->answers, 0);
    cluster_run(now.cluster, 1);
    assert_problem(hasty, PROBLEM_TIMEOUT, true);
    ck_assert_uint_eq(hasty->count, 2);
    ck_assert_uint_eq(patient->answers, 0);
    /* Then the others' lines are still theirs. */
    for (size_t i = 0; i < 3; i++) {
        now.cluster->members[i].hold_writes = false;
    }
    assert_result(client_await(patient), "{\"previous\":3}");
    const struct proposals *proposals = &cluster_node(now.cluster, now.follower)->proposals;
    ck_assert_uint_eq(proposals->commands_waiting, 0);
    ck_assert_uint_eq(proposals->bytes_waiting, 0);
    cluster_destroy(now.cluster);
}
END_TEST

START_TEST(more_than_fits_into_one_request_goes_in_several) {
    struct setting now = begin(12);
    for (size_t i = 0; i < 3; i++) {
        cluster_node(now.cluster, i)->options.queued_bytes_max = UINT64_MAX;
        cluster_node(now.cluster, i)->proposals.bytes_window = UINT64_MAX;
    }
    /* Given four commands of which two together are just as large as allowed, or one byte larger. */
    size_t size = FORWARDS_BYTES_MAX / 2 + (_i == 0 ? 0 : 1);
    char *command = memory_alloc(size + 1);
    size_t head = (size_t)snprintf(command, size + 1, "{\"op\":\"put\",\"key\":\"a\",\"value\":\"");
    memset(command + head, 'x', size - head);
    memcpy(command + size - 2, "\"}", 3);
    uint64_t before = cluster_node(now.cluster, now.follower)->forwards.next_sequence;
    struct client *clients[4];
    for (size_t i = 0; i < 4; i++) {
        clients[i] = cluster_propose(now.cluster, now.follower, command);
    }
    cluster_settle(now.cluster);
    ck_assert_uint_eq(cluster_node(now.cluster, now.follower)->forwards.next_sequence - before, _i == 0 ? 2 : 4);
    for (size_t i = 0; i < 4; i++) {
        ck_assert_int_eq(client_await(clients[i])->lines[0].problem.code, PROBLEM_NONE);
    }
    free(command);
    cluster_destroy(now.cluster);
}
END_TEST

START_TEST(a_leader_that_is_full_refuses_forwards) {
    struct setting now = begin(13);
    cluster_node(now.cluster, now.leader)->options.queued_commands_max = 1;
    struct client *client = cluster_propose(now.cluster, now.follower, PUT("a", "1") "\n" PUT("a", "2"));
    cluster_settle(now.cluster);
    assert_problem(client, PROBLEM_OVERLOADED, false);
    ck_assert_uint_eq(commands_in_log(now.cluster, now.leader), 0);
    cluster_destroy(now.cluster);
}
END_TEST

START_TEST(a_forward_whose_answer_does_not_come_is_unknown) {
    struct setting now = begin(14);
    now.cluster->lost[now.leader][now.follower] = true;
    struct client *client = cluster_propose_with(now.cluster, now.follower, PUT("a", "1"), 500, true);
    cluster_run(now.cluster, 500);
    assert_problem(client, PROBLEM_TIMEOUT, true);
    cluster_run(now.cluster, 1000);
    ck_assert_ptr_null(cluster_node(now.cluster, now.follower)->forwards.list);
    ck_assert_uint_eq(commands_in_log(now.cluster, now.leader), 1);
    cluster_destroy(now.cluster);
}
END_TEST

static void add_tests(TCase *tcase) {
    tcase_add_test(tcase, a_command_that_surely_did_not_arrive_is_sent_to_the_next_leader);
    tcase_add_test(tcase, what_reaches_the_leaders_next_incarnation_goes_to_the_next_leader);
    tcase_add_test(tcase, a_leader_that_cannot_be_reached_is_not_asked_all_the_time);
    tcase_add_test(tcase, after_a_broken_connection_the_outcome_is_unknown_and_nothing_is_sent_again);
    tcase_add_test(tcase, a_forward_that_arrives_twice_is_taken_once);
    tcase_add_test(tcase, a_leader_takes_forwards_of_its_own_term_only);
    tcase_add_test(tcase, a_sequence_number_is_taken_once_within_the_window_and_never_below);
    tcase_add_test(tcase, a_new_incarnation_of_the_sender_counts_anew);
    tcase_add_test(tcase, a_follower_that_was_started_again_is_not_taken_for_its_own_past);
    tcase_add_test(tcase, a_leader_deposed_before_it_appended_refuses_the_whole_so_that_the_next_is_asked);
    tcase_add_test(tcase, a_leader_that_shuts_down_leaves_forwarded_commands_to_the_next);
    tcase_add_test(tcase, commands_for_which_the_answer_has_no_line_are_unknown);
    tcase_add_test(tcase, each_client_is_told_when_its_own_time_is_over);
    tcase_add_loop_test(tcase, more_than_fits_into_one_request_goes_in_several, 0, 2);
    tcase_add_test(tcase, a_leader_that_is_full_refuses_forwards);
    tcase_add_test(tcase, a_forward_whose_answer_does_not_come_is_unknown);
}

CHECK_MAIN("forwards", add_tests)
