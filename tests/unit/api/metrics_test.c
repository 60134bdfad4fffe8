#include "api/metrics.h"

#include "tests/check_main.h"
#include "tests/unit/api/harness.h"

#include <string.h>

static void check_has(const struct reply *reply, const char *line) {
    const char *found = strstr(reply->body, line);
    ck_assert_msg(found != NULL && (found == reply->body || found[-1] == '\n'), "%s is not in\n%s", line, reply->body);
}

START_TEST(what_the_node_knows_of_itself_is_there) {
    struct harness *harness = harness_begin();
    harness->now_ms += 5000;
    harness->node->status.snapshot = (struct storage_snapshot){.id = {20, 2}, .length = 812};
    harness->node->status.snapshots_taken = 3;
    harness->node->status.diverged_since = 64;
    harness->node->status.divergence_alarm = true;
    harness->node->status.snapshot_duration_ms = 1250;
    struct reply reply = get(harness, "/metrics");
    ck_assert_uint_eq(reply.status, 200);
    ck_assert(reply_has(&reply, "Content-Type", "text/plain; version=0.0.4; charset=utf-8"));
    const char *lines[] = {"raftd_info{version=\"" RAFTD_VERSION "\",machine=\"hashmap\",node=\"1\"} 1\n",
                           "raftd_role{role=\"leader\"} 0\n",
                           "raftd_role{role=\"follower\"} 1\n",
                           "raftd_term 7\n",
                           "raftd_leader 2\n",
                           "raftd_last_index 41\n",
                           "raftd_commit_index 40\n",
                           "raftd_applied_index 40\n",
                           "raftd_sessions 17\n",
                           "raftd_idempotency_keys 18\n",
                           "raftd_snapshot_index 20\n",
                           "raftd_snapshot_bytes 812\n",
                           "raftd_snapshots_taken_total 3\n",
                           "raftd_snapshot_duration_seconds 1.250\n",
                           "raftd_state_diverged 1\n",
                           "raftd_divergence_alarm 1\n",
                           "raftd_members 3\n",
                           "raftd_storage_bytes 102400\n",
                           "raftd_disk_write_milliseconds{quantile=\"0.99\"} 2.125\n",
                           "raftd_disk_syncs_total 4321\n",
                           "raftd_disk_oldest_write_milliseconds 12\n",
                           "raftd_disk_stalled 1\n",
                           "raftd_storage_full 1\n",
                           "raftd_storage_free_bytes 5000000\n",
                           "raftd_connections 1\n",
                           "raftd_uptime_seconds 5\n"};
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        check_has(&reply, lines[i]);
    }
    reply_free(&reply);
    harness_end(harness);
}
END_TEST

START_TEST(what_the_system_does_not_tell_is_no_sample) {
    struct harness *harness = harness_begin();
    harness->node->status.disk = (struct node_disk_status){.free_bytes = UINT64_MAX};
    struct reply reply = get(harness, "/metrics");
    check_has(&reply, "raftd_storage_full 0\n");
    check_has(&reply, "raftd_state_diverged 0\n");
    check_has(&reply, "raftd_divergence_alarm 0\n");
    check_has(&reply, "raftd_disk_stalled 0\n");
    ck_assert_ptr_null(strstr(reply.body, "raftd_storage_free_bytes"));
    reply_free(&reply);
    harness_end(harness);
}
END_TEST

START_TEST(every_sample_has_its_help_and_type) {
    struct harness *harness = harness_begin();
    harness->node->status.raft.peer_count = 1;
    harness->node->status.raft.peers[0] = (struct raft_peer_status){.id = 2, .match_index = 39};
    struct reply reply = get(harness, "/metrics");
    check_has(&reply, "raftd_peer_match_index{peer=\"2\"} 39\n");
    for (char *line = strtok(reply.body, "\n"); line != NULL; line = strtok(NULL, "\n")) {
        ck_assert_msg(strncmp(line, "# HELP raftd_", 13) == 0 || strncmp(line, "# TYPE raftd_", 13) == 0 ||
                          (strncmp(line, "raftd_", 6) == 0 && strchr(line, ' ') != NULL),
                      "%s", line);
    }
    reply_free(&reply);
    harness_end(harness);
}
END_TEST

static void add_tests(TCase *tcase) {
    tcase_add_test(tcase, what_the_node_knows_of_itself_is_there);
    tcase_add_test(tcase, what_the_system_does_not_tell_is_no_sample);
    tcase_add_test(tcase, every_sample_has_its_help_and_type);
}

CHECK_MAIN("metrics", add_tests)
