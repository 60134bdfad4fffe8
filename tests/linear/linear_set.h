/* Sets of configurations of the search (linear_breadth.c), each as a row of words: what is in enum linear_word, one bit for
 * each slot of an operation in flight, and how many of each class were used. */
#ifndef TESTS_LINEAR_SET_H
#define TESTS_LINEAR_SET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* More than 512 MiB of configurations are not kept: that search ends undecided. */
#define LINEAR_WORDS_MAX (UINT32_C(1) << 27)

enum linear_word {
    LINEAR_NEXT, /* In the same bucket. */
    LINEAR_STATE,
    LINEAR_DUE,      /* An optional operation was taken, whose observer must be next. */
    LINEAR_DEADLINE, /* A layer that it cannot get past; UINT32_MAX: none is known. */
    LINEAR_LAYER,    /* Of those that are parked. */
    LINEAR_BITS
};

struct linear_shape {
    size_t bit_words;
    size_t class_count;
};

struct linear_set {
    uint32_t *words;
    size_t size; /* In words. */
    size_t capacity;
    size_t count; /* Of those that were added. */
    uint32_t *heads;
    size_t head_count;
    size_t head_capacity;
};

static inline size_t linear_shape_size(const struct linear_shape *shape) {
    return LINEAR_BITS + shape->bit_words + shape->class_count;
}

static inline uint32_t *linear_set_at(const struct linear_set *set, const struct linear_shape *shape, size_t place) {
    return &set->words[place * linear_shape_size(shape)];
}

/* Adds it unless one is there that can do all that it can. */
void linear_set_add(struct linear_set *set, const struct linear_shape *shape, const uint32_t *one);

/* Adds it without looking, to sets that are only lists; returns where it is. */
uint32_t *linear_set_append(struct linear_set *set, const struct linear_shape *shape, const uint32_t *one);

void linear_set_clear(struct linear_set *set);
void linear_set_free(struct linear_set *set);

#endif
