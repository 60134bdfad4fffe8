/* Check's assertions for programs that Check does not run: the helpers of the unit tests abort where they would fail.
 * Included before those. */
#ifndef RAFTD_TESTS_FUZZ_CHECK_HERE_H
#define RAFTD_TESTS_FUZZ_CHECK_HERE_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The guard of <check.h>: it is not wanted any more. */
#define CHECK_H

#define ck_abort_msg(...)                                                                                                  \
    do {                                                                                                                   \
        fprintf(stderr, "%s:%d: ", __FILE__, __LINE__);                                                                    \
        fprintf(stderr, __VA_ARGS__);                                                                                      \
        fputc('\n', stderr);                                                                                               \
        abort();                                                                                                           \
    } while (0)
#define ck_assert_msg(truth, ...)                                                                                          \
    do {                                                                                                                   \
        if (!(truth)) {                                                                                                    \
            ck_abort_msg(__VA_ARGS__);                                                                                     \
        }                                                                                                                  \
    } while (0)
#define ck_assert(truth)               ck_assert_msg(truth, "%s", #truth)
#define ck_assert_ptr_null(pointer)    ck_assert((pointer) == NULL)
#define ck_assert_ptr_nonnull(pointer) ck_assert((pointer) != NULL)
#define ck_assert_int_eq(left, right)  ck_assert((left) == (right))
#define ck_assert_uint_eq(left, right) ck_assert((left) == (right))
#define ck_assert_uint_ne(left, right) ck_assert((left) != (right))
#define ck_assert_uint_lt(left, right) ck_assert((left) < (right))
#define ck_assert_uint_le(left, right) ck_assert((left) <= (right))
#define ck_assert_uint_gt(left, right) ck_assert((left) > (right))
#define ck_assert_uint_ge(left, right) ck_assert((left) >= (right))
#define ck_assert_str_eq(left, right)  ck_assert(strcmp(left, right) == 0)

#endif
