/* The invariants. */
#include "tests/thesis/cluster.h"

#include "server/base/memory.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

_Noreturn void cluster_fail(const struct cluster *cluster, const char *format, ...) {
    fprintf(stderr, "seed %" PRIu64 ", %" PRIu64 " ms: ", cluster->seed, cluster->now_ms);
    va_list arguments;
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fprintf(stderr, "\n");
    exit(EXIT_FAILURE);
}

static bool has_entry(const struct cluster_log *log, raft_index index, raft_term term) {
    return index == 0 || (index <= log->count && log->entries[index - 1].term == term);
}

/* -- Actions -- */

static void mix(struct cluster *cluster, uint64_t number) {
    cluster->trace = (cluster->trace ^ number) * UINT64_C(0x100000001B3);
    cluster->trace ^= cluster->trace >> 29;
}

static void remember_trace(struct cluster *cluster, const struct cluster_node *node, const struct raft_actions *actions) {
    mix(cluster, cluster->now_ms);
    mix(cluster, node->id);
    mix(cluster, actions->write);
    mix(cluster, actions->hard_state.term);
    mix(cluster, actions->hard_state.voted_for);
    mix(cluster, actions->truncate_from);
    mix(cluster, actions->replaced_by.index);
    mix(cluster, actions->compact_through);
    mix(cluster, actions->commit_index);
    for (size_t i = 0; i < actions->entry_count; i++) {
        mix(cluster, actions->entries[i].id.index);
        mix(cluster, actions->entries[i].id.term);
    }
    for (size_t i = 0; i < actions->message_count; i++) {
        mix(cluster, (uint64_t)actions->messages[i].type);
        mix(cluster, actions->messages[i].to);
        mix(cluster, actions->messages[i].round);
        mix(cluster, actions->messages[i].after_write);
    }
    for (size_t i = 0; i < actions->read_count; i++) {
        mix(cluster, actions->reads[i].index);
    }
}

/* §6.4: a read sees everything that was committed anywhere when it was asked. Its ticket is how much that was. */
static void check_reads(struct cluster *cluster, const struct cluster_node *node, const struct raft_actions *actions) {
    for (size_t i = 0; i < actions->read_count; i++) {
        const struct raft_read_answer *read = &actions->reads[i];
        if (!read->ok) {
            continue;
        }
        cluster->reads_answered++;
        if (read->index < read->ticket) {
            cluster_fail(cluster, "node %" PRIu64 " answers a read with index %" PRIu64 ", but %" PRIu64 " was committed",
                         node->id, read->index, read->ticket);
        }
    }
}

/* §3.6.1: terms never fall, and a vote is given once in a term. */
static void check_hard_state(const struct cluster *cluster, struct cluster_node *node, struct raft_hard_state new) {
    struct raft_hard_state old = node->told_state;
    if (new.term < old.term || (new.term == old.term &&old.voted_for != 0 && new.voted_for != old.voted_for)) {
        cluster_fail(cluster,
                     "node %" PRIu64 " takes back term %" PRIu64 " or its vote for %" PRIu64 ": term %" PRIu64
                     ", vote %" PRIu64,
                     node->id, old.term, old.voted_for, new.term, new.voted_for);
    }
    node->told_state = new;
}

void cluster_check_actions(struct cluster *cluster, struct cluster_node *node, const struct raft_actions *actions) {
    remember_trace(cluster, node, actions);
    if (actions->commit_index < node->commit_index) {
        cluster_fail(cluster, "node %" PRIu64 ": commit index goes back from %" PRIu64 " to %" PRIu64, node->id,
                     node->commit_index, actions->commit_index);
    }
    if (actions->truncate_from != 0 && actions->truncate_from <= node->commit_index) {
        cluster_fail(cluster, "node %" PRIu64 " truncates from %" PRIu64 " what it has committed", node->id,
                     actions->truncate_from);
    }
    node->appended = actions->entry_count;
    bool leads = raft_role(node->raft) == RAFT_LEADER && raft_current_term(node->raft) == node->led_term;
    if (leads && (actions->truncate_from != 0 || actions->replaced_by.index != 0)) {
        cluster_fail(cluster, "leader append-only: node %" PRIu64 " truncates its log", node->id);
    }
    check_hard_state(cluster, node, actions->hard_state);
    check_reads(cluster, node, actions);
}

/* -- State -- */

/* Log matching, by induction: whoever has an entry of this index and term has the same one after the same predecessor. */
static void check_matching(struct cluster *cluster, const struct cluster_node *node, raft_index index) {
    const struct cluster_entry *entry = &node->log.entries[index - 1];
    raft_term previous_term = index > 1 ? node->log.entries[index - 2].term : 0;
    for (size_t i = cluster->fact_count; i > 0; i--) {
        const struct cluster_fact *fact = &cluster->facts[i - 1];
        if (fact->index != index || fact->term != entry->term) {
            continue;
        }
        if (fact->previous_term != previous_term || fact->value != entry->value) {
            cluster_fail(cluster, "log matching: node %" PRIu64 " has another entry %" PRIu64 " of term %" PRIu64, node->id,
                         index, entry->term);
        }
        return;
    }
    cluster->facts = memory_grow(cluster->facts, &cluster->fact_capacity, cluster->fact_count + 1, sizeof *cluster->facts);
    cluster->facts[cluster->fact_count++] =
        (struct cluster_fact){.index = index, .term = entry->term, .previous_term = previous_term, .value = entry->value};
}

