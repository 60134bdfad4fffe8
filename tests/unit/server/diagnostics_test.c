#include "server/diagnostics.h"

#include "server/json/json.h"
#include "tests/check_main.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* A pipe in place of standard error: what was written can be read back. */
struct sink {
    int ends[2];
    char text[4096];
    size_t size;
};

static struct diagnostics open_sink(struct sink *sink, enum diagnostics_level level, bool json) {
    ck_assert_int_eq(pipe(sink->ends), 0);
    return (struct diagnostics){.descriptor = sink->ends[1], .level = level, .json = json, .node_id = 7};
}

static const char *read_sink(struct sink *sink) {
    close(sink->ends[1]);
    ssize_t got;
    sink->size = 0;
    while ((got = read(sink->ends[0], sink->text + sink->size, sizeof sink->text - 1 - sink->size)) > 0) {
        sink->size += (size_t)got;
    }
    close(sink->ends[0]);
    sink->text[sink->size] = '\0';
    return sink->text;
}

/* A text line without its time stamp, whose form is checked. */
static const char *after_time(const char *line) {
    const char *const form = "dddd-dd-ddTdd:dd:dd.dddZ ";
    for (size_t i = 0; form[i] != '\0'; i++) {
        ck_assert_msg(form[i] == 'd' ? line[i] >= '0' && line[i] <= '9' : line[i] == form[i], "time stamp of %s", line);
    }
    return line + strlen(form);
}

START_TEST(a_text_line_has_time_level_part_and_message) {
    struct sink sink;
    struct diagnostics diagnostics = open_sink(&sink, DIAGNOSTICS_INFO, false);
    diagnostics_write(&diagnostics, DIAGNOSTICS_INFO, "raft", "became %s term=%d", "leader", 3);
    ck_assert_str_eq(after_time(read_sink(&sink)), "info raft became leader term=3\n");
}
END_TEST

START_TEST(a_json_line_is_one_json_object_with_the_node_in_it) {
    struct sink sink;
    struct diagnostics diagnostics = open_sink(&sink, DIAGNOSTICS_INFO, true);
    diagnostics_write(&diagnostics, DIAGNOSTICS_WARNING, "peers", "said \"no\"\n");
    const char *line = read_sink(&sink);
    ck_assert_int_eq(line[sink.size - 1], '\n');
    struct json_span value;
    struct json_span member;
    size_t offset;
    uint64_t node;
    ck_assert(json_scan(line, sink.size, &value, &offset));
    ck_assert(json_member(value, "message", &member) && json_string_is(member, "said \"no\"\n"));
    ck_assert(json_member(value, "level", &member) && json_string_is(member, "warning"));
    ck_assert(json_member(value, "part", &member) && json_string_is(member, "peers"));
    ck_assert(json_member(value, "node", &member) && json_number_uint64(member, 100, &node) && node == 7);
    ck_assert_ptr_eq(strchr(line, '\n'), line + sink.size - 1);
}
END_TEST

START_TEST(lines_below_the_level_are_dropped_and_the_level_itself_is_not) {
    struct sink sink;
    struct diagnostics diagnostics = open_sink(&sink, DIAGNOSTICS_WARNING, false);
    diagnostics_write(&diagnostics, DIAGNOSTICS_DEBUG, "a", "debug");
    diagnostics_write(&diagnostics, DIAGNOSTICS_INFO, "a", "info");
    diagnostics_write(&diagnostics, DIAGNOSTICS_WARNING, "a", "warning");
    ck_assert_str_eq(after_time(read_sink(&sink)), "warning a warning\n");
}
END_TEST

START_TEST(control_bytes_cannot_start_a_line_of_their_own) {
    struct sink sink;
    struct diagnostics diagnostics = open_sink(&sink, DIAGNOSTICS_INFO, false);
    diagnostics_write(&diagnostics, DIAGNOSTICS_INFO, "api", "a\nb\x1b[31m\x7f");
    ck_assert_str_eq(after_time(read_sink(&sink)), "info api a\\x0ab\\x1b[31m\\x7f\n");
}
END_TEST

/* The size of the text line for a message of `size` times `byte`. */
static size_t text_line_size(char byte, size_t size) {
    struct sink sink;
    struct diagnostics diagnostics = open_sink(&sink, DIAGNOSTICS_INFO, false);
    char message[3000];
    memset(message, byte, size);
    message[size] = '\0';
    diagnostics_write(&diagnostics, DIAGNOSTICS_INFO, "x", "%s", message);
    read_sink(&sink);
    ck_assert_int_eq(sink.text[sink.size - 1], '\n');
    return sink.size;
}

