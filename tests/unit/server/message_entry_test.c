/* Entries in requests: their order, their types, their payloads, and many of them. */
#include "server/message_parts.h"
#include "tests/check_main.h"
#include "tests/unit/server/message_text.h"

static bool read_entries(const char *text, struct raft_entry_id prev, raft_term term, struct raft_entry **out_entries,
                         size_t *out_count, struct problem *problem) {
    return message_entries_read(value_of(text), prev, term, NULL, out_entries, out_count, problem);
}

/* Read behind (40, 5) in term 7. */
static void assert_refused(const char *text, const char *part) {
    struct raft_entry *entries = NULL;
    size_t count = 4711;
    struct problem problem = {0};
    struct raft_entry_id prev = {40, 5};
    ck_assert_msg(!read_entries(text, prev, 7, &entries, &count, &problem), "accepted: %s", text);
    ck_assert_int_eq(problem.code, PROBLEM_BAD_REQUEST);
    ck_assert_msg(strstr(problem.detail, part) != NULL, "'%s' does not say %s", problem.detail, part);
    ck_assert_uint_eq(count, 4711);
}

START_TEST(types_have_names) {
    ck_assert_str_eq(message_entry_type_name(RAFT_COMMAND), "command");
    ck_assert_str_eq(message_entry_type_name(RAFT_NOOP), "noop");
    ck_assert_str_eq(message_entry_type_name(RAFT_CONFIGURATION), "configuration");
    ck_assert_str_eq(message_entry_type_name(RAFT_SESSION), "session");
}
END_TEST

START_TEST(an_entry_is_written_by_its_type) {
    struct raft_entry entries[] = {
        {.id = {12, 3}, .type = RAFT_COMMAND, .size = 9, .data = "{\"a\" : 1}"},
        {.id = {13, 4}, .type = RAFT_NOOP},
        {.id = {14, 4}, .type = RAFT_CONFIGURATION, .size = 13, .data = "{\"voters\":[]}"},
    };
    struct json_writer writer = {0};
    for (size_t i = 0; i < 3; i++) {
        message_entry_write(&entries[i], &writer);
        json_write_bytes(&writer, "\n", 1);
    }
    size_t size;
    char *text = json_writer_take(&writer, &size);
    ck_assert_str_eq(
        text, "{\"index\":12,\"term\":3,\"type\":\"command\",\"command\":{\"a\" : 1}}\n"
              "{\"index\":13,\"term\":4,\"type\":\"noop\",\"command\":null}\n"
              "{\"index\":14,\"term\":4,\"type\":\"configuration\",\"command\":null,\"configuration\":{\"voters\":[]}}\n");
    free(text);
}
END_TEST

START_TEST(an_index_may_be_left_out) {
    struct raft_entry *entries = NULL;
    size_t count = 0;
    struct problem problem;
    struct raft_entry_id prev = {40, 5};
    ck_assert(read_entries(
        "[{\"term\":5,\"type\":\"noop\"},{\"index\":42,\"term\":5,\"type\":\"noop\"},{\"term\":7,\"type\":\"noop\"}]", prev,
        7, &entries, &count, &problem));
    ck_assert_uint_eq(count, 3);
    ck_assert_uint_eq(entries[0].id.index, 41);
    ck_assert_uint_eq(entries[2].id.index, 43);
    ck_assert_uint_eq(entries[2].id.term, 7);
    message_entries_free(entries, count);
}
END_TEST

START_TEST(no_entries_are_no_array) {
    struct raft_entry *entries = (struct raft_entry *)(void *)&entries;
    size_t count = 4711;
    struct problem problem;
    ck_assert(read_entries(" [ ] ", (struct raft_entry_id){0, 0}, 0, &entries, &count, &problem));
    ck_assert_uint_eq(count, 0);
    ck_assert_ptr_null(entries);
}
END_TEST

START_TEST(a_gap_or_a_repetition_is_refused) {
    assert_refused("[{\"index\":42,\"term\":5,\"type\":\"noop\"}]", "\"entries[0].index\" must follow");
    assert_refused("[{\"index\":40,\"term\":5,\"type\":\"noop\"}]", "\"entries[0].index\" must follow");
    assert_refused("[{\"term\":5,\"type\":\"noop\"},{\"index\":41,\"term\":5,\"type\":\"noop\"}]",
                   "\"entries[1].index\" must follow");
    assert_refused("[{\"index\":0,\"term\":5,\"type\":\"noop\"}]", "\"entries[0].index\" must be a whole number from 1");
}
END_TEST

