/* Requests: what is written is read again, and what is not as it must be is refused by name. */
#include "server/message.h"
#include "tests/check_main.h"
#include "tests/unit/server/message_text.h"

#define HEAD                                                                                                               \
    "\"cluster_id\":\"" CLUSTER "\",\"from\":1,\"from_incarnation\":\"" ONE "\",\"to\":2,\"to_incarnation\":\"" TWO        \
    "\",\"round\":9"
#define MEMBERS                                                                                                            \
    "{\"voters\":[{\"id\":1,\"url\":\"http://node1:8001\",\"incarnation\":\"" ONE                                          \
    "\"},{\"id\":3,\"url\":\"http://[::1]:8003\",\"incarnation\":\"" THREE                                                 \
    "\"}],\"learners\":[{\"id\":2,\"url\":\"http://node2:8001\",\"incarnation\":\"" TWO "\"}],\"outgoing\":[]}"

/* Pieces of snapshots have none: message_query_test.c. */
static const char *const texts[MESSAGE_KIND_COUNT] = {
    [MESSAGE_REQUEST_VOTE] =
        "{" HEAD
        ",\"term\":7,\"candidate_id\":1,\"last_log_index\":40,\"last_log_term\":6,\"pre_vote\":true,\"transfer\":false}",
    [MESSAGE_APPEND_ENTRIES] =
        "{" HEAD ",\"term\":7,\"leader_id\":1,\"prev_log_index\":40,\"prev_log_term\":5,"
        "\"leader_commit\":39,\"entries\":["
        "{\"index\":41,\"term\":5,\"type\":\"command\",\"command\":{ \"a\" : 1e2 }},"
        "{\"index\":42,\"term\":7,\"type\":\"noop\",\"command\":null},"
        "{\"index\":43,\"term\":7,\"type\":\"configuration\",\"command\":null,\"configuration\":" MEMBERS "},"
        "{\"index\":44,\"term\":7,\"type\":\"command\",\"command\":null}]}",
    [MESSAGE_READ_INDEX] = "{" HEAD ",\"lease\":true}",
    [MESSAGE_TIMEOUT_NOW] = "{" HEAD ",\"term\":7,\"leader_id\":1}",
    [MESSAGE_TRANSFER] = "{" HEAD ",\"transfer_to\":2,\"timeout_ms\":60000}",
    [MESSAGE_PROPOSE] = "{" HEAD ",\"term\":7,\"run\":9,\"sequence\":3,\"timeout_ms\":5000,"
                        "\"commands\":[10000000000000000001,{\"b\":1,\"a\" :\t[]},\"\\u00e9\",null]}",
    [MESSAGE_PROBE] =
        "{\"from\":1,\"from_incarnation\":\"" ONE "\",\"to\":2,\"round\":0,\"machine\":\"hashmap\",\"list\":"
        "{\"voters\":[{\"id\":1,\"url\":\"http://a\"},{\"id\":2,\"url\":\"http://b:1\"}],\"learners\":[],\"outgoing\":[]}}",
};

/* The request in a text, which must be good. */
static struct message_request read_good(enum message_kind kind, const char *text, struct buffer *body) {
    struct message_request request;
    struct problem problem = {0};
    ck_assert_msg(message_request_read(kind, value_of(text), body, &request, &problem), "%s", problem.detail);
    ck_assert_int_eq(request.kind, kind);
    return request;
}

/* Refused as a bad request whose detail says all of `part`; the request is not touched. */
static void assert_refused(enum message_kind kind, const char *text, const char *part) {
    struct message_request request;
    memset(&request, 0xA5, sizeof request);
    struct message_request before;
    memcpy(&before, &request, sizeof before);
    struct problem problem = {0};
    ck_assert_msg(!message_request_read(kind, value_of(text), NULL, &request, &problem), "accepted: %s", text);
    ck_assert_int_eq(problem.code, PROBLEM_BAD_REQUEST);
    ck_assert(!problem.outcome_unknown);
    ck_assert_msg(strstr(problem.detail, part) != NULL, "'%s' does not say %s: %s", problem.detail, part, text);
    ck_assert_int_eq(memcmp(&before, &request, sizeof before), 0);
}

