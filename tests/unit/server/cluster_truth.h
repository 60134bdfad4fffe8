/* What must hold of a cluster at every moment, whoever its members are: looked at after every turn of every node and for
 * every write that a disk is handed. Nothing here is taken from what nodes say about each other: committed is what a
 * majority of disks holds, elected is whom a majority of disks voted for, and a disk that was wiped is another one. */
#ifndef RAFTD_TESTS_SERVER_CLUSTER_TRUTH_H
#define RAFTD_TESTS_SERVER_CLUSTER_TRUTH_H

#include "cluster_copies.h"
#include "cluster_lease.h"
#include "cluster_members.h"
#include "server/raft/configuration.h"

enum { TRUTH_TERMS_MAX = 4000, TRUTH_SERVERS_MAX = 2 * CLUSTER_MAX };

/* An entry that a disk was handed, with the term of the one before: by the two, a log leads back to its beginning. */
struct truth_entry {
    struct raft_entry entry; /* Its bytes and key are owned. */
    raft_term before;
};

struct truth_index {
    struct truth_entry *entries; /* Owned: one a term. */
    size_t count;
    size_t capacity;
    raft_term committed;    /* The term of the committed one; 0: none is. */
    raft_term committed_in; /* The term of who committed it. */
    uint64_t state;         /* What the machines are after it, as a hash; 0: nobody has stopped there. */
};

struct truth_vote {
    char incarnation[STORAGE_INCARNATION_SIZE + 1];
    raft_term term;
    raft_node_id candidate;
};

/* As it was after the last turn. */
struct truth_seen {
    unsigned life;
    raft_index commit;
    raft_index applied;
    raft_term led;
    struct members members;
    struct copies_seen copies;
};

struct truth {
    struct cluster *cluster;
    struct truth_index *at; /* Owned; by index, [0] is not used. */
    size_t count;
    size_t capacity;
    raft_index committed;
    struct truth_vote *votes; /* Owned. */
    size_t vote_count;
    size_t vote_capacity;
    char leader_of[TRUTH_TERMS_MAX][STORAGE_INCARNATION_SIZE + 1];
    struct truth_seen seen[CLUSTER_MAX];
    size_t installed; /* Logs that gave way to a snapshot. */
    size_t configurations;
    size_t joint;
    uint64_t trace; /* All that happened, as a hash. */
};

static inline uint64_t truth_hash(uint64_t hash, const void *bytes, size_t size) {
    for (size_t i = 0; i < size; i++) {
        hash = (hash ^ ((const unsigned char *)bytes)[i]) * UINT64_C(0x100000001B3);
    }
    return hash;
}

static inline struct truth_index *truth_at(struct truth *truth, raft_index index) {
    if (index >= truth->count) {
        truth->at = memory_grow(truth->at, &truth->capacity, index + 1, sizeof *truth->at);
        memset(&truth->at[truth->count], 0, (index + 1 - truth->count) * sizeof *truth->at);
        truth->count = index + 1;
    }
    return &truth->at[index];
}

/* NULL: no disk was ever handed it. */
static inline const struct truth_entry *truth_find(struct truth *truth, raft_index index, raft_term term) {
    struct truth_index *at = truth_at(truth, index);
    for (size_t i = 0; i < at->count; i++) {
        if (at->entries[i].entry.id.term == term) {
            return &at->entries[i];
        }
    }
    return NULL;
}

/* -- Majorities -- */

/* A server is an id together with a disk. */
struct truth_servers {
    size_t count;
    const struct members_member *list[TRUTH_SERVERS_MAX];
};

static inline size_t truth_place(struct truth_servers *servers, const struct members_member *member) {
    for (size_t i = 0; i < servers->count; i++) {
        if (servers->list[i]->id == member->id && strcmp(servers->list[i]->incarnation, member->incarnation) == 0) {
            return i;
        }
    }
    ck_assert_uint_lt(servers->count, TRUTH_SERVERS_MAX);
    servers->list[servers->count] = member;
    return servers->count++;
}

/* Whether those servers suffice to decide: a majority of the voters and, while there are outgoing ones, of those. */
static inline bool truth_decides(const struct members *members, struct truth_servers *servers, uint64_t those) {
    size_t voters[2] = {0};
    size_t here[2] = {0};
    for (size_t i = 0; i < members->count; i++) {
        const struct members_member *member = &members->list[i];
        bool in = (those >> truth_place(servers, member)) & 1;
        voters[0] += member->voter ? 1 : 0;
        here[0] += member->voter && in ? 1 : 0;
        voters[1] += member->outgoing ? 1 : 0;
        here[1] += member->outgoing && in ? 1 : 0;
    }
    return 2 * here[0] > voters[0] && (voters[1] == 0 || 2 * here[1] > voters[1]);
}

