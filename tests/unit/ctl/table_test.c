#include "api/ctl/table.h"

#include "tests/check_main.h"

#include <stdlib.h>

static void prints(struct table *table, const char *expected) {
    char *text;
    size_t size;
    FILE *file = open_memstream(&text, &size);
    table_print(table, file);
    fclose(file);
    ck_assert_str_eq(text, expected);
    free(text);
    ck_assert_ptr_null(table->cells);
}

START_TEST(columns_are_as_wide_as_their_widest_cell) {
    struct table table = {0};
    table_row(&table, "ID", "ROLE", "URL", NULL);
    table_row(&table, "1", "leader", "http://a", NULL);
    table_cell(&table, "%d", 100);
    table_cell(&table, "%s", "x");
    table_cell(&table, "%s", "y");
    prints(&table, "ID   ROLE    URL\n1    leader  http://a\n100  x       y\n");
}
END_TEST

START_TEST(no_line_ends_with_blanks) {
    struct table table = {0};
    table_row(&table, "A", "B", "", NULL);
    table_row(&table, "1", "", "", NULL);
    table_row(&table, "", "", "z", NULL);
    table_row(&table, "", "", "", NULL);
    prints(&table, "A  B\n1\n      z\n\n");
}
END_TEST

START_TEST(control_characters_do_nothing_to_a_terminal) {
    struct table table = {0};
    table_row(&table, "a\033[2Jb\nc\x7f", NULL);
    prints(&table, "a?[2Jb?c?\n");
}
END_TEST

static void add_tests(TCase *tcase) {
    tcase_add_test(tcase, columns_are_as_wide_as_their_widest_cell);
    tcase_add_test(tcase, no_line_ends_with_blanks);
    tcase_add_test(tcase, control_characters_do_nothing_to_a_terminal);
}

CHECK_MAIN("table", add_tests)
