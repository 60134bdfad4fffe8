#include "api/metrics.h"

#include "tests/check_main.h"
#include "tests/unit/api/harness.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

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
    struct node_status *status = &harness->node->status;
    status->snapshots_failed = 1;
    status->snapshots_installed = 4;
    status->leader_changes = 5;
    status->elections = 2;
    status->disk.writes_waiting = 6;
    status->disk.bytes_waiting = 6000;
    status->commands_waiting = 7;
    status->bytes_waiting = 700;
    status->queries_waiting = 8;
    status->watches = 9;
    status->calls = 10;
    status->members.list[2].voter = false;
    struct reply reply = get(harness, "/metrics");
    ck_assert_uint_eq(reply.status, 200);
    ck_assert(reply_has(&reply, "Content-Type", "text/plain; version=0.0.4; charset=utf-8"));
    const char *lines[] = {
        "raftd_build_info{version=\"" RAFTD_VERSION "\"} 1\n",
        "raftd_node_info{node=\"1\",cluster=\"00112233445566778899aabbccddeeff\",machine=\"hashmap\"} 1\n",
        "raftd_role{role=\"leader\"} 0\n",
        "raftd_role{role=\"follower\"} 1\n",
        "raftd_ready 1\n",
        "raftd_term 7\n",
        "raftd_leader 2\n",
        "raftd_leader_changes_total 5\n",
        "raftd_elections_total 2\n",
        "raftd_first_index 1\n",
        "raftd_last_index 41\n",
        "raftd_commit_index 40\n",
        "raftd_applied_index 40\n",
        "raftd_sessions 17\n",
        "raftd_idempotency_keys 18\n",
        "raftd_snapshot_index 20\n",
        "raftd_snapshot_bytes 812\n",
        "raftd_snapshots_taken_total 3\n",
        "raftd_snapshots_failed_total 1\n",
        "raftd_snapshots_installed_total 4\n",
        "raftd_snapshot_duration_seconds 1.250000\n",
        "raftd_state_diverged 1\n",
        "raftd_divergence_alarm 1\n",
        "raftd_members 3\n",
        "raftd_voters 2\n",
        "raftd_storage_bytes{part=\"leveldb\"} 100000\n",
        "raftd_storage_bytes{part=\"snapshots\"} 2400\n",
        "raftd_disk_write_duration_seconds_bucket{le=\"0.000512\"} 0\n",
        "raftd_disk_write_duration_seconds_bucket{le=\"0.001024\"} 1\n",
        "raftd_disk_write_duration_seconds_bucket{le=\"8.388608\"} 1\n",
        "raftd_disk_write_duration_seconds_bucket{le=\"+Inf\"} 2\n",
        "raftd_disk_write_duration_seconds_sum 20.000700\n",
        "raftd_disk_write_duration_seconds_count 2\n",
        "raftd_apply_duration_seconds_count 0\n",
        "raftd_disk_waiting_writes 6\n",
        "raftd_disk_waiting_bytes 6000\n",
        "raftd_disk_oldest_write_seconds 0.012000\n",
        "raftd_disk_stalled 1\n",
        "raftd_storage_full 1\n",
        "raftd_storage_free_bytes 5000000\n",
        "raftd_proposals_waiting 7\n",
        "raftd_proposals_waiting_bytes 700\n",
        "raftd_queries_waiting 8\n",
        "raftd_watches 9\n",
        "raftd_peer_requests_waiting 10\n",
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

/* The value of a sample, which must be there. */
static uint64_t value_of(const struct reply *reply, const char *sample) {
    const char *found = reply->body;
    size_t size = strlen(sample);
    while ((found = strstr(found, sample)) != NULL) {
        if ((found == reply->body || found[-1] == '\n') && found[size] == ' ') {
            return strtoull(found + size + 1, NULL, 10);
        }
        found += size;
    }
    ck_abort_msg("%s is not in\n%s", sample, reply->body);
}

static uint64_t metric(struct harness *harness, const char *sample) {
    struct reply reply = get(harness, "/metrics");
    uint64_t value = value_of(&reply, sample);
    reply_free(&reply);
    return value;
}

static void forget(struct reply reply) {
    reply_free(&reply);
}

START_TEST(proposals_are_counted_by_what_their_clients_were_told) {
    struct harness *harness = harness_begin();
    forget(post(harness, "/v1/propose", "1"));
    ck_assert_uint_eq(metric(harness, "raftd_proposals_total{outcome=\"done\"}"), 1);
    ck_assert_uint_eq(metric(harness, "raftd_propose_duration_seconds_count"), 1);
    harness->node->duplicate = true;
    forget(post(harness, "/v1/propose", "1"));
    harness->node->duplicate = false;
    ck_assert_uint_eq(metric(harness, "raftd_proposals_total{outcome=\"duplicate\"}"), 1);
    forget(post(harness, "/v1/propose", "{"));
    ck_assert_uint_eq(metric(harness, "raftd_proposals_total{outcome=\"invalid\"}"), 1);
    problem_set(&harness->node->problem, PROBLEM_NO_LEADER, false, "none");
    forget(post(harness, "/v1/propose", "1"));
    problem_set(&harness->node->problem, PROBLEM_OVERLOADED, false, "full");
    forget(post(harness, "/v1/propose", "1"));
    ck_assert_uint_eq(metric(harness, "raftd_proposals_total{outcome=\"rejected\"}"), 2);
    problem_set(&harness->node->problem, PROBLEM_TIMEOUT, true, "time");
    forget(post(harness, "/v1/propose", "1"));
    ck_assert_uint_eq(metric(harness, "raftd_proposals_total{outcome=\"unknown\"}"), 1);
    ck_assert_uint_eq(metric(harness, "raftd_proposals_total{outcome=\"done\"}"), 1);
    ck_assert_uint_eq(metric(harness, "raftd_propose_duration_seconds_count"), 2);
    harness_end(harness);
}
END_TEST

START_TEST(of_many_commands_in_one_request_each_counts) {
    struct harness *harness = harness_begin();
    harness->node->good_lines = 2;
    problem_set(&harness->node->problem, PROBLEM_LEADERSHIP_LOST, true, "lost");
    forget(ask(harness, "POST", "/v1/propose", "Content-Type: application/x-ndjson\r\n", "1\n2\n{\n3\n4\n5\n"));
    ck_assert_uint_eq(metric(harness, "raftd_proposals_total{outcome=\"done\"}"), 2);
    ck_assert_uint_eq(metric(harness, "raftd_proposals_total{outcome=\"unknown\"}"), 3);
    ck_assert_uint_eq(metric(harness, "raftd_proposals_total{outcome=\"invalid\"}"), 1);
    ck_assert_uint_eq(metric(harness, "raftd_propose_duration_seconds_count"), 0);
    harness_end(harness);
}
END_TEST

static void hang_up(struct harness *harness, const char *request) {
    harness->node->hold = true;
    size_t calls = harness->node->call_count;
    int client = client_open(harness);
    client_send_text(harness, client, request);
    harness_until_calls(harness, calls + 1);
    close(client);
    while (!harness->node->calls[calls].cancelled) {
        harness_turn(harness);
    }
    harness->node->hold = false;
}

START_TEST(clients_that_hang_up_first_are_counted) {
    struct harness *harness = harness_begin();
    hang_up(harness, "POST /v1/propose HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\n\r\n1");
    ck_assert_uint_eq(metric(harness, "raftd_proposals_total{outcome=\"gone\"}"), 1);
    hang_up(harness, "POST /v1/propose HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-ndjson\r\n"
                     "Content-Length: 4\r\n\r\n1\n2\n");
    ck_assert_uint_eq(metric(harness, "raftd_proposals_total{outcome=\"gone\"}"), 3);
    hang_up(harness, "POST /v1/query HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\n\r\n1");
    ck_assert_uint_eq(metric(harness, "raftd_queries_total{outcome=\"gone\"}"), 1);
    ck_assert_uint_eq(metric(harness, "raftd_http_requests_abandoned_total"), 3);
    ck_assert_uint_eq(metric(harness, "raftd_http_requests_total{route=\"propose\",status=\"2xx\"}"), 0);
    harness_end(harness);
}
END_TEST

START_TEST(queries_are_counted_and_measured_by_consistency) {
    struct harness *harness = harness_begin();
    forget(post(harness, "/v1/query", "1"));
    forget(post(harness, "/v1/query?consistency=stale", "1"));
    forget(get(harness, "/v1/query?consistency=stale&q=1"));
    forget(post(harness, "/v1/query", "["));
    problem_set(&harness->node->problem, PROBLEM_NO_LEADER, false, "none");
    forget(post(harness, "/v1/query", "1"));
    ck_assert_uint_eq(metric(harness, "raftd_queries_total{outcome=\"done\"}"), 3);
    ck_assert_uint_eq(metric(harness, "raftd_queries_total{outcome=\"invalid\"}"), 1);
    ck_assert_uint_eq(metric(harness, "raftd_queries_total{outcome=\"rejected\"}"), 1);
    ck_assert_uint_eq(metric(harness, "raftd_query_duration_seconds_count{consistency=\"linearizable\"}"), 1);
    ck_assert_uint_eq(metric(harness, "raftd_query_duration_seconds_count{consistency=\"lease\"}"), 0);
    ck_assert_uint_eq(metric(harness, "raftd_query_duration_seconds_count{consistency=\"stale\"}"), 2);
    struct reply reply = get(harness, "/metrics");
    ck_assert_ptr_null(strstr(reply.body, "raftd_queries_total{outcome=\"unknown\"}"));
    reply_free(&reply);
    harness_end(harness);
}
END_TEST

START_TEST(requests_are_counted_by_kind_of_route_and_class_of_status) {
    struct harness *harness = harness_begin();
    forget(get(harness, "/v1/status"));
    forget(get(harness, "/v1/members"));
    forget(get(harness, "/v1/nothing"));
    forget(post(harness, "/v1/status", "1"));
    forget(post(harness, "/v1/propose?timeout=0", "1"));
    forget(get(harness, "/healthz"));
    forget(get(harness, "/"));
    ck_assert_uint_eq(metric(harness, "raftd_http_requests_total{route=\"status\",status=\"2xx\"}"), 2);
    ck_assert_uint_eq(metric(harness, "raftd_http_requests_total{route=\"none\",status=\"4xx\"}"), 2);
    ck_assert_uint_eq(metric(harness, "raftd_http_requests_total{route=\"propose\",status=\"4xx\"}"), 1);
    ck_assert_uint_eq(metric(harness, "raftd_http_requests_total{route=\"page\",status=\"2xx\"}"), 1);
    ck_assert_uint_eq(metric(harness, "raftd_http_request_duration_seconds_count{route=\"status\",status=\"2xx\"}"), 2);
    /* Itself not yet: the count is written before it is answered. */
    ck_assert_uint_eq(metric(harness, "raftd_http_requests_total{route=\"monitor\",status=\"2xx\"}"), 6);
    struct reply reply = get(harness, "/metrics");
    ck_assert_ptr_null(strstr(reply.body, "raftd_http_request_duration_seconds_count{route=\"peer\""));
    check_has(&reply, "raftd_http_requests_total{route=\"peer\",status=\"5xx\"} 0\n");
    reply_free(&reply);
    harness_end(harness);
}
END_TEST

START_TEST(a_leader_tells_of_its_peers) {
    struct harness *harness = harness_begin();
    struct raft_status *raft = &harness->node->status.raft;
    harness->now_ms += 5000;
    raft->peer_count = 2;
    raft->peers[0] = (struct raft_peer_status){
        .id = 2, .match_index = 39, .state = RAFT_REPLICATE, .last_contact_ms = harness->now_ms - 1500};
    raft->peers[1] = (struct raft_peer_status){.id = 3, .state = RAFT_SNAPSHOT, .last_contact_ms = harness->now_ms + 7};
    harness->node->status.snapshot_percent[0] = -1;
    harness->node->status.snapshot_percent[1] = 25;
    struct reply reply = get(harness, "/metrics");
    check_has(&reply, "raftd_peer_match_index{peer=\"2\"} 39\n");
    check_has(&reply, "raftd_peer_lag_entries{peer=\"2\"} 2\n");
    check_has(&reply, "raftd_peer_lag_entries{peer=\"3\"} 41\n");
    check_has(&reply, "raftd_peer_last_contact_seconds{peer=\"2\"} 1.500000\n");
    check_has(&reply, "raftd_peer_last_contact_seconds{peer=\"3\"} 0.000000\n");
    check_has(&reply, "raftd_peer_state{peer=\"2\",state=\"replicate\"} 1\n");
    check_has(&reply, "raftd_peer_state{peer=\"2\",state=\"probe\"} 0\n");
    check_has(&reply, "raftd_peer_state{peer=\"3\",state=\"snapshot\"} 1\n");
    check_has(&reply, "raftd_peer_snapshot_ratio{peer=\"3\"} 0.250\n");
    ck_assert_ptr_null(strstr(reply.body, "raftd_peer_snapshot_ratio{peer=\"2\"}"));
    reply_free(&reply);
    harness_end(harness);
}
END_TEST

START_TEST(round_trips_are_told_by_peer_and_rpc_of_members_that_were_asked) {
    struct harness *harness = harness_begin();
    struct measures *measures = &harness->node->measures;
    static struct measures_peer member = {.id = 2};
    static struct measures_peer stranger = {.id = 9};
    measures->peers[0] = &member;
    measures->peers[1] = &stranger;
    measures->peer_count = 2;
    histogram_add(&member.round_trips[MEASURES_HEARTBEAT], 200);
    histogram_add(&member.round_trips[MESSAGE_APPEND_ENTRIES], 3000);
    member.failed[MESSAGE_REQUEST_VOTE] = 4;
    histogram_add(&stranger.round_trips[MEASURES_HEARTBEAT], 200);
    histogram_add(&measures->apply, 2);
    struct reply reply = get(harness, "/metrics");
    check_has(&reply, "raftd_peer_round_trip_seconds_bucket{peer=\"2\",rpc=\"heartbeat\",le=\"0.000256\"} 1\n");
    check_has(&reply, "raftd_peer_round_trip_seconds_sum{peer=\"2\",rpc=\"append_entries\"} 0.003000\n");
    check_has(&reply, "raftd_peer_requests_failed_total{peer=\"2\",rpc=\"request_vote\"} 4\n");
    check_has(&reply, "raftd_peer_requests_failed_total{peer=\"2\",rpc=\"heartbeat\"} 0\n");
    check_has(&reply, "raftd_apply_duration_seconds_bucket{le=\"0.000002\"} 1\n");
    ck_assert_ptr_null(strstr(reply.body, "rpc=\"read_index\""));
    ck_assert_ptr_null(strstr(reply.body, "peer=\"9\""));
    reply_free(&reply);
    harness_end(harness);
}
END_TEST

/* A line's family: its name, without what histograms add to it when `histogram` says that it is one. */
static void family_of(const char *line, bool histogram, char out[128]) {
    size_t size = strcspn(line, "{ ");
    ck_assert_uint_lt(size, 128);
    memcpy(out, line, size);
    out[size] = '\0';
    static const char *const suffixes[] = {"_bucket", "_sum", "_count"};
    for (size_t i = 0; histogram && i < 3; i++) {
        size_t added = strlen(suffixes[i]);
        if (size > added && strcmp(out + size - added, suffixes[i]) == 0) {
            out[size - added] = '\0';
            return;
        }
    }
}

START_TEST(every_sample_stands_below_its_help_and_type_and_no_family_comes_twice) {
    struct harness *harness = harness_begin();
    harness->node->status.raft.peer_count = 1;
    harness->node->status.raft.peers[0] = (struct raft_peer_status){.id = 2, .match_index = 39};
    forget(post(harness, "/v1/propose", "1"));
    struct reply reply = get(harness, "/metrics");
    char seen[16384] = " ";
    char family[128] = "";
    bool histogram = false;
    for (char *line = strtok(reply.body, "\n"); line != NULL; line = strtok(NULL, "\n")) {
        char name[128];
        if (strncmp(line, "# HELP ", 7) == 0) {
            family_of(line + 7, false, family);
            char word[132];
            snprintf(word, sizeof word, " %s ", family);
            ck_assert_msg(strstr(seen, word) == NULL, "%s comes twice", family);
            strcat(seen, word);
            ck_assert_uint_gt(strlen(line), strlen(family) + 20);
        } else if (strncmp(line, "# TYPE ", 7) == 0) {
            family_of(line + 7, false, name);
            ck_assert_str_eq(name, family);
            histogram = strstr(line, " histogram") != NULL;
        } else {
            family_of(line, histogram, name);
            ck_assert_str_eq(name, family);
        }
    }
    reply_free(&reply);
    harness_end(harness);
}
END_TEST

static void add_tests(TCase *tcase) {
    tcase_add_test(tcase, what_the_node_knows_of_itself_is_there);
    tcase_add_test(tcase, what_the_system_does_not_tell_is_no_sample);
    tcase_add_test(tcase, proposals_are_counted_by_what_their_clients_were_told);
    tcase_add_test(tcase, of_many_commands_in_one_request_each_counts);
    tcase_add_test(tcase, clients_that_hang_up_first_are_counted);
    tcase_add_test(tcase, queries_are_counted_and_measured_by_consistency);
    tcase_add_test(tcase, requests_are_counted_by_kind_of_route_and_class_of_status);
    tcase_add_test(tcase, a_leader_tells_of_its_peers);
    tcase_add_test(tcase, round_trips_are_told_by_peer_and_rpc_of_members_that_were_asked);
    tcase_add_test(tcase, every_sample_stands_below_its_help_and_type_and_no_family_comes_twice);
}

CHECK_MAIN("metrics", add_tests)
