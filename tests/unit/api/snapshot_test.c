#include "api/snapshot.h"

#include "server/base/memory.h"
#include "storage/snapshot_file.h"
#include "tests/check_main.h"
#include "tests/unit/api/harness.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void tell(struct harness *harness) {
    harness->node->status.snapshot = (struct storage_snapshot){.id = {20, 2}, .length = 812, .crc = 7};
}

START_TEST(a_snapshot_taken_is_told_by_index_term_and_size) {
    struct harness *harness = harness_begin();
    tell(harness);
    struct reply reply = post(harness, "/v1/snapshot", NULL);
    ck_assert(reply_has(&reply, "Content-Type", "application/json"));
    check_reply(&reply, 200, "{\"index\":20,\"term\":2,\"size_bytes\":812}");
    struct fake_call *call = fake_node_last(harness->node);
    ck_assert_int_eq(call->kind, FAKE_SNAPSHOT);
    ck_assert(!call->open);
    ck_assert_uint_eq(call->timeout_ms, NODE_TIMEOUT_DEFAULT_MS);
    harness_end(harness);
}
END_TEST

START_TEST(the_timeout_reaches_the_node) {
    struct harness *harness = harness_begin();
    tell(harness);
    struct reply reply = post(harness, "/v1/snapshot?timeout=250ms", NULL);
    ck_assert_uint_eq(reply.status, 200);
    reply_free(&reply);
    ck_assert_uint_eq(fake_node_last(harness->node)->timeout_ms, 250);
    reply = post(harness, "/v1/snapshot?timeout=61s", NULL);
    check_problem(&reply, 400, "bad_request", "rejected");
    reply = get(harness, "/v1/snapshot?timeout=0");
    check_problem(&reply, 400, "bad_request", NULL);
    harness_end(harness);
}
END_TEST

START_TEST(problems_are_told_and_taking_one_has_an_outcome) {
    struct harness *harness = harness_begin();
    problem_set(&harness->node->problem, PROBLEM_STORAGE_FULL, false, "no space left on device");
    struct reply reply = post(harness, "/v1/snapshot", NULL);
    check_problem(&reply, 507, "storage_full", "rejected");
    reply = ask(harness, "DELETE", "/v1/snapshot", "", NULL);
    ck_assert(reply_has(&reply, "Allow", "POST, GET, HEAD"));
    check_problem(&reply, 405, "method_not_allowed", "rejected");
    problem_set(&harness->node->problem, PROBLEM_TIMEOUT, true, "not written yet");
    reply = post(harness, "/v1/snapshot", NULL);
    check_problem(&reply, 504, "timeout", "unknown");
    harness_end(harness);
}
END_TEST

START_TEST(a_download_that_cannot_be_had_is_a_problem_without_an_outcome) {
    struct harness *harness = harness_begin();
    problem_set(&harness->node->problem, PROBLEM_STORAGE_FULL, false, "no space left on device");
    struct reply reply = get(harness, "/v1/snapshot");
    check_problem(&reply, 507, "storage_full", NULL);
    harness_end(harness);
}
END_TEST

START_TEST(a_client_that_hangs_up_is_cancelled) {
    struct harness *harness = harness_begin();
    harness->node->hold = true;
    int client = client_open(harness);
    ck_assert(client_send_text(harness, client, "GET /v1/snapshot HTTP/1.1\r\nHost: localhost\r\n\r\n"));
    harness_until_calls(harness, 1);
    close(client);
    for (int i = 0; i < 1000 && !harness->node->calls[0].cancelled; i++) {
        harness_turn(harness);
    }
    ck_assert(harness->node->calls[0].cancelled);
    harness_end(harness);
}
END_TEST

/* -- Downloads -- */

static const size_t state_sizes[] = {0, 1, 100, 256 * 1024, 3 * 1024 * 1024 + 17};

/* A snapshot with a state of so many bytes, no two pieces of which are alike. */
static void make_file(struct harness *harness, size_t size) {
    const struct snapshot_head head = {
        .id = {20, 2}, .configuration_index = 1, .cluster_id = "00112233445566778899aabbccddeeff", .machine = "hashmap"};
    struct snapshot_writer_file *writer;
    struct storage_message message;
    struct snapshot_directory *directory = snapshot_directory_memory();
    ck_assert_int_eq(snapshot_file_create(directory, &head, &writer, &message), STORAGE_OK);
    ck_assert(snapshot_file_write(writer, SNAPSHOT_CONFIGURATION, "{}", 2));
    char *bytes = memory_alloc(size + 1);
    uint32_t random = 1;
    for (size_t i = 0; i < size; i++) {
        random = random * 1664525 + 1013904223;
        bytes[i] = (char)(random >> 24);
    }
    ck_assert(snapshot_file_write(writer, SNAPSHOT_STATE, bytes, size));
    free(bytes);
    ck_assert_int_eq(snapshot_file_finish(writer, &harness->node->status.snapshot, &message), STORAGE_OK);
    harness->node->snapshots = directory;
}

