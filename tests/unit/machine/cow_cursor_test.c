#include "server/machine/cow_cursor.h"

#include "tests/check_main.h"
#include "tests/unit/machine/tree.h"

/* A tree of the odd numbers below 2 * count. */
static struct cow_tree odd_tree(unsigned count) {
    struct cow_tree tree = {0};
    for (unsigned i = 0; i < count; i++) {
        tree_put(&tree, 2 * i + 1, (int)(2 * i + 1));
    }
    return tree;
}

/* The walk from `from` on shows every odd number from there to the end, once and in order. */
static void check_walk(const struct cow_tree *tree, unsigned from, bool beyond, unsigned end) {
    struct cow_cursor cursor = cow_cursor_seek(tree, tree_key(from).text, 6, beyond);
    unsigned expected = from % 2 == 0 ? from + 1 : beyond ? from + 2 : from;
    for (; expected < end; expected += 2) {
        ck_assert_int_eq(tree_value(cow_cursor_next(&cursor)), (int)expected);
    }
    ck_assert_ptr_null(cow_cursor_next(&cursor));
    ck_assert_ptr_null(cow_cursor_next(&cursor));
}

START_TEST(a_walk_through_nothing_ends_at_once) {
    struct cow_tree tree = {0};
    check_walk(&tree, 0, false, 0);
    check_walk(&tree, 0, true, 0);
}
END_TEST

START_TEST(a_walk_can_begin_anywhere) {
    /* As high as one, two and three levels. */
    static const unsigned counts[] = {1, 20, 500, 1100};
    unsigned count = counts[_i];
    struct cow_tree tree = odd_tree(count);
    for (unsigned from = 0; from <= 2 * count; from += count < 100 ? 1 : 7) {
        check_walk(&tree, from, false, 2 * count);
        check_walk(&tree, from, true, 2 * count);
    }
    cow_tree_clear(&tree);
}
END_TEST

START_TEST(the_empty_key_begins_at_the_first_pair) {
    struct cow_tree tree = odd_tree(100);
    struct cow_cursor cursor = cow_cursor_seek(&tree, "", 0, false);
    ck_assert_int_eq(tree_value(cow_cursor_next(&cursor)), 1);
    ck_assert_ptr_null(cow_tree_put(&tree, tree_pair("", "0")));
    cursor = cow_cursor_seek(&tree, "", 0, false);
    ck_assert_int_eq(tree_value(cow_cursor_next(&cursor)), 0);
    cursor = cow_cursor_seek(&tree, "", 0, true);
    ck_assert_int_eq(tree_value(cow_cursor_next(&cursor)), 1);
    cow_tree_clear(&tree);
}
END_TEST

START_TEST(a_walk_through_a_view_does_not_see_later_changes) {
    struct cow_tree tree = odd_tree(1000);
    struct cow_tree view = cow_tree_share(&tree);
    struct cow_cursor cursor = cow_cursor_seek(&view, "", 0, false);
    for (unsigned i = 1; i < 2000; i += 2) {
        ck_assert_int_eq(tree_value(cow_cursor_next(&cursor)), (int)i);
        tree_remove(&tree, (i * 7) % 2000);
        tree_put(&tree, (i * 13) % 2000, -5);
    }
    ck_assert_ptr_null(cow_cursor_next(&cursor));
    cow_tree_clear(&view);
    cow_tree_clear(&tree);
}
END_TEST

static void add_tests(TCase *tcase) {
    tcase_add_test(tcase, a_walk_through_nothing_ends_at_once);
    tcase_add_loop_test(tcase, a_walk_can_begin_anywhere, 0, 4);
    tcase_add_test(tcase, the_empty_key_begins_at_the_first_pair);
    tcase_add_test(tcase, a_walk_through_a_view_does_not_see_later_changes);
}

CHECK_MAIN("cow_cursor", add_tests)
