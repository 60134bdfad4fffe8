#include "tests/unit/client/client_case.h"

#include "api/client/clock.h"

#include "tests/check_main.h"

#include <unistd.h>

static const struct raftclient_answer *call(const char *method, const char *path, bool repeatable) {
    const struct raftclient_request request = {.size = sizeof request,
                                               .method = method,
                                               .path = path,
                                               .body = strcmp(method, "GET") == 0 ? NULL : "{}",
                                               .body_size = strcmp(method, "GET") == 0 ? 0 : 2,
                                               .repeatable = repeatable};
    return raftclient_call(client, &request);
}

static const struct raftclient_answer *get(void) {
    return call("GET", "/v1/status", false);
}

START_TEST(the_leader_is_found_by_an_answer_and_asked_from_then_on) {
    begin(2, (struct raftclient_options){.only_given = true});
    for (int i = 0; i < 2; i++) {
        char headers[64];
        snprintf(headers, sizeof headers, "Raft-Node: %d\r\nRaft-Leader: 2\r\n", i + 1);
        for (int j = 0; j < 8; j++) {
            fake_answer(&fakes[i], 200, headers, "{}");
        }
    }
    /* Whoever was asked first: once both are known by their ids, all goes to node 2. */
    const struct raftclient_request first = {
        .size = sizeof first, .method = "GET", .path = "/v1/status", .node_url = fakes[0].url};
    const struct raftclient_request second = {
        .size = sizeof second, .method = "GET", .path = "/v1/status", .node_url = fakes[1].url};
    ck_assert_int_eq(raftclient_call(client, &first)->outcome, RAFTCLIENT_DONE);
    ck_assert_int_eq(raftclient_call(client, &second)->outcome, RAFTCLIENT_DONE);
    for (int i = 0; i < 4; i++) {
        ck_assert_str_eq(get()->node_url, fakes[1].url);
    }
    ck_assert_uint_eq(fake_request_count(&fakes[0]), 1);
    end();
}
END_TEST

START_TEST(all_nodes_are_learnt_from_one) {
    char body[512];
    begin(1, (struct raftclient_options){.connect_ms = 5000});
    snprintf(
        body, sizeof body,
        "{\"leader\":2,\"nodes\":[{\"id\":1,\"client_url\":\"%s\"},{\"id\":2,\"client_url\":\"%s/\"},{\"id\":3,\"client_url\":7},{}]}",
        fakes[0].url, fakes[1].url);
    fake_answer(&fakes[0], 200, "Raft-Node: 1\r\nRaft-Leader: 2\r\n", body);
    fake_answer(&fakes[1], 200, "Raft-Node: 2\r\nRaft-Leader: 2\r\n", "{}");
    fake_answer(&fakes[1], 200, "Raft-Node: 2\r\nRaft-Leader: 2\r\n", "{}");
    ck_assert_str_eq(get()->node_url, fakes[1].url);
    ck_assert(fake_asked(&fakes[0], 0, "GET /v1/cluster HTTP", ""));
    /* Once is enough. */
    ck_assert_str_eq(get()->node_url, fakes[1].url);
    ck_assert_uint_eq(fake_request_count(&fakes[0]), 1);
    const char *url;
    uint64_t id;
    ck_assert(raftclient_node(client, 1, &url, &id));
    ck_assert_uint_eq(id, 2);
    ck_assert_str_eq(url, fakes[1].url);
    ck_assert(!raftclient_node(client, 2, &url, &id));
    end();
}
END_TEST

START_TEST(a_node_that_cannot_tell_of_the_others_is_good_enough) {
    begin(1, (struct raftclient_options){.connect_ms = 5000});
    fake_problem(&fakes[0], 404, "not_found", "rejected", LEADS);
    fake_answer(&fakes[0], 200, LEADS, "{\"x\":1}");
    const struct raftclient_answer *answer = get();
    ck_assert_int_eq(answer->outcome, RAFTCLIENT_DONE);
    ck_assert_str_eq(answer->body, "{\"x\":1}");
    ck_assert_uint_eq(answer->body_size, 7);
    end();
}
END_TEST

START_TEST(learning_leaves_time_for_what_was_asked) {
    begin(1, (struct raftclient_options){.timeout_ms = 1600});
    fake_bytes(&fakes[0], FAKE_HANG, "");
    fake_answer(&fakes[0], 200, LEADS, "{}");
    ck_assert_int_eq(get()->outcome, RAFTCLIENT_DONE);
    ck_assert(fake_asked(&fakes[0], 0, "GET /v1/cluster HTTP", ""));
    end();
}
END_TEST

