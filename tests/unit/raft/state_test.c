/* What all files of the module share: roles, peers, chance, the trace. */
#include "tests/check_main.h"

#include "server/raft/state.h"
#include "tests/unit/raft/harness.h"

#include <string.h>

static void append_configuration(struct harness *h, const struct raft_configuration *configuration) {
    raft_append(h->raft, &(struct raft_entry){.id = {raft_last_index(h->raft) + 1, raft_current_term(h->raft)},
                                              .type = RAFT_CONFIGURATION,
                                              .configuration = configuration});
}

START_TEST(random_numbers_are_below_the_bound_and_reach_all_of_it) {
    struct harness *h = START(.voters = 3, .seed = 5);
    size_t seen[7] = {0};
    for (int i = 0; i < 7000; i++) {
        uint64_t number = raft_random(h->raft, 7);
        ck_assert_uint_lt(number, 7);
        seen[number]++;
    }
    for (size_t i = 0; i < 7; i++) {
        ck_assert_uint_gt(seen[i], 800);
        ck_assert_uint_lt(seen[i], 1200);
    }
    ck_assert_uint_eq(raft_random(h->raft, 1), 0);
    harness_stop(h);
}
END_TEST

START_TEST(peers_are_all_members_but_itself) {
    struct harness *h = START(.voters = 3, .learners = 2, .id = 2);
    ck_assert_uint_eq(h->raft->peer_count, 4);
    ck_assert_ptr_null(raft_progress(h->raft, 2));
    ck_assert_ptr_nonnull(raft_progress(h->raft, 5));
    ck_assert_ptr_null(raft_progress(h->raft, 6));
    harness_stop(h);
}
END_TEST

START_TEST(what_is_known_of_a_peer_outlives_a_new_configuration) {
    struct harness *h = START(.voters = 3);
    harness_lead_and_commit(h);
    raft_index match = raft_progress(h->raft, 2)->match_index;
    struct raft_configuration without_3 = harness_configuration(2, 0);
    without_3.learner_count = 1;
    without_3.learners[0] = 9;
    append_configuration(h, &without_3);
    ck_assert_uint_eq(h->raft->peer_count, 3);
    ck_assert_uint_eq(raft_progress(h->raft, 2)->match_index, match);
    ck_assert(raft_progress(h->raft, 3)->leaving); /* Until it has heard of it. */
    ck_assert_uint_eq(raft_progress(h->raft, 9)->match_index, 0);
    ck_assert_int_eq(raft_progress(h->raft, 9)->state, RAFT_PROBE);
    harness_stop(h);
}
END_TEST

START_TEST(who_does_not_lead_keeps_nobody_who_is_left_out) {
    struct harness *h = START(.voters = 3);
    struct raft_configuration without_3 = harness_configuration(2, 0);
    append_configuration(h, &without_3);
    ck_assert_uint_eq(h->raft->peer_count, 1);
    ck_assert_ptr_null(raft_progress(h->raft, 3));
    harness_stop(h);
}
END_TEST

START_TEST(a_server_that_comes_back_is_known_no_more) {
    struct harness *h = START(.voters = 3);
    harness_lead_and_commit(h);
    ck_assert_uint_gt(raft_progress(h->raft, 2)->match_index, 0);
    struct raft_configuration others = {.voter_count = 2, .voters = {1, 3}};
    append_configuration(h, &others);
    ck_assert_uint_gt(raft_progress(h->raft, 2)->match_index, 0);
    struct raft_configuration all = harness_configuration(3, 0);
    append_configuration(h, &all);
    ck_assert_uint_eq(raft_progress(h->raft, 2)->match_index, 0);
    ck_assert(!raft_progress(h->raft, 2)->leaving);
    ck_assert_uint_eq(h->raft->peer_count, 2);
    harness_stop(h);
}
END_TEST

START_TEST(an_outgoing_voter_is_a_peer_once) {
    struct harness *h = START(.voters = 3);
    struct raft_configuration joint = {.voter_count = 2,
                                       .voters = {1, 4},
                                       .outgoing_count = 3,
                                       .outgoing = {1, 2, 4},
                                       .next_voter_count = 2,
                                       .next_voters = {1, 4}};
    append_configuration(h, &joint);
    ck_assert_uint_eq(h->raft->peer_count, 2);
    ck_assert_ptr_nonnull(raft_progress(h->raft, 2));
    ck_assert_ptr_nonnull(raft_progress(h->raft, 4));
    harness_stop(h);
}
END_TEST

START_TEST(there_is_room_for_the_peers_of_who_is_no_member_of_the_largest_configuration) {
    struct harness *h = START(.voters = RAFT_MEMBERS_MAX, .id = 99);
    ck_assert_uint_eq(h->raft->peer_count, RAFT_MEMBERS_MAX);
    ck_assert(!raft_is_voter(h->raft));
    harness_stop(h);
}
END_TEST

START_TEST(a_new_term_forgets_the_vote_and_the_same_term_keeps_it) {
    struct harness *h = START(.voters = 3, .hard_state = {4, 3});
    raft_become_follower(h->raft, 4, 2);
    ck_assert_uint_eq(h->raft->hard_state.voted_for, 3);
    ck_assert_uint_eq(raft_leader(h->raft), 2);
    raft_become_follower(h->raft, 5, 0);
    ck_assert_uint_eq(h->raft->hard_state.voted_for, 0);
    ck_assert_uint_eq(raft_leader(h->raft), 0);
    harness_turn(h);
    ck_assert(h->hard_state_changed);
    harness_stop(h);
}
END_TEST

START_TEST(a_line_that_is_too_long_is_cut) {
    struct harness *h = START(.voters = 3);
    char text[2 * HARNESS_LINE_MAX];
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    raft_trace(h->raft, true, "%s", text);
    ck_assert_uint_eq(strlen(h->line), HARNESS_LINE_MAX - 1);
    harness_stop(h);
}
END_TEST

static void add_tests(TCase *tcase) {
    tcase_add_test(tcase, random_numbers_are_below_the_bound_and_reach_all_of_it);
    tcase_add_test(tcase, peers_are_all_members_but_itself);
    tcase_add_test(tcase, what_is_known_of_a_peer_outlives_a_new_configuration);
    tcase_add_test(tcase, who_does_not_lead_keeps_nobody_who_is_left_out);
    tcase_add_test(tcase, a_server_that_comes_back_is_known_no_more);
    tcase_add_test(tcase, an_outgoing_voter_is_a_peer_once);
    tcase_add_test(tcase, there_is_room_for_the_peers_of_who_is_no_member_of_the_largest_configuration);
    tcase_add_test(tcase, a_new_term_forgets_the_vote_and_the_same_term_keeps_it);
    tcase_add_test(tcase, a_line_that_is_too_long_is_cut);
}

CHECK_MAIN("raft/state", add_tests)
