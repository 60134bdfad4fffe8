/* An ordered map from keys to values that can be set aside in an instant: a copy-on-write B-tree.
 *
 * Model. A tree is a root and a number of pairs. `cow_tree_share` makes a second tree of the same contents by one more
 * reference to the root, whatever the size; from then on each goes its own way, and a change to one copies the nodes on the
 * path to the changed pair that both still share, and nothing else.
 *
 * Keys are bytes, in byte order. Every operation but share is logarithmic; the shape depends on the order of changes, the
 * contents and the order of a walk (cow_cursor.h) do not.
 *
 * Threads: all changes, shares and clears on one thread; a tree made by `cow_tree_share` may be read on another one until
 * it is cleared. */
#ifndef RAFTD_MACHINE_COW_TREE_H
#define RAFTD_MACHINE_COW_TREE_H

#include "server/machine/cow_node.h"

#include <stdint.h>

/* Zero-initialise to begin. */
struct cow_tree {
    struct cow_node *root; /* One reference; NULL when empty. */
    uint64_t count;        /* Pairs. */
};

/* A second tree with the same contents. */
struct cow_tree cow_tree_share(struct cow_tree *tree);
/* Empties the tree. */
void cow_tree_clear(struct cow_tree *tree);

/* The pair of that key, borrowed until the tree changes; NULL when there is none. */
const struct pair *cow_tree_get(const struct cow_tree *tree, const char *key, size_t key_size);

/* Puts the pair in, in place of the one with the same key. Answers the pair replaced, whose reference goes to the caller;
 * NULL when the key is new. */
struct pair *cow_tree_put(struct cow_tree *tree, struct pair *pair_take);

/* Takes the pair of that key out; its reference goes to the caller. NULL, and nothing copied, when there is none. */
struct pair *cow_tree_remove(struct cow_tree *tree, const char *key, size_t key_size);

#endif
