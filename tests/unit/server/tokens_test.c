/* The token file: what is read from it, what is refused, and that it is read again when it changes. */
#include "server/tokens.h"
#include "tests/check_main.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char path[64];

static void make_path(void) {
    snprintf(path, sizeof path, "/tmp/raftd-tokens-XXXXXX");
    int descriptor = mkstemp(path);
    ck_assert_int_ge(descriptor, 0);
    close(descriptor);
}

static void remove_path(void) {
    unlink(path);
}

static void put_bytes(const char *bytes, size_t size) {
    FILE *file = fopen(path, "w");
    ck_assert_ptr_nonnull(file);
    ck_assert_uint_eq(fwrite(bytes, 1, size, file), size);
    ck_assert_int_eq(fclose(file), 0);
}

static struct tokens *open_with(const char *text) {
    struct tokens_message message = {""};
    put_bytes(text, strlen(text));
    struct tokens *tokens = tokens_open(path, &message);
    ck_assert_msg(tokens != NULL, "%s", message.text);
    return tokens;
}

static enum tokens_role role_of(const struct tokens *tokens, const char *token) {
    return tokens_role(tokens, token, strlen(token), NULL);
}

START_TEST(lines_give_tokens_roles_and_names) {
    struct tokens *tokens = open_with("# people\n\n  read\tr-1   Grafana at home \r\nwrite w-1\n admin a-1 ops\n"
                                      "#read r-2\npeer p-1\npeer p-2");
    ck_assert_int_eq(role_of(tokens, "r-1"), TOKENS_READ);
    ck_assert_int_eq(role_of(tokens, "w-1"), TOKENS_WRITE);
    ck_assert_int_eq(role_of(tokens, "a-1"), TOKENS_ADMIN);
    ck_assert_int_eq(role_of(tokens, "p-1"), TOKENS_PEER);
    ck_assert_int_eq(role_of(tokens, "p-2"), TOKENS_PEER);
    ck_assert_str_eq(tokens_peer(tokens), "p-1");
    char name[TOKENS_NAME_MAX + 1];
    tokens_role(tokens, "r-1", 3, name);
    ck_assert_str_eq(name, "Grafana at home");
    tokens_role(tokens, "w-1", 3, name);
    ck_assert_str_eq(name, "");
    tokens_close(tokens);
}
END_TEST

START_TEST(what_is_not_a_whole_token_is_nobodys) {
    struct tokens *tokens = open_with("read r-1\n");
    static const char *const others[] = {"", "r", "r-", "r-1 ", "r-11", "R-1", "r-2", "read", "#"};
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        ck_assert_msg(role_of(tokens, others[i]) == TOKENS_NOBODY, "'%s'", others[i]);
    }
    ck_assert_int_eq(tokens_role(tokens, "r-1\0", 4, NULL), TOKENS_NOBODY);
    ck_assert_int_eq(tokens_role(tokens, "r-1\0\0\0\0", 7, NULL), TOKENS_NOBODY);
    ck_assert_ptr_null(tokens_peer(tokens));
    tokens_close(tokens);
}
END_TEST

START_TEST(a_role_may_do_what_those_before_it_may_and_peer_stands_alone) {
    static const char *const roles = "nrwap";
    /* By who holds it, then what is needed. */
    static const char *const allowed[] = {"n", "nr", "nrw", "nrwa", "np"};
    for (int held = TOKENS_NOBODY; held <= TOKENS_PEER; held++) {
        for (int needed = TOKENS_NOBODY; needed <= TOKENS_PEER; needed++) {
            bool expected = strchr(allowed[held], roles[needed]) != NULL;
            ck_assert_msg(tokens_allow((enum tokens_role)held, (enum tokens_role)needed) == expected, "%d %d", held,
                          needed);
        }
    }
}
END_TEST

/* `text` is refused with these words, and without its secret. */
static void check_refused(const char *text, size_t size, const char *words) {
    struct tokens_message message = {""};
    put_bytes(text, size);
    ck_assert_ptr_null(tokens_open(path, &message));
    ck_assert_msg(strstr(message.text, words) != NULL && strstr(message.text, path) != NULL, "'%s' does not say '%s'",
                  message.text, words);
    ck_assert_msg(strstr(message.text, "s3cret") == NULL, "%s", message.text);
}

static void refused(const char *text, const char *words) {
    check_refused(text, strlen(text), words);
}

START_TEST(what_is_wrong_is_told_with_its_line_and_without_secrets) {
    refused("", "has no token");
    refused("# read s3cret\n", "has no token");
    refused("read s3cret\ns3cret read\n", "line 2: it must begin with a role");
    refused("Read s3cret\n", "line 1: it must begin with a role");
    refused("reads3cret\n", "line 1: it must begin with a role");
    refused("write\n", "line 1: after the role comes a token");
    refused("write \xc3\xa9s3cret\n", "line 1: after the role comes a token");
    refused("write s3cret\x7f\n", "line 1: after the role comes a token");
    refused("read x \xc3\xa9\n", "line 1: the token's name");
    refused("read s3cret\n\nwrite s3cret\n", "line 3: this token was there before");
    check_refused("read s3\0cret\n", 13, "line 1: after the role comes a token");
}
END_TEST

