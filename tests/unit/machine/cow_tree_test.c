#include "tests/unit/machine/tree.h"

#include "tests/check_main.h"
#include "tests/unit/machine/driver.h"

enum { MANY = 3000 };

START_TEST(an_empty_tree_holds_nothing) {
    struct cow_tree tree = {0};
    ck_assert_ptr_null(cow_tree_get(&tree, "", 0));
    ck_assert_int_eq(tree_get(&tree, 1), -1);
    tree_check(&tree);
    cow_tree_clear(&tree);
}
END_TEST

START_TEST(a_put_answers_what_it_replaced) {
    struct cow_tree tree = {0};
    ck_assert_int_eq(tree_put(&tree, 7, 1), -1);
    ck_assert_int_eq(tree_put(&tree, 7, 2), 1);
    ck_assert_int_eq(tree_put(&tree, 7, 3), 2);
    ck_assert_int_eq(tree_get(&tree, 7), 3);
    ck_assert_uint_eq(tree.count, 1);
    cow_tree_clear(&tree);
    ck_assert_ptr_null(tree.root);
    ck_assert_uint_eq(tree.count, 0);
}
END_TEST

START_TEST(the_empty_key_is_a_key) {
    struct cow_tree tree = {0};
    ck_assert_ptr_null(cow_tree_put(&tree, tree_pair("", "5")));
    ck_assert_int_eq(tree_put(&tree, 1, 6), -1);
    ck_assert_int_eq(tree_value(cow_tree_get(&tree, "", 0)), 5);
    tree_check(&tree);
    cow_tree_clear(&tree);
}
END_TEST

/* The orders that break trees: up, down, and from both ends. */
static unsigned up(unsigned i) {
    return i;
}
static unsigned down(unsigned i) {
    return MANY - 1 - i;
}
static unsigned inwards(unsigned i) {
    return i % 2 == 0 ? i / 2 : MANY - 1 - i / 2;
}
static unsigned (*const orders[])(unsigned) = {up, down, inwards};

START_TEST(a_tree_stays_a_tree_in_whatever_order_it_grows) {
    struct cow_tree tree = {0};
    for (unsigned i = 0; i < MANY; i++) {
        ck_assert_int_eq(tree_put(&tree, orders[_i](i), (int)i), -1);
        if (i % 64 == 0) {
            tree_check(&tree);
        }
    }
    tree_check(&tree);
    for (unsigned i = 0; i < MANY; i++) {
        ck_assert_int_eq(tree_get(&tree, orders[_i](i)), (int)i);
    }
    ck_assert_int_eq(tree_get(&tree, MANY), -1);
    cow_tree_clear(&tree);
}
END_TEST

/* The naive map: an array from number to value, -1 for none. */
struct model {
    int values[MANY];
};

static void check_equal(const struct cow_tree *tree, const struct model *model) {
    tree_check(tree);
    uint64_t count = 0;
    for (unsigned i = 0; i < MANY; i++) {
        ck_assert_int_eq(tree_get(tree, i), model->values[i]);
        count += model->values[i] != -1;
    }
    ck_assert_uint_eq(tree->count, count);
}

START_TEST(random_changes_and_views_agree_with_an_array) {
    uint64_t seed = 0x9e3779b97f4a7c15u + (uint64_t)_i;
    enum { VIEWS = 4, STEPS = 40000 };
    struct cow_tree tree = {0};
    struct cow_tree views[VIEWS] = {{0}};
    struct model model;
    struct model seen[VIEWS];
    memset(&model, 0xff, sizeof model);
    memset(seen, 0xff, sizeof seen);
    /* Ranges of different width: few keys that are removed and come back, and many. */
    unsigned range = _i % 2 == 0 ? MANY : 200;
    for (int step = 0; step < STEPS; step++) {
        unsigned key = (unsigned)(draw(&seed) % range);
        /* The map grows in the first half and shrinks in the second. */
        if (draw(&seed) % 8 < (step < STEPS / 2 ? 6u : 2u)) {
            ck_assert_int_eq(tree_put(&tree, key, step), model.values[key]);
            model.values[key] = step;
        } else {
            ck_assert_int_eq(tree_remove(&tree, key), model.values[key]);
            model.values[key] = -1;
        }
        if (draw(&seed) % 2000 == 0) {
            unsigned view = (unsigned)(draw(&seed) % VIEWS);
            check_equal(&views[view], &seen[view]);
            cow_tree_clear(&views[view]);
            views[view] = cow_tree_share(&tree);
            seen[view] = model;
        }
    }
    check_equal(&tree, &model);
    cow_tree_clear(&tree);
    for (int view = 0; view < VIEWS; view++) {
        check_equal(&views[view], &seen[view]);
        cow_tree_clear(&views[view]);
    }
}
END_TEST

START_TEST(sharing_copies_no_node_and_a_change_only_those_on_its_path) {
    struct cow_tree tree = {0};
    for (unsigned i = 0; i < MANY; i++) {
        tree_put(&tree, i, 0);
    }
    struct cow_tree view = cow_tree_share(&tree);
    ck_assert_ptr_eq(view.root, tree.root);
    tree_put(&tree, 0, 1);
    ck_assert_ptr_ne(view.root, tree.root);
    ck_assert_ptr_ne(view.root->children[0], tree.root->children[0]);
    for (size_t i = 1; i <= tree.root->count; i++) {
        ck_assert_ptr_eq(view.root->children[i], tree.root->children[i]);
    }
    ck_assert_int_eq(tree_get(&view, 0), 0);
    ck_assert_int_eq(tree_get(&tree, 0), 1);
    /* With the view gone the copy is the tree's alone, and the next change is made in place. */
    cow_tree_clear(&view);
    const struct cow_node *root = tree.root;
    tree_put(&tree, 0, 2);
    ck_assert_ptr_eq(tree.root, root);
    cow_tree_clear(&tree);
}
END_TEST

START_TEST(a_view_of_an_empty_tree_stays_empty) {
    struct cow_tree tree = {0};
    struct cow_tree view = cow_tree_share(&tree);
    tree_put(&tree, 1, 1);
    ck_assert_uint_eq(view.count, 0);
    ck_assert_int_eq(tree_get(&view, 1), -1);
    cow_tree_clear(&view);
    cow_tree_clear(&tree);
}
END_TEST

static void add_tests(TCase *tcase) {
    tcase_add_test(tcase, an_empty_tree_holds_nothing);
    tcase_add_test(tcase, a_put_answers_what_it_replaced);
    tcase_add_test(tcase, the_empty_key_is_a_key);
    tcase_add_loop_test(tcase, a_tree_stays_a_tree_in_whatever_order_it_grows, 0, 3);
    tcase_add_loop_test(tcase, random_changes_and_views_agree_with_an_array, 0, 4);
    tcase_add_test(tcase, sharing_copies_no_node_and_a_change_only_those_on_its_path);
    tcase_add_test(tcase, a_view_of_an_empty_tree_stays_empty);
}

CHECK_MAIN("cow_tree", add_tests)
