#include "tests/unit/raft/fellows.h"

#include "server/base/memory.h"
#include "server/raft/configuration.h"

#include <stdlib.h>
#include <string.h>

/* -- Configurations -- */

static size_t read_digits(const char *digits, raft_node_id *ids) {
    size_t count = digits == NULL ? 0 : strlen(digits);
    for (size_t i = 0; i < count; i++) {
        ids[i] = (raft_node_id)(digits[i] - '0');
    }
    return count;
}

struct raft_configuration fellows_configuration(const char *voters, const char *learners) {
    struct raft_configuration configuration = {0};
    configuration.voter_count = read_digits(voters, configuration.voters);
    configuration.learner_count = read_digits(learners, configuration.learners);
    return configuration;
}

struct raft_configuration fellows_joint(const char *voters, const char *outgoing, const char *learners,
                                        const char *next_learners) {
    struct raft_configuration configuration = fellows_configuration(voters, learners);
    configuration.outgoing_count = read_digits(outgoing, configuration.outgoing);
    configuration.next_voter_count = read_digits(voters, configuration.next_voters);
    configuration.next_learner_count = read_digits(next_learners, configuration.next_learners);
    return configuration;
}

struct raft_configuration fellows_catching_up(const char *voters, const char *learners, const char *joining,
                                              const char *next_voters, const char *next_learners) {
    struct raft_configuration configuration = fellows_configuration(voters, learners);
    configuration.joining_count = read_digits(joining, configuration.joining);
    configuration.next_voter_count = read_digits(next_voters, configuration.next_voters);
    configuration.next_learner_count = read_digits(next_learners, configuration.next_learners);
    return configuration;
}

void fellows_assert_configuration(const struct harness *h, struct raft_configuration expected) {
    ck_assert(configuration_equal(raft_current_configuration(h->raft, NULL), &expected));
}

/* -- Life -- */

struct fellows *fellows_start(size_t voters) {
    return fellows_start_with(harness_configuration(voters, 0));
}

struct fellows *fellows_start_with(struct raft_configuration configuration) {
    struct fellows *fellows = memory_zalloc(sizeof *fellows);
    fellows->h = harness_start(&(struct harness_setup){.log = "", .hard_state = {1, 0}, .batch_entries = 1});
    struct raft_entry entry = {.id = {1, 1}, .type = RAFT_CONFIGURATION, .configuration = &configuration};
    raft_restore_entry(fellows->h->raft, &entry);
    for (raft_node_id id = 1; id < FELLOWS_MAX; id++) {
        fellows->length[id] = configuration_has(&configuration, id) ? 1 : 0;
    }
    return fellows;
}

void fellows_stop(struct fellows *fellows) {
    harness_stop(fellows->h);
    free(fellows);
}

void fellows_kill(struct fellows *fellows, const char *ids) {
    for (; *ids != '\0'; ids++) {
        fellows->dead[*ids - '0'] = true;
    }
}

void fellows_revive(struct fellows *fellows, const char *ids) {
    for (; *ids != '\0'; ids++) {
        fellows->dead[*ids - '0'] = false;
    }
}

/* -- Answers -- */

static struct raft_append_answer take(struct fellows *fellows, const struct raft_message *request) {
    const struct raft_append_entries *append = &request->append_entries;
    raft_index *length = &fellows->length[request->to];
    if (append->prev.index > *length) {
        return (struct raft_append_answer){.conflict_index = *length + 1};
    }
    raft_index last = append->prev.index + append->entry_count;
    *length = last > *length ? last : *length;
    raft_index told = append->leader_commit < last ? append->leader_commit : last;
    fellows->told[request->to] = told > fellows->told[request->to] ? told : fellows->told[request->to];
    return (struct raft_append_answer){.success = true, .match_index = last, .promise_ms = PROMISE_MS};
}

/* It answers, but not to entries that it has no room for. */
static bool has_room(const struct fellows *fellows, const struct raft_message *request) {
    size_t count = request->append_entries.entry_count;
    raft_index limit = fellows->limit[request->to];
    return count == 0 || request->append_entries.prev.index > fellows->length[request->to] ||
           (!fellows->full[request->to] && (limit == 0 || request->append_entries.prev.index + count <= limit));
}