START_TEST(terms_neither_fall_nor_pass_the_requests) {
    assert_refused("[{\"term\":4,\"type\":\"noop\"}]", "\"entries[0].term\" must not be below");
    assert_refused("[{\"term\":8,\"type\":\"noop\"}]", "\"entries[0].term\" must not be below");
    assert_refused("[{\"term\":7,\"type\":\"noop\"},{\"term\":6,\"type\":\"noop\"}]",
                   "\"entries[1].term\" must not be below");
    assert_refused("[{\"term\":0,\"type\":\"noop\"}]", "\"entries[0].term\" must be a whole number from 1");
    assert_refused("[{\"type\":\"noop\"}]", "\"entries[0].term\" is missing");
}
END_TEST

START_TEST(an_index_does_not_pass_the_largest_number) {
    struct raft_entry *entries = NULL;
    size_t count = 0;
    struct problem problem = {0};
    struct raft_entry_id last_but_one = {RAFT_NUMBER_MAX - 1, 1};
    ck_assert(read_entries("[{\"term\":1,\"type\":\"noop\"}]", last_but_one, 1, &entries, &count, &problem));
    ck_assert_uint_eq(entries[0].id.index, RAFT_NUMBER_MAX);
    message_entries_free(entries, count);
    struct raft_entry_id last = {RAFT_NUMBER_MAX, 1};
    ck_assert(!read_entries("[{\"term\":1,\"type\":\"noop\"}]", last, 1, &entries, &count, &problem));
    ck_assert_ptr_nonnull(strstr(problem.detail, "\"entries[0].index\""));
}
END_TEST

START_TEST(a_payload_belongs_to_its_type) {
    assert_refused("[{\"term\":5,\"type\":\"command\"}]", "\"entries[0].command\" is missing");
    assert_refused("[{\"term\":5,\"type\":\"configuration\",\"command\":1}]", "\"entries[0].configuration\" is missing");
    assert_refused("[{\"term\":5,\"type\":\"noop\",\"command\":1}]", "\"entries[0].command\" must be null");
    assert_refused("[{\"term\":5,\"type\":\"session\",\"command\":1}]", "\"entries[0].command\" must be null");
    assert_refused("[{\"term\":5,\"type\":\"snapshot\",\"command\":1}]", "\"entries[0].type\" must be command, noop");
    assert_refused("[{\"term\":5,\"type\":2,\"command\":1}]", "\"entries[0].type\" must be a string");
    assert_refused("[{\"term\":5,\"command\":1}]", "\"entries[0].type\" is missing");
    assert_refused("[7]", "\"entries\" must hold objects only");
}
END_TEST

#define KEY_OF_128                                                                                                         \
    "k1234567890123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789012345678901234567"

START_TEST(an_origin_is_written_where_there_is_one) {
    struct raft_entry entries[] = {
        {.id = {12, 3}, .type = RAFT_COMMAND, .size = 1, .data = "1", .time_ms = 5},
        {.id = {13, 3}, .type = RAFT_COMMAND, .size = 1, .data = "2", .session = 7, .sequence = 1},
        {.id = {14, 3}, .type = RAFT_COMMAND, .size = 1, .data = "3", .time_ms = 6, .key = "\"a\\\"b\"", .key_size = 6},
        {.id = {15, 3}, .type = RAFT_SESSION, .time_ms = 7},
        {.id = {16, 3}, .type = RAFT_SESSION, .time_ms = 7, .session = 15},
    };
    struct json_writer writer = {0};
    for (size_t i = 0; i < sizeof entries / sizeof *entries; i++) {
        message_entry_write(&entries[i], &writer);
        json_write_bytes(&writer, "\n", 1);
    }
    size_t size;
    char *text = json_writer_take(&writer, &size);
    ck_assert_str_eq(
        text, "{\"index\":12,\"term\":3,\"type\":\"command\",\"time_ms\":5,\"command\":1}\n"
              "{\"index\":13,\"term\":3,\"type\":\"command\",\"session\":7,\"seq\":1,\"command\":2}\n"
              "{\"index\":14,\"term\":3,\"type\":\"command\",\"time_ms\":6,\"idempotency_key\":\"a\\\"b\",\"command\":3}\n"
              "{\"index\":15,\"term\":3,\"type\":\"session\",\"time_ms\":7,\"command\":null}\n"
              "{\"index\":16,\"term\":3,\"type\":\"session\",\"time_ms\":7,\"session\":15,\"command\":null}\n");
    free(text);
}
END_TEST

