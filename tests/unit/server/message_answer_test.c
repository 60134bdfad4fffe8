/* Answers: what is written is read again, half answers are none, and problems come from anybody. */
#include "server/message.h"
#include "tests/check_main.h"
#include "tests/unit/server/message_text.h"

#define HEAD    "\"from\":2,\"incarnation\":\"" TWO "\",\"term\":7,\"round\":9"
#define LIST    "{\"voters\":[{\"id\":1,\"url\":\"http://a\"}],\"learners\":[],\"outgoing\":[]}"
#define MEMBERS "{\"voters\":[{\"id\":1,\"url\":\"http://a\",\"incarnation\":\"" ONE "\"}],\"learners\":[],\"outgoing\":[]}"
#define PROBLEM                                                                                                            \
    "\"type\":\"about:blank\",\"title\":\"No leader\",\"status\":503,\"code\":\"no_leader\",\"detail\":\"term 7\""

/* One of each, and of each sort. The first MESSAGE_KIND_COUNT are by kind. */
static const struct {
    enum message_kind kind;
    const char *text;
} good[] = {
    {MESSAGE_REQUEST_VOTE, "{" HEAD ",\"vote_granted\":true,\"pre_vote\":false}"},
    {MESSAGE_APPEND_ENTRIES, "{" HEAD ",\"success\":true,\"match_index\":41,\"promise_ms\":150}"},
    {MESSAGE_READ_INDEX, "{" HEAD ",\"read_index\":41}"},
    {MESSAGE_PROPOSE, "{" HEAD ",\"lines\":[{\"index\":5,\"term\":7,\"result\":{ \"previous\":1e2 }},"
                      "{" PROBLEM ",\"outcome\":\"unknown\"},{" PROBLEM ",\"outcome\":\"rejected\"}]}"},
    {MESSAGE_PROBE, "{" HEAD ",\"state\":\"holding\",\"cluster_id\":\"" CLUSTER "\",\"machine\":\"hashmap\",\"list\":" LIST
                    ",\"members\":" MEMBERS ",\"members_index\":0,\"members_committed\":false}"},
    {MESSAGE_TIMEOUT_NOW, "{" HEAD "}"},
    {MESSAGE_TRANSFER, "{" HEAD ",\"leader_id\":3,\"leader_term\":8}"},
    {MESSAGE_INSTALL_SNAPSHOT, "{" HEAD ",\"stored\":4096,\"installed\":true}"},
    {MESSAGE_CHANGE, "{" HEAD ",\"members_index\":9,\"members\":" MEMBERS "}"},
    {MESSAGE_APPEND_ENTRIES, "{" HEAD ",\"success\":false,\"conflict_term\":3,\"conflict_index\":17,\"promise_ms\":0}"},
    {MESSAGE_PROBE, "{" HEAD ",\"state\":\"blank\",\"machine\":\"register\",\"list\":" LIST "}"},
    {MESSAGE_PROPOSE, "{" HEAD ",\"lines\":[]}"},
    {MESSAGE_PROBE, "{" HEAD ",\"state\":\"formed\",\"cluster_id\":\"" CLUSTER "\",\"machine\":\"hashmap\",\"list\":" LIST
                    ",\"members\":" MEMBERS ",\"members_index\":7,\"members_committed\":true,\"leader_id\":2}"},
    {MESSAGE_PROBE,
     "{" HEAD ",\"state\":\"formed\",\"cluster_id\":\"" CLUSTER "\",\"machine\":\"hashmap\",\"list\":" LIST "}"},
    {MESSAGE_PROBE, "{" HEAD ",\"state\":\"blank\",\"machine\":\"register\",\"list\":" LIST ",\"joins\":true}"},
    {MESSAGE_PROBE, "{" HEAD ",\"state\":\"formed\",\"cluster_id\":\"" CLUSTER "\",\"machine\":\"hashmap\",\"list\":" LIST
                    ",\"restored\":true}"},
    {MESSAGE_APPEND_ENTRIES, "{" HEAD ",\"success\":true,\"match_index\":41,\"promise_ms\":150,"
                             "\"state_hash\":{\"index\":32,\"hash\":\"0123456789abcdef\"},\"diverged\":true}"},
    {MESSAGE_APPEND_ENTRIES, "{" HEAD ",\"success\":true,\"match_index\":41,\"promise_ms\":150,\"storage_full\":true}"},
};
enum { GOOD_COUNT = sizeof good / sizeof good[0] };

