#include "tests/scenarios/runner/world.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void telling_line(struct world *world, const char *format, ...) {
    char line[1024];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    text_add(&world->out, "%s%s\n", world->inside && !world->without_messages ? "  " : "", line);
}

/* -- What a core says of itself -- */

/* Told by a message or by the actions in more words. */
static bool is_told_elsewhere(const char *line) {
    static const char *const beginnings[] = {"refuses entries", "grants pre-vote", "appends a configuration",
                                             "committed in own term"};
    for (size_t i = 0; i < sizeof beginnings / sizeof *beginnings; i++) {
        if (strncmp(line, beginnings[i], strlen(beginnings[i])) == 0) {
            return true;
        }
    }
    return false;
}

void telling_trace(void *context, const struct cluster_node *node, const char *line) {
    if (!is_told_elsewhere(line)) {
        telling_line(context, "%" PRIu64 " %s", node->id, line);
    }
}

/* -- Entries -- */

static void add_ids(struct text *text, const char *name, const raft_node_id *ids, size_t count) {
    for (size_t i = 0; i < count; i++) {
        text_add(text, i == 0 ? " %s=%" PRIu64 : "%s%" PRIu64, i == 0 ? name : ",", ids[i]);
    }
}

static void add_configuration(struct text *text, const struct raft_configuration *c) {
    add_ids(text, "voters", c->voters, c->voter_count);
    add_ids(text, "outgoing", c->outgoing, c->outgoing_count);
    add_ids(text, "learners", c->learners, c->learner_count);
    add_ids(text, "joining", c->joining, c->joining_count);
    add_ids(text, "next-voters", c->next_voters, c->next_voter_count);
    add_ids(text, "next-learners", c->next_learners, c->next_learner_count);
}

static void add_entry(struct text *text, const struct world *world, raft_index index, const struct cluster_entry *entry) {
    text_add(text, "%" PRIu64 "/%" PRIu64, index, entry->term);
    if (entry->type == RAFT_NOOP) {
        text_add(text, " noop");
    } else if (entry->type == RAFT_CONFIGURATION) {
        text_add(text, " configuration");
        add_configuration(text, cluster_configuration_of(world->cluster, entry));
    } else if (world_word(world, entry->value)[0] != '\0') {
        text_add(text, " %s", world_word(world, entry->value));
    }
}

/* -- Actions -- */

static struct cluster_entry entry_of(const struct raft_entry *entry) {
    struct cluster_entry kept = {.term = entry->id.term, .type = (uint8_t)entry->type};
    if (entry->size > 0) {
        memcpy(&kept.value, entry->data, sizeof kept.value);
    }
    return kept;
}

static void tell_appended(struct world *world, const struct cluster_node *node, const struct raft_actions *actions) {
    if (actions->entry_count == 0) {
        return;
    }
    struct text line = {0};
    for (size_t i = 0; i < actions->entry_count; i++) {
        struct cluster_entry entry = entry_of(&actions->entries[i]);
        text_add(&line, "%s", i == 0 ? "" : ", ");
        add_entry(&line, world, actions->entries[i].id.index, &entry);
    }
    telling_line(world, "%" PRIu64 " appends %s", node->id, line.bytes);
    text_clear(&line);
}

static void tell_reads(struct world *world, const struct cluster_node *node, const struct raft_actions *actions) {
    for (size_t i = 0; i < actions->read_count; i++) {
        if (actions->reads[i].ok) {
            telling_line(world, "%" PRIu64 " answers a read at index=%" PRIu64, node->id, actions->reads[i].index);
        } else {
            telling_line(world, "%" PRIu64 " fails a read: it does not lead any more", node->id);
        }
    }
}

