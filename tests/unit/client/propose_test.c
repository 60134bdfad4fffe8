#include "tests/unit/client/client_case.h"

#include "tests/check_main.h"

#define DONE(index) "{\"index\":" index ",\"term\":2,\"result\":{}}"
#define DUPLICATE   "{\"index\":9,\"term\":2,\"result\":{},\"duplicate\":true}"

START_TEST(the_first_proposal_opens_a_session_and_each_has_the_next_number) {
    begin_alone((struct raftclient_options){.token = "secret"});
    fake_answer(&fakes[0], 201, LEADS, "{\"session\":17}");
    fake_answer(&fakes[0], 200, LEADS, "{\"index\":8,\"term\":2,\"result\":{\"previous\":1e2}}");
    fake_answer(&fakes[0], 200, LEADS, DONE("9"));
    fake_answer(&fakes[0], 204, LEADS, "");
    const struct raftclient_answer *answer = propose("{\"op\":\"put\"}");
    is_result(answer, "{\"previous\":1e2}");
    ck_assert_uint_eq(answer->index, 8);
    ck_assert_uint_eq(answer->term, 2);
    ck_assert_uint_eq(answer->node, 1);
    ck_assert_uint_eq(answer->leader, 1);
    ck_assert_str_eq(answer->node_url, fakes[0].url);
    is_result(propose("2"), "{}");
    raftclient_destroy(client);
    client = NULL;
    ck_assert(fake_asked(&fakes[0], 0, "POST /v1/sessions?timeout=", "Authorization: Bearer secret\r\n"));
    ck_assert(fake_asked(&fakes[0], 1, "POST /v1/propose?session=17&seq=1&timeout=", "\r\n\r\n{\"op\":\"put\"}"));
    ck_assert(fake_asked(&fakes[0], 2, "POST /v1/propose?session=17&seq=2&timeout=", "\r\n\r\n2"));
    ck_assert(fake_asked(&fakes[0], 3, "DELETE /v1/sessions/17?timeout=", ""));
    end();
}
END_TEST

START_TEST(a_proposal_without_an_answer_is_sent_again_under_the_same_number) {
    begin_alone((struct raftclient_options){.connect_ms = 5000});
    fake_answer(&fakes[0], 201, LEADS, "{\"session\":17}");
    fake_bytes(&fakes[0], FAKE_END, "");
    fake_problem(&fakes[0], 503, "leadership_lost", "unknown", LEADS);
    fake_bytes(&fakes[0], FAKE_END, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"index\"");
    fake_answer(&fakes[0], 200, LEADS, DUPLICATE);
    const struct raftclient_answer *answer = propose("1");
    is_result(answer, "{}");
    ck_assert(answer->duplicate);
    ck_assert_uint_eq(answer->index, 9);
    ck_assert_uint_eq(answer->attempts, 5);
    for (size_t i = 1; i <= 4; i++) {
        ck_assert(fake_asked(&fakes[0], i, "POST /v1/propose?session=17&seq=1&", "\r\n\r\n1"));
    }
    end();
}
END_TEST

START_TEST(a_session_that_went_in_the_middle_is_unknown_and_nothing_is_sent_again) {
    begin_alone((struct raftclient_options){.connect_ms = 5000});
    fake_answer(&fakes[0], 201, LEADS, "{\"session\":17}");
    fake_bytes(&fakes[0], FAKE_END, "");
    fake_problem(&fakes[0], 410, "session_expired", "rejected", LEADS);
    is_problem(propose("1"), RAFTCLIENT_UNKNOWN, "session_expired");
    ck_assert_uint_eq(fake_request_count(&fakes[0]), 3);
    /* The next one has a session of its own. */
    fake_answer(&fakes[0], 201, LEADS, "{\"session\":40}");
    fake_answer(&fakes[0], 200, LEADS, DONE("41"));
    is_result(propose("2"), "{}");
    ck_assert(fake_asked(&fakes[0], 4, "POST /v1/propose?session=40&seq=1&", "\r\n\r\n2"));
    end();
}
END_TEST

START_TEST(a_session_that_was_gone_before_is_replaced_since_nothing_can_have_been_applied) {
    begin_alone((struct raftclient_options){.connect_ms = 5000});
    fake_answer(&fakes[0], 201, LEADS, "{\"session\":17}");
    fake_answer(&fakes[0], 200, LEADS, DONE("8"));
    fake_problem(&fakes[0], 410, "session_expired", "rejected", LEADS);
    fake_answer(&fakes[0], 201, LEADS, "{\"session\":40}");
    fake_answer(&fakes[0], 200, LEADS, DONE("41"));
    is_result(propose("1"), "{}");
    const struct raftclient_answer *answer = propose("2");
    is_result(answer, "{}");
    ck_assert_uint_eq(answer->index, 41);
    ck_assert(fake_asked(&fakes[0], 4, "POST /v1/propose?session=40&seq=1&", "\r\n\r\n2"));
    end();
}
END_TEST

START_TEST(sessions_are_not_replaced_for_ever) {
    begin_alone((struct raftclient_options){.connect_ms = 5000});
    fake_answer(&fakes[0], 201, LEADS, "{\"session\":17}");
    fake_problem(&fakes[0], 410, "session_expired", "rejected", LEADS);
    fake_answer(&fakes[0], 201, LEADS, "{\"session\":18}");
    fake_problem(&fakes[0], 410, "session_expired", "rejected", LEADS);
    is_problem(propose("1"), RAFTCLIENT_REJECTED, "session_expired");
    ck_assert_uint_eq(fake_request_count(&fakes[0]), 4);
    end();
}
END_TEST

