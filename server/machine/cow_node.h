/* Nodes of the copy-on-write B-tree (cow_tree.h), and the four moves that keep every node between its bounds.
 *
 *                  [ d | h ]                pairs stand in inner nodes too, once each;
 *                 /    |    \               children[i] holds the keys below pairs[i],
 *        [a|b|c]   [e|f|g]   [i|j]          children[count] those above the last
 *
 * A node is counted by whoever points at it: parents and roots. A node with one reference, reached through nodes with one
 * reference each, belongs to one tree alone and is changed in place; any other is copied first (`cow_node_own`), after
 * which the copy's children have one reference more and are copied in turn when a change gets to them. A node that another
 * thread may be reading therefore never changes, but for its count, which that thread does not look at. */
#ifndef RAFTD_MACHINE_COW_NODE_H
#define RAFTD_MACHINE_COW_NODE_H

#include "server/machine/pair.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Two least nodes and the pair between them make a greatest one, so that splitting and merging undo each other. */
enum { COW_NODE_PAIRS_MIN = 15, COW_NODE_PAIRS_MAX = 2 * COW_NODE_PAIRS_MIN + 1 };

/* Levels a tree can have: a tree so high would hold 16^15 pairs, which no memory does. */
enum { COW_NODE_LEVELS_MAX = 16 };

struct cow_node {
    size_t references;
    uint16_t count; /* Pairs; COW_NODE_PAIRS_MIN at least, but in the root. */
    bool leaf;
    struct pair *pairs[COW_NODE_PAIRS_MAX]; /* In order of keys; one reference each. */
    struct cow_node *children[];            /* One reference each; count + 1 of them, none in a leaf. */
};

/* A node without pairs, with one reference. */
struct cow_node *cow_node_create(bool leaf);
/* One more reference; NULL stays NULL. */
struct cow_node *cow_node_retain(struct cow_node *node);
/* One less; the last one lets go of pairs and children. NULL is a no-op. */
void cow_node_release(struct cow_node *node);

/* Makes the node at `slot`, which belongs to a node or root that is owned itself, safe to change: copies it when it is
 * shared. Answers the node now at `slot`. */
struct cow_node *cow_node_own(struct cow_node **slot);

/* The place of the first pair whose key is not below `key`; `*out_found` tells whether it is equal. */
size_t cow_node_search(const struct cow_node *node, const char *key, size_t key_size, bool *out_found);

/* Puts `pair_take` into a leaf with room, at place `at`. */
void cow_node_insert(struct cow_node *leaf, size_t at, struct pair *pair_take);
/* Takes the pair at place `at` out of a leaf; its reference goes to the caller. */
struct pair *cow_node_extract(struct cow_node *leaf, size_t at);

/* The moves. `parent` is owned, the children concerned are made so.
 * Splits the full children[at] in the middle; the middle pair goes up to place `at`. `parent` has room. */
void cow_node_split(struct cow_node *parent, size_t at);
/* Merges children[at], pairs[at] and children[at + 1] into children[at]. Both have COW_NODE_PAIRS_MIN pairs at most. */
void cow_node_merge(struct cow_node *parent, size_t at);
/* Moves one pair from children[at + 1] over pairs[at] to the end of children[at], with the child beside it. */
void cow_node_rotate_left(struct cow_node *parent, size_t at);
/* Moves one pair from children[at] over pairs[at] to the front of children[at + 1], with the child beside it. */
void cow_node_rotate_right(struct cow_node *parent, size_t at);

#endif
