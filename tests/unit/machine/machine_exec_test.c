#include "server/machine/machine_exec.h"

#include "tests/check_main.h"
#include "tests/unit/machine/driver.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Tests run in the tree's folder. */
#define FAULTY "tests/machines/faulty_program.py"

static struct machine_exec_message message;

static const struct machine *opened(const char *path) {
    const struct machine *machine = machine_exec_open(path, &message);
    ck_assert_msg(machine != NULL, "%s", message.text);
    return machine;
}

static void refused(const char *path, const char *why) {
    ck_assert_ptr_null(machine_exec_open(path, &message));
    ck_assert_msg(strncmp(message.text, "exec:", 5) == 0 && strstr(message.text, path) != NULL, "%s", message.text);
    ck_assert_msg(strstr(message.text, why) != NULL, "%s", message.text);
    ck_assert_ptr_null(strchr(message.text, '\n'));
}

START_TEST(what_cannot_be_run_is_refused) {
    refused("/nowhere/at/all", "cannot be started: No such file");
    refused("/bin/false", "has ended with exit code 1");
    refused("/bin/cat", "says no name of 1 to 64"); /* It repeats the question, version included. */
}
END_TEST

START_TEST(a_greeting_that_does_not_fit_is_refused) {
    static const char *const faults[][2] = {
        {"version", "speaks version 2 of the protocol, this raftd version 1"},
        {"versionless", "answers hello without a version"},
        {"name", "says no name of 1 to 64"},
        {"nul", "says no name of 1 to 64"},
        {"nameless", "says no name of 1 to 64"},
        {"long", "says no name of 1 to 64"},
        {"shipped", "calls itself hashmap, which is a machine that ships"},
        {"deadline", "says a deadline_ms that is not 10 to 60000"},
        {"deadline_max", "says a deadline_ms that is not 10 to 60000"},
    };
    setenv("RAFTD_FAULT", faults[_i][0], 1);
    refused(FAULTY, faults[_i][1]);
}
END_TEST

static enum machine_verdict tell(const struct machine *machine, void *state, bool apply, const char *text,
                                 struct bytes *sink) {
    bytes_free(sink);
    return apply ? machine->apply(state, 1, text, strlen(text), bytes_output(sink))
                 : machine->query(state, text, strlen(text), bytes_output(sink));
}

START_TEST(commands_and_queries_are_passed_on) {
    const struct machine *machine = opened(FAULTY);
    ck_assert_str_eq(machine->name, "faulty.program");
    void *one = machine->create(), *other = machine->create();
    struct bytes sink = bytes_empty();
    ck_assert_int_eq(tell(machine, one, true, "[1,\n{}]", &sink), MACHINE_DONE);
    ck_assert_str_eq(sink.data, "[1, {}]");
    ck_assert_int_eq(tell(machine, one, false, "null", &sink), MACHINE_DONE);
    ck_assert_str_eq(sink.data, "[[1, {}]]");
    ck_assert_int_eq(tell(machine, one, true, "\"refuse\"", &sink), MACHINE_REFUSED);
    ck_assert_str_eq(sink.data, "it says no");
    ck_assert_int_eq(tell(machine, one, true, "\"rude\"", &sink), MACHINE_REFUSED);
    ck_assert_str_eq(sink.data, "the machine faulty.program does not say why");
    ck_assert_int_eq(tell(machine, other, false, "null", &sink), MACHINE_DONE);
    ck_assert_str_eq(sink.data, "[]"); /* Each state is a process of its own. */
    bytes_free(&sink);
    machine->destroy(one);
    machine->destroy(other);
    machine->destroy(NULL);
}
END_TEST

START_TEST(results_that_clients_cannot_read_are_replaced) {
    static const char *const faults[][2] = {
        {"\"deep\"", "{\"raftd_error\":\"the machine faulty.program answered with bytes that are no JSON\"}"},
        {"\"huge\"", "{\"raftd_error\":\"the machine faulty.program answered with more than 16777216 bytes\"}"}};
    const struct machine *machine = opened(FAULTY);
    void *state = machine->create();
    struct bytes sink = bytes_empty();
    for (size_t i = 0; i < 2; i++) {
        ck_assert_int_eq(tell(machine, state, true, faults[i][0], &sink), MACHINE_DONE);
        ck_assert_str_eq(sink.data, faults[i][1]);
        ck_assert_int_eq(tell(machine, state, false, faults[i][0], &sink), MACHINE_REFUSED);
    }
    ck_assert_int_eq(tell(machine, state, true, "5", &sink), MACHINE_DONE);
    ck_assert_str_eq(sink.data, "5");
    bytes_free(&sink);
    machine->destroy(state);
}
END_TEST

static const char *const ends[] = {"\"exit\"", "\"die\"", "\"hang\"", "\"junk\"", "\"mute\""};
enum { ENDS = sizeof ends / sizeof ends[0] };

START_TEST(a_program_that_fails_ends_the_node) {
    setenv("RAFTD_FAULT", strcmp(ends[_i % ENDS], "\"hang\"") == 0 ? "hasty" : "", 1);
    const struct machine *machine = opened(FAULTY);
    struct bytes sink = bytes_empty();
    tell(machine, machine->create(), _i < ENDS, ends[_i % ENDS], &sink);
}
END_TEST

START_TEST(a_program_without_a_snapshot_ends_the_node) {
    setenv("RAFTD_FAULT", "snapshot", 1);
    const struct machine *machine = opened(FAULTY);
    machine->freeze(machine->create());
}
END_TEST

START_TEST(a_program_that_calls_itself_otherwise_ends_the_node) {
    const struct machine *machine = opened(FAULTY);
    setenv("RAFTD_FAULT", "name", 1);
    machine->create();
}
END_TEST

