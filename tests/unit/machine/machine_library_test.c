#include "server/machine/machine_library.h"

#include "tests/check_main.h"
#include "tests/unit/machine/driver.h"

#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The libraries lie beside this program: BUILD/tests/unit/machine/machine_library_test, BUILD/tests/machines/NAME.so. */
static const char *library(const char *name) {
    static char path[PATH_MAX + 64];
    char self[PATH_MAX];
    ssize_t size = readlink("/proc/self/exe", self, sizeof self - 1);
    ck_assert(size > 0);
    self[size] = '\0';
    *strrchr(self, '/') = '\0';
    snprintf(path, sizeof path, "%s/../../../%s/%s.so", self, strcmp(name, "counter") == 0 ? "machines" : "tests/machines",
             name);
    return path;
}

static void refused(const char *path, const char *why) {
    struct machine_library_message message = {.text = ""};
    ck_assert_ptr_null(machine_library_open(path, &message));
    ck_assert_msg(strstr(message.text, why) != NULL, "%s", message.text);
    ck_assert_msg(strstr(message.text, path) != NULL, "%s", message.text);
    ck_assert_ptr_null(strchr(message.text, '\n'));
}

static const struct machine *opened(const char *name) {
    struct machine_library_message message = {.text = ""};
    const struct machine *machine = machine_library_open(library(name), &message);
    ck_assert_msg(machine != NULL, "%s", message.text);
    return machine;
}

START_TEST(what_is_no_library_is_refused) {
    refused("/nowhere/mine.so", "No such file");
    refused("/proc/self/status", "");
    refused(library("no_machine"), "no function raftd_machine");
}
END_TEST

START_TEST(a_table_that_does_not_fit_is_refused) {
    static const char *const faults[][2] = {
        {"version", "compiled for version 2 of the machine interface, this raftd has version 1"},
        {"size", "has a table of 80 bytes, version 1 of the machine interface has one of 88"},
        {"name", "name must be 1 to 64"},
        {"long", "name must be 1 to 64"},
        {"empty", "name must be 1 to 64"},
        {"nameless", "name must be 1 to 64"},
        {"shipped", "calls itself hashmap, which is a machine that ships"},
        {"function", "lacks a function"},
        {"table", "answers no machine"},
    };
    setenv("RAFTD_FAULT", faults[_i][0], 1);
    refused(library("faulty"), faults[_i][1]);
}
END_TEST

START_TEST(a_process_runs_one_machine) {
    const struct machine *machine = opened("faulty");
    ck_assert_str_eq(machine->name, "faulty");
    ck_assert_ptr_eq(opened("faulty"), machine);
    refused(library("counter"), "a process runs one machine");
}
END_TEST

START_TEST(check_may_be_left_out) {
    setenv("RAFTD_FAULT", "check", 1);
    ck_assert(opened("faulty")->check == NULL);
}
END_TEST

/* What comes of a command or query: verdict and what was said. */
static enum machine_verdict ask(const struct machine *machine, bool apply, const char *text, struct bytes *sink) {
    void *state = machine->create();
    bytes_free(sink);
    enum machine_verdict verdict = apply ? machine->apply(state, 1, text, strlen(text), bytes_output(sink))
                                         : machine->query(state, text, strlen(text), bytes_output(sink));
    machine->destroy(state);
    return verdict;
}

START_TEST(good_answers_pass_as_they_are) {
    const struct machine *machine = opened("faulty");
    struct bytes sink = bytes_empty();
    ck_assert_int_eq(ask(machine, true, "[1, 1e2]", &sink), MACHINE_DONE);
    ck_assert_str_eq(sink.data, "[1, 1e2]");
    ck_assert_int_eq(ask(machine, false, "[1, 1e2]", &sink), MACHINE_DONE);
    ck_assert_str_eq(sink.data, "[1, 1e2]");
    ck_assert_int_eq(ask(machine, true, "\"no\"", &sink), MACHINE_REFUSED);
    ck_assert_str_eq(sink.data, "it says no");
    bytes_free(&sink);
}
END_TEST

