/* Bodies of messages as the tests of this room need them: scanned, changed in one member, written. */
#ifndef RAFTD_TESTS_SERVER_MESSAGE_TEXT_H
#define RAFTD_TESTS_SERVER_MESSAGE_TEXT_H

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/base/memory.h"
#include "server/json/json.h"
#include "server/message.h"

#define CLUSTER "c0ffee00c0ffee00c0ffee00c0ffee00"
#define ONE     "00000000000000000000000000000001"
#define TWO     "00000000000000000000000000000002"
#define THREE   "00000000000000000000000000000003"

/* The value of a text that must be JSON. It borrows the text. */
static inline struct json_span value_of(const char *text) {
    struct json_span value = {0};
    size_t offset = 0;
    ck_assert_msg(json_scan(text, strlen(text), &value, &offset), "not JSON at byte %zu: %s", offset, text);
    return value;
}

static inline void assert_span(struct json_span span, const char *expected) {
    ck_assert_msg(span.size == strlen(expected) && memcmp(span.data, expected, span.size) == 0, "%.*s is not %s",
                  (int)span.size, span.data, expected);
}

/* The object with member `name` changed to the text `value`, or left out when that is NULL. The caller frees it. */
static inline char *changed(const char *object, const char *name, const char *value) {
    struct json_writer writer = {0};
    struct json_cursor cursor = json_open(value_of(object));
    struct json_span new_member = value_of(value != NULL ? value : "null");
    struct json_span member_name;
    struct json_span member;
    bool found = false;
    json_write_object_begin(&writer);
    while (json_next_member(&cursor, &member_name, &member)) {
        bool here = json_string_is(member_name, name);
        found = found || here;
        if (here && value == NULL) {
            continue;
        }
        json_write_value(&writer, member_name);
        json_write_bytes(&writer, ":", 1);
        writer.need_comma = false;
        json_write_value(&writer, here ? new_member : member);
    }
    json_write_object_end(&writer);
    ck_assert_msg(found, "%s is not in %s", name, object);
    size_t size;
    return json_writer_take(&writer, &size);
}

/* The caller frees it. */
static inline char *request_text(const struct message_request *request) {
    struct json_writer writer = {0};
    message_request_write(request, &writer);
    size_t size;
    return json_writer_take(&writer, &size);
}

static inline char *answer_text(const struct message_answer *answer) {
    struct json_writer writer = {0};
    message_answer_write(answer, &writer);
    size_t size;
    return json_writer_take(&writer, &size);
}

/* Two voters and a learner. */
static inline struct members some_members(bool with_incarnations) {
    struct members members = {.count = 3,
                              .list = {{.id = 1, .voter = true, .url = "http://node1:8001", .incarnation = ONE},
                                       {.id = 2, .voter = false, .url = "http://node2:8001", .incarnation = TWO},
                                       {.id = 3, .voter = true, .url = "http://[::1]:8003", .incarnation = THREE}}};
    for (size_t i = 0; i < members.count && !with_incarnations; i++) {
        members.list[i].incarnation[0] = '\0';
    }
    return members;
}

#endif