static struct message_answer read_good(enum message_kind kind, unsigned status, const char *text) {
    struct message_answer answer;
    ck_assert_msg(message_answer_read(kind, status, value_of(text), &answer), "refused: %s", text);
    ck_assert_int_eq(answer.kind, kind);
    return answer;
}

static void assert_refused(enum message_kind kind, unsigned status, const char *text) {
    struct message_answer answer;
    memset(&answer, 0xA5, sizeof answer);
    struct message_answer before;
    memcpy(&before, &answer, sizeof before);
    ck_assert_msg(!message_answer_read(kind, status, value_of(text), &answer), "accepted: %s", text);
    ck_assert_int_eq(memcmp(&answer, &before, sizeof before), 0);
}

START_TEST(what_is_read_is_written_the_same) {
    for (size_t i = 0; i < GOOD_COUNT; i++) {
        struct message_answer answer = read_good(good[i].kind, 200, good[i].text);
        ck_assert_int_eq(answer.problem.code, PROBLEM_NONE);
        char *again = answer_text(&answer);
        ck_assert_str_eq(again, good[i].text);
        free(again);
        message_answer_clear(&answer);
    }
}
END_TEST

START_TEST(the_consensus_modules_answers_say_from_whom_and_to_what) {
    struct message_answer vote = read_good(MESSAGE_REQUEST_VOTE, 200, good[0].text);
    ck_assert_uint_eq(vote.from, 2);
    ck_assert_str_eq(vote.incarnation, TWO);
    ck_assert_uint_eq(vote.term, 7);
    ck_assert_uint_eq(vote.round, 9);
    ck_assert_int_eq(vote.raft.type, RAFT_VOTE_ANSWER);
    ck_assert_uint_eq(vote.raft.from, 2);
    ck_assert_uint_eq(vote.raft.term, 7);
    ck_assert_uint_eq(vote.raft.round, 9);
    ck_assert(vote.raft.vote_answer.vote_granted);
    ck_assert(!vote.raft.vote_answer.pre_vote);
    struct message_answer append = read_good(MESSAGE_APPEND_ENTRIES, 200, good[1].text);
    ck_assert_int_eq(append.raft.type, RAFT_APPEND_ANSWER);
    ck_assert_uint_eq(append.raft.append_answer.match_index, 41);
    struct message_answer conflict = read_good(MESSAGE_APPEND_ENTRIES, 200, good[MESSAGE_KIND_COUNT].text);
    ck_assert(!conflict.raft.append_answer.success);
    ck_assert_uint_eq(conflict.raft.append_answer.conflict_term, 3);
    ck_assert_uint_eq(conflict.raft.append_answer.conflict_index, 17);
}
END_TEST

START_TEST(lines_are_results_or_problems) {
    struct message_answer answer = read_good(MESSAGE_PROPOSE, 200, good[3].text);
    ck_assert_uint_eq(answer.propose.count, 3);
    const struct message_line *lines = answer.propose.lines;
    ck_assert_int_eq(lines[0].problem.code, PROBLEM_NONE);
    ck_assert_uint_eq(lines[0].id.index, 5);
    ck_assert_uint_eq(lines[0].id.term, 7);
    assert_span(lines[0].result, "{ \"previous\":1e2 }");
    ck_assert_int_eq(lines[1].problem.code, PROBLEM_NO_LEADER);
    ck_assert(lines[1].problem.outcome_unknown);
    ck_assert_str_eq(lines[1].problem.detail, "term 7");
    ck_assert(!lines[2].problem.outcome_unknown);
    message_answer_clear(&answer);
}
END_TEST

