#include "server/machine_mark.h"

#include "tests/check_main.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static char directory[64];
static int said; /* Where diagnostics go. */

static void begin(void) {
    strcpy(directory, "/tmp/raftd-mark-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(directory));
    said = memfd_create("said", 0);
}

static void end(void) {
    char path[80];
    snprintf(path, sizeof path, "%s/machine", directory);
    unlink(path);
    rmdir(path);
    ck_assert_int_eq(rmdir(directory), 0); /* Nothing else was left there. */
    close(said);
}

static bool check(bool has_log, const char *machine, struct storage_message *out_message) {
    const struct diagnostics diagnostics = {.descriptor = said, .level = DIAGNOSTICS_INFO};
    return machine_mark_check(directory, has_log, machine, &diagnostics, out_message);
}

START_TEST(a_log_belongs_to_the_machine_that_it_was_begun_with) {
    struct storage_message message = {""};
    begin();
    ck_assert(check(false, "hashmap", &message));
    ck_assert(check(true, "hashmap", &message));
    ck_assert(!check(true, "register", &message));
    ck_assert_ptr_nonnull(strstr(message.text, "is of the state machine hashmap"));
    ck_assert_ptr_nonnull(strstr(message.text, "--machine register"));
    ck_assert(check(true, "hashmap", &message)); /* The mark is as it was. */
    ck_assert(!check(true, "hash", &message));
    end();
}
END_TEST

START_TEST(without_a_log_the_machine_may_be_another_one) {
    struct storage_message message;
    begin();
    ck_assert(check(false, "hashmap", &message));
    ck_assert(check(false, "register", &message));
    ck_assert(check(true, "register", &message));
    ck_assert(!check(true, "hashmap", &message));
    end();
}
END_TEST

START_TEST(a_log_without_a_mark_gets_one) {
    struct storage_message message;
    begin();
    ck_assert(check(true, "hashmap", &message));
    ck_assert(!check(true, "register", &message));
    end();
}
END_TEST

START_TEST(a_mark_that_cannot_be_written_is_a_warning) {
    struct storage_message message;
    char path[80], text[300] = "";
    begin();
    snprintf(path, sizeof path, "%s/machine.new", directory);
    ck_assert_int_eq(mkdir(path, 0700), 0);
    ck_assert(check(false, "hashmap", &message));
    ck_assert_int_gt(pread(said, text, sizeof text - 1, 0), 0);
    ck_assert_ptr_nonnull(strstr(text, "/machine cannot be written: Is a directory"));
    ck_assert_int_eq(rmdir(path), 0);
    ck_assert(machine_mark_check(NULL, true, "hashmap", NULL, &message));
    end();
}
END_TEST

static void add_tests(TCase *tcase) {
    tcase_add_test(tcase, a_log_belongs_to_the_machine_that_it_was_begun_with);
    tcase_add_test(tcase, without_a_log_the_machine_may_be_another_one);
    tcase_add_test(tcase, a_log_without_a_mark_gets_one);
    tcase_add_test(tcase, a_mark_that_cannot_be_written_is_a_warning);
}

CHECK_MAIN("machine_mark", add_tests)
