#include "tests/thesis/cluster.h"

#include "server/base/memory.h"
#include "server/raft/configuration.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    BACKLOG_MAX = 30, /* A leader with more uncommitted entries takes no proposals. */
    LATE_TIMES = 8    /* What comes late takes so many times as long. */
};

uint64_t cluster_random(struct cluster *cluster, uint64_t bound) {
    if (cluster->by_hand) {
        return 0;
    }
    cluster->random = cluster->random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    uint64_t mixed = cluster->random ^ (cluster->random >> 32);
    return (mixed * UINT64_C(0x9E3779B97F4A7C15) >> 20) % bound;
}

bool cluster_chance(struct cluster *cluster, uint64_t percent) {
    return cluster_random(cluster, 100) < percent;
}

/* -- Logs -- */

static void log_cut(struct cluster_log *log, raft_index from) {
    if (from != 0 && from <= log->count) {
        log->count = from - 1;
    }
}

void cluster_log_add(struct cluster_log *log, const struct cluster_entry *entries, size_t count) {
    log->entries = memory_grow(log->entries, &log->capacity, log->count + count, sizeof *log->entries);
    for (size_t i = 0; i < count; i++) {
        log->entries[log->count++] = entries[i];
    }
}

void cluster_log_replace(const struct cluster *cluster, struct cluster_log *log, struct raft_entry_id base) {
    assert(base.index <= cluster->committed.count);
    log->count = 0;
    cluster_log_add(log, cluster->committed.entries, base.index);
    log->base = base.index;
}

static void log_change(const struct cluster *cluster, struct cluster_log *log, const struct cluster_write *write) {
    if (write->replaced_by.index != 0) {
        cluster_log_replace(cluster, log, write->replaced_by);
    }
    log_cut(log, write->truncate_from);
    if (write->compact_through > log->count) {
        cluster_fail(cluster, "a log that ends at %zu is compacted through %" PRIu64, log->count, write->compact_through);
    }
    log->base = write->compact_through > log->base ? write->compact_through : log->base;
    cluster_log_add(log, write->entries, write->count);
}

/* What the core does not look into, a command or a configuration's number, is in the bytes. */
static struct cluster_entry from_core(const struct raft_entry *entry) {
    struct cluster_entry kept = {.term = entry->id.term, .type = (uint8_t)entry->type};
    if (entry->size > 0) {
        memcpy(&kept.value, entry->data, sizeof kept.value);
    }
    return kept;
}

/* With a buffer of its own, which the caller releases. */
static struct raft_entry to_core(const struct cluster *cluster, const struct cluster_entry *kept, raft_index index) {
    struct raft_entry entry = {.id = {index, kept->term}, .type = (enum raft_entry_type)kept->type};
    if (entry.type == RAFT_COMMAND || entry.type == RAFT_CONFIGURATION) {
        entry.buffer = buffer_copy(&kept->value, sizeof kept->value);
        entry.data = entry.buffer->data;
        entry.size = sizeof kept->value;
    }
    entry.configuration = entry.type == RAFT_CONFIGURATION ? cluster_configuration_of(cluster, kept) : NULL;
    return entry;
}

/* -- Disk -- */

static void write_to_disk(const struct cluster *cluster, struct cluster_node *node, const struct cluster_write *write) {
    if (write->hard_state_changed) {
        node->durable_state = write->hard_state;
    }
    if (write->replaced_by.index != 0 || write->compact_through != 0) {
        node->durable_snapshot = write->snapshot;
    }
    log_change(cluster, &node->durable, write);
}

static void queue_write(struct cluster *cluster, struct cluster_node *node, const struct raft_actions *actions) {
    struct cluster_write write = {
        .number = actions->write,
        .done_ms = cluster->now_ms + cluster_random(cluster, cluster->weather.disk_ms + 1),
        .hard_state_changed = actions->hard_state_changed,
        .hard_state = actions->hard_state,
        .truncate_from = actions->truncate_from,
        .replaced_by = actions->replaced_by,
        .compact_through = actions->compact_through,
        .snapshot = node->snapshot,
        .count = actions->entry_count,
        .entries = memory_alloc(actions->entry_count * sizeof *write.entries),
    };
    for (size_t i = 0; i < write.count; i++) {
        write.entries[i] = from_core(&actions->entries[i]);
    }
    if (node->write_count > 0 && node->writes[node->write_count - 1].done_ms > write.done_ms) {
        write.done_ms = node->writes[node->write_count - 1].done_ms;
    }
    log_change(cluster, &node->log, &write);
    node->writes = memory_grow(node->writes, &node->write_capacity, node->write_count + 1, sizeof *node->writes);
    node->writes[node->write_count++] = write;
}

