#include "cluster.h"
#include "tests/check_main.h"

/* A node alone with `count` commands of its log after the configuration and the no-op; "a" is i after index i. Its cache
 * holds about `cached` of them. */
static struct cluster *begin(size_t count, size_t cached) {
    struct cluster *cluster = cluster_create(1, 1);
    cluster->members[0].options.cache_bytes = cached * (sizeof(struct raft_entry) + sizeof(PUT("a", "100")) - 1);
    cluster_form(cluster);
    for (size_t i = 0; i < count; i++) {
        char command[64];
        snprintf(command, sizeof command, PUT("a", "%zu"), 100 + i);
        client_await(cluster_propose(cluster, 0, command));
    }
    return cluster;
}

static void assert_range(const struct client *client, raft_index first, raft_index last) {
    ck_assert_uint_eq(client->answers, 1);
    ck_assert_int_eq(client->problem.code, PROBLEM_NONE);
    ck_assert_uint_eq(client->count, last + 1 - first);
    for (size_t i = 0; i < client->count; i++) {
        char command[64];
        raft_index index = first + i;
        ck_assert_uint_eq(client->lines[i].id.index, index);
        snprintf(command, sizeof command, PUT("a", "%d"), (int)(100 + index - 3));
        ck_assert_int_eq(client->lines[i].type, index == 1 ? RAFT_CONFIGURATION : index == 2 ? RAFT_NOOP : RAFT_COMMAND);
        if (index > 2) {
            ck_assert_str_eq(client->lines[i].text, command);
        }
    }
}

START_TEST(a_piece_of_the_log_has_what_was_asked_for_wherever_it_lies) {
    /* Given a log of 1 to 22: all in the cache; nearly nothing; the last half. */
    static const size_t cached[] = {1000, 0, 10};
    static const struct {
        raft_index from;
        size_t limit;
        raft_index first;
        raft_index last;
    } reads[] = {{0, 1000, 1, 22}, {1, 1000, 1, 22}, {1, 1, 1, 1},    {5, 4, 5, 8},    {12, 3, 12, 14}, {10, 6, 10, 15},
                 {11, 12, 11, 22}, {11, 11, 11, 21}, {22, 1, 22, 22}, {22, 5, 22, 22}, {20, 3, 20, 22}};
    struct cluster *cluster = begin(20, cached[_i]);
    for (size_t i = 0; i < sizeof reads / sizeof *reads; i++) {
        struct client *client = client_await(cluster_read_log(cluster, 0, reads[i].from, reads[i].limit));
        assert_range(client, reads[i].first, reads[i].last);
        ck_assert_uint_eq(client->first_index, 1);
        ck_assert_uint_eq(client->last_index, 22);
        ck_assert_uint_eq(client->commit_index, 22);
    }
    cluster_destroy(cluster);
}
END_TEST

START_TEST(beyond_the_end_there_is_nothing) {
    struct cluster *cluster = begin(3, 1000);
    struct client *client = client_await(cluster_read_log(cluster, 0, 6, 10));
    ck_assert_int_eq(client->problem.code, PROBLEM_NONE);
    ck_assert_uint_eq(client->count, 0);
    client = client_await(cluster_read_log(cluster, 0, RAFT_NUMBER_MAX, NODE_LOG_LIMIT_MAX));
    ck_assert_int_eq(client->problem.code, PROBLEM_NONE);
    ck_assert_uint_eq(client->count, 0);
    cluster_destroy(cluster);
}
END_TEST

START_TEST(uncommitted_entries_are_shown_and_told_apart_by_the_commit_index) {
    struct cluster *cluster = begin(3, 1000);
    cluster->members[0].hold_writes = true;
    cluster_propose(cluster, 0, PUT("a", "103"));
    cluster_settle(cluster);
    struct client *client = client_await(cluster_read_log(cluster, 0, 0, 10));
    assert_range(client, 1, 6);
    ck_assert_uint_eq(client->commit_index, 5);
    cluster->members[0].hold_writes = false;
    cluster_settle(cluster);
    cluster_destroy(cluster);
}
END_TEST

START_TEST(large_entries_come_fewer_at_a_time) {
    /* Given commands of which four together are a little more than one answer carries. */
    struct cluster *cluster = begin(0, _i == 0 ? 0 : 1000000);
    size_t size = LOG_READS_BYTES_MAX / 4 + 1;
    cluster_node(cluster, 0)->options.queued_bytes_max = UINT64_MAX;
    char *command = memory_alloc(size + 1);
    size_t head = (size_t)snprintf(command, size + 1, "{\"op\":\"put\",\"key\":\"a\",\"value\":\"");
    memset(command + head, 'x', size - head);
    memcpy(command + size - 2, "\"}", 3);
    for (size_t i = 0; i < 5; i++) {
        client_await(cluster_propose(cluster, 0, command));
    }
    free(command);
    struct client *client = client_await(cluster_read_log(cluster, 0, 3, 100));
    ck_assert_uint_eq(client->count, 3);
    ck_assert_uint_eq(client->last_index, 7);
    client = client_await(cluster_read_log(cluster, 0, 6, 100));
    ck_assert_uint_eq(client->count, 2);
    cluster_destroy(cluster);
}
END_TEST

