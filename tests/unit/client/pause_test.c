#include "api/client/pause.h"

#include "api/client/raftclient.h"

#include "tests/check_main.h"

START_TEST(pauses_double_up_to_the_longest) {
    ck_assert_uint_eq(pause_ms(0, 0, 0), RAFTCLIENT_PAUSE_MIN_MS);
    ck_assert_uint_eq(pause_ms(1, 0, 0), 2 * RAFTCLIENT_PAUSE_MIN_MS);
    ck_assert_uint_eq(pause_ms(3, 0, 0), 8 * RAFTCLIENT_PAUSE_MIN_MS);
    ck_assert_uint_eq(pause_ms(15, 0, 0), RAFTCLIENT_PAUSE_MAX_MS);
    ck_assert_uint_eq(pause_ms(1000000, 0, 0), RAFTCLIENT_PAUSE_MAX_MS);
}
END_TEST

START_TEST(chance_takes_up_to_half_off) {
    uint32_t shortest = UINT32_MAX, longest = 0;
    for (uint64_t random = 0; random < 5000; random++) {
        uint32_t pause = pause_ms(20, 0, random);
        shortest = pause < shortest ? pause : shortest;
        longest = pause > longest ? pause : longest;
    }
    ck_assert_uint_eq(shortest, RAFTCLIENT_PAUSE_MAX_MS / 2);
    ck_assert_uint_eq(longest, RAFTCLIENT_PAUSE_MAX_MS);
}
END_TEST

START_TEST(what_a_node_asks_for_is_not_undercut) {
    uint32_t longest = 0;
    for (uint64_t random = 0; random < 5000; random++) {
        for (unsigned round = 0; round < 12; round++) {
            uint32_t pause = pause_ms(round, 2000, random);
            ck_assert_uint_ge(pause, 2000);
            ck_assert_uint_le(pause, 2500);
            longest = pause > longest ? pause : longest;
        }
        /* Shorter than the pause would be anyhow. */
        ck_assert_uint_ge(pause_ms(20, 900, random), 900 > RAFTCLIENT_PAUSE_MAX_MS / 2 ? 900 : RAFTCLIENT_PAUSE_MAX_MS / 2);
        ck_assert_uint_ge(pause_ms(20, 100, random), RAFTCLIENT_PAUSE_MAX_MS / 2);
    }
    ck_assert_uint_eq(longest, 2500);
}
END_TEST

START_TEST(a_retry_after_is_seconds) {
    ck_assert_uint_eq(pause_retry_after("1"), 1000);
    ck_assert_uint_eq(pause_retry_after("120"), 120000);
    ck_assert_uint_eq(pause_retry_after("99999999999999999999"), 3600000);
    ck_assert_uint_eq(pause_retry_after("0"), 0);
    ck_assert_uint_eq(pause_retry_after(""), 0);
    ck_assert_uint_eq(pause_retry_after("-1"), 0);
    ck_assert_uint_eq(pause_retry_after("Wed, 21 Oct 2026 07:28:00 GMT"), 0);
}
END_TEST

static void add_tests(TCase *tcase) {
    tcase_add_test(tcase, pauses_double_up_to_the_longest);
    tcase_add_test(tcase, chance_takes_up_to_half_off);
    tcase_add_test(tcase, what_a_node_asks_for_is_not_undercut);
    tcase_add_test(tcase, a_retry_after_is_seconds);
}

CHECK_MAIN("pause", add_tests)
