/* Figure 5.3 rule by rule, the situation of Figure 5.1, and what goes wrong around snapshots (ch. 5). Chunks, offsets and
 * files are the host's; here is what the log makes of them. */
#include "tests/check_main.h"

#include "tests/unit/raft/harness.h"

static void assert_log(const struct harness *h, struct raft_entry_id base, const char *terms) {
    ck_assert_uint_eq(raft_base(h->raft).index, base.index);
    ck_assert_uint_eq(raft_base(h->raft).term, base.term);
    harness_assert_log(h, terms);
}

static void assert_cut(const struct harness *h, struct raft_entry_id replaced_by, raft_index compact_through) {
    ck_assert_uint_ne(h->write, 0);
    ck_assert_uint_eq(h->replaced_by.index, replaced_by.index);
    ck_assert_uint_eq(h->replaced_by.term, replaced_by.term);
    ck_assert_uint_eq(h->compact_through, compact_through);
    ck_assert_uint_eq(h->truncate_from, 0);
}

/* -- Figure 5.1: a server replaces the committed entries in its log by a snapshot of the state after them -- */

START_TEST(a_snapshot_takes_the_place_of_entries_1_to_5_and_6_and_7_stay) {
    struct harness *h = START(.voters = 3, .log = "1123333");
    APPEND(h, .term = 3, .prev = ID(7, 3), .commit = 5);
    raft_compact(h->raft, 5);
    harness_turn(h);
    assert_cut(h, ID(0, 0), 5);
    assert_log(h, ID(5, 3), "33");
    struct raft_status status;
    raft_status(h->raft, &status);
    ck_assert_uint_eq(status.first_index, 6);
    ck_assert_uint_eq(status.last.index, 7);
    ck_assert_uint_eq(status.persisted_index, 7);
    ck_assert_uint_eq(raft_term_at(h->raft, 5), 3);
    ck_assert_uint_eq(raft_term_at(h->raft, 4), 0);
    harness_turn(h);
    ck_assert_uint_eq(h->write, 0);
    harness_stop(h);
}
END_TEST

START_TEST(the_term_of_the_last_entry_in_the_snapshot_is_kept_for_the_consistency_check) {
    struct harness *h = START(.voters = 3, .base = ID(5, 3));
    struct raft_append_answer refusal = APPEND(h, .term = 4, .prev = ID(7, 4)).append_answer;
    ck_assert(!refusal.success);
    ck_assert_uint_eq(refusal.conflict_index, 6);
    ck_assert(APPEND(h, .term = 4, .prev = ID(5, 3), .entries = "4").append_answer.success);
    harness_stop(h);
    h = START(.voters = 3, .base = ID(5, 3));
    ck_assert(!APPEND(h, .term = 4, .prev = ID(5, 2), .entries = "4").append_answer.success);
    assert_log(h, ID(5, 3), "");
    harness_stop(h);
}
END_TEST

START_TEST(the_snapshots_last_entry_stands_for_the_log_in_elections) {
    struct harness *h = START(.voters = 3, .base = ID(5, 3));
    ck_assert(!harness_ask_pre_vote(h, 2, 9, ID(4, 3)).vote_answer.vote_granted);
    harness_pass(h, PROMISE_MS);
    ck_assert(!harness_ask_pre_vote(h, 2, 9, ID(4, 3)).vote_answer.vote_granted);
    ck_assert(!harness_ask_pre_vote(h, 2, 9, ID(9, 2)).vote_answer.vote_granted);
    ck_assert(harness_ask_pre_vote(h, 2, 9, ID(5, 3)).vote_answer.vote_granted);
    harness_campaign(h);
    struct raft_request_vote asked = harness_sent(h, 2, RAFT_REQUEST_VOTE).request_vote;
    ck_assert_uint_eq(asked.last_log.index, 5);
    ck_assert_uint_eq(asked.last_log.term, 3);
    harness_stop(h);
}
END_TEST