START_TEST(an_entry_larger_than_an_answer_comes_alone) {
    struct cluster *cluster = begin(0, _i == 0 ? 0 : 1000000);
    size_t size = LOG_READS_BYTES_MAX + 1;
    cluster_node(cluster, 0)->options.queued_bytes_max = UINT64_MAX;
    char *command = memory_alloc(size + 1);
    size_t head = (size_t)snprintf(command, size + 1, "{\"op\":\"put\",\"key\":\"a\",\"value\":\"");
    memset(command + head, 'x', size - head);
    memcpy(command + size - 2, "\"}", 3);
    client_await(cluster_propose(cluster, 0, command));
    client_await(cluster_propose(cluster, 0, PUT("a", "1")));
    free(command);
    ck_assert_uint_eq(client_await(cluster_read_log(cluster, 0, 3, 100))->count, 1);
    ck_assert_uint_eq(client_await(cluster_read_log(cluster, 0, 1, 100))->count, 2);
    cluster_destroy(cluster);
}
END_TEST

START_TEST(several_pieces_at_once_and_one_cancelled) {
    struct cluster *cluster = begin(20, 0);
    cluster->members[0].hold_reads = true;
    struct client *first = cluster_read_log(cluster, 0, 3, 2);
    struct client *gone = cluster_read_log(cluster, 0, 4, 2);
    struct client *second = cluster_read_log(cluster, 0, 5, 2);
    struct client *gone_at_once = cluster_read_log(cluster, 0, 100, 2);
    client_cancel(gone_at_once);
    cluster_settle(cluster);
    client_cancel(gone);
    cluster->members[0].hold_reads = false;
    cluster_settle(cluster);
    assert_range(first, 3, 4);
    assert_range(second, 5, 6);
    ck_assert_uint_eq(cluster_node(cluster, 0)->log_reads.count, 0);
    cluster_destroy(cluster);
}
END_TEST

START_TEST(entries_of_the_very_same_turn_are_shown) {
    struct cluster *cluster = begin(3, 1000);
    struct client *command = cluster_propose(cluster, 0, PUT("a", "103"));
    struct client *client = cluster_read_log(cluster, 0, 3, 10);
    cluster_settle(cluster);
    assert_result(command, "{\"previous\":102}");
    assert_range(client, 3, 6);
    cluster_destroy(cluster);
}
END_TEST

START_TEST(a_follower_that_is_being_sent_entries_can_be_asked_for_its_log) {
    struct cluster *cluster = cluster_create(3, 2);
    for (size_t i = 0; i < 3; i++) {
        cluster->members[i].options.cache_bytes = _i == 0 ? 1000000 : 0;
    }
    size_t leader = cluster_form(cluster);
    size_t follower = cluster_other(cluster, leader);
    cluster->disk_ms = cluster->network_ms = 3;
    for (unsigned i = 0; i < 100; i++) {
        cluster_propose(cluster, leader, PUT("a", "1"));
        struct client *log = cluster_read_log(cluster, follower, 0, 1000);
        cluster_run(cluster, 1);
        client_await(log);
        ck_assert_int_eq(log->problem.code, PROBLEM_NONE);
        for (size_t k = 0; k < log->count; k++) {
            ck_assert_uint_eq(log->lines[k].id.index, k + 1);
        }
    }
    cluster_run(cluster, 1000);
    cluster_destroy(cluster);
}
END_TEST

static size_t cached_count(struct cluster *cluster, size_t at) {
    const struct node *node = cluster_node(cluster, at);
    return raft_last_index(node->core) + 1 - entry_cache_first(&node->cache);
}

START_TEST(a_leader_keeps_what_a_follower_that_is_a_little_behind_will_need) {
    enum { CACHED = 10, COMMANDS = 3 * CACHED };
    struct cluster *cluster = cluster_create(3, 4);
    for (size_t i = 0; i < 3; i++) {
        cluster->members[i].options.cache_bytes = CACHED * (sizeof(struct raft_entry) + sizeof(PUT("a", "1")) - 1);
    }
    size_t leader = cluster_form(cluster);
    size_t late = cluster_other(cluster, leader);
    size_t prompt = 3 - leader - late;
    cluster_run(cluster, 2 * HEARTBEAT_MS);
    cluster->held[leader][late] = true;
    for (size_t i = 0; i < COMMANDS; i++) {
        client_await(cluster_propose(cluster, leader, PUT("a", "1")));
    }
    ck_assert_uint_ge(cached_count(cluster, leader), COMMANDS);
    ck_assert_uint_eq(cached_count(cluster, prompt), CACHED);
    cluster->held[leader][late] = false;
    cluster_run(cluster, 2 * HEARTBEAT_MS);
    ck_assert_uint_eq(cached_count(cluster, leader), CACHED);
    ck_assert_uint_eq(cached_count(cluster, late), CACHED);
    cluster_destroy(cluster);
}
END_TEST

