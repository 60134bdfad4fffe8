/* InstallSnapshot: when the leader wants one sent and what it makes of its end; what a follower does with one. */
#include "tests/check_main.h"

#include "server/raft/state.h"
#include "tests/unit/raft/harness.h"

/* -- Leader -- */

/* Entries 1 to 5 are compacted; 6 to 8 are in the log and committed, 8 is the leader's own, of term 4. Server 2 has all;
 * server 3 has not answered its first request, whose predecessor is 7. */
static struct harness *start_leader(void) {
    struct harness *h = START(.voters = 3, .base = ID(5, 2), .log = "23");
    harness_lead(h);
    return h;
}

static struct raft_message lead(struct harness **out_harness) {
    struct harness *h = *out_harness = start_leader();
    struct raft_message probe = harness_sent(h, 3, RAFT_APPEND_ENTRIES);
    harness_succeed(h, harness_sent(h, 2, RAFT_APPEND_ENTRIES));
    ck_assert_uint_eq(h->commit_index, 8);
    return probe;
}

/* Server 3 has nothing; answers the request to send it a snapshot. */
static struct raft_message lead_and_need(struct harness **out_harness) {
    struct raft_message probe = lead(out_harness);
    harness_refuse(*out_harness, probe, ID(1, 0));
    return harness_sent(*out_harness, 3, RAFT_INSTALL_SNAPSHOT);
}

static size_t asked(const struct harness *h) {
    return harness_sent_count(h, 3, RAFT_INSTALL_SNAPSHOT);
}

static void assert_progress(const struct harness *h, enum raft_progress_state state, raft_index match, raft_index next) {
    ck_assert_int_eq(harness_peer(h, 3).state, state);
    ck_assert_uint_eq(harness_peer(h, 3).match_index, match);
    ck_assert_uint_eq(harness_peer(h, 3).next_index, next);
}

START_TEST(who_needs_compacted_entries_gets_one_request_for_a_snapshot_and_no_entries) {
    struct harness *h;
    struct raft_message request = lead_and_need(&h);
    ck_assert_uint_eq(request.term, 4);
    ck_assert_uint_eq(request.after_write, 0);
    ck_assert_uint_ne(request.round, 0);
    ck_assert_uint_eq(asked(h), 1);
    assert_progress(h, RAFT_SNAPSHOT, 0, 1);
    harness_propose(h, 2, 10);
    ck_assert_uint_eq(asked(h), 0);
    ck_assert_uint_eq(harness_sent_count(h, 3, RAFT_APPEND_ENTRIES), 0);
    harness_pass(h, HEARTBEAT_MS);
    ck_assert_uint_eq(asked(h), 0);
    harness_stop(h);
}
END_TEST

START_TEST(the_entry_after_the_base_needs_no_snapshot_and_the_base_does) {
    struct harness *h;
    struct raft_message first_probe = lead(&h);
    harness_refuse(h, first_probe, ID(6, 0));
    struct raft_message probe = harness_sent(h, 3, RAFT_APPEND_ENTRIES);
    ck_assert_uint_eq(probe.append_entries.prev.index, 5);
    ck_assert_uint_eq(probe.append_entries.prev.term, 2);
    assert_progress(h, RAFT_PROBE, 0, 6);
    harness_refuse(h, probe, ID(5, 0));
    assert_progress(h, RAFT_SNAPSHOT, 0, 5);
    ck_assert_uint_eq(asked(h), 1);
    harness_stop(h);
}
END_TEST

START_TEST(who_conflicts_in_the_bases_term_is_probed_at_the_base) {
    struct harness *h;
    struct raft_message first_probe = lead(&h);
    harness_refuse(h, first_probe, ID(3, 2)); /* It has term 2 from 3 to 7. */
    ck_assert_uint_eq(harness_sent(h, 3, RAFT_APPEND_ENTRIES).append_entries.prev.index, 6);
    harness_refuse(h, harness_sent(h, 3, RAFT_APPEND_ENTRIES), ID(3, 1));
    assert_progress(h, RAFT_SNAPSHOT, 0, 3);
    harness_stop(h);
}
END_TEST

