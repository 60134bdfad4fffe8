/* Life, proposals, and what can be seen from outside. */
#include "tests/check_main.h"

#include "server/base/memory.h"
#include "tests/unit/raft/harness.h"

#include <string.h>

START_TEST(destroying_nothing_is_nothing) {
    raft_destroy(NULL);
}
END_TEST

START_TEST(a_server_starts_as_a_follower_that_knows_no_leader) {
    struct harness *h = START(.voters = 3, .log = "1223", .hard_state = {7, 3});
    struct raft_status status;
    raft_status(h->raft, &status);
    ck_assert_int_eq(status.role, RAFT_FOLLOWER);
    ck_assert_uint_eq(status.hard_state.term, 7);
    ck_assert_uint_eq(status.hard_state.voted_for, 3);
    ck_assert_uint_eq(status.leader, 0);
    ck_assert_uint_eq(status.first_index, 1);
    ck_assert_uint_eq(status.last.index, 4);
    ck_assert_uint_eq(status.last.term, 3);
    ck_assert_uint_eq(status.commit_index, 0);
    ck_assert_uint_eq(status.persisted_index, 4);
    ck_assert_uint_eq(status.configuration_index, 1);
    ck_assert(!status.has_committed_in_term);
    ck_assert_uint_eq(status.peer_count, 0);
    harness_turn(h);
    ck_assert_uint_eq(h->write, 0);
    ck_assert_uint_eq(h->sent_count, 0);
    harness_stop(h);
}
END_TEST

START_TEST(a_leaders_status_shows_every_other_server) {
    struct harness *h = START(.voters = 3, .learners = 1);
    harness_lead(h);
    struct raft_status status;
    raft_status(h->raft, &status);
    ck_assert_int_eq(status.role, RAFT_LEADER);
    ck_assert_uint_eq(status.leader, 1);
    ck_assert_uint_eq(status.peer_count, 3);
    for (size_t i = 0; i < 3; i++) {
        ck_assert_uint_eq(status.peers[i].id, i + 2);
        ck_assert_int_eq(status.peers[i].state, RAFT_PROBE);
        ck_assert_uint_eq(status.peers[i].next_index, 2);
        ck_assert_uint_eq(status.peers[i].last_contact_ms, h->now_ms);
    }
    ck_assert(!status.has_committed_in_term);
    harness_succeed(h, harness_sent(h, 2, RAFT_APPEND_ENTRIES));
    raft_status(h->raft, &status);
    ck_assert(status.has_committed_in_term);
    ck_assert_int_eq(status.peers[0].state, RAFT_REPLICATE);
    ck_assert_uint_eq(status.peers[0].match_index, 2);
    harness_stop(h);
}
END_TEST

START_TEST(who_does_not_lead_takes_no_proposals) {
    struct harness *h = START(.voters = 3);
    ck_assert(!harness_propose(h, 1, 10));
    harness_campaign(h);
    ck_assert(!harness_propose(h, 1, 10));
    harness_assert_log(h, "1");
    harness_stop(h);
}
END_TEST

START_TEST(proposals_get_the_next_indexes_and_the_leaders_term) {
    struct harness *h = START(.voters = 3);
    harness_lead(h);
    struct raft_entry entries[2] = {{.type = RAFT_COMMAND}, {.type = RAFT_COMMAND}};
    ck_assert(raft_propose(h->raft, entries, 2));
    ck_assert_uint_eq(entries[0].id.index, 3);
    ck_assert_uint_eq(entries[1].id.index, 4);
    ck_assert_uint_eq(entries[1].id.term, 2);
    ck_assert(raft_propose(h->raft, NULL, 0));
    harness_turn(h);
    ck_assert_uint_eq(h->written_count, 2);
    harness_assert_log(h, "1222");
    harness_stop(h);
}
END_TEST

START_TEST(proposed_bytes_come_out_once_and_are_given_back) {
    struct harness *h = START(.voters = 1);
    harness_pass(h, 1);
    harness_persist(h);
    struct buffer *buffer = buffer_copy("abc", 3);
    struct raft_entry entry = {.type = RAFT_COMMAND, .size = 3, .data = buffer->data, .buffer = buffer};
    ck_assert(raft_propose(h->raft, &entry, 1));
    const struct raft_actions *actions = raft_take_actions(h->raft);
    ck_assert_uint_eq(actions->entry_count, 1);
    ck_assert_mem_eq(actions->entries[0].data, "abc", 3);
    ck_assert_uint_eq(raft_take_actions(h->raft)->entry_count, 0);
    ck_assert_uint_eq(buffer->references, 1);
    buffer_release(buffer);
    harness_stop(h);
}
END_TEST

