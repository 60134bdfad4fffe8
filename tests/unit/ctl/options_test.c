#include "api/ctl/options.h"

#include "tests/check_main.h"

#include <string.h>

static struct options options;
static char message[512];

static enum options_end read_line(const char *const *arguments, const char *const *environment) {
    message[0] = '\0';
    return options_read(arguments, environment, &options, message, sizeof message);
}

#define WORDS(...) ((const char *const[]){__VA_ARGS__, NULL})
#define NONE       ((const char *const[]){NULL})
#define RUNS(...)  ck_assert_msg(read_line(WORDS(__VA_ARGS__), NONE) == OPTIONS_RUN, "%s", message)
#define WRONG(why, ...)                                                                                                    \
    do {                                                                                                                   \
        ck_assert_int_eq(read_line(WORDS(__VA_ARGS__), NONE), OPTIONS_WRONG);                                              \
        ck_assert_msg(strstr(message, why) != NULL, "%s", message);                                                        \
    } while (0)

START_TEST(a_command_has_arguments_and_options_on_either_side) {
    RUNS("--endpoints", "http://a:1", "members", "--timeout=2s", "add", "4", "--learner", "http://b:2", "--output", "json");
    ck_assert_int_eq(options.command, OPTIONS_MEMBERS);
    ck_assert_str_eq(options.endpoints, "http://a:1");
    ck_assert_uint_eq(options.timeout_ms, 2000);
    ck_assert(options.learner && options.json);
    ck_assert_uint_eq(options.argument_count, 3);
    ck_assert_str_eq(options.arguments[2], "http://b:2");
}
END_TEST

START_TEST(there_are_defaults) {
    RUNS("watch");
    ck_assert_str_eq(options.endpoints, "http://127.0.0.1:8001");
    ck_assert(options.from == RAFTCLIENT_FROM_NOW);
    ck_assert_uint_eq(options.timeout_ms, 0);
    ck_assert(!options.json);
    RUNS("bench");
    ck_assert_uint_eq(options.connections, 16);
    ck_assert_uint_eq(options.seconds, 5);
    ck_assert_uint_eq(options.value_bytes, 64);
}
END_TEST

START_TEST(values_are_read_within_bounds) {
    RUNS("query", "--consistency", "stale", "--min-index", "9007199254740991", "-");
    ck_assert_int_eq(options.consistency, RAFTCLIENT_STALE);
    ck_assert_uint_eq(options.min_index, 9007199254740991);
    RUNS("bench", "--consistency", "lease", "--reads", "100", "--connections", "1024", "--seconds", "3600", "--value-bytes",
         "0");
    ck_assert_int_eq(options.consistency, RAFTCLIENT_LEASE);
    RUNS("watch", "--from", "now", "--count", "3");
    ck_assert_uint_eq(options.count, 3);
    RUNS("watch", "--from", "7");
    ck_assert_uint_eq(options.from, 7);
    RUNS("propose", "--file", "x", "--key", "k");
    ck_assert_str_eq(options.file, "x");
    WRONG("--min-index", "query", "--min-index", "9007199254740992");
    WRONG("linearizable, lease or stale", "query", "--consistency", "Stale");
    WRONG("--reads: '101' cannot be: it takes a number from 0 to 100", "bench", "--reads", "101");
    WRONG("--connections", "bench", "--connections", "1025");
    WRONG("--connections", "bench", "--connections", "0");
    WRONG("--seconds", "bench", "--seconds", "3601");
    WRONG("--value-bytes", "bench", "--value-bytes", "1048577");
    WRONG("it takes now, or a number from 1 to", "watch", "--from", "0");
    WRONG("--count", "watch", "--count", "0");
    WRONG("--timeout", "status", "--timeout", "86400001ms");
    WRONG("it takes a time with its unit, like 500ms, 30s or 1m, of at most 1440m", "status", "--timeout", "5");
    WRONG("it takes table or json", "status", "--output", "yaml");
    WRONG("it must not be empty", "status", "--endpoints", "");
}
END_TEST

START_TEST(what_cannot_be_is_wrong_and_says_so) {
    WRONG("which command", "--output", "json");
    WRONG("unknown command 'get'", "get");
    WRONG("unknown option '--nope'", "status", "--nope");
    WRONG("unknown option '-x'", "status", "-x");
    WRONG("--file needs a value", "propose", "--file");
    WRONG("--learner is no option of status", "status", "--learner");
    WRONG("--min-index is no option of bench", "bench", "--min-index", "1");
    WRONG("unexpected argument 'e'", "members", "a", "b", "c", "d", "e");
}
END_TEST

