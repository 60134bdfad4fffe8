/* A walk through a tree in byte order of keys, from any key on. The tree must not change meanwhile, but for changes to
 * another tree that shares its nodes. */
#ifndef RAFTD_MACHINE_COW_CURSOR_H
#define RAFTD_MACHINE_COW_CURSOR_H

#include "server/machine/cow_tree.h"

/* The way from the root to the next pair: in each node, the place of the first pair not walked yet. */
struct cow_cursor {
    const struct cow_node *nodes[COW_NODE_LEVELS_MAX];
    size_t places[COW_NODE_LEVELS_MAX];
    size_t depth;
};

/* A walk that begins with the first key not below `key`, or with `beyond` the first above it. */
struct cow_cursor cow_cursor_seek(const struct cow_tree *tree, const char *key, size_t key_size, bool beyond);

/* The next pair, borrowed from the tree; NULL at the end. */
const struct pair *cow_cursor_next(struct cow_cursor *cursor);

#endif
