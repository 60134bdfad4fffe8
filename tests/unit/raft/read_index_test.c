/* ReadIndex on the leader (§6.4), at its edges. */
#include "tests/check_main.h"

#include "tests/unit/raft/harness.h"

static struct raft_message append_to(const struct harness *h, raft_node_id to) {
    return harness_sent(h, to, RAFT_APPEND_ENTRIES);
}

static void assert_answered(const struct harness *h, size_t at, uint64_t ticket, bool ok, raft_index index) {
    ck_assert_uint_lt(at, h->read_count);
    ck_assert_uint_eq(h->reads[at].ticket, ticket);
    ck_assert_int_eq(h->reads[at].ok, ok);
    ck_assert(!ok || h->reads[at].index == index);
}

/* Three voters; committed in its term up to 2, nothing on the way to 2 but what a test asks for. */
static struct harness *start_leader(void) {
    struct harness *h = START(.voters = 3);
    harness_lead_and_commit(h);
    return h;
}

START_TEST(who_does_not_lead_takes_no_reads) {
    struct harness *h = START(.voters = 3);
    ck_assert(!raft_read(h->raft, 7));
    harness_campaign(h);
    ck_assert(!raft_read(h->raft, 7));
    harness_turn(h);
    ck_assert_uint_eq(h->read_count, 0);
    harness_stop(h);
}
END_TEST

START_TEST(a_read_is_answered_when_a_majority_has_confirmed_the_leader) {
    struct harness *h = start_leader();
    ck_assert(raft_read(h->raft, 7));
    harness_turn(h);
    ck_assert_uint_eq(h->read_count, 0);
    harness_succeed(h, append_to(h, 2));
    ck_assert_uint_eq(h->read_count, 1);
    assert_answered(h, 0, 7, true, 2);
    harness_turn(h);
    ck_assert_uint_eq(h->read_count, 0);
    harness_stop(h);
}
END_TEST

START_TEST(what_was_sent_before_the_read_confirms_nothing) {
    struct harness *h = start_leader();
    harness_pass(h, HEARTBEAT_MS);
    struct raft_message before = append_to(h, 2);
    raft_read(h->raft, 7);
    harness_turn(h);
    struct raft_message after = append_to(h, 2);
    harness_succeed(h, before);
    ck_assert_uint_eq(h->read_count, 0);
    harness_succeed(h, after);
    ck_assert_uint_eq(h->read_count, 1);
    harness_stop(h);
}
END_TEST

START_TEST(entries_sent_after_the_read_confirm_it_too) {
    struct harness *h = start_leader();
    harness_pass(h, HEARTBEAT_MS);
    harness_pass(h, HEARTBEAT_MS); /* Both heartbeats that may be out are. */
    raft_read(h->raft, 7);
    harness_propose(h, 1, 10);
    struct raft_message entries = append_to(h, 2);
    ck_assert_uint_eq(entries.append_entries.entry_count, 1);
    harness_succeed(h, entries);
    assert_answered(h, 0, 7, true, 2);
    harness_stop(h);
}
END_TEST

START_TEST(a_refusal_of_this_term_confirms_too) {
    struct harness *h = start_leader();
    raft_read(h->raft, 7);
    harness_turn(h);
    harness_refuse(h, append_to(h, 2), ID(1, 0));
    assert_answered(h, 0, 7, true, 2);
    harness_stop(h);
}
END_TEST

START_TEST(reads_of_one_turn_share_a_round_and_are_answered_in_order) {
    struct harness *h = start_leader();
    for (uint64_t ticket = 1; ticket <= 20; ticket++) {
        raft_read(h->raft, ticket);
    }
    harness_turn(h);
    ck_assert_uint_eq(harness_sent_count(h, 2, RAFT_APPEND_ENTRIES), 1);
    harness_succeed(h, append_to(h, 2));
    ck_assert_uint_eq(h->read_count, 20);
    for (uint64_t ticket = 1; ticket <= 20; ticket++) {
        assert_answered(h, ticket - 1, ticket, true, 2);
    }
    harness_stop(h);
}
END_TEST

START_TEST(a_read_during_a_round_waits_for_the_next) {
    struct harness *h = start_leader();
    raft_read(h->raft, 1);
    harness_turn(h);
    struct raft_message first = append_to(h, 2);
    raft_read(h->raft, 2);
    harness_turn(h);
    ck_assert_uint_eq(harness_sent_count(h, 2, RAFT_APPEND_ENTRIES), 0);
    harness_succeed(h, first);
    ck_assert_uint_eq(h->read_count, 1);
    assert_answered(h, 0, 1, true, 2);
    harness_succeed(h, append_to(h, 2));
    assert_answered(h, 0, 2, true, 2);
    harness_stop(h);
}
END_TEST

