/* Peers that lie: whatever a message says, no server ends by it. Its fields are small, near the server's own numbers or as
 * large as can be; hosts only see to it that ids, terms and configurations are in their ranges (server/raft/raft.h). */
#include "tests/check_main.h"

#include "server/base/memory.h"
#include "tests/unit/raft/harness.h"

enum { RUNS = 400, STEPS = 400, ENTRIES_MAX = 5 };

struct liar {
    uint64_t random;
    struct harness *h;
    struct raft_entry entries[ENTRIES_MAX];
    struct raft_configuration configurations[ENTRIES_MAX];
    struct raft_message asked[64]; /* What the server asked lately: its rounds, so that lies are believed. */
    size_t asked_count;
};

static uint64_t below(struct liar *liar, uint64_t bound) {
    liar->random = liar->random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (liar->random >> 24) % bound;
}

static bool chance(struct liar *liar, uint64_t percent) {
    return below(liar, 100) < percent;
}

static raft_index any_index(struct liar *liar) {
    raft_index last = raft_last_index(liar->h->raft);
    switch (below(liar, 6)) {
    case 0:
        return below(liar, 4);
    case 1:
        return UINT64_MAX - below(liar, 3);
    case 2:
        return raft_commit_index(liar->h->raft) + below(liar, 3);
    default:
        return last + 2 - below(liar, (last < 8 ? last : 8) + 3);
    }
}

static raft_term any_term(struct liar *liar) {
    raft_term term = raft_current_term(liar->h->raft);
    raft_term some = term + 2 - below(liar, (term < 4 ? term : 4) + 3);
    some = chance(liar, 2) ? below(liar, 3) : some;
    some = chance(liar, 1) ? term + RAFT_TERM_JUMP_MAX : some;
    return some > RAFT_NUMBER_MAX ? RAFT_NUMBER_MAX : some;
}

/* Often a true one. */
static struct raft_entry_id any_entry_id(struct liar *liar) {
    raft_index index = any_index(liar);
    return (struct raft_entry_id){index, chance(liar, 80) ? raft_term_at(liar->h->raft, index) : any_term(liar)};
}

static struct raft_configuration any_configuration(struct liar *liar) {
    size_t voters = below(liar, chance(liar, 10) ? RAFT_MEMBERS_MAX + 1 : 5);
    size_t learners = below(liar, RAFT_MEMBERS_MAX + 1 - voters);
    struct raft_configuration configuration = harness_configuration(voters, chance(liar, 50) ? 0 : learners);
    if (voters > 0 && chance(liar, 20)) {
        configuration.voters[0] = 1 + below(liar, RAFT_NUMBER_MAX); /* Out of order, perhaps twice, perhaps without us. */
    }
    return configuration;
}

static void lie_about_entries(struct liar *liar, struct raft_message *message) {
    struct raft_append_entries *append = &message->append_entries;
    *append = (struct raft_append_entries){.prev = any_entry_id(liar), .leader_commit = any_index(liar)};
    append->entry_count = below(liar, ENTRIES_MAX + 1);
    append->entries = liar->entries;
    raft_term term = append->prev.term;
    for (size_t i = 0; i < append->entry_count; i++) {
        struct raft_entry *entry = &liar->entries[i];
        *entry = (struct raft_entry){.id = {append->prev.index + 1 + i, term}, .type = RAFT_COMMAND};
        term = chance(liar, 50) ? message->term : term;
        entry->id.term = term;
        if (chance(liar, 5)) {
            entry->id = (struct raft_entry_id){any_index(liar), any_term(liar)};
        }
        if (chance(liar, 10)) {
            liar->configurations[i] = any_configuration(liar);
            entry->type = RAFT_CONFIGURATION;
            entry->configuration = &liar->configurations[i];
        }
    }
}

static void tell_a_lie(struct liar *liar) {
    struct raft_message message = {
        .type = (enum raft_message_type)below(liar, RAFT_INSTALL_ANSWER + 1),
        .from = chance(liar, 5) ? 1 + below(liar, RAFT_NUMBER_MAX) : 1 + below(liar, 5),
        .to = 1,
        .term = any_term(liar),
        .round = below(liar, 1000),
        .ticket = below(liar, 1000),
    };
    if (liar->asked_count > 0 && chance(liar, 70)) {
        const struct raft_message *asked = &liar->asked[below(liar, liar->asked_count)];
        message.from = asked->to;
        message.round = asked->round;
        message.term = chance(liar, 80) ? asked->term : message.term;
    }
    switch (message.type) {
    case RAFT_REQUEST_VOTE:
        message.request_vote = (struct raft_request_vote){chance(liar, 50), chance(liar, 30), any_entry_id(liar)};
        break;
    case RAFT_VOTE_ANSWER:
        message.vote_answer = (struct raft_vote_answer){chance(liar, 50), chance(liar, 80)};
        break;
    case RAFT_APPEND_ENTRIES:
        lie_about_entries(liar, &message);
        break;
    case RAFT_APPEND_ANSWER:
        message.append_answer = (struct raft_append_answer){chance(liar, 60), (uint32_t)below(liar, 10000), any_index(liar),
                                                            any_term(liar), any_index(liar)};
        break;
    case RAFT_INSTALL_ANSWER:
        message.install_answer = (struct raft_install_answer){chance(liar, 70), any_index(liar)};
        break;
    case RAFT_TIMEOUT_NOW:
    case RAFT_TIMEOUT_NOW_ANSWER:
    case RAFT_INSTALL_SNAPSHOT:
        break;
    }
    raft_receive(liar->h->raft, &message);
}

