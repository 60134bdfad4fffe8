/* The edges of changing the members; its rules are in tests/thesis/membership_test.c. */
#include "tests/check_main.h"

#include "server/raft/state.h"
#include "tests/unit/raft/fellows.h"

static struct raft_configuration voters_from(raft_node_id first, size_t count) {
    struct raft_configuration configuration = {.voter_count = count};
    for (size_t i = 0; i < count; i++) {
        configuration.voters[i] = first + i;
    }
    return configuration;
}

static struct fellows *lead(struct raft_configuration configuration) {
    struct fellows *f = fellows_start_with(configuration);
    fellows_elect(f);
    fellows_answer(f);
    return f;
}

static bool propose(struct fellows *f, const struct raft_configuration *configuration) {
    struct raft_entry entry = {.type = RAFT_CONFIGURATION, .configuration = configuration};
    return raft_propose(f->h->raft, &entry, 1);
}

START_TEST(both_configurations_together_have_room) {
    struct fellows *f = lead(voters_from(1, 16));
    struct raft_configuration first;
    struct raft_configuration too_many = voters_from(17, RAFT_MEMBERS_MAX - 16 + 1);
    struct raft_configuration just_fit = voters_from(17, RAFT_MEMBERS_MAX - 16);
    ck_assert_int_eq(raft_change(f->h->raft, &too_many, &first), RAFT_CHANGE_TOO_MANY);
    ck_assert_int_eq(raft_change(f->h->raft, &just_fit, &first), RAFT_CHANGE_BEGUN);
    ck_assert_uint_eq(configuration_size(&first), RAFT_MEMBERS_MAX);
    fellows_stop(f);
}
END_TEST

START_TEST(only_what_is_offered_is_appended_and_only_in_the_same_turn) {
    struct fellows *f = lead(voters_from(1, 3));
    struct raft_configuration target = voters_from(1, 2);
    struct raft_configuration first;
    ck_assert(!propose(f, &target));
    ck_assert_int_eq(raft_change(f->h->raft, &target, &first), RAFT_CHANGE_BEGUN);
    harness_turn(f->h);
    ck_assert(!f->h->has_due); /* Who does not append it has changed nothing. */
    ck_assert(!propose(f, &target));
    ck_assert_int_eq(raft_change(f->h->raft, &target, &first), RAFT_CHANGE_BEGUN);
    ck_assert(propose(f, &first));
    ck_assert(!propose(f, &first));
    fellows_stop(f);
}
END_TEST

START_TEST(nothing_is_appended_or_begun_while_leadership_is_handed_over) {
    struct fellows *f = lead(voters_from(1, 3));
    struct raft_configuration target = voters_from(1, 2);
    struct raft_configuration first;
    ck_assert_int_eq(raft_change(f->h->raft, &target, &first), RAFT_CHANGE_BEGUN);
    ck_assert(raft_transfer(f->h->raft, 2));
    ck_assert(!propose(f, &first));
    ck_assert_int_eq(raft_change(f->h->raft, &target, &first), RAFT_CHANGE_NOT_LEADER);
    fellows_stop(f);
}
END_TEST

START_TEST(a_follower_changes_nothing) {
    struct fellows *f = fellows_start(3);
    struct raft_configuration target = voters_from(1, 2);
    struct raft_configuration first;
    ck_assert_int_eq(raft_change(f->h->raft, &target, &first), RAFT_CHANGE_NOT_LEADER);
    ck_assert(!propose(f, &target));
    ck_assert(!raft_accepts(f->h->raft));
    fellows_stop(f);
}
END_TEST

static void append(struct fellows *f, const struct raft_configuration *configuration) {
    struct raft_entry entry = {.id = {raft_last_index(f->h->raft) + 1, raft_current_term(f->h->raft)},
                               .type = RAFT_CONFIGURATION,
                               .configuration = configuration};
    raft_append(f->h->raft, &entry);
}

/* Members come first: a farewell is a kindness. */
START_TEST(farewells_are_said_as_far_as_there_is_room) {
    struct fellows *f = lead(voters_from(1, RAFT_MEMBERS_MAX));
    struct raft_configuration fewer = voters_from(1, RAFT_MEMBERS_MAX - 2);
    append(f, &fewer);
    ck_assert_uint_eq(f->h->raft->peer_count, RAFT_MEMBERS_MAX - 1);
    struct raft_configuration others = fewer;
    others.learner_count = 2;
    others.learners[0] = RAFT_MEMBERS_MAX + 1;
    others.learners[1] = RAFT_MEMBERS_MAX + 2;
    append(f, &others);
    ck_assert_uint_eq(f->h->raft->peer_count, RAFT_MEMBERS_MAX);
    ck_assert_ptr_nonnull(raft_progress(f->h->raft, RAFT_MEMBERS_MAX + 2));
    struct raft_status status;
    raft_status(f->h->raft, &status);
    ck_assert_uint_eq(status.peer_count, RAFT_MEMBERS_MAX - 1);
    fellows_stop(f);
}
END_TEST

START_TEST(an_entry_whose_configuration_contradicts_itself_is_refused) {
    struct fellows *f = fellows_start(3);
    struct raft_configuration twice = fellows_configuration("12", "2");
    struct raft_entry entry = {.id = {2, 1}, .type = RAFT_CONFIGURATION, .configuration = &twice};
    struct raft_message request = {.type = RAFT_APPEND_ENTRIES,
                                   .from = 2,
                                   .to = 1,
                                   .term = 1,
                                   .round = 7,
                                   .ticket = 7,
                                   .append_entries = {.prev = {1, 1}, .entry_count = 1, .entries = &entry}};
    raft_receive(f->h->raft, &request);
    entry.configuration = NULL;
    raft_receive(f->h->raft, &request);
    harness_turn(f->h);
    ck_assert_uint_eq(f->h->sent_count, 2);
    ck_assert(!f->h->sent[0].append_answer.success && !f->h->sent[1].append_answer.success);
    ck_assert_uint_eq(raft_last_index(f->h->raft), 1);
    fellows_stop(f);
}
END_TEST

static void add_tests(TCase *tcase) {
    tcase_add_test(tcase, both_configurations_together_have_room);
    tcase_add_test(tcase, only_what_is_offered_is_appended_and_only_in_the_same_turn);
    tcase_add_test(tcase, nothing_is_appended_or_begun_while_leadership_is_handed_over);
    tcase_add_test(tcase, a_follower_changes_nothing);
    tcase_add_test(tcase, farewells_are_said_as_far_as_there_is_room);
    tcase_add_test(tcase, an_entry_whose_configuration_contradicts_itself_is_refused);
}

CHECK_MAIN("raft/membership", add_tests)