START_TEST(after_a_snapshot_the_log_goes_on_behind_it) {
    struct harness *h;
    struct raft_message request = lead_and_need(&h);
    harness_installed(h, request, 7);
    assert_progress(h, RAFT_REPLICATE, 7, 9);
    struct raft_message append = harness_sent(h, 3, RAFT_APPEND_ENTRIES);
    ck_assert_uint_eq(append.append_entries.prev.index, 7);
    ck_assert_uint_eq(append.append_entries.prev.term, 3);
    ck_assert_uint_eq(append.append_entries.entry_count, 1);
    harness_stop(h);
}
END_TEST

START_TEST(a_snapshot_at_the_base_is_enough_and_one_below_is_not) {
    struct harness *h;
    struct raft_message request = lead_and_need(&h);
    harness_installed(h, request, 4); /* The log was compacted since it was chosen. */
    assert_progress(h, RAFT_SNAPSHOT, 4, 5);
    ck_assert_uint_eq(asked(h), 1);
    harness_installed(h, harness_sent(h, 3, RAFT_INSTALL_SNAPSHOT), 5);
    assert_progress(h, RAFT_REPLICATE, 5, 9);
    harness_stop(h);
}
END_TEST

START_TEST(a_snapshot_that_brings_it_no_further_is_not_sent_in_a_circle) {
    struct harness *h;
    struct raft_message request = lead_and_need(&h);
    harness_installed(h, request, 4);
    harness_installed(h, harness_sent(h, 3, RAFT_INSTALL_SNAPSHOT), 3);
    assert_progress(h, RAFT_SNAPSHOT, 4, 5);
    ck_assert_uint_eq(asked(h), 0);
    harness_pass(h, HEARTBEAT_MS);
    ck_assert_uint_eq(asked(h), 1);
    harness_stop(h);
}
END_TEST

static void assert_asked_with_the_next_heartbeat(struct harness *h, raft_round before) {
    ck_assert_uint_eq(asked(h), 0);
    harness_propose(h, 1, 10);
    ck_assert_uint_eq(asked(h), 0);
    ck_assert_int_eq(harness_peer(h, 3).state, RAFT_SNAPSHOT);
    harness_pass(h, HEARTBEAT_MS);
    ck_assert_uint_eq(asked(h), 1);
    ck_assert_uint_gt(harness_sent(h, 3, RAFT_INSTALL_SNAPSHOT).round, before);
    harness_stop(h);
}

START_TEST(a_failed_transfer_is_asked_for_again_with_the_next_heartbeat) {
    struct harness *h;
    struct raft_message request = lead_and_need(&h);
    harness_fail(h, request);
    assert_asked_with_the_next_heartbeat(h, request.round);
}
END_TEST

START_TEST(a_refused_transfer_is_asked_for_again_with_the_next_heartbeat) {
    struct harness *h;
    struct raft_message request = lead_and_need(&h);
    harness_installed(h, request, 0);
    assert_asked_with_the_next_heartbeat(h, request.round);
}
END_TEST

START_TEST(what_is_not_committed_here_cannot_have_been_installed) {
    struct harness *h;
    struct raft_message request = lead_and_need(&h);
    harness_propose(h, 1, 10);
    harness_installed(h, request, 9);
    assert_progress(h, RAFT_SNAPSHOT, 0, 1);
    ck_assert_uint_eq(h->commit_index, 8);
    assert_asked_with_the_next_heartbeat(h, request.round);
}
END_TEST

START_TEST(an_answer_of_an_earlier_term_ends_the_transfer_and_counts_for_nothing) {
    struct harness *h;
    struct raft_message request = lead_and_need(&h);
    request.term = 3;
    harness_installed(h, request, 8);
    assert_progress(h, RAFT_SNAPSHOT, 0, 1);
    assert_asked_with_the_next_heartbeat(h, request.round);
}
END_TEST

START_TEST(an_index_in_an_answer_that_is_not_accepted_counts_for_nothing) {
    struct harness *h;
    struct raft_message request = lead_and_need(&h);
    struct raft_message answer = {.type = RAFT_INSTALL_ANSWER,
                                  .from = 3,
                                  .to = 1,
                                  .term = 4,
                                  .round = request.round,
                                  .install_answer = {.accepted = false, .installed = 8}};
    raft_receive(h->raft, &answer);
    harness_turn(h);
    assert_progress(h, RAFT_SNAPSHOT, 0, 1);
    assert_asked_with_the_next_heartbeat(h, request.round);
}
END_TEST

