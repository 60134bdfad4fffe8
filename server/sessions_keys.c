#include "server/sessions_keys.h"

#include "server/base/memory.h"
#include "server/sessions_record.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum {
    AGE_SIZE = 2 * SESSIONS_NUMBER_SIZE, /* First use and index: a value of `index`, the beginning of a key of `ages`. */
    AGE_KEY_SIZE_MAX = AGE_SIZE + SESSIONS_KEY_SIZE_MAX,
    ANSWER_HEAD_SIZE = 3 * SESSIONS_NUMBER_SIZE /* Term and hash, before the result. */
};

/* A key of `ages`. */
struct age_key {
    size_t size;
    char bytes[AGE_KEY_SIZE_MAX];
};

static void append_key(struct age_key *age, const char *key, size_t key_size) {
    assert(key_size > 0 && key_size <= SESSIONS_KEY_SIZE_MAX);
    memcpy(age->bytes + AGE_SIZE, key, key_size);
    age->size = AGE_SIZE + key_size;
}

static struct age_key age_key(const struct sessions_key *record) {
    struct age_key age;
    sessions_record_put_number(age.bytes, record->first_used_ms);
    sessions_record_put_number(age.bytes + SESSIONS_NUMBER_SIZE, record->id.index);
    append_key(&age, record->key, record->key_size);
    return age;
}

void sessions_keys_clear(struct sessions_keys *keys) {
    cow_tree_clear(&keys->index);
    cow_tree_clear(&keys->ages);
    free(keys->scratch);
    *keys = (struct sessions_keys){0};
}

struct sessions_key sessions_keys_read(const struct pair *pair) {
    struct json_span value = pair_value(pair);
    assert(pair->key_size > AGE_SIZE && value.size >= ANSWER_HEAD_SIZE);
    return (struct sessions_key){
        .key = pair->bytes + AGE_SIZE,
        .key_size = pair->key_size - (size_t)AGE_SIZE,
        .first_used_ms = sessions_record_get_number(pair->bytes),
        .id = {.index = sessions_record_get_number(pair->bytes + SESSIONS_NUMBER_SIZE),
               .term = sessions_record_get_number(value.data)},
        .command = {.high = sessions_record_get_number(value.data + SESSIONS_NUMBER_SIZE),
                    .low = sessions_record_get_number(value.data + 2 * SESSIONS_NUMBER_SIZE)},
        .result = {.data = value.data + ANSWER_HEAD_SIZE, .size = value.size - ANSWER_HEAD_SIZE},
    };
}

int sessions_keys_compare(const struct sessions_key *left, const struct sessions_key *right) {
    struct age_key left_age = age_key(left);
    struct age_key right_age = age_key(right);
    size_t shorter = left_age.size < right_age.size ? left_age.size : right_age.size;
    int order = memcmp(left_age.bytes, right_age.bytes, shorter);
    return order != 0 ? order : (left_age.size > right_age.size) - (left_age.size < right_age.size);
}

/* The pair of `ages` for a pair of `index`. */
static const struct pair *find_answer(const struct sessions_keys *keys, const struct pair *place) {
    struct json_span value = pair_value(place);
    assert(value.size == AGE_SIZE);
    struct age_key age;
    memcpy(age.bytes, value.data, AGE_SIZE);
    append_key(&age, place->bytes, place->key_size);
    const struct pair *pair = cow_tree_get(&keys->ages, age.bytes, age.size);
    assert(pair != NULL);
    return pair;
}

bool sessions_keys_find(const struct sessions_keys *keys, const char *key, size_t key_size, uint64_t now_ms,
                        struct sessions_key *out_record) {
    const struct pair *place = cow_tree_get(&keys->index, key, key_size);
    if (place == NULL) {
        return false;
    }
    struct sessions_key record = sessions_keys_read(find_answer(keys, place));
    if (sessions_record_is_over(record.first_used_ms, now_ms)) {
        return false;
    }
    *out_record = record;
    return true;
}

/* Takes a pair of `ages` out; its place in the index is the caller's business. */
static void remove_answer(struct sessions_keys *keys, const struct pair *pair) {
    size_t result_size = sessions_keys_read(pair).result.size;
    assert(keys->result_bytes >= result_size);
    keys->result_bytes -= result_size;
    sessions_record_remove(&keys->ages, pair->bytes, pair->key_size);
}

/* The oldest key, whose pair of `ages` this is, goes. */
static void remove_oldest(struct sessions_keys *keys, const struct pair *oldest) {
    struct sessions_key record = sessions_keys_read(oldest);
    sessions_record_remove(&keys->index, record.key, record.key_size);
    remove_answer(keys, oldest);
    assert(keys->index.count == keys->ages.count);
}

static void put_place(struct sessions_keys *keys, const struct sessions_key *record, const struct age_key *age) {
    struct json_span place = {.data = age->bytes, .size = AGE_SIZE};
    struct pair *old = cow_tree_put(&keys->index, pair_create(record->key, record->key_size, place));
    if (old != NULL) {
        remove_answer(keys, find_answer(keys, old));
        pair_release(old);
    }
}

static void put_answer(struct sessions_keys *keys, const struct sessions_key *record, const struct age_key *age) {
    size_t value_size = ANSWER_HEAD_SIZE + record->result.size;
    keys->scratch = memory_grow(keys->scratch, &keys->scratch_capacity, value_size, 1);
    sessions_record_put_number(keys->scratch, record->id.term);
    sessions_record_put_number(keys->scratch + SESSIONS_NUMBER_SIZE, record->command.high);
    sessions_record_put_number(keys->scratch + 2 * SESSIONS_NUMBER_SIZE, record->command.low);
    if (record->result.size > 0) {
        memcpy(keys->scratch + ANSWER_HEAD_SIZE, record->result.data, record->result.size);
    }
    sessions_record_put(&keys->ages, age->bytes, age->size, keys->scratch, value_size);
    keys->result_bytes += record->result.size;
}

void sessions_keys_put(struct sessions_keys *keys, const struct sessions_key *record) {
    struct age_key age = age_key(record);
    put_place(keys, record, &age);
    put_answer(keys, record, &age);
    assert(keys->index.count == keys->ages.count);
}

bool sessions_keys_remove_over(struct sessions_keys *keys, uint64_t now_ms) {
    const struct pair *oldest = sessions_record_first(&keys->ages);
    if (oldest == NULL || !sessions_record_is_over(sessions_record_get_number(oldest->bytes), now_ms)) {
        return false;
    }
    remove_oldest(keys, oldest);
    return true;
}

void sessions_keys_trim(struct sessions_keys *keys, uint64_t count_max, uint64_t bytes_max) {
    while (keys->ages.count > count_max || keys->result_bytes > bytes_max) {
        remove_oldest(keys, sessions_record_first(&keys->ages));
    }
}

struct cow_cursor sessions_keys_walk(const struct cow_tree *ages, uint64_t now_ms) {
    char first[SESSIONS_NUMBER_SIZE];
    sessions_record_put_number(first, now_ms < SESSIONS_EXPIRY_MS ? 0 : now_ms - SESSIONS_EXPIRY_MS + 1);
    return cow_cursor_seek(ages, first, sizeof first, false);
}
