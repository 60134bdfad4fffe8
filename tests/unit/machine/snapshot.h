/* Snapshots that are damaged: what every machine must make of them. */
#ifndef RAFTD_TESTS_MACHINE_SNAPSHOT_H
#define RAFTD_TESTS_MACHINE_SNAPSHOT_H

#include "tests/unit/machine/driver.h"

/* Restores the bytes, `step` a read. They are refused with a sentence, or they are exactly what the restored state writes.
 */
static inline bool snapshot_try(const struct machine *machine, const char *bytes, size_t size, size_t step) {
    struct driver driver = driver_create(machine);
    bool good = driver_restore(&driver, bytes, size, step);
    if (good) {
        struct bytes again = driver_snapshot(&driver);
        ck_assert_uint_eq(again.size, size);
        ck_assert_mem_eq(again.data, bytes, size);
        bytes_free(&again);
    }
    driver_destroy(&driver);
    return good;
}

/* Every bit of the snapshot flipped, one after the other. */
static inline void snapshot_flip_all(const struct machine *machine, const struct bytes *snapshot) {
    char *copy = memory_copy(snapshot->data, snapshot->size);
    unsigned refused = 0;
    for (size_t bit = 0; bit < 8 * snapshot->size; bit++) {
        copy[bit / 8] = (char)(copy[bit / 8] ^ 1 << bit % 8);
        refused += !snapshot_try(machine, copy, snapshot->size, SIZE_MAX);
        copy[bit / 8] = (char)(copy[bit / 8] ^ 1 << bit % 8);
    }
    ck_assert_uint_gt(refused, 0);
    ck_assert(snapshot_try(machine, copy, snapshot->size, SIZE_MAX));
    free(copy);
}

/* The snapshot cut short everywhere, and with a byte too many. */
static inline void snapshot_cut_all(const struct machine *machine, const struct bytes *snapshot) {
    for (size_t size = 0; size < snapshot->size; size++) {
        ck_assert(!snapshot_try(machine, snapshot->data, size, SIZE_MAX));
    }
    char *longer = memory_alloc(snapshot->size + 1);
    memcpy(longer, snapshot->data, snapshot->size);
    longer[snapshot->size] = '\0';
    ck_assert(!snapshot_try(machine, longer, snapshot->size + 1, SIZE_MAX));
    free(longer);
}

/* An output that refuses bytes makes the write fail, wherever that happens. */
static inline void snapshot_fail_all(struct driver *driver) {
    struct bytes whole = driver_snapshot(driver);
    void *frozen = driver->machine->freeze(driver->state);
    for (size_t limit = 0; limit <= whole.size; limit++) {
        struct bytes out = bytes_limited(limit);
        ck_assert(driver->machine->write(frozen, bytes_output(&out)) == (limit == whole.size));
        bytes_free(&out);
    }
    driver->machine->release(driver->state, frozen);
    bytes_free(&whole);
}

#endif