START_TEST(ten_thousand_lines_come_through) {
    enum { COUNT = 10000 };
    struct message_line *lines = memory_zalloc(COUNT * sizeof *lines);
    for (size_t i = 0; i < COUNT; i++) {
        lines[i].id = (struct raft_entry_id){1 + i, 7};
        lines[i].result = (struct json_span){"{\"swapped\":true}", 16};
    }
    problem_set(&lines[COUNT - 1].problem, PROBLEM_TIMEOUT, true, "late");
    struct message_answer answer = {.kind = MESSAGE_PROPOSE, .from = 2, .incarnation = TWO, .term = 7};
    answer.propose.count = COUNT;
    answer.propose.lines = lines;
    char *text = answer_text(&answer);
    struct message_answer read = read_good(MESSAGE_PROPOSE, 200, text);
    ck_assert_uint_eq(read.propose.count, COUNT);
    ck_assert_uint_eq(read.propose.lines[COUNT - 2].id.index, COUNT - 1);
    assert_span(read.propose.lines[COUNT - 2].result, "{\"swapped\":true}");
    ck_assert_int_eq(read.propose.lines[COUNT - 1].problem.code, PROBLEM_TIMEOUT);
    message_answer_clear(&read);
    free(text);
    free(lines);
}
END_TEST

START_TEST(probes_are_answered_by_blank_holding_and_formed_servers) {
    struct message_answer holding = read_good(MESSAGE_PROBE, 200, good[4].text);
    ck_assert_int_eq(holding.probe.state, MESSAGE_HOLDING);
    ck_assert_str_eq(holding.probe.cluster_id, CLUSTER);
    ck_assert_str_eq(holding.probe.machine, "hashmap");
    ck_assert_uint_eq(holding.probe.members.count, 1);
    ck_assert_str_eq(holding.probe.members.list[0].incarnation, ONE);
    message_answer_clear(&holding);
    struct message_answer blank = read_good(MESSAGE_PROBE, 200, good[MESSAGE_KIND_COUNT + 1].text);
    ck_assert_int_eq(blank.probe.state, MESSAGE_BLANK);
    ck_assert_str_eq(blank.probe.cluster_id, "");
    ck_assert_uint_eq(blank.probe.members.count, 0);
    ck_assert_uint_eq(blank.probe.list.count, 1);
    message_answer_clear(&blank);
    char *text = changed(good[4].text, "state", "\"formed\"");
    struct message_answer formed = read_good(MESSAGE_PROBE, 200, text);
    ck_assert_int_eq(formed.probe.state, MESSAGE_FORMED);
    message_answer_clear(&formed);
    free(text);
}
END_TEST

START_TEST(a_state_fits_what_it_comes_with) {
    char *text = changed(good[4].text, "state", "\"blank\"");
    assert_refused(MESSAGE_PROBE, 200, text);
    free(text);
    text = changed(good[MESSAGE_KIND_COUNT + 1].text, "state", "\"formed\"");
    assert_refused(MESSAGE_PROBE, 200, text);
    free(text);
    text = changed(good[4].text, "state", "\"other\"");
    assert_refused(MESSAGE_PROBE, 200, text);
    free(text);
}
END_TEST

static bool may_be_left_out(const char *name, size_t row) {
    static const char *const names[] = {"promise_ms", "storage_full", "members_index", "members_committed", "leader_id",
                                        "joins",      "state_hash",   "diverged",      "restored"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (strcmp(names[i], name) == 0 && good[row].kind != MESSAGE_TRANSFER && good[row].kind != MESSAGE_CHANGE) {
            return true;
        }
    }
    /* Who has just been taken in does not know the members yet. */
    return strcmp(name, "members") == 0 && good[row].kind == MESSAGE_PROBE && row >= MESSAGE_KIND_COUNT;
}

