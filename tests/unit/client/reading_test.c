#include "api/client/reading.h"

#include "tests/check_main.h"

#include <string.h>

static bool reads(const char *body, struct raftclient_answer *answer) {
    *answer = (struct raftclient_answer){.body = body, .body_size = strlen(body), .index = 5};
    return reading_result(answer);
}

START_TEST(a_result_is_the_bytes_as_they_came) {
    struct raftclient_answer answer;
    ck_assert(reads("{\"index\":12,\"term\":3,\"result\": [1e2, \"\\u0000\"] }", &answer));
    ck_assert_uint_eq(answer.index, 12);
    ck_assert_uint_eq(answer.term, 3);
    ck_assert_uint_eq(answer.result_size, 15);
    ck_assert_int_eq(memcmp(answer.result, "[1e2, \"\\u0000\"]", 15), 0);
    ck_assert(!answer.duplicate && !answer.result_omitted);
}
END_TEST

START_TEST(a_duplicate_says_so_and_may_have_no_result) {
    struct raftclient_answer answer;
    ck_assert(reads("{\"index\":1,\"term\":1,\"result\":{},\"duplicate\":true}", &answer));
    ck_assert(answer.duplicate);
    ck_assert(reads("{\"index\":1,\"term\":1,\"result_omitted\":true,\"duplicate\":true}", &answer));
    ck_assert(answer.duplicate && answer.result_omitted);
    ck_assert_ptr_null(answer.result);
}
END_TEST

START_TEST(anything_else_changes_nothing) {
    static const char *const wrong[] = {"",
                                        "{}",
                                        "[]",
                                        "<html>",
                                        "{\"index\":1,\"term\":1}",
                                        "{\"index\":\"1\",\"term\":1,\"result\":1}",
                                        "{\"index\":1.5,\"term\":1,\"result\":1}",
                                        "{\"index\":1,\"term\":1,\"result\":1} x",
                                        "{\"index\":1,\"term\":1,\"result\":"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        struct raftclient_answer answer;
        ck_assert_msg(!reads(wrong[i], &answer), "%s", wrong[i]);
        ck_assert_uint_eq(answer.index, 5);
        ck_assert_ptr_null(answer.result);
    }
}
END_TEST

START_TEST(a_result_may_be_as_deep_as_a_value_can_be) {
    char body[2 * 512 + 64] = "{\"index\":1,\"term\":1,\"result\":";
    size_t begin = strlen(body);
    memset(body + begin, '[', 512);
    memset(body + begin + 512, ']', 512);
    strcpy(body + begin + 1024, "}");
    struct raftclient_answer answer;
    ck_assert(reads(body, &answer));
    ck_assert_uint_eq(answer.result_size, 1024);
}
END_TEST

START_TEST(a_session_is_a_number) {
    ck_assert_uint_eq(reading_session("{\"session\":17}", 14), 17);
    ck_assert_uint_eq(reading_session("{\"session\":\"17\"}", 16), 0);
    ck_assert_uint_eq(reading_session("{}", 2), 0);
    ck_assert_uint_eq(reading_session("17", 2), 0);
    ck_assert_uint_eq(reading_session("", 0), 0);
}
END_TEST

static void add_tests(TCase *tcase) {
    tcase_add_test(tcase, a_result_is_the_bytes_as_they_came);
    tcase_add_test(tcase, a_duplicate_says_so_and_may_have_no_result);
    tcase_add_test(tcase, anything_else_changes_nothing);
    tcase_add_test(tcase, a_result_may_be_as_deep_as_a_value_can_be);
    tcase_add_test(tcase, a_session_is_a_number);
}

CHECK_MAIN("reading", add_tests)