/* §4.1, §4.3: who can decide by the one configuration shares a server with all who can by the next. */
static inline void truth_check_overlap(const struct members *one, const struct members *next) {
    struct truth_servers servers = {0};
    truth_decides(one, &servers, 0);
    truth_decides(next, &servers, 0);
    for (uint64_t those = 0; those < UINT64_C(1) << servers.count; those++) {
        ck_assert_msg(!truth_decides(one, &servers, those) || !truth_decides(next, &servers, ~those),
                      "two configurations after each other can both decide without sharing a server");
    }
}

/* Whether `has` holds of enough of them to decide. */
static inline bool truth_majority(struct truth *truth, const struct members *members,
                                  bool (*has)(struct truth *truth, const struct members_member *member, uint64_t what,
                                              uint64_t of),
                                  uint64_t what, uint64_t of) {
    struct truth_servers servers = {0};
    uint64_t those = 0;
    truth_decides(members, &servers, 0);
    for (size_t i = 0; i < servers.count; i++) {
        those |= has(truth, servers.list[i], what, of) ? UINT64_C(1) << i : 0;
    }
    return truth_decides(members, &servers, those);
}

static inline bool truth_voted(struct truth *truth, const struct members_member *member, uint64_t term,
                               uint64_t candidate) {
    for (size_t i = truth->vote_count; i > 0; i--) {
        const struct truth_vote *vote = &truth->votes[i - 1];
        if (vote->term == term && vote->candidate == candidate && strcmp(vote->incarnation, member->incarnation) == 0) {
            return true;
        }
    }
    return false;
}

/* On the disk of that very server. */
static inline bool truth_holds(struct truth *truth, const struct members_member *member, uint64_t index, uint64_t term) {
    const struct member *owner = &truth->cluster->members[member->id - 1];
    if (strcmp(owner->incarnation, member->incarnation) != 0) {
        return false;
    }
    return truth_stores(owner->storage, index, term);
}

/* -- Writes -- */

/* A configuration comes after a committed one, and after its leader has committed in its term (the erratum of 2015). */
static inline void truth_check_configuration(struct truth *truth, const struct node *node, const struct raft_entry *entry) {
    struct members members;
    ck_assert(roster_read(entry, &members));
    truth->configurations++;
    if (truth->cluster->tell != NULL) {
        char words[128];
        members_words(&members, words);
        CLUSTER_TELL(truth->cluster, "entry %" PRIu64 " of term %" PRIu64 ": the members are %s", entry->id.index,
                     entry->id.term, words);
    }
    if (entry->id.index == 1) {
        return;
    }
    const struct roster_at *before = roster_as_of(&node->roster, entry->id.index - 1);
    ck_assert_uint_gt(before->index, 0);
    truth_check_overlap(&before->members, &members);
    raft_index commit = raft_commit_index(node->core);
    if (node_is_leader(node) && raft_current_term(node->core) == entry->id.term) { /* Else it was, until this turn. */
        ck_assert_uint_le(before->index, commit);
        ck_assert(raft_term_at(node->core, commit) == entry->id.term);
    }
    for (size_t i = 0; i < members.count; i++) {
        truth->joint += members.list[i].outgoing && i == 0 ? 1 : 0;
        const struct members_member *known = members_find(&before->members, members.list[i].id);
        ck_assert_msg(known == NULL || strcmp(known->incarnation, members.list[i].incarnation) == 0,
                      "a member is another server from one configuration to the next");
    }
}

static inline void truth_note_entry(struct truth *truth, const struct node *node, const struct raft_entry *entry,
                                    raft_term before) {
    const struct truth_entry *known = truth_find(truth, entry->id.index, entry->id.term);
    if (known != NULL) { /* Log matching (§3.5). */
        ck_assert_uint_eq(known->before, before);
        ck_assert_uint_eq(known->entry.size, entry->size);
        ck_assert(entry->size == 0 || memcmp(known->entry.data, entry->data, entry->size) == 0);
        ck_assert(known->entry.type == entry->type && known->entry.session == entry->session &&
                  known->entry.sequence == entry->sequence && known->entry.time_ms == entry->time_ms);
        return;
    }
    struct truth_index *at = truth_at(truth, entry->id.index);
    at->entries = memory_grow(at->entries, &at->capacity, at->count + 1, sizeof *at->entries);
    struct truth_entry *added = &at->entries[at->count++];
    *added = (struct truth_entry){.entry = *entry, .before = before};
    added->entry.buffer = NULL;
    added->entry.data = memory_copy(entry->data, entry->size);
    added->entry.key = entry->key == NULL ? NULL : memory_text(entry->key, entry->key_size);
    if (entry->type == RAFT_CONFIGURATION) {
        truth_check_configuration(truth, node, entry);
    }
}

