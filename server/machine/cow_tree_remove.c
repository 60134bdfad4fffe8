/* Taking a pair out of the tree. On the way down every child that is entered is first given a pair more than the least,
 * from a sibling or by merging with one, so that taking a pair away from it never has to be mended on the way back up. */
#include "server/machine/cow_tree.h"

#include <assert.h>
#include <stddef.h>

/* Makes children[at] owned and gives it more than COW_NODE_PAIRS_MIN pairs; answers the place of the child that then holds
 * the keys of the old children[at]. */
static size_t fatten(struct cow_node *node, size_t at) {
    assert(!node->leaf && at <= node->count);
    struct cow_node *child = cow_node_own(&node->children[at]);
    if (child->count > COW_NODE_PAIRS_MIN) {
        return at;
    }
    if (at > 0 && node->children[at - 1]->count > COW_NODE_PAIRS_MIN) {
        cow_node_rotate_right(node, at - 1);
        return at;
    }
    if (at < node->count && node->children[at + 1]->count > COW_NODE_PAIRS_MIN) {
        cow_node_rotate_left(node, at);
        return at;
    }
    size_t left = at == node->count ? at - 1 : at;
    cow_node_merge(node, left);
    return left;
}

/* The greatest pair below `node`, which is owned and has a pair to spare. */
static struct pair *take_last(struct cow_node *node) {
    while (!node->leaf) {
        node = node->children[fatten(node, node->count)];
    }
    return cow_node_extract(node, node->count - 1u);
}

static struct pair *take_first(struct cow_node *node) {
    while (!node->leaf) {
        node = node->children[fatten(node, 0)];
    }
    return cow_node_extract(node, 0);
}

/* Takes out a pair that is known to be there. `node` is the owned root. */
static struct pair *take(struct cow_node *node, const char *key, size_t key_size) {
    for (;;) {
        bool found;
        size_t at = cow_node_search(node, key, key_size, &found);
        if (node->leaf) {
            assert(found);
            return cow_node_extract(node, at);
        }
        if (!found) {
            node = node->children[fatten(node, at)];
            continue;
        }
        /* A neighbour in key order takes the place of a pair in an inner node. */
        struct pair *pair = node->pairs[at];
        if (node->children[at]->count > COW_NODE_PAIRS_MIN) {
            node->pairs[at] = take_last(cow_node_own(&node->children[at]));
            return pair;
        }
        if (node->children[at + 1]->count > COW_NODE_PAIRS_MIN) {
            node->pairs[at] = take_first(cow_node_own(&node->children[at + 1]));
            return pair;
        }
        cow_node_merge(node, at);
        node = node->children[at];
    }
}

struct pair *cow_tree_remove(struct cow_tree *tree, const char *key, size_t key_size) {
    if (cow_tree_get(tree, key, key_size) == NULL) {
        return NULL;
    }
    struct pair *pair = take(cow_node_own(&tree->root), key, key_size);
    tree->count--;
    if (tree->root->count == 0) {
        struct cow_node *root = tree->root;
        tree->root = root->leaf ? NULL : cow_node_retain(root->children[0]);
        cow_node_release(root);
    }
    assert((tree->root == NULL) == (tree->count == 0));
    return pair;
}