START_TEST(an_answer_of_a_later_term_ends_leadership) {
    struct harness *h;
    struct raft_message request = lead_and_need(&h);
    request.term = 9;
    harness_installed(h, request, 0);
    ck_assert_int_eq(harness_role(h), RAFT_FOLLOWER);
    ck_assert_uint_eq(raft_current_term(h->raft), 9);
    harness_stop(h);
}
END_TEST

START_TEST(a_late_repeated_or_foreign_end_changes_nothing) {
    struct harness *h;
    struct raft_message first = lead_and_need(&h);
    harness_fail(h, first);
    harness_pass(h, HEARTBEAT_MS);
    struct raft_message second = harness_sent(h, 3, RAFT_INSTALL_SNAPSHOT);
    harness_installed(h, first, 8);
    harness_fail(h, first);
    struct raft_message foreign = second;
    foreign.to = 2;
    harness_installed(h, foreign, 8);
    foreign.round = 0;
    foreign.to = 3;
    harness_installed(h, foreign, 8);
    assert_progress(h, RAFT_SNAPSHOT, 0, 1);
    harness_pass(h, HEARTBEAT_MS);
    ck_assert_uint_eq(asked(h), 0); /* The second is still under way. */
    harness_installed(h, second, 8);
    harness_installed(h, second, 6);
    assert_progress(h, RAFT_REPLICATE, 8, 9);
    harness_stop(h);
}
END_TEST

START_TEST(heartbeats_to_it_stand_before_the_first_entry_and_say_nothing_of_the_log) {
    struct harness *h;
    struct raft_message request = lead_and_need(&h);
    harness_fail(h, request);
    harness_pass(h, HEARTBEAT_MS);
    struct raft_message again = harness_sent(h, 3, RAFT_INSTALL_SNAPSHOT);
    struct raft_message heartbeat = harness_sent(h, 3, RAFT_APPEND_ENTRIES);
    ck_assert_uint_eq(heartbeat.append_entries.prev.index, 0);
    ck_assert_uint_eq(heartbeat.append_entries.prev.term, 0);
    ck_assert_uint_eq(heartbeat.append_entries.entry_count, 0);
    h->now_ms += 3;
    raft_tick(h->raft, h->now_ms);
    harness_fail(h, again);
    harness_succeed(h, heartbeat);
    assert_progress(h, RAFT_SNAPSHOT, 0, 1);
    ck_assert_uint_eq(asked(h), 0); /* It says nothing of the transfer that failed, either. */
    ck_assert_uint_eq(harness_peer(h, 3).last_contact_ms, h->now_ms);
    harness_stop(h);
}
END_TEST

START_TEST(a_read_is_confirmed_by_whoever_gets_a_snapshot) {
    struct harness *h;
    lead_and_need(&h);
    ck_assert(raft_read(h->raft, 77));
    harness_turn(h);
    ck_assert_uint_eq(h->read_count, 0);
    harness_succeed(h, harness_sent(h, 3, RAFT_APPEND_ENTRIES));
    ck_assert_uint_eq(h->read_count, 1);
    ck_assert(h->reads[0].ok);
    harness_stop(h);
}
END_TEST

/* Server 3 has 8, and 9 and 10 were sent to it in one request, then 11 in another; 2 has all of them and all is committed.
 */
static struct harness *lead_with_two_in_flight(struct raft_message *out_first, struct raft_message *out_second) {
    struct harness *h;
    struct raft_message first_probe = lead(&h);
    harness_refuse(h, first_probe, ID(6, 0));
    harness_succeed(h, harness_sent(h, 3, RAFT_APPEND_ENTRIES));
    harness_propose(h, 2, 10);
    *out_first = harness_sent(h, 3, RAFT_APPEND_ENTRIES);
    struct raft_message to_2 = harness_sent(h, 2, RAFT_APPEND_ENTRIES);
    harness_persist(h);
    harness_succeed(h, to_2);
    harness_propose(h, 1, 10);
    *out_second = harness_sent(h, 3, RAFT_APPEND_ENTRIES);
    to_2 = harness_sent(h, 2, RAFT_APPEND_ENTRIES);
    harness_persist(h);
    harness_succeed(h, to_2);
    ck_assert_uint_eq(h->commit_index, 11);
    return h;
}

