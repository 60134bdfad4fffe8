#include "server/cluster_clock.h"

#include <assert.h>

void cluster_clock_see(struct cluster_clock *clock, uint64_t time_ms) {
    if (time_ms > clock->newest_ms) {
        clock->newest_ms = time_ms;
    }
}

void cluster_clock_truncate(struct cluster_clock *clock, uint64_t newest_ms) {
    if (newest_ms < clock->newest_ms) {
        clock->newest_ms = newest_ms;
    }
}

void cluster_clock_lead(struct cluster_clock *clock, raft_term term, uint64_t now_ms) {
    assert(term >= clock->term);
    if (term > clock->term) {
        clock->term = term;
        clock->since_ms = now_ms;
    }
}

uint64_t cluster_clock_stamp(struct cluster_clock *clock, uint64_t now_ms) {
    assert(clock->term > 0 && now_ms >= clock->since_ms);
    uint64_t passed_ms = now_ms - clock->since_ms;
    uint64_t room_ms = clock->newest_ms < RAFT_NUMBER_MAX ? RAFT_NUMBER_MAX - clock->newest_ms : 0;
    clock->newest_ms += passed_ms < room_ms ? passed_ms : room_ms;
    clock->since_ms = now_ms;
    return clock->newest_ms;
}
