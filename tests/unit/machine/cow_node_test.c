#include "tests/unit/machine/tree.h"

#include "tests/check_main.h"

/* A leaf with the keys first, first + 1, ... */
static struct cow_node *leaf_of(unsigned first, size_t count) {
    struct cow_node *leaf = cow_node_create(true);
    for (unsigned i = 0; i < count; i++) {
        cow_node_insert(leaf, i, tree_pair(tree_key(first + i).text, "0"));
    }
    return leaf;
}

/* Two leaves under one pair: 0 to left - 1 | 1000 | 2000 to 2000 + right - 1. */
static struct cow_node *family_of(size_t left, size_t right) {
    struct cow_node *parent = cow_node_create(false);
    parent->count = 1;
    parent->pairs[0] = tree_pair(tree_key(1000).text, "0");
    parent->children[0] = leaf_of(0, left);
    parent->children[1] = leaf_of(2000, right);
    return parent;
}

static void check_pair(const struct pair *pair, unsigned number) {
    ck_assert_int_eq(pair_compare(tree_key(number).text, 6, pair), 0);
}

/* The pairs below `node` ascend, and there are `count` of them. */
static void check_family(struct cow_node *node, uint64_t count) {
    struct tree_walk walk = {0};
    for (size_t i = 0; i <= node->count; i++) {
        tree_check_node(&walk, node->children[i], 2);
        if (i < node->count) {
            tree_check_pair(&walk, node->pairs[i]);
        }
    }
    ck_assert_uint_eq(walk.pairs, count);
}

START_TEST(a_search_finds_the_pair_or_the_place_for_it) {
    struct cow_node *leaf = cow_node_create(true);
    bool found = true;
    ck_assert_uint_eq(cow_node_search(leaf, "", 0, &found), 0);
    ck_assert(!found);
    for (unsigned i = 0; i < COW_NODE_PAIRS_MAX; i++) {
        cow_node_insert(leaf, i, tree_pair(tree_key(2 * i + 1).text, "0"));
    }
    for (unsigned i = 0; i <= 2 * COW_NODE_PAIRS_MAX; i++) {
        ck_assert_uint_eq(cow_node_search(leaf, tree_key(i).text, 6, &found), i / 2);
        ck_assert(found == (i % 2 == 1));
    }
    cow_node_release(leaf);
}
END_TEST

START_TEST(what_is_inserted_and_extracted_moves_the_others) {
    struct cow_node *leaf = leaf_of(10, 3);
    cow_node_insert(leaf, 1, tree_pair(tree_key(50).text, "0"));
    check_pair(leaf->pairs[0], 10);
    check_pair(leaf->pairs[1], 50);
    check_pair(leaf->pairs[2], 11);
    pair_release(cow_node_extract(leaf, 0));
    ck_assert_uint_eq(leaf->count, 3);
    check_pair(leaf->pairs[0], 50);
    check_pair(leaf->pairs[2], 12);
    cow_node_release(leaf);
}
END_TEST

START_TEST(a_node_of_ones_own_is_not_copied) {
    struct cow_node *leaf = leaf_of(0, 5);
    struct cow_node *slot = leaf;
    ck_assert_ptr_eq(cow_node_own(&slot), leaf);
    ck_assert_ptr_eq(slot, leaf);
    cow_node_release(leaf);
}
END_TEST

START_TEST(a_shared_node_is_copied_but_neither_its_pairs_nor_its_children) {
    struct cow_node *parent = family_of(20, 20);
    struct cow_node *slot = cow_node_retain(parent);
    struct cow_node *copy = cow_node_own(&slot);
    ck_assert_ptr_ne(copy, parent);
    ck_assert_ptr_eq(slot, copy);
    ck_assert_uint_eq(parent->references, 1);
    ck_assert_uint_eq(copy->references, 1);
    ck_assert_ptr_eq(copy->pairs[0], parent->pairs[0]);
    ck_assert_uint_eq(copy->pairs[0]->references, 2);
    ck_assert_ptr_eq(copy->children[1], parent->children[1]);
    ck_assert_uint_eq(copy->children[1]->references, 2);
    cow_node_release(parent);
    check_family(copy, 41);
    cow_node_release(copy);
}
END_TEST

START_TEST(a_full_child_is_split_in_the_middle) {
    struct cow_node *parent = family_of(COW_NODE_PAIRS_MAX, COW_NODE_PAIRS_MIN);
    cow_node_split(parent, 0);
    ck_assert_uint_eq(parent->count, 2);
    check_pair(parent->pairs[0], COW_NODE_PAIRS_MIN);
    ck_assert_uint_eq(parent->children[0]->count, COW_NODE_PAIRS_MIN);
    ck_assert_uint_eq(parent->children[1]->count, COW_NODE_PAIRS_MIN);
    check_family(parent, COW_NODE_PAIRS_MAX + 1 + COW_NODE_PAIRS_MIN);
    cow_node_release(parent);
}
END_TEST

START_TEST(two_small_children_merge_around_their_pair) {
    struct cow_node *parent = family_of(COW_NODE_PAIRS_MIN, COW_NODE_PAIRS_MIN);
    cow_node_merge(parent, 0);
    ck_assert_uint_eq(parent->count, 0);
    ck_assert_uint_eq(parent->children[0]->count, COW_NODE_PAIRS_MAX);
    check_pair(parent->children[0]->pairs[COW_NODE_PAIRS_MIN], 1000);
    check_family(parent, COW_NODE_PAIRS_MAX);
    cow_node_release(parent);
}
END_TEST