static void answer(struct fellows *fellows, const struct raft_message *request) {
    bool silent = fellows->dead[request->to] || request->type == RAFT_INSTALL_SNAPSHOT ||
                  (request->type == RAFT_APPEND_ENTRIES && !has_room(fellows, request));
    if (silent) {
        raft_send_failed(fellows->h->raft, request->to, request->round);
        return;
    }
    struct raft_message given = {.from = request->to, .to = request->from, .term = request->term, .round = request->round};
    switch (request->type) {
    case RAFT_REQUEST_VOTE:
        given.type = RAFT_VOTE_ANSWER;
        given.vote_answer = (struct raft_vote_answer){request->request_vote.pre_vote, true};
        break;
    case RAFT_APPEND_ENTRIES:
        given.type = RAFT_APPEND_ANSWER;
        given.append_answer = take(fellows, request);
        break;
    case RAFT_TIMEOUT_NOW:
        fellows->told_to_campaign = request->to;
        given.type = RAFT_TIMEOUT_NOW_ANSWER;
        break;
    default:
        return; /* An answer of the server's own. */
    }
    raft_receive(fellows->h->raft, &given);
}

void fellows_answer(struct fellows *fellows) {
    struct harness *h = fellows->h;
    while (h->sent_count > 0 || h->write != 0) {
        struct raft_message sent[HARNESS_SENT_MAX];
        size_t count = h->sent_count;
        memcpy(sent, h->sent, count * sizeof *sent);
        raft_persisted(h->raft, h->last_write);
        for (size_t i = 0; i < count; i++) {
            answer(fellows, &sent[i]);
        }
        harness_turn(h);
    }
}

void fellows_pass(struct fellows *fellows, uint64_t ms) {
    fellows_answer(fellows);
    for (uint64_t passed = 0; passed < ms; passed += HEARTBEAT_MS) {
        harness_pass(fellows->h, HEARTBEAT_MS);
        fellows_answer(fellows);
    }
}

void fellows_elect(struct fellows *fellows) {
    struct harness *h = fellows->h;
    for (int ms = 0; raft_role(h->raft) != RAFT_LEADER; ms++) {
        ck_assert_int_lt(ms, 10 * ELECTION_MS);
        harness_pass(h, 1);
        while (raft_role(h->raft) != RAFT_LEADER && (h->sent_count > 0 || h->write != 0)) {
            struct raft_message sent[HARNESS_SENT_MAX];
            size_t count = h->sent_count;
            memcpy(sent, h->sent, count * sizeof *sent);
            raft_persisted(h->raft, h->last_write);
            for (size_t i = 0; i < count; i++) {
                answer(fellows, &sent[i]);
            }
            harness_turn(h);
        }
    }
}

/* -- Changes -- */

static void append(struct fellows *fellows, const struct raft_configuration *configuration) {
    struct raft_entry entry = {.type = RAFT_CONFIGURATION, .configuration = configuration};
    ck_assert(raft_propose(fellows->h->raft, &entry, 1));
    harness_turn(fellows->h);
    ck_assert_uint_eq(entry.id.index, raft_last_index(fellows->h->raft));
    fellows_assert_configuration(fellows->h, *configuration);
}

enum raft_change_verdict fellows_change(struct fellows *fellows, struct raft_configuration target) {
    struct raft_configuration first;
    enum raft_change_verdict verdict = raft_change(fellows->h->raft, &target, &first);
    if (verdict == RAFT_CHANGE_BEGUN) {
        append(fellows, &first);
    }
    return verdict;
}

void fellows_append_due(struct fellows *fellows) {
    ck_assert(fellows->h->has_due);
    struct raft_configuration due = fellows->h->due;
    append(fellows, &due);
}

void fellows_learn(struct fellows *fellows, raft_node_id leader, raft_term term, struct raft_configuration configuration,
                   raft_index commit) {
    struct harness *h = fellows->h;
    raft_index last = raft_last_index(h->raft);
    struct raft_entry entry = {.id = {last + 1, term}, .type = RAFT_CONFIGURATION, .configuration = &configuration};
    struct raft_message request = {
        .type = RAFT_APPEND_ENTRIES,
        .from = leader,
        .to = 1,
        .term = term,
        .round = h->next_round++,
        .ticket = h->next_ticket++,
        .append_entries = {.prev = {last, raft_term_at(h->raft, last)},
                           .leader_commit = commit,
                           .entry_count = 1,
                           .entries = &entry},
    };
    raft_receive(h->raft, &request);
    harness_turn(h);
    ck_assert_uint_eq(raft_last_index(h->raft), last + 1);
    harness_persist(h);
}
