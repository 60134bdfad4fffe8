#include "tests/unit/client/client_case.h"

#include "tests/check_main.h"

#include <inttypes.h>

#define STREAM "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n" LEADS "\r\n"
#define EVENT(index, command)                                                                                              \
    "event: command\nid: " index "\ndata: {\"index\":" index ",\"term\":2,\"command\":" command                            \
    ",\"session\":9,\"seq\":1}\n\n"

static char told[1024];
static size_t wanted; /* Events; 0: all. */

static bool tell(void *context, const struct raftclient_event *event) {
    (void)context;
    ck_assert_uint_eq(event->term, 2);
    ck_assert_int_eq(event->data[event->data_size - 1], '}');
    snprintf(told + strlen(told), sizeof told - strlen(told), "%" PRIu64 "=%.*s ", event->index, (int)event->command_size,
             event->command);
    return wanted == 0 || --wanted > 0;
}

static const struct raftclient_answer *watch(uint64_t from, size_t events) {
    told[0] = '\0';
    wanted = events;
    return raftclient_watch(client, from, tell, NULL);
}

START_TEST(a_watch_goes_on_where_it_was_and_tells_nothing_twice) {
    begin_alone((struct raftclient_options){.connect_ms = 5000});
    fake_bytes(&fakes[0], FAKE_END,
               STREAM ": hello\n\n" EVENT("3", "\"a\"") EVENT("5", "\"b\"") "event: command\nid: 6\nda");
    fake_bytes(&fakes[0], FAKE_END, "");
    fake_problem(&fakes[0], 503, "not_ready", "", LEADS);
    /* A node that repeats itself is not believed to have something new. */
    fake_bytes(&fakes[0], FAKE_END,
               STREAM EVENT("5", "\"b\"") EVENT("6", "\"c\"") "event: end\ndata: {\"code\":\"shutting_down\"}\n\n");
    fake_bytes(&fakes[0], FAKE_HANG, STREAM EVENT("7", "\"d\"") EVENT("8", "\"e\""));
    const struct raftclient_answer *answer = watch(1, 4);
    ck_assert_int_eq(answer->outcome, RAFTCLIENT_DONE);
    ck_assert_uint_eq(answer->index, 7);
    ck_assert_str_eq(told, "3=\"a\" 5=\"b\" 6=\"c\" 7=\"d\" ");
    ck_assert(fake_asked(&fakes[0], 0, "GET /v1/watch?from=1 HTTP", "\r\nLast-Event-ID: 0\r\n"));
    ck_assert(fake_asked(&fakes[0], 1, "GET /v1/watch?from=6 HTTP", "\r\nLast-Event-ID: 5\r\n"));
    ck_assert(fake_asked(&fakes[0], 4, "GET /v1/watch?from=7 HTTP", "\r\nLast-Event-ID: 6\r\n"));
    end();
}
END_TEST

START_TEST(from_now_on_begins_behind_what_is_committed) {
    begin_alone((struct raftclient_options){.connect_ms = 5000});
    fake_answer(&fakes[0], 200, LEADS, "{\"commit_index\":40}");
    fake_bytes(&fakes[0], FAKE_END, STREAM);
    fake_bytes(&fakes[0], FAKE_HANG, STREAM EVENT("41", "1"));
    ck_assert_int_eq(watch(RAFTCLIENT_FROM_NOW, 1)->outcome, RAFTCLIENT_DONE);
    ck_assert_str_eq(told, "41=1 ");
    /* The stream that broke before it told of anything left nothing out. */
    ck_assert(fake_asked(&fakes[0], 1, "GET /v1/watch?from=41 HTTP", "\r\nLast-Event-ID: 40\r\n"));
    ck_assert(fake_asked(&fakes[0], 2, "GET /v1/watch?from=41 HTTP", "\r\nLast-Event-ID: 40\r\n"));
    end();
}
END_TEST

#define COMPACTED(first) "{\"code\":\"compacted\",\"detail\":\"gone\",\"first_index\":" first "}"