START_TEST(every_decision_is_traced_and_tracing_may_be_off) {
    struct harness *h = START(.voters = 3);
    harness_lead(h);
    ck_assert_uint_gt(h->line_count, 2);
    ck_assert_ptr_nonnull(strstr(h->line, "becomes leader"));
    harness_stop(h);
    struct raft_options silent = {.id = 1,
                                  .heartbeat_ms = 1,
                                  .election_timeout_ms = 2,
                                  .max_in_flight = 1,
                                  .max_batch_entries = 1,
                                  .max_batch_bytes = 1};
    struct raft *raft = raft_create(&silent, (struct raft_hard_state){1, 0}, 0);
    struct raft_configuration configuration = harness_configuration(2, 0);
    raft_restore_entry(raft,
                       &(struct raft_entry){.id = {1, 1}, .type = RAFT_CONFIGURATION, .configuration = &configuration});
    raft_tick(raft, 10);
    ck_assert_int_eq(raft_role(raft), RAFT_PRE_CANDIDATE);
    raft_destroy(raft);
}
END_TEST

START_TEST(the_configuration_may_be_asked_for_without_its_index) {
    struct harness *h = START(.voters = 3);
    ck_assert_uint_eq(raft_current_configuration(h->raft, NULL)->voter_count, 3);
    harness_stop(h);
}
END_TEST

START_TEST(a_later_term_in_an_answer_ends_leadership) {
    struct harness *h = START(.voters = 3);
    harness_lead(h);
    struct raft_message answer = harness_sent(h, 2, RAFT_APPEND_ENTRIES);
    answer.term = 9;
    harness_refuse(h, answer, ID(1, 0));
    ck_assert_int_eq(harness_role(h), RAFT_FOLLOWER);
    ck_assert_uint_eq(h->hard_state.term, 9);
    ck_assert_uint_eq(h->hard_state.voted_for, 0);
    ck_assert_uint_eq(raft_leader(h->raft), 0);
    harness_stop(h);
}
END_TEST

START_TEST(the_largest_configuration_elects_and_commits) {
    struct harness *h = START(.voters = RAFT_MEMBERS_MAX);
    harness_lead(h);
    struct raft_message requests[RAFT_MEMBERS_MAX];
    for (raft_node_id to = 2; to <= RAFT_MEMBERS_MAX; to++) {
        requests[to - 1] = harness_sent(h, to, RAFT_APPEND_ENTRIES);
    }
    for (raft_node_id to = 2; to <= 1 + RAFT_MEMBERS_MAX / 2; to++) {
        ck_assert_uint_eq(raft_commit_index(h->raft), 0);
        harness_succeed(h, requests[to - 1]);
    }
    ck_assert_uint_eq(h->commit_index, 2);
    harness_stop(h);
}
END_TEST

START_TEST(a_learner_of_the_largest_configuration_knows_the_other_thirty_one) {
    struct harness *h = START(.voters = RAFT_MEMBERS_MAX, .id = 99);
    ck_assert(APPEND(h, .term = 1, .prev = ID(1, 1)).append_answer.success);
    harness_stop(h);
}
END_TEST

static void add_tests(TCase *tcase) {
    tcase_add_test(tcase, destroying_nothing_is_nothing);
    tcase_add_test(tcase, a_server_starts_as_a_follower_that_knows_no_leader);
    tcase_add_test(tcase, a_leaders_status_shows_every_other_server);
    tcase_add_test(tcase, who_does_not_lead_takes_no_proposals);
    tcase_add_test(tcase, proposals_get_the_next_indexes_and_the_leaders_term);
    tcase_add_test(tcase, proposed_bytes_come_out_once_and_are_given_back);
    tcase_add_test(tcase, every_decision_is_traced_and_tracing_may_be_off);
    tcase_add_test(tcase, the_configuration_may_be_asked_for_without_its_index);
    tcase_add_test(tcase, a_later_term_in_an_answer_ends_leadership);
    tcase_add_test(tcase, the_largest_configuration_elects_and_commits);
    tcase_add_test(tcase, a_learner_of_the_largest_configuration_knows_the_other_thirty_one);
}

CHECK_MAIN("raft/raft", add_tests)