START_TEST(a_leader_begins_its_term_right_after_the_base) {
    struct harness *h = START(.voters = 3, .base = ID(5, 3));
    harness_lead_and_commit(h);
    assert_log(h, ID(5, 3), "4");
    ck_assert_uint_eq(h->commit_index, 6);
    raft_compact(h->raft, 6); /* Its own first entry, too. */
    harness_propose(h, 1, 10);
    ck_assert_uint_eq(harness_sent(h, 2, RAFT_APPEND_ENTRIES).append_entries.prev.index, 6);
    ck_assert_uint_eq(harness_sent(h, 2, RAFT_APPEND_ENTRIES).append_entries.prev.term, 4);
    ck_assert(raft_read(h->raft, 1));
    struct raft_status status;
    raft_status(h->raft, &status);
    ck_assert(status.has_committed_in_term);
    harness_stop(h);
}
END_TEST

/* -- Figure 5.3, receiver -- */

START_TEST(rule_1_a_snapshot_of_an_earlier_term_is_refused_with_the_current_one) {
    struct harness *h = START(.voters = 3, .log = "14");
    struct raft_message answer = harness_chunk(h, 2, 3);
    ck_assert(!answer.install_answer.accepted);
    ck_assert_uint_eq(answer.term, 4);
    harness_stop(h);
}
END_TEST

START_TEST(rule_6_where_the_log_has_the_snapshots_last_entry_what_follows_is_kept) {
    struct harness *h = START(.voters = 3, .log = "1122233");
    ck_assert(harness_install(h, ID(4, 2)));
    harness_turn(h);
    assert_cut(h, ID(0, 0), 4);
    assert_log(h, ID(4, 2), "233");
    ck_assert_uint_eq(h->commit_index, 4);
    ck_assert_uint_eq(raft_persisted_index(h->raft), 7);
    ck_assert(APPEND(h, .term = 3, .prev = ID(7, 3)).append_answer.success);
    harness_stop(h);
}
END_TEST

START_TEST(rule_7_where_the_log_is_shorter_all_of_it_goes) {
    struct harness *h = START(.voters = 3, .log = "112");
    ck_assert(harness_install(h, ID(9, 2)));
    harness_turn(h);
    assert_cut(h, ID(9, 2), 0);
    assert_log(h, ID(9, 2), "");
    ck_assert_uint_eq(h->written_count, 0);
    harness_stop(h);
}
END_TEST

START_TEST(rule_7_where_the_log_has_another_entry_there_all_of_it_goes) {
    struct harness *h = START(.voters = 3, .log = "1111111", .hard_state = {3, 0});
    ck_assert(harness_install(h, ID(4, 2)));
    harness_turn(h);
    assert_cut(h, ID(4, 2), 0);
    assert_log(h, ID(4, 2), "");
    harness_stop(h);
}
END_TEST

START_TEST(rule_8_what_the_snapshot_covers_is_committed) {
    struct harness *h = START(.voters = 3, .log = "112");
    ck_assert(harness_install(h, ID(9, 2)));
    harness_turn(h);
    ck_assert_uint_eq(h->commit_index, 9);
    ck_assert_uint_eq(raft_commit_index(h->raft), 9);
    ck_assert(APPEND(h, .term = 2, .prev = ID(9, 2), .entries = "22", .commit = 10).append_answer.success);
    ck_assert_uint_eq(h->commit_index, 10);
    harness_stop(h);
}
END_TEST

START_TEST(rule_8_its_configuration_is_in_effect) {
    struct harness *h = START(.voters = 1);
    ck_assert(harness_install_with(h, ID(9, 1), 7, harness_configuration(3, 1)));
    raft_index index;
    ck_assert_uint_eq(raft_current_configuration(h->raft, &index)->voter_count, 3);
    ck_assert_uint_eq(index, 7);
    harness_campaign(h); /* Not the only voter any more: it asks. */
    ck_assert_uint_eq(harness_sent_count(h, 3, RAFT_REQUEST_VOTE), 1);
    ck_assert_uint_eq(harness_sent_count(h, 4, RAFT_REQUEST_VOTE), 0);
    harness_stop(h);
}
END_TEST