static void drop_writes(struct cluster_node *node, size_t count) {
    for (size_t i = 0; i < count; i++) {
        free(node->writes[i].entries);
    }
    node->write_count -= count;
    if (node->write_count > 0) {
        memmove(node->writes, node->writes + count, node->write_count * sizeof *node->writes);
    }
}

/* -- Network -- */

void cluster_send_packet(struct cluster *cluster, const struct cluster_node *from, const struct raft_message *message,
                         uint64_t life, const struct cluster_chunk *chunk) {
    if (cluster->cut[message->from - 1][message->to - 1] || cluster_chance(cluster, cluster->weather.lost)) {
        return;
    }
    uint64_t most_ms = cluster->weather.network_ms * (cluster_chance(cluster, cluster->weather.late) ? LATE_TIMES : 1);
    struct cluster_packet packet = {
        .due_ms = cluster->now_ms + cluster_random(cluster, most_ms + 1), .life = life, .message = *message};
    if (message->type == RAFT_APPEND_ENTRIES) {
        raft_index prev = message->append_entries.prev.index;
        size_t count = message->append_entries.entry_count;
        assert(prev + count <= from->log.count && (count == 0 || prev >= from->log.base));
        packet.entries = memory_copy(from->log.entries + prev, count * sizeof *packet.entries);
    }
    if (chunk != NULL) {
        packet.chunk = *chunk;
    }
    cluster->packets =
        memory_grow(cluster->packets, &cluster->packet_capacity, cluster->packet_count + 1, sizeof *cluster->packets);
    cluster->packets[cluster->packet_count++] = packet;
}

bool cluster_is_request(const struct raft_message *message) {
    return message->type == RAFT_REQUEST_VOTE || message->type == RAFT_APPEND_ENTRIES ||
           message->type == RAFT_TIMEOUT_NOW || message->type == RAFT_INSTALL_SNAPSHOT;
}

static void send_message(struct cluster *cluster, struct cluster_node *node, const struct raft_message *message) {
    cluster_check_message(cluster, node, message);
    if (message->type == RAFT_INSTALL_SNAPSHOT) {
        cluster_begin_transfer(cluster, node, message);
        return;
    }
    if (message->type == RAFT_INSTALL_ANSWER && message->install_answer.installed == 0) {
        cluster_answer_chunk(cluster, node, message);
        return;
    }
    uint64_t life = node->life;
    if (cluster_is_request(message)) {
        struct cluster_call call = {message->from, message->to, message->round,
                                    cluster_clock_ms(cluster, node) + cluster->weather.call_ms};
        cluster->calls =
            memory_grow(cluster->calls, &cluster->call_capacity, cluster->call_count + 1, sizeof *cluster->calls);
        cluster->calls[cluster->call_count++] = call;
    } else {
        life = message->ticket; /* An answer belongs to the life that asked. */
    }
    cluster_send_packet(cluster, node, message, life, NULL);
    while (cluster_chance(cluster, cluster->weather.repeated)) {
        cluster_send_packet(cluster, node, message, life, NULL);
    }
}

/* Removes the call. False: it has ended before. */
static bool end_call(struct cluster *cluster, raft_node_id from, raft_node_id to, raft_round round) {
    for (size_t i = 0; i < cluster->call_count; i++) {
        const struct cluster_call *call = &cluster->calls[i];
        if (call->from == from && call->to == to && call->round == round) {
            cluster->calls[i] = cluster->calls[--cluster->call_count];
            return true;
        }
    }
    return false;
}

void cluster_fail_call(struct cluster *cluster, const struct raft_message *request) {
    struct cluster_node *node = &cluster->nodes[request->from - 1];
    if (request->type == RAFT_INSTALL_SNAPSHOT) {
        cluster_transfer_failed(node, request);
    } else if (end_call(cluster, request->from, request->to, request->round)) {
        raft_send_failed(node->raft, request->to, request->round);
    }
}

