/* Problem objects and lines, as clients and peers see them. */
#include "server/message_parts.h"
#include "tests/check_main.h"
#include "tests/unit/server/message_text.h"

static char *problem_text(const struct problem *problem, bool changing) {
    struct json_writer writer = {0};
    message_problem_write(problem, changing, &writer);
    size_t size;
    return json_writer_take(&writer, &size);
}

static char *line_text(const struct message_line *line, bool one_line) {
    struct json_writer writer = {0};
    message_line_write(line, &writer, one_line);
    size_t size;
    return json_writer_take(&writer, &size);
}

static struct problem read_good(const char *text, unsigned status) {
    struct problem problem;
    ck_assert_msg(message_problem_read(value_of(text), status, &problem), "refused: %s", text);
    return problem;
}

START_TEST(a_problem_is_written_as_the_contract_says) {
    struct problem problem;
    problem_set(&problem, PROBLEM_NO_LEADER, false, "node 2 knows no leader in term 7; \"an election\" may be under way");
    char *text = problem_text(&problem, true);
    ck_assert_str_eq(text, "{\"type\":\"about:blank\",\"title\":\"No leader\",\"status\":503,\"code\":\"no_leader\","
                           "\"detail\":\"node 2 knows no leader in term 7; \\\"an election\\\" may be under way\","
                           "\"outcome\":\"rejected\"}");
    free(text);
    problem.outcome_unknown = true;
    text = problem_text(&problem, true);
    ck_assert_ptr_nonnull(strstr(text, ",\"outcome\":\"unknown\"}"));
    free(text);
    text = problem_text(&problem, false);
    ck_assert_ptr_null(strstr(text, "outcome"));
    free(text);
}
END_TEST

START_TEST(every_problem_that_was_written_is_read) {
    for (int code = PROBLEM_NONE + 1; code < PROBLEM_CODE_COUNT; code++) {
        struct problem problem;
        problem_set(&problem, (enum problem_code)code, code % 2 == 0, "detail %d \xC3\xA9", code);
        char *text = problem_text(&problem, true);
        struct problem read = read_good(text, 599);
        ck_assert_int_eq(read.code, problem.code);
        ck_assert(read.outcome_unknown == problem.outcome_unknown);
        ck_assert_str_eq(read.detail, problem.detail);
        free(text);
    }
}
END_TEST

START_TEST(an_unknown_code_is_told_by_the_status) {
    static const struct {
        unsigned status;
        enum problem_code code;
    } rows[] = {
        {307, PROBLEM_NOT_LEADER},  {400, PROBLEM_BAD_REQUEST},   {401, PROBLEM_UNAUTHORIZED},
        {403, PROBLEM_FORBIDDEN},   {404, PROBLEM_NOT_FOUND},     {405, PROBLEM_METHOD_NOT_ALLOWED},
        {409, PROBLEM_CONFLICT},    {410, PROBLEM_COMPACTED},     {413, PROBLEM_TOO_LARGE},
        {418, PROBLEM_BAD_REQUEST}, {421, PROBLEM_WRONG_CLUSTER}, {422, PROBLEM_INVALID_COMMAND},
        {429, PROBLEM_OVERLOADED},  {500, PROBLEM_NOT_READY},     {502, PROBLEM_NOT_READY},
        {503, PROBLEM_NOT_READY},   {504, PROBLEM_TIMEOUT},       {507, PROBLEM_STORAGE_FULL},
        {201, PROBLEM_NOT_READY},   {0, PROBLEM_NOT_READY},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        ck_assert_int_eq(read_good("{\"code\":\"of_a_later_version\"}", rows[i].status).code, rows[i].code);
        ck_assert_int_eq(read_good("{\"code\":\"none\"}", rows[i].status).code, rows[i].code);
        ck_assert_int_eq(read_good("{}", rows[i].status).code, rows[i].code);
    }
}
END_TEST

START_TEST(only_rejected_means_never) {
    ck_assert(!read_good("{\"outcome\":\"rejected\"}", 503).outcome_unknown);
    ck_assert(read_good("{\"outcome\":\"unknown\"}", 503).outcome_unknown);
    ck_assert(read_good("{\"outcome\":\"Rejected\"}", 503).outcome_unknown);
    ck_assert(read_good("{\"outcome\":null}", 503).outcome_unknown);
    ck_assert(read_good("{}", 503).outcome_unknown);
}
END_TEST

START_TEST(a_long_detail_is_cut_and_a_missing_one_replaced) {
    char text[2 * PROBLEM_DETAIL_SIZE];
    memset(text, 'd', sizeof text);
    memcpy(text, "{\"detail\":\"", 11);
    memcpy(text + sizeof text - 3, "\"}", 3);
    ck_assert_uint_eq(strlen(read_good(text, 503).detail), PROBLEM_DETAIL_SIZE - 1);
    ck_assert_str_eq(read_good("{\"detail\":\"a\\u0000b\"}", 503).detail, "a");
    ck_assert_ptr_nonnull(strstr(read_good("{}", 502).detail, "502"));
}
END_TEST