START_TEST(a_token_is_no_option) {
    WRONG("--token-file", "--token", "secret", "status");
    WRONG("RAFTCTL_TOKEN", "status", "--token=secret");
    ck_assert_ptr_null(strstr(message, "secret"));
}
END_TEST

START_TEST(a_dash_and_what_follows_two_are_words) {
    RUNS("propose", "-");
    ck_assert_str_eq(options.arguments[0], "-");
    RUNS("propose", "--", "-5");
    ck_assert_str_eq(options.arguments[0], "-5");
    WRONG("unknown option '-5'", "propose", "-5");
}
END_TEST

START_TEST(the_environment_is_asked_for_what_all_commands_know) {
    const char *const environment[] = {"RAFTCTL_ENDPOINTS=http://e:1",
                                       "RAFTCTL_TOKEN=t",
                                       "RAFTCTL_TLS_CA=ca.pem",
                                       "RAFTCTL_TIMEOUT=7s",
                                       "RAFTCTL_OUTPUT=json",
                                       "RAFTCTL_FILE=not-this",
                                       "RAFTCTL_TLS_KEY=",
                                       "OTHER=x",
                                       NULL};
    ck_assert_int_eq(read_line(WORDS("status"), environment), OPTIONS_RUN);
    ck_assert_str_eq(options.endpoints, "http://e:1");
    ck_assert_str_eq(options.token, "t");
    ck_assert_str_eq(options.tls_ca, "ca.pem");
    ck_assert_uint_eq(options.timeout_ms, 7000);
    ck_assert(options.json);
    ck_assert_ptr_null(options.file);
    ck_assert_ptr_null(options.tls_key);
    /* The command line wins; a file of a token, too. */
    ck_assert_int_eq(read_line(WORDS("status", "--output", "table", "--token-file", "f", "--timeout", "1m"), environment),
                     OPTIONS_RUN);
    ck_assert(!options.json);
    ck_assert_ptr_null(options.token);
    ck_assert_str_eq(options.token_file, "f");
    ck_assert_uint_eq(options.timeout_ms, 60000);
    const char *const bad[] = {"RAFTCTL_TIMEOUT=soon", NULL};
    ck_assert_int_eq(read_line(WORDS("status"), bad), OPTIONS_WRONG);
    ck_assert_ptr_nonnull(strstr(message, "timeout"));
}
END_TEST

START_TEST(help_is_of_a_command_or_of_all) {
    ck_assert_int_eq(read_line(WORDS("--help"), NONE), OPTIONS_HELP);
    ck_assert_int_eq(options.command, OPTIONS_COMMANDS);
    ck_assert_int_eq(read_line(WORDS("members", "-h"), NONE), OPTIONS_HELP);
    ck_assert_int_eq(options.command, OPTIONS_MEMBERS);
    ck_assert_int_eq(read_line(WORDS("--version"), NONE), OPTIONS_VERSION);
    WRONG("unknown command", "nope", "--help");
}
END_TEST

START_TEST(durations_and_numbers) {
    uint32_t ms;
    uint64_t number;
    ck_assert(options_duration("1ms", 1000, &ms) && ms == 1);
    ck_assert(options_duration("2m", 120000, &ms) && ms == 120000);
    static const char *const wrong[] = {"", "s", "5", "0s", "-1s", "1.5s", "1h", "3m", "99999999999999999999s", "1s "};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        ck_assert_msg(!options_duration(wrong[i], 120000, &ms), "%s", wrong[i]);
    }
    ck_assert(options_number("0", 0, 5, &number) && number == 0);
    ck_assert(!options_number("6", 0, 5, &number));
    ck_assert(!options_number("", 0, 5, &number));
    ck_assert(!options_number("+1", 0, 5, &number));
    ck_assert(!options_number("99999999999999999999", 0, UINT64_MAX, &number));
}
END_TEST

static void add_tests(TCase *tcase) {
    tcase_add_test(tcase, a_command_has_arguments_and_options_on_either_side);
    tcase_add_test(tcase, there_are_defaults);
    tcase_add_test(tcase, values_are_read_within_bounds);
    tcase_add_test(tcase, what_cannot_be_is_wrong_and_says_so);
    tcase_add_test(tcase, a_token_is_no_option);
    tcase_add_test(tcase, a_dash_and_what_follows_two_are_words);
    tcase_add_test(tcase, the_environment_is_asked_for_what_all_commands_know);
    tcase_add_test(tcase, help_is_of_a_command_or_of_all);
    tcase_add_test(tcase, durations_and_numbers);
}

CHECK_MAIN("options", add_tests)
