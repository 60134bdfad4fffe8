#include "tests/linear/history_texts.h"

#include "server/base/memory.h"

#include <stdlib.h>
#include <string.h>

static size_t hash_text(const char *text) {
    uint64_t hash = UINT64_C(14695981039346656037);
    for (; *text != '\0'; text++)
        hash = (hash ^ (unsigned char)*text) * UINT64_C(1099511628211);
    return (size_t)(hash ^ hash >> 32);
}

static void grow(struct history_texts *texts) {
    texts->head_count = texts->head_count == 0 ? 64 : texts->head_count * 2;
    free(texts->heads);
    texts->heads = memory_zalloc(texts->head_count * sizeof *texts->heads);
    texts->chain = memory_realloc(texts->chain, texts->head_count * sizeof *texts->chain);
    for (size_t i = 0; i < texts->count; i++) {
        uint32_t *head = &texts->heads[hash_text(texts->texts[i]) & (texts->head_count - 1)];
        texts->chain[i] = *head;
        *head = (uint32_t)(i + 1);
    }
}

uint32_t history_texts_number(struct history_texts *texts, const char *text) {
    if (texts->count == texts->head_count)
        grow(texts);
    uint32_t *head = &texts->heads[hash_text(text) & (texts->head_count - 1)];
    for (uint32_t at = *head; at > 0; at = texts->chain[at - 1])
        if (strcmp(texts->texts[at - 1], text) == 0)
            return at;
    texts->texts = memory_grow(texts->texts, &texts->capacity, texts->count + 1, sizeof *texts->texts);
    texts->texts[texts->count] = memory_text(text, strlen(text));
    texts->chain[texts->count] = *head;
    *head = (uint32_t)++texts->count;
    return *head;
}

void history_texts_free(struct history_texts *texts) {
    for (size_t i = 0; i < texts->count; i++)
        free(texts->texts[i]);
    free(texts->texts);
    free(texts->heads);
    free(texts->chain);
}
