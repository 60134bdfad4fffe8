#include "server/audit.h"

#include "server/base/memory.h"
#include "server/json/json.h"
#include "tests/check_main.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char directory[64];
static char path[96];
static const struct diagnostics silent = {.descriptor = -1, .level = DIAGNOSTICS_ERROR};

static struct audit *begin(void) {
    strcpy(directory, "/tmp/raftd-audit-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(directory));
    snprintf(path, sizeof path, "%s/audit", directory);
    struct audit_message message;
    struct audit *audit = audit_open(path, 7, &message);
    ck_assert_ptr_nonnull(audit);
    return audit;
}

static void end(struct audit *audit) {
    audit_close(audit);
    unlink(path);
    ck_assert_int_eq(rmdir(directory), 0);
}

static char *contents(const char *name) {
    static char text[65536];
    FILE *file = fopen(name, "r");
    ck_assert_ptr_nonnull(file);
    size_t size = fread(text, 1, sizeof text - 1, file);
    ck_assert_uint_lt(size, sizeof text - 1);
    fclose(file);
    text[size] = '\0';
    return text;
}

static size_t count_lines(const char *name) {
    size_t count = 0;
    for (const char *at = contents(name); (at = strchr(at, '\n')) != NULL; at++) {
        count++;
    }
    return count;
}

static struct audit_request refused(void) {
    return (struct audit_request){.method = "GET",
                                  .target = "/v1/status?token=secret",
                                  .status = 401,
                                  .code = "unauthorized",
                                  .who = "",
                                  .role = "",
                                  .address = "10.0.0.7"};
}

START_TEST(a_request_is_one_line_of_json_without_what_follows_the_question_mark) {
    struct audit *audit = begin();
    struct audit_request request = {.method = "POST",
                                    .target = "/v1/members?timeout=1s",
                                    .status = 200,
                                    .who = "ops \"x\"",
                                    .role = "admin",
                                    .address = "::1"};
    audit_request(audit, &request, 5);
    char *line = contents(path);
    struct json_span value;
    size_t offset;
    ck_assert(json_scan(line, strlen(line), &value, &offset));
    ck_assert_ptr_nonnull(
        strstr(line, ",\"node\":7,\"event\":\"request\",\"request\":\"POST /v1/members\",\"status\":200,\"who\":\"ops "
                     "\\\"x\\\"\",\"role\":\"admin\",\"address\":\"::1\"}\n"));
    ck_assert_int_eq(strncmp(line, "{\"time\":\"20", 11), 0);
    ck_assert_ptr_null(strstr(line, "timeout"));
    end(audit);
}
END_TEST

START_TEST(what_came_from_outside_is_cut_and_printable) {
    struct audit *audit = begin();
    char target[2 * AUDIT_TEXT_MAX];
    memset(target, 'a', sizeof target);
    memcpy(target, "/\xff\n", 3);
    target[sizeof target - 1] = '\0';
    struct audit_request request = refused();
    request.target = target;
    audit_request(audit, &request, 5);
    char *line = contents(path);
    struct json_span value;
    size_t offset;
    ck_assert(json_scan(line, strlen(line), &value, &offset));
    ck_assert_ptr_nonnull(strstr(line, "\"GET /..aaa"));
    ck_assert_uint_lt(strlen(line), AUDIT_TEXT_MAX + 200);
    ck_assert_ptr_nonnull(strstr(line, "\"code\":\"unauthorized\""));
    end(audit);
}
END_TEST

START_TEST(files_read_anew_are_lines_and_so_are_wrong_ones) {
    struct audit *audit = begin();
    audit_refreshed(audit, "tokens", REFRESHED_NOTHING);
    ck_assert_str_eq(contents(path), "");
    audit_refreshed(audit, "tokens", REFRESHED);
    ck_assert_ptr_nonnull(strstr(contents(path), ",\"node\":7,\"event\":\"tokens\",\"outcome\":\"read\"}\n"));
    audit_refreshed(audit, "certificates", REFRESHED_IN_VAIN);
    ck_assert_ptr_nonnull(strstr(contents(path), ",\"event\":\"certificates\",\"outcome\":\"refused\"}\n"));
    audit_refreshed(NULL, "tokens", REFRESHED);
    end(audit);
}
END_TEST

START_TEST(events_are_lines_too) {
    struct audit *audit = begin();
    audit_event(audit, "members", 3, 41);
    ck_assert_ptr_nonnull(strstr(contents(path), ",\"node\":7,\"event\":\"members\",\"term\":3,\"subject\":41}\n"));
    end(audit);
}
END_TEST

START_TEST(a_flood_of_refusals_is_counted_and_everything_else_stays) {
    struct audit *audit = begin();
    struct audit_request refusal = refused();
    for (int i = 0; i < AUDIT_REFUSALS_MAX; i++) {
        audit_request(audit, &refusal, 10500);
    }
    audit_refresh(audit, 10900, &silent);
    ck_assert_uint_eq(count_lines(path), AUDIT_REFUSALS_MAX);
    for (int i = 0; i < 42; i++) {
        audit_request(audit, &refusal, 10999);
    }
    struct audit_request change = refused();
    change.status = 200;
    audit_request(audit, &change, 10999);
    ck_assert_uint_eq(count_lines(path), AUDIT_REFUSALS_MAX + 1);
    audit_refresh(audit, 10999, &silent);
    ck_assert_uint_eq(count_lines(path), AUDIT_REFUSALS_MAX + 1);
    audit_refresh(audit, 11000, &silent);
    ck_assert_ptr_nonnull(strstr(contents(path), "\"event\":\"left_out\",\"count\":42}"));
    audit_request(audit, &refusal, 11000);
    ck_assert_uint_eq(count_lines(path), AUDIT_REFUSALS_MAX + 3);
    end(audit);
}
END_TEST

START_TEST(it_is_appended_to_and_nobody_else_reads_it) {
    struct audit *audit = begin();
    audit_event(audit, "one", 1, 1);
    struct stat status;
    ck_assert_int_eq(stat(path, &status), 0);
    ck_assert_uint_eq(status.st_mode & 0777, 0600);
    struct audit_message message;
    struct audit *again = audit_open(path, 7, &message);
    audit_event(again, "two", 1, 1);
    audit_event(audit, "three", 1, 1);
    audit_close(again);
    ck_assert_uint_eq(count_lines(path), 3);
    end(audit);
}
END_TEST

START_TEST(a_file_that_was_moved_away_is_opened_anew) {
    struct audit *audit = begin();
    char moved[112];
    snprintf(moved, sizeof moved, "%s.1", path);
    audit_event(audit, "one", 1, 1);
    ck_assert_int_eq(rename(path, moved), 0);
    audit_event(audit, "two", 1, 1);
    audit_refresh(audit, 1000, &silent);
    audit_event(audit, "three", 1, 1);
    ck_assert_uint_eq(count_lines(moved), 2);
    ck_assert_uint_eq(count_lines(path), 1);
    ck_assert_int_eq(unlink(moved), 0);
    end(audit);
}
END_TEST

START_TEST(lines_that_cannot_be_written_are_counted_and_told_once) {
    struct audit_message message;
    struct audit *audit = audit_open("/dev/full", 7, &message);
    ck_assert_ptr_nonnull(audit);
    audit_event(audit, "one", 1, 1);
    audit_event(audit, "two", 1, 1);
    ck_assert_uint_eq(audit_failures(audit), 2);
    int ends[2];
    ck_assert_int_eq(pipe2(ends, O_NONBLOCK), 0);
    const struct diagnostics heard = {.descriptor = ends[1], .level = DIAGNOSTICS_INFO};
    audit_refresh(audit, 1000, &heard);
    char line[512];
    ssize_t size = read(ends[0], line, sizeof line - 1);
    ck_assert_int_gt(size, 0);
    line[size] = '\0';
    ck_assert_ptr_nonnull(strstr(line, "/dev/full are lost: No space left on device"));
    audit_refresh(audit, 2000, &heard);
    ck_assert_int_lt(read(ends[0], line, sizeof line), 0);
    close(ends[0]);
    close(ends[1]);
    audit_close(audit);
}
END_TEST

START_TEST(one_that_cannot_be_opened_is_refused) {
    struct audit_message message = {.text = ""};
    ck_assert_ptr_null(audit_open("/nowhere/audit", 7, &message));
    ck_assert_str_eq(message.text, "/nowhere/audit cannot be opened: No such file or directory");
    ck_assert_ptr_null(audit_open("/tmp", 7, &message));
}
END_TEST

START_TEST(without_one_nothing_happens) {
    struct audit_request request = refused();
    audit_request(NULL, &request, 1);
    audit_event(NULL, "x", 1, 1);
    audit_refresh(NULL, 1, &silent);
    ck_assert_uint_eq(audit_failures(NULL), 0);
    audit_close(NULL);
}
END_TEST

static void add_tests(TCase *tcase) {
    tcase_add_test(tcase, a_request_is_one_line_of_json_without_what_follows_the_question_mark);
    tcase_add_test(tcase, what_came_from_outside_is_cut_and_printable);
    tcase_add_test(tcase, files_read_anew_are_lines_and_so_are_wrong_ones);
    tcase_add_test(tcase, events_are_lines_too);
    tcase_add_test(tcase, a_flood_of_refusals_is_counted_and_everything_else_stays);
    tcase_add_test(tcase, it_is_appended_to_and_nobody_else_reads_it);
    tcase_add_test(tcase, a_file_that_was_moved_away_is_opened_anew);
    tcase_add_test(tcase, lines_that_cannot_be_written_are_counted_and_told_once);
    tcase_add_test(tcase, one_that_cannot_be_opened_is_refused);
    tcase_add_test(tcase, without_one_nothing_happens);
}

CHECK_MAIN("audit", add_tests)