static void receive_configuration(struct harness *h, struct raft_entry_id prev, size_t voters) {
    struct raft_configuration configuration = harness_configuration(voters, 0);
    struct raft_entry entry = {
        .id = {prev.index + 1, prev.term}, .type = RAFT_CONFIGURATION, .configuration = &configuration};
    struct raft_message request = {.type = RAFT_APPEND_ENTRIES,
                                   .from = 2,
                                   .to = 1,
                                   .term = prev.term,
                                   .round = 1000,
                                   .append_entries = {.prev = prev, .entry_count = 1, .entries = &entry}};
    raft_receive(h->raft, &request);
    harness_turn(h);
}

static size_t voters_now(const struct harness *h) {
    return raft_current_configuration(h->raft, NULL)->voter_count;
}

START_TEST(rule_8_a_later_configuration_in_what_is_kept_stays_in_effect) {
    struct harness *h = START(.voters = 3, .log = "1111");
    receive_configuration(h, ID(4, 1), 5);
    ck_assert(harness_install(h, ID(4, 1)));
    ck_assert_uint_eq(voters_now(h), 5);
    APPEND(h, .term = 2, .from = 3, .prev = ID(4, 1), .entries = "2"); /* It was not committed. */
    ck_assert_uint_eq(voters_now(h), 3);
    harness_stop(h);
}
END_TEST

START_TEST(rule_8_a_configuration_goes_with_the_log_that_goes) {
    struct harness *h = START(.voters = 3, .log = "1111");
    receive_configuration(h, ID(4, 1), 5);
    ck_assert_uint_eq(voters_now(h), 5);
    harness_chunk(h, 3, 2);
    ck_assert(harness_install(h, ID(4, 2)));
    ck_assert_uint_eq(voters_now(h), 3);
    harness_stop(h);
}
END_TEST

/* -- Restarting from one -- */

START_TEST(after_a_restart_the_log_begins_after_the_base_and_the_snapshot_is_committed) {
    struct harness *h = START(.voters = 3, .base = ID(4, 2), .snapshot = ID(6, 2), .log = "2233");
    ck_assert_uint_eq(raft_commit_index(h->raft), 6);
    ck_assert_uint_eq(raft_persisted_index(h->raft), 8);
    assert_log(h, ID(4, 2), "2233");
    raft_index index;
    ck_assert_uint_eq(raft_current_configuration(h->raft, &index)->voter_count, 3);
    ck_assert_uint_eq(index, 1);
    harness_turn(h);
    ck_assert_uint_eq(h->write, 0);
    ck_assert_uint_eq(h->commit_index, 6);
    harness_stop(h);
}
END_TEST

START_TEST(a_configuration_in_the_kept_tail_is_not_taken_twice) {
    struct raft_options options = {.id = 1,
                                   .heartbeat_ms = HEARTBEAT_MS,
                                   .election_timeout_ms = ELECTION_MS,
                                   .max_in_flight = 1,
                                   .max_batch_entries = 1};
    struct raft *raft = raft_create(&options, (struct raft_hard_state){3, 0}, 1);
    struct raft_configuration older = harness_configuration(3, 0);
    struct raft_configuration newer = harness_configuration(5, 0);
    raft_restore_snapshot(raft, ID(4, 2), &(struct raft_snapshot){ID(8, 3), 6, &newer});
    struct raft_entry entries[] = {
        {.id = {5, 2}, .type = RAFT_CONFIGURATION, .configuration = &older},
        {.id = {6, 2}, .type = RAFT_CONFIGURATION, .configuration = &newer},
        {.id = {7, 3}, .type = RAFT_COMMAND},
        {.id = {8, 3}, .type = RAFT_COMMAND},
        {.id = {9, 3}, .type = RAFT_CONFIGURATION, .configuration = &older},
    };
    raft_index index;
    for (size_t i = 0; i < 4; i++) {
        raft_restore_entry(raft, &entries[i]);
    }
    ck_assert_uint_eq(raft_current_configuration(raft, &index)->voter_count, 5);
    ck_assert_uint_eq(index, 6);
    raft_restore_entry(raft, &entries[4]);
    ck_assert_uint_eq(raft_current_configuration(raft, &index)->voter_count, 3);
    ck_assert_uint_eq(index, 9);
    ck_assert_uint_eq(raft_take_actions(raft)->commit_index, 8);
    raft_destroy(raft);
}
END_TEST