static void assert_refused_when(enum message_kind kind, const char *name, const char *value, const char *part) {
    char *text = changed(texts[kind], name, value);
    assert_refused(kind, text, part);
    free(text);
}

START_TEST(what_is_read_is_written_the_same) {
    for (int i = 0; i < MESSAGE_KIND_COUNT; i++) {
        enum message_kind kind = (enum message_kind)i;
        if (texts[kind] == NULL) {
            continue;
        }
        struct message_request request = read_good(kind, texts[kind], NULL);
        char *again = request_text(&request);
        ck_assert_str_eq(again, texts[kind]);
        free(again);
        message_request_clear(&request);
    }
}
END_TEST

START_TEST(the_address_is_read) {
    struct message_request request = read_good(MESSAGE_READ_INDEX, texts[MESSAGE_READ_INDEX], NULL);
    ck_assert_str_eq(request.address.cluster_id, CLUSTER);
    ck_assert_uint_eq(request.address.from, 1);
    ck_assert_str_eq(request.address.from_incarnation, ONE);
    ck_assert_uint_eq(request.address.to, 2);
    ck_assert_str_eq(request.address.to_incarnation, TWO);
    ck_assert_uint_eq(request.round, 9);
    message_request_clear(&request);
}
END_TEST

START_TEST(what_a_leader_says_of_the_receivers_state_is_read_and_written) {
    static const struct {
        const char *members;
        enum divergence_verdict state;
        raft_index since;
    } rows[] = {
        {"", DIVERGENCE_UNKNOWN, 0},
        {",\"diverged\":false", DIVERGENCE_AGREES, 0},
        {",\"diverged\":true,\"diverged_since\":64", DIVERGENCE_DIFFERS, 64},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char text[1024];
        const char *plain = texts[MESSAGE_APPEND_ENTRIES];
        const char *entries = strstr(plain, ",\"entries\":");
        ck_assert_ptr_nonnull(entries);
        snprintf(text, sizeof text, "%.*s%s,\"entries\":[]}", (int)(entries - plain), plain, rows[i].members);
        struct message_request request = read_good(MESSAGE_APPEND_ENTRIES, text, NULL);
        ck_assert_int_eq(request.state, rows[i].state);
        ck_assert_uint_eq(request.diverged_since, rows[i].since);
        char *again = request_text(&request);
        ck_assert_str_eq(again, text);
        free(again);
        message_request_clear(&request);
    }
}
END_TEST

START_TEST(a_vote_request_is_read) {
    struct message_request request = read_good(MESSAGE_REQUEST_VOTE, texts[MESSAGE_REQUEST_VOTE], NULL);
    ck_assert_int_eq(request.raft.type, RAFT_REQUEST_VOTE);
    ck_assert_uint_eq(request.raft.from, 1);
    ck_assert_uint_eq(request.raft.to, 2);
    ck_assert_uint_eq(request.raft.round, 9);
    ck_assert_uint_eq(request.raft.term, 7);
    ck_assert_uint_eq(request.raft.after_write, 0);
    ck_assert_uint_eq(request.raft.ticket, 0);
    ck_assert(request.raft.request_vote.pre_vote);
    ck_assert_uint_eq(request.raft.request_vote.last_log.index, 40);
    ck_assert_uint_eq(request.raft.request_vote.last_log.term, 6);
}
END_TEST

