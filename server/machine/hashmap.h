/* The parts of the machine `hashmap`: string keys, any JSON value. Its commands, queries and results stand in the README
 * here. */
#ifndef RAFTD_MACHINE_HASHMAP_H
#define RAFTD_MACHINE_HASHMAP_H

#include "server/machine/cow_tree.h"
#include "server/machine/machine.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    HASHMAP_LIST_LIMIT_DEFAULT = 100, /* Entries on a page of `list`. */
    HASHMAP_LIST_LIMIT_MAX = 1000,
    /* A page ends after the entry that brings it to so many bytes, with "more" true: a thousand values of a megabyte each
     * are no answer that a node should hold in memory. */
    HASHMAP_LIST_BYTES_MAX = 16 * 1024 * 1024
};

/* hashmap_command.c */
enum machine_verdict hashmap_check(const char *command, size_t size, struct machine_output why);
enum machine_verdict hashmap_apply(struct cow_tree *tree, const char *command, size_t size, struct machine_output result);

/* hashmap_query.c */
enum machine_verdict hashmap_query(const struct cow_tree *tree, const char *query, size_t size,
                                   struct machine_output result);

/* hashmap_snapshot.c; the format stands in the README here. */
bool hashmap_write(const struct cow_tree *tree, struct machine_output snapshot);
bool hashmap_restore(struct cow_tree *tree, struct machine_input snapshot, struct machine_output why);

#endif
