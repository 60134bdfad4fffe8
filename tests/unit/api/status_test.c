#include "api/status.h"

#include "api/latency.h"
#include "tests/check_main.h"
#include "tests/unit/api/harness.h"

#include <string.h>

#define SELF "{\"id\":1,\"url\":\"http://node1.test:8001\",\"client_url\":\"http://client1.test:8001\","

/* Takes the clocks out of a status, which are never the same twice; they must be there. */
static void cut_clocks(struct reply *reply) {
    char *begin = strstr(reply->body, "\"clock\":{\"elapsed_us\":");
    ck_assert_ptr_nonnull(begin);
    char *end = strchr(begin, '}');
    ck_assert_ptr_nonnull(strstr(begin, ",\"wall_ms\":"));
    memmove(begin, end + 2, strlen(end + 2) + 1);
    reply->size = strlen(reply->body);
}

START_TEST(a_follower_tells_all_there_is_to_tell) {
    struct harness *harness = harness_begin();
    harness->now_ms += 63999;
    struct reply reply = get(harness, "/v1/status");
    cut_clocks(&reply);
    check_reply(
        &reply, 200,
        SELF "\"cluster_id\":\"00112233445566778899aabbccddeeff\",\"incarnation\":\"0123456789abcdef0123456789abcdef\","
             "\"version\":\"" RAFTD_VERSION "\",\"machine\":\"hashmap\",\"role\":\"follower\",\"term\":7,\"voted_for\":2,"
             "\"leader\":{\"id\":2,\"url\":\"http://node2.test:8001\"},\"first_index\":1,\"last_index\":41,\"last_term\":7,"
             "\"commit_index\":40,\"applied_index\":40,\"snapshot\":null,"
             "\"configuration\":{\"index\":1,\"voters\":[{\"id\":1,\"url\":\"http://node1.test:8001\"},"
             "{\"id\":2,\"url\":\"http://node2.test:8001\"},{\"id\":3,\"url\":\"http://node3.test:8001\"}],"
             "\"learners\":[],\"outgoing\":[]},\"peers\":[],\"uptime_seconds\":63,\"storage_bytes\":102400,"
             "\"disk_write_ms\":{\"p50\":0.250,\"p99\":2.125},"
             "\"disk\":{\"oldest_write_ms\":12,\"stalled\":true,\"free_bytes\":5000000,\"full\":true},"
             "\"state_hash\":null,\"diverged\":null,\"divergence_alarm\":false,"
             "\"log_terms\":[],\"proposals\":{\"waiting\":0,\"latency_ms\":null},\"events\":0,"
             "\"certificate_expires\":null,\"waiting_for\":[]}");
    harness_end(harness);
}
END_TEST

START_TEST(the_terms_of_the_log_and_what_waits_are_told) {
    struct harness *harness = harness_begin();
    struct node_status *status = &harness->node->status;
    status->log_term_count = 2;
    status->log_terms[0] = (struct node_term_run){3, 5};
    status->log_terms[1] = (struct node_term_run){40, 7};
    status->commands_waiting = 19;
    status->events = 4;
    struct reply reply = get(harness, "/v1/status");
    ck_assert_ptr_nonnull(strstr(reply.body, "\"log_terms\":[{\"from\":3,\"term\":5},{\"from\":40,\"term\":7}],"
                                             "\"proposals\":{\"waiting\":19,\"latency_ms\":null},\"events\":4,"));
    reply_free(&reply);
    harness_end(harness);
}
END_TEST

START_TEST(how_long_proposals_took_is_told_until_it_is_old) {
    struct harness *harness = harness_begin();
    struct reply reply = post(harness, "/v1/propose", "1");
    ck_assert_uint_eq(reply.status, 200);
    reply_free(&reply);
    reply = get(harness, "/v1/status");
    ck_assert_ptr_nonnull(strstr(reply.body, "\"latency_ms\":{\"p50\":"));
    reply_free(&reply);
    harness->now_ms += LATENCY_KEPT_MS;
    reply = get(harness, "/v1/status");
    ck_assert_ptr_nonnull(strstr(reply.body, "\"latency_ms\":null"));
    reply_free(&reply);
    harness_end(harness);
}
END_TEST

START_TEST(the_snapshot_that_counts_is_told) {
    struct harness *harness = harness_begin();
    harness->node->status.snapshot = (struct storage_snapshot){.id = {20, 2}, .length = 812, .crc = 7};
    harness->node->status.raft.first_index = 16;
    struct reply reply = get(harness, "/v1/status");
    ck_assert_ptr_nonnull(strstr(reply.body, "\"snapshot\":{\"index\":20,\"term\":2,\"size_bytes\":812},"));
    ck_assert_ptr_nonnull(strstr(reply.body, "\"first_index\":16,"));
    reply_free(&reply);
    harness_end(harness);
}
END_TEST

