#include "server/machine/cow_tree.h"

#include <assert.h>
#include <stddef.h>

struct cow_tree cow_tree_share(struct cow_tree *tree) {
    return (struct cow_tree){.root = cow_node_retain(tree->root), .count = tree->count};
}

void cow_tree_clear(struct cow_tree *tree) {
    cow_node_release(tree->root);
    *tree = (struct cow_tree){0};
}

const struct pair *cow_tree_get(const struct cow_tree *tree, const char *key, size_t key_size) {
    const struct cow_node *node = tree->root;
    while (node != NULL) {
        bool found;
        size_t at = cow_node_search(node, key, key_size, &found);
        if (found) {
            return node->pairs[at];
        }
        node = node->leaf ? NULL : node->children[at];
    }
    return NULL;
}

/* An owned root with room for one pair more. */
static struct cow_node *roomy_root(struct cow_tree *tree) {
    if (tree->root == NULL) {
        tree->root = cow_node_create(true);
    }
    struct cow_node *root = cow_node_own(&tree->root);
    if (root->count < COW_NODE_PAIRS_MAX) {
        return root;
    }
    tree->root = cow_node_create(false);
    tree->root->children[0] = root;
    cow_node_split(tree->root, 0);
    return tree->root;
}

static struct pair *replace(struct pair **place, struct pair *pair_take) {
    struct pair *previous = *place;
    *place = pair_take;
    return previous;
}

/* Full nodes are split on the way down, so that a split never has to go back up. */
struct pair *cow_tree_put(struct cow_tree *tree, struct pair *pair_take) {
    struct cow_node *node = roomy_root(tree);
    for (;;) {
        bool found;
        size_t at = cow_node_search(node, pair_take->bytes, pair_take->key_size, &found);
        if (found) {
            return replace(&node->pairs[at], pair_take);
        }
        if (node->leaf) {
            cow_node_insert(node, at, pair_take);
            tree->count++;
            return NULL;
        }
        if (node->children[at]->count == COW_NODE_PAIRS_MAX) {
            cow_node_split(node, at);
            int order = pair_compare(pair_take->bytes, pair_take->key_size, node->pairs[at]);
            if (order == 0) {
                return replace(&node->pairs[at], pair_take);
            }
            at += order > 0;
        }
        node = cow_node_own(&node->children[at]);
    }
}
