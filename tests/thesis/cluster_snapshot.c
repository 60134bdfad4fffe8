/* What a host does with snapshots (ch. 5), as small as it can be: takes them of its state, compacts the log behind them,
 * sends them in chunks that are lost, repeated and late like everything else, and puts a whole one in the place of its
 * state. A state is the hash of all that was applied. */
#include "tests/thesis/cluster.h"

#include "server/base/memory.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum {
    CHUNKS_MAX = 4,
    TRANSFER_CALLS = 4 /* A transfer is given up after so many times as long as a call may take. */
};

uint64_t cluster_state_after(uint64_t state, raft_index index, const struct cluster_entry *entry) {
    const uint64_t numbers[] = {index, entry->term, entry->type, entry->value};
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        state = (state ^ numbers[i]) * UINT64_C(0x100000001B3);
        state ^= state >> 31;
    }
    return state;
}

/* -- Taking -- */

static raft_index configuration_index(const struct cluster_log *log, raft_index index) {
    while (index > 0 && log->entries[index - 1].type != RAFT_CONFIGURATION) {
        index--;
    }
    assert(index > 0);
    return index;
}

void cluster_take_snapshot_and_compact(struct cluster *cluster, struct cluster_node *node, raft_index through) {
    raft_index index = node->commit_index;
    assert(through <= index && index > 0);
    (void)cluster;
    raft_index configured = configuration_index(&node->log, index);
    node->snapshot = (struct cluster_snapshot){
        .id = {index, node->log.entries[index - 1].term},
        .state = node->state,
        .configuration_index = configured,
        .configuration = node->log.entries[configured - 1],
    };
    raft_compact(node->raft, through);
}

void cluster_take_snapshot(struct cluster *cluster, struct cluster_node *node) {
    raft_index index = node->commit_index;
    if (index > node->snapshot.id.index) {
        cluster_take_snapshot_and_compact(cluster, node, index - cluster_random(cluster, index / 4 + 1));
    }
}

void cluster_restore_snapshot(struct cluster *cluster, struct cluster_node *node) {
    const struct cluster_snapshot *snapshot = &node->durable_snapshot;
    raft_index index = snapshot->id.index;
    node->snapshot = *snapshot;
    node->state = snapshot->state;
    node->commit_index = index;
    if (index == 0) {
        return;
    }
    struct cluster_log *log = &node->durable;
    if (log->count < index || log->entries[index - 1].term != snapshot->id.term) {
        cluster_log_replace(cluster, log, snapshot->id); /* It was not written as far as the snapshot reaches. */
    }
    raft_term term = log->base == 0 ? 0 : log->entries[log->base - 1].term;
    struct raft_snapshot restored = {snapshot->id, snapshot->configuration_index,
                                     cluster_configuration_of(cluster, &snapshot->configuration)};
    raft_restore_snapshot(node->raft, (struct raft_entry_id){log->base, term}, &restored);
}

/* -- Sending -- */

static void send_chunk(struct cluster *cluster, struct cluster_node *node, struct cluster_transfer *transfer,
                       raft_node_id to) {
    struct raft_message message = {
        .type = RAFT_INSTALL_SNAPSHOT, .from = node->id, .to = to, .term = transfer->term, .round = transfer->round};
    transfer->retry_ms = cluster_clock_ms(cluster, node) + cluster->weather.call_ms / 2 + 1;
    cluster_send_packet(cluster, node, &message, node->life, &transfer->chunk);
}

void cluster_begin_transfer(struct cluster *cluster, struct cluster_node *node, const struct raft_message *request) {
    struct raft_entry_id base = raft_base(node->raft);
    if (node->snapshot.id.index < base.index || base.index == 0) {
        cluster_fail(cluster, "node %" PRIu64 " is asked for a snapshot and needs none: base %" PRIu64, node->id,
                     base.index);
    }
    struct cluster_transfer *transfer = &node->transfers[request->to - 1];
    *transfer = (struct cluster_transfer){
        .round = request->round,
        .term = request->term,
        .give_up_ms = cluster_clock_ms(cluster, node) + TRANSFER_CALLS * cluster->weather.call_ms,
        .chunk = {.snapshot = node->snapshot,
                  .total = cluster->pieces > 0 ? cluster->pieces : 1 + cluster_random(cluster, CHUNKS_MAX)},
    };
    cluster->transfers_begun++;
    send_chunk(cluster, node, transfer, request->to);
}

void cluster_transfer_answered(struct cluster *cluster, struct cluster_node *node, const struct raft_message *answer,
                               size_t stored) {
    struct cluster_transfer *transfer = &node->transfers[answer->from - 1];
    if (transfer->round != answer->round) {
        /* It has ended or another has begun: sometimes told all the same, which must not matter. */
        raft_receive(node->raft, answer);
        return;
    }
    if (answer->install_answer.installed > 0 || !answer->install_answer.accepted) {
        transfer->round = 0;
        raft_receive(node->raft, answer);
        return;
    }
    raft_snapshot_progress(node->raft, answer->from);
    if (stored < transfer->chunk.total) {
        transfer->chunk.number = stored;
        send_chunk(cluster, node, transfer, answer->from);
    }
}