void cluster_check_log(struct cluster *cluster, const struct cluster_node *node) {
    for (raft_index index = 1; index <= node->log.count; index++) {
        check_matching(cluster, node, index);
    }
}

/* §3.6: what a term has committed, the leaders of all later terms have. (One of an earlier term may be late to learn that
 * it was elected.) */
static void check_complete(const struct cluster *cluster, const struct cluster_node *leader, raft_index from) {
    for (raft_index index = from; index <= cluster->committed.count; index++) {
        const struct cluster_entry *entry = &cluster->committed.entries[index - 1];
        if (entry->committed_in < leader->led_term && !has_entry(&leader->log, index, entry->term)) {
            cluster_fail(cluster, "leader completeness: node %" PRIu64 " leads term %" PRIu64 " without entry %" PRIu64,
                         leader->id, leader->led_term, index);
        }
    }
}

static void check_leadership(struct cluster *cluster, struct cluster_node *node) {
    raft_term term = raft_current_term(node->raft);
    raft_term before = node->led_term;
    node->led_term = raft_role(node->raft) == RAFT_LEADER ? term : 0;
    if (node->led_term == 0 || node->led_term == before) {
        return;
    }
    if (term >= CLUSTER_TERMS_MAX) {
        cluster_fail(cluster, "liveness: term %" PRIu64, term);
    }
    if (cluster->leader_of[term] != 0) {
        cluster_fail(cluster, "election safety: nodes %" PRIu64 " and %" PRIu64 " lead term %" PRIu64,
                     cluster->leader_of[term], node->id, term);
    }
    cluster->leader_of[term] = node->id;
    cluster->leaders_elected++;
    check_complete(cluster, node, 1);
}

/* §3.8: what is committed survives as long as a majority of disks does. Of the configuration in effect, at the beginning or
 * at the end of the turn. */
static void check_durable(const struct cluster *cluster, const struct cluster_node *node, raft_index index) {
    raft_term term = node->log.entries[index - 1].term;
    if (!cluster_is_held_by(cluster, raft_current_configuration(node->raft, NULL), index, term) &&
        !cluster_is_held_by(cluster, &node->configuration, index, term)) {
        cluster_fail(cluster, "node %" PRIu64 " commits entry %" PRIu64 " of term %" PRIu64 ", which is on too few disks",
                     node->id, index, term);
    }
}

/* §4.1, and the erratum: a leader's configuration follows a committed one, after an entry of its term is committed. */
static void check_change(const struct cluster *cluster, const struct cluster_node *node) {
    const struct cluster_log *log = &node->log;
    size_t changes = 0;
    for (raft_index index = node->commit_index + 1; index <= log->count; index++) {
        const struct cluster_entry *entry = &log->entries[index - 1];
        bool own = node->led_term != 0 && entry->type == RAFT_CONFIGURATION && entry->term == node->led_term;
        changes += own ? 1 : 0;
        if (own && log->entries[index - 2].term != node->led_term) {
            cluster_fail(cluster, "node %" PRIu64 " begins its term with configuration %" PRIu64, node->id, index);
        }
    }
    raft_index committed = node->commit_index;
    if (changes > 1 || (changes == 1 && log->entries[committed - 1].term != node->led_term)) {
        cluster_fail(cluster,
                     "node %" PRIu64 " appends a configuration before what is committed after %" PRIu64 " allows it",
                     node->id, committed);
    }
}

/* Whether from the log or from snapshots: the same index, the same state. */
static void check_state(const struct cluster *cluster, const struct cluster_node *node) {
    if (node->commit_index > 0 && node->state != cluster->committed.entries[node->commit_index - 1].state) {
        cluster_fail(cluster, "state machine safety: node %" PRIu64 " has another state after %" PRIu64, node->id,
                     node->commit_index);
    }
}