START_TEST(what_one_log_has_no_more_another_may_have) {
    begin(2, (struct raftclient_options){.only_given = true, .connect_ms = 5000});
    /* Whoever is asked first: both know node 1, whose log is the shorter one, as the leader. */
    const struct raftclient_request request = {
        .size = sizeof request, .method = "GET", .path = "/v1/status", .node_url = fakes[0].url};
    fake_answer(&fakes[0], 200, LEADS, "{}");
    ck_assert_int_eq(raftclient_call(client, &request)->outcome, RAFTCLIENT_DONE);
    fake_answer(&fakes[0], 410, LEADS, COMPACTED("100"));
    fake_bytes(&fakes[1], FAKE_HANG, STREAM EVENT("50", "1"));
    ck_assert_int_eq(watch(50, 1)->outcome, RAFTCLIENT_DONE);
    ck_assert_str_eq(told, "50=1 ");
    ck_assert_uint_eq(fake_request_count(&fakes[0]), 2);
    end();
}
END_TEST

START_TEST(compacted_is_told_when_nobody_has_it_with_the_longest_log) {
    begin(3, (struct raftclient_options){.only_given = true, .connect_ms = 5000});
    fake_answer(&fakes[0], 410, LEADS, COMPACTED("100"));
    fake_answer(&fakes[1], 410, LEADS, COMPACTED("80"));
    fake_bytes(&fakes[2], FAKE_END, STREAM "event: end\ndata: " COMPACTED("90") "\n\n");
    const struct raftclient_answer *answer = watch(50, 1);
    is_problem(answer, RAFTCLIENT_REJECTED, "compacted");
    ck_assert_uint_eq(answer->first_index, 80);
    ck_assert_str_eq(told, "");
    end();
}
END_TEST

START_TEST(a_watch_that_hears_from_nobody_gives_up) {
    begin_alone((struct raftclient_options){.timeout_ms = 200});
    for (int i = 0; i < FAKE_STEPS_MAX; i++) {
        fake_bytes(&fakes[0], FAKE_END, "");
    }
    const struct raftclient_answer *answer = watch(7, 1);
    is_problem(answer, RAFTCLIENT_UNAVAILABLE, "unreachable");
    ck_assert_uint_eq(answer->index, 6);
    ck_assert_uint_gt(fake_request_count(&fakes[0]), 1);
    end();
}
END_TEST

START_TEST(a_watch_that_is_refused_ends) {
    begin_alone((struct raftclient_options){.connect_ms = 5000});
    fake_problem(&fakes[0], 401, "unauthorized", "", "");
    is_problem(watch(1, 1), RAFTCLIENT_REJECTED, "unauthorized");
    ck_assert_uint_eq(fake_request_count(&fakes[0]), 1);
    end();
}
END_TEST

START_TEST(an_event_that_makes_no_sense_or_is_too_long_is_not_told) {
    begin_alone((struct raftclient_options){.timeout_ms = 200, .answer_max = 200});
    for (int i = 0; i < FAKE_STEPS_MAX / 2; i++) {
        fake_bytes(&fakes[0], FAKE_HANG, STREAM "event: command\ndata: {\"index\":4}\n\n" EVENT("5", "1"));
        fake_bytes(
            &fakes[0], FAKE_HANG,
            STREAM EVENT(
                "4",
                "\"....................................................................................................."
                ".....................................................................................\""));
    }
    is_problem(watch(1, 1), RAFTCLIENT_UNAVAILABLE, "unreachable");
    ck_assert_str_eq(told, "");
    end();
}
END_TEST

static void add_tests(TCase *tcase) {
    tcase_add_test(tcase, a_watch_goes_on_where_it_was_and_tells_nothing_twice);
    tcase_add_test(tcase, from_now_on_begins_behind_what_is_committed);
    tcase_add_test(tcase, what_one_log_has_no_more_another_may_have);
    tcase_add_test(tcase, compacted_is_told_when_nobody_has_it_with_the_longest_log);
    tcase_add_test(tcase, a_watch_that_hears_from_nobody_gives_up);
    tcase_add_test(tcase, a_watch_that_is_refused_ends);
    tcase_add_test(tcase, an_event_that_makes_no_sense_or_is_too_long_is_not_told);
}

CHECK_MAIN("watch", add_tests)