static void end_turn(struct liar *liar) {
    struct harness *h = liar->h;
    harness_turn(h);
    for (size_t i = 0; i < h->sent_count; i++) {
        enum raft_message_type type = h->sent[i].type;
        if (type == RAFT_REQUEST_VOTE || type == RAFT_APPEND_ENTRIES || type == RAFT_INSTALL_SNAPSHOT) {
            liar->asked[below(liar, 64)] = h->sent[i];
            liar->asked_count = liar->asked_count < 64 ? liar->asked_count + 1 : 64;
        }
    }
}

/* The bytes of a snapshot come from others, too. */
static void install_a_lie(struct liar *liar) {
    struct raft *raft = liar->h->raft;
    struct raft_configuration configuration = any_configuration(liar);
    struct raft_snapshot snapshot = {.id = any_entry_id(liar), .configuration = &configuration};
    if (snapshot.id.index == 0 || snapshot.id.index > RAFT_NUMBER_MAX || snapshot.id.term == 0) {
        return; /* Hosts look at the ranges. */
    }
    snapshot.configuration_index = below(liar, snapshot.id.index + 1);
    raft_install(raft, &snapshot);
}

/* The host goes on doing what it does. */
static void act(struct liar *liar) {
    struct harness *h = liar->h;
    if (chance(liar, 15)) {
        h->now_ms += below(liar, chance(liar, 10) ? 3 * ELECTION_MS : HEARTBEAT_MS);
        raft_tick(h->raft, h->now_ms);
    }
    if (chance(liar, 15)) {
        raft_persisted(h->raft, h->last_write);
    }
    if (chance(liar, 5)) {
        struct raft_entry command = {.type = RAFT_COMMAND};
        raft_propose(h->raft, &command, 1);
        raft_read(h->raft, 1);
        raft_read_lease(h->raft, 2);
        raft_transfer(h->raft, below(liar, 6));
    }
    if (chance(liar, 5)) {
        raft_compact(h->raft, below(liar, raft_commit_index(h->raft) + 1));
        raft_snapshot_progress(h->raft, below(liar, 6));
    }
    if (chance(liar, 2)) {
        install_a_lie(liar);
    }
    if (liar->asked_count > 0 && chance(liar, 5)) {
        const struct raft_message *asked = &liar->asked[below(liar, liar->asked_count)];
        raft_send_failed(h->raft, asked->to, asked->round);
    }
    if (chance(liar, 40)) {
        end_turn(liar);
    }
}

static void lie_to(struct harness *h, uint64_t seed) {
    struct liar liar = {.random = seed, .h = h};
    for (size_t i = 0; i < 64; i++) {
        liar.asked[i] = (struct raft_message){.to = 2, .round = i};
    }
    for (int step = 0; step < STEPS && raft_last_index(h->raft) < HARNESS_ENTRIES_MAX / 2; step++) {
        tell_a_lie(&liar);
        act(&liar);
    }
    end_turn(&liar);
    harness_stop(h);
}

START_TEST(no_lie_ends_a_member_of_three) {
    for (uint64_t seed = 1; seed <= RUNS; seed++) {
        lie_to(START(.voters = 3, .log = "11223", .seed = seed), seed);
    }
}
END_TEST

START_TEST(no_lie_ends_a_sole_voter) {
    for (uint64_t seed = 1; seed <= RUNS; seed++) {
        lie_to(START(.voters = 1, .learners = 2, .seed = seed), seed);
    }
}
END_TEST

START_TEST(no_lie_ends_a_server_without_a_log) {
    for (uint64_t seed = 1; seed <= RUNS; seed++) {
        lie_to(START(.voters = 0, .seed = seed), seed);
    }
}
END_TEST

START_TEST(no_lie_ends_a_server_in_the_last_terms) {
    for (uint64_t seed = 1; seed <= RUNS; seed++) {
        lie_to(START(.voters = 3, .hard_state = {RAFT_NUMBER_MAX - seed % 3, 0}, .seed = seed), seed);
    }
}
END_TEST

static void add_tests(TCase *tcase) {
    tcase_add_test(tcase, no_lie_ends_a_member_of_three);
    tcase_add_test(tcase, no_lie_ends_a_sole_voter);
    tcase_add_test(tcase, no_lie_ends_a_server_without_a_log);
    tcase_add_test(tcase, no_lie_ends_a_server_in_the_last_terms);
}

CHECK_MAIN("thesis/hostile", add_tests)