START_TEST(entries_are_read_with_their_bytes) {
    /* Given a body in a counted buffer */
    const char *text = texts[MESSAGE_APPEND_ENTRIES];
    struct buffer *body = buffer_copy(text, strlen(text));
    struct json_span value = {0};
    size_t offset;
    ck_assert(json_scan(body->data, body->size, &value, &offset));
    struct message_request request;
    struct problem problem;
    /* When it is read */
    ck_assert(message_request_read(MESSAGE_APPEND_ENTRIES, value, body, &request, &problem));
    /* Then the entries lie in it */
    const struct raft_append_entries *append = &request.raft.append_entries;
    ck_assert_uint_eq(append->prev.index, 40);
    ck_assert_uint_eq(append->prev.term, 5);
    ck_assert_uint_eq(append->leader_commit, 39);
    ck_assert_uint_eq(append->entry_count, 4);
    const struct raft_entry *entry = append->entries;
    ck_assert_int_eq(entry[0].type, RAFT_COMMAND);
    ck_assert_uint_eq(entry[0].id.index, 41);
    ck_assert_uint_eq(entry[0].id.term, 5);
    assert_span((struct json_span){entry[0].data, entry[0].size}, "{ \"a\" : 1e2 }");
    ck_assert(entry[0].data > body->data && entry[0].data < body->data + body->size);
    ck_assert_ptr_eq(entry[0].buffer, body);
    ck_assert_ptr_null(entry[0].configuration);
    ck_assert_int_eq(entry[1].type, RAFT_NOOP);
    ck_assert_uint_eq(entry[1].size, 0);
    ck_assert_ptr_null(entry[1].buffer);
    ck_assert_int_eq(entry[2].type, RAFT_CONFIGURATION);
    assert_span((struct json_span){entry[2].data, entry[2].size}, MEMBERS);
    ck_assert_uint_eq(entry[2].configuration->voter_count, 2);
    ck_assert_uint_eq(entry[2].configuration->learners[0], 2);
    assert_span((struct json_span){entry[3].data, entry[3].size}, "null");
    /* And the body was not counted */
    ck_assert_uint_eq(body->references, 1);
    message_request_clear(&request);
    buffer_release(body);
}
END_TEST

START_TEST(a_heartbeat_has_no_entries) {
    char *text = changed(texts[MESSAGE_APPEND_ENTRIES], "entries", "[]");
    struct message_request request = read_good(MESSAGE_APPEND_ENTRIES, text, NULL);
    ck_assert_uint_eq(request.raft.append_entries.entry_count, 0);
    message_request_clear(&request);
    free(text);
}
END_TEST

START_TEST(forwarded_commands_keep_their_bytes) {
    struct message_request request = read_good(MESSAGE_PROPOSE, texts[MESSAGE_PROPOSE], NULL);
    ck_assert_uint_eq(request.propose.term, 7);
    ck_assert_uint_eq(request.propose.run, 9);
    ck_assert_uint_eq(request.propose.sequence, 3);
    ck_assert_uint_eq(request.propose.timeout_ms, 5000);
    ck_assert_uint_eq(request.propose.count, 4);
    assert_span(request.propose.commands[0], "10000000000000000001");
    assert_span(request.propose.commands[1], "{\"b\":1,\"a\" :\t[]}");
    assert_span(request.propose.commands[2], "\"\\u00e9\"");
    assert_span(request.propose.commands[3], "null");
    message_request_clear(&request);
}
END_TEST

START_TEST(a_probe_is_read) {
    struct message_request probe = read_good(MESSAGE_PROBE, texts[MESSAGE_PROBE], NULL);
    ck_assert_str_eq(probe.address.cluster_id, "");
    ck_assert_str_eq(probe.address.to_incarnation, "");
    ck_assert_str_eq(probe.probe.machine, "hashmap");
    ck_assert_uint_eq(probe.probe.list.count, 2);
    message_request_clear(&probe);
}
END_TEST

/* Fields that came later: nodes of before leave them out. */
static bool may_be_left_out(const char *name) {
    return strcmp(name, "lease") == 0 || strcmp(name, "transfer") == 0 || strcmp(name, "run") == 0;
}

START_TEST(what_may_be_left_out_is_false_or_none) {
    char *text = changed(texts[MESSAGE_READ_INDEX], "lease", NULL);
    ck_assert(!read_good(MESSAGE_READ_INDEX, text, NULL).lease);
    free(text);
    ck_assert(read_good(MESSAGE_READ_INDEX, texts[MESSAGE_READ_INDEX], NULL).lease);
    text = changed(texts[MESSAGE_REQUEST_VOTE], "transfer", NULL);
    ck_assert(!read_good(MESSAGE_REQUEST_VOTE, text, NULL).raft.request_vote.transfer);
    free(text);
    text = changed(texts[MESSAGE_REQUEST_VOTE], "transfer", "true");
    ck_assert(read_good(MESSAGE_REQUEST_VOTE, text, NULL).raft.request_vote.transfer);
    free(text);
    text = changed(texts[MESSAGE_PROPOSE], "run", NULL);
    struct message_request request = read_good(MESSAGE_PROPOSE, text, NULL);
    ck_assert_uint_eq(request.propose.run, 0);
    message_request_clear(&request);
    free(text);
}
END_TEST

