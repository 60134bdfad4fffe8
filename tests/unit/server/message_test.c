/* What all messages share. */
#include "server/message_parts.h"
#include "tests/check_main.h"
#include "tests/unit/server/message_text.h"

START_TEST(a_kind_has_the_name_of_its_path) {
    static const char *const names[MESSAGE_KIND_COUNT] = {
        "request_vote", "append_entries", "read_index",       "propose", "probe",
        "timeout_now",  "transfer",       "install_snapshot", "members"};
    for (int kind = 0; kind < MESSAGE_KIND_COUNT; kind++) {
        ck_assert_str_eq(message_kind_name((enum message_kind)kind), names[kind]);
    }
}
END_TEST

START_TEST(an_empty_text_is_left_out) {
    struct json_writer writer = {0};
    json_write_object_begin(&writer);
    message_write_number(&writer, "a", RAFT_NUMBER_MAX);
    message_write_text(&writer, "b", "");
    message_write_text(&writer, "c", "x\"y");
    json_write_object_end(&writer);
    size_t size;
    char *text = json_writer_take(&writer, &size);
    ck_assert_str_eq(text, "{\"a\":9007199254740991,\"c\":\"x\\\"y\"}");
    free(text);
}
END_TEST

static void add_tests(TCase *tcase) {
    tcase_add_test(tcase, a_kind_has_the_name_of_its_path);
    tcase_add_test(tcase, an_empty_text_is_left_out);
}

CHECK_MAIN("message", add_tests)