START_TEST(half_an_answer_is_none) {
    static const char *const others[] = {NULL, "null", "-1", "9007199254740992", "[true]", "\"x\""};
    for (size_t i = 0; i < GOOD_COUNT; i++) {
        struct json_cursor cursor = json_open(value_of(good[i].text));
        struct json_span name;
        struct json_span value;
        while (json_next_member(&cursor, &name, &value)) {
            char plain[64];
            plain[json_string_decode(name, plain)] = '\0';
            for (size_t other = 0; other < sizeof others / sizeof others[0]; other++) {
                bool good_name = strcmp(plain, "machine") == 0 && other == 5;
                if (good_name || (other <= 1 && may_be_left_out(plain, i))) {
                    continue;
                }
                char *text = changed(good[i].text, plain, others[other]);
                assert_refused(good[i].kind, 200, text);
                free(text);
            }
        }
    }
}
END_TEST

START_TEST(a_success_with_a_conflict_only_is_none_and_the_other_way_round) {
    assert_refused(MESSAGE_APPEND_ENTRIES, 200, "{" HEAD ",\"success\":true,\"conflict_term\":3,\"conflict_index\":17}");
    assert_refused(MESSAGE_APPEND_ENTRIES, 200, "{" HEAD ",\"success\":false,\"match_index\":41}");
    struct message_answer answer =
        read_good(MESSAGE_APPEND_ENTRIES, 200,
                  "{" HEAD ",\"success\":false,\"match_index\":41,\"conflict_term\":0,\"conflict_index\":1}");
    ck_assert_uint_eq(answer.raft.append_answer.match_index, 0);
}
END_TEST

START_TEST(a_full_disk_is_told_of_and_silence_is_room) {
    ck_assert(!read_good(MESSAGE_APPEND_ENTRIES, 200, good[1].text).storage_full);
    ck_assert(read_good(MESSAGE_APPEND_ENTRIES, 200, good[GOOD_COUNT - 1].text).storage_full);
    assert_refused(MESSAGE_APPEND_ENTRIES, 200, "{" HEAD ",\"success\":true,\"match_index\":41,\"storage_full\":1}");
}
END_TEST

START_TEST(a_report_of_the_state_is_read_and_one_that_makes_no_sense_is_none) {
    struct message_answer answer = read_good(MESSAGE_APPEND_ENTRIES, 200, good[GOOD_COUNT - 2].text);
    ck_assert_uint_eq(answer.state_hash.index, 32);
    ck_assert_uint_eq(answer.state_hash.hash, UINT64_C(0x0123456789abcdef));
    ck_assert(answer.diverged);
    answer = read_good(MESSAGE_APPEND_ENTRIES, 200, good[1].text);
    ck_assert_uint_eq(answer.state_hash.index, 0);
    ck_assert(!answer.diverged);
    static const char *const senseless[] = {
        "{}",
        "{\"index\":32}",
        "{\"index\":0,\"hash\":\"0123456789abcdef\"}",
        "{\"index\":32,\"hash\":\"0123456789abcde\"}",
        "{\"index\":32,\"hash\":\"0123456789abcdef0\"}",
        "{\"index\":32,\"hash\":\"0123456789abcdeF\"}",
        "{\"index\":32,\"hash\":\"0123456789abcd\\u0000\"}",
        "{\"index\":32,\"hash\":\"0123456789\\u0000\"}",
        "{\"index\":32,\"hash\":1234567890123456}",
        "{\"index\":\"32\",\"hash\":\"0123456789abcdef\"}",
    };
    for (size_t i = 0; i < sizeof senseless / sizeof senseless[0]; i++) {
        char *text = changed(good[GOOD_COUNT - 2].text, "state_hash", senseless[i]);
        answer = read_good(MESSAGE_APPEND_ENTRIES, 200, text);
        ck_assert_msg(answer.state_hash.index == 0, "%s", senseless[i]);
        ck_assert(answer.diverged);
        free(text);
    }
}
END_TEST

