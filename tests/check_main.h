/* The main function of a unit test program: one Check suite, one process a test, exit 1 when a test failed. */
#ifndef RAFTD_TESTS_CHECK_MAIN_H
#define RAFTD_TESTS_CHECK_MAIN_H

#include <check.h>
#include <stdlib.h>

/* Defines main for the suite `name`; `add_tests` puts the tests into the case with tcase_add_test. */
#define CHECK_MAIN(name, add_tests)                                                                                        \
    int main(void) {                                                                                                       \
        Suite *suite = suite_create(name);                                                                                 \
        TCase *tcase = tcase_create(name);                                                                                 \
        tcase_set_timeout(tcase, 60);                                                                                      \
        add_tests(tcase);                                                                                                  \
        suite_add_tcase(suite, tcase);                                                                                     \
        SRunner *runner = srunner_create(suite);                                                                           \
        srunner_run_all(runner, CK_NORMAL);                                                                                \
        int failed = srunner_ntests_failed(runner);                                                                        \
        srunner_free(runner);                                                                                              \
        return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;                                                                  \
    }

#endif