START_TEST(entries_on_the_way_when_the_log_is_compacted_may_make_a_snapshot_needless) {
    struct raft_message first;
    struct raft_message second;
    struct harness *h = lead_with_two_in_flight(&first, &second);
    raft_compact(h->raft, 11);
    harness_turn(h);
    ck_assert_uint_eq(asked(h), 0);
    harness_succeed(h, first);
    ck_assert_uint_eq(asked(h), 0);
    harness_succeed(h, second);
    assert_progress(h, RAFT_REPLICATE, 11, 12);
    ck_assert_uint_eq(asked(h), 0);
    harness_stop(h);
}
END_TEST

START_TEST(entries_that_failed_after_the_log_was_compacted_make_a_snapshot_needed) {
    struct raft_message first;
    struct raft_message second;
    struct harness *h = lead_with_two_in_flight(&first, &second);
    raft_compact(h->raft, 10);
    harness_fail(h, second);
    harness_pass(h, HEARTBEAT_MS);
    struct raft_message heartbeat = harness_sent(h, 3, RAFT_APPEND_ENTRIES);
    ck_assert_uint_eq(heartbeat.append_entries.prev.index, 0); /* 8 matches and is compacted. */
    ck_assert_uint_eq(asked(h), 0);
    harness_fail(h, first);
    assert_progress(h, RAFT_SNAPSHOT, 8, 9);
    harness_pass(h, HEARTBEAT_MS);
    ck_assert_uint_eq(asked(h), 1);
    harness_stop(h);
}
END_TEST

START_TEST(a_late_success_below_the_base_is_not_gone_on_from) {
    struct raft_message first;
    struct raft_message second;
    struct harness *h = lead_with_two_in_flight(&first, &second);
    harness_fail(h, second); /* Back to probing, with the first still on the way. */
    raft_compact(h->raft, 11);
    harness_succeed(h, first);
    assert_progress(h, RAFT_SNAPSHOT, 10, 11);
    ck_assert_uint_eq(asked(h), 1);
    harness_stop(h);
}
END_TEST

START_TEST(nothing_is_sent_ahead_of_what_was_compacted_while_older_requests_are_on_the_way) {
    struct raft_message first;
    struct raft_message second;
    struct harness *h = lead_with_two_in_flight(&first, &second);
    harness_propose(h, 1, 10);
    harness_fail(h, harness_sent(h, 3, RAFT_APPEND_ENTRIES)); /* Back to probing. */
    raft_compact(h->raft, 11);
    harness_succeed(h, first); /* Up to 10: the second may have brought 11. */
    assert_progress(h, RAFT_REPLICATE, 10, 11);
    ck_assert_uint_eq(h->sent_count, 0);
    harness_succeed(h, second);
    ck_assert_uint_eq(harness_sent(h, 3, RAFT_APPEND_ENTRIES).append_entries.prev.index, 11);
    ck_assert_uint_eq(asked(h), 0);
    harness_stop(h);
}
END_TEST

START_TEST(a_heartbeat_that_cannot_tell_a_commit_is_not_sent_for_it) {
    struct harness *h;
    struct raft_message first_probe = lead(&h);
    harness_refuse(h, first_probe, ID(6, 0));
    harness_succeed(h, harness_sent(h, 3, RAFT_APPEND_ENTRIES));
    harness_pass(h, 1); /* The heartbeat that a term begins with. */
    harness_succeed(h, harness_sent(h, 3, RAFT_APPEND_ENTRIES));
    harness_propose(h, 2, 10);
    struct raft_message first = harness_sent(h, 3, RAFT_APPEND_ENTRIES);
    harness_propose(h, 1, 10);
    struct raft_message second = harness_sent(h, 3, RAFT_APPEND_ENTRIES);
    struct raft_message to_2 = harness_sent(h, 2, RAFT_APPEND_ENTRIES);
    harness_persist(h);
    harness_succeed(h, to_2);
    ck_assert_uint_eq(h->commit_index, 11);
    raft_compact(h->raft, 11);
    harness_succeed(h, first); /* It does not know yet that 9 and 10 are committed. */
    harness_fail(h, second);
    assert_progress(h, RAFT_SNAPSHOT, 10, 11);
    harness_pass(h, HEARTBEAT_MS / 2);
    ck_assert_uint_eq(harness_sent_count(h, 2, RAFT_APPEND_ENTRIES), 1);
    ck_assert_uint_eq(harness_sent_count(h, 3, RAFT_APPEND_ENTRIES), 0);
    harness_stop(h);
}
END_TEST

