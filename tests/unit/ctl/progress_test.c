#include "api/ctl/progress.h"

#include "tests/check_main.h"

#include <stdlib.h>
#include <string.h>

START_TEST(a_bar_is_as_full_as_the_work_is_done) {
    char text[PROGRESS_WIDTH + 32];
    progress_text(0, 10, text, sizeof text);
    ck_assert_str_eq(text, "[........................................]   0 %");
    progress_text(5, 10, text, sizeof text);
    ck_assert_str_eq(text, "[####################....................]  50 %");
    progress_text(UINT64_MAX, 10, text, sizeof text);
    ck_assert_str_eq(text, "[########################################] 100 %");
    progress_text(77, 0, text, sizeof text);
    ck_assert_str_eq(text, "77");
}
END_TEST

START_TEST(it_is_drawn_seldom_and_wiped_away) {
    char *text;
    size_t size;
    FILE *file = open_memstream(&text, &size);
    struct progress progress = {.file = file, .what = "work"};
    progress_show(&progress, 1, 2);
    progress_show(&progress, 1, 2); /* At once again: not drawn, as far as the machine is not too slow to tell. */
    progress.drawn_ms = 0;
    progress_show(&progress, 2, 2);
    progress_end(&progress);
    progress_end(&progress);
    fclose(file);
    ck_assert_int_eq(text[0], '\r');
    ck_assert_ptr_nonnull(strstr(text, "\rwork [####################....................]  50 %"));
    ck_assert_ptr_nonnull(strstr(text, "100 %\r\033[K"));
    ck_assert_ptr_eq(strstr(text, "\033[K"), strrchr(text, '\033'));
    free(text);
}
END_TEST

START_TEST(where_nobody_looks_nothing_is_drawn) {
    struct progress progress = {.file = NULL, .what = "work"};
    progress_show(&progress, 1, 2);
    ck_assert(!progress.drawn);
    progress_end(&progress);
}
END_TEST

static void add_tests(TCase *tcase) {
    tcase_add_test(tcase, a_bar_is_as_full_as_the_work_is_done);
    tcase_add_test(tcase, it_is_drawn_seldom_and_wiped_away);
    tcase_add_test(tcase, where_nobody_looks_nothing_is_drawn);
}

CHECK_MAIN("progress", add_tests)