void telling_actions(void *context, const struct cluster_node *node, const struct raft_actions *actions) {
    struct world *world = context;
    tell_appended(world, node, actions);
    if (actions->write != 0 && world->disk_held[node->id - 1]) {
        telling_line(world, "%" PRIu64 " hands write %" PRIu64 " to its disk", node->id, actions->write);
    }
    if (actions->commit_index > node->commit_index + 1) {
        telling_line(world, "%" PRIu64 " commits %" PRIu64 "..%" PRIu64, node->id, node->commit_index + 1,
                     actions->commit_index);
    } else if (actions->commit_index > node->commit_index) {
        telling_line(world, "%" PRIu64 " commits %" PRIu64, node->id, actions->commit_index);
    }
    tell_reads(world, node, actions);
    world->busy = actions->write != 0 || actions->message_count > 0 || actions->read_count > 0 ||
                  actions->commit_index > node->commit_index || actions->configuration_due != NULL;
}

/* -- Messages -- */

static void add_append(struct text *text, const struct raft_append_entries *append) {
    raft_index prev = append->prev.index;
    text_add(text, " prev=%" PRIu64 "/%" PRIu64, prev, append->prev.term);
    if (append->entry_count == 1) {
        text_add(text, " entries=%" PRIu64, prev + 1);
    } else if (append->entry_count > 1) {
        text_add(text, " entries=%" PRIu64 "..%" PRIu64, prev + 1, prev + append->entry_count);
    }
    text_add(text, " commit=%" PRIu64, append->leader_commit);
}

static void add_append_answer(struct text *text, const struct raft_append_answer *answer) {
    if (answer->success) {
        text_add(text, " match=%" PRIu64, answer->match_index);
    } else if (answer->conflict_term != 0) {
        text_add(text, " refused conflict=%" PRIu64 "/%" PRIu64, answer->conflict_index, answer->conflict_term);
    } else {
        text_add(text, " refused conflict=%" PRIu64, answer->conflict_index);
    }
}

static void add_snapshot(struct text *text, const struct cluster_chunk *chunk) {
    text_add(text, " of=%" PRIu64 "/%" PRIu64 " piece=%zu/%zu", chunk->snapshot.id.index, chunk->snapshot.id.term,
             chunk->number + 1, chunk->total);
}

static void add_snapshot_answer(struct text *text, const struct cluster_packet *packet) {
    const struct raft_install_answer *answer = &packet->message.install_answer;
    if (answer->installed > 0) {
        text_add(text, " installed=%" PRIu64, answer->installed);
    } else if (answer->accepted) {
        text_add(text, " has=%zu/%zu", packet->chunk.number, packet->chunk.total);
    } else {
        text_add(text, " refused");
    }
}

static const char *name_of(const struct raft_message *message) {
    switch (message->type) {
    case RAFT_REQUEST_VOTE:
        return message->request_vote.pre_vote   ? "request pre-vote"
               : message->request_vote.transfer ? "request vote (handed over)"
                                                : "request vote";
    case RAFT_VOTE_ANSWER:
        return message->vote_answer.pre_vote ? message->vote_answer.vote_granted ? "pre-vote granted" : "pre-vote refused"
               : message->vote_answer.vote_granted ? "vote granted"
                                                   : "vote refused";
    case RAFT_APPEND_ENTRIES:
        return message->append_entries.entry_count > 0 ? "append entries" : "append nothing";
    case RAFT_APPEND_ANSWER:
        return "append answer";
    case RAFT_TIMEOUT_NOW:
        return "timeout now";
    case RAFT_TIMEOUT_NOW_ANSWER:
        return "timeout now answer";
    case RAFT_INSTALL_SNAPSHOT:
        return "snapshot";
    case RAFT_INSTALL_ANSWER:
        return "snapshot answer";
    }
    return "?";
}