void cluster_deliver(struct cluster *cluster, struct cluster_node *node, struct cluster_packet *packet) {
    struct raft_message *message = &packet->message;
    if (message->type == RAFT_INSTALL_ANSWER) {
        if (packet->life == node->life) {
            cluster_transfer_answered(cluster, node, message, packet->chunk.number);
        }
        return;
    }
    if (!cluster_is_request(message)) {
        if (packet->life == node->life) {
            end_call(cluster, message->to, message->from, message->round);
            raft_receive(node->raft, message);
        }
        return;
    }
    node->owed++;
    if (message->type == RAFT_INSTALL_SNAPSHOT) {
        cluster_receive_chunk(node, packet);
        return;
    }
    message->ticket = packet->life;
    if (message->type != RAFT_APPEND_ENTRIES) {
        raft_receive(node->raft, message);
        return;
    }
    size_t count = message->append_entries.entry_count;
    struct raft_entry *entries = memory_alloc(count * sizeof *entries);
    for (size_t i = 0; i < count; i++) {
        entries[i] = to_core(cluster, &packet->entries[i], message->append_entries.prev.index + 1 + i);
    }
    message->append_entries.entries = entries;
    raft_receive(node->raft, message);
    for (size_t i = 0; i < count; i++) {
        buffer_release(entries[i].buffer);
    }
    free(entries);
}

/* -- Turns -- */

void cluster_post(struct cluster *cluster, struct cluster_node *node, const struct raft_message *message) {
    if (message->after_write <= node->persisted) {
        send_message(cluster, node, message);
        return;
    }
    node->waiting = memory_grow(node->waiting, &node->waiting_capacity, node->waiting_count + 1, sizeof *node->waiting);
    node->waiting[node->waiting_count++] = *message;
}

void cluster_perform(struct cluster *cluster, struct cluster_node *node) {
    const struct raft_actions *actions = raft_take_actions(node->raft);
    if (cluster->watcher.actions != NULL) {
        cluster->watcher.actions(cluster->watcher.context, node, actions);
    }
    cluster_check_actions(cluster, node, actions);
    if (actions->write != 0) {
        queue_write(cluster, node, actions);
    }
    for (size_t i = 0; i < actions->message_count; i++) {
        const struct raft_message *message = &actions->messages[i];
        if (!cluster_is_request(message)) {
            assert(node->owed > 0);
            node->owed--;
        }
        cluster_post(cluster, node, message);
    }
    bool due = actions->configuration_due != NULL;
    struct raft_configuration configuration = due ? *actions->configuration_due : (struct raft_configuration){0};
    cluster_check_node(cluster, node);
    if (due && cluster_chance(cluster, 70)) {
        cluster_propose_configuration(cluster, node, &configuration);
    }
}

void cluster_finish_write(struct cluster *cluster, struct cluster_node *node) {
    write_to_disk(cluster, node, &node->writes[0]);
    node->persisted = node->writes[0].number;
    drop_writes(node, 1);
    size_t kept = 0;
    for (size_t i = 0; i < node->waiting_count; i++) {
        if (node->waiting[i].after_write <= node->persisted) {
            send_message(cluster, node, &node->waiting[i]);
        } else {
            node->waiting[kept++] = node->waiting[i];
        }
    }
    node->waiting_count = kept;
    raft_persisted(node->raft, node->persisted);
}

/* A turn may end after any input. */
static void maybe_perform(struct cluster *cluster, struct cluster_node *node) {
    if (cluster_chance(cluster, 40)) {
        cluster_perform(cluster, node);
    }
}

static void receive_packets(struct cluster *cluster, struct cluster_node *node) {
    size_t i = 0;
    while (i < cluster->packet_count) {
        if (cluster->packets[i].message.to != node->id || cluster->packets[i].due_ms > cluster->now_ms) {
            i++;
            continue;
        }
        struct cluster_packet packet = cluster->packets[i];
        cluster->packets[i] = cluster->packets[--cluster->packet_count];
        cluster_deliver(cluster, node, &packet);
        free(packet.entries);
        maybe_perform(cluster, node);
    }
}

void cluster_give_up_calls(struct cluster *cluster, struct cluster_node *node) {
    size_t i = 0;
    while (i < cluster->call_count) {
        struct cluster_call call = cluster->calls[i];
        if (call.from != node->id || call.give_up_ms > cluster_clock_ms(cluster, node)) {
            i++;
            continue;
        }
        cluster->calls[i] = cluster->calls[--cluster->call_count];
        raft_send_failed(node->raft, call.to, call.round);
        maybe_perform(cluster, node);
    }
}

