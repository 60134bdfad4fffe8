/* Values by value.
 *
 * Both texts are first laid out as a row of nodes, in one pass each: a node knows where its value begins and which node
 * comes after it and all it holds, so that no text is skipped twice however deep it lies. Then the two rows are walked
 * together. Objects are compared as lists of members sorted by decoded name: n log n, whatever names a client chooses. The
 * walk recurses at most JSON_DEPTH_MAX levels. */
#include "server/json/json.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "server/base/memory.h"
#include "server/json/span.h"
#include "server/json/word.h"

struct node {
    const char *data; /* First byte of a value or name. Borrowed. */
    size_t next;      /* The node after this one and all in it. */
};

/* A text as nodes, in the order it was written; a member is its name's node and its value's. */
struct row {
    struct node *nodes; /* Owned. */
    size_t count;
    size_t capacity;
    const char *end; /* Of the text. */
};

/* One member of an object, and where it stood among the others. */
struct member {
    const char *name; /* Decoded. Borrowed from the text, or from `decoded` of the list. */
    size_t name_size;
    size_t value; /* Its node. */
    size_t position;
};

struct member_list {
    struct member *members; /* Owned. */
    size_t count;
    size_t capacity;
    char *decoded; /* Owned. The names that have escapes. */
};

static size_t row_add(struct row *row, const char *at) {
    row->nodes = memory_grow(row->nodes, &row->capacity, row->count + 1, sizeof *row->nodes);
    row->nodes[row->count] = (struct node){at, row->count + 1};
    return row->count++;
}

static struct row row_create(struct json_span value) {
    struct row row = {.end = value.data + value.size};
    size_t open[JSON_DEPTH_MAX + JSON_FRAME_DEPTH];
    size_t depth = 0;
    const char *at = value.data;
    while (at < row.end) {
        char byte = *at;
        if (byte == '[' || byte == '{') {
            assert(depth < JSON_DEPTH_MAX + JSON_FRAME_DEPTH);
            open[depth++] = row_add(&row, at++);
        } else if (byte == ']' || byte == '}') {
            assert(depth > 0);
            row.nodes[open[--depth]].next = row.count;
            at++;
        } else if (byte == ',' || byte == ':' || json_is_white(byte)) {
            at++;
        } else {
            row_add(&row, at);
            at = json_skip_scalar(at, row.end);
        }
    }
    assert(depth == 0 && row.count > 0);
    return row;
}

/* The span of a string, number or word. */
static struct json_span row_scalar(const struct row *row, size_t node) {
    const char *data = row->nodes[node].data;
    return (struct json_span){data, (size_t)(json_skip_scalar(data, row->end) - data)};
}

static bool has_escape(struct json_span string) {
    return memchr(string.data, '\\', string.size) != NULL;
}

/* Last among equal names is the member that was written last. */
static int compare_members(const void *left_member, const void *right_member) {
    const struct member *left = left_member;
    const struct member *right = right_member;
    size_t shorter = left->name_size < right->name_size ? left->name_size : right->name_size;
    int order = memcmp(left->name, right->name, shorter);
    if (order != 0)
        return order;
    if (left->name_size != right->name_size)
        return left->name_size < right->name_size ? -1 : 1;
    return left->position < right->position ? -1 : left->position > right->position;
}

static bool same_name(const struct member *left, const struct member *right) {
    return left->name_size == right->name_size && memcmp(left->name, right->name, left->name_size) == 0;
}

/* Of sorted members with the same name only the last stays. */
static void drop_duplicates(struct member_list *list) {
    size_t kept = 0;
    for (size_t i = 0; i < list->count; i++) {
        bool last = i + 1 == list->count || !same_name(&list->members[i], &list->members[i + 1]);
        if (last)
            list->members[kept++] = list->members[i];
    }
    list->count = kept;
}

/* Lists the members as they were written, names not decoded yet; answers how many bytes names with escapes have. */
static size_t list_members(struct member_list *list, const struct row *row, size_t object) {
    size_t escaped = 0;
    size_t node = object + 1;
    while (node < row->nodes[object].next) {
        struct json_span name = row_scalar(row, node);
        if (has_escape(name))
            escaped += name.size;
        list->members = memory_grow(list->members, &list->capacity, list->count + 1, sizeof *list->members);
        list->members[list->count] = (struct member){name.data, name.size, node + 1, list->count};
        list->count++;
        node = row->nodes[node + 1].next;
    }
    return escaped;
}