START_TEST(a_rotation_moves_one_pair_over_the_parent) {
    struct cow_node *parent = family_of(COW_NODE_PAIRS_MIN, COW_NODE_PAIRS_MIN + 1);
    cow_node_rotate_left(parent, 0);
    check_pair(parent->pairs[0], 2000);
    check_pair(parent->children[0]->pairs[COW_NODE_PAIRS_MIN], 1000);
    check_family(parent, 2 * COW_NODE_PAIRS_MIN + 2);
    cow_node_rotate_right(parent, 0);
    check_pair(parent->pairs[0], 1000);
    check_pair(parent->children[1]->pairs[0], 2000);
    check_family(parent, 2 * COW_NODE_PAIRS_MIN + 2);
    cow_node_release(parent);
}
END_TEST

START_TEST(a_rotation_takes_the_grandchild_along) {
    struct cow_node *root = cow_node_create(false);
    root->count = 1;
    root->pairs[0] = tree_pair(tree_key(5000).text, "0");
    for (unsigned side = 0; side < 2; side++) {
        struct cow_node *inner = cow_node_create(false);
        inner->count = COW_NODE_PAIRS_MIN + 1;
        for (unsigned i = 0; i <= inner->count; i++) {
            inner->children[i] = leaf_of(side * 6000 + i * 100, COW_NODE_PAIRS_MIN);
        }
        for (unsigned i = 0; i < inner->count; i++) {
            inner->pairs[i] = tree_pair(tree_key(side * 6000 + i * 100 + 50).text, "0");
        }
        root->children[side] = inner;
    }
    struct cow_node *moved = root->children[1]->children[0];
    uint64_t count = 1 + 2 * (COW_NODE_PAIRS_MIN + 1) + 2 * (COW_NODE_PAIRS_MIN + 2) * COW_NODE_PAIRS_MIN;
    check_family(root, count);
    cow_node_rotate_left(root, 0);
    ck_assert_ptr_eq(root->children[0]->children[COW_NODE_PAIRS_MIN + 2], moved);
    check_family(root, count);
    cow_node_rotate_right(root, 0);
    ck_assert_ptr_eq(root->children[1]->children[0], moved);
    check_family(root, count);
    cow_node_release(root);
}
END_TEST

START_TEST(a_rotation_changes_no_shared_child) {
    struct cow_node *parent = family_of(COW_NODE_PAIRS_MIN, COW_NODE_PAIRS_MIN + 1);
    struct cow_node *left = cow_node_retain(parent->children[0]);
    struct cow_node *right = cow_node_retain(parent->children[1]);
    cow_node_rotate_left(parent, 0);
    ck_assert_ptr_ne(parent->children[0], left);
    ck_assert_ptr_ne(parent->children[1], right);
    ck_assert_uint_eq(left->count, COW_NODE_PAIRS_MIN);
    check_pair(left->pairs[COW_NODE_PAIRS_MIN - 1], COW_NODE_PAIRS_MIN - 1);
    ck_assert_uint_eq(right->count, COW_NODE_PAIRS_MIN + 1);
    check_pair(right->pairs[0], 2000);
    cow_node_release(parent);
    cow_node_release(left);
    cow_node_release(right);
    cow_node_release(NULL);
}
END_TEST

START_TEST(a_merge_changes_no_shared_child) {
    struct cow_node *parent = family_of(COW_NODE_PAIRS_MIN, COW_NODE_PAIRS_MIN);
    struct cow_node *left = cow_node_retain(parent->children[0]);
    struct cow_node *right = cow_node_retain(parent->children[1]);
    cow_node_merge(parent, 0);
    ck_assert_uint_eq(left->count, COW_NODE_PAIRS_MIN);
    ck_assert_uint_eq(right->count, COW_NODE_PAIRS_MIN);
    struct cow_node *merged = cow_node_retain(parent->children[0]);
    cow_node_split(parent, 0);
    ck_assert_uint_eq(merged->count, COW_NODE_PAIRS_MAX);
    cow_node_release(parent);
    check_pair(left->pairs[0], 0);
    check_pair(right->pairs[0], 2000);
    check_pair(merged->pairs[COW_NODE_PAIRS_MIN], 1000);
    cow_node_release(left);
    cow_node_release(right);
    cow_node_release(merged);
}
END_TEST

static void add_tests(TCase *tcase) {
    tcase_add_test(tcase, a_search_finds_the_pair_or_the_place_for_it);
    tcase_add_test(tcase, what_is_inserted_and_extracted_moves_the_others);
    tcase_add_test(tcase, a_node_of_ones_own_is_not_copied);
    tcase_add_test(tcase, a_shared_node_is_copied_but_neither_its_pairs_nor_its_children);
    tcase_add_test(tcase, a_full_child_is_split_in_the_middle);
    tcase_add_test(tcase, two_small_children_merge_around_their_pair);
    tcase_add_test(tcase, a_rotation_moves_one_pair_over_the_parent);
    tcase_add_test(tcase, a_rotation_takes_the_grandchild_along);
    tcase_add_test(tcase, a_rotation_changes_no_shared_child);
    tcase_add_test(tcase, a_merge_changes_no_shared_child);
}

CHECK_MAIN("cow_node", add_tests)
