/* The main function of a unit test program: one Check suite, exit 1 when a test failed. */
#ifndef RAFTD_TESTS_CHECK_MAIN_H
#define RAFTD_TESTS_CHECK_MAIN_H

#include <check.h>
#include <stdlib.h>

#define CHECK_MAIN_WITH(name, add_tests, fork_status)                                                                      \
    int main(void) {                                                                                                       \
        Suite *suite = suite_create(name);                                                                                 \
        TCase *tcase = tcase_create(name);                                                                                 \
        tcase_set_timeout(tcase, 60);                                                                                      \
        add_tests(tcase);                                                                                                  \
        suite_add_tcase(suite, tcase);                                                                                     \
        SRunner *runner = srunner_create(suite);                                                                           \
        srunner_set_fork_status(runner, fork_status);                                                                      \
        srunner_run_all(runner, CK_NORMAL);                                                                                \
        int failed = srunner_ntests_failed(runner);                                                                        \
        srunner_free(runner);                                                                                              \
        return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;                                                                  \
    }

/* Defines main for the suite `name`; `add_tests` puts the tests into the case with tcase_add_test. The variable CK_FORK
 * chooses whether each test is a process of its own; a test must not rely on it. */
#define CHECK_MAIN(name, add_tests) CHECK_MAIN_WITH(name, add_tests, CK_FORK_GETENV)

/* Each test is a process of its own: for those that end by a signal or exit, take descriptors or memory away, or leave
 * something in the process that another test would find. */
#define CHECK_MAIN_APART(name, add_tests) CHECK_MAIN_WITH(name, add_tests, CK_FORK)

#endif