static struct member_list member_list_create(const struct row *row, size_t object) {
    struct member_list list = {0};
    size_t escaped = list_members(&list, row, object);
    if (escaped > 0)
        list.decoded = memory_alloc(escaped);
    char *out = list.decoded;
    for (size_t i = 0; i < list.count; i++) {
        struct member *member = &list.members[i];
        struct json_span literal = {member->name, member->name_size};
        if (has_escape(literal)) {
            member->name = out;
            member->name_size = json_string_decode(literal, out);
            out += member->name_size;
        } else {
            struct json_span inside = json_string_inside(literal);
            member->name = inside.data;
            member->name_size = inside.size;
        }
    }
    if (list.count > 1) {
        qsort(list.members, list.count, sizeof *list.members, compare_members);
        drop_duplicates(&list);
    }
    return list;
}

static void member_list_discard(struct member_list *list) {
    free(list->members);
    free(list->decoded);
}

static bool strings_equal(struct json_span left, struct json_span right) {
    if (!has_escape(left) && !has_escape(right))
        return left.size == right.size && memcmp(left.data, right.data, left.size) == 0;
    char *left_text = memory_alloc(left.size);
    char *right_text = memory_alloc(right.size);
    size_t left_size = json_string_decode(left, left_text);
    size_t right_size = json_string_decode(right, right_text);
    bool equal = left_size == right_size && memcmp(left_text, right_text, left_size) == 0;
    free(left_text);
    free(right_text);
    return equal;
}

/* Compares strings, numbers or words of the same type. */
static bool scalars_equal(enum json_type type, struct json_span left, struct json_span right) {
    if (type == JSON_STRING)
        return strings_equal(left, right);
    if (type == JSON_NUMBER)
        return json_number_equal(left, right);
    return true;
}

static bool nodes_equal(const struct row *left, size_t left_node, const struct row *right, size_t right_node);

static bool arrays_equal(const struct row *left, size_t left_array, const struct row *right, size_t right_array) {
    size_t left_end = left->nodes[left_array].next;
    size_t right_end = right->nodes[right_array].next;
    size_t left_node = left_array + 1;
    size_t right_node = right_array + 1;
    while (left_node < left_end && right_node < right_end) {
        if (!nodes_equal(left, left_node, right, right_node))
            return false;
        left_node = left->nodes[left_node].next;
        right_node = right->nodes[right_node].next;
    }
    return left_node == left_end && right_node == right_end;
}

static bool objects_equal(const struct row *left, size_t left_object, const struct row *right, size_t right_object) {
    struct member_list left_list = member_list_create(left, left_object);
    struct member_list right_list = member_list_create(right, right_object);
    bool equal = left_list.count == right_list.count;
    for (size_t i = 0; equal && i < left_list.count; i++)
        equal = same_name(&left_list.members[i], &right_list.members[i]);
    for (size_t i = 0; equal && i < left_list.count; i++)
        equal = nodes_equal(left, left_list.members[i].value, right, right_list.members[i].value);
    member_list_discard(&left_list);
    member_list_discard(&right_list);
    return equal;
}

static enum json_type node_type(const struct row *row, size_t node) {
    return json_type((struct json_span){row->nodes[node].data, 1});
}

static bool nodes_equal(const struct row *left, size_t left_node, const struct row *right, size_t right_node) {
    enum json_type type = node_type(left, left_node);
    if (node_type(right, right_node) != type)
        return false;
    if (type == JSON_ARRAY)
        return arrays_equal(left, left_node, right, right_node);
    if (type == JSON_OBJECT)
        return objects_equal(left, left_node, right, right_node);
    return scalars_equal(type, row_scalar(left, left_node), row_scalar(right, right_node));
}

bool json_equal(struct json_span left, struct json_span right) {
    enum json_type type = json_type(left);
    if (json_type(right) != type)
        return false;
    /* Clients mostly send back what they were given: the same bytes are the same value. */
    if (left.size == right.size && memcmp(left.data, right.data, left.size) == 0)
        return true;
    if (type != JSON_ARRAY && type != JSON_OBJECT)
        return scalars_equal(type, left, right);
    struct row left_row = row_create(left);
    struct row right_row = row_create(right);
    bool equal = nodes_equal(&left_row, 0, &right_row, 0);
    free(left_row.nodes);
    free(right_row.nodes);
    return equal;
}
