/* What must be true of every tree, checked node by node; and pairs to fill trees with. */
#ifndef RAFTD_TESTS_MACHINE_TREE_H
#define RAFTD_TESTS_MACHINE_TREE_H

#include "server/machine/cow_tree.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct tree_walk {
    const struct pair *last;
    uint64_t pairs;
    size_t leaf_level; /* 0: no leaf was seen yet. */
};

static inline void tree_check_pair(struct tree_walk *walk, const struct pair *pair) {
    ck_assert_uint_gt(pair->references, 0);
    if (walk->last != NULL) {
        ck_assert_int_gt(pair_compare(pair->bytes, pair->key_size, walk->last), 0);
    }
    walk->last = pair;
    walk->pairs++;
}

static inline void tree_check_node(struct tree_walk *walk, const struct cow_node *node, size_t level) {
    ck_assert_uint_gt(node->references, 0);
    ck_assert_uint_le(node->count, COW_NODE_PAIRS_MAX);
    ck_assert_uint_ge(node->count, level == 1 ? 1 : COW_NODE_PAIRS_MIN);
    for (size_t i = 0; i < node->count; i++) {
        if (!node->leaf) {
            tree_check_node(walk, node->children[i], level + 1);
        }
        tree_check_pair(walk, node->pairs[i]);
    }
    if (!node->leaf) {
        tree_check_node(walk, node->children[node->count], level + 1);
        return;
    }
    ck_assert(walk->leaf_level == 0 || walk->leaf_level == level);
    walk->leaf_level = level;
}

/* Keys ascend, nodes are neither too small nor too large, all leaves are equally deep, the count is right. */
static inline void tree_check(const struct cow_tree *tree) {
    struct tree_walk walk = {0};
    if (tree->root != NULL) {
        tree_check_node(&walk, tree->root, 1);
    }
    ck_assert_uint_eq(walk.pairs, tree->count);
}

static inline struct pair *tree_pair(const char *key, const char *value) {
    return pair_create(key, strlen(key), (struct json_span){.data = value, .size = strlen(value)});
}

/* Keys whose byte order is the order of their numbers. */
struct tree_key {
    char text[16];
};

static inline struct tree_key tree_key(unsigned number) {
    struct tree_key key;
    snprintf(key.text, sizeof key.text, "%06u", number % 1000000);
    return key;
}

/* The number that a pair holds; -1 for no pair. */
static inline int tree_value(const struct pair *pair) {
    char text[16] = {0};
    if (pair == NULL) {
        return -1;
    }
    memcpy(text, pair_value(pair).data, pair->value_size);
    return atoi(text);
}

/* Puts number -> value; answers the value before, -1 when there was none. */
static inline int tree_put(struct cow_tree *tree, unsigned number, int value) {
    char text[16];
    snprintf(text, sizeof text, "%d", value);
    struct pair *previous = cow_tree_put(tree, tree_pair(tree_key(number).text, text));
    int before = tree_value(previous);
    pair_release(previous);
    return before;
}

static inline int tree_get(const struct cow_tree *tree, unsigned number) {
    return tree_value(cow_tree_get(tree, tree_key(number).text, strlen(tree_key(number).text)));
}

static inline int tree_remove(struct cow_tree *tree, unsigned number) {
    struct pair *pair = cow_tree_remove(tree, tree_key(number).text, strlen(tree_key(number).text));
    int value = tree_value(pair);
    pair_release(pair);
    return value;
}

#endif