START_TEST(the_hash_of_the_state_is_told_and_that_it_differs) {
    struct harness *harness = harness_begin();
    harness->node->status.state_hash = (struct state_hash_report){32, UINT64_C(0x0123456789abcdef)};
    harness->node->status.diverged_since = 64;
    harness->node->status.divergence_alarm = true;
    struct reply reply = get(harness, "/v1/status");
    ck_assert_ptr_nonnull(strstr(reply.body, "\"state_hash\":{\"index\":32,\"hash\":\"0123456789abcdef\"},"
                                             "\"diverged\":{\"since_index\":64},\"divergence_alarm\":true,"));
    reply_free(&reply);
    harness_end(harness);
}
END_TEST

START_TEST(a_leader_tells_of_its_peers) {
    struct harness *harness = harness_begin();
    struct raft_status *raft = &harness->node->status.raft;
    harness->node->status.role = NODE_LEADER;
    harness->node->leader = 1;
    raft->peer_count = 2;
    raft->peers[0] = (struct raft_peer_status){2, RAFT_REPLICATE, 40, 41, harness->now_ms - 12};
    raft->peers[1] = (struct raft_peer_status){3, RAFT_PROBE, 0, 1, harness->now_ms - 5000};
    struct reply reply = get(harness, "/v1/status");
    ck_assert_ptr_nonnull(strstr(reply.body, "\"role\":\"leader\""));
    ck_assert_ptr_nonnull(strstr(reply.body,
                                 "\"peers\":[{\"id\":2,\"url\":\"http://node2.test:8001\",\"state\":\"replicate\","
                                 "\"match_index\":40,\"next_index\":41,\"last_contact_ms\":12,"
                                 "\"snapshot_percent\":null},{\"id\":3,\"url\":\"http://node3.test:8001\","
                                 "\"state\":\"probe\",\"match_index\":0,\"next_index\":1,"
                                 "\"last_contact_ms\":5000,\"snapshot_percent\":null}]"));
    reply_free(&reply);
    harness_end(harness);
}
END_TEST

START_TEST(a_node_that_waits_says_for_whom) {
    struct harness *harness = harness_begin();
    struct node_status *status = &harness->node->status;
    status->role = NODE_WAITING;
    status->cluster_id[0] = '\0';
    status->members.count = 0;
    memset(&status->raft, 0, sizeof status->raft);
    harness->node->leader = 0;
    status->waiting_count = 1;
    status->waiting[0].id = 3;
    strcpy(status->waiting[0].url, "http://node3.test:8001");
    strcpy(status->waiting[0].why, "connection refused");
    struct reply reply = get(harness, "/v1/status");
    ck_assert_uint_eq(reply.status, 200);
    char value[512];
    ck_assert_ptr_null(reply_field(&reply, "Raft-Cluster", value));
    ck_assert(reply_has(&reply, "Raft-Leader", "0"));
    ck_assert_ptr_nonnull(strstr(reply.body, "\"cluster_id\":null"));
    ck_assert_ptr_nonnull(strstr(reply.body, "\"configuration\":null"));
    ck_assert_ptr_nonnull(strstr(reply.body, "\"leader\":null"));
    ck_assert_ptr_nonnull(strstr(reply.body, "\"role\":\"waiting\""));
    ck_assert_ptr_nonnull(strstr(
        reply.body, "\"waiting_for\":[{\"id\":3,\"url\":\"http://node3.test:8001\",\"why\":\"connection refused\"}]"));
    reply_free(&reply);
    harness_end(harness);
}
END_TEST

static void add_tests(TCase *tcase) {
    tcase_add_test(tcase, a_follower_tells_all_there_is_to_tell);
    tcase_add_test(tcase, the_terms_of_the_log_and_what_waits_are_told);
    tcase_add_test(tcase, how_long_proposals_took_is_told_until_it_is_old);
    tcase_add_test(tcase, the_snapshot_that_counts_is_told);
    tcase_add_test(tcase, the_hash_of_the_state_is_told_and_that_it_differs);
    tcase_add_test(tcase, a_leader_tells_of_its_peers);
    tcase_add_test(tcase, a_node_that_waits_says_for_whom);
}

CHECK_MAIN("status", add_tests)