static void check_same(struct harness *harness, const struct reply *reply) {
    struct snapshot_file *file;
    struct storage_message message;
    const struct storage_snapshot *snapshot = &harness->node->status.snapshot;
    ck_assert_int_eq(snapshot_file_open(harness->node->snapshots, snapshot, &file, &message), STORAGE_OK);
    ck_assert_uint_eq(reply->size, snapshot->length);
    char *bytes = memory_alloc(reply->size);
    ck_assert(snapshot_file_raw(file, 0, bytes, reply->size));
    ck_assert_mem_eq(bytes, reply->body, reply->size);
    free(bytes);
    snapshot_file_close(file);
}

static void end(struct harness *harness) {
    struct snapshot_directory *directory = harness->node->snapshots;
    harness_end(harness);
    snapshot_directory_close(directory);
}

START_TEST(the_file_is_downloaded_byte_for_byte) {
    struct harness *harness = harness_begin();
    make_file(harness, state_sizes[_i]);
    struct reply reply = get(harness, "/v1/snapshot");
    char length[32];
    snprintf(length, sizeof length, "%llu", (unsigned long long)harness->node->status.snapshot.length);
    ck_assert_uint_eq(reply.status, 200);
    ck_assert(reply_has(&reply, "Content-Length", length));
    ck_assert(reply_has(&reply, "Content-Type", "application/octet-stream"));
    ck_assert(reply_has(&reply, "Content-Disposition", "attachment; filename=\"raftd-20-2.snapshot\""));
    ck_assert(reply_has(&reply, "Raft-Index", "20"));
    ck_assert(fake_node_last(harness->node)->open);
    check_same(harness, &reply);
    reply_free(&reply);
    end(harness);
}
END_TEST

START_TEST(its_head_is_told_without_it) {
    struct harness *harness = harness_begin();
    make_file(harness, 5000);
    char length[32];
    snprintf(length, sizeof length, "%llu", (unsigned long long)harness->node->status.snapshot.length);
    int client = client_open(harness);
    ck_assert(client_send_text(harness, client, "HEAD /v1/snapshot HTTP/1.1\r\nHost: localhost\r\n\r\n"));
    struct reply reply = client_read_head(harness, client);
    ck_assert_uint_eq(reply.status, 200);
    ck_assert(reply_has(&reply, "Content-Length", length));
    reply_free(&reply);
    /* And the connection goes on. */
    ck_assert(client_send_text(harness, client, "GET /v1/snapshot HTTP/1.1\r\nHost: localhost\r\n\r\n"));
    reply = client_read(harness, client);
    check_same(harness, &reply);
    reply_free(&reply);
    close(client);
    end(harness);
}
END_TEST

START_TEST(a_reader_that_leaves_in_the_middle_leaves_nothing_behind) {
    struct harness *harness = harness_begin();
    make_file(harness, 32 * 1024 * 1024);
    int client = client_open(harness);
    ck_assert(client_send_text(harness, client, "GET /v1/snapshot HTTP/1.1\r\nHost: localhost\r\n\r\n"));
    harness_until_calls(harness, 1);
    for (int i = 0; i < 100; i++) {
        harness_turn(harness);
    }
    /* Others are served while it does not read. */
    struct reply reply = get(harness, "/healthz");
    ck_assert_uint_eq(reply.status, 200);
    reply_free(&reply);
    close(client);
    end(harness); /* The sanitizers see what is not freed. */
}
END_TEST

static void add_tests(TCase *tcase) {
    tcase_add_test(tcase, a_snapshot_taken_is_told_by_index_term_and_size);
    tcase_add_test(tcase, the_timeout_reaches_the_node);
    tcase_add_test(tcase, problems_are_told_and_taking_one_has_an_outcome);
    tcase_add_test(tcase, a_download_that_cannot_be_had_is_a_problem_without_an_outcome);
    tcase_add_test(tcase, a_client_that_hangs_up_is_cancelled);
    tcase_add_loop_test(tcase, the_file_is_downloaded_byte_for_byte, 0, sizeof state_sizes / sizeof state_sizes[0]);
    tcase_add_test(tcase, its_head_is_told_without_it);
    tcase_add_test(tcase, a_reader_that_leaves_in_the_middle_leaves_nothing_behind);
}

CHECK_MAIN("snapshot", add_tests)
