/* Histories whose verdict is known. */
#include "tests/check_main.h"

#include "tests/linear/linear.h"
#include "tests/linear/linear_task.h"

enum { A = 1, B, C };

static struct linear_operation get(uint64_t invoked, uint64_t returned, uint64_t seen) {
    return (struct linear_operation){
        .invoked = invoked, .returned = returned, .kind = LINEAR_READ, .seen = seen, .seen_known = true};
}

static struct linear_operation put(uint64_t invoked, uint64_t returned, uint64_t value) {
    return (struct linear_operation){.invoked = invoked, .returned = returned, .kind = LINEAR_WRITE, .value = value};
}

static struct linear_operation put_was(uint64_t invoked, uint64_t returned, uint64_t value, uint64_t was) {
    struct linear_operation operation = put(invoked, returned, value);
    operation.seen = was;
    operation.seen_known = true;
    return operation;
}

static struct linear_operation swap(uint64_t invoked, uint64_t returned, uint64_t expected, uint64_t value, bool taken) {
    return (struct linear_operation){.invoked = invoked,
                                     .returned = returned,
                                     .kind = LINEAR_SWAP,
                                     .expected = expected,
                                     .value = value,
                                     .taken = taken};
}

#define LIST(...)                                                                                                          \
    (struct linear_operation[]) {                                                                                          \
        __VA_ARGS__                                                                                                        \
    }
#define CHECK(...) linear_check(LIST(__VA_ARGS__), sizeof(LIST(__VA_ARGS__)) / sizeof(struct linear_operation), 0, &report)
#define FITS(...)  ck_assert_int_eq(CHECK(__VA_ARGS__), LINEAR_YES)
#define CULPRIT(which, ...)                                                                                                \
    do {                                                                                                                   \
        ck_assert_int_eq(CHECK(__VA_ARGS__), LINEAR_NO);                                                                   \
        ck_assert_uint_eq(report.culprit, which);                                                                          \
    } while (0)

static struct linear_report report;

START_TEST(nothing_is_linearizable) {
    ck_assert_int_eq(linear_check(NULL, 0, 0, &report), LINEAR_YES);
    FITS(get(1, 2, LINEAR_ABSENT));
    CULPRIT(0, get(1, 2, A));
}
END_TEST

START_TEST(herlihy_and_wing_registers) {
    /* Figure 2 of 1990, on a register: overlapping writes may go in either order, but all see the same one. */
    FITS(put(0, 10, A), put(1, 9, B), get(11, 12, A), get(13, 14, A));
    FITS(put(0, 10, A), put(1, 9, B), get(11, 12, B), get(13, 14, B));
    CULPRIT(3, put(0, 10, A), put(1, 9, B), get(11, 12, A), get(13, 14, B));
    FITS(put(0, 10, A), get(1, 2, LINEAR_ABSENT), get(3, 4, A));
}
END_TEST

START_TEST(a_read_does_not_go_back) {
    CULPRIT(2, put(0, 10, A), get(1, 3, A), get(4, 6, LINEAR_ABSENT));
    CULPRIT(2, put(0, 1, A), put(2, 3, B), get(4, 5, A));
    CULPRIT(1, put(0, 1, A), get(2, 3, C));
}
END_TEST

START_TEST(an_update_is_not_lost) {
    CULPRIT(2, put(0, 1, A), put_was(2, 3, B, A), put_was(4, 5, C, A));
    FITS(put(0, 1, A), put_was(2, 3, B, A), put_was(4, 5, C, B));
    CULPRIT(2, put(0, 1, A), swap(2, 5, A, B, true), swap(3, 6, A, C, true));
    FITS(put(0, 1, A), swap(2, 5, A, B, true), swap(3, 6, A, C, false));
    CULPRIT(1, put(0, 1, A), swap(2, 3, A, B, false));
}
END_TEST

START_TEST(a_swap_that_contradicts_itself_fits_nowhere) {
    struct linear_operation wrong = swap(2, 3, A, B, true);
    wrong.seen_known = true;
    wrong.seen = C;
    CULPRIT(1, put(0, 1, A), wrong);
    wrong = swap(2, 3, A, B, false);
    wrong.seen_known = true;
    wrong.seen = A;
    CULPRIT(1, put(0, 1, A), wrong);
}
END_TEST

START_TEST(an_unknown_write_takes_effect_late_or_never) {
    FITS(put(0, LINEAR_NEVER, A), get(5, 6, LINEAR_ABSENT), get(100, 101, A));
    FITS(put(0, LINEAR_NEVER, A), get(100, 101, LINEAR_ABSENT));
    CULPRIT(2, put(0, LINEAR_NEVER, A), get(5, 6, A), get(7, 8, LINEAR_ABSENT));
    CULPRIT(0, get(1, 2, A), put(3, LINEAR_NEVER, A));
    CULPRIT(4, put(0, LINEAR_NEVER, A), put(1, 2, B), get(3, 4, A), put(5, 6, B), get(7, 8, A));
}
END_TEST