START_TEST(entries_that_were_truncated_in_the_same_turn_are_not_shown) {
    /* Given a leader cut off with an entry that nobody else has; its disk is reading what is before. */
    struct cluster *cluster = cluster_create(3, 3);
    for (size_t i = 0; i < 3; i++) {
        cluster->members[i].options.cache_bytes = 0;
    }
    size_t old = cluster_form(cluster);
    size_t other = cluster_other(cluster, old);
    cluster_run(cluster, HEARTBEAT_MS);
    cluster_set_around(cluster, cluster->refused, old, true);
    cluster_propose(cluster, old, PUT("a", "1"));
    cluster->members[old].hold_reads = true;
    cluster_settle(cluster);
    struct client *client = cluster_read_log(cluster, old, 0, 10);
    cluster_settle(cluster);
    ck_assert_uint_eq(cluster->members[old].read_count, 1);
    /* When another leader replaces the entry just before the disk has read. */
    struct message_request request = network_request(cluster, other, old, MESSAGE_APPEND_ENTRIES);
    struct raft_entry entry = {.id = {3, 3}, .type = RAFT_COMMAND, .size = 1, .data = "1"};
    request.raft.term = 3;
    request.raft.append_entries = (struct raft_append_entries){.prev = {2, 2}, .entry_count = 1, .entries = &entry};
    network_ask(cluster, old, &request);
    disk_finish_read(&cluster->members[old]);
    ck_assert_uint_eq(client->answers, 1);
    ck_assert_uint_eq(client->count, 2);
    cluster_destroy(cluster);
}
END_TEST

/* Takes a snapshot and cuts the log before it, but for its last two entries. */
static raft_index cut(struct cluster *cluster) {
    cluster_node(cluster, 0)->options.snapshot_entries = 2 * SNAPSHOTS_TAIL_DIVISOR;
    cluster_settle(cluster);
    client_await(cluster_snapshot(cluster, 0));
    cluster_node(cluster, 0)->options.snapshot_entries = 1000000;
    raft_index first = cluster_status(cluster, 0).raft.first_index;
    ck_assert_uint_eq(first, cluster_status(cluster, 0).applied_index - 1);
    return first;
}

START_TEST(what_was_compacted_is_gone_and_0_is_the_first_there_is) {
    struct cluster *cluster = begin(20, _i == 0 ? 1000 : 0);
    raft_index first = cut(cluster);
    for (raft_index from = 1; from < first; from++) {
        struct client *client = client_await(cluster_read_log(cluster, 0, from, 10));
        ck_assert_int_eq(client->problem.code, PROBLEM_COMPACTED);
        ck_assert_uint_eq(client->first_index, first);
    }
    assert_range(client_await(cluster_read_log(cluster, 0, 0, 10)), first, first + 1);
    assert_range(client_await(cluster_read_log(cluster, 0, first, 10)), first, first + 1);
    cluster_destroy(cluster);
}
END_TEST

START_TEST(what_is_compacted_while_the_disk_reads_is_gone_as_well) {
    struct cluster *cluster = begin(20, 0);
    cluster->members[0].hold_reads = true;
    struct client *from_1 = cluster_read_log(cluster, 0, 1, 100);
    struct client *from_0 = cluster_read_log(cluster, 0, 0, 100);
    cluster_settle(cluster);
    raft_index first = cut(cluster);
    cluster->members[0].hold_reads = false;
    client_await(from_1);
    client_await(from_0);
    ck_assert_int_eq(from_1->problem.code, PROBLEM_COMPACTED);
    ck_assert_uint_eq(from_1->first_index, first);
    assert_range(from_0, first, first + 1);
    cluster_destroy(cluster);
}
END_TEST

static void add_tests(TCase *tcase) {
    tcase_add_loop_test(tcase, what_was_compacted_is_gone_and_0_is_the_first_there_is, 0, 2);
    tcase_add_test(tcase, what_is_compacted_while_the_disk_reads_is_gone_as_well);
    tcase_add_loop_test(tcase, a_piece_of_the_log_has_what_was_asked_for_wherever_it_lies, 0, 3);
    tcase_add_test(tcase, beyond_the_end_there_is_nothing);
    tcase_add_test(tcase, uncommitted_entries_are_shown_and_told_apart_by_the_commit_index);
    tcase_add_loop_test(tcase, large_entries_come_fewer_at_a_time, 0, 2);
    tcase_add_loop_test(tcase, an_entry_larger_than_an_answer_comes_alone, 0, 2);
    tcase_add_test(tcase, several_pieces_at_once_and_one_cancelled);
    tcase_add_test(tcase, a_leader_keeps_what_a_follower_that_is_a_little_behind_will_need);
    tcase_add_test(tcase, entries_of_the_very_same_turn_are_shown);
    tcase_add_test(tcase, entries_that_were_truncated_in_the_same_turn_are_not_shown);
    tcase_add_loop_test(tcase, a_follower_that_is_being_sent_entries_can_be_asked_for_its_log, 0, 2);
}

CHECK_MAIN("log_reads", add_tests)
