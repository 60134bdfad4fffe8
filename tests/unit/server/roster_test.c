#include "server/roster.h"

#include "tests/check_main.h"

#include <string.h>

#define VOTERS(ids) "{\"voters\":[" ids "]}"
#define MEMBER(id)  "{\"id\":" id ",\"url\":\"http://node" id ":8001\",\"incarnation\":\"" INCARNATION "\"}"
#define INCARNATION "00000000000000000000000000000001"

static bool append(struct roster *roster, raft_index index, const char *text) {
    return roster_append(
        roster,
        &(struct raft_entry){.id = {index, 1}, .type = RAFT_CONFIGURATION, .size = (uint32_t)strlen(text), .data = text});
}

START_TEST(at_first_there_is_nobody) {
    struct roster roster;
    roster_init(&roster);
    ck_assert_uint_eq(roster_current(&roster)->index, 0);
    ck_assert_uint_eq(roster_current(&roster)->members.count, 0);
    roster_clear(&roster);
}
END_TEST

START_TEST(the_newest_configuration_is_in_effect) {
    struct roster roster;
    roster_init(&roster);
    ck_assert(append(&roster, 1, VOTERS(MEMBER("1"))));
    ck_assert(append(&roster, 5, VOTERS(MEMBER("1") "," MEMBER("2"))));
    ck_assert_uint_eq(roster_current(&roster)->index, 5);
    ck_assert_uint_eq(roster_current(&roster)->members.count, 2);
    ck_assert_str_eq(roster_current(&roster)->members.list[1].url, "http://node2:8001");
    ck_assert_str_eq(roster_current(&roster)->members.list[1].incarnation, INCARNATION);
    roster_clear(&roster);
}
END_TEST

START_TEST(truncation_brings_the_one_before_back) {
    struct roster roster;
    roster_init(&roster);
    ck_assert(append(&roster, 1, VOTERS(MEMBER("1"))));
    ck_assert(append(&roster, 5, VOTERS(MEMBER("1") "," MEMBER("2"))));
    ck_assert(append(&roster, 6, VOTERS(MEMBER("2"))));
    roster_truncate(&roster, 7);
    ck_assert_uint_eq(roster_current(&roster)->index, 6);
    roster_truncate(&roster, 6);
    ck_assert_uint_eq(roster_current(&roster)->index, 5);
    roster_truncate(&roster, 2);
    ck_assert_uint_eq(roster_current(&roster)->index, 1);
    ck_assert_uint_eq(roster_current(&roster)->members.count, 1);
    roster_truncate(&roster, 1);
    ck_assert_uint_eq(roster_current(&roster)->index, 0);
    roster_clear(&roster);
}
END_TEST

START_TEST(bytes_that_are_no_configuration_change_nothing) {
    static const char *const texts[] = {"", "{", "[]", "{}", "{\"voters\":1}", VOTERS(MEMBER("1") "," MEMBER("1"))};
    struct roster roster;
    roster_init(&roster);
    ck_assert(append(&roster, 1, VOTERS(MEMBER("1"))));
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        ck_assert_msg(!append(&roster, 2, texts[i]), "%s", texts[i]);
        ck_assert_uint_eq(roster_current(&roster)->index, 1);
    }
    roster_clear(&roster);
}
END_TEST

static void add_tests(TCase *tcase) {
    tcase_add_test(tcase, at_first_there_is_nobody);
    tcase_add_test(tcase, the_newest_configuration_is_in_effect);
    tcase_add_test(tcase, truncation_brings_the_one_before_back);
    tcase_add_test(tcase, bytes_that_are_no_configuration_change_nothing);
}

CHECK_MAIN("roster", add_tests)
