#include "cluster.h"
#include "tests/check_main.h"

enum { VALUE_SIZE = 8000, PUTS = 400 };

/* Puts `count` values of VALUE_SIZE bytes under different keys, ten a request. */
static void fill(struct cluster *cluster, size_t at, size_t count) {
    char *commands = memory_alloc(10 * (VALUE_SIZE + 100));
    for (size_t i = 0; i < count; i += 10) {
        size_t size = 0;
        for (size_t k = i; k < i + 10; k++) {
            size += (size_t)sprintf(commands + size, "{\"op\":\"put\",\"key\":\"key%zu\",\"value\":\"", k);
            memset(commands + size, (int)('a' + k % 26), VALUE_SIZE);
            size += VALUE_SIZE;
            size += (size_t)sprintf(commands + size, "\"}\n");
        }
        struct client *client = client_await(cluster_propose(cluster, at, commands));
        ck_assert_int_eq(client->lines[9].problem.code, PROBLEM_NONE);
    }
    free(commands);
}

START_TEST(after_a_restart_a_log_longer_than_the_cache_is_applied_from_disk_in_pieces) {
    struct cluster *cluster = cluster_create(1, 1);
    cluster->members[0].options.cache_bytes = 100000;
    cluster_form(cluster);
    fill(cluster, 0, PUTS);
    char *before = machine_contents(cluster, 0);
    raft_index applied = cluster_status(cluster, 0).applied_index;
    cluster_restart(cluster, 0);
    cluster->members[0].hold_reads = true;
    cluster_settle(cluster);
    ck_assert_uint_eq(cluster_status(cluster, 0).applied_index, 0);
    char why[128];
    ck_assert(!node_ready(cluster_node(cluster, 0), why, sizeof why));
    ck_assert_ptr_nonnull(strstr(why, "catching up"));
    unsigned pieces = 0;
    raft_index last = 0;
    while (cluster->members[0].read_count > 0) {
        disk_finish_read(&cluster->members[0]);
        cluster_settle(cluster);
        raft_index now = cluster_status(cluster, 0).applied_index;
        ck_assert_uint_gt(now, last);
        ck_assert_uint_le((now - last) * VALUE_SIZE, APPLIER_READ_BYTES + 3 * VALUE_SIZE);
        last = now;
        pieces++;
    }
    ck_assert_uint_ge(pieces, PUTS * VALUE_SIZE / APPLIER_READ_BYTES);
    ck_assert_uint_ge(cluster_status(cluster, 0).applied_index, applied);
    ck_assert(node_ready(cluster_node(cluster, 0), why, sizeof why));
    char *after = machine_contents(cluster, 0);
    ck_assert_str_eq(after, before);
    free(before);
    free(after);
    cluster_destroy(cluster);
}
END_TEST

START_TEST(commands_and_reads_wait_while_the_log_is_applied) {
    struct cluster *cluster = cluster_create(1, 2);
    cluster->members[0].options.cache_bytes = 0;
    cluster_form(cluster);
    client_await(cluster_propose(cluster, 0, PUT("a", "1")));
    cluster_restart(cluster, 0);
    cluster->members[0].hold_reads = true;
    cluster_settle(cluster);
    struct client *command = cluster_propose(cluster, 0, PUT("a", "2"));
    struct client *read = cluster_get(cluster, 0);
    cluster_run(cluster, 1000);
    ck_assert_uint_eq(command->answers + read->answers, 0);
    cluster->members[0].hold_reads = false;
    cluster_settle(cluster);
    assert_result(command, "{\"previous\":1}");
    ck_assert_uint_eq(read->answers, 1);
    cluster_destroy(cluster);
}
END_TEST

START_TEST(a_follower_far_behind_is_fed_from_the_leaders_disk) {
    struct cluster *cluster = cluster_create(3, 3);
    for (size_t i = 0; i < 3; i++) {
        cluster->members[i].options.cache_bytes = _i == 0 ? 100000 : 0;
    }
    size_t leader = cluster_form(cluster);
    size_t follower = cluster_other(cluster, leader);
    cluster_kill(cluster, follower);
    fill(cluster, leader, PUTS);
    cluster_start(cluster, follower);
    cluster_run(cluster, 2000);
    ck_assert_uint_eq(cluster_status(cluster, follower).applied_index, cluster_status(cluster, leader).applied_index);
    assert_machines_equal(cluster);
    char why[128];
    ck_assert_msg(node_ready(cluster_node(cluster, follower), why, sizeof why), "%s", why);
    cluster_destroy(cluster);
}
END_TEST

START_TEST(what_is_not_applied_or_not_on_disk_yet_stays_in_a_cache_however_small) {
    struct cluster *cluster = cluster_create(3, 5);
    for (size_t i = 0; i < 3; i++) {
        cluster->members[i].options.cache_bytes = 0;
    }
    size_t leader = cluster_form(cluster);
    for (unsigned i = 0; i < 10; i++) {
        client_await(cluster_propose(cluster, leader, PUT("a", "1")));
        cluster_run(cluster, HEARTBEAT_MS);
    }
    for (size_t i = 0; i < 3; i++) {
        ck_assert_uint_eq(cluster->members[i].reads_begun, 0);
    }
    /* Applied, because two other disks have it, but not on this one. */
    cluster->members[leader].hold_writes = true;
    struct client *client = client_await(cluster_propose(cluster, leader, PUT("a", "2")));
    struct client *log = client_await(cluster_read_log(cluster, leader, client->lines[0].id.index, 1));
    ck_assert_uint_eq(log->count, 1);
    ck_assert_str_eq(log->lines[0].text, PUT("a", "2"));
    cluster_destroy(cluster);
}
END_TEST

START_TEST(the_machine_sees_each_command_once_in_the_order_of_the_log) {
    struct cluster *cluster = cluster_create(3, 4);
    size_t leader = cluster_form(cluster);
    for (unsigned i = 0; i < 50; i++) {
        char command[128];
        char expected[64];
        snprintf(command, sizeof command, PUT("a", "%u"), i);
        snprintf(expected, sizeof expected, i == 0 ? "{}" : "{\"previous\":%u}", i - 1);
        struct client *client = client_await(cluster_propose(cluster, i % 3, command));
        assert_result(client, expected);
        if (i % 10 == 9) {
            cluster_restart(cluster, leader);
            leader = cluster_await_leader(cluster);
        }
    }
    cluster_run(cluster, HEARTBEAT_MS);
    assert_machines_equal(cluster);
    cluster_destroy(cluster);
}
END_TEST

static void add_tests(TCase *tcase) {
    tcase_add_test(tcase, after_a_restart_a_log_longer_than_the_cache_is_applied_from_disk_in_pieces);
    tcase_add_test(tcase, commands_and_reads_wait_while_the_log_is_applied);
    tcase_add_loop_test(tcase, a_follower_far_behind_is_fed_from_the_leaders_disk, 0, 2);
    tcase_add_test(tcase, what_is_not_applied_or_not_on_disk_yet_stays_in_a_cache_however_small);
    tcase_add_test(tcase, the_machine_sees_each_command_once_in_the_order_of_the_log);
}

CHECK_MAIN("applier", add_tests)