bool cluster_propose_entry(struct cluster *cluster, struct cluster_node *node, const struct cluster_entry *kept) {
    struct raft_entry entry = to_core(cluster, kept, 0);
    bool proposed = raft_propose(node->raft, &entry, 1);
    buffer_release(entry.buffer);
    return proposed;
}

bool cluster_propose(struct cluster *cluster, struct cluster_node *node) {
    struct cluster_entry command = {.type = RAFT_COMMAND, .value = cluster->next_value};
    bool proposed = cluster_propose_entry(cluster, node, &command);
    cluster->next_value += proposed ? 1 : 0;
    return proposed;
}

static void turn(struct cluster *cluster, struct cluster_node *node, bool busy) {
    raft_tick(node->raft, cluster_clock_ms(cluster, node));
    while (node->write_count > 0 && node->writes[0].done_ms <= cluster->now_ms) {
        cluster_finish_write(cluster, node);
        maybe_perform(cluster, node);
    }
    receive_packets(cluster, node);
    cluster_give_up_calls(cluster, node);
    cluster_retry_transfers(cluster, node);
    cluster_install(cluster, node);
    if (cluster_chance(cluster, cluster->weather.stray)) {
        cluster_install_stray(cluster, node);
    }
    while (busy && raft_last_index(node->raft) < node->commit_index + BACKLOG_MAX && cluster_chance(cluster, 20) &&
           cluster_propose(cluster, node)) {
    }
    if (busy && cluster_chance(cluster, 20)) {
        raft_read(node->raft, cluster->committed.count);
    }
    if (busy && cluster->steady_clocks && cluster_chance(cluster, 20)) {
        raft_read_lease(node->raft, cluster->committed.count);
    }
    if (busy && node->led_term != 0 && cluster->changes > 0 && cluster_chance(cluster, cluster->changes)) {
        cluster_perform(cluster, node); /* What was committed by the old configuration is checked by it. */
        cluster_change(cluster, node);
    }
    if (busy && cluster_chance(cluster, 1)) {
        raft_transfer(node->raft, cluster_random(cluster, cluster->node_count + 1));
    }
    cluster_perform(cluster, node);
}

void cluster_step(struct cluster *cluster, bool busy) {
    cluster->now_ms += 1 + cluster_random(cluster, 3);
    size_t first = cluster_random(cluster, cluster->node_count);
    for (size_t i = 0; i < cluster->node_count; i++) {
        struct cluster_node *node = &cluster->nodes[(first + i) % cluster->node_count];
        if (node->raft != NULL && !node->paused && !cluster_chance(cluster, 10)) {
            turn(cluster, node, busy);
        }
    }
}

/* -- Life -- */

static void trace_line(void *context, bool important, const char *line) {
    const struct cluster_node *node = context;
    const struct cluster_watcher *watcher = &node->cluster->watcher;
    (void)important;
    if (watcher->line != NULL) {
        watcher->line(watcher->context, node, line);
        return;
    }
    fprintf(stderr, "%" PRIu64 " ms, node %" PRIu64 ": %s\n", node->cluster->now_ms, node->id, line);
}

uint64_t cluster_clock_ms(const struct cluster *cluster, const struct cluster_node *node) {
    return node->clock_offset_ms + cluster->now_ms * node->clock_permille / 1000;
}

void cluster_set_clock(const struct cluster *cluster, struct cluster_node *node, uint64_t permille) {
    uint64_t now_ms = cluster_clock_ms(cluster, node) + 1; /* Rounding must not take it back. */
    node->clock_permille = permille;
    node->clock_offset_ms = now_ms - cluster->now_ms * permille / 1000;
}