START_TEST(who_does_not_answer_is_left_for_another) {
    begin(2, (struct raftclient_options){.only_given = true, .attempt_ms = 200});
    fake_bytes(&fakes[0], FAKE_HANG, "");
    fake_answer(&fakes[1], 200, "Raft-Node: 2\r\nRaft-Leader: 2\r\n", "{}");
    fake_answer(&fakes[1], 200, "Raft-Node: 2\r\nRaft-Leader: 2\r\n", "{}");
    for (int i = 0; i < 2; i++) {
        ck_assert_str_eq(get()->node_url, fakes[1].url);
    }
    ck_assert_uint_le(fake_request_count(&fakes[0]), 1);
    end();
}
END_TEST

START_TEST(a_plain_change_without_an_answer_is_not_sent_again_by_anybody) {
    begin_alone((struct raftclient_options){.connect_ms = 5000});
    /* The second goes out on a connection that is used again, where libcurl would repeat it by itself. */
    fake_answer(&fakes[0], 200, LEADS, "{}");
    fake_bytes(&fakes[0], FAKE_END, "");
    fake_answer(&fakes[0], 200, LEADS, "{}");
    ck_assert_int_eq(call("POST", "/v1/leader/transfer", false)->outcome, RAFTCLIENT_DONE);
    is_problem(call("POST", "/v1/leader/transfer", false), RAFTCLIENT_UNKNOWN, "unreachable");
    ck_assert_uint_eq(fake_request_count(&fakes[0]), 2);
    end();
}
END_TEST

START_TEST(a_repeatable_change_is) {
    begin_alone((struct raftclient_options){.connect_ms = 5000});
    fake_bytes(&fakes[0], FAKE_END, "");
    fake_problem(&fakes[0], 409, "change_in_progress", "rejected", LEADS);
    fake_answer(&fakes[0], 200, LEADS, "{\"index\":1}");
    const struct raftclient_answer *answer = call("DELETE", "/v1/members/3", true);
    ck_assert_int_eq(answer->outcome, RAFTCLIENT_DONE);
    ck_assert_uint_eq(answer->attempts, 3);
    end();
}
END_TEST

START_TEST(what_never_left_is_unavailable) {
    struct raftclient_options options = {.timeout_ms = 300};
    begin_alone(options);
    struct raftclient *other = client;
    char url[64];
    snprintf(url, sizeof url, "http://127.0.0.1:%u", fakes[2].port);
    fake_close(&fakes[2]); /* Nobody listens there any more. */
    options.size = sizeof options;
    options.use_keys = true;
    client = raftclient_create(url, &options, NULL, 0);
    const struct raftclient_answer *answer = propose("1");
    is_problem(answer, RAFTCLIENT_UNAVAILABLE, "unreachable");
    ck_assert_uint_eq(answer->status, 0);
    ck_assert_uint_gt(answer->attempts, 1);
    raftclient_destroy(client);
    client = other;
    fake_open(&fakes[2]);
    end();
}
END_TEST

START_TEST(a_call_ends_when_its_time_is_over) {
    begin_alone((struct raftclient_options){.use_keys = true, .attempt_ms = 50});
    for (int i = 0; i < FAKE_STEPS_MAX; i++) {
        fake_bytes(&fakes[0], FAKE_HANG, "");
    }
    raftclient_set_timeout(client, 400);
    uint64_t begun = clock_ms();
    is_problem(propose("1"), RAFTCLIENT_UNKNOWN, "unreachable");
    uint64_t took = clock_ms() - begun;
    ck_assert_uint_lt(took, 20000); /* Far less; but the machine may be busy. */
    ck_assert_uint_gt(fake_request_count(&fakes[0]), 0);
    end();
}
END_TEST

START_TEST(nobody_waits_for_a_retry_after_that_lies_beyond_the_end) {
    begin_alone((struct raftclient_options){.use_keys = true, .timeout_ms = 30000});
    fake_problem(&fakes[0], 429, "overloaded", "rejected", LEADS "Retry-After: 3000\r\n");
    uint64_t begun = clock_ms();
    is_problem(propose("1"), RAFTCLIENT_UNAVAILABLE, "overloaded");
    ck_assert_uint_lt(clock_ms() - begun, 20000);
    ck_assert_uint_eq(fake_request_count(&fakes[0]), 1);
    end();
}
END_TEST

