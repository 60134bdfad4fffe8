#include "tests/unit/machine/tree.h"

#include "tests/check_main.h"

enum { MANY = 3000 };

static struct cow_tree tree_of(unsigned count) {
    struct cow_tree tree = {0};
    for (unsigned i = 0; i < count; i++) {
        tree_put(&tree, i, (int)i);
    }
    return tree;
}

static unsigned up(unsigned i) {
    return i;
}
static unsigned down(unsigned i) {
    return MANY - 1 - i;
}
static unsigned outwards(unsigned i) {
    return i % 2 == 0 ? MANY / 2 + i / 2 : MANY / 2 - 1 - i / 2;
}
/* 1009 has no divisor in common with MANY: every number comes once. */
static unsigned scattered(unsigned i) {
    return i * 1009 % MANY;
}
static unsigned (*const orders[])(unsigned) = {up, down, outwards, scattered};

START_TEST(a_tree_stays_a_tree_in_whatever_order_it_shrinks) {
    struct cow_tree tree = tree_of(MANY);
    for (unsigned i = 0; i < MANY; i++) {
        ck_assert_int_eq(tree_remove(&tree, orders[_i](i)), (int)orders[_i](i));
        ck_assert_int_eq(tree_get(&tree, orders[_i](i)), -1);
        if (i % 64 == 0 || i > MANY - 200) {
            tree_check(&tree);
        }
    }
    ck_assert_uint_eq(tree.count, 0);
    ck_assert_ptr_null(tree.root);
}
END_TEST

START_TEST(every_single_pair_can_go_first) {
    enum { SOME = 300 };
    for (unsigned i = 0; i < SOME; i++) {
        struct cow_tree tree = tree_of(SOME);
        ck_assert_int_eq(tree_remove(&tree, i), (int)i);
        tree_check(&tree);
        for (unsigned k = 0; k < SOME; k++) {
            ck_assert_int_eq(tree_get(&tree, k), k == i ? -1 : (int)k);
        }
        cow_tree_clear(&tree);
    }
}
END_TEST

START_TEST(removing_an_absent_key_changes_and_copies_nothing) {
    struct cow_tree tree = tree_of(500);
    struct cow_tree view = cow_tree_share(&tree);
    ck_assert_int_eq(tree_remove(&tree, 500), -1);
    ck_assert_ptr_eq(tree.root, view.root);
    ck_assert_uint_eq(tree.count, 500);
    cow_tree_clear(&view);
    cow_tree_clear(&tree);
    ck_assert_int_eq(tree_remove(&tree, 1), -1);
}
END_TEST

START_TEST(a_view_keeps_what_is_removed) {
    struct cow_tree tree = tree_of(MANY);
    struct cow_tree view = cow_tree_share(&tree);
    for (unsigned i = 0; i < MANY; i++) {
        ck_assert_int_eq(tree_remove(&tree, scattered(i)), (int)scattered(i));
        if (i % 300 == 0) {
            tree_check(&tree);
            tree_check(&view);
        }
    }
    tree_check(&view);
    for (unsigned i = 0; i < MANY; i++) {
        ck_assert_int_eq(tree_get(&view, i), (int)i);
    }
    cow_tree_clear(&view);
}
END_TEST

static void add_tests(TCase *tcase) {
    tcase_add_loop_test(tcase, a_tree_stays_a_tree_in_whatever_order_it_shrinks, 0, 4);
    tcase_add_test(tcase, every_single_pair_can_go_first);
    tcase_add_test(tcase, removing_an_absent_key_changes_and_copies_nothing);
    tcase_add_test(tcase, a_view_keeps_what_is_removed);
}

CHECK_MAIN("cow_tree_remove", add_tests)
