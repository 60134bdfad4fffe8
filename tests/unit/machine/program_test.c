#include "server/machine/program.h"

#include "tests/check_main.h"
#include "tests/unit/machine/driver.h"

#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static char path[64];
static struct program_message message;

static void ignore_pipes(void) {
    signal(SIGPIPE, SIG_IGN);
}

static void remove_script(void) {
    unlink(path);
}

/* A program that does what the lines say. */
static struct program *started(const char *lines) {
    snprintf(path, sizeof path, "/tmp/raftd-program-%ld.sh", (long)getpid());
    FILE *file = fopen(path, "w");
    ck_assert_ptr_nonnull(file);
    fprintf(file, "#!/bin/sh\n%s\n", lines);
    ck_assert_int_eq(fclose(file), 0);
    ck_assert_int_eq(chmod(path, 0700), 0);
    struct program *program = program_start(path, &message);
    ck_assert_msg(program != NULL, "%s", message.text);
    return program;
}

static bool ask(struct program *program, const char *text, struct json_span *out_answer) {
    const struct json_span pieces[] = {{text, 1}, {text + 1, strlen(text) - 1}};
    return program_ask(program, pieces, 2, 5000, out_answer, &message);
}

static void answered(struct program *program, const char *text) {
    struct json_span answer;
    ck_assert_msg(ask(program, text, &answer), "%s", message.text);
    ck_assert_uint_eq(answer.size, strlen(text));
    ck_assert_mem_eq(answer.data, text, answer.size);
}

START_TEST(a_program_is_asked_one_question_after_the_other) {
    struct program *program = started("exec cat");
    answered(program, "{}");
    answered(program, "{\"a\":[1, 1e2]}");
    answered(program, "{\"line\":\n5}");
    program_end(program);
}
END_TEST

START_TEST(questions_and_answers_may_be_larger_than_a_pipe) {
    struct program *program = started("exec cat");
    static char text[5000000];
    memset(text, 'x', sizeof text - 1);
    memcpy(text, "{\"a\":\"", 6);
    memcpy(text + sizeof text - 3, "\"}", 2);
    answered(program, text);
    answered(program, "{}");
    answered(program, text);
    program_end(program);
}
END_TEST

START_TEST(a_program_that_is_not_there_cannot_be_started) {
    ck_assert_ptr_null(program_start("/nowhere/at/all", &message));
    ck_assert_str_eq(message.text, "cannot be started: No such file or directory");
    ck_assert_ptr_null(program_start("/proc/self/status", &message));
    ck_assert_str_eq(message.text, "cannot be started: Permission denied");
}
END_TEST

static const struct {
    const char *lines;
    const char *why;
} endings[] = {
    {"exit 7", "has ended with exit code 7"},
    {"kill -9 $$", "was ended by signal 9"},
    {"exec >&-; read line; sleep 60", "has closed its input or output"},
    {"read line; echo x", "answers with what is no frame: it must begin with a number of bytes and a line feed"},
    {"read line; echo; sleep 60", "answers with what is no frame: it must begin with a number of bytes and a line feed"},
    {"read line; printf 123456789012345; sleep 60", "answers with a frame whose number has no end"},
    {"read line; echo 1073741825; sleep 60", "answers with a frame of 1073741825 bytes, at most 1073741824 are taken"},
    {"read line; read line; echo 2; echo '{}x'; sleep 60", "says more than it was asked"},
    {"read line; read line; printf '2\\n{}x'; sleep 60",
     "answers with a frame that does not end in a line feed where its number says"},
    {"read line; read line; echo 4; echo '{\"a}'; sleep 60", "answers with what is no JSON from byte 4 on"},
    {"read line; read line; echo 0; echo; sleep 60", "answers with what is no JSON from byte 0 on"},
    {"read line; read line; echo 1; echo 5; sleep 60", "answers with JSON that is no object"},
};

START_TEST(what_is_no_answer_is_told) {
    struct program *program = started(endings[_i].lines);
    struct json_span answer;
    ck_assert(!ask(program, "{}", &answer));
    ck_assert_str_eq(message.text, endings[_i].why);
    program_end(program);
}
END_TEST

START_TEST(an_answer_before_the_question_is_told) {
    struct program *program = started("echo 2; echo '{}'; sleep 60");
    static char text[1000000];
    memset(text, ' ', sizeof text - 1);
    struct json_span answer;
    ck_assert(!ask(program, text, &answer));
    ck_assert_str_eq(message.text, "answers before it has read the question");
    program_end(program);
}
END_TEST

START_TEST(silence_has_an_end) {
    static const char *const silent[] = {"sleep 60", "read line; while :; do sleep 0.01; done",
                                         "while :; do printf 0; sleep 0.02; done"};
    struct program *program = started(silent[_i]);
    const struct json_span piece = {"{}", 2};
    struct json_span answer;
    ck_assert(!program_ask(program, &piece, 1, 150, &answer, &message));
    ck_assert_str_eq(message.text, "has not answered within 150 ms");
    program_end(program);
}
END_TEST

/* Not once it is a zombie: whoever inherits orphans may take its time. */
static bool lives(pid_t process) {
    char stat_path[64], line[256] = "";
    snprintf(stat_path, sizeof stat_path, "/proc/%ld/stat", (long)process);
    FILE *file = fopen(stat_path, "r");
    if (file == NULL) {
        return false;
    }
    bool read = fgets(line, sizeof line, file) != NULL;
    fclose(file);
    return read && strstr(line, ") Z ") == NULL && strstr(line, ") X ") == NULL;
}

START_TEST(it_ends_with_all_that_it_has_started) {
    struct program *program = started("sleep 60 & echo 21; printf '{\"child\":%11d}\\n' $!; wait");
    struct json_span answer, child;
    ck_assert_msg(ask(program, "{}", &answer), "%s", message.text);
    ck_assert(json_member(answer, "child", &child));
    pid_t process = (pid_t)strtol(child.data, NULL, 10);
    ck_assert(lives(process));
    program_end(program);
    while (lives(process)) {
        sched_yield();
    }
}
END_TEST

static void add_tests(TCase *tcase) {
    tcase_add_checked_fixture(tcase, ignore_pipes, remove_script);
    tcase_add_test(tcase, a_program_is_asked_one_question_after_the_other);
    tcase_add_test(tcase, questions_and_answers_may_be_larger_than_a_pipe);
    tcase_add_test(tcase, a_program_that_is_not_there_cannot_be_started);
    tcase_add_loop_test(tcase, what_is_no_answer_is_told, 0, (int)(sizeof endings / sizeof endings[0]));
    tcase_add_test(tcase, an_answer_before_the_question_is_told);
    tcase_add_loop_test(tcase, silence_has_an_end, 0, 2);
    tcase_add_test(tcase, it_ends_with_all_that_it_has_started);
}

CHECK_MAIN("program", add_tests)