START_TEST(an_origin_is_read_from_inside_the_body) {
    const char *text =
        "[{\"term\":5,\"type\":\"command\",\"time_ms\":9007199254740991,\"session\":7,\"seq\":2,\"command\":1},"
        "{\"term\":5,\"type\":\"command\",\"idempotency_key\":\"" KEY_OF_128 "\",\"command\":2},"
        "{\"term\":5,\"type\":\"session\",\"time_ms\":3},"
        "{\"term\":5,\"type\":\"session\",\"time_ms\":3,\"session\":43,\"command\":null}]";
    struct raft_entry *entries = NULL;
    size_t count = 0;
    struct problem problem = {0};
    ck_assert_msg(read_entries(text, (struct raft_entry_id){40, 5}, 7, &entries, &count, &problem), "%s", problem.detail);
    ck_assert_uint_eq(count, 4);
    ck_assert_uint_eq(entries[0].time_ms, RAFT_NUMBER_MAX);
    ck_assert_uint_eq(entries[0].session, 7);
    ck_assert_uint_eq(entries[0].sequence, 2);
    ck_assert_uint_eq(entries[0].key_size, 0);
    ck_assert_uint_eq(entries[1].key_size, 130);
    ck_assert_ptr_eq(entries[1].key, strstr(text, "\"k123"));
    ck_assert_uint_eq(entries[1].time_ms + entries[1].session + entries[1].sequence, 0);
    ck_assert_int_eq(entries[2].type, RAFT_SESSION);
    ck_assert_uint_eq(entries[2].session, 0);
    ck_assert_uint_eq(entries[2].size, 0);
    ck_assert_uint_eq(entries[3].session, 43);
    message_entries_free(entries, count);
}
END_TEST