START_TEST(a_wish_to_hand_over_is_read) {
    struct message_request timeout_now = read_good(MESSAGE_TIMEOUT_NOW, texts[MESSAGE_TIMEOUT_NOW], NULL);
    ck_assert_int_eq(timeout_now.raft.type, RAFT_TIMEOUT_NOW);
    ck_assert_uint_eq(timeout_now.raft.term, 7);
    ck_assert_uint_eq(timeout_now.raft.from, 1);
    struct message_request wish = read_good(MESSAGE_TRANSFER, texts[MESSAGE_TRANSFER], NULL);
    ck_assert_uint_eq(wish.transfer.to, 2);
    ck_assert_uint_eq(wish.transfer.timeout_ms, 60000);
    char *text = changed(texts[MESSAGE_TRANSFER], "transfer_to", "0");
    ck_assert_uint_eq(read_good(MESSAGE_TRANSFER, text, NULL).transfer.to, 0);
    free(text);
    assert_refused_when(MESSAGE_TIMEOUT_NOW, "leader_id", "3", "\"leader_id\" must be the same as \"from\"");
}
END_TEST

START_TEST(a_field_that_is_missing_is_named) {
    for (int i = 0; i < MESSAGE_KIND_COUNT; i++) {
        enum message_kind kind = (enum message_kind)i;
        if (texts[kind] == NULL) {
            continue;
        }
        struct json_cursor cursor = json_open(value_of(texts[kind]));
        struct json_span name;
        struct json_span value;
        while (json_next_member(&cursor, &name, &value)) {
            char plain[64];
            plain[json_string_decode(name, plain)] = '\0';
            char part[96];
            snprintf(part, sizeof part, "\"%s\" is missing", plain);
            if (!may_be_left_out(plain)) {
                assert_refused_when(kind, plain, NULL, part);
            }
        }
    }
}
END_TEST

/* Fields for which any value of their type will do. */
static bool takes_any_of_its_type(const char *name) {
    return strcmp(name, "machine") == 0 || strcmp(name, "commands") == 0 || strcmp(name, "pre_vote") == 0 ||
           may_be_left_out(name);
}

static void assert_other_types_refused(enum message_kind kind, const char *name, enum json_type type) {
    static const char *const others[] = {"null", "true", "-1", "1.0", "\"x\"", "[1]", "{\"a\":1}"};
    char part[96];
    snprintf(part, sizeof part, "\"%s\" ", name);
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        bool left_out = i == 0 && may_be_left_out(name);
        bool bool_as_well = i == 1 && takes_any_of_its_type(name) && type == JSON_FALSE;
        if (!left_out && !bool_as_well && (json_type(value_of(others[i])) != type || !takes_any_of_its_type(name))) {
            assert_refused_when(kind, name, others[i], part);
        }
    }
}

START_TEST(a_field_of_another_type_is_named) {
    for (int i = 0; i < MESSAGE_KIND_COUNT; i++) {
        enum message_kind kind = (enum message_kind)i;
        if (texts[kind] == NULL) {
            continue;
        }
        struct json_cursor cursor = json_open(value_of(texts[kind]));
        struct json_span name;
        struct json_span value;
        while (json_next_member(&cursor, &name, &value)) {
            char plain[64];
            plain[json_string_decode(name, plain)] = '\0';
            assert_other_types_refused(kind, plain, json_type(value));
        }
    }
}
END_TEST

static const struct {
    enum message_kind kind;
    const char *name;
    bool id; /* 0 is not allowed. */
} numbers[] = {
    {MESSAGE_READ_INDEX, "from", true},
    {MESSAGE_READ_INDEX, "to", true},
    {MESSAGE_READ_INDEX, "round", false},
    {MESSAGE_REQUEST_VOTE, "term", false},
    {MESSAGE_REQUEST_VOTE, "candidate_id", true},
    {MESSAGE_REQUEST_VOTE, "last_log_index", false},
    {MESSAGE_REQUEST_VOTE, "last_log_term", false},
    {MESSAGE_APPEND_ENTRIES, "term", false},
    {MESSAGE_APPEND_ENTRIES, "leader_id", true},
    {MESSAGE_APPEND_ENTRIES, "prev_log_index", false},
    {MESSAGE_APPEND_ENTRIES, "prev_log_term", false},
    {MESSAGE_APPEND_ENTRIES, "leader_commit", false},
    {MESSAGE_PROPOSE, "term", false},
    {MESSAGE_PROPOSE, "run", false},
    {MESSAGE_PROPOSE, "sequence", false},
    {MESSAGE_PROPOSE, "timeout_ms", false},
};

