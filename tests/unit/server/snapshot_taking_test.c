/* Failures of the disk while a snapshot is written: with real files. */
#include "cluster.h"
#include "server/restoring.h"
#include "tests/check_main.h"

#include <sys/stat.h>
#include <unistd.h>

enum { WRITERS_MAX = 50 };

/* A node alone whose snapshots are files below `path`. */
static struct cluster *begin(char path[32], uint64_t seed) {
    strcpy(path, "/tmp/raftd-taking-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(path));
    struct cluster *cluster = cluster_create(1, seed);
    struct member *member = &cluster->members[0];
    const struct storage_snapshot none = {.length = 0};
    struct storage_message message;
    snapshot_directory_close(member->snapshots);
    ck_assert_int_eq(snapshot_directory_open(path, &none, &member->snapshots, &message), STORAGE_OK);
    cluster_form(cluster);
    return cluster;
}

/* In the way of every temporary name: from now on, or from now on no longer. */
static void block(const char *path, bool on) {
    for (unsigned i = 0; i < WRITERS_MAX; i++) {
        char name[64];
        snprintf(name, sizeof name, "%s/snapshots/%u.writing", path, i);
        ck_assert_int_eq(on ? mkdir(name, 0700) : rmdir(name), 0);
    }
}

static void end(struct cluster *cluster, const char *path) {
    cluster_destroy(cluster);
    char command[64];
    snprintf(command, sizeof command, "rm -r %s", path);
    ck_assert_int_eq(system(command), 0);
}

START_TEST(one_that_cannot_be_written_is_told_to_whoever_asked_and_the_node_goes_on) {
    char path[32];
    struct cluster *cluster = begin(path, 1);
    block(path, true);
    struct client *client = client_await(cluster_snapshot(cluster, 0));
    assert_problem(client, PROBLEM_STORAGE_FULL, false);
    ck_assert_uint_eq(cluster_status(cluster, 0).snapshot.length, 0);
    assert_result(client_await(cluster_propose(cluster, 0, PUT("a", "1"))), "{}");
    /* Who asks again is not put off. */
    block(path, false);
    assert_problem(client_await(cluster_snapshot(cluster, 0)), PROBLEM_NONE, false);
    end(cluster, path);
}
END_TEST

START_TEST(one_that_was_due_is_tried_again_later_and_later) {
    char path[32];
    struct cluster *cluster = begin(path, 2);
    struct snapshots *snapshots = &cluster_node(cluster, 0)->snapshots;
    block(path, true);
    snapshots_want(cluster_node(cluster, 0));
    cluster_settle(cluster);
    uint64_t wait_ms = SNAPSHOTS_RETRY_MS;
    for (unsigned failures = 1; failures < 10; failures++) {
        ck_assert_uint_eq(snapshots->failures, failures);
        cluster_run(cluster, wait_ms - 1);
        ck_assert_uint_eq(snapshots->failures, failures);
        cluster_run(cluster, 1);
        ck_assert_uint_eq(snapshots->failures, failures + 1);
        wait_ms = 2 * wait_ms < SNAPSHOTS_RETRY_MAX_MS ? 2 * wait_ms : (uint64_t)SNAPSHOTS_RETRY_MAX_MS;
    }
    block(path, false);
    cluster_run(cluster, wait_ms);
    ck_assert_uint_eq(snapshots->failures, 0);
    ck_assert_uint_eq(cluster_status(cluster, 0).snapshots_failed, 10);
    ck_assert_uint_gt(snapshots_current(cluster_node(cluster, 0))->id.index, 0);
    end(cluster, path);
}
END_TEST

START_TEST(head_and_sections_say_what_was_applied_when_it_began) {
    struct cluster *cluster = cluster_create(3, 3);
    size_t leader = cluster_form(cluster);
    client_await(cluster_propose(cluster, leader, PUT("a", "1")));
    cluster->members[leader].hold_jobs = true;
    struct client *client = cluster_snapshot(cluster, leader);
    cluster_settle(cluster);
    client_await(cluster_propose(cluster, leader, PUT("a", "2")));
    cluster->members[leader].hold_jobs = false;
    client_await(client);
    struct snapshot_file *file;
    struct storage_message message;
    ck_assert_int_eq(snapshot_file_open(cluster->members[leader].snapshots,
                                        snapshots_current(cluster_node(cluster, leader)), &file, &message),
                     STORAGE_OK);
    const struct snapshot_head *head = snapshot_file_head(file);
    ck_assert_uint_eq(head->id.index, client->lines[0].id.index);
    ck_assert_uint_eq(head->id.index, cluster_status(cluster, leader).applied_index - 1);
    ck_assert_uint_eq(head->configuration_index, 1);
    ck_assert_str_eq(head->machine, "hashmap");
    ck_assert_str_eq(head->cluster_id, cluster_status(cluster, leader).cluster_id);
    struct restored restored;
    ck_assert(restoring_read(file, machine_hashmap(), head->cluster_id, &restored, &message));
    ck_assert_uint_eq(restored.members.count, 3);
    struct json_writer result = {0};
    ck_assert_int_eq(restored.machine->query(restored.state, GET("a"), strlen(GET("a")), applier_output(&result)),
                     MACHINE_DONE);
    ck_assert_uint_eq(result.size, strlen("{\"found\":true,\"value\":1}"));
    ck_assert_mem_eq(result.data, "{\"found\":true,\"value\":1}", result.size);
    json_writer_discard(&result);
    restoring_discard(&restored);
    snapshot_file_close(file);
    cluster_destroy(cluster);
}
END_TEST

static void add_tests(TCase *tcase) {
    tcase_add_test(tcase, one_that_cannot_be_written_is_told_to_whoever_asked_and_the_node_goes_on);
    tcase_add_test(tcase, one_that_was_due_is_tried_again_later_and_later);
    tcase_add_test(tcase, head_and_sections_say_what_was_applied_when_it_began);
}

CHECK_MAIN("snapshot_taking", add_tests)