static inline void truth_note_vote(struct truth *truth, const char *incarnation, raft_term term, raft_node_id candidate) {
    truth->votes = memory_grow(truth->votes, &truth->vote_capacity, truth->vote_count + 1, sizeof *truth->votes);
    struct truth_vote *vote = &truth->votes[truth->vote_count++];
    *vote = (struct truth_vote){.term = term, .candidate = candidate};
    memcpy(vote->incarnation, incarnation, sizeof vote->incarnation);
}

/* A vote is on disk before anybody hears of it, or a later term is, in which it does no harm (§3.8). */
static inline void truth_check_vote(struct truth *truth, const struct member *member, size_t to,
                                    const struct message_answer *answer) {
    struct storage_state state;
    storage_state(member->storage, &state);
    ck_assert_uint_ge(state.hard_state.term, answer->term);
    ck_assert(state.hard_state.term > answer->term || state.hard_state.voted_for == to + 1);
    truth_note_vote(truth, member->incarnation, answer->term, to + 1);
}

/* What it says that its log has is on its disk, the term included (§3.8). */
static inline void truth_check_match(const struct member *member, const struct message_answer *answer) {
    struct storage_state state;
    storage_state(member->storage, &state);
    raft_index match = answer->raft.append_answer.match_index;
    ck_assert_uint_ge(state.hard_state.term, answer->term);
    if (raft_current_term(member->node->core) != answer->term) {
        return; /* A leader of a later term, in the same turn, may have cut it off again: then nobody commits it. */
    }
    raft_term term = raft_term_at(member->node->core, match);
    ck_assert_msg(match <= state.last.index, "node %zu acknowledges %" PRIu64 ", which is not on its disk", member->at + 1,
                  match);
    ck_assert_msg(term == 0 || truth_stores(member->storage, match, term),
                  "node %zu acknowledges %" PRIu64 ", where its disk has another entry", member->at + 1, match);
}

static inline void truth_replied(void *context, const struct member *member, size_t to,
                                 const struct message_answer *answer) {
    struct truth *truth = context;
    if (answer->problem.code != PROBLEM_NONE || member->node->core == NULL) {
        return;
    }
    if (answer->kind == MESSAGE_REQUEST_VOTE && !answer->raft.vote_answer.pre_vote &&
        answer->raft.vote_answer.vote_granted) {
        truth_check_vote(truth, member, to, answer);
    } else if (answer->kind == MESSAGE_APPEND_ENTRIES && answer->raft.append_answer.success) {
        truth_check_match(member, answer);
    }
}

/* §3.6.3: what is committed is in every later leader's log, so no disk that has it is told to cut it off. */
static inline void truth_check_cut(struct truth *truth, const struct node *node, raft_index from) {
    struct storage *storage = truth->cluster->members[node->options.id - 1].storage;
    struct storage_state state;
    storage_state(storage, &state);
    for (raft_index index = from; index <= state.last.index && index <= truth->committed; index++) {
        ck_assert_msg(index <= state.base.index || !truth_stores(storage, index, truth->at[index].committed),
                      "node %" PRIu64 " cuts off %" PRIu64 ", which is committed", node->options.id, index);
    }
}

static inline void truth_written(void *context, const struct node *node, const struct storage_write *write) {
    struct truth *truth = context;
    truth->installed += write->replaced_by.index != 0 ? 1 : 0;
    const struct truth_seen *seen = &truth->seen[node->options.id - 1];
    if (node_is_leader(node) && seen->led == raft_current_term(node->core) &&
        seen->life == truth->cluster->members[node->options.id - 1].life) { /* Leader append-only (§3.5). */
        ck_assert(write->truncate_from == 0 && write->replaced_by.index == 0);
    }
    if (write->truncate_from != 0) {
        truth_check_cut(truth, node, write->truncate_from);
    }
    if (write->hard_state_changed && write->hard_state.voted_for == node->options.id) {
        truth_note_vote(truth, node->identity.incarnation, write->hard_state.term, node->options.id);
    }
    for (size_t i = 0; i < write->entry_count; i++) {
        const struct raft_entry *entry = &write->entries[i];
        raft_index index = entry->id.index - 1;
        raft_term before = i > 0 ? write->entries[i - 1].id.term : node->core == NULL ? 0 : raft_term_at(node->core, index);
        ck_assert((before == 0) == (index == 0));
        truth_note_entry(truth, node, entry, before);
    }
}