START_TEST(who_has_installed_all_need_not_be_told_that_it_is_committed) {
    struct harness *h;
    struct raft_message request = lead_and_need(&h);
    harness_pass(h, HEARTBEAT_MS); /* The commit of 8 is told. */
    harness_installed(h, request, 8);
    struct progress *peer = raft_progress(h->raft, 3);
    ck_assert_uint_eq(peer->commit_told, 8);
    harness_stop(h);
}
END_TEST

START_TEST(progress_of_a_transfer_is_noted) {
    struct harness *h;
    struct raft_message request = lead_and_need(&h);
    h->now_ms += 5;
    raft_tick(h->raft, h->now_ms);
    raft_snapshot_progress(h->raft, 3);
    raft_snapshot_progress(h->raft, 99);
    ck_assert_uint_eq(raft_progress(h->raft, 3)->progress_ms, h->now_ms);
    h->now_ms += 2;
    raft_tick(h->raft, h->now_ms);
    harness_installed(h, request, 8);
    ck_assert_uint_eq(raft_progress(h->raft, 3)->progress_ms, h->now_ms);
    ck_assert_uint_eq(harness_peer(h, 3).last_contact_ms, h->now_ms);
    harness_stop(h);
}
END_TEST

/* -- Follower -- */

START_TEST(a_chunk_is_heard_as_its_leader_is) {
    struct harness *h = START(.voters = 3, .log = "11");
    struct raft_message answer = harness_chunk(h, 2, 4);
    ck_assert(answer.install_answer.accepted);
    ck_assert_uint_eq(answer.install_answer.installed, 0);
    ck_assert_uint_eq(answer.term, 4);
    ck_assert_uint_eq(answer.after_write, h->write); /* Its term is on disk first. */
    ck_assert_uint_ne(h->write, 0);
    ck_assert_uint_eq(raft_leader(h->raft), 2);
    harness_persist(h);
    for (int i = 0; i < 5 * ELECTION_MS / HEARTBEAT_MS; i++) {
        harness_pass(h, HEARTBEAT_MS);
        ck_assert_uint_eq(harness_chunk(h, 2, 4).after_write, 0);
    }
    ck_assert_int_eq(harness_role(h), RAFT_FOLLOWER);
    ck_assert(!harness_ask_pre_vote(h, 3, 5, ID(9, 4)).vote_answer.vote_granted);
    harness_stop(h);
}
END_TEST

START_TEST(a_chunk_of_an_earlier_term_or_a_second_leader_is_not_accepted) {
    struct harness *h = START(.voters = 3, .log = "14");
    struct raft_message answer = harness_chunk(h, 2, 3);
    ck_assert(!answer.install_answer.accepted);
    ck_assert_uint_eq(answer.term, 4);
    ck_assert_uint_eq(raft_leader(h->raft), 0);
    ck_assert(harness_chunk(h, 2, 4).install_answer.accepted);
    ck_assert(!harness_chunk(h, 3, 4).install_answer.accepted);
    ck_assert(!harness_chunk(h, 1, 5).install_answer.accepted); /* From itself. */
    ck_assert_uint_eq(raft_leader(h->raft), 2);
    harness_stop(h);
}
END_TEST

START_TEST(a_leader_takes_no_chunk_of_its_term_and_installs_nothing) {
    struct harness *h = start_leader();
    ck_assert(!harness_chunk(h, 2, 4).install_answer.accepted);
    ck_assert(!harness_install(h, ID(8, 4)));
    ck_assert_int_eq(harness_role(h), RAFT_LEADER);
    ck_assert_uint_eq(raft_base(h->raft).index, 5);
    harness_stop(h);
}
END_TEST

START_TEST(a_candidate_that_installs_campaigns_no_more_with_the_log_it_had) {
    struct harness *h = START(.voters = 3, .log = "11");
    harness_campaign(h);
    ck_assert(harness_install(h, ID(2, 1)));
    ck_assert_int_eq(harness_role(h), RAFT_FOLLOWER);
    harness_stop(h);
}
END_TEST

