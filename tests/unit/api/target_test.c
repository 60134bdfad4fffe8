#include "api/target.h"

#include "tests/check_main.h"

#include <string.h>

static char scratch[256];

static bool parse(const char *raw, struct target *target) {
    return target_parse(raw, strlen(raw), scratch, target);
}

static void check_text(const char *data, size_t size, const char *expected) {
    ck_assert_uint_eq(size, strlen(expected));
    ck_assert(memcmp(data, expected, size) == 0);
}

START_TEST(path_and_query_are_told_apart) {
    struct target target;
    ck_assert(parse("/v1/query?q=1&x", &target));
    check_text(target.path, target.path_size, "/v1/query");
    check_text(target.query, target.query_size, "q=1&x");
    ck_assert(parse("/v1/query", &target));
    ck_assert_uint_eq(target.query_size, 0);
    ck_assert_ptr_null(target.authority);
}
END_TEST

START_TEST(a_path_is_decoded_and_an_encoded_slash_is_remembered) {
    struct target target;
    ck_assert(parse("/v1/%73tatus", &target));
    check_text(target.path, target.path_size, "/v1/status");
    check_text(target.raw_path, target.raw_path_size, "/v1/%73tatus");
    ck_assert(!target.encoded_slash);
    ck_assert(parse("/v1%2Fstatus", &target));
    ck_assert(target.encoded_slash);
    ck_assert(parse("/v1%2fstatus", &target));
    ck_assert(target.encoded_slash);
    ck_assert(parse("/v1/status?%2F", &target));
    ck_assert(!target.encoded_slash);
}
END_TEST

START_TEST(malformed_escapes_are_refused_wherever_they_stand) {
    const char *bad[] = {"/%",        "/%4",  "/%zz",     "/%4g", "/a?%",  "/a?b=%2",
                         "/a?b=%%41", "/%00", "/a?b=%00", "/a b", "/a\tb", "/\x7f"};
    struct target target;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        ck_assert_msg(!parse(bad[i], &target), "%s", bad[i]);
    }
}
END_TEST

START_TEST(a_refused_target_still_tells_what_was_asked) {
    struct target target;
    ck_assert(!parse("/v1/propose?timeout=%zz", &target));
    check_text(target.path, target.path_size, "/v1/propose");
}
END_TEST

START_TEST(an_absolute_form_is_taken_apart) {
    struct target target;
    ck_assert(parse("http://node1:8001/v1/log?from=1", &target));
    check_text(target.authority, target.authority_size, "node1:8001");
    check_text(target.path, target.path_size, "/v1/log");
    check_text(target.query, target.query_size, "from=1");
    ck_assert(parse("HTTPS://node1", &target));
    check_text(target.authority, target.authority_size, "node1");
    check_text(target.path, target.path_size, "/");
    ck_assert(parse("http://node1?x", &target));
    check_text(target.path, target.path_size, "/");
    check_text(target.query, target.query_size, "x");
}
END_TEST

START_TEST(pairs_are_walked_and_empty_ones_passed_over) {
    const char *query = "&a=1&&b&=c&d=e=f&";
    const char *at = query;
    const char *end = query + strlen(query);
    struct target_pair pair;
    ck_assert(target_next_pair(&at, end, &pair));
    check_text(pair.name, pair.name_size, "a");
    check_text(pair.value, pair.value_size, "1");
    ck_assert(target_next_pair(&at, end, &pair));
    check_text(pair.name, pair.name_size, "b");
    check_text(pair.value, pair.value_size, "");
    ck_assert(target_next_pair(&at, end, &pair));
    check_text(pair.name, pair.name_size, "");
    check_text(pair.value, pair.value_size, "c");
    ck_assert(target_next_pair(&at, end, &pair));
    check_text(pair.name, pair.name_size, "d");
    check_text(pair.value, pair.value_size, "e=f");
    ck_assert(!target_next_pair(&at, end, &pair));
}
END_TEST

START_TEST(a_plus_is_a_space_in_a_query_and_an_escaped_plus_is_a_plus) {
    const char *raw = "%7b%22a%22%3a+1e%2B5%7d";
    char out[64];
    size_t size = target_decode(raw, strlen(raw), out);
    check_text(out, size, "{\"a\": 1e+5}");
}
END_TEST

START_TEST(names_are_compared_after_decoding) {
    ck_assert(target_is("q", 1, "q"));
    ck_assert(target_is("%71", 3, "q"));
    ck_assert(target_is("a+b", 3, "a b"));
    ck_assert(!target_is("qq", 2, "q"));
    ck_assert(!target_is("q", 1, "qq"));
    ck_assert(target_is("", 0, ""));
}
END_TEST

static void add_tests(TCase *tcase) {
    tcase_add_test(tcase, path_and_query_are_told_apart);
    tcase_add_test(tcase, a_path_is_decoded_and_an_encoded_slash_is_remembered);
    tcase_add_test(tcase, malformed_escapes_are_refused_wherever_they_stand);
    tcase_add_test(tcase, a_refused_target_still_tells_what_was_asked);
    tcase_add_test(tcase, an_absolute_form_is_taken_apart);
    tcase_add_test(tcase, pairs_are_walked_and_empty_ones_passed_over);
    tcase_add_test(tcase, a_plus_is_a_space_in_a_query_and_an_escaped_plus_is_a_plus);
    tcase_add_test(tcase, names_are_compared_after_decoding);
}

CHECK_MAIN("target", add_tests)