static struct bytes snapshot_of(const struct machine *machine, void *state) {
    struct bytes sink = bytes_empty();
    void *frozen = machine->freeze(state);
    struct bytes more = bytes_empty();
    tell(machine, state, true, "\"later\"", &more); /* What comes after is not in it. */
    bytes_free(&more);
    ck_assert(machine->write(frozen, bytes_output(&sink)));
    machine->release(state, frozen);
    return sink;
}

START_TEST(a_snapshot_is_what_the_program_says) {
    const struct machine *machine = opened(FAULTY);
    void *one = machine->create(), *other = machine->create();
    struct bytes sink = bytes_empty();
    tell(machine, one, true, "{\"a\":1}", &sink);
    tell(machine, one, true, "2", &sink);
    struct bytes snapshot = snapshot_of(machine, one);
    ck_assert_str_eq(snapshot.data, "[{\"a\": 1}, 2]");
    struct source source = {snapshot.data, snapshot.size, 0, 3};
    bytes_free(&sink);
    ck_assert(machine->restore(other, source_input(&source), bytes_output(&sink)));
    ck_assert_int_eq(tell(machine, other, false, "null", &sink), MACHINE_DONE);
    ck_assert_str_eq(sink.data, "[{\"a\": 1}, 2]");
    bytes_free(&sink);
    bytes_free(&snapshot);
    machine->destroy(one);
    machine->destroy(other);
}
END_TEST

static const char *const bad_snapshots[][2] = {
    {"", "it is no JSON"},
    {"{", "it is no JSON"},
    {"[\"refuse\"]", "it says no"},
    {"[\"mute\"]", "the program answers neither that it is restored nor a refusal"},
    {"[\"exit\"]", "the program has ended with exit code 7"},
};

START_TEST(a_snapshot_that_cannot_be_restored_is_refused_with_its_reason) {
    setenv("RAFTD_FAULT", "restore", 1);
    const struct machine *machine = opened(FAULTY);
    void *state = machine->create();
    struct source source = {bad_snapshots[_i][0], strlen(bad_snapshots[_i][0]), 0, 100};
    struct bytes sink = bytes_empty();
    ck_assert(!machine->restore(state, source_input(&source), bytes_output(&sink)));
    ck_assert_str_eq(sink.data, bad_snapshots[_i][1]);
    bytes_free(&sink);
    machine->destroy(state);
}
END_TEST

START_TEST(the_example_keeps_tags) {
    const struct machine *machine = opened("server/machine/examples/tags.py");
    ck_assert_str_eq(machine->name, "tags");
    void *state = machine->create();
    struct bytes sink = bytes_empty();
    static const struct {
        const char *text, *result;
        bool apply;
        enum machine_verdict verdict;
    } told[] = {
        {"{\"tag\":\"red\",\"thing\":\"apple\"}", "1", true, MACHINE_DONE},
        {"{\"tag\":\"round\",\"thing\":\"apple\"}", "2", true, MACHINE_DONE},
        {"{\"tag\":\"red\",\"thing\":\"apple\"}", "2", true, MACHINE_DONE},
        {"{\"tag\":\"red\",\"thing\":\"\\u0000\"}", "1", true, MACHINE_DONE},
        {"{\"tag\":\"red\"}", "[\"\\u0000\", \"apple\"]", false, MACHINE_DONE},
        {"{\"untag\":\"red\",\"thing\":\"apple\"}", "1", true, MACHINE_DONE},
        {"{\"untag\":\"round\",\"thing\":\"apple\"}", "0", true, MACHINE_DONE},
        {"{\"untag\":\"round\",\"thing\":\"apple\"}", "0", true, MACHINE_DONE},
        {"{\"thing\":\"apple\"}", "[]", false, MACHINE_DONE},
        {"{\"tag\":5,\"thing\":\"apple\"}", "tag must be a string", true, MACHINE_REFUSED},
        {"[]", "thing must be a string", true, MACHINE_REFUSED},
        {"{\"tag\":[]}", "tag must be a string", false, MACHINE_REFUSED},
    };
    for (size_t i = 0; i < sizeof told / sizeof told[0]; i++) {
        enum machine_verdict verdict = tell(machine, state, told[i].apply, told[i].text, &sink);
        ck_assert_msg(verdict == told[i].verdict && strcmp(sink.data, told[i].result) == 0, "%s: %s", told[i].text,
                      sink.data);
    }
    bytes_free(&sink);
    machine->destroy(state);
}
END_TEST

static void ignore_pipes(void) {
    signal(SIGPIPE, SIG_IGN);
}

static void add_tests(TCase *tcase) {
    tcase_add_checked_fixture(tcase, ignore_pipes, NULL);
    tcase_add_test(tcase, what_cannot_be_run_is_refused);
    tcase_add_loop_test(tcase, a_greeting_that_does_not_fit_is_refused, 0, 9);
    tcase_add_test(tcase, commands_and_queries_are_passed_on);
    tcase_add_test(tcase, results_that_clients_cannot_read_are_replaced);
    tcase_add_loop_exit_test(tcase, a_program_that_fails_ends_the_node, MACHINE_EXEC_EXIT, 0, 2 * ENDS);
    tcase_add_exit_test(tcase, a_program_without_a_snapshot_ends_the_node, MACHINE_EXEC_EXIT);
    tcase_add_exit_test(tcase, a_program_that_calls_itself_otherwise_ends_the_node, MACHINE_EXEC_EXIT);
    tcase_add_test(tcase, a_snapshot_is_what_the_program_says);
    tcase_add_loop_test(tcase, a_snapshot_that_cannot_be_restored_is_refused_with_its_reason, 0, 5);
    tcase_add_test(tcase, the_example_keeps_tags);
}

CHECK_MAIN_APART("machine_exec", add_tests)
