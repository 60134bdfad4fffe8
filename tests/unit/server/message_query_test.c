/* Pieces of snapshot files: what is written is read again, and what is not as it must be is refused by name. */
#include "server/base/buffer.h"
#include "server/message.h"
#include "tests/check_main.h"
#include "tests/unit/server/message_text.h"

#define QUERY                                                                                                              \
    "cluster_id=" CLUSTER "&from=1&from_incarnation=" ONE "&to=2&to_incarnation=" TWO                                      \
    "&round=9&term=7&snapshot_index=40&snapshot_term=6&length=1000&crc=4294967295&offset=997&done=true"

static struct buffer *piece(size_t size) {
    char *bytes = memory_zalloc(size + 1);
    return buffer_take(bytes, size);
}

static bool reads(const char *query, size_t body_size, struct message_request *out_request, struct problem *out_problem) {
    /* A copy that ends where the query does, so that a sanitizer sees a byte read too much. */
    char *copy = memory_copy(query, strlen(query));
    struct buffer *body = piece(body_size);
    bool good = message_query_read(copy, strlen(query), body, out_request, out_problem);
    buffer_release(body);
    free(copy);
    return good;
}

static void assert_refused(const char *query, size_t body_size, const char *part) {
    struct message_request request;
    memset(&request, 0xA5, sizeof request);
    struct message_request before = request;
    struct problem problem = {0};
    ck_assert_msg(!reads(query, body_size, &request, &problem), "accepted: %s", query);
    ck_assert_int_eq(problem.code, PROBLEM_BAD_REQUEST);
    ck_assert_msg(strstr(problem.detail, part) != NULL, "'%s' does not say %s", problem.detail, part);
    ck_assert_int_eq(memcmp(&before, &request, sizeof before), 0);
}

/* QUERY with the parameter `name` changed to `value`, or left out when that is NULL. The caller frees it. */
static char *with(const char *name, const char *value) {
    char *changed_query = memory_zalloc(2 * MESSAGE_QUERY_SIZE);
    char *copy = memory_copy(QUERY, sizeof QUERY);
    bool found = false;
    char *rest = NULL;
    for (char *pair = strtok_r(copy, "&", &rest); pair != NULL; pair = strtok_r(NULL, "&", &rest)) {
        bool here = strncmp(pair, name, strlen(name)) == 0 && pair[strlen(name)] == '=';
        found = found || here;
        if (!here || value != NULL) {
            strcat(changed_query, changed_query[0] == '\0' ? "" : "&");
            strcat(changed_query, here ? name : pair);
            strcat(changed_query, here ? "=" : "");
            strcat(changed_query, here ? value : "");
        }
    }
    ck_assert_msg(found, "%s", name);
    free(copy);
    return changed_query;
}

static const char *const numbers[] = {"from",          "to",     "round", "term",  "snapshot_index",
                                      "snapshot_term", "length", "crc",   "offset"};
static const char *const digits[] = {"cluster_id", "from_incarnation", "to_incarnation"};

START_TEST(what_is_written_is_read_the_same) {
    struct message_request request;
    struct problem problem;
    ck_assert(reads(QUERY, 3, &request, &problem));
    ck_assert_int_eq(request.kind, MESSAGE_INSTALL_SNAPSHOT);
    ck_assert_uint_eq(request.address.from, 1);
    ck_assert_uint_eq(request.address.to, 2);
    ck_assert_str_eq(request.address.cluster_id, CLUSTER);
    ck_assert_str_eq(request.address.from_incarnation, ONE);
    ck_assert_str_eq(request.address.to_incarnation, TWO);
    ck_assert_uint_eq(request.round, 9);
    ck_assert_uint_eq(request.install.term, 7);
    ck_assert_uint_eq(request.install.snapshot.id.index, 40);
    ck_assert_uint_eq(request.install.snapshot.id.term, 6);
    ck_assert_uint_eq(request.install.snapshot.length, 1000);
    ck_assert_uint_eq(request.install.snapshot.crc, UINT32_MAX);
    ck_assert_uint_eq(request.install.offset, 997);
    ck_assert(request.install.done);
    ck_assert_uint_eq(request.install.size, 3);
    char again[MESSAGE_QUERY_SIZE];
    message_query_write(&request, again);
    ck_assert_str_eq(again, QUERY);
}
END_TEST

START_TEST(the_largest_fields_have_room) {
    struct message_request request = {.kind = MESSAGE_INSTALL_SNAPSHOT};
    memcpy(request.address.cluster_id, CLUSTER, sizeof CLUSTER);
    memcpy(request.address.from_incarnation, ONE, sizeof ONE);
    memcpy(request.address.to_incarnation, TWO, sizeof TWO);
    request.address.from = request.address.to = request.round = request.install.term = RAFT_NUMBER_MAX;
    request.install.snapshot =
        (struct storage_snapshot){.id = {RAFT_NUMBER_MAX, RAFT_NUMBER_MAX}, .length = RAFT_NUMBER_MAX, .crc = UINT32_MAX};
    request.install.offset = RAFT_NUMBER_MAX;
    char query[MESSAGE_QUERY_SIZE];
    message_query_write(&request, query);
    struct problem problem;
    struct message_request read;
    ck_assert(reads(query, 0, &read, &problem));
    ck_assert_uint_eq(read.install.offset, RAFT_NUMBER_MAX);
    ck_assert(!read.install.done);
}
END_TEST

