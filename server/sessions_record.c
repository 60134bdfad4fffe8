#include "server/sessions_record.h"

#include "server/machine/cow_cursor.h"

#include <assert.h>
#include <endian.h>
#include <string.h>

void sessions_record_put_number(char *out, uint64_t number) {
    uint64_t big = htobe64(number);
    memcpy(out, &big, sizeof big);
}

uint64_t sessions_record_get_number(const char *bytes) {
    uint64_t big;
    memcpy(&big, bytes, sizeof big);
    return be64toh(big);
}

void sessions_record_put(struct cow_tree *tree, const char *key, size_t key_size, const char *value, size_t value_size) {
    struct json_span span = {.data = value, .size = value_size};
    pair_release(cow_tree_put(tree, pair_create(key, key_size, span)));
}

void sessions_record_remove(struct cow_tree *tree, const char *key, size_t key_size) {
    pair_release(cow_tree_remove(tree, key, key_size));
}

const struct pair *sessions_record_first(const struct cow_tree *tree) {
    struct cow_cursor cursor = cow_cursor_seek(tree, "", 0, false);
    return cow_cursor_next(&cursor);
}

bool sessions_record_is_over(uint64_t since_ms, uint64_t now_ms) {
    assert(since_ms <= now_ms);
    return now_ms - since_ms >= SESSIONS_EXPIRY_MS;
}

bool sessions_record_is_kept(struct json_span result, size_t size_max) {
    struct json_span value;
    size_t offset;
    return result.size > 0 && result.size <= size_max && json_scan(result.data, result.size, &value, &offset);
}