START_TEST(answers_that_are_none_are_replaced_by_what_says_so) {
    const struct machine *machine = opened("faulty");
    struct bytes sink = bytes_empty();
    static const char *const junk = "{\"raftd_error\":\"the machine faulty answered with bytes that are no JSON\"}";
    ck_assert_int_eq(ask(machine, true, "\"junk\"", &sink), MACHINE_DONE);
    ck_assert_str_eq(sink.data, junk);
    ck_assert_int_eq(ask(machine, true, "\"empty\"", &sink), MACHINE_DONE);
    ck_assert_str_eq(sink.data, junk);
    ck_assert_int_eq(ask(machine, true, "\"odd\"", &sink), MACHINE_DONE);
    ck_assert_str_eq(sink.data, "{\"raftd_error\":\"the machine faulty answered with the verdict 7, which is none\"}");
    ck_assert_int_eq(ask(machine, true, "\"huge\"", &sink), MACHINE_DONE);
    ck_assert_str_eq(sink.data, "{\"raftd_error\":\"the machine faulty answered with more than 16777216 bytes\"}");
    static const char *const silent[] = {"\"mute\"", "\"rude\""};
    for (size_t i = 0; i < 2; i++) {
        ck_assert_int_eq(ask(machine, true, silent[i], &sink), MACHINE_REFUSED);
        ck_assert_str_eq(sink.data, "the machine faulty does not say why");
    }
    ck_assert_int_eq(ask(machine, false, "\"junk\"", &sink), MACHINE_REFUSED);
    ck_assert_str_eq(sink.data, "the machine faulty answered with bytes that are no JSON");
    ck_assert_int_eq(ask(machine, false, "\"huge\"", &sink), MACHINE_REFUSED);
    ck_assert_str_eq(sink.data, "the machine faulty answered with more than 16777216 bytes");
    ck_assert_int_eq(ask(machine, false, "\"odd\"", &sink), MACHINE_REFUSED);
    ck_assert_str_eq(sink.data, "the machine faulty does not say why");
    bytes_free(&sink);
}
END_TEST

START_TEST(a_file_that_takes_no_more_is_no_fault_of_the_machine) {
    const struct machine *machine = opened("faulty");
    struct bytes full = bytes_limited(0);
    ck_assert(!machine->write(machine, bytes_output(&full)));
    struct bytes sink = bytes_empty();
    ck_assert(machine->write(machine, bytes_output(&sink)));
    ck_assert_uint_eq(sink.size, 1);
    bytes_free(&sink);
}
END_TEST

START_TEST(a_snapshot_that_is_not_finished_ends_the_process) {
    setenv("RAFTD_FAULT", "write", 1);
    const struct machine *machine = opened("faulty");
    struct bytes sink = bytes_empty();
    machine->write(machine, bytes_output(&sink));
}
END_TEST

static size_t nothing(void *context, void *bytes, size_t capacity) {
    (void)context;
    (void)bytes;
    (void)capacity;
    return 0;
}

START_TEST(a_snapshot_refused_without_a_word_gets_one) {
    setenv("RAFTD_FAULT", "restore", 1);
    const struct machine *machine = opened("faulty");
    void *state = machine->create();
    struct bytes sink = bytes_empty();
    ck_assert(!machine->restore(state, (struct machine_input){nothing, NULL}, bytes_output(&sink)));
    ck_assert_str_eq(sink.data, "the machine faulty does not say why");
    bytes_free(&sink);
    machine->destroy(state);
}
END_TEST

START_TEST(the_counter_counts) {
    const struct machine *machine = opened("counter");
    ck_assert_str_eq(machine->name, "counter");
    void *state = machine->create();
    struct bytes sink = bytes_empty();
    static const char *const commands[][2] = {
        {"5", "5"}, {"-2", "3"}, {"9223372036854775807", "-9223372036854775806"}, {"-9223372036854775807", "3"}};
    for (size_t i = 0; i < 4; i++) {
        bytes_free(&sink);
        ck_assert_int_eq(machine->apply(state, i + 1, commands[i][0], strlen(commands[i][0]), bytes_output(&sink)),
                         MACHINE_DONE);
        ck_assert_str_eq(sink.data, commands[i][1]);
    }
    static const char *const others[] = {"1.5",  "\"5\"", "9223372036854775808",
                                         "null", "[1]",   "1000000000000000000000000000000000000000000"};
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        bytes_free(&sink);
        ck_assert_int_eq(machine->check(others[i], strlen(others[i]), bytes_output(&sink)), MACHINE_REFUSED);
        bytes_free(&sink);
        ck_assert_int_eq(machine->apply(state, 9, others[i], strlen(others[i]), bytes_output(&sink)), MACHINE_REFUSED);
    }
    bytes_free(&sink);
    ck_assert_int_eq(machine->query(state, "null", 4, bytes_output(&sink)), MACHINE_DONE);
    ck_assert_str_eq(sink.data, "3");
    bytes_free(&sink);
    ck_assert_int_eq(machine->query(state, "0", 1, bytes_output(&sink)), MACHINE_REFUSED);
    bytes_free(&sink);
    machine->destroy(state);
}
END_TEST

static void add_tests(TCase *tcase) {
    tcase_add_test(tcase, what_is_no_library_is_refused);
    tcase_add_loop_test(tcase, a_table_that_does_not_fit_is_refused, 0, 9);
    tcase_add_test(tcase, a_process_runs_one_machine);
    tcase_add_test(tcase, check_may_be_left_out);
    tcase_add_test(tcase, good_answers_pass_as_they_are);
    tcase_add_test(tcase, answers_that_are_none_are_replaced_by_what_says_so);
    tcase_add_test(tcase, a_file_that_takes_no_more_is_no_fault_of_the_machine);
    tcase_add_test_raise_signal(tcase, a_snapshot_that_is_not_finished_ends_the_process, SIGABRT);
    tcase_add_test(tcase, a_snapshot_refused_without_a_word_gets_one);
    tcase_add_test(tcase, the_counter_counts);
}

CHECK_MAIN_APART("machine_library", add_tests)
