#include "server/machine/pair.h"

#include "server/base/memory.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

struct pair *pair_create(const char *key, size_t key_size, struct json_span value) {
    assert(key_size <= PAIR_KEY_SIZE_MAX);
    /* From offsetof, not sizeof: the padding behind the last field belongs to the bytes, and two of them a pair count when
     * there are millions. */
    struct pair *pair = memory_alloc(offsetof(struct pair, bytes) + key_size + value.size);
    pair->value_size = value.size;
    pair->references = 1;
    pair->key_size = (uint16_t)key_size;
    memcpy(pair->bytes, key, key_size);
    memcpy(pair->bytes + key_size, value.data, value.size);
    return pair;
}

struct pair *pair_retain(struct pair *pair) {
    assert(pair->references > 0 && pair->references < UINT32_MAX);
    pair->references++;
    return pair;
}

void pair_release(struct pair *pair) {
    if (pair == NULL) {
        return;
    }
    assert(pair->references > 0);
    if (--pair->references == 0) {
        free(pair);
    }
}

struct json_span pair_value(const struct pair *pair) {
    return (struct json_span){.data = pair->bytes + pair->key_size, .size = pair->value_size};
}

int pair_compare(const char *key, size_t key_size, const struct pair *pair) {
    size_t shorter = key_size < pair->key_size ? key_size : pair->key_size;
    int order = memcmp(key, pair->bytes, shorter);
    if (order != 0) {
        return order;
    }
    return (key_size > pair->key_size) - (key_size < pair->key_size);
}