START_TEST(an_origin_that_makes_no_sense_is_refused) {
    static const struct {
        const char *members;
        const char *part;
    } rows[] = {
        {"\"type\":\"command\",\"command\":1,\"session\":7", "\"entries[0].seq\" is missing"},
        {"\"type\":\"command\",\"command\":1,\"seq\":7", "\"entries[0].seq\" belongs"},
        {"\"type\":\"command\",\"command\":1,\"session\":0,\"seq\":1", "\"entries[0].session\" must be a whole"},
        {"\"type\":\"command\",\"command\":1,\"session\":9007199254740992,\"seq\":1", "\"entries[0].session\" must be"},
        {"\"type\":\"command\",\"command\":1,\"session\":1,\"seq\":0", "\"entries[0].seq\" must be a whole"},
        {"\"type\":\"command\",\"command\":1,\"time_ms\":9007199254740992", "\"entries[0].time_ms\" must be"},
        {"\"type\":\"command\",\"command\":1,\"idempotency_key\":\"a\",\"session\":1,\"seq\":2",
         "\"entries[0].idempotency_key\" belongs"},
        {"\"type\":\"command\",\"command\":1,\"idempotency_key\":\"\"", "\"entries[0].idempotency_key\" must be"},
        {"\"type\":\"command\",\"command\":1,\"idempotency_key\":7", "\"entries[0].idempotency_key\" must be"},
        {"\"type\":\"command\",\"command\":1,\"idempotency_key\":\"\\t\"", "\"entries[0].idempotency_key\" must be"},
        {"\"type\":\"command\",\"command\":1,\"idempotency_key\":\"\xC3\xA9\"", "\"entries[0].idempotency_key\" must be"},
        {"\"type\":\"command\",\"command\":1,\"idempotency_key\":\"" KEY_OF_128 "8\"",
         "\"entries[0].idempotency_key\" must be"},
        {"\"type\":\"session\",\"session\":1,\"seq\":2", "\"entries[0].seq\" belongs"},
        {"\"type\":\"session\",\"idempotency_key\":\"a\"", "\"entries[0].idempotency_key\" belongs"},
        {"\"type\":\"noop\",\"time_ms\":1", "\"entries[0].time_ms\" belongs"},
        {"\"type\":\"noop\",\"session\":1", "\"entries[0].session\" belongs"},
        {"\"type\":\"configuration\",\"idempotency_key\":\"a\"", "\"entries[0].idempotency_key\" belongs"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char text[400];
        snprintf(text, sizeof text, "[{\"term\":5,%s}]", rows[i].members);
        assert_refused(text, rows[i].part);
    }
}
END_TEST

START_TEST(a_configuration_must_be_one) {
    assert_refused("[{\"term\":5,\"type\":\"configuration\",\"configuration\":null}]",
                   "\"entries[0].configuration\" is not");
    assert_refused("[{\"term\":5,\"type\":\"configuration\",\"configuration\":{\"voters\":[]}}]",
                   "\"entries[0].configuration\" is not");
    /* The one before it, with a configuration of its own, is not leaked. */
    assert_refused(
        "[{\"term\":5,\"type\":\"configuration\",\"configuration\":{\"voters\":[{\"id\":1,\"url\":\"http://a\"}]}},"
        "{\"term\":5,\"type\":\"configuration\",\"configuration\":{\"voters\":[{\"id\":1}]}}]",
        "\"entries[1].configuration\" is not");
}
END_TEST

START_TEST(ten_thousand_entries_come_through_unchanged) {
    /* Given as many commands, each another one */
    enum { COUNT = 10000, ROOM = 96 };
    struct raft_entry *entries = memory_zalloc(COUNT * sizeof *entries);
    char *commands = memory_alloc(COUNT * ROOM);
    for (size_t i = 0; i < COUNT; i++) {
        char *command = commands + i * ROOM;
        int size = snprintf(command, ROOM, "{ \"op\":\"put\", \"key\":\"k%zu\",\"value\" : [%zu.0e%zu, \"\\u%04zx\"]}", i,
                            i, i % 7, i);
        ck_assert_int_lt(size, ROOM);
        entries[i] = (struct raft_entry){
            .id = {100 + i, 3 + i / 5000}, .type = RAFT_COMMAND, .size = (uint32_t)size, .data = command};
    }
    struct message_request request = {
        .kind = MESSAGE_APPEND_ENTRIES,
        .address = {.cluster_id = CLUSTER, .from = 1, .from_incarnation = ONE, .to = 2, .to_incarnation = TWO},
        .round = 5,
        .raft = {.type = RAFT_APPEND_ENTRIES, .term = 4}};
    request.raft.append_entries =
        (struct raft_append_entries){.prev = {99, 3}, .leader_commit = 42, .entry_count = COUNT, .entries = entries};
    /* When they are written and read */
    char *text = request_text(&request);
    struct message_request read;
    struct problem problem = {0};
    ck_assert_msg(message_request_read(MESSAGE_APPEND_ENTRIES, value_of(text), NULL, &read, &problem), "%s",
                  problem.detail);
    /* Then they are the same */
    ck_assert_uint_eq(read.raft.append_entries.entry_count, COUNT);
    for (size_t i = 0; i < COUNT; i++) {
        const struct raft_entry *entry = &read.raft.append_entries.entries[i];
        ck_assert(entry->id.index == entries[i].id.index && entry->id.term == entries[i].id.term);
        ck_assert(entry->size == entries[i].size && memcmp(entry->data, entries[i].data, entry->size) == 0);
    }
    message_request_clear(&read);
    free(text);
    free(commands);
    free(entries);
}
END_TEST

static void add_tests(TCase *tcase) {
    tcase_add_test(tcase, types_have_names);
    tcase_add_test(tcase, an_entry_is_written_by_its_type);
    tcase_add_test(tcase, an_index_may_be_left_out);
    tcase_add_test(tcase, no_entries_are_no_array);
    tcase_add_test(tcase, a_gap_or_a_repetition_is_refused);
    tcase_add_test(tcase, terms_neither_fall_nor_pass_the_requests);
    tcase_add_test(tcase, an_index_does_not_pass_the_largest_number);
    tcase_add_test(tcase, a_payload_belongs_to_its_type);
    tcase_add_test(tcase, an_origin_is_written_where_there_is_one);
    tcase_add_test(tcase, an_origin_is_read_from_inside_the_body);
    tcase_add_test(tcase, an_origin_that_makes_no_sense_is_refused);
    tcase_add_test(tcase, a_configuration_must_be_one);
    tcase_add_test(tcase, ten_thousand_entries_come_through_unchanged);
}

CHECK_MAIN("message_entry", add_tests)