START_TEST(a_retry_after_is_waited_for) {
    begin_alone((struct raftclient_options){.use_keys = true, .timeout_ms = 60000});
    fake_problem(&fakes[0], 429, "overloaded", "rejected", LEADS "Retry-After: 1\r\n");
    fake_answer(&fakes[0], 200, LEADS, "{\"index\":1,\"term\":1,\"result\":1}");
    uint64_t begun = clock_ms();
    is_result(propose("1"), "1");
    ck_assert_uint_ge(clock_ms() - begun, 1000);
    end();
}
END_TEST

START_TEST(a_node_is_told_how_long_it_may_take) {
    begin_alone((struct raftclient_options){.use_keys = true, .attempt_ms = 10000});
    fake_answer(&fakes[0], 200, LEADS, "{\"index\":1,\"term\":1,\"result\":1}");
    is_result(propose("1"), "1");
    const char *timeout = strstr(fake_request(&fakes[0], 0), "timeout=");
    ck_assert_ptr_nonnull(timeout);
    long told = strtol(timeout + 8, NULL, 10);
    ck_assert_int_gt(told, 1000);
    ck_assert_int_le(told, 9500);
    ck_assert_int_eq(strncmp(timeout + 8 + strspn(timeout + 8, "0123456789"), "ms HTTP", 7), 0);
    end();
}
END_TEST

START_TEST(a_query_says_how_it_wants_to_be_answered) {
    begin_alone((struct raftclient_options){.connect_ms = 5000});
    fake_answer(&fakes[0], 200, LEADS, "{\"index\":7,\"term\":1,\"result\":null}");
    fake_answer(&fakes[0], 200, LEADS, "{\"index\":7,\"term\":1,\"result\":null}");
    fake_answer(&fakes[0], 200, LEADS, "[]");
    is_result(raftclient_query(client, "{\"op\":\"count\"}", 14, RAFTCLIENT_LINEARIZABLE, 0), "null");
    is_result(raftclient_query(client, "1", 1, RAFTCLIENT_STALE, 12), "null");
    is_problem(raftclient_query(client, "1", 1, RAFTCLIENT_LEASE, 0), RAFTCLIENT_UNAVAILABLE, "bad_answer");
    ck_assert(fake_asked(&fakes[0], 0, "POST /v1/query?consistency=linearizable&timeout=", "{\"op\":\"count\"}"));
    ck_assert(fake_asked(&fakes[0], 1, "POST /v1/query?consistency=stale&min_index=12&timeout=", ""));
    ck_assert(fake_asked(&fakes[0], 2, "POST /v1/query?consistency=lease&timeout=", ""));
    end();
}
END_TEST

START_TEST(a_redirect_is_a_word_and_not_followed) {
    begin(2, (struct raftclient_options){.only_given = true});
    char headers[256];
    snprintf(headers, sizeof headers, "Raft-Node: 1\r\nRaft-Leader: 2\r\nLocation: %s/v1/status\r\n", fakes[2].url);
    for (int i = 0; i < 2; i++) {
        fake_problem(&fakes[i], 307, "not_leader", "rejected", headers);
        fake_answer(&fakes[i], 200, LEADS, "{}");
    }
    ck_assert_int_eq(get()->outcome, RAFTCLIENT_DONE);
    ck_assert_uint_eq(fake_request_count(&fakes[2]), 0);
    end();
}
END_TEST

START_TEST(an_answer_has_a_limit) {
    begin_alone((struct raftclient_options){.answer_max = 10, .timeout_ms = 300});
    fake_answer(&fakes[0], 200, LEADS, "{\"x\":1234}");
    for (int i = 1; i < FAKE_STEPS_MAX; i++) {
        fake_answer(&fakes[0], 200, LEADS, "{\"x\":12345}");
    }
    ck_assert_int_eq(get()->outcome, RAFTCLIENT_DONE);
    const struct raftclient_answer *answer = get();
    is_problem(answer, RAFTCLIENT_UNAVAILABLE, "unreachable");
    ck_assert_ptr_nonnull(strstr(answer->detail, "more than 10 bytes"));
    end();
}
END_TEST

