/* The world of a story: the cluster of tests/thesis/cluster.h by hand. Network, disks and clocks do what they are told, and
 * whatever happens is told in a line: a message when it arrives or is lost, what it brings about, indented, below it.
 *
 * A disk finishes each write at once, unless it is held. A message stays on its way until it is delivered or lost. Time
 * stands still but for world_pass. */
#ifndef TESTS_SCENARIOS_WORLD_H
#define TESTS_SCENARIOS_WORLD_H

#include "tests/scenarios/runner/text.h"
#include "tests/thesis/cluster.h"

enum {
    WORLD_ANSWER_MS = 45,  /* A request without answer ends after so long. */
    WORLD_BEFORE_MS = 20,  /* The nodes have run for so long when a story begins: no promise from their start holds. */
    WORLD_WORDS_MAX = 1000 /* Different commands in one story. */
};

struct world {
    struct cluster *cluster; /* Owned; NULL before the story has a cluster. */
    struct text out;
    bool held[CLUSTER_NODES_MAX][CLUSTER_NODES_MAX]; /* [i][j]: what goes from i + 1 to j + 1 stays on its way. */
    bool disk_held[CLUSTER_NODES_MAX];
    bool begun;                   /* Logs and terms cannot be given any more. */
    bool without_messages;        /* Only what they bring about is told. */
    bool inside;                  /* Of what a message brings about. */
    bool busy;                    /* Something was done in the last turn. */
    char *words[WORLD_WORDS_MAX]; /* Owned; what commands stand for: the text of value i + 1. */
    size_t word_count;
};

/* -- world.c -- */

/* `options` are those of cluster.h; the learners and voters of `first` know it, up to node_count. */
void world_create(struct world *world, size_t node_count, const struct raft_configuration *first, uint32_t in_flight,
                  uint32_t batch_entries, size_t pieces);
void world_destroy(struct world *world);

/* Before anything else happens: the log that a node has on its disk, as terms, one digit each, and its term and vote.
 * False: that contradicts another log. */
bool world_give_log(struct world *world, struct cluster_node *node, const char *terms);
void world_give_state(struct world *world, struct cluster_node *node, struct raft_hard_state state);

/* The number of a command, the same for the same text. */
uint64_t world_value(struct world *world, const char *word);
/* "" of one that was given with a log. */
const char *world_word(const struct world *world, uint64_t value);

/* Ends the turn: what the node does by itself without a message, and its disk if that is not held. */
void world_settle(struct world *world, struct cluster_node *node);
/* The first `count` writes under way are done. */
void world_persist(struct world *world, struct cluster_node *node, size_t count);
void world_crash(struct world *world, struct cluster_node *node);
void world_restart(struct world *world, struct cluster_node *node);

/* Time passes for one node. */
void world_pass(struct world *world, struct cluster_node *node, uint64_t ms);
/* Until its next deadline. */
void world_time_out(struct world *world, struct cluster_node *node);

/* -- network.c -- */

/* A link, or many: 0 is any node. `number` 0: all that is on it; else the number-th. */
struct link {
    raft_node_id from;
    raft_node_id to;
    size_t number;
};

/* What happens to messages on their way. Answers how many there were. */
size_t network_deliver(struct world *world, struct link link);
size_t network_drop(struct world *world, struct link link);
size_t network_fail(struct world *world, struct link link); /* Requests get no answer, and that is known at once. */
size_t network_duplicate(struct world *world, struct link link);
size_t network_reverse(struct world *world, struct link link);
void network_list(struct world *world);

/* Delivers what is not held until nothing is on its way any more; among those nodes (by id - 1) only. False: there is no
 * end to it. */
bool network_stabilize(struct world *world, const bool *among);
void network_hold(struct world *world, struct link link, bool held);
void network_cut(struct world *world, struct link link, bool cut);

/* -- telling.c -- */

void telling_line(struct world *world, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Of cluster_watcher. */
void telling_trace(void *world, const struct cluster_node *node, const char *line);
void telling_actions(void *world, const struct cluster_node *node, const struct raft_actions *actions);
/* "1 -> 2 what it says", and then what becomes of it. */
void telling_message(struct world *world, const struct cluster_packet *packet, const char *fate);
void telling_status(struct world *world, const struct cluster_node *node);
void telling_log(struct world *world, const struct cluster_node *node);
void telling_entries(struct world *world, const struct cluster_node *node);
void telling_peers(struct world *world, const struct cluster_node *node);
void telling_disk(struct world *world, const struct cluster_node *node);

/* -- commands.c -- */

enum { COMMAND_WORDS_MAX = 64 };

/* Does what the line says and tells it in world->out. False: it is no command, and `world->out` says why not. */
bool command_run(struct world *world, const char *line);

#endif