START_TEST(a_promise_is_believed_up_to_a_minute_and_a_half) {
    struct message_answer answer = read_good(MESSAGE_APPEND_ENTRIES, 200, good[1].text);
    ck_assert_uint_eq(answer.raft.append_answer.promise_ms, 150);
    char *text = changed(good[1].text, "promise_ms", NULL);
    ck_assert_uint_eq(read_good(MESSAGE_APPEND_ENTRIES, 200, text).raft.append_answer.promise_ms, 0);
    free(text);
    text = changed(good[1].text, "promise_ms", "90000");
    ck_assert_uint_eq(read_good(MESSAGE_APPEND_ENTRIES, 200, text).raft.append_answer.promise_ms, 90000);
    free(text);
    text = changed(good[1].text, "promise_ms", "90001");
    ck_assert_uint_eq(read_good(MESSAGE_APPEND_ENTRIES, 200, text).raft.append_answer.promise_ms, 0);
    free(text);
}
END_TEST

START_TEST(who_leads_after_a_transfer_is_read) {
    struct message_answer answer = read_good(MESSAGE_TRANSFER, 200, good[6].text);
    ck_assert_uint_eq(answer.transfer.leader, 3);
    ck_assert_uint_eq(answer.transfer.term, 8);
    ck_assert_int_eq(read_good(MESSAGE_TIMEOUT_NOW, 200, good[5].text).raft.type, RAFT_TIMEOUT_NOW_ANSWER);
}
END_TEST

START_TEST(how_much_of_a_snapshot_is_there_is_read) {
    struct message_answer answer = read_good(MESSAGE_INSTALL_SNAPSHOT, 200, good[MESSAGE_INSTALL_SNAPSHOT].text);
    ck_assert_uint_eq(answer.install.stored, 4096);
    ck_assert(answer.install.installed);
    assert_refused(MESSAGE_INSTALL_SNAPSHOT, 200, "{" HEAD ",\"installed\":true}");
    assert_refused(MESSAGE_INSTALL_SNAPSHOT, 200, "{" HEAD ",\"stored\":4096}");
    assert_refused(MESSAGE_INSTALL_SNAPSHOT, 200, "{" HEAD ",\"stored\":-1,\"installed\":true}");
    assert_refused(MESSAGE_INSTALL_SNAPSHOT, 200, "{" HEAD ",\"stored\":1,\"installed\":1}");
}
END_TEST

START_TEST(an_answer_of_another_kind_is_none) {
    for (size_t i = 0; i < MESSAGE_KIND_COUNT; i++) {
        for (int kind = 0; kind < MESSAGE_KIND_COUNT; kind++) {
            /* That a request to campaign arrived is all that is answered to it: any answer says that. */
            if (kind != (int)good[i].kind && kind != MESSAGE_TIMEOUT_NOW) {
                assert_refused((enum message_kind)kind, 200, good[i].text);
            }
        }
    }
    assert_refused(MESSAGE_READ_INDEX, 200, "[]");
    assert_refused(MESSAGE_READ_INDEX, 503, "[]");
}
END_TEST

START_TEST(a_line_is_whole_or_the_answer_is_none) {
    static const char *const bad[] = {"1",
                                      "{}",
                                      "{\"index\":5,\"term\":7}",
                                      "{\"index\":5,\"result\":1}",
                                      "{\"term\":7,\"result\":1}",
                                      "{\"index\":0,\"term\":7,\"result\":1}",
                                      "{\"index\":5,\"term\":0,\"result\":1}",
                                      "{\"index\":5,\"term\":\"7\",\"result\":1}",
                                      "{\"code\":7}",
                                      "{\"status\":503}"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        char text[512];
        snprintf(text, sizeof text, "{" HEAD ",\"lines\":[{\"index\":5,\"term\":7,\"result\":1},%s]}", bad[i]);
        assert_refused(MESSAGE_PROPOSE, 200, text);
    }
}
END_TEST