void cluster_restart(struct cluster *cluster, struct cluster_node *node) {
    assert(node->raft == NULL);
    node->life++;
    struct raft_options options = {
        .id = node->id,
        .seed = cluster_random(cluster, UINT32_MAX) + node->id + CLUSTER_NODES_MAX * node->life,
        .heartbeat_ms = CLUSTER_HEARTBEAT_MS,
        .election_timeout_ms = CLUSTER_ELECTION_MS,
        .max_in_flight = cluster->in_flight > 0 ? cluster->in_flight : 1 + (uint32_t)cluster_random(cluster, 4),
        .max_batch_entries = cluster->batch_entries > 0 ? cluster->batch_entries : 1 + (uint32_t)cluster_random(cluster, 6),
        .max_batch_bytes = cluster->by_hand ? UINT32_MAX : 40,
        .trace = cluster->tell || cluster->watcher.line != NULL ? trace_line : NULL,
        .trace_context = node,
    };
    node->raft = raft_create(&options, node->durable_state, cluster_clock_ms(cluster, node));
    node->told_state = node->durable_state;
    cluster_restore_snapshot(cluster, node);
    for (raft_index index = node->durable.base + 1; index <= node->durable.count; index++) {
        struct raft_entry entry = to_core(cluster, &node->durable.entries[index - 1], index);
        raft_restore_entry(node->raft, &entry);
        buffer_release(entry.buffer);
    }
    node->log.count = 0;
    cluster_log_add(&node->log, node->durable.entries, node->durable.count);
    node->log.base = node->durable.base;
}

void cluster_set_unfit(struct cluster_node *node, bool unfit) {
    node->unfit = unfit;
    raft_set_unfit(node->raft, unfit);
}

void cluster_crash(struct cluster *cluster, struct cluster_node *node) {
    size_t survive = cluster_random(cluster, node->write_count + 1);
    for (size_t i = 0; i < survive; i++) {
        write_to_disk(cluster, node, &node->writes[i]);
    }
    drop_writes(node, node->write_count);
    raft_destroy(node->raft);
    node->raft = NULL;
    node->unfit = false;
    node->paused = false;
    node->persisted = 0;
    node->waiting_count = 0;
    node->commit_index = 0;
    node->led_term = 0;
    node->owed = 0;
    node->arrival_count = 0;
    node->arrivals_taken = 0;
    node->whole = false;
    memset(node->transfers, 0, sizeof node->transfers);
    size_t kept = 0;
    for (size_t i = 0; i < cluster->call_count; i++) {
        if (cluster->calls[i].from != node->id) {
            cluster->calls[kept++] = cluster->calls[i];
        }
    }
    cluster->call_count = kept;
}

static struct cluster *create(uint64_t seed, bool by_hand, size_t node_count, const struct raft_configuration *first,
                              bool tell) {
    assert(node_count <= CLUSTER_NODES_MAX);
    struct cluster *cluster = memory_zalloc(sizeof *cluster);
    cluster->seed = seed;
    cluster->random = seed * UINT64_C(0x9E3779B97F4A7C15) + 1;
    cluster->by_hand = by_hand;
    cluster->tell = tell;
    cluster->node_count = node_count;
    cluster->next_value = 1;
    uint64_t number = cluster_add_configuration(cluster, first);
    for (size_t i = 0; i < node_count; i++) {
        struct cluster_node *node = &cluster->nodes[i];
        node->cluster = cluster;
        node->id = i + 1;
        node->clock_offset_ms = 1000000 + cluster_random(cluster, 100000);
        node->clock_permille = 950 + cluster_random(cluster, 101);
        if (configuration_has(first, node->id)) {
            node->durable_state.term = 1;
            cluster_log_add(&node->durable, &(struct cluster_entry){.term = 1, .type = RAFT_CONFIGURATION, .value = number},
                            1);
        }
        cluster_restart(cluster, node);
    }
    return cluster;
}

struct cluster *cluster_create(uint64_t seed, size_t node_count, size_t members, bool tell) {
    assert(members <= node_count);
    struct raft_configuration first = {.voter_count = members};
    for (size_t i = 0; i < members; i++) {
        first.voters[i] = i + 1;
    }
    return create(seed, false, node_count, &first, tell);
}

struct cluster *cluster_create_by_hand(size_t node_count, const struct raft_configuration *first) {
    return create(0, true, node_count, first, false);
}

void cluster_destroy(struct cluster *cluster) {
    for (size_t i = 0; i < cluster->node_count; i++) {
        struct cluster_node *node = &cluster->nodes[i];
        drop_writes(node, node->write_count);
        raft_destroy(node->raft);
        free(node->writes);
        free(node->waiting);
        free(node->arrivals);
        free(node->durable.entries);
        free(node->log.entries);
    }
    for (size_t i = 0; i < cluster->packet_count; i++) {
        free(cluster->packets[i].entries);
    }
    for (size_t i = 0; i < cluster->configuration_count; i++) {
        free(cluster->configurations[i]);
    }
    free(cluster->configurations);
    free(cluster->packets);
    free(cluster->calls);
    free(cluster->committed.entries);
    free(cluster->facts);
    free(cluster);
}