START_TEST(what_is_no_problem_object_is_refused) {
    static const char *const bad[] = {"[]", "1", "{\"code\":7}", "{\"detail\":[]}", "{\"outcome\":true}"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct problem problem = {.code = PROBLEM_CONFLICT};
        ck_assert(!message_problem_read(value_of(bad[i]), 503, &problem));
        ck_assert_int_eq(problem.code, PROBLEM_CONFLICT);
    }
}
END_TEST

START_TEST(a_line_is_a_result_with_its_place_in_the_log) {
    struct message_line line = {.id = {12, 3}, .result = {"{\"a\":\n1}", 8}};
    char *text = line_text(&line, false);
    ck_assert_str_eq(text, "{\"index\":12,\"term\":3,\"result\":{\"a\":\n1}}");
    free(text);
    text = line_text(&line, true);
    ck_assert_str_eq(text, "{\"index\":12,\"term\":3,\"result\":{\"a\": 1}}");
    free(text);
}
END_TEST

START_TEST(a_retry_has_the_first_answer_and_says_so) {
    const struct {
        struct message_line line;
        const char *text;
    } rows[] = {
        {{.id = {12, 3}, .result = {"1", 1}, .duplicate = true},
         "{\"index\":12,\"term\":3,\"result\":1,\"duplicate\":true}"},
        {{.id = {12, 3}, .duplicate = true, .omitted = true},
         "{\"index\":12,\"term\":3,\"result_omitted\":true,\"duplicate\":true}"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char *text = line_text(&rows[i].line, i == 0);
        ck_assert_str_eq(text, rows[i].text);
        char array[200];
        snprintf(array, sizeof array, "[%s]", text);
        struct message_line *lines;
        size_t count;
        ck_assert(message_lines_read(value_of(array), &lines, &count));
        ck_assert_uint_eq(count, 1);
        ck_assert(lines[0].duplicate);
        ck_assert(lines[0].omitted == rows[i].line.omitted);
        ck_assert_uint_eq(lines[0].result.size, rows[i].line.result.size);
        ck_assert_uint_eq(lines[0].id.index, 12);
        free(lines);
        free(text);
    }
}
END_TEST

START_TEST(a_line_has_a_result_or_says_that_it_was_left_out) {
    static const char *const bad[] = {"[{\"index\":1,\"term\":1}]", "[{\"index\":1,\"term\":1,\"result_omitted\":false}]",
                                      "[{\"index\":1,\"term\":1,\"result\":1,\"result_omitted\":true}]"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct message_line *lines;
        size_t count;
        ck_assert(!message_lines_read(value_of(bad[i]), &lines, &count));
    }
}
END_TEST

START_TEST(a_line_that_failed_is_a_problem_with_an_outcome) {
    struct message_line line = {.id = {12, 3}, .result = {"1", 1}};
    problem_set(&line.problem, PROBLEM_LEADERSHIP_LOST, true, "term 4 began");
    char *text = line_text(&line, true);
    ck_assert_str_eq(text,
                     "{\"type\":\"about:blank\",\"title\":\"Leadership lost\",\"status\":503,\"code\":\"leadership_lost\","
                     "\"detail\":\"term 4 began\",\"outcome\":\"unknown\"}");
    free(text);
}
END_TEST

START_TEST(an_unknown_code_in_a_line_is_told_by_its_own_status) {
    struct message_line *lines;
    size_t count;
    ck_assert(message_lines_read(value_of("[{\"code\":\"new\",\"status\":409,\"outcome\":\"rejected\"},"
                                          "{\"code\":\"new\",\"status\":4294967705}]"),
                                 &lines, &count));
    ck_assert_uint_eq(count, 2);
    ck_assert_int_eq(lines[0].problem.code, PROBLEM_CONFLICT);
    ck_assert(!lines[0].problem.outcome_unknown);
    ck_assert_int_eq(lines[1].problem.code, PROBLEM_NOT_READY);
    free(lines);
}
END_TEST

static void add_tests(TCase *tcase) {
    tcase_add_test(tcase, a_problem_is_written_as_the_contract_says);
    tcase_add_test(tcase, every_problem_that_was_written_is_read);
    tcase_add_test(tcase, an_unknown_code_is_told_by_the_status);
    tcase_add_test(tcase, only_rejected_means_never);
    tcase_add_test(tcase, a_long_detail_is_cut_and_a_missing_one_replaced);
    tcase_add_test(tcase, what_is_no_problem_object_is_refused);
    tcase_add_test(tcase, a_line_is_a_result_with_its_place_in_the_log);
    tcase_add_test(tcase, a_retry_has_the_first_answer_and_says_so);
    tcase_add_test(tcase, a_line_has_a_result_or_says_that_it_was_left_out);
    tcase_add_test(tcase, a_line_that_failed_is_a_problem_with_an_outcome);
    tcase_add_test(tcase, an_unknown_code_in_a_line_is_told_by_its_own_status);
}

CHECK_MAIN("message_problem", add_tests)
