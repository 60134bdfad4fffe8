/* A full queue shall say so before whoever is in it waits for long. How much is served in time depends on disks, network
 * and the size of commands, so it is found out: what is answered quickly lets as much more wait (twice as much after each
 * round trip), what is answered late cuts that down at once. Small commands, which delay nobody, find room where large ones
 * have used up theirs. */
#include "server/node_state.h"
#include "server/proposals.h"

/* A part of the limit, but so much at any rate. */
static uint64_t part(uint64_t limit, unsigned parts, uint64_t least) {
    uint64_t window = limit / parts > least ? limit / parts : least;
    return window < limit ? window : limit;
}

static uint64_t least_commands(const struct node *node) {
    return part(node->options.queued_commands_max, PROPOSALS_SLOW_PART, PROPOSALS_COMMANDS_MIN);
}

static uint64_t least_bytes(const struct node *node) {
    return part(node->options.queued_bytes_max, PROPOSALS_SLOW_PART, PROPOSALS_BYTES_MIN);
}

static uint64_t grown(uint64_t window, uint64_t more, uint64_t limit) {
    return more < limit - window ? window + more : limit;
}

void proposals_init(struct node *node) {
    node->proposals.commands_window = node->options.queued_commands_max;
    node->proposals.bytes_window = part(node->options.queued_bytes_max, PROPOSALS_FIRST_PART, PROPOSALS_BYTES_MIN);
}

/* While nothing at all is applied, nobody finishes either. */
static bool is_stuck(const struct node *node) {
    const struct proposal *oldest = node->proposals.appended.head;
    return oldest != NULL && !oldest->lost && node->now_ms > oldest->moved_ms + PROPOSALS_SLOW_MS;
}

static bool fits(uint64_t waiting, uint64_t more, uint64_t window, uint64_t limit) {
    return waiting + more <= limit && (waiting == 0 || waiting + more <= window);
}

bool proposals_has_room(const struct node *node, size_t commands, uint64_t bytes, uint64_t coming) {
    const struct proposals *proposals = &node->proposals;
    uint64_t commands_limit = node->options.queued_commands_max;
    uint64_t bytes_limit = node->options.queued_bytes_max;
    bool stuck = is_stuck(node);
    uint64_t commands_window = stuck ? least_commands(node) : proposals->commands_window;
    uint64_t bytes_window = stuck ? least_bytes(node) : proposals->bytes_window;
    if (bytes <= PROPOSALS_SMALL_BYTES) {
        bytes_window *= 2;
    }
    return fits(proposals->commands_waiting, commands, commands_window, commands_limit) &&
           fits(proposals->bytes_waiting + coming, bytes, bytes_window, bytes_limit);
}

void proposals_learn(struct node *node, const struct proposal *proposal) {
    struct proposals *proposals = &node->proposals;
    uint64_t took_ms = node->now_ms - proposal->moved_ms;
    bool refused = proposal->lines[0].problem.code == PROBLEM_OVERLOADED; /* By the leader. */
    if (proposal->moved_ms == 0) {
        return;
    }
    if (refused || took_ms > PROPOSALS_SLOW_MS) {
        proposals->commands_window = least_commands(node);
        proposals->bytes_window = least_bytes(node);
    } else if (took_ms <= PROPOSALS_QUICK_MS) {
        proposals->commands_window = grown(proposals->commands_window, proposal->count, node->options.queued_commands_max);
        proposals->bytes_window = grown(proposals->bytes_window, proposal->bytes, node->options.queued_bytes_max);
    }
}
