/* Texts and their numbers, from 1 on: the keys and values of a history. */
#ifndef TESTS_LINEAR_HISTORY_TEXTS_H
#define TESTS_LINEAR_HISTORY_TEXTS_H

#include <stddef.h>
#include <stdint.h>

struct history_texts {
    char **texts; /* That of number n is texts[n - 1]. */
    size_t count;
    size_t capacity;
    uint32_t *heads;
    uint32_t *chain;
    size_t head_count;
};

uint32_t history_texts_number(struct history_texts *texts, const char *text);
void history_texts_free(struct history_texts *texts);

#endif