START_TEST(an_unknown_removal_and_an_unknown_swap) {
    FITS(put(0, 1, A), put(2, LINEAR_NEVER, LINEAR_ABSENT), get(3, 4, A), get(5, 6, LINEAR_ABSENT));
    FITS(put(0, 1, A), swap(2, LINEAR_NEVER, A, B, false), swap(2, LINEAR_NEVER, B, C, false), get(5, 6, C));
    CULPRIT(3, put(0, 1, A), swap(2, LINEAR_NEVER, A, B, false), get(3, 4, B), get(5, 6, A));
    CULPRIT(2, put(0, 1, A), swap(2, LINEAR_NEVER, C, B, false), get(5, 6, B));
    /* Only a write that nobody sees explains why the swap failed. */
    FITS(put(0, 1, A), put(2, LINEAR_NEVER, B), swap(3, 4, A, C, false));
}
END_TEST

START_TEST(an_unknown_removal_is_used_once_and_not_before_it_was_asked_for) {
    struct linear_operation removal = put(0, LINEAR_NEVER, LINEAR_ABSENT);
    CULPRIT(5, put(0, 1, A), removal, get(2, 3, LINEAR_ABSENT), put(4, 5, A), swap(6, 20, LINEAR_ABSENT, B, true),
            get(7, 9, B));
    FITS(put(0, 1, A), removal, removal, get(2, 3, LINEAR_ABSENT), put(4, 5, A), swap(6, 20, LINEAR_ABSENT, B, true),
         get(7, 9, B));
    CULPRIT(2, put(0, 1, A), swap(6, 20, LINEAR_ABSENT, B, true), get(7, 9, B), put(10, LINEAR_NEVER, LINEAR_ABSENT));
}
END_TEST

START_TEST(an_order_that_spares_an_unknown_removal_is_tried_though_one_that_used_it_failed) {
    FITS(put(0, 10, C), swap(0, 10, LINEAR_ABSENT, C, true), put(0, LINEAR_NEVER, LINEAR_ABSENT), put(11, 12, B),
         get(11, 20, LINEAR_ABSENT));
}
END_TEST

START_TEST(a_value_comes_and_goes_before_an_unknown_removal) {
    struct linear_operation history[] = {put(2, LINEAR_NEVER, A),         put(3, LINEAR_NEVER, LINEAR_ABSENT),
                                         put_was(6, 6, B, LINEAR_ABSENT), get(6, 6, A),
                                         swap(7, 7, B, C, true),          get(9, 9, C)};
    size_t chosen[] = {0, 1, 2, 3, 4, 5};
    struct linear_task task;
    linear_task_make(&task, history, chosen, 6);
    size_t culprit;
    uint64_t steps = 0;
    ck_assert_int_eq(linear_search_breadth(&task, 0, &culprit, &steps), LINEAR_YES);
    linear_task_free(&task);
}
END_TEST

START_TEST(at_the_same_moment_counts_as_at_the_same_time) {
    FITS(get(0, 5, A), put(5, 6, A));
    CULPRIT(0, get(0, 4, A), put(5, 6, A));
    FITS(put(5, 5, A), get(5, 5, LINEAR_ABSENT));
}
END_TEST

START_TEST(keys_do_not_know_of_each_other) {
    struct linear_operation other = get(2, 3, B);
    other.key = 7;
    ck_assert_int_eq(CHECK(put(0, 1, A), get(4, 5, A), other), LINEAR_NO);
    ck_assert_uint_eq(report.key, 7);
    ck_assert_uint_eq(report.culprit, 2);
}
END_TEST

START_TEST(too_many_steps_are_undecided) {
    struct linear_operation history[20];
    for (size_t i = 0; i < 20; i++)
        history[i] = put(0, 100, i + 1);
    ck_assert_int_eq(linear_check(history, 20, 5, &report), LINEAR_UNDECIDED);
    ck_assert_int_eq(linear_check(history, 20, 0, &report), LINEAR_YES);
}
END_TEST

static void add_tests(TCase *tcase) {
    tcase_add_test(tcase, nothing_is_linearizable);
    tcase_add_test(tcase, herlihy_and_wing_registers);
    tcase_add_test(tcase, a_read_does_not_go_back);
    tcase_add_test(tcase, an_update_is_not_lost);
    tcase_add_test(tcase, a_swap_that_contradicts_itself_fits_nowhere);
    tcase_add_test(tcase, an_unknown_write_takes_effect_late_or_never);
    tcase_add_test(tcase, an_unknown_removal_and_an_unknown_swap);
    tcase_add_test(tcase, an_unknown_removal_is_used_once_and_not_before_it_was_asked_for);
    tcase_add_test(tcase, an_order_that_spares_an_unknown_removal_is_tried_though_one_that_used_it_failed);
    tcase_add_test(tcase, a_value_comes_and_goes_before_an_unknown_removal);
    tcase_add_test(tcase, at_the_same_moment_counts_as_at_the_same_time);
    tcase_add_test(tcase, keys_do_not_know_of_each_other);
    tcase_add_test(tcase, too_many_steps_are_undecided);
}

CHECK_MAIN("linear", add_tests)
