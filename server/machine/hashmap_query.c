/* Queries of `hashmap`. */
#include "server/machine/hashmap.h"

#include "server/machine/cow_cursor.h"
#include "server/machine/operation.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static enum machine_verdict get(const struct cow_tree *tree, const struct operation *query, struct machine_output result) {
    struct operation_text key;
    if (!operation_text(query, OPERATION_KEY, &key, result)) {
        return MACHINE_REFUSED;
    }
    const struct pair *pair = cow_tree_get(tree, key.bytes, key.size);
    if (pair == NULL) {
        operation_say(result, "{\"found\":false}");
    } else {
        operation_say(result, "{\"found\":true,\"value\":");
        operation_say_value(result, pair_value(pair));
        operation_say(result, "}");
    }
    return MACHINE_DONE;
}

static enum machine_verdict count(const struct cow_tree *tree, struct machine_output result) {
    char text[sizeof "{\"count\":18446744073709551615}"];
    snprintf(text, sizeof text, "{\"count\":%" PRIu64 "}", tree->count);
    operation_say(result, text);
    return MACHINE_DONE;
}

/* Which keys a page of `list` shows. */
struct page {
    struct operation_text prefix; /* Empty: every key. */
    struct operation_text after;
    bool has_after;
    uint64_t limit;
};

static bool read_limit(const struct operation *query, uint64_t *out_limit) {
    if (!operation_has(query, OPERATION_LIMIT)) {
        *out_limit = HASHMAP_LIST_LIMIT_DEFAULT;
        return true;
    }
    struct json_span limit = query->members[OPERATION_LIMIT];
    uint64_t number;
    if (json_type(limit) != JSON_NUMBER || !json_number_uint64(limit, HASHMAP_LIST_LIMIT_MAX, &number) || number == 0) {
        return false;
    }
    *out_limit = number;
    return true;
}

static enum machine_verdict read_page(const struct operation *query, struct page *out_page, struct machine_output why) {
    _Static_assert(HASHMAP_LIST_LIMIT_MAX == 1000, "the sentence below names the limit");
    out_page->prefix.size = 0;
    if (operation_has(query, OPERATION_PREFIX) && !operation_text(query, OPERATION_PREFIX, &out_page->prefix, why)) {
        return MACHINE_REFUSED;
    }
    out_page->has_after = operation_has(query, OPERATION_AFTER);
    if (out_page->has_after && !operation_text(query, OPERATION_AFTER, &out_page->after, why)) {
        return MACHINE_REFUSED;
    }
    if (!read_limit(query, &out_page->limit)) {
        return operation_refuse(why, "\"limit\" must be a whole number from 1 to 1000, written in digits alone");
    }
    return MACHINE_DONE;
}

static bool begins_with(const struct pair *pair, const struct operation_text *prefix) {
    return pair->key_size >= prefix->size && memcmp(pair->bytes, prefix->bytes, prefix->size) == 0;
}

/* A walk that begins at the first key of the page. All keys with the prefix stand together, the prefix itself first. */
static struct cow_cursor open_page(const struct cow_tree *tree, const struct page *page) {
    struct cow_cursor cursor = cow_cursor_seek(tree, page->prefix.bytes, page->prefix.size, false);
    if (page->has_after) {
        struct cow_cursor past = cursor;
        const struct pair *first = cow_cursor_next(&past);
        if (first != NULL && pair_compare(page->after.bytes, page->after.size, first) >= 0) {
            return cow_cursor_seek(tree, page->after.bytes, page->after.size, true);
        }
    }
    return cursor;
}

static void write_entry(struct json_writer *writer, const struct pair *pair) {
    json_write_object_begin(writer);
    json_write_name(writer, "key");
    json_write_string(writer, pair->bytes, pair->key_size);
    json_write_name(writer, "value");
    json_write_value(writer, pair_value(pair));
    json_write_object_end(writer);
}

static enum machine_verdict list(const struct cow_tree *tree, const struct operation *query, struct machine_output result) {
    struct page page;
    if (read_page(query, &page, result) == MACHINE_REFUSED) {
        return MACHINE_REFUSED;
    }
    struct json_writer writer = {0};
    json_write_object_begin(&writer);
    json_write_name(&writer, "entries");
    json_write_array_begin(&writer);
    struct cow_cursor cursor = open_page(tree, &page);
    const struct pair *pair = cow_cursor_next(&cursor);
    for (uint64_t shown = 0; pair != NULL && begins_with(pair, &page.prefix); pair = cow_cursor_next(&cursor)) {
        if (shown++ == page.limit || writer.size >= HASHMAP_LIST_BYTES_MAX) {
            break;
        }
        write_entry(&writer, pair);
    }
    json_write_array_end(&writer);
    json_write_name(&writer, "more");
    json_write_bool(&writer, pair != NULL && begins_with(pair, &page.prefix));
    json_write_object_end(&writer);
    operation_say_value(result, (struct json_span){.data = writer.data, .size = writer.size});
    json_writer_discard(&writer);
    return MACHINE_DONE;
}

enum machine_verdict hashmap_query(const struct cow_tree *tree, const char *text, size_t size,
                                   struct machine_output result) {
    struct operation query;
    if (!operation_read(text, size, &query)) {
        return operation_refuse(result, "a query must be an object like {\"op\":\"get\",\"key\":\"k\"}");
    }
    if (operation_is(&query, "get")) {
        return get(tree, &query, result);
    }
    if (operation_is(&query, "list")) {
        return list(tree, &query, result);
    }
    if (operation_is(&query, "count")) {
        return count(tree, result);
    }
    return operation_refuse(result, "\"op\" of a query must be \"get\", \"list\" or \"count\"");
}
