#include "server/machine/hashmap.h"

#include "server/base/memory.h"
#include "server/machine/registry.h"

#include <stdlib.h>

/* The state is one tree, and so is a frozen view of it: with nodes that are copied when they are changed, setting the whole
 * map aside is one more reference to the root. */
static void *create(void) {
    return memory_zalloc(sizeof(struct cow_tree));
}

static void destroy(void *state) {
    if (state != NULL) {
        cow_tree_clear(state);
        free(state);
    }
}

static enum machine_verdict apply(void *state, uint64_t index, const char *command, size_t size,
                                  struct machine_output result) {
    (void)index; /* What a command does depends on the commands before it, never on their numbers. */
    return hashmap_apply(state, command, size, result);
}

static enum machine_verdict query(const void *state, const char *text, size_t size, struct machine_output result) {
    return hashmap_query(state, text, size, result);
}

static void *freeze(void *state) {
    struct cow_tree *view = memory_alloc(sizeof *view);
    *view = cow_tree_share(state);
    return view;
}

static bool write(const void *frozen, struct machine_output snapshot) {
    return hashmap_write(frozen, snapshot);
}

static void release(void *state, void *frozen) {
    (void)state; /* The view holds its own references. */
    destroy(frozen);
}

static bool restore(void *state, struct machine_input snapshot, struct machine_output why) {
    return hashmap_restore(state, snapshot, why);
}

const struct machine *machine_hashmap(void) {
    static const struct machine hashmap = {
        .abi_version = MACHINE_ABI_VERSION,
        .table_size = sizeof(struct machine),
        .name = "hashmap",
        .create = create,
        .destroy = destroy,
        .check = hashmap_check,
        .apply = apply,
        .query = query,
        .freeze = freeze,
        .write = write,
        .release = release,
        .restore = restore,
    };
    return &hashmap;
}