/* -- Traps -- */

START_TEST(a_snapshot_that_comes_when_the_log_is_ahead_takes_nothing_back) {
    struct harness *h = START(.voters = 3, .log = "11111");
    APPEND(h, .term = 1, .prev = ID(5, 1), .commit = 4);
    ck_assert(!harness_install(h, ID(3, 1)));
    ck_assert(!harness_install(h, ID(4, 1)));
    harness_turn(h);
    ck_assert_uint_eq(h->write, 0);
    ck_assert_uint_eq(h->commit_index, 4);
    assert_log(h, ID(0, 0), "11111");
    ck_assert(harness_install(h, ID(5, 1)));
    ck_assert(!harness_install(h, ID(5, 1))); /* Twice. */
    harness_stop(h);
}
END_TEST

START_TEST(a_snapshot_of_a_term_that_nobody_leads_yet_is_not_installed) {
    struct harness *h = START(.voters = 3, .log = "11");
    ck_assert(!harness_install(h, ID(9, 2)));
    harness_turn(h);
    ck_assert_uint_eq(h->write, 0);
    assert_log(h, ID(0, 0), "11");
    harness_stop(h);
}
END_TEST

START_TEST(entries_of_a_write_under_way_that_a_snapshot_replaced_do_not_count) {
    struct harness *h = START(.voters = 3);
    APPEND(h, .term = 1, .prev = ID(1, 1), .entries = "11111111"); /* 2 to 9. */
    raft_write before = h->write;
    harness_chunk(h, 3, 2);
    ck_assert(harness_install(h, ID(6, 2)));
    harness_turn(h);
    raft_write replacement = h->write;
    struct raft_message answer = APPEND(h, .from = 3, .term = 2, .prev = ID(6, 2), .entries = "22"); /* 7 and 8 anew. */
    ck_assert_uint_gt(answer.after_write, replacement);
    raft_persisted(h->raft, before);
    ck_assert_uint_eq(raft_persisted_index(h->raft), 0);
    ck_assert_uint_eq(APPEND(h, .from = 3, .term = 2, .prev = ID(6, 2)).after_write, replacement);
    raft_persisted(h->raft, replacement);
    ck_assert_uint_eq(raft_persisted_index(h->raft), 6);
    harness_persist(h);
    ck_assert_uint_eq(raft_persisted_index(h->raft), 8);
    harness_stop(h);
}
END_TEST

START_TEST(entries_of_the_same_turn_behind_the_snapshot_are_written_and_those_before_it_are_not) {
    struct harness *h = START(.voters = 3);
    RECEIVE(h, .term = 1, .prev = ID(1, 1), .entries = "11111");
    ck_assert(harness_install(h, ID(4, 1)));
    harness_turn(h);
    assert_cut(h, ID(4, 1), 0);
    assert_log(h, ID(4, 1), "11");
    ck_assert_uint_eq(h->written_count, 2);
    ck_assert_uint_eq(h->written[0].index, 5);
    ck_assert_uint_eq(h->sent[0].after_write, h->write);
    harness_persist(h);
    ck_assert_uint_eq(raft_persisted_index(h->raft), 6);
    harness_stop(h);
}
END_TEST

START_TEST(entries_of_the_same_turn_that_the_snapshot_replaces_are_not_written) {
    struct harness *h = START(.voters = 3);
    RECEIVE(h, .term = 1, .prev = ID(1, 1), .entries = "11111");
    ck_assert(harness_install(h, ID(9, 1)));
    harness_turn(h);
    assert_cut(h, ID(9, 1), 0);
    ck_assert_uint_eq(h->written_count, 0);
    assert_log(h, ID(9, 1), "");
    harness_stop(h);
}
END_TEST

