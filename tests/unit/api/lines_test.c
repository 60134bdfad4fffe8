#include "api/lines.h"

#include "tests/check_main.h"

#include <string.h>

static void check_lines(const char *body, const char *const *expected, size_t count) {
    struct lines lines = lines_open(body, strlen(body));
    const char *line;
    size_t size;
    for (size_t i = 0; i < count; i++) {
        ck_assert(lines_next(&lines, &line, &size));
        ck_assert_uint_eq(size, strlen(expected[i]));
        ck_assert(memcmp(line, expected[i], size) == 0);
    }
    ck_assert(!lines_next(&lines, &line, &size));
    ck_assert(!lines_next(&lines, &line, &size));
}

START_TEST(lines_end_at_a_line_feed_or_at_the_end) {
    check_lines("1\n2\n3", (const char *const[]){"1", "2", "3"}, 3);
    check_lines("1\n2\n", (const char *const[]){"1", "2"}, 2);
}
END_TEST

START_TEST(blank_lines_are_passed_over) {
    check_lines("\n\n 1\n \t\r\n\n2 \n\r\n", (const char *const[]){" 1", "2 "}, 2);
}
END_TEST

START_TEST(a_carriage_return_stays_with_its_line) {
    check_lines("1\r\n2\r3\n", (const char *const[]){"1\r", "2\r3"}, 2);
}
END_TEST

START_TEST(nothing_has_no_lines) {
    check_lines("", NULL, 0);
    check_lines("\n", NULL, 0);
    check_lines("  \r", NULL, 0);
}
END_TEST

static void add_tests(TCase *tcase) {
    tcase_add_test(tcase, lines_end_at_a_line_feed_or_at_the_end);
    tcase_add_test(tcase, blank_lines_are_passed_over);
    tcase_add_test(tcase, a_carriage_return_stays_with_its_line);
    tcase_add_test(tcase, nothing_has_no_lines);
}

CHECK_MAIN("lines", add_tests)
