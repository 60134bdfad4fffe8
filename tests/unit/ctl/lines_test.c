#include "api/ctl/lines.h"

#include "tests/check_main.h"

#include <string.h>
#include <unistd.h>

static void write_file(char *path, const char *text, size_t size) {
    strcpy(path, "/tmp/raftctl-lines-XXXXXX");
    int file = mkstemp(path);
    ck_assert_int_eq(write(file, text, size), (ssize_t)size);
    close(file);
}

START_TEST(blank_lines_are_left_out_and_counted) {
    char path[64];
    struct lines lines;
    const char *line;
    size_t size;
    write_file(path, "\n  {\"a\":1}\t\r\n \t\n2", 17);
    ck_assert(lines_open(&lines, path));
    ck_assert_uint_eq(lines.total, 17);
    ck_assert(lines_next(&lines, &line, &size));
    ck_assert_uint_eq(size, 7);
    ck_assert_int_eq(memcmp(line, "{\"a\":1}", 7), 0);
    ck_assert_uint_eq(lines.number, 2);
    ck_assert(lines_next(&lines, &line, &size));
    ck_assert_uint_eq(size, 1);
    ck_assert_uint_eq(lines.number, 4);
    ck_assert_uint_eq(lines.read, 17);
    ck_assert(!lines_next(&lines, &line, &size));
    ck_assert(lines_close(&lines));
    unlink(path);
}
END_TEST

START_TEST(a_line_may_be_long) {
    static char text[300000];
    char path[64];
    struct lines lines;
    const char *line;
    size_t size;
    memset(text, 'x', sizeof text);
    write_file(path, text, sizeof text);
    ck_assert(lines_open(&lines, path));
    ck_assert(lines_next(&lines, &line, &size));
    ck_assert_uint_eq(size, sizeof text);
    ck_assert(lines_close(&lines));
    unlink(path);
}
END_TEST

START_TEST(what_cannot_be_read_is_told) {
    struct lines lines;
    const char *line;
    size_t size;
    ck_assert(!lines_open(&lines, "/no/such/file"));
    ck_assert(lines_open(&lines, "/")); /* A folder can be opened, and not read. */
    ck_assert(!lines_next(&lines, &line, &size));
    ck_assert(!lines_close(&lines));
}
END_TEST

static void add_tests(TCase *tcase) {
    tcase_add_test(tcase, blank_lines_are_left_out_and_counted);
    tcase_add_test(tcase, a_line_may_be_long);
    tcase_add_test(tcase, what_cannot_be_read_is_told);
}

CHECK_MAIN("lines", add_tests)