START_TEST(entries_that_overtook_the_snapshot_are_taken_when_it_is_installed) {
    struct harness *h = START(.voters = 3, .log = "1");
    APPEND(h, .term = 1, .prev = ID(1, 1));
    RECEIVE(h, .term = 1, .prev = ID(7, 1), .entries = "11", .commit = 8);
    harness_turn(h);
    ck_assert_uint_eq(h->sent_count, 0);
    ck_assert(harness_install(h, ID(7, 1)));
    harness_turn(h);
    ck_assert_uint_eq(h->sent_count, 1);
    ck_assert(h->sent[0].append_answer.success);
    ck_assert_uint_eq(h->sent[0].append_answer.match_index, 9);
    ck_assert_uint_eq(h->sent[0].after_write, h->write);
    ck_assert_uint_eq(h->replaced_by.index, 7);
    ck_assert_uint_eq(h->written_count, 2);
    ck_assert_uint_eq(h->commit_index, 8);
    harness_stop(h);
}
END_TEST

START_TEST(after_a_snapshot_entries_that_overtake_each_other_are_waited_for) {
    struct harness *h = START(.voters = 3, .log = "1");
    harness_chunk(h, 2, 1);
    ck_assert(harness_install(h, ID(7, 1)));
    harness_turn(h);
    RECEIVE(h, .term = 1, .prev = ID(8, 1), .entries = "1");
    RECEIVE(h, .term = 1, .prev = ID(7, 1), .entries = "1");
    harness_turn(h);
    ck_assert_uint_eq(h->sent_count, 2);
    ck_assert(h->sent[0].append_answer.success && h->sent[1].append_answer.success);
    harness_stop(h);
}
END_TEST

static void add_tests(TCase *tcase) {
    tcase_add_test(tcase, who_needs_compacted_entries_gets_one_request_for_a_snapshot_and_no_entries);
    tcase_add_test(tcase, the_entry_after_the_base_needs_no_snapshot_and_the_base_does);
    tcase_add_test(tcase, who_conflicts_in_the_bases_term_is_probed_at_the_base);
    tcase_add_test(tcase, after_a_snapshot_the_log_goes_on_behind_it);
    tcase_add_test(tcase, a_snapshot_at_the_base_is_enough_and_one_below_is_not);
    tcase_add_test(tcase, a_snapshot_that_brings_it_no_further_is_not_sent_in_a_circle);
    tcase_add_test(tcase, a_failed_transfer_is_asked_for_again_with_the_next_heartbeat);
    tcase_add_test(tcase, a_refused_transfer_is_asked_for_again_with_the_next_heartbeat);
    tcase_add_test(tcase, what_is_not_committed_here_cannot_have_been_installed);
    tcase_add_test(tcase, an_answer_of_an_earlier_term_ends_the_transfer_and_counts_for_nothing);
    tcase_add_test(tcase, an_index_in_an_answer_that_is_not_accepted_counts_for_nothing);
    tcase_add_test(tcase, an_answer_of_a_later_term_ends_leadership);
    tcase_add_test(tcase, a_late_repeated_or_foreign_end_changes_nothing);
    tcase_add_test(tcase, heartbeats_to_it_stand_before_the_first_entry_and_say_nothing_of_the_log);
    tcase_add_test(tcase, a_read_is_confirmed_by_whoever_gets_a_snapshot);
    tcase_add_test(tcase, entries_on_the_way_when_the_log_is_compacted_may_make_a_snapshot_needless);
    tcase_add_test(tcase, entries_that_failed_after_the_log_was_compacted_make_a_snapshot_needed);
    tcase_add_test(tcase, a_late_success_below_the_base_is_not_gone_on_from);
    tcase_add_test(tcase, nothing_is_sent_ahead_of_what_was_compacted_while_older_requests_are_on_the_way);
    tcase_add_test(tcase, a_heartbeat_that_cannot_tell_a_commit_is_not_sent_for_it);
    tcase_add_test(tcase, who_has_installed_all_need_not_be_told_that_it_is_committed);
    tcase_add_test(tcase, progress_of_a_transfer_is_noted);
    tcase_add_test(tcase, a_chunk_is_heard_as_its_leader_is);
    tcase_add_test(tcase, a_chunk_of_an_earlier_term_or_a_second_leader_is_not_accepted);
    tcase_add_test(tcase, a_leader_takes_no_chunk_of_its_term_and_installs_nothing);
    tcase_add_test(tcase, a_candidate_that_installs_campaigns_no_more_with_the_log_it_had);
    tcase_add_test(tcase, entries_that_overtook_the_snapshot_are_taken_when_it_is_installed);
    tcase_add_test(tcase, after_a_snapshot_entries_that_overtake_each_other_are_waited_for);
}

CHECK_MAIN("raft/install_snapshot", add_tests)
