/* What a leader keeps of each other server. */
#include "tests/check_main.h"

#include "server/raft/progress.h"

START_TEST(a_term_of_leadership_starts_with_a_probe_from_the_given_end) {
    struct progress progress = {.id = 7,
                                .vote_round = 3,
                                .vote_granted = true,
                                .match_index = 9,
                                .next_index = 10,
                                .state = RAFT_REPLICATE,
                                .confirmed_round = 8,
                                .in_flight_count = 2,
                                .paused = true};
    progress_reset(&progress, 42, 1234);
    ck_assert_uint_eq(progress.id, 7);
    ck_assert_int_eq(progress.state, RAFT_PROBE);
    ck_assert_uint_eq(progress.next_index, 42);
    ck_assert_uint_eq(progress.match_index, 0);
    ck_assert_uint_eq(progress.last_contact_ms, 1234);
    ck_assert_uint_eq(progress.in_flight_count, 0);
    ck_assert_uint_eq(progress.confirmed_round, 0);
    ck_assert(!progress.paused);
    ck_assert(!progress.vote_granted);
}
END_TEST

START_TEST(a_request_ends_once_and_tells_what_it_was) {
    struct progress progress = {.next_index = 1};
    progress_sent(&progress, (struct progress_request){.round = 5, .prev = 2, .last = 4});
    progress_sent(&progress, (struct progress_request){.round = 6, .prev = 4, .last = 4, .heartbeat = true});
    struct progress_request request;
    ck_assert(progress_ended(&progress, 5, &request));
    ck_assert_uint_eq(request.prev, 2);
    ck_assert_uint_eq(request.last, 4);
    ck_assert(!progress_ended(&progress, 5, &request));
    ck_assert(progress_ended(&progress, 6, &request));
    ck_assert(request.heartbeat);
    ck_assert_uint_eq(progress.in_flight_count, 0);
}
END_TEST

START_TEST(an_unknown_round_changes_nothing) {
    struct progress progress = {.next_index = 1};
    progress_sent(&progress, (struct progress_request){.round = 5, .prev = 0, .last = 1});
    struct progress_request request = {.round = 77};
    ck_assert(!progress_ended(&progress, 4, &request));
    ck_assert(!progress_ended(&progress, 0, &request));
    ck_assert_uint_eq(request.round, 77);
    ck_assert_uint_eq(progress.in_flight_count, 1);
}
END_TEST

START_TEST(heartbeats_are_not_counted_as_entries) {
    struct progress progress = {.next_index = 1};
    progress_sent(&progress, (struct progress_request){.round = 1, .prev = 0, .last = 1});
    progress_sent(&progress, (struct progress_request){.round = 2, .prev = 0, .last = 0, .heartbeat = true});
    progress_sent(&progress, (struct progress_request){.round = 3, .prev = 1, .last = 1});
    ck_assert_uint_eq(progress_entries_in_flight(&progress), 2);
    ck_assert_uint_eq(progress.heartbeats_in_flight, 1);
    struct progress_request request;
    ck_assert(progress_ended(&progress, 2, &request));
    ck_assert_uint_eq(progress_entries_in_flight(&progress), 2);
    ck_assert_uint_eq(progress.heartbeats_in_flight, 0);
    ck_assert(progress_ended(&progress, 1, &request));
    ck_assert_uint_eq(progress_entries_in_flight(&progress), 1);
}
END_TEST

START_TEST(there_is_room_for_all_requests_and_heartbeats_that_are_allowed) {
    struct progress progress = {.next_index = 1};
    for (raft_round round = 1; round <= RAFT_IN_FLIGHT_MAX + RAFT_HEARTBEATS_IN_FLIGHT; round++) {
        bool heartbeat = round > RAFT_IN_FLIGHT_MAX;
        progress_sent(&progress,
                      (struct progress_request){.round = round, .prev = round, .last = round, .heartbeat = heartbeat});
    }
    struct progress_request request;
    for (raft_round round = RAFT_IN_FLIGHT_MAX + RAFT_HEARTBEATS_IN_FLIGHT; round > 0; round--) {
        ck_assert(progress_ended(&progress, round, &request));
        ck_assert_uint_eq(request.prev, round);
    }
    ck_assert_uint_eq(progress.in_flight_count, 0);
}
END_TEST

static void add_tests(TCase *tcase) {
    tcase_add_test(tcase, a_term_of_leadership_starts_with_a_probe_from_the_given_end);
    tcase_add_test(tcase, a_request_ends_once_and_tells_what_it_was);
    tcase_add_test(tcase, an_unknown_round_changes_nothing);
    tcase_add_test(tcase, heartbeats_are_not_counted_as_entries);
    tcase_add_test(tcase, there_is_room_for_all_requests_and_heartbeats_that_are_allowed);
}

CHECK_MAIN("raft/progress", add_tests)
