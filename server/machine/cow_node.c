#include "server/machine/cow_node.h"

#include "server/base/memory.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

struct cow_node *cow_node_create(bool leaf) {
    size_t children = leaf ? 0 : (COW_NODE_PAIRS_MAX + 1) * sizeof(struct cow_node *);
    struct cow_node *node = memory_alloc(sizeof(struct cow_node) + children);
    node->references = 1;
    node->count = 0;
    node->leaf = leaf;
    return node;
}

struct cow_node *cow_node_retain(struct cow_node *node) {
    if (node != NULL) {
        assert(node->references > 0);
        node->references++;
    }
    return node;
}

void cow_node_release(struct cow_node *node) {
    if (node == NULL) {
        return;
    }
    assert(node->references > 0);
    if (--node->references > 0) {
        return;
    }
    for (size_t i = 0; i < node->count; i++) {
        pair_release(node->pairs[i]);
    }
    for (size_t i = 0; !node->leaf && i <= node->count; i++) {
        cow_node_release(node->children[i]); /* As deep as the tree is high. */
    }
    free(node);
}

struct cow_node *cow_node_own(struct cow_node **slot) {
    struct cow_node *shared = *slot;
    assert(shared->references > 0);
    if (shared->references == 1) {
        return shared;
    }
    struct cow_node *copy = cow_node_create(shared->leaf);
    copy->count = shared->count;
    for (size_t i = 0; i < shared->count; i++) {
        copy->pairs[i] = pair_retain(shared->pairs[i]);
    }
    for (size_t i = 0; !shared->leaf && i <= shared->count; i++) {
        copy->children[i] = cow_node_retain(shared->children[i]);
    }
    shared->references--;
    *slot = copy;
    return copy;
}

size_t cow_node_search(const struct cow_node *node, const char *key, size_t key_size, bool *out_found) {
    size_t low = 0;
    size_t high = node->count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        int order = pair_compare(key, key_size, node->pairs[middle]);
        if (order == 0) {
            *out_found = true;
            return middle;
        }
        if (order < 0) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    *out_found = false;
    return low;
}

/* Makes room for one pair at place `at`; the caller fills it. */
static void open_pair(struct cow_node *node, size_t at) {
    assert(node->count < COW_NODE_PAIRS_MAX && at <= node->count);
    memmove(&node->pairs[at + 1], &node->pairs[at], (node->count - at) * sizeof *node->pairs);
    node->count++;
}

static void close_pair(struct cow_node *node, size_t at) {
    assert(at < node->count);
    node->count--;
    memmove(&node->pairs[at], &node->pairs[at + 1], (node->count - at) * sizeof *node->pairs);
}

/* The same for a child; `children` is how many there are before. */
static void open_child(struct cow_node *node, size_t at, size_t children) {
    memmove(&node->children[at + 1], &node->children[at], (children - at) * sizeof *node->children);
}

static void close_child(struct cow_node *node, size_t at, size_t children) {
    memmove(&node->children[at], &node->children[at + 1], (children - at - 1) * sizeof *node->children);
}

void cow_node_insert(struct cow_node *leaf, size_t at, struct pair *pair_take) {
    assert(leaf->leaf);
    open_pair(leaf, at);
    leaf->pairs[at] = pair_take;
}

struct pair *cow_node_extract(struct cow_node *leaf, size_t at) {
    assert(leaf->leaf);
    struct pair *pair = leaf->pairs[at];
    close_pair(leaf, at);
    return pair;
}

void cow_node_split(struct cow_node *parent, size_t at) {
    struct cow_node *left = cow_node_own(&parent->children[at]);
    assert(left->count == COW_NODE_PAIRS_MAX);
    struct cow_node *right = cow_node_create(left->leaf);
    enum { MIDDLE = COW_NODE_PAIRS_MAX / 2, MOVED = COW_NODE_PAIRS_MAX - MIDDLE - 1 };
    memcpy(right->pairs, &left->pairs[MIDDLE + 1], MOVED * sizeof *right->pairs);
    if (!left->leaf) {
        memcpy(right->children, &left->children[MIDDLE + 1], (MOVED + 1) * sizeof *right->children);
    }
    right->count = MOVED;
    left->count = MIDDLE;
    open_child(parent, at + 1, parent->count + 1u);
    parent->children[at + 1] = right;
    open_pair(parent, at);
    parent->pairs[at] = left->pairs[MIDDLE];
}

void cow_node_merge(struct cow_node *parent, size_t at) {
    struct cow_node *left = cow_node_own(&parent->children[at]);
    struct cow_node *right = cow_node_own(&parent->children[at + 1]);
    assert(left->leaf == right->leaf && left->count + right->count < COW_NODE_PAIRS_MAX);
    left->pairs[left->count] = parent->pairs[at];
    memcpy(&left->pairs[left->count + 1], right->pairs, right->count * sizeof *right->pairs);
    if (!left->leaf) {
        memcpy(&left->children[left->count + 1], right->children, (right->count + 1u) * sizeof *right->children);
    }
    left->count = (uint16_t)(left->count + 1 + right->count);
    close_child(parent, at + 1, parent->count + 1u);
    close_pair(parent, at);
    free(right); /* What it held was moved, references and all. */
}

void cow_node_rotate_left(struct cow_node *parent, size_t at) {
    struct cow_node *left = cow_node_own(&parent->children[at]);
    struct cow_node *right = cow_node_own(&parent->children[at + 1]);
    assert(left->leaf == right->leaf && left->count < COW_NODE_PAIRS_MAX && right->count > COW_NODE_PAIRS_MIN);
    if (!left->leaf) {
        left->children[left->count + 1] = right->children[0];
        close_child(right, 0, right->count + 1u);
    }
    left->pairs[left->count++] = parent->pairs[at];
    parent->pairs[at] = right->pairs[0];
    close_pair(right, 0);
}

void cow_node_rotate_right(struct cow_node *parent, size_t at) {
    struct cow_node *left = cow_node_own(&parent->children[at]);
    struct cow_node *right = cow_node_own(&parent->children[at + 1]);
    assert(left->leaf == right->leaf && right->count < COW_NODE_PAIRS_MAX && left->count > COW_NODE_PAIRS_MIN);
    if (!left->leaf) {
        open_child(right, 0, right->count + 1u);
        right->children[0] = left->children[left->count];
    }
    open_pair(right, 0);
    right->pairs[0] = parent->pairs[at];
    parent->pairs[at] = left->pairs[--left->count];
}
