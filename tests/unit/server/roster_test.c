#include "server/roster.h"

#include "tests/check_main.h"

#include <string.h>

#define VOTERS(ids) "{\"voters\":[" ids "]}"
#define MEMBER(id)  "{\"id\":" id ",\"url\":\"http://node" id ":8001\",\"incarnation\":\"" INCARNATION "\"}"
#define INCARNATION "00000000000000000000000000000001"
#define OTHER       "00000000000000000000000000000002"

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

START_TEST(who_ever_was_a_member_is_known_until_it_is_forgotten) {
    struct roster roster;
    roster_init(&roster);
    ck_assert(append(&roster, 1, VOTERS(MEMBER("1") "," MEMBER("2"))));
    ck_assert(append(&roster, 5, VOTERS(MEMBER("1"))));
    ck_assert(roster_ever(&roster, 2, INCARNATION));
    ck_assert(!roster_ever(&roster, 2, "00000000000000000000000000000000"));
    ck_assert(!roster_ever(&roster, 3, INCARNATION));
    roster_compact(&roster, 5);
    ck_assert(!roster_ever(&roster, 2, INCARNATION));
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

START_TEST(who_it_was_at_an_index_is_the_newest_at_or_before_it) {
    struct roster roster;
    roster_init(&roster);
    ck_assert(append(&roster, 3, VOTERS(MEMBER("1"))));
    ck_assert(append(&roster, 7, VOTERS(MEMBER("1") "," MEMBER("2"))));
    static const raft_index expected[] = {0, 0, 0, 3, 3, 3, 3, 7, 7};
    for (raft_index index = 0; index <= 8; index++) {
        ck_assert_uint_eq(roster_as_of(&roster, index)->index, expected[index]);
    }
    roster_clear(&roster);
}
END_TEST

START_TEST(compaction_keeps_who_it_is_from_there_on) {
    struct roster roster;
    roster_init(&roster);
    ck_assert(append(&roster, 3, VOTERS(MEMBER("1"))));
    ck_assert(append(&roster, 7, VOTERS(MEMBER("1") "," MEMBER("2"))));
    ck_assert(append(&roster, 9, VOTERS(MEMBER("2"))));
    roster_compact(&roster, 2);
    ck_assert_uint_eq(roster.count, 4);
    roster_compact(&roster, 8);
    ck_assert_uint_eq(roster.count, 2);
    ck_assert_uint_eq(roster_as_of(&roster, 8)->index, 7);
    roster_truncate(&roster, 9);
    ck_assert_uint_eq(roster_current(&roster)->members.count, 2);
    roster_compact(&roster, 100);
    ck_assert_uint_eq(roster_current(&roster)->index, 7);
    roster_clear(&roster);
}
END_TEST

START_TEST(a_snapshot_tells_who_it_is_since_when_and_what_comes_after_stays) {
    struct roster roster;
    struct members members = {0};
    ck_assert(members_add(&members, &(struct members_member){.id = 9, .voter = true}));
    roster_init(&roster);
    ck_assert(append(&roster, 3, VOTERS(MEMBER("1"))));
    ck_assert(append(&roster, 7, VOTERS(MEMBER("1") "," MEMBER("2"))));
    roster_reset(&roster, 5, &members);
    ck_assert_uint_eq(roster.count, 2);
    ck_assert_uint_eq(roster_as_of(&roster, 6)->members.list[0].id, 9);
    ck_assert_uint_eq(roster_current(&roster)->index, 7);
    roster_restart(&roster);
    ck_assert_uint_eq(roster_current(&roster)->index, 5);
    ck_assert(append(&roster, 6, VOTERS(MEMBER("1"))));
    roster_reset(&roster, 6, &members);
    ck_assert_uint_eq(roster.count, 1);
    ck_assert_uint_eq(roster_current(&roster)->members.list[0].id, 9);
    roster_clear(&roster);
}
END_TEST

START_TEST(who_was_left_out_is_still_found_and_who_comes_back_is_found_as_it_is_now) {
    struct roster roster;
    roster_init(&roster);
    ck_assert_ptr_null(roster_find(&roster, 2));
    ck_assert(append(&roster, 1, VOTERS(MEMBER("1") "," MEMBER("2"))));
    ck_assert(append(&roster, 5, VOTERS(MEMBER("1"))));
    ck_assert_str_eq(roster_find(&roster, 2)->incarnation, INCARNATION);
    ck_assert_ptr_null(roster_self(&roster, 2, INCARNATION));
    ck_assert_ptr_nonnull(roster_self(&roster, 1, INCARNATION));
    ck_assert(append(&roster, 7, VOTERS(MEMBER("1") ",{\"id\":2,\"url\":\"http://new\",\"incarnation\":\"" OTHER "\"}")));
    ck_assert_str_eq(roster_find(&roster, 2)->url, "http://new");
    ck_assert_ptr_null(roster_self(&roster, 2, INCARNATION));
    ck_assert_ptr_nonnull(roster_self(&roster, 2, OTHER));
    roster_clear(&roster);
}
END_TEST

static void add_tests(TCase *tcase) {
    tcase_add_test(tcase, who_was_left_out_is_still_found_and_who_comes_back_is_found_as_it_is_now);
    tcase_add_test(tcase, who_it_was_at_an_index_is_the_newest_at_or_before_it);
    tcase_add_test(tcase, compaction_keeps_who_it_is_from_there_on);
    tcase_add_test(tcase, a_snapshot_tells_who_it_is_since_when_and_what_comes_after_stays);
    tcase_add_test(tcase, at_first_there_is_nobody);
    tcase_add_test(tcase, the_newest_configuration_is_in_effect);
    tcase_add_test(tcase, truncation_brings_the_one_before_back);
    tcase_add_test(tcase, who_ever_was_a_member_is_known_until_it_is_forgotten);
    tcase_add_test(tcase, bytes_that_are_no_configuration_change_nothing);
}

CHECK_MAIN("roster", add_tests)