START_TEST(a_number_out_of_range_is_named) {
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        char part[96];
        snprintf(part, sizeof part, "\"%s\" must be a whole number from %d to 9007199254740991", numbers[i].name,
                 numbers[i].id);
        assert_refused_when(numbers[i].kind, numbers[i].name, "9007199254740992", part);
        assert_refused_when(numbers[i].kind, numbers[i].name, "18446744073709551617", part);
        assert_refused_when(numbers[i].kind, numbers[i].name, "1e0", part);
        if (numbers[i].id) {
            assert_refused_when(numbers[i].kind, numbers[i].name, "0", part);
        }
    }
}
END_TEST

START_TEST(the_largest_numbers_are_taken) {
    static const char *const names[] = {"from", "to", "round"};
    for (size_t i = 0; i < 3; i++) {
        char *text = changed(texts[MESSAGE_READ_INDEX], names[i], "9007199254740991");
        struct message_request request = read_good(MESSAGE_READ_INDEX, text, NULL);
        char *again = request_text(&request);
        ck_assert_str_eq(again, text);
        free(again);
        free(text);
    }
}
END_TEST

START_TEST(incarnations_and_cluster_ids_have_their_form) {
    static const char *const names[] = {"cluster_id", "from_incarnation", "to_incarnation"};
    static const char *const bad[] = {"\"\"",
                                      "\"c0ffee00c0ffee00c0ffee00c0ffee0\"",
                                      "\"c0ffee00c0ffee00c0ffee00c0ffee000\"",
                                      "\"C0ffee00c0ffee00c0ffee00c0ffee00\"",
                                      "\"g0ffee00c0ffee00c0ffee00c0ffee00\"",
                                      "\"\\u0063ffee00c0ffee00c0ffee00c0f\""};
    for (size_t i = 0; i < 3; i++) {
        for (size_t j = 0; j < sizeof bad / sizeof bad[0]; j++) {
            assert_refused_when(MESSAGE_READ_INDEX, names[i], bad[j], names[i]);
        }
    }
}
END_TEST

START_TEST(the_sender_is_the_candidate_and_the_leader) {
    assert_refused_when(MESSAGE_REQUEST_VOTE, "candidate_id", "3", "\"candidate_id\" must be the same as \"from\"");
    assert_refused_when(MESSAGE_APPEND_ENTRIES, "leader_id", "3", "\"leader_id\" must be the same as \"from\"");
}
END_TEST

START_TEST(no_log_is_ahead_of_its_term) {
    assert_refused_when(MESSAGE_REQUEST_VOTE, "last_log_term", "8", "\"last_log_term\" must not be above");
    assert_refused_when(MESSAGE_APPEND_ENTRIES, "prev_log_term", "8", "\"prev_log_term\" must not be above");
    assert_refused_when(MESSAGE_REQUEST_VOTE, "last_log_index", "0", "\"last_log_term\" must be 0 exactly");
    assert_refused_when(MESSAGE_REQUEST_VOTE, "last_log_term", "0", "\"last_log_term\" must be 0 exactly");
    assert_refused_when(MESSAGE_APPEND_ENTRIES, "prev_log_term", "0", "\"prev_log_term\" must be 0 exactly");
    char *text = changed(texts[MESSAGE_REQUEST_VOTE], "last_log_term", "7");
    struct message_request request = read_good(MESSAGE_REQUEST_VOTE, text, NULL);
    ck_assert_uint_eq(request.raft.request_vote.last_log.term, 7);
    free(text);
}
END_TEST

START_TEST(a_body_that_is_no_object_is_refused) {
    for (int kind = 0; kind < MESSAGE_KIND_COUNT; kind++) {
        if (texts[kind] != NULL) {
            assert_refused((enum message_kind)kind, "[1]", "must be an object");
            assert_refused((enum message_kind)kind, "null", "must be an object");
        }
    }
}
END_TEST