/* -- Turns -- */

/* Leader completeness (§3.6): what an earlier term has committed is in the logs of the leaders of all later ones. */
static inline void truth_check_complete(struct truth *truth, const struct node *leader, raft_index from) {
    raft_index base = raft_base(leader->core).index;
    for (raft_index index = from > base ? from : base + 1; index <= truth->committed; index++) {
        const struct truth_index *at = &truth->at[index];
        if (at->committed_in < raft_current_term(leader->core)) {
            ck_assert_uint_le(index, raft_last_index(leader->core));
            ck_assert_uint_eq(raft_term_at(leader->core, index), at->committed);
        }
    }
}

/* Election safety (§3.4): one leader a term, chosen by a majority of the very disks that its configuration names. */
static inline void truth_check_leader(struct truth *truth, const struct node *node, struct truth_seen *seen) {
    raft_term term = raft_current_term(node->core);
    if (!node_is_leader(node) || seen->led == term) {
        return;
    }
    ck_assert_uint_lt(term, TRUTH_TERMS_MAX);
    char *leader = truth->leader_of[term];
    struct storage_state state; /* Its own vote is on its disk (§3.8). */
    storage_state(truth->cluster->members[node->options.id - 1].storage, &state);
    ck_assert_uint_ge(state.hard_state.term, term);
    ck_assert_msg(leader[0] == '\0', "term %" PRIu64 " has two leaders", term);
    memcpy(leader, node->identity.incarnation, STORAGE_INCARNATION_SIZE + 1);
    seen->led = term;
    CLUSTER_TELL(truth->cluster, "node %" PRIu64 " leads term %" PRIu64, node->options.id, term);
    ck_assert_msg(truth_majority(truth, &roster_current(&node->roster)->members, truth_voted, term, node->options.id),
                  "node %" PRIu64 " leads term %" PRIu64 " without a majority of votes", node->options.id, term);
    truth_check_complete(truth, node, 1);
}

static inline void truth_commit(struct truth *truth, const struct node *node, const struct truth_seen *seen,
                                raft_index index, raft_term term) {
    struct truth_index *at = truth_at(truth, index);
    ck_assert_uint_eq(index, truth->committed + 1);
    ck_assert_ptr_nonnull(truth_find(truth, index, term));
    ck_assert_msg(truth_majority(truth, &roster_current(&node->roster)->members, truth_holds, index, term) ||
                      truth_majority(truth, &seen->members, truth_holds, index, term),
                  "node %" PRIu64 " commits %" PRIu64 ", which is on too few disks", node->options.id, index);
    at->committed = term;
    at->committed_in = raft_current_term(node->core);
    truth->committed = index;
    lease_check_commit(truth->cluster, node);
    for (size_t i = 0; i < truth->cluster->count; i++) {
        const struct node *other = truth->cluster->members[i].node;
        if (other != NULL && node_is_leader(other)) {
            truth_check_complete(truth, other, index);
        }
    }
}

/* State machine safety (§3.6.3): the same entries in the same places, and the same state after them, on every node. */
static inline void truth_check_commits(struct truth *truth, const struct member *member, struct truth_seen *seen) {
    const struct node *node = member->node;
    raft_index commit = raft_commit_index(node->core);
    raft_index base = raft_base(node->core).index;
    ck_assert_uint_ge(commit, seen->commit);
    for (raft_index index = (seen->commit > base ? seen->commit : base) + 1; index <= commit; index++) {
        raft_term term = raft_term_at(node->core, index);
        if (index > truth->committed) {
            truth_commit(truth, node, seen, index, term);
        }
        ck_assert_uint_eq(truth->at[index].committed, term);
    }
    ck_assert_uint_le(commit, truth->committed);
    /* §3.6.2: what earlier terms have left is only committed by an entry of the leader's own term. */
    ck_assert_msg(commit == seen->commit || !node_is_leader(node) || raft_term_at(node->core, commit) == seen->led,
                  "node %zu leads term %" PRIu64 " and commits %" PRIu64 " of an earlier one", member->at + 1, seen->led,
                  commit);
    if (commit > seen->commit) {
        CLUSTER_TELL(truth->cluster, "node %" PRIu64 " has committed up to %" PRIu64, node->options.id, commit);
    }
    seen->commit = commit;
}

