/* Forwarded proposals that are not plain: what is written is read, and what makes no sense is refused. */
#include "server/message_parts.h"
#include "tests/check_main.h"
#include "tests/unit/server/message_text.h"

static char *propose_text(const struct message_propose *propose) {
    struct message_request request = {
        .kind = MESSAGE_PROPOSE,
        .address = {.cluster_id = CLUSTER, .from = 1, .from_incarnation = ONE, .to = 2, .to_incarnation = TWO},
        .round = 5};
    request.propose = *propose;
    return request_text(&request);
}

/* Five commands, of which the last four are not plain. */
static struct json_span commands[] = {{"1", 1}, {"2", 1}, {NULL, 0}, {"null", 4}, {NULL, 0}};
static struct origin origins[] = {
    {.type = RAFT_COMMAND},
    {.type = RAFT_COMMAND, .session = 17, .sequence = 4},
    {.type = RAFT_SESSION},
    {.type = RAFT_COMMAND, .key = {"\"pay\\\\7\"", 8}},
    {.type = RAFT_SESSION, .session = 17},
};

START_TEST(origins_come_back_as_they_went_out) {
    struct message_propose propose = {
        .term = 7, .sequence = 3, .timeout_ms = 5000, .count = 5, .commands = commands, .origins = origins};
    char *text = propose_text(&propose);
    ck_assert_ptr_nonnull(strstr(text, "\"commands\":[1,2,null,null,null],\"origins\":[{\"at\":1,\"session\":17,\"seq\":4},"
                                       "{\"at\":2,\"type\":\"session\"},{\"at\":3,\"idempotency_key\":\"pay\\\\7\"},"
                                       "{\"at\":4,\"type\":\"session\",\"session\":17}]"));
    struct message_request read;
    struct problem problem = {0};
    ck_assert_msg(message_request_read(MESSAGE_PROPOSE, value_of(text), NULL, &read, &problem), "%s", problem.detail);
    ck_assert_uint_eq(read.propose.count, 5);
    for (size_t i = 0; i < 5; i++) {
        const struct origin *origin = &read.propose.origins[i];
        ck_assert_int_eq(origin->type, origins[i].type);
        ck_assert_uint_eq(origin->session, origins[i].session);
        ck_assert_uint_eq(origin->sequence, origins[i].sequence);
        ck_assert_uint_eq(origin->key.size, origins[i].key.size);
        ck_assert(origin->key.size == 0 || memcmp(origin->key.data, origins[i].key.data, origin->key.size) == 0);
        ck_assert_uint_eq(read.propose.commands[i].size, commands[i].size);
    }
    message_request_clear(&read);
    free(text);
}
END_TEST

START_TEST(plain_commands_cost_nothing) {
    struct message_propose propose = {.term = 7, .sequence = 3, .timeout_ms = 5000, .count = 2, .commands = commands};
    char *text = propose_text(&propose);
    ck_assert_ptr_null(strstr(text, "origins"));
    struct message_request read;
    struct problem problem = {0};
    ck_assert(message_request_read(MESSAGE_PROPOSE, value_of(text), NULL, &read, &problem));
    ck_assert_ptr_null(read.propose.origins);
    message_request_clear(&read);
    free(text);
}
END_TEST

START_TEST(origins_that_make_no_sense_are_refused) {
    static const struct {
        const char *origins;
        const char *part;
    } rows[] = {
        {"7", "\"origins\" must be an array"},
        {"[7]", "\"origins\" must hold objects only"},
        {"[{\"session\":1,\"seq\":1}]", "\"origins[0].at\" is missing"},
        {"[{\"at\":3,\"session\":1,\"seq\":1}]", "\"origins[0].at\" must be the place"},
        {"[{\"at\":1,\"session\":1,\"seq\":1},{\"at\":1,\"session\":1,\"seq\":1}]", "\"origins[1].at\" must be the place"},
        {"[{\"at\":1,\"session\":1,\"seq\":1},{\"at\":0,\"session\":1,\"seq\":1}]", "\"origins[1].at\" must be the place"},
        {"[{\"at\":0,\"session\":1}]", "\"origins[0].seq\" is missing"},
        {"[{\"at\":0,\"seq\":1}]", "\"origins[0].seq\" belongs"},
        {"[{\"at\":0,\"session\":0,\"seq\":1}]", "\"origins[0].session\" must be"},
        {"[{\"at\":0,\"session\":1,\"seq\":1,\"idempotency_key\":\"a\"}]", "\"origins[0].idempotency_key\" belongs"},
        {"[{\"at\":0,\"idempotency_key\":\"\\n\"}]", "\"origins[0].idempotency_key\" must be"},
        {"[{\"at\":0,\"type\":\"noop\"}]", "\"origins[0].type\" must be session"},
        {"[{\"at\":0,\"type\":\"session\"}]", "\"origins[0].type\" is that of a command"},
        {"[{\"at\":2,\"type\":\"session\",\"seq\":1}]", "\"origins[0].seq\" belongs"},
        {"[{\"at\":2,\"type\":\"session\",\"idempotency_key\":\"a\"}]", "\"origins[0].idempotency_key\" belongs"},
    };
    struct message_propose propose = {
        .term = 7, .sequence = 3, .timeout_ms = 5000, .count = 3, .commands = commands, .origins = origins};
    char *good = propose_text(&propose);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char *text = changed(good, "origins", rows[i].origins);
        struct message_request read;
        struct problem problem = {0};
        ck_assert_msg(!message_request_read(MESSAGE_PROPOSE, value_of(text), NULL, &read, &problem), "accepted: %s",
                      rows[i].origins);
        ck_assert_int_eq(problem.code, PROBLEM_BAD_REQUEST);
        ck_assert_msg(strstr(problem.detail, rows[i].part) != NULL, "'%s' does not say %s", problem.detail, rows[i].part);
        free(text);
    }
    free(good);
}
END_TEST

static void add_tests(TCase *tcase) {
    tcase_add_test(tcase, origins_come_back_as_they_went_out);
    tcase_add_test(tcase, plain_commands_cost_nothing);
    tcase_add_test(tcase, origins_that_make_no_sense_are_refused);
}

CHECK_MAIN("message_origin", add_tests)
