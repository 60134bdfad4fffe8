#include "tests/linear/linear_set.h"

#include "server/base/memory.h"

#include <stdlib.h>
#include <string.h>

enum { HEADS = 32, GROWTH = 4 };

static size_t bucket_of(const struct linear_set *set, const struct linear_shape *shape, const uint32_t *one) {
    uint64_t hash = (one[LINEAR_STATE] + UINT64_C(1)) * UINT64_C(0x9e3779b97f4a7c15);
    for (size_t i = 0; i < shape->bit_words; i++)
        hash = ((hash ^ hash >> 29) + one[LINEAR_BITS + i]) * UINT64_C(0xc4ceb9fe1a85ec53);
    return (size_t)(hash ^ hash >> 32) & (set->head_count - 1);
}

/* What is there has the same left over and used no more. */
static bool covers(const struct linear_shape *shape, const uint32_t *there, const uint32_t *one) {
    if (there[LINEAR_STATE] != one[LINEAR_STATE] || there[LINEAR_DUE] > one[LINEAR_DUE] ||
        memcmp(&there[LINEAR_BITS], &one[LINEAR_BITS], shape->bit_words * sizeof *one) != 0)
        return false;
    for (size_t i = 0; i < shape->class_count; i++)
        if (there[LINEAR_BITS + shape->bit_words + i] > one[LINEAR_BITS + shape->bit_words + i])
            return false;
    return true;
}

static void set_head_count(struct linear_set *set, size_t head_count) {
    set->heads = memory_grow(set->heads, &set->head_capacity, head_count, sizeof *set->heads);
    set->head_count = head_count;
    memset(set->heads, 0, head_count * sizeof *set->heads);
}

static void link_in(struct linear_set *set, const struct linear_shape *shape, size_t place) {
    uint32_t *one = linear_set_at(set, shape, place);
    uint32_t *head = &set->heads[bucket_of(set, shape, one)];
    one[LINEAR_NEXT] = *head;
    *head = (uint32_t)place + 1;
}

void linear_set_add(struct linear_set *set, const struct linear_shape *shape, const uint32_t *one) {
    if (set->head_count == 0)
        set_head_count(set, HEADS);
    for (size_t at = set->heads[bucket_of(set, shape, one)]; at > 0; at = linear_set_at(set, shape, at - 1)[LINEAR_NEXT])
        if (covers(shape, linear_set_at(set, shape, at - 1), one))
            return;
    linear_set_append(set, shape, one);
    size_t count = set->count++;
    if (set->count <= set->head_count) {
        link_in(set, shape, count);
        return;
    }
    set_head_count(set, set->head_count * GROWTH);
    for (size_t place = 0; place < set->count; place++)
        link_in(set, shape, place);
}

uint32_t *linear_set_append(struct linear_set *set, const struct linear_shape *shape, const uint32_t *one) {
    size_t size = linear_shape_size(shape);
    set->words = memory_grow(set->words, &set->capacity, set->size + size, sizeof *set->words);
    uint32_t *there = &set->words[set->size];
    memcpy(there, one, size * sizeof *one);
    set->size += size;
    return there;
}

void linear_set_clear(struct linear_set *set) {
    set->size = 0;
    set->count = 0;
    set->head_count = 0;
}

void linear_set_free(struct linear_set *set) {
    free(set->words);
    free(set->heads);
}
