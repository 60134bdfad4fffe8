#include "tests/unit/raft/harness.h"

#include "server/base/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void keep_line(void *context, bool important, const char *line) {
    struct harness *harness = context;
    harness->line_count++;
    if (important) {
        snprintf(harness->line, sizeof harness->line, "%s", line);
    }
}

struct raft_configuration harness_configuration(size_t voters, size_t learners) {
    struct raft_configuration configuration = {.voter_count = voters, .learner_count = learners};
    for (size_t i = 0; i < voters; i++) {
        configuration.voters[i] = i + 1;
    }
    for (size_t i = 0; i < learners; i++) {
        configuration.learners[i] = voters + i + 1;
    }
    return configuration;
}

static raft_term term_of(char digit) {
    ck_assert(digit >= '1' && digit <= '9');
    return (raft_term)(digit - '0');
}

static uint32_t or_else(uint32_t given, uint32_t otherwise) {
    return given != 0 ? given : otherwise;
}

static void restore_snapshot(struct harness *harness, const struct harness_setup *setup) {
    struct raft_snapshot snapshot = {.id = setup->snapshot.index != 0 ? setup->snapshot : setup->base,
                                     .configuration_index = 1,
                                     .configuration = &harness->configuration};
    if (snapshot.id.index != 0) {
        raft_restore_snapshot(harness->raft, setup->base, &snapshot);
        harness->commit_index = snapshot.id.index;
    }
}

struct harness *harness_start(const struct harness_setup *setup) {
    struct harness *harness = memory_zalloc(sizeof *harness);
    harness->now_ms = 1000;
    harness->next_ticket = 1;
    harness->next_round = 1;
    harness->configuration = harness_configuration(setup->voters, setup->learners);
    bool whole = setup->base.index == 0;
    const char *log = setup->log != NULL ? setup->log : setup->voters > 0 && whole ? "1" : "";
    size_t length = strlen(log);
    struct raft_options options = {
        .id = setup->id != 0 ? setup->id : 1,
        .seed = setup->seed,
        .heartbeat_ms = HEARTBEAT_MS,
        .election_timeout_ms = ELECTION_MS,
        .max_in_flight = or_else(setup->in_flight, 4),
        .max_batch_entries = or_else(setup->batch_entries, 8),
        .max_batch_bytes = or_else(setup->batch_bytes, 1000),
        .trace = keep_line,
        .trace_context = harness,
    };
    struct raft_hard_state hard_state = setup->hard_state;
    if (hard_state.term == 0) {
        hard_state.term = length > 0 ? term_of(log[length - 1]) : setup->base.term;
    }
    harness->raft = raft_create(&options, hard_state, harness->now_ms);
    restore_snapshot(harness, setup);
    for (size_t i = 0; i < length; i++) {
        bool first = i == 0 && setup->voters > 0 && whole;
        struct raft_entry entry = {.id = {setup->base.index + i + 1, term_of(log[i])},
                                   .type = first ? RAFT_CONFIGURATION : RAFT_COMMAND,
                                   .configuration = first ? &harness->configuration : NULL};
        raft_restore_entry(harness->raft, &entry);
    }
    return harness;
}

void harness_stop(struct harness *harness) {
    raft_destroy(harness->raft);
    free(harness);
}

/* -- Turns -- */

void harness_turn(struct harness *harness) {
    const struct raft_actions *actions = raft_take_actions(harness->raft);
    ck_assert(actions->message_count <= HARNESS_SENT_MAX);
    ck_assert(actions->read_count <= HARNESS_SENT_MAX);
    ck_assert(actions->entry_count <= HARNESS_ENTRIES_MAX);
    ck_assert(actions->commit_index >= harness->commit_index);
    harness->sent_count = actions->message_count;
    for (size_t i = 0; i < actions->message_count; i++) {
        harness->sent[i] = actions->messages[i];
    }
    harness->read_count = actions->read_count;
    for (size_t i = 0; i < actions->read_count; i++) {
        harness->reads[i] = actions->reads[i];
    }
    harness->written_count = actions->entry_count;
    for (size_t i = 0; i < actions->entry_count; i++) {
        harness->written[i] = actions->entries[i].id;
    }
    harness->write = actions->write;
    harness->last_write = actions->write != 0 ? actions->write : harness->last_write;
    harness->hard_state_changed = actions->hard_state_changed;
    harness->hard_state = actions->hard_state;
    harness->truncate_from = actions->truncate_from;
    harness->replaced_by = actions->replaced_by;
    harness->compact_through = actions->compact_through;
    harness->commit_index = actions->commit_index;
    harness->has_due = actions->configuration_due != NULL;
    harness->due = harness->has_due ? *actions->configuration_due : (struct raft_configuration){0};
    harness->given_up_on = actions->given_up_on;
    ck_assert(actions->change_given_up == (actions->given_up_on != 0));
}

void harness_persist(struct harness *harness) {
    raft_persisted(harness->raft, harness->last_write);
    harness_turn(harness);
}

