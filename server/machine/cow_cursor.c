#include "server/machine/cow_cursor.h"

#include <assert.h>

static void enter(struct cow_cursor *cursor, const struct cow_node *node, size_t place) {
    assert(cursor->depth < COW_NODE_LEVELS_MAX);
    cursor->nodes[cursor->depth] = node;
    cursor->places[cursor->depth] = place;
    cursor->depth++;
}

static void enter_first(struct cow_cursor *cursor, const struct cow_node *node) {
    for (; !node->leaf; node = node->children[0]) {
        enter(cursor, node, 0);
    }
    enter(cursor, node, 0);
}

struct cow_cursor cow_cursor_seek(const struct cow_tree *tree, const char *key, size_t key_size, bool beyond) {
    struct cow_cursor cursor;
    cursor.depth = 0;
    const struct cow_node *node = tree->root;
    while (node != NULL) {
        bool found;
        size_t at = cow_node_search(node, key, key_size, &found);
        if (found && !beyond) {
            enter(&cursor, node, at);
            return cursor;
        }
        /* Beyond a pair that is there, the walk goes on with what is between it and the next one: all of that child. */
        at += found;
        enter(&cursor, node, at);
        if (found && !node->leaf) {
            enter_first(&cursor, node->children[at]);
            return cursor;
        }
        node = node->leaf ? NULL : node->children[at];
    }
    return cursor;
}

const struct pair *cow_cursor_next(struct cow_cursor *cursor) {
    while (cursor->depth > 0) {
        size_t top = cursor->depth - 1;
        const struct cow_node *node = cursor->nodes[top];
        size_t at = cursor->places[top];
        if (at == node->count) {
            cursor->depth--;
            continue;
        }
        cursor->places[top] = at + 1;
        if (!node->leaf) {
            enter_first(cursor, node->children[at + 1]);
        }
        return node->pairs[at];
    }
    return NULL;
}
