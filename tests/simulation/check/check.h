/* Stands in for Check where the harness of tests/unit/server is built into the simulator, which is no test suite: what a
 * suite would report as a failed test ends the process here, as a violation (exit code of simulation.h). */
#ifndef TESTS_SIMULATION_CHECK_H
#define TESTS_SIMULATION_CHECK_H

#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

/* Ends the process; defined in verdict.c. */
_Noreturn void simulation_violated(const char *file, int line, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
_Noreturn void simulation_stuck(const char *file, int line, const char *format, ...) __attribute__((format(printf, 3, 4)));

#define CLUSTER_STUCK(...)   simulation_stuck(__FILE__, __LINE__, __VA_ARGS__)
#define ck_abort_msg(...)    simulation_violated(__FILE__, __LINE__, __VA_ARGS__)
#define ck_assert(condition) ck_assert_msg(condition, "%s", #condition)
#define ck_assert_msg(condition, ...)                                                                                      \
    do {                                                                                                                   \
        if (!(condition)) {                                                                                                \
            simulation_violated(__FILE__, __LINE__, __VA_ARGS__);                                                          \
        }                                                                                                                  \
    } while (0)

#define CHECK_COMPARE(left, operator, right, type, format)                                                                 \
    do {                                                                                                                   \
        type left_value = (type)(left);                                                                                    \
        type right_value = (type)(right);                                                                                  \
        if (!(left_value operator right_value)) {                                                                          \
            simulation_violated(__FILE__, __LINE__, "%s " #operator" %s: %" format " and %" format, #left, #right,         \
                                left_value, right_value);                                                                  \
        }                                                                                                                  \
    } while (0)

#define ck_assert_int_eq(left, right)  CHECK_COMPARE(left, ==, right, intmax_t, PRIdMAX)
#define ck_assert_uint_eq(left, right) CHECK_COMPARE(left, ==, right, uintmax_t, PRIuMAX)
#define ck_assert_uint_ne(left, right) CHECK_COMPARE(left, !=, right, uintmax_t, PRIuMAX)
#define ck_assert_uint_lt(left, right) CHECK_COMPARE(left, <, right, uintmax_t, PRIuMAX)
#define ck_assert_uint_le(left, right) CHECK_COMPARE(left, <=, right, uintmax_t, PRIuMAX)
#define ck_assert_uint_gt(left, right) CHECK_COMPARE(left, >, right, uintmax_t, PRIuMAX)
#define ck_assert_uint_ge(left, right) CHECK_COMPARE(left, >=, right, uintmax_t, PRIuMAX)

#define ck_assert_ptr_null(pointer)    ck_assert_msg((pointer) == NULL, "%s is not NULL", #pointer)
#define ck_assert_ptr_nonnull(pointer) ck_assert_msg((pointer) != NULL, "%s is NULL", #pointer)
#define ck_assert_str_eq(left, right)                                                                                      \
    do {                                                                                                                   \
        const char *left_text = (left);                                                                                    \
        const char *right_text = (right);                                                                                  \
        if (strcmp(left_text, right_text) != 0) {                                                                          \
            simulation_violated(__FILE__, __LINE__, "%s == %s: '%s' and '%s'", #left, #right, left_text, right_text);      \
        }                                                                                                                  \
    } while (0)

#endif