START_TEST(a_refusal_after_a_doubtful_attempt_does_not_say_what_became_of_that_one) {
    static const struct {
        unsigned status;
        const char *code;
    } cases[] = {
        {409, "stale_sequence"}, {422, "invalid_command"}, {401, "unauthorized"}, {413, "too_large"}, {422, "key_reused"}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        begin_alone((struct raftclient_options){.use_keys = true, .connect_ms = 5000});
        fake_bytes(&fakes[0], FAKE_END, "");
        fake_problem(&fakes[0], cases[i].status, cases[i].code, "rejected", LEADS);
        is_problem(propose("1"), RAFTCLIENT_UNKNOWN, cases[i].code);
        /* Alone it is what it says. */
        fake_problem(&fakes[0], cases[i].status, cases[i].code, "rejected", LEADS);
        is_problem(propose("1"), RAFTCLIENT_REJECTED, cases[i].code);
        ck_assert_uint_eq(fake_request_count(&fakes[0]), 3);
        end();
    }
}
END_TEST

static void key_of(size_t n, char out[33]) {
    const char *line = strstr(fake_request(&fakes[0], n), "Idempotency-Key: ");
    ck_assert_ptr_nonnull(line);
    snprintf(out, 33, "%s", line + strlen("Idempotency-Key: "));
    ck_assert_uint_eq(strspn(out, "0123456789abcdef"), 32);
}

START_TEST(with_keys_a_retry_has_the_same_one_and_the_next_proposal_another) {
    char keys[3][33];
    begin_alone((struct raftclient_options){.use_keys = true, .connect_ms = 5000});
    fake_bytes(&fakes[0], FAKE_END, "");
    fake_answer(&fakes[0], 200, LEADS, DUPLICATE);
    fake_answer(&fakes[0], 200, LEADS, DONE("10"));
    ck_assert(propose("1")->duplicate);
    is_result(propose("1"), "{}");
    for (size_t i = 0; i < 3; i++) {
        key_of(i, keys[i]);
    }
    ck_assert_str_eq(keys[0], keys[1]);
    ck_assert_str_ne(keys[1], keys[2]);
    ck_assert(fake_asked(&fakes[0], 0, "POST /v1/propose?timeout=", "\r\n\r\n1"));
    end();
}
END_TEST

START_TEST(a_key_of_ones_own_is_sent_as_it_is) {
    char longest[RAFTCLIENT_KEY_MAX + 2];
    memset(longest, 'k', sizeof longest);
    longest[RAFTCLIENT_KEY_MAX + 1] = '\0';
    const char *const wrong[] = {"", " a", "a ", "a\r\nX: y", "\x7f", "\xc3\xa4", longest};
    begin_alone((struct raftclient_options){.connect_ms = 5000});
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        is_problem(raftclient_propose_keyed(client, wrong[i], "1", 1), RAFTCLIENT_REJECTED, "bad_request");
    }
    ck_assert_uint_eq(fake_request_count(&fakes[0]), 0);
    fake_answer(&fakes[0], 200, LEADS, DONE("10"));
    fake_answer(&fakes[0], 200, LEADS, DONE("11"));
    is_result(raftclient_propose_keyed(client, "order 4711", "1", 1), "{}");
    is_result(raftclient_propose_keyed(client, longest + 1, "1", 1), "{}");
    ck_assert(fake_asked(&fakes[0], 0, "POST /v1/propose?timeout=", "\r\nIdempotency-Key: order 4711\r\n"));
    end();
}
END_TEST

START_TEST(an_answer_that_is_none_leaves_the_outcome_open) {
    begin_alone((struct raftclient_options){.use_keys = true});
    fake_answer(&fakes[0], 200, LEADS, "<html>welcome to the hotel</html>");
    is_problem(propose("1"), RAFTCLIENT_UNKNOWN, "bad_answer");
    fake_answer(&fakes[0], 404, "", "<html>not here</html>");
    is_problem(propose("1"), RAFTCLIENT_REJECTED, "bad_answer");
    end();
}
END_TEST

START_TEST(without_a_session_nothing_was_proposed) {
    begin_alone((struct raftclient_options){.timeout_ms = 300});
    fake_bytes(&fakes[0], FAKE_HANG, "");
    is_problem(propose("1"), RAFTCLIENT_UNAVAILABLE, "unreachable");
    fake_answer(&fakes[0], 201, LEADS, "{\"session\":0}");
    is_problem(propose("1"), RAFTCLIENT_UNAVAILABLE, "bad_answer");
    fake_problem(&fakes[0], 403, "forbidden", "rejected", LEADS);
    is_problem(propose("1"), RAFTCLIENT_REJECTED, "forbidden");
    ck_assert_uint_eq(fake_request_count(&fakes[0]), 3);
    end();
}
END_TEST

static void add_tests(TCase *tcase) {
    tcase_add_test(tcase, the_first_proposal_opens_a_session_and_each_has_the_next_number);
    tcase_add_test(tcase, a_proposal_without_an_answer_is_sent_again_under_the_same_number);
    tcase_add_test(tcase, a_session_that_went_in_the_middle_is_unknown_and_nothing_is_sent_again);
    tcase_add_test(tcase, a_session_that_was_gone_before_is_replaced_since_nothing_can_have_been_applied);
    tcase_add_test(tcase, sessions_are_not_replaced_for_ever);
    tcase_add_test(tcase, a_refusal_after_a_doubtful_attempt_does_not_say_what_became_of_that_one);
    tcase_add_test(tcase, with_keys_a_retry_has_the_same_one_and_the_next_proposal_another);
    tcase_add_test(tcase, a_key_of_ones_own_is_sent_as_it_is);
    tcase_add_test(tcase, an_answer_that_is_none_leaves_the_outcome_open);
    tcase_add_test(tcase, without_a_session_nothing_was_proposed);
}

CHECK_MAIN("propose", add_tests)