START_TEST(no_commands_are_no_proposal) {
    assert_refused_when(MESSAGE_PROPOSE, "commands", "[]", "\"commands\" must not be empty");
}
END_TEST

START_TEST(a_machine_has_a_name_of_limited_length) {
    char name[300];
    memset(name, 'm', sizeof name);
    for (size_t size = 255; size <= 256; size++) {
        char quoted[320];
        snprintf(quoted, sizeof quoted, "\"%.*s\"", (int)size, name);
        if (size == 256) {
            assert_refused_when(MESSAGE_PROBE, "machine", quoted, "\"machine\"");
        } else {
            char *text = changed(texts[MESSAGE_PROBE], "machine", quoted);
            struct message_request request = read_good(MESSAGE_PROBE, text, NULL);
            ck_assert_uint_eq(strlen(request.probe.machine), 255);
            message_request_clear(&request);
            free(text);
        }
    }
    assert_refused_when(MESSAGE_PROBE, "machine", "\"\"", "\"machine\"");
    assert_refused_when(MESSAGE_PROBE, "machine", "\"a\\u0000b\"", "\"machine\"");
    assert_refused_when(MESSAGE_PROBE, "machine", "\"a\\nb\"", "\"machine\"");
}
END_TEST

START_TEST(unknown_members_are_passed_over_and_the_last_of_duplicates_counts) {
    const char *text = "{\"new\":{\"from\":7},\"round\":{}," HEAD ",\"newer\":[1],\"\\u0066rom\":5}";
    struct message_request request = read_good(MESSAGE_READ_INDEX, text, NULL);
    ck_assert_uint_eq(request.address.from, 5);
    ck_assert_uint_eq(request.round, 9);
}
END_TEST

START_TEST(fields_may_come_in_any_order) {
    const char *text = "{\"entries\":[{\"command\":1,\"type\":\"command\",\"term\":7}],\"term\":7,\"leader_commit\":0,"
                       "\"prev_log_term\":0,\"prev_log_index\":0,\"leader_id\":1," HEAD "}";
    struct message_request request = read_good(MESSAGE_APPEND_ENTRIES, text, NULL);
    ck_assert_uint_eq(request.raft.append_entries.entries[0].id.index, 1);
    ck_assert_uint_eq(request.raft.append_entries.entries[0].id.term, 7);
    message_request_clear(&request);
}
END_TEST

static void add_tests(TCase *tcase) {
    tcase_add_test(tcase, what_is_read_is_written_the_same);
    tcase_add_test(tcase, the_address_is_read);
    tcase_add_test(tcase, what_a_leader_says_of_the_receivers_state_is_read_and_written);
    tcase_add_test(tcase, a_vote_request_is_read);
    tcase_add_test(tcase, entries_are_read_with_their_bytes);
    tcase_add_test(tcase, a_heartbeat_has_no_entries);
    tcase_add_test(tcase, forwarded_commands_keep_their_bytes);
    tcase_add_test(tcase, a_probe_is_read);
    tcase_add_test(tcase, what_may_be_left_out_is_false_or_none);
    tcase_add_test(tcase, a_wish_to_hand_over_is_read);
    tcase_add_test(tcase, a_field_that_is_missing_is_named);
    tcase_add_test(tcase, a_field_of_another_type_is_named);
    tcase_add_test(tcase, a_number_out_of_range_is_named);
    tcase_add_test(tcase, the_largest_numbers_are_taken);
    tcase_add_test(tcase, incarnations_and_cluster_ids_have_their_form);
    tcase_add_test(tcase, the_sender_is_the_candidate_and_the_leader);
    tcase_add_test(tcase, no_log_is_ahead_of_its_term);
    tcase_add_test(tcase, a_body_that_is_no_object_is_refused);
    tcase_add_test(tcase, no_commands_are_no_proposal);
    tcase_add_test(tcase, a_machine_has_a_name_of_limited_length);
    tcase_add_test(tcase, unknown_members_are_passed_over_and_the_last_of_duplicates_counts);
    tcase_add_test(tcase, fields_may_come_in_any_order);
}

CHECK_MAIN("message_request", add_tests)
