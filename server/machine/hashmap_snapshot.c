/* Snapshots of `hashmap`. What is read back is judged as strictly as a command: a snapshot that was accepted would be
 * written again byte for byte. */
#include "server/machine/hashmap.h"

#include "server/machine/cow_cursor.h"
#include "server/machine/operation.h"
#include "server/machine/snapshot_stream.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static const char format_name[] = "raftdmap";
enum { FORMAT_VERSION = 1, KEY_SIZE_WIDTH = 2, VALUE_SIZE_WIDTH = 8, COUNT_WIDTH = 8 };

bool hashmap_write(const struct cow_tree *tree, struct machine_output snapshot) {
    struct snapshot_writer *writer = snapshot_writer_create(snapshot);
    snapshot_write_head(writer, format_name, FORMAT_VERSION);
    snapshot_write_number(writer, tree->count, COUNT_WIDTH);
    struct cow_cursor cursor = cow_cursor_seek(tree, "", 0, false);
    const struct pair *pair;
    while (snapshot_writer_is_good(writer) && (pair = cow_cursor_next(&cursor)) != NULL) {
        struct json_span value = pair_value(pair);
        snapshot_write_number(writer, pair->key_size, KEY_SIZE_WIDTH);
        snapshot_write_number(writer, value.size, VALUE_SIZE_WIDTH);
        snapshot_write_bytes(writer, pair->bytes, pair->key_size);
        snapshot_write_bytes(writer, value.data, value.size);
    }
    return snapshot_writer_finish(writer);
}

struct restore {
    struct cow_tree *tree;
    struct snapshot_reader *reader;
    struct json_writer writer; /* For the keys, used again and again. */
    const struct pair *last;   /* Borrowed from the tree; NULL before the first. */
};

/* A key that some JSON string stands for: well-formed text, in which surrogates stand alone if at all. That string is put
 * together and taken apart again. */
static bool is_key(struct json_writer *writer, const char *key, size_t key_size) {
    writer->size = 0;
    json_write_string(writer, key, key_size);
    struct json_span string;
    size_t offset;
    if (!json_scan(writer->data, writer->size, &string, &offset) || string.size > OPERATION_LITERAL_SIZE_MAX) {
        return false;
    }
    char decoded[OPERATION_LITERAL_SIZE_MAX];
    return json_string_decode(string, decoded) == key_size && memcmp(decoded, key, key_size) == 0;
}

/* One JSON value without anything around it. */
static bool is_value(struct json_span bytes) {
    struct json_span value;
    size_t offset;
    return bytes.size > 0 && json_scan(bytes.data, bytes.size, &value, &offset) && value.size == bytes.size;
}

/* Reads the next pair into the tree. Answers what is wrong with it; NULL: nothing. */
static const char *restore_pair(struct restore *restore) {
    uint64_t key_size;
    uint64_t value_size;
    if (!snapshot_read_number(restore->reader, KEY_SIZE_WIDTH, &key_size) ||
        !snapshot_read_number(restore->reader, VALUE_SIZE_WIDTH, &value_size)) {
        return "the snapshot ends before it";
    }
    if (key_size > PAIR_KEY_SIZE_MAX) {
        return "its key is too long";
    }
    char key[PAIR_KEY_SIZE_MAX];
    struct json_span value;
    if (!snapshot_read_bytes(restore->reader, key, (size_t)key_size) ||
        !snapshot_read_span(restore->reader, value_size, &value)) {
        return "the snapshot ends within it";
    }
    if (!is_key(&restore->writer, key, (size_t)key_size)) {
        return "its key is no text";
    }
    if (!is_value(value)) {
        return "its value is no JSON";
    }
    if (restore->last != NULL && pair_compare(key, (size_t)key_size, restore->last) <= 0) {
        return "its key is not above the one before";
    }
    struct pair *pair = pair_create(key, (size_t)key_size, value);
    cow_tree_put(restore->tree, pair);
    restore->last = pair;
    return NULL;
}

static bool restore_pairs(struct restore *restore, struct machine_output why) {
    uint64_t count;
    const char *fault = snapshot_read_head(restore->reader, format_name, FORMAT_VERSION);
    if (fault == NULL && !snapshot_read_number(restore->reader, COUNT_WIDTH, &count)) {
        fault = "the snapshot ends in its head";
    }
    if (fault != NULL) {
        operation_say(why, fault);
        return false;
    }
    for (uint64_t i = 0; i < count; i++) {
        fault = restore_pair(restore);
        if (fault != NULL) {
            char place[sizeof "pair 18446744073709551615 of 18446744073709551615: "];
            snprintf(place, sizeof place, "pair %" PRIu64 " of %" PRIu64 ": ", i + 1, count);
            operation_say(why, place);
            operation_say(why, fault);
            return false;
        }
    }
    if (!snapshot_reader_is_at_end(restore->reader)) {
        operation_say(why, "the snapshot goes on after its last pair");
        return false;
    }
    return true;
}

bool hashmap_restore(struct cow_tree *tree, struct machine_input snapshot, struct machine_output why) {
    struct restore restore = {.tree = tree, .reader = snapshot_reader_create(snapshot)};
    bool good = restore_pairs(&restore, why);
    json_writer_discard(&restore.writer);
    snapshot_reader_destroy(restore.reader);
    return good;
}