START_TEST(limits_hold_at_their_edges) {
    static char text[TOKENS_FILE_MAX + 2];
    char token[TOKENS_TOKEN_MAX + 1];
    memset(token, 'x', TOKENS_TOKEN_MAX);
    token[TOKENS_TOKEN_MAX] = '\0';
    /* The longest token and name, and one byte more */
    snprintf(text, sizeof text, "read %s %.*s\n", token, TOKENS_NAME_MAX, token);
    struct tokens *tokens = open_with(text);
    ck_assert_int_eq(role_of(tokens, token), TOKENS_READ);
    token[TOKENS_TOKEN_MAX - 1] = 'y';
    ck_assert_int_eq(role_of(tokens, token), TOKENS_NOBODY);
    tokens_close(tokens);
    snprintf(text, sizeof text, "read x%s\n", token);
    refused(text, "1 to 256 visible");
    snprintf(text, sizeof text, "read x %.*s\n", TOKENS_NAME_MAX + 1, token);
    refused(text, "up to 64");
    /* As many tokens as may be, and one more */
    size_t size = 0;
    for (int i = 0; i < TOKENS_MAX; i++) {
        size += (size_t)snprintf(text + size, sizeof text - size, "write token-%d\n", i);
    }
    tokens = open_with(text);
    ck_assert_int_eq(role_of(tokens, "token-999"), TOKENS_WRITE);
    tokens_close(tokens);
    snprintf(text + size, sizeof text - size, "write token-more\n");
    refused(text, "line 1001: there may be 1000");
    /* The largest file, and one byte more */
    memset(text, '\n', sizeof text);
    memcpy(text, "read a", 6);
    put_bytes(text, TOKENS_FILE_MAX);
    struct tokens_message message;
    tokens = tokens_open(path, &message);
    ck_assert_ptr_nonnull(tokens);
    tokens_close(tokens);
    check_refused(text, TOKENS_FILE_MAX + 1, "larger than 1048576 bytes");
}
END_TEST

START_TEST(a_file_that_cannot_be_read_is_told) {
    struct tokens_message message = {""};
    ck_assert_ptr_null(tokens_open("/nowhere/tokens", &message));
    ck_assert_ptr_nonnull(strstr(message.text, "/nowhere/tokens cannot be read: No such file"));
    ck_assert_ptr_null(tokens_open("/tmp", &message));
    ck_assert_ptr_nonnull(strstr(message.text, "Is a directory"));
}
END_TEST

/* The log of one refresh, in a pipe. */
static enum refreshed refresh(struct tokens *tokens, char out_log[1024]) {
    int pipes[2];
    ck_assert_int_eq(pipe(pipes), 0);
    struct diagnostics diagnostics = {.descriptor = pipes[1]};
    enum refreshed changed = tokens_refresh(tokens, &diagnostics);
    close(pipes[1]);
    ssize_t size = read(pipes[0], out_log, 1023);
    ck_assert_int_ge((int)size, 0);
    out_log[size] = '\0';
    close(pipes[0]);
    return changed;
}

/* As careful people and programs do it, so that no moment is too short to be another one. */
static void replace_with(const char *text) {
    char original[sizeof path];
    memcpy(original, path, sizeof path);
    make_path();
    put_bytes(text, strlen(text));
    ck_assert_int_eq(rename(path, original), 0);
    memcpy(path, original, sizeof path);
}

START_TEST(a_changed_file_is_read_again_and_a_wrong_one_changes_nothing) {
    char log[1024];
    struct tokens *tokens = open_with("read r-1\npeer p-1\n");
    ck_assert_int_eq(refresh(tokens, log), REFRESHED_NOTHING);
    ck_assert_str_eq(log, "");
    replace_with("read r-2\npeer p-2\n");
    ck_assert_int_eq(refresh(tokens, log), REFRESHED);
    ck_assert_int_eq(role_of(tokens, "r-1"), TOKENS_NOBODY);
    ck_assert_int_eq(role_of(tokens, "r-2"), TOKENS_READ);
    ck_assert_str_eq(tokens_peer(tokens), "p-2");
    /* When it is wrong, or gone, it is said once, and the tokens stay */
    replace_with("wirte w-3\n");
    ck_assert_int_eq(refresh(tokens, log), REFRESHED_IN_VAIN);
    ck_assert_ptr_nonnull(strstr(log, "line 1: it must begin with a role"));
    ck_assert_int_eq(refresh(tokens, log), REFRESHED_NOTHING);
    ck_assert_str_eq(log, "");
    ck_assert_int_eq(unlink(path), 0);
    ck_assert_int_eq(refresh(tokens, log), REFRESHED_IN_VAIN);
    ck_assert_ptr_nonnull(strstr(log, "No such file"));
    ck_assert_int_eq(refresh(tokens, log), REFRESHED_NOTHING);
    ck_assert_str_eq(log, "");
    ck_assert_int_eq(role_of(tokens, "r-2"), TOKENS_READ);
    /* And the next good one counts */
    put_bytes("write w-4\n", 10);
    ck_assert_int_eq(refresh(tokens, log), REFRESHED);
    ck_assert_int_eq(role_of(tokens, "w-4"), TOKENS_WRITE);
    ck_assert_ptr_null(tokens_peer(tokens));
    tokens_close(tokens);
}
END_TEST

static void add_tests(TCase *tcase) {
    tcase_add_checked_fixture(tcase, make_path, remove_path);
    tcase_add_test(tcase, lines_give_tokens_roles_and_names);
    tcase_add_test(tcase, what_is_not_a_whole_token_is_nobodys);
    tcase_add_test(tcase, a_role_may_do_what_those_before_it_may_and_peer_stands_alone);
    tcase_add_test(tcase, what_is_wrong_is_told_with_its_line_and_without_secrets);
    tcase_add_test(tcase, limits_hold_at_their_edges);
    tcase_add_test(tcase, a_file_that_cannot_be_read_is_told);
    tcase_add_test(tcase, a_changed_file_is_read_again_and_a_wrong_one_changes_nothing);
}

CHECK_MAIN("tokens", add_tests)