START_TEST(a_read_sees_what_is_committed_when_it_is_asked) {
    struct harness *h = start_leader();
    harness_propose(h, 1, 10);
    struct raft_message entry = append_to(h, 2);
    raft_persisted(h->raft, h->last_write);
    harness_succeed(h, entry);
    ck_assert_uint_eq(h->commit_index, 3);
    raft_read(h->raft, 7);
    harness_turn(h);
    harness_succeed(h, append_to(h, 2));
    assert_answered(h, 0, 7, true, 3);
    harness_stop(h);
}
END_TEST

START_TEST(before_the_first_commit_of_the_term_reads_wait) {
    struct harness *h = START(.voters = 3, .log = "112");
    harness_lead(h);
    struct raft_message probe = append_to(h, 2);
    raft_read(h->raft, 7);
    harness_pass(h, 1);
    struct raft_message heartbeat = append_to(h, 2);
    harness_succeed(h, heartbeat); /* Confirms the leader, but not what is committed. */
    ck_assert_uint_eq(h->read_count, 0);
    harness_succeed(h, probe);
    ck_assert_uint_eq(h->commit_index, 4);
    ck_assert_uint_eq(h->read_count, 0);
    harness_succeed(h, append_to(h, 2));
    assert_answered(h, 0, 7, true, 4);
    harness_stop(h);
}
END_TEST

START_TEST(one_of_five_confirms_nothing) {
    struct harness *h = START(.voters = 5);
    harness_lead(h);
    struct raft_message to_3 = append_to(h, 3);
    harness_succeed(h, append_to(h, 2));
    harness_succeed(h, to_3);
    raft_read(h->raft, 7);
    harness_turn(h);
    to_3 = append_to(h, 3);
    harness_succeed(h, append_to(h, 2));
    ck_assert_uint_eq(h->read_count, 0);
    harness_succeed(h, to_3);
    ck_assert_uint_eq(h->read_count, 1);
    harness_stop(h);
}
END_TEST

START_TEST(a_sole_voter_answers_in_the_same_turn) {
    struct harness *h = START(.voters = 1, .learners = 1);
    harness_pass(h, 1);
    harness_persist(h);
    harness_persist(h);
    raft_read(h->raft, 7);
    harness_turn(h);
    assert_answered(h, 0, 7, true, 2);
    harness_stop(h);
}
END_TEST

START_TEST(reads_fail_when_leadership_is_lost) {
    struct harness *h = start_leader();
    raft_read(h->raft, 1);
    harness_turn(h);
    struct raft_message request = append_to(h, 2);
    raft_read(h->raft, 2);
    RECEIVE(h, .from = 3, .term = 3, .prev = ID(2, 2));
    harness_turn(h);
    ck_assert_uint_eq(h->read_count, 2);
    assert_answered(h, 0, 1, false, 0);
    assert_answered(h, 1, 2, false, 0);
    harness_succeed(h, request);
    ck_assert_uint_eq(h->read_count, 0);
    harness_stop(h);
}
END_TEST

START_TEST(reads_fail_when_no_majority_is_heard_any_more) {
    struct harness *h = start_leader();
    raft_read(h->raft, 1);
    harness_pass(h, ELECTION_MS);
    assert_answered(h, 0, 1, false, 0);
    harness_stop(h);
}
END_TEST

static void add_tests(TCase *tcase) {
    tcase_add_test(tcase, who_does_not_lead_takes_no_reads);
    tcase_add_test(tcase, a_read_is_answered_when_a_majority_has_confirmed_the_leader);
    tcase_add_test(tcase, what_was_sent_before_the_read_confirms_nothing);
    tcase_add_test(tcase, entries_sent_after_the_read_confirm_it_too);
    tcase_add_test(tcase, a_refusal_of_this_term_confirms_too);
    tcase_add_test(tcase, reads_of_one_turn_share_a_round_and_are_answered_in_order);
    tcase_add_test(tcase, a_read_during_a_round_waits_for_the_next);
    tcase_add_test(tcase, a_read_sees_what_is_committed_when_it_is_asked);
    tcase_add_test(tcase, before_the_first_commit_of_the_term_reads_wait);
    tcase_add_test(tcase, one_of_five_confirms_nothing);
    tcase_add_test(tcase, a_sole_voter_answers_in_the_same_turn);
    tcase_add_test(tcase, reads_fail_when_leadership_is_lost);
    tcase_add_test(tcase, reads_fail_when_no_majority_is_heard_any_more);
}

CHECK_MAIN("raft/read_index", add_tests)
