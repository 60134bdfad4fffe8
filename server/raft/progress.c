#include "server/raft/progress.h"

#include <assert.h>

void progress_reset(struct progress *progress, raft_index next_index, uint64_t now_ms) {
    assert(next_index > 0);
    *progress =
        (struct progress){.id = progress->id, .state = RAFT_PROBE, .next_index = next_index, .last_contact_ms = now_ms};
}

void progress_sent(struct progress *progress, struct progress_request request) {
    assert(progress->in_flight_count < RAFT_IN_FLIGHT_MAX + RAFT_HEARTBEATS_IN_FLIGHT);
    assert(request.last >= request.prev);
    progress->in_flight[progress->in_flight_count++] = request;
    if (request.heartbeat) {
        progress->heartbeats_in_flight++;
    }
}

bool progress_ended(struct progress *progress, raft_round round, struct progress_request *out_request) {
    for (size_t i = 0; i < progress->in_flight_count; i++) {
        if (progress->in_flight[i].round != round) {
            continue;
        }
        *out_request = progress->in_flight[i];
        progress->in_flight[i] = progress->in_flight[--progress->in_flight_count];
        if (out_request->heartbeat) {
            assert(progress->heartbeats_in_flight > 0);
            progress->heartbeats_in_flight--;
        }
        return true;
    }
    return false;
}

size_t progress_entries_in_flight(const struct progress *progress) {
    return progress->in_flight_count - progress->heartbeats_in_flight;
}
