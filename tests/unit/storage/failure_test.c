#include "storage/failure.h"

#include "tests/check_main.h"

#include <string.h>

START_TEST(the_sentence_is_told_and_the_code_answered) {
    struct storage_message message;
    ck_assert_int_eq(failure_tell(&message, STORAGE_LOCKED, "%s is %d", "x", 5), STORAGE_LOCKED);
    ck_assert_str_eq(message.text, "x is 5");
}
END_TEST

START_TEST(nobody_need_listen) {
    ck_assert_int_eq(failure_tell(NULL, STORAGE_FAILED, "x"), STORAGE_FAILED);
}
END_TEST

START_TEST(a_long_sentence_is_cut_and_stays_a_text) {
    struct storage_message message;
    char text[2 * sizeof message.text];
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    failure_tell(&message, STORAGE_FAILED, "%s", text);
    ck_assert_uint_eq(strlen(message.text), sizeof message.text - 1);
}
END_TEST

START_TEST(control_characters_become_spaces) {
    struct storage_message message;
    failure_tell(&message, STORAGE_FAILED, "%s", "a\nb\x1b[31m\x7f");
    ck_assert_str_eq(message.text, "a b [31m ");
}
END_TEST

static void add_tests(TCase *tcase) {
    tcase_add_test(tcase, the_sentence_is_told_and_the_code_answered);
    tcase_add_test(tcase, nobody_need_listen);
    tcase_add_test(tcase, a_long_sentence_is_cut_and_stays_a_text);
    tcase_add_test(tcase, control_characters_become_spaces);
}

CHECK_MAIN("failure", add_tests)
