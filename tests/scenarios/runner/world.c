#include "tests/scenarios/runner/world.h"

#include "server/base/memory.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum { GIVEN = 1000000 /* Values from here on are of given logs: 1000 times the index, and the term. */ };

/* -- Life -- */

static void pass_all(struct world *world, uint64_t ms) {
    for (size_t i = 0; i < world->cluster->node_count; i++) {
        world_pass(world, &world->cluster->nodes[i], ms);
    }
}

void world_create(struct world *world, size_t node_count, const struct raft_configuration *first, uint32_t in_flight,
                  uint32_t batch_entries, size_t pieces) {
    assert(world->cluster == NULL);
    struct cluster *cluster = cluster_create_by_hand(node_count, first);
    world->cluster = cluster;
    cluster->watcher = (struct cluster_watcher){world, telling_trace, telling_actions};
    cluster->in_flight = in_flight;
    cluster->batch_entries = batch_entries;
    cluster->pieces = pieces;
    cluster->weather.call_ms = WORLD_ANSWER_MS;
    for (size_t i = 0; i < node_count; i++) {
        struct cluster_node *node = &cluster->nodes[i];
        world->disk_held[i] = false;
        cluster_crash(cluster, node); /* With the watcher it starts anew. */
        cluster_restart(cluster, node);
        cluster_check_log(cluster, node);
    }
    pass_all(world, WORLD_BEFORE_MS);
}

void world_destroy(struct world *world) {
    if (world->cluster != NULL) {
        cluster_destroy(world->cluster);
    }
    for (size_t i = 0; i < world->word_count; i++) {
        free(world->words[i]);
    }
    text_clear(&world->out);
    *world = (struct world){0};
}

static void start_again(struct world *world, struct cluster_node *node) {
    cluster_crash(world->cluster, node);
    cluster_restart(world->cluster, node);
    cluster_check_log(world->cluster, node);
    world_pass(world, node, WORLD_BEFORE_MS);
}

bool world_give_log(struct world *world, struct cluster_node *node, const char *terms) {
    size_t length = strlen(terms);
    if (node->durable.count != 1 || terms[0] != '1') {
        return false;
    }
    for (size_t i = 1; i < length; i++) {
        raft_term term = (raft_term)(terms[i] - '0');
        struct cluster_entry entry = {.term = term, .type = RAFT_COMMAND, .value = GIVEN + (i + 1) * 1000 + term};
        if (terms[i] < terms[i - 1] || terms[i] > '9') {
            return false;
        }
        cluster_log_add(&node->durable, &entry, 1);
    }
    node->durable_state = (struct raft_hard_state){.term = (raft_term)(terms[length - 1] - '0')};
    start_again(world, node);
    return true;
}

void world_give_state(struct world *world, struct cluster_node *node, struct raft_hard_state state) {
    node->durable_state = state;
    start_again(world, node);
}

/* -- Words -- */

uint64_t world_value(struct world *world, const char *word) {
    for (size_t i = 0; i < world->word_count; i++) {
        if (strcmp(world->words[i], word) == 0) {
            return i + 1;
        }
    }
    assert(world->word_count < WORLD_WORDS_MAX);
    world->words[world->word_count++] = memory_text(word, strlen(word));
    return world->word_count;
}

const char *world_word(const struct world *world, uint64_t value) {
    return value >= 1 && value <= world->word_count ? world->words[value - 1] : "";
}

/* -- Turns -- */

static bool finish_writes(struct world *world, struct cluster_node *node) {
    bool any = node->write_count > 0 && !world->disk_held[node->id - 1];
    while (node->write_count > 0 && !world->disk_held[node->id - 1]) {
        cluster_finish_write(world->cluster, node);
    }
    return any;
}

void world_settle(struct world *world, struct cluster_node *node) {
    bool again = true;
    while (again) {
        world->busy = false;
        cluster_perform(world->cluster, node);
        again = world->busy || node->whole;
        cluster_install(world->cluster, node);
        again = finish_writes(world, node) || again;
    }
}

void world_persist(struct world *world, struct cluster_node *node, size_t count) {
    for (size_t i = 0; i < count && node->write_count > 0; i++) {
        telling_line(world, "%d has write %d on its disk", (int)node->id, (int)node->writes[0].number);
        cluster_finish_write(world->cluster, node);
        cluster_perform(world->cluster, node);
    }
    world_settle(world, node);
}

void world_crash(struct world *world, struct cluster_node *node) {
    if (node->write_count > 0) {
        telling_line(world, "%d loses what was not on its disk, writes=%d", (int)node->id, (int)node->write_count);
    }
    cluster_crash(world->cluster, node);
    world->disk_held[node->id - 1] = false;
}

void world_restart(struct world *world, struct cluster_node *node) {
    cluster_restart(world->cluster, node);
    world_settle(world, node);
    telling_status(world, node);
}

/* -- Time -- */

void world_pass(struct world *world, struct cluster_node *node, uint64_t ms) {
    for (uint64_t i = 0; i < ms; i++) {
        node->clock_offset_ms++;
        if (node->raft == NULL) {
            continue;
        }
        raft_tick(node->raft, cluster_clock_ms(world->cluster, node));
        cluster_give_up_calls(world->cluster, node);
        cluster_retry_transfers(world->cluster, node);
        world_settle(world, node);
    }
}

void world_time_out(struct world *world, struct cluster_node *node) {
    uint64_t deadline_ms = raft_next_deadline_ms(node->raft);
    uint64_t now_ms = cluster_clock_ms(world->cluster, node);
    if (deadline_ms == UINT64_MAX) {
        telling_line(world, "%d waits for nothing", (int)node->id);
    } else if (deadline_ms > now_ms) {
        world_pass(world, node, deadline_ms - now_ms);
    }
}