struct heap {
    char bytes[64];
    size_t size, limit;
    unsigned begun;
    uint64_t total;
};

static bool heap_up(void *context, const char *bytes, size_t size, uint64_t total) {
    struct heap *heap = context;
    if (bytes == NULL) {
        heap->size = 0;
        heap->begun++;
        heap->total = total;
        return true;
    }
    ck_assert_uint_lt(heap->size + size, sizeof heap->bytes);
    memcpy(heap->bytes + heap->size, bytes, size);
    heap->size += size;
    return heap->limit == 0 || heap->size < heap->limit;
}

START_TEST(a_download_that_breaks_off_begins_anew) {
    struct heap heap = {.size = 0};
    const struct raftclient_request request = {
        .size = sizeof request, .method = "GET", .path = "/v1/snapshot", .sink = heap_up, .sink_context = &heap};
    begin_alone((struct raftclient_options){.connect_ms = 5000});
    fake_bytes(&fakes[0], FAKE_END, "HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\nabcd");
    fake_answer(&fakes[0], 200, LEADS, "abcdefgh");
    ck_assert_int_eq(raftclient_call(client, &request)->outcome, RAFTCLIENT_DONE);
    ck_assert_uint_eq(heap.begun, 2);
    ck_assert_uint_eq(heap.total, 8);
    ck_assert_uint_eq(heap.size, 8);
    ck_assert_int_eq(memcmp(heap.bytes, "abcdefgh", 8), 0);
    /* Problems do not go where the file goes. */
    fake_problem(&fakes[0], 403, "forbidden", "", LEADS);
    is_problem(raftclient_call(client, &request), RAFTCLIENT_REJECTED, "forbidden");
    ck_assert_uint_eq(heap.begun, 2);
    /* Who wants no more has it. */
    heap.limit = 3;
    fake_answer(&fakes[0], 200, LEADS, "abcdefgh");
    ck_assert_int_eq(raftclient_call(client, &request)->outcome, RAFTCLIENT_DONE);
    end();
}
END_TEST

START_TEST(requests_that_cannot_be_made_are_not) {
    begin_alone((struct raftclient_options){.connect_ms = 5000});
    static const struct raftclient_request wrong[] = {
        {.method = "PATCH", .path = "/v1/status"},
        {.method = "GET"},
        {.path = "/v1/status"},
        {.method = "GET", .path = "v1/status"},
        {.method = "GET", .path = "/v1/status HTTP/1.1\r\nX: y"},
        {.method = "GET", .path = "/v1/status", .body = "x", .body_size = 1},
        {.method = "GET", .path = "/v1/status", .node_url = "node1"},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        struct raftclient_request request = wrong[i];
        request.size = sizeof request;
        is_problem(raftclient_call(client, &request), RAFTCLIENT_REJECTED, "bad_request");
    }
    ck_assert_uint_eq(fake_request_count(&fakes[0]), 0);
    end();
}
END_TEST

static void add_tests(TCase *tcase) {
    tcase_add_test(tcase, the_leader_is_found_by_an_answer_and_asked_from_then_on);
    tcase_add_test(tcase, all_nodes_are_learnt_from_one);
    tcase_add_test(tcase, a_node_that_cannot_tell_of_the_others_is_good_enough);
    tcase_add_test(tcase, learning_leaves_time_for_what_was_asked);
    tcase_add_test(tcase, who_does_not_answer_is_left_for_another);
    tcase_add_test(tcase, a_plain_change_without_an_answer_is_not_sent_again_by_anybody);
    tcase_add_test(tcase, a_repeatable_change_is);
    tcase_add_test(tcase, what_never_left_is_unavailable);
    tcase_add_test(tcase, a_call_ends_when_its_time_is_over);
    tcase_add_test(tcase, nobody_waits_for_a_retry_after_that_lies_beyond_the_end);
    tcase_add_test(tcase, a_retry_after_is_waited_for);
    tcase_add_test(tcase, a_node_is_told_how_long_it_may_take);
    tcase_add_test(tcase, a_query_says_how_it_wants_to_be_answered);
    tcase_add_test(tcase, a_redirect_is_a_word_and_not_followed);
    tcase_add_test(tcase, an_answer_has_a_limit);
    tcase_add_test(tcase, a_download_that_breaks_off_begins_anew);
    tcase_add_test(tcase, requests_that_cannot_be_made_are_not);
}

CHECK_MAIN("call", add_tests)