START_TEST(a_text_line_is_cut_at_1000_bytes) {
    const size_t head = strlen("2026-01-31T12:00:00.123Z info x ") + 1;
    ck_assert_uint_eq(text_line_size('a', 999 - head), 999);
    ck_assert_uint_eq(text_line_size('a', 1000 - head), 1000);
    ck_assert_uint_eq(text_line_size('a', 1001 - head), 1000);
    ck_assert_uint_eq(text_line_size('a', 2900), 1000);
    ck_assert_uint_le(text_line_size('\n', 2900), 1000);
    ck_assert_uint_gt(text_line_size('\n', 2900), 996);
}
END_TEST

START_TEST(a_cut_does_not_go_through_a_character) {
    /* The three bytes of the euro sign, at every offset against the cut. */
    for (int shift = 0; shift < 3; shift++) {
        struct sink sink;
        struct diagnostics diagnostics = open_sink(&sink, DIAGNOSTICS_INFO, false);
        char message[1500];
        size_t size = (size_t)snprintf(message, sizeof message, "%.*s", shift, "aaa");
        while (size + 3 < sizeof message) {
            memcpy(message + size, "\xe2\x82\xac", 4);
            size += 3;
        }
        diagnostics_write(&diagnostics, DIAGNOSTICS_INFO, "x", "%s", message);
        read_sink(&sink);
        ck_assert_uint_le(sink.size, 1000);
        ck_assert_uint_gt(sink.size, 996);
        ck_assert_msg(memcmp(sink.text + sink.size - 4, "\xe2\x82\xac\n", 4) == 0, "shift %d", shift);
    }
}
END_TEST

START_TEST(a_json_line_that_is_cut_is_still_json) {
    const char bytes[] = {'a', '\x01', '"', '\xff'};
    for (size_t i = 0; i < sizeof bytes; i++) {
        struct sink sink;
        struct diagnostics diagnostics = open_sink(&sink, DIAGNOSTICS_INFO, true);
        char message[3000];
        memset(message, bytes[i], sizeof message - 1);
        message[sizeof message - 1] = '\0';
        diagnostics_write(&diagnostics, DIAGNOSTICS_INFO, "x", "%s", message);
        read_sink(&sink);
        struct json_span value;
        size_t offset;
        ck_assert_msg(json_scan(sink.text, sink.size, &value, &offset), "byte %d: %s", bytes[i], sink.text);
        ck_assert_uint_le(sink.size, 1000);
        ck_assert_uint_gt(sink.size, 900);
    }
}
END_TEST

START_TEST(levels_are_known_by_name) {
    enum diagnostics_level level = DIAGNOSTICS_ERROR;
    ck_assert(diagnostics_level_parse("debug", &level) && level == DIAGNOSTICS_DEBUG);
    ck_assert(diagnostics_level_parse("info", &level) && level == DIAGNOSTICS_INFO);
    ck_assert(diagnostics_level_parse("warning", &level) && level == DIAGNOSTICS_WARNING);
    ck_assert(diagnostics_level_parse("error", &level) && level == DIAGNOSTICS_ERROR);
    ck_assert(!diagnostics_level_parse("Info", &level));
    ck_assert(!diagnostics_level_parse("", &level));
    ck_assert_int_eq(level, DIAGNOSTICS_ERROR);
}
END_TEST

static void add_tests(TCase *tcase) {
    tcase_add_test(tcase, a_text_line_has_time_level_part_and_message);
    tcase_add_test(tcase, a_json_line_is_one_json_object_with_the_node_in_it);
    tcase_add_test(tcase, lines_below_the_level_are_dropped_and_the_level_itself_is_not);
    tcase_add_test(tcase, control_bytes_cannot_start_a_line_of_their_own);
    tcase_add_test(tcase, a_text_line_is_cut_at_1000_bytes);
    tcase_add_test(tcase, a_cut_does_not_go_through_a_character);
    tcase_add_test(tcase, a_json_line_that_is_cut_is_still_json);
    tcase_add_test(tcase, levels_are_known_by_name);
}

CHECK_MAIN("diagnostics", add_tests)