static void check_commitment(struct cluster *cluster, struct cluster_node *node) {
    raft_index commit_index = raft_commit_index(node->raft);
    raft_index known = cluster->committed.count;
    for (raft_index index = node->commit_index + 1; index <= commit_index && index <= known; index++) {
        const struct cluster_entry *entry = &cluster->committed.entries[index - 1];
        if (!has_entry(&node->log, index, entry->term) || node->log.entries[index - 1].value != entry->value) {
            cluster_fail(cluster, "state machine safety: node %" PRIu64 " applies another entry %" PRIu64, node->id, index);
        }
    }
    if (commit_index > node->log.count) {
        cluster_fail(cluster, "node %" PRIu64 " commits %" PRIu64 ", which it does not have", node->id, commit_index);
    }
    for (; node->commit_index < commit_index; node->commit_index++) {
        node->state = cluster_state_after(node->state, node->commit_index + 1, &node->log.entries[node->commit_index]);
    }
    if (commit_index <= known) {
        check_state(cluster, node);
        return;
    }
    check_durable(cluster, node, commit_index);
    if (node->led_term != 0 && node->log.entries[commit_index - 1].term != node->led_term) {
        cluster_fail(cluster, "node %" PRIu64 " commits entry %" PRIu64 " of an older term by counting", node->id,
                     commit_index);
    }
    struct cluster_log *committed = &cluster->committed;
    committed->entries = memory_grow(committed->entries, &committed->capacity, commit_index, sizeof *committed->entries);
    for (; committed->count < commit_index; committed->count++) {
        struct cluster_entry *entry = &committed->entries[committed->count];
        uint64_t before = committed->count > 0 ? entry[-1].state : 0;
        *entry = node->log.entries[committed->count];
        entry->committed_in = raft_current_term(node->raft);
        entry->state = cluster_state_after(before, committed->count + 1, entry);
    }
    check_state(cluster, node);
    for (size_t i = 0; i < cluster->node_count; i++) {
        if (cluster->nodes[i].led_term != 0) {
            check_complete(cluster, &cluster->nodes[i], known + 1);
        }
    }
}

void cluster_check_node(struct cluster *cluster, struct cluster_node *node) {
    raft_index last = raft_last_index(node->raft);
    if (last != node->log.count || (last > 0 && raft_term_at(node->raft, last) != node->log.entries[last - 1].term)) {
        cluster_fail(cluster, "node %" PRIu64 " has another log than its host", node->id);
    }
    for (size_t i = 0; i < node->appended; i++) {
        check_matching(cluster, node, last - i);
    }
    if (raft_base(node->raft).index != node->log.base ||
        (node->log.base > 0 && raft_base(node->raft).term != node->log.entries[node->log.base - 1].term)) {
        cluster_fail(cluster, "node %" PRIu64 " has another base than its host", node->id);
    }
    raft_index persisted = raft_persisted_index(node->raft);
    if (persisted > 0 && !has_entry(&node->durable, persisted, node->log.entries[persisted - 1].term)) {
        cluster_fail(cluster, "node %" PRIu64 " takes entry %" PRIu64 " to be on its disk", node->id, persisted);
    }
    if (node->owed > RAFT_IN_FLIGHT_MAX) {
        cluster_fail(cluster, "node %" PRIu64 " leaves %zu requests unanswered", node->id, node->owed);
    }
    check_leadership(cluster, node);
    check_commitment(cluster, node);
    check_change(cluster, node);
    node->configuration = *raft_current_configuration(node->raft, NULL);
}

/* -- Messages -- */

/* Figure 3.1: what others may rest on is on disk before it leaves. */
void cluster_check_message(const struct cluster *cluster, const struct cluster_node *node,
                           const struct raft_message *message) {
    const struct raft_hard_state *durable = &node->durable_state;
    bool pre_vote = (message->type == RAFT_REQUEST_VOTE && message->request_vote.pre_vote) ||
                    (message->type == RAFT_VOTE_ANSWER && message->vote_answer.pre_vote);
    if (!pre_vote && durable->term < message->term) {
        cluster_fail(cluster, "node %" PRIu64 " speaks in term %" PRIu64 " before it is on its disk", node->id,
                     message->term);
    }
    bool grants = message->type == RAFT_VOTE_ANSWER && !pre_vote && message->vote_answer.vote_granted;
    if (grants && durable->term == message->term && durable->voted_for != message->to) {
        cluster_fail(cluster, "node %" PRIu64 " grants a vote before it is on its disk", node->id);
    }
    bool asks = message->type == RAFT_REQUEST_VOTE && !pre_vote;
    if (asks && durable->term == message->term && durable->voted_for != node->id) {
        cluster_fail(cluster, "node %" PRIu64 " campaigns before its vote is on its disk", node->id);
    }
    if (message->type == RAFT_INSTALL_ANSWER && node->durable.count < message->install_answer.installed) {
        cluster_fail(cluster, "node %" PRIu64 " claims a snapshot of %" PRIu64 " before it is on its disk", node->id,
                     message->install_answer.installed);
    }
    /* In a later term its leader may have had the entry removed again, which is no worse than right after the answer. */
    if (message->type == RAFT_APPEND_ANSWER && message->append_answer.success && durable->term == message->term &&
        node->durable.count < message->append_answer.match_index) {
        cluster_fail(cluster, "node %" PRIu64 " confirms entry %" PRIu64 " before it is on its disk", node->id,
                     message->append_answer.match_index);
    }
}