START_TEST(a_parameter_that_is_missing_or_malformed_is_named) {
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        static const char *const bad[] = {NULL, "", "-1", "x", "1x", "%31", "9007199254740992", "18446744073709551617"};
        for (size_t j = 0; j < sizeof bad / sizeof *bad; j++) {
            char *query = with(numbers[i], bad[j]);
            assert_refused(query, 3, numbers[i]);
            free(query);
        }
        char *zero = with(numbers[i], "0");
        struct message_request request;
        struct problem problem;
        bool may_be_zero = strcmp(numbers[i], "round") == 0 || strcmp(numbers[i], "crc") == 0;
        ck_assert_int_eq(reads(zero, 3, &request, &problem), may_be_zero);
        free(zero);
    }
    for (size_t i = 0; i < sizeof digits / sizeof *digits; i++) {
        static const char *const bad[] = {NULL,
                                          "",
                                          "1",
                                          "0000000000000000000000000000000G",
                                          "0000000000000000000000000000000A",
                                          "000000000000000000000000000000001"};
        for (size_t j = 0; j < sizeof bad / sizeof *bad; j++) {
            char *query = with(digits[i], bad[j]);
            assert_refused(query, 3, digits[i]);
            free(query);
        }
    }
    static const char *const bad[] = {NULL, "", "1", "truer", "True", "fals"};
    for (size_t j = 0; j < sizeof bad / sizeof *bad; j++) {
        char *query = with("done", bad[j]);
        assert_refused(query, 3, "done");
        free(query);
    }
    char *crc = with("crc", "4294967296");
    assert_refused(crc, 3, "crc");
    free(crc);
}
END_TEST

START_TEST(what_is_said_twice_is_refused_and_what_is_unknown_ignored) {
    assert_refused(QUERY "&round=9", 3, "round is given twice");
    assert_refused("done=true&" QUERY, 3, "done is given twice");
    struct message_request request;
    struct problem problem;
    ck_assert(reads("&&unknown&=&x=1&" QUERY "&rounds=1&&", 3, &request, &problem));
    ck_assert_uint_eq(request.round, 9);
    assert_refused("", 3, "is missing");
}
END_TEST

START_TEST(a_piece_lies_within_its_file) {
    assert_refused(QUERY, 4, "offset");
    char *query = with("offset", "1001");
    assert_refused(query, 0, "offset");
    free(query);
    /* Not the end: nothing to put into effect yet. */
    assert_refused(QUERY, 2, "done");
    query = with("done", "false");
    struct message_request request;
    struct problem problem;
    ck_assert(reads(query, 2, &request, &problem));
    ck_assert(reads(query, 0, &request, &problem));
    ck_assert(reads(query, 3, &request, &problem));
    free(query);
    /* At the end an empty one asks how far it is. */
    query = with("offset", "1000");
    ck_assert(reads(query, 0, &request, &problem));
    assert_refused(query, 1, "offset");
    free(query);
}
END_TEST

START_TEST(a_snapshot_is_not_of_a_later_term_than_its_leader) {
    char *query = with("snapshot_term", "8");
    assert_refused(query, 3, "snapshot_term");
    free(query);
    query = with("snapshot_term", "7");
    struct message_request request;
    struct problem problem;
    ck_assert(reads(query, 3, &request, &problem));
    free(query);
}
END_TEST

START_TEST(a_piece_for_a_state_that_differs_says_so) {
    struct message_request request;
    struct problem problem;
    ck_assert(reads(QUERY, 3, &request, &problem));
    ck_assert(!request.install.mend);
    ck_assert(reads(QUERY "&mend=true", 3, &request, &problem));
    ck_assert(request.install.mend);
    char again[MESSAGE_QUERY_SIZE];
    message_query_write(&request, again);
    ck_assert_str_eq(again, QUERY "&mend=true");
    ck_assert(reads(QUERY "&mend=false", 3, &request, &problem));
    ck_assert(!request.install.mend);
    assert_refused(QUERY "&mend=1", 3, "mend");
    assert_refused(QUERY "&mend=true&mend=true", 3, "mend is given twice");
}
END_TEST

static void add_tests(TCase *tcase) {
    tcase_add_test(tcase, a_piece_for_a_state_that_differs_says_so);
    tcase_add_test(tcase, what_is_written_is_read_the_same);
    tcase_add_test(tcase, the_largest_fields_have_room);
    tcase_add_test(tcase, a_parameter_that_is_missing_or_malformed_is_named);
    tcase_add_test(tcase, what_is_said_twice_is_refused_and_what_is_unknown_ignored);
    tcase_add_test(tcase, a_piece_lies_within_its_file);
    tcase_add_test(tcase, a_snapshot_is_not_of_a_later_term_than_its_leader);
}

CHECK_MAIN("message_query", add_tests)