START_TEST(a_snapshot_up_to_where_the_disk_is_writing_keeps_what_is_being_written) {
    struct harness *h = START(.voters = 3);
    APPEND(h, .term = 1, .prev = ID(1, 1), .entries = "11111"); /* 2 to 6, under way. */
    ck_assert(harness_install(h, ID(4, 1)));
    harness_turn(h);
    assert_cut(h, ID(0, 0), 4);
    assert_log(h, ID(4, 1), "11");
    ck_assert_uint_eq(raft_persisted_index(h->raft), 1);
    harness_persist(h);
    ck_assert_uint_eq(raft_persisted_index(h->raft), 6);
    harness_stop(h);
}
END_TEST

START_TEST(only_what_is_on_disk_is_compacted) {
    struct harness *h = START(.voters = 3);
    APPEND(h, .term = 1, .prev = ID(1, 1), .entries = "11");
    harness_persist(h);
    APPEND(h, .term = 1, .prev = ID(3, 1), .entries = "11", .commit = 5);
    ck_assert_uint_eq(h->commit_index, 5);
    raft_compact(h->raft, 4);
    harness_turn(h);
    assert_cut(h, ID(0, 0), 3);
    assert_log(h, ID(3, 1), "11");
    raft_compact(h->raft, 4);
    raft_compact(h->raft, 2);
    raft_compact(h->raft, 0);
    harness_turn(h);
    ck_assert_uint_eq(h->write, 0);
    harness_persist(h);
    raft_compact(h->raft, 4);
    assert_log(h, ID(4, 1), "1");
    harness_stop(h);
}
END_TEST

START_TEST(compaction_and_truncation_of_a_turn_are_one_write) {
    struct harness *h = START(.voters = 3, .log = "111111");
    APPEND(h, .term = 1, .prev = ID(6, 1), .commit = 3);
    RECEIVE(h, .from = 3, .term = 2, .prev = ID(4, 1), .entries = "22");
    raft_compact(h->raft, 3);
    harness_turn(h);
    ck_assert_uint_eq(h->truncate_from, 5);
    ck_assert_uint_eq(h->compact_through, 3);
    ck_assert_uint_eq(h->replaced_by.index, 0);
    ck_assert_uint_eq(h->written_count, 2);
    assert_log(h, ID(3, 1), "122");
    harness_stop(h);
}
END_TEST

/* Server 3 needs a snapshot, whatever 2 does; everything is committed by 1 and 2. */
START_TEST(who_waits_for_a_snapshot_holds_up_nobody) {
    struct harness *h = START(.voters = 3, .base = ID(5, 2));
    harness_lead(h);
    struct raft_message probe = harness_sent(h, 3, RAFT_APPEND_ENTRIES);
    harness_succeed(h, harness_sent(h, 2, RAFT_APPEND_ENTRIES));
    harness_refuse(h, probe, ID(1, 0));
    ck_assert_int_eq(harness_peer(h, 3).state, RAFT_SNAPSHOT);
    for (raft_index index = 7; index < 12; index++) {
        harness_propose(h, 1, 10);
        struct raft_message append = harness_sent(h, 2, RAFT_APPEND_ENTRIES);
        harness_persist(h);
        harness_succeed(h, append);
        ck_assert_uint_eq(h->commit_index, index);
        raft_compact(h->raft, index);
    }
    harness_stop(h);
}
END_TEST

START_TEST(heartbeats_go_on_beside_a_transfer) {
    struct harness *h = START(.voters = 2, .base = ID(5, 2));
    harness_lead(h);
    harness_refuse(h, harness_sent(h, 2, RAFT_APPEND_ENTRIES), ID(1, 0));
    ck_assert_uint_eq(harness_sent_count(h, 2, RAFT_INSTALL_SNAPSHOT), 1);
    for (int i = 0; i < 3 * ELECTION_MS / HEARTBEAT_MS; i++) {
        harness_pass(h, HEARTBEAT_MS);
        harness_succeed(h, harness_sent(h, 2, RAFT_APPEND_ENTRIES));
    }
    ck_assert_int_eq(harness_role(h), RAFT_LEADER); /* A majority was heard all the time. */
    ck_assert_uint_eq(harness_peer(h, 2).match_index, 0);
    ck_assert_uint_eq(h->commit_index, 5);
    harness_stop(h);
}
END_TEST

