/* How fast others' clocks run is known within bounds only: each look at one was at some time between asking and being
 * answered. What is told here is so even at the bound that excuses most. */
#include "api/checkup.h"

#include <inttypes.h>
#include <stdio.h>

/* By how many in a thousand it runs too fast or (`*out_fast` false) too slow, at the least. */
static uint64_t drift_at_least(const struct checkup_clock clocks[2], bool *out_fast) {
    if (!clocks[0].known || !clocks[1].known || clocks[1].sent_us <= clocks[0].got_us ||
        clocks[1].elapsed_us < clocks[0].elapsed_us) {
        return 0; /* It was started anew, maybe. */
    }
    double theirs = (double)(clocks[1].elapsed_us - clocks[0].elapsed_us);
    double ours_least = (double)(clocks[1].sent_us - clocks[0].got_us);
    double ours_most = (double)(clocks[1].got_us - clocks[0].sent_us);
    *out_fast = theirs > ours_most;
    double rate = theirs > ours_most ? theirs / ours_most - 1 : theirs < ours_least ? 1 - theirs / ours_least : 0;
    return (uint64_t)(rate * 1000);
}

static void look_at_drift(const struct checkup *checkup, const struct checkup_node *node,
                          struct checkup_findings *findings) {
    bool fast = false;
    uint64_t drift = drift_at_least(node->clocks, &fast);
    if (drift < CHECKUP_DRIFT_PER_MILLE) {
        return;
    }
    bool bad = drift >= CHECKUP_DRIFT_BAD_PER_MILLE;
    struct checkup_finding *found = checkup_add(findings, bad ? CHECKUP_PROBLEM : CHECKUP_WARNING, "clock_drift", node->id);
    checkup_say(found->problem, "the clock of node %" PRIu64 " runs too %s%s", node->id, fast ? "fast" : "slow",
                bad ? ": lease reads may be wrong" : "");
    checkup_say(found->evidence,
                "by %" PRIu64 ".%" PRIu64 " %% or more beside that of node %" PRIu64 "; leases allow %d %% between any two",
                drift / 10, drift % 10, checkup->self, RAFT_LEASE_DRIFT_PERCENT);
    checkup_say(found->command,
                "cat /sys/devices/system/clocksource/clocksource0/current_clocksource   # on both; until it is mended no "
                "consistency=lease");
}

/* The time of the wall is nothing that raftd rests on. */
static void look_at_wall(const struct checkup *checkup, const struct checkup_node *node,
                         struct checkup_findings *findings) {
    const struct checkup_clock *clock = &node->clocks[1];
    if (!clock->known || clock->wall_ms == 0) {
        return;
    }
    uint64_t way_ms = (clock->got_us - clock->sent_us) / 1000 + 1;
    uint64_t apart_ms =
        clock->wall_ms > clock->got_wall_ms ? clock->wall_ms - clock->got_wall_ms : clock->got_wall_ms - clock->wall_ms;
    if (apart_ms < CHECKUP_WALL_APART_MS + way_ms) {
        return;
    }
    struct checkup_finding *found = checkup_add(findings, CHECKUP_HINT, "wall_clock", node->id);
    checkup_say(found->problem, "the time of day of node %" PRIu64 " is another one", node->id);
    checkup_say(found->evidence,
                "%" PRIu64 " s %s that of node %" PRIu64 "; raftd itself does not rest on it, certificates and logs do",
                apart_ms / 1000, clock->wall_ms > clock->got_wall_ms ? "ahead of" : "behind", checkup->self);
    checkup_say(found->command, "timedatectl set-ntp true   # on both");
}

void checkup_clocks(const struct checkup *checkup, struct checkup_findings *findings) {
    for (size_t i = 0; i < checkup->count; i++) {
        const struct checkup_node *node = &checkup->nodes[i];
        if (node->id != checkup->self && checkup_is_ours(checkup, node)) {
            look_at_drift(checkup, node, findings);
            look_at_wall(checkup, node, findings);
        }
    }
}