void harness_pass(struct harness *harness, uint64_t ms) {
    harness->now_ms += ms;
    raft_tick(harness->raft, harness->now_ms);
    harness_turn(harness);
}

/* -- Requests that arrive -- */

static struct raft_message request_of(struct harness *harness, enum raft_message_type type, raft_node_id from,
                                      raft_term term) {
    return (struct raft_message){.type = type,
                                 .from = from,
                                 .to = 1,
                                 .term = term,
                                 .round = harness->next_round++,
                                 .ticket = harness->next_ticket++};
}

raft_round harness_receive_append(struct harness *harness, const struct harness_append *append) {
    struct raft_entry entries[HARNESS_ENTRIES_MAX];
    size_t count = append->entries == NULL ? 0 : strlen(append->entries);
    ck_assert(count <= HARNESS_ENTRIES_MAX);
    for (size_t i = 0; i < count; i++) {
        entries[i] =
            (struct raft_entry){.id = {append->prev.index + i + 1, term_of(append->entries[i])}, .type = RAFT_COMMAND};
    }
    struct raft_message request =
        request_of(harness, RAFT_APPEND_ENTRIES, append->from != 0 ? append->from : 2, append->term);
    request.append_entries = (struct raft_append_entries){
        .prev = append->prev, .leader_commit = append->commit, .entry_count = count, .entries = entries};
    raft_receive(harness->raft, &request);
    return request.round;
}

/* The answer to the newest request. */
static struct raft_message answer_of(const struct harness *harness, raft_node_id to, enum raft_message_type type) {
    for (size_t i = 0; i < harness->sent_count; i++) {
        const struct raft_message *sent = &harness->sent[i];
        if (sent->ticket == harness->next_ticket - 1) {
            ck_assert_int_eq(sent->type, type);
            ck_assert_uint_eq(sent->round, harness->next_round - 1);
            ck_assert_uint_eq(sent->to, to);
            return *sent;
        }
    }
    ck_abort_msg("the request was not answered in its turn");
}

struct raft_message harness_append(struct harness *harness, const struct harness_append *append) {
    harness_receive_append(harness, append);
    harness_turn(harness);
    return answer_of(harness, append->from != 0 ? append->from : 2, RAFT_APPEND_ANSWER);
}

static struct raft_message ask(struct harness *harness, raft_node_id from, raft_term term, struct raft_entry_id last,
                               bool pre_vote) {
    struct raft_message request = request_of(harness, RAFT_REQUEST_VOTE, from, term);
    request.request_vote = (struct raft_request_vote){.pre_vote = pre_vote, .last_log = last};
    raft_receive(harness->raft, &request);
    harness_turn(harness);
    struct raft_message answer = answer_of(harness, from, RAFT_VOTE_ANSWER);
    ck_assert_int_eq(answer.vote_answer.pre_vote, pre_vote);
    return answer;
}

struct raft_message harness_ask_vote(struct harness *harness, raft_node_id from, raft_term term,
                                     struct raft_entry_id last) {
    return ask(harness, from, term, last, false);
}

struct raft_message harness_ask_pre_vote(struct harness *harness, raft_node_id from, raft_term term,
                                         struct raft_entry_id last) {
    return ask(harness, from, term, last, true);
}

struct raft_message harness_chunk(struct harness *harness, raft_node_id from, raft_term term) {
    struct raft_message request = request_of(harness, RAFT_INSTALL_SNAPSHOT, from, term);
    raft_receive(harness->raft, &request);
    harness_turn(harness);
    return answer_of(harness, from, RAFT_INSTALL_ANSWER);
}

bool harness_install_with(struct harness *harness, struct raft_entry_id id, raft_index configuration_index,
                          struct raft_configuration configuration) {
    struct raft_snapshot snapshot = {id, configuration_index, &configuration};
    return raft_install(harness->raft, &snapshot);
}

bool harness_install(struct harness *harness, struct raft_entry_id id) {
    return harness_install_with(harness, id, 1, harness->configuration);
}

/* -- Ends of the server's own requests -- */

void harness_answer_vote(struct harness *harness, struct raft_message request, raft_term term, bool granted) {
    struct raft_message answer = {.type = RAFT_VOTE_ANSWER,
                                  .from = request.to,
                                  .to = request.from,
                                  .term = term,
                                  .round = request.round,
                                  .vote_answer = {.pre_vote = request.request_vote.pre_vote, .vote_granted = granted}};
    raft_receive(harness->raft, &answer);
    harness_turn(harness);
}

static void answer_append(struct harness *harness, const struct raft_message *request, struct raft_append_answer given) {
    ck_assert_int_eq(request->type, RAFT_APPEND_ENTRIES);
    struct raft_message answer = {.type = RAFT_APPEND_ANSWER,
                                  .from = request->to,
                                  .to = request->from,
                                  .term = request->term,
                                  .round = request->round,
                                  .append_answer = given};
    raft_receive(harness->raft, &answer);
    harness_turn(harness);
}

void harness_succeed(struct harness *harness, struct raft_message request) {
    raft_index match = request.append_entries.prev.index + request.append_entries.entry_count;
    answer_append(harness, &request, (struct raft_append_answer){.success = true, .match_index = match});
}