START_TEST(the_leaders_search_for_agreement_ends_at_the_base) {
    for (raft_index hint = 0; hint <= 9; hint++) {
        for (raft_term term = 0; term <= 4; term++) {
            struct harness *h = START(.voters = 3, .base = ID(4, 2), .log = "2233");
            harness_lead(h);
            raft_index before = UINT64_MAX;
            while (harness_peer(h, 3).state == RAFT_PROBE) {
                struct raft_message probe = harness_sent(h, 3, RAFT_APPEND_ENTRIES);
                ck_assert_uint_lt(probe.append_entries.prev.index, before);
                before = probe.append_entries.prev.index;
                ck_assert_uint_ge(before, 4);
                ck_assert_uint_eq(probe.append_entries.prev.term, raft_term_at(h->raft, before));
                harness_refuse(h, probe, ID(hint, term));
            }
            ck_assert_uint_eq(harness_sent_count(h, 3, RAFT_INSTALL_SNAPSHOT), 1);
            harness_stop(h);
        }
    }
}
END_TEST

static void add_tests(TCase *tcase) {
    tcase_add_test(tcase, a_snapshot_takes_the_place_of_entries_1_to_5_and_6_and_7_stay);
    tcase_add_test(tcase, the_term_of_the_last_entry_in_the_snapshot_is_kept_for_the_consistency_check);
    tcase_add_test(tcase, the_snapshots_last_entry_stands_for_the_log_in_elections);
    tcase_add_test(tcase, a_leader_begins_its_term_right_after_the_base);
    tcase_add_test(tcase, rule_1_a_snapshot_of_an_earlier_term_is_refused_with_the_current_one);
    tcase_add_test(tcase, rule_6_where_the_log_has_the_snapshots_last_entry_what_follows_is_kept);
    tcase_add_test(tcase, rule_7_where_the_log_is_shorter_all_of_it_goes);
    tcase_add_test(tcase, rule_7_where_the_log_has_another_entry_there_all_of_it_goes);
    tcase_add_test(tcase, rule_8_what_the_snapshot_covers_is_committed);
    tcase_add_test(tcase, rule_8_its_configuration_is_in_effect);
    tcase_add_test(tcase, rule_8_a_later_configuration_in_what_is_kept_stays_in_effect);
    tcase_add_test(tcase, rule_8_a_configuration_goes_with_the_log_that_goes);
    tcase_add_test(tcase, after_a_restart_the_log_begins_after_the_base_and_the_snapshot_is_committed);
    tcase_add_test(tcase, a_configuration_in_the_kept_tail_is_not_taken_twice);
    tcase_add_test(tcase, a_snapshot_that_comes_when_the_log_is_ahead_takes_nothing_back);
    tcase_add_test(tcase, a_snapshot_of_a_term_that_nobody_leads_yet_is_not_installed);
    tcase_add_test(tcase, entries_of_a_write_under_way_that_a_snapshot_replaced_do_not_count);
    tcase_add_test(tcase, entries_of_the_same_turn_behind_the_snapshot_are_written_and_those_before_it_are_not);
    tcase_add_test(tcase, entries_of_the_same_turn_that_the_snapshot_replaces_are_not_written);
    tcase_add_test(tcase, a_snapshot_up_to_where_the_disk_is_writing_keeps_what_is_being_written);
    tcase_add_test(tcase, only_what_is_on_disk_is_compacted);
    tcase_add_test(tcase, compaction_and_truncation_of_a_turn_are_one_write);
    tcase_add_test(tcase, who_waits_for_a_snapshot_holds_up_nobody);
    tcase_add_test(tcase, heartbeats_go_on_beside_a_transfer);
    tcase_add_test(tcase, the_leaders_search_for_agreement_ends_at_the_base);
}

CHECK_MAIN("thesis/snapshot", add_tests)
