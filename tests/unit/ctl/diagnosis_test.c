#include "api/ctl/diagnosis.h"

#include "tests/check_main.h"

#include <stdlib.h>
#include <string.h>

static bool healthy;

/* What is told of an answer; NULL: it is none. Free it. */
static char *told(const char *answer) {
    char *text;
    size_t size;
    FILE *file = open_memstream(&text, &size);
    bool well = diagnosis_show(answer, strlen(answer), file, &healthy);
    fclose(file);
    if (!well) {
        ck_assert_str_eq(text, "");
        free(text);
        return NULL;
    }
    return text;
}

START_TEST(each_finding_has_its_evidence_and_what_to_do) {
    char *text = told("{\"node\":1,\"healthy\":false,\"findings\":["
                      "{\"severity\":\"problem\",\"problem\":\"a\",\"evidence\":\"b\",\"command\":\"c\"},"
                      "{\"severity\":\"warning\",\"problem\":\"d\",\"evidence\":\"e\",\"command\":\"f\"},"
                      "{\"severity\":\"hint\",\"problem\":\"g\",\"evidence\":\"h\",\"command\":\"i\"}]}");
    ck_assert_str_eq(text, "PROBLEM  a\n         evidence: b\n         do:       c\n"
                           "WARNING  d\n         evidence: e\n         do:       f\n"
                           "HINT     g\n         evidence: h\n         do:       i\n");
    ck_assert(!healthy);
    free(text);
}
END_TEST

START_TEST(health_is_told) {
    char *text = told(" {\"findings\":[],\"healthy\":true} ");
    ck_assert_str_eq(text, "nothing wrong was found\n");
    ck_assert(healthy);
    free(text);
}
END_TEST

START_TEST(a_terminal_gets_no_control_characters) {
    char *text = told("{\"healthy\":false,\"findings\":[{\"severity\":1,\"problem\":\"a\\u001b[2Jb\\u0000\\u007f\"},7]}");
    ck_assert_str_eq(text, "HINT     a [2Jb  \n         evidence: \n         do:       \n");
    free(text);
}
END_TEST

START_TEST(it_can_be_judged_without_a_word) {
    static const char text[] = "{\"healthy\":true,\"findings\":[]}";
    healthy = false;
    ck_assert(diagnosis_show(text, sizeof text - 1, NULL, &healthy));
    ck_assert(healthy);
}
END_TEST

START_TEST(what_is_no_diagnosis_is_none) {
    static const char *const none[] = {
        "", "{", "[]", "{\"healthy\":true}", "{\"findings\":[]}", "{\"healthy\":true,\"findings\":{}}"};
    for (size_t i = 0; i < sizeof none / sizeof none[0]; i++) {
        ck_assert_ptr_null(told(none[i]));
    }
}
END_TEST

static void add_tests(TCase *tcase) {
    tcase_add_test(tcase, each_finding_has_its_evidence_and_what_to_do);
    tcase_add_test(tcase, health_is_told);
    tcase_add_test(tcase, a_terminal_gets_no_control_characters);
    tcase_add_test(tcase, it_can_be_judged_without_a_word);
    tcase_add_test(tcase, what_is_no_diagnosis_is_none);
}

CHECK_MAIN("diagnosis", add_tests)