START_TEST(a_refused_request_is_answered_by_a_problem) {
    for (int i = 0; i < MESSAGE_KIND_COUNT; i++) {
        enum message_kind kind = (enum message_kind)i;
        struct message_answer answer = {.kind = kind, .from = 2, .incarnation = TWO, .term = 7, .round = 9};
        problem_set(&answer.problem, PROBLEM_NO_LEADER, false, "term 7");
        char *text = answer_text(&answer);
        bool changing = kind == MESSAGE_PROPOSE || kind == MESSAGE_TRANSFER || kind == MESSAGE_CHANGE;
        ck_assert_str_eq(text, changing ? "{" PROBLEM ",\"outcome\":\"rejected\"," HEAD "}" : "{" PROBLEM "," HEAD "}");
        struct message_answer read = read_good(kind, problem_status(PROBLEM_NO_LEADER), text);
        ck_assert_int_eq(read.problem.code, PROBLEM_NO_LEADER);
        ck_assert_str_eq(read.problem.detail, "term 7");
        ck_assert_uint_eq(read.from, 2);
        ck_assert_str_eq(read.incarnation, TWO);
        ck_assert_uint_eq(read.term, 7);
        ck_assert_uint_eq(read.round, 9);
        ck_assert(read.problem.outcome_unknown == !changing);
        message_answer_clear(&read);
        free(text);
    }
}
END_TEST

START_TEST(a_problem_of_somebody_else_lacks_who_and_when) {
    struct message_answer answer = read_good(MESSAGE_PROPOSE, 401, "{\"code\":\"unauthorized\",\"outcome\":\"rejected\"}");
    ck_assert_int_eq(answer.problem.code, PROBLEM_UNAUTHORIZED);
    ck_assert(!answer.problem.outcome_unknown);
    ck_assert_uint_eq(answer.from, 0);
    ck_assert_str_eq(answer.incarnation, "");
    ck_assert_uint_eq(answer.term, 0);
    ck_assert_uint_eq(answer.round, 0);
}
END_TEST

START_TEST(clearing_twice_does_no_harm) {
    for (size_t i = 0; i < GOOD_COUNT; i++) {
        struct message_answer answer = read_good(good[i].kind, 200, good[i].text);
        message_answer_clear(&answer);
        message_answer_clear(&answer);
    }
}
END_TEST

static void add_tests(TCase *tcase) {
    tcase_add_test(tcase, what_is_read_is_written_the_same);
    tcase_add_test(tcase, the_consensus_modules_answers_say_from_whom_and_to_what);
    tcase_add_test(tcase, lines_are_results_or_problems);
    tcase_add_test(tcase, ten_thousand_lines_come_through);
    tcase_add_test(tcase, probes_are_answered_by_blank_holding_and_formed_servers);
    tcase_add_test(tcase, a_state_fits_what_it_comes_with);
    tcase_add_test(tcase, half_an_answer_is_none);
    tcase_add_test(tcase, a_success_with_a_conflict_only_is_none_and_the_other_way_round);
    tcase_add_test(tcase, a_full_disk_is_told_of_and_silence_is_room);
    tcase_add_test(tcase, a_report_of_the_state_is_read_and_one_that_makes_no_sense_is_none);
    tcase_add_test(tcase, a_promise_is_believed_up_to_a_minute_and_a_half);
    tcase_add_test(tcase, who_leads_after_a_transfer_is_read);
    tcase_add_test(tcase, how_much_of_a_snapshot_is_there_is_read);
    tcase_add_test(tcase, an_answer_of_another_kind_is_none);
    tcase_add_test(tcase, a_line_is_whole_or_the_answer_is_none);
    tcase_add_test(tcase, a_refused_request_is_answered_by_a_problem);
    tcase_add_test(tcase, a_problem_of_somebody_else_lacks_who_and_when);
    tcase_add_test(tcase, clearing_twice_does_no_harm);
}

CHECK_MAIN("message_answer", add_tests)