void harness_refuse(struct harness *harness, struct raft_message request, struct raft_entry_id conflict) {
    answer_append(harness, &request,
                  (struct raft_append_answer){.conflict_index = conflict.index, .conflict_term = conflict.term});
}

void harness_installed(struct harness *harness, struct raft_message request, raft_index installed) {
    ck_assert_int_eq(request.type, RAFT_INSTALL_SNAPSHOT);
    struct raft_message answer = {.type = RAFT_INSTALL_ANSWER,
                                  .from = request.to,
                                  .to = request.from,
                                  .term = request.term,
                                  .round = request.round,
                                  .install_answer = {.accepted = installed > 0, .installed = installed}};
    raft_receive(harness->raft, &answer);
    harness_turn(harness);
}

void harness_fail(struct harness *harness, struct raft_message request) {
    raft_send_failed(harness->raft, request.to, request.round);
    harness_turn(harness);
}

/* -- What was said -- */

struct raft_message harness_sent(const struct harness *harness, raft_node_id to, enum raft_message_type type) {
    for (size_t i = 0; i < harness->sent_count; i++) {
        if (harness->sent[i].to == to && harness->sent[i].type == type) {
            return harness->sent[i];
        }
    }
    ck_abort_msg("nothing of type %d was sent to %llu", (int)type, (unsigned long long)to);
}

size_t harness_sent_count(const struct harness *harness, raft_node_id to, enum raft_message_type type) {
    size_t count = 0;
    for (size_t i = 0; i < harness->sent_count; i++) {
        count += harness->sent[i].to == to && harness->sent[i].type == type ? 1 : 0;
    }
    return count;
}

/* -- Leadership -- */

void harness_campaign(struct harness *harness) {
    while (harness_role(harness) != RAFT_PRE_CANDIDATE) {
        ck_assert(harness_role(harness) != RAFT_LEADER);
        harness_pass(harness, 1);
    }
}

/* Voters from 2 on grant what was asked in this turn until a majority has. */
static void grant(struct harness *harness) {
    size_t needed = harness->configuration.voter_count / 2;
    struct raft_message asked[RAFT_MEMBERS_MAX];
    for (size_t i = 0; i < needed; i++) {
        asked[i] = harness_sent(harness, i + 2, RAFT_REQUEST_VOTE);
    }
    for (size_t i = 0; i < needed; i++) {
        harness_answer_vote(harness, asked[i], asked[i].term, true);
    }
}

void harness_win_pre_votes(struct harness *harness) {
    harness_campaign(harness);
    grant(harness);
    ck_assert_int_eq(harness_role(harness), RAFT_CANDIDATE);
}

void harness_win(struct harness *harness) {
    harness_win_pre_votes(harness);
    raft_persisted(harness->raft, harness->last_write);
    grant(harness);
    ck_assert_int_eq(harness_role(harness), RAFT_LEADER);
}

void harness_lead(struct harness *harness) {
    harness_win(harness);
    raft_persisted(harness->raft, harness->last_write);
}

void harness_lead_and_commit(struct harness *harness) {
    harness_lead(harness);
    harness_succeed(harness, harness_sent(harness, 2, RAFT_APPEND_ENTRIES));
    ck_assert_uint_eq(raft_commit_index(harness->raft), raft_last_index(harness->raft));
}

bool harness_propose(struct harness *harness, size_t count, uint32_t size) {
    struct raft_entry entries[HARNESS_ENTRIES_MAX];
    ck_assert(count <= HARNESS_ENTRIES_MAX);
    struct buffer *buffer = size > 0 ? buffer_take(memory_zalloc(size), size) : NULL;
    for (size_t i = 0; i < count; i++) {
        entries[i] = (struct raft_entry){
            .type = RAFT_COMMAND, .size = size, .buffer = buffer, .data = buffer != NULL ? buffer->data : NULL};
    }
    bool proposed = raft_propose(harness->raft, entries, count);
    buffer_release(buffer);
    harness_turn(harness);
    return proposed;
}

/* -- Looking -- */

enum raft_role harness_role(const struct harness *harness) {
    return raft_role(harness->raft);
}

void harness_assert_log(const struct harness *harness, const char *terms) {
    char found[HARNESS_ENTRIES_MAX + 1];
    raft_index last = raft_last_index(harness->raft);
    ck_assert(last <= HARNESS_ENTRIES_MAX);
    size_t count = 0;
    for (raft_index i = raft_base(harness->raft).index + 1; i <= last; i++) {
        found[count++] = (char)('0' + raft_term_at(harness->raft, i));
    }
    found[count] = '\0';
    ck_assert_str_eq(found, terms);
}

struct raft_peer_status harness_peer(const struct harness *harness, raft_node_id id) {
    struct raft_status status;
    raft_status(harness->raft, &status);
    for (size_t i = 0; i < status.peer_count; i++) {
        if (status.peers[i].id == id) {
            return status.peers[i];
        }
    }
    ck_abort_msg("the leader knows no server %llu", (unsigned long long)id);
}