void cluster_transfer_failed(struct cluster_node *node, const struct raft_message *request) {
    struct cluster_transfer *transfer = &node->transfers[request->to - 1];
    if (transfer->round == request->round) {
        transfer->round = 0;
        raft_send_failed(node->raft, request->to, request->round);
    }
}

void cluster_retry_transfers(struct cluster *cluster, struct cluster_node *node) {
    for (size_t i = 0; i < cluster->node_count; i++) {
        struct cluster_transfer *transfer = &node->transfers[i];
        if (transfer->round == 0) {
            continue;
        }
        if (transfer->give_up_ms <= cluster_clock_ms(cluster, node)) {
            raft_round round = transfer->round;
            transfer->round = 0;
            raft_send_failed(node->raft, i + 1, round);
        } else if (transfer->retry_ms <= cluster_clock_ms(cluster, node)) {
            send_chunk(cluster, node, transfer, i + 1);
        }
    }
}

/* -- Receiving -- */

void cluster_receive_chunk(struct cluster_node *node, const struct cluster_packet *packet) {
    struct cluster_arrival arrival = {.life = packet->life, .chunk = packet->chunk};
    node->arrivals = memory_grow(node->arrivals, &node->arrival_capacity, node->arrival_count + 1, sizeof *node->arrivals);
    node->arrivals[node->arrival_count++] = arrival;
    struct raft_message message = packet->message;
    message.ticket = node->arrivals_taken + node->arrival_count; /* They are answered in order. */
    raft_receive(node->raft, &message);
}

static struct cluster_arrival take_arrival(struct cluster_node *node, uint64_t ticket) {
    assert(node->arrival_count > 0 && ticket == node->arrivals_taken + 1);
    struct cluster_arrival arrival = node->arrivals[0];
    node->arrivals_taken++;
    node->arrival_count--;
    memmove(node->arrivals, node->arrivals + 1, node->arrival_count * sizeof *node->arrivals);
    return arrival;
}

static bool is_same(const struct cluster_chunk *one, const struct cluster_chunk *other) {
    return one->snapshot.id.index == other->snapshot.id.index && one->snapshot.id.term == other->snapshot.id.term &&
           one->snapshot.state == other->snapshot.state && one->total == other->total;
}

/* Only what follows what is there is kept; another snapshot starts over. */
static void keep_chunk(struct cluster_node *node, const struct cluster_chunk *chunk) {
    struct cluster_chunk *receiving = &node->receiving;
    if (!is_same(receiving, chunk)) {
        *receiving = *chunk;
        receiving->number = 0;
    }
    if (chunk->number == receiving->number) {
        receiving->number++;
    }
}

void cluster_answer_chunk(struct cluster *cluster, struct cluster_node *node, const struct raft_message *answer) {
    struct cluster_arrival arrival = take_arrival(node, answer->ticket);
    if (answer->install_answer.accepted) {
        keep_chunk(node, &arrival.chunk);
        if (node->receiving.number == node->receiving.total) {
            node->whole = true;
            node->whole_answer = *answer;
            node->whole_life = arrival.life;
            return; /* Answered when it is installed. */
        }
    }
    cluster_send_packet(cluster, node, answer, arrival.life, &node->receiving);
}

/* -- Installing -- */

static void check_installed(const struct cluster *cluster, const struct cluster_node *node) {
    const struct cluster_snapshot *snapshot = &node->snapshot;
    raft_index index = snapshot->id.index;
    if (index > cluster->committed.count || cluster->committed.entries[index - 1].term != snapshot->id.term ||
        cluster->committed.entries[index - 1].state != snapshot->state) {
        cluster_fail(cluster, "state machine safety: node %" PRIu64 " installs another state of %" PRIu64, node->id, index);
    }
}

static bool install(struct cluster *cluster, struct cluster_node *node, struct cluster_snapshot whole) {
    struct raft_snapshot snapshot = {whole.id, whole.configuration_index,
                                     cluster_configuration_of(cluster, &whole.configuration)};
    if (!raft_install(node->raft, &snapshot)) {
        return false;
    }
    node->snapshot = whole;
    node->state = whole.state;
    node->commit_index = whole.id.index;
    check_installed(cluster, node);
    cluster->snapshots_installed++;
    cluster_perform(cluster, node);
    return true;
}

void cluster_install_stray(struct cluster *cluster, struct cluster_node *node) {
    const struct cluster_node *other = &cluster->nodes[cluster_random(cluster, cluster->node_count)];
    if (other->snapshot.id.index > 0) {
        install(cluster, node, other->snapshot);
    }
}

void cluster_install(struct cluster *cluster, struct cluster_node *node) {
    if (!node->whole) {
        return;
    }
    node->whole = false;
    struct cluster_snapshot whole = node->receiving.snapshot;
    node->receiving = (struct cluster_chunk){0};
    struct raft_message answer = node->whole_answer;
    if (!install(cluster, node, whole)) {
        raft_index persisted = raft_persisted_index(node->raft);
        answer.install_answer.installed = persisted < whole.id.index ? persisted : whole.id.index;
        cluster_check_message(cluster, node, &answer);
        cluster_send_packet(cluster, node, &answer, node->whole_life, NULL);
        return;
    }
    answer.after_write = node->writes[node->write_count - 1].number;
    answer.install_answer.installed = whole.id.index;
    answer.ticket = node->whole_life;
    cluster_post(cluster, node, &answer);
}