static inline void truth_check_state(struct truth *truth, const struct member *member, struct truth_seen *seen) {
    const struct node *node = member->node;
    const struct raft_entry_id *applied = &node->applier.applied;
    if (applied->index == seen->applied) {
        return;
    }
    ck_assert_uint_gt(applied->index, seen->applied);
    seen->applied = applied->index;
    ck_assert_uint_le(applied->index, truth->committed);
    ck_assert_uint_eq(truth->at[applied->index].committed, applied->term);
    char *contents = machine_contents(truth->cluster, member->at);
    uint64_t state = truth_hash(UINT64_C(0xCBF29CE484222325), contents, strlen(contents));
    free(contents);
    uint64_t time_ms = sessions_time_ms(node->applier.sessions);
    const uint64_t *chain = &node->applier.hash.chain;
    state = truth_hash(truth_hash(state, &time_ms, sizeof time_ms), chain, sizeof *chain) | 1;
    struct truth_index *at = &truth->at[applied->index];
    ck_assert_msg(at->state == 0 || at->state == state, "node %zu has another state after %" PRIu64, member->at + 1,
                  applied->index);
    at->state = state;
}

/* What a disk was told of a term stands as long as the term does, also after a start (§3.8). */
static inline void truth_check_hard_state(const struct member *member) {
    const struct raft_hard_state *knows = &member->node->core->hard_state;
    struct storage_state state;
    storage_state(member->storage, &state);
    const struct raft_hard_state *wrote = &state.hard_state;
    ck_assert_uint_ge(knows->term, wrote->term);
    ck_assert_msg(knows->term > wrote->term || wrote->voted_for == 0 || wrote->voted_for == knows->voted_for,
                  "node %zu has voted for %" PRIu64 " in term %" PRIu64 " and takes it for %" PRIu64, member->at + 1,
                  wrote->voted_for, wrote->term, knows->voted_for);
}

/* Learners, and who was removed, do not campaign (§4.2.1, §4.2.3). */
static inline void truth_check_candidate(const struct member *member) {
    const struct raft *raft = member->node->core;
    bool decides = raft_role(raft) == RAFT_FOLLOWER || raft_role(raft) == RAFT_LEADER;
    for (size_t i = 0; !decides && i < raft->configurations.count; i++) {
        decides = quorum_has_decider(&raft->configurations.list[i].configuration, member->node->options.id);
    }
    ck_assert_msg(decides, "node %zu campaigns and is no voter", member->at + 1);
}

static inline void truth_turned(void *context, const struct member *member) {
    struct truth *truth = context;
    struct truth_seen *seen = &truth->seen[member->at];
    const struct node *node = member->node;
    if (node->core == NULL) {
        return;
    }
    if (seen->life != member->life) {
        *seen = (struct truth_seen){.life = member->life, .members = roster_current(&node->roster)->members};
    }
    struct raft_configuration listed;
    raft_index index;
    members_configuration(&roster_current(&node->roster)->members, &listed);
    const struct raft_configuration *current = raft_current_configuration(node->core, &index);
    ck_assert(index != roster_current(&node->roster)->index || configuration_equal(&listed, current));
    ck_assert_uint_le(node->applier.applied.index, raft_commit_index(node->core));
    truth_check_hard_state(member);
    truth_check_candidate(member);
    lease_check_promises(member);
    truth_check_leader(truth, node, seen);
    copies_check_matches(member, &seen->copies);
    truth_check_commits(truth, member, seen);
    truth_check_state(truth, member, seen);
    seen->members = roster_current(&node->roster)->members;
    const uint64_t facts[] = {truth->cluster->now_ms, member->at, raft_current_term(node->core), seen->commit,
                              raft_last_index(node->core)};
    truth->trace = truth_hash(truth->trace, facts, sizeof facts);
}

/* -- All -- */

static inline struct truth *truth_watch(struct cluster *cluster) {
    struct truth *truth = memory_zalloc(sizeof *truth);
    truth->cluster = cluster;
    cluster->written = truth_written;
    cluster->written_context = truth;
    cluster->turned = truth_turned;
    cluster->turned_context = truth;
    cluster->replied = truth_replied;
    cluster->replied_context = truth;
    return truth;
}

static inline void truth_free(struct truth *truth) {
    for (size_t i = 0; i < truth->count; i++) {
        for (size_t k = 0; k < truth->at[i].count; k++) {
            free((char *)truth->at[i].entries[k].entry.data);
            free((char *)truth->at[i].entries[k].entry.key);
        }
        free(truth->at[i].entries);
    }
    free(truth->at);
    free(truth->votes);
    free(truth);
}

#endif