void telling_message(struct world *world, const struct cluster_packet *packet, const char *fate) {
    if (world->without_messages) {
        return;
    }
    const struct raft_message *message = &packet->message;
    struct text line = {0};
    text_add(&line, "%" PRIu64 " -> %" PRIu64 " %s term=%" PRIu64, message->from, message->to, name_of(message),
             message->term);
    if (message->type == RAFT_REQUEST_VOTE) {
        text_add(&line, " last=%" PRIu64 "/%" PRIu64, message->request_vote.last_log.index,
                 message->request_vote.last_log.term);
    } else if (message->type == RAFT_APPEND_ENTRIES) {
        add_append(&line, &message->append_entries);
    } else if (message->type == RAFT_APPEND_ANSWER) {
        add_append_answer(&line, &message->append_answer);
    } else if (message->type == RAFT_INSTALL_SNAPSHOT) {
        add_snapshot(&line, &packet->chunk);
    } else if (message->type == RAFT_INSTALL_ANSWER) {
        add_snapshot_answer(&line, packet);
    }
    telling_line(world, "%s%s", line.bytes, fate);
    text_clear(&line);
}

/* -- Looking -- */

void telling_status(struct world *world, const struct cluster_node *node) {
    static const char *const roles[] = {"follower", "pre-candidate", "candidate", "leader"};
    if (node->raft == NULL) {
        telling_line(world, "%" PRIu64 " down", node->id);
        return;
    }
    struct raft_status status;
    raft_status(node->raft, &status);
    struct text line = {0};
    text_add(&line,
             "%" PRIu64 " %s term=%" PRIu64 " vote=%" PRIu64 " leader=%" PRIu64 " last=%" PRIu64 "/%" PRIu64
             " commit=%" PRIu64,
             node->id, roles[status.role], status.hard_state.term, status.hard_state.voted_for, status.leader,
             status.last.index, status.last.term, status.commit_index);
    add_configuration(&line, raft_current_configuration(node->raft, NULL));
    telling_line(world, "%s", line.bytes);
    text_clear(&line);
}

/* As terms, one digit each, after "N|" when N entries are compacted. */
void telling_log(struct world *world, const struct cluster_node *node) {
    const struct cluster_log *log = node->raft == NULL ? &node->durable : &node->log;
    struct text line = {0};
    if (log->base > 0) {
        text_add(&line, "%" PRIu64 "|", log->base);
    }
    for (raft_index i = log->base + 1; i <= log->count; i++) {
        raft_term term = log->entries[i - 1].term;
        text_add(&line, term < 10 ? "%" PRIu64 : "(%" PRIu64 ")", term);
    }
    const char *found = line.bytes == NULL ? "empty" : line.bytes;
    if (node->raft == NULL) {
        telling_line(world, "%" PRIu64 " %s (down)", node->id, found);
    } else {
        telling_line(world, "%" PRIu64 " %s commit=%" PRIu64, node->id, found, node->commit_index);
    }
    text_clear(&line);
}

void telling_entries(struct world *world, const struct cluster_node *node) {
    const struct cluster_log *log = node->raft == NULL ? &node->durable : &node->log;
    for (raft_index i = log->base + 1; i <= log->count; i++) {
        struct text line = {0};
        add_entry(&line, world, i, &log->entries[i - 1]);
        telling_line(world, "%s", line.bytes);
        text_clear(&line);
    }
}

void telling_peers(struct world *world, const struct cluster_node *node) {
    static const char *const states[] = {"probe", "replicate", "snapshot"};
    struct raft_status status;
    raft_status(node->raft, &status);
    for (size_t i = 0; i < status.peer_count; i++) {
        const struct raft_peer_status *peer = &status.peers[i];
        telling_line(world, "%" PRIu64 " %s match=%" PRIu64 " next=%" PRIu64, peer->id, states[peer->state],
                     peer->match_index, peer->next_index);
    }
}

void telling_disk(struct world *world, const struct cluster_node *node) {
    struct text line = {0};
    text_add(&line, "%" PRIu64 " term=%" PRIu64 " vote=%" PRIu64 " last=%zu", node->id, node->durable_state.term,
             node->durable_state.voted_for, node->durable.count);
    if (node->durable_snapshot.id.index > 0) {
        text_add(&line, " snapshot=%" PRIu64 "/%" PRIu64, node->durable_snapshot.id.index, node->durable_snapshot.id.term);
    }
    telling_line(world, "%s, %zu writes under way", line.bytes, node->write_count);
    text_clear(&line);
}
