#include "api/metrics_traffic.h"

#include "api/http.h"

#include <inttypes.h>
#include <stdio.h>

/* The first bound that is shown, a power of two in microseconds: below it nobody asks. */
enum { FIRST_OF_REQUESTS = 7, FIRST_OF_PEERS = 6 };

/* -- Clients -- */

static void write_outcomes(struct exposition *text, const char *family, const char *help,
                           const uint64_t counts[FIGURES_OUTCOME_COUNT], bool commands) {
    exposition_begin(text, family, "counter", help);
    for (int i = 0; i < FIGURES_OUTCOME_COUNT; i++) {
        bool never = !commands && (i == FIGURES_DUPLICATE || i == FIGURES_UNKNOWN);
        char labels[EXPOSITION_LABELS_SIZE];
        snprintf(labels, sizeof labels, "outcome=\"%s\"", figures_outcome_name((enum figures_outcome)i));
        if (!never) {
            exposition_number(text, labels, counts[i]);
        }
    }
}

static void write_proposals(struct exposition *text, const struct figures *figures) {
    write_outcomes(text, "raftd_proposals_total",
                   "Commands that clients proposed to this node, by what they were told: done (applied), duplicate (a "
                   "retry of one that was), invalid (the client's mistake), rejected (no leader, overloaded, disk full, "
                   "...), unknown (it may still be applied), gone (the client hung up first).",
                   figures->commands, true);
    write_outcomes(text, "raftd_queries_total",
                   "Queries asked of this node, by what clients were told; the outcomes are those of "
                   "raftd_proposals_total.",
                   figures->queries, false);
    exposition_begin(text, "raftd_propose_duration_seconds", "histogram",
                     "How long a client waited for a single command to be committed and applied, forwarding included.");
    exposition_histogram(text, NULL, &figures->propose, FIRST_OF_REQUESTS);
    static const char *const consistencies[] = {
        [NODE_LINEARIZABLE] = "consistency=\"linearizable\"",
        [NODE_LEASE] = "consistency=\"lease\"",
        [NODE_STALE] = "consistency=\"stale\"",
    };
    exposition_begin(text, "raftd_query_duration_seconds", "histogram",
                     "How long a client waited for a query to be answered, by consistency.");
    for (int i = 0; i < FIGURES_CONSISTENCY_COUNT; i++) {
        exposition_histogram(text, consistencies[i], &figures->query[i], FIRST_OF_REQUESTS);
    }
}

static void request_labels(char labels[EXPOSITION_LABELS_SIZE], int class, int status) {
    snprintf(labels, EXPOSITION_LABELS_SIZE, "route=\"%s\",status=\"%dxx\"", route_class_name((enum route_class) class),
             status + 2);
}

static void write_requests(struct exposition *text, const struct figures *figures) {
    char labels[EXPOSITION_LABELS_SIZE];
    exposition_begin(text, "raftd_http_requests_total", "counter",
                     "Requests answered, by kind of route and class of status. route=none: nothing takes them.");
    for (int class = 0; class < ROUTE_CLASS_COUNT; class ++) {
        for (int status = 0; status < FIGURES_STATUS_COUNT; status++) {
            request_labels(labels, class, status);
            exposition_number(text, labels, histogram_count(&figures->http[class][status]));
        }
    }
    exposition_begin(text, "raftd_http_request_duration_seconds", "histogram",
                     "From when a request was whole until its answer began, of those that occurred. A watch is answered "
                     "when it begins.");
    for (int class = 0; class < ROUTE_CLASS_COUNT; class ++) {
        for (int status = 0; status < FIGURES_STATUS_COUNT; status++) {
            if (histogram_count(&figures->http[class][status]) > 0) {
                request_labels(labels, class, status);
                exposition_histogram(text, labels, &figures->http[class][status], FIRST_OF_REQUESTS);
            }
        }
    }
    exposition_counter(text, "raftd_http_requests_abandoned_total", "Requests whose client hung up before the answer.",
                       figures->abandoned);
}

static void write_queues(struct exposition *text, const struct api *api, const struct node_status *status) {
    exposition_gauge(text, "raftd_connections", "Open HTTP connections, those of other nodes included.",
                     http_connection_count(api->http));
    exposition_gauge(text, "raftd_watches", "Clients that watch commands.", status->watches);
    exposition_gauge(text, "raftd_proposals_waiting",
                     "Commands taken and not yet answered; new ones are refused (429) beyond --max-queued-commands.",
                     status->commands_waiting);
    exposition_gauge(text, "raftd_proposals_waiting_bytes",
                     "Their bytes; new ones are refused (429) beyond --max-queued-bytes.", status->bytes_waiting);
    exposition_gauge(text, "raftd_queries_waiting", "Queries taken and not yet answered.", status->queries_waiting);
    exposition_gauge(text, "raftd_peer_requests_waiting", "Requests to other nodes that have no answer yet.",
                     status->calls);
}

/* -- Other nodes -- */

static void peer_labels(char labels[EXPOSITION_LABELS_SIZE], uint64_t id) {
    snprintf(labels, EXPOSITION_LABELS_SIZE, "peer=\"%" PRIu64 "\"", id);
}

static uint64_t lag_of(const struct node_status *status, const struct raft_peer_status *peer) {
    raft_index last = status->raft.last.index;
    return last > peer->match_index ? last - peer->match_index : 0;
}

static void write_lag(struct exposition *text, const struct api *api, const struct node_status *status) {
    char labels[EXPOSITION_LABELS_SIZE];
    exposition_begin(text, "raftd_peer_match_index", "gauge",
                     "On the leader: how far each other node's log is known to agree with its own.");
    for (size_t i = 0; i < status->raft.peer_count; i++) {
        peer_labels(labels, status->raft.peers[i].id);
        exposition_number(text, labels, status->raft.peers[i].match_index);
    }
    exposition_begin(text, "raftd_peer_lag_entries", "gauge",
                     "On the leader: how many entries of its log each other node has not acknowledged.");
    for (size_t i = 0; i < status->raft.peer_count; i++) {
        peer_labels(labels, status->raft.peers[i].id);
        exposition_number(text, labels, lag_of(status, &status->raft.peers[i]));
    }
    exposition_begin(text, "raftd_peer_last_contact_seconds", "gauge",
                     "On the leader: how long ago each other node answered last.");
    for (size_t i = 0; i < status->raft.peer_count; i++) {
        uint64_t then_ms = status->raft.peers[i].last_contact_ms;
        peer_labels(labels, status->raft.peers[i].id);
        exposition_seconds(text, labels, api->now_ms > then_ms ? (api->now_ms - then_ms) * 1000 : 0);
    }
}

static void write_states(struct exposition *text, const struct node_status *status) {
    static const struct {
        enum raft_progress_state state;
        const char *name;
    } states[] = {{RAFT_PROBE, "probe"}, {RAFT_REPLICATE, "replicate"}, {RAFT_SNAPSHOT, "snapshot"}};
    char labels[EXPOSITION_LABELS_SIZE];
    exposition_begin(text, "raftd_peer_state", "gauge",
                     "On the leader: 1 for how each other node gets the log. replicate: entries flow. probe: the leader "
                     "looks where logs agree, or hears nothing. snapshot: it lacks what the log no longer has.");
    for (size_t i = 0; i < status->raft.peer_count; i++) {
        const struct raft_peer_status *peer = &status->raft.peers[i];
        for (size_t j = 0; j < sizeof states / sizeof states[0]; j++) {
            snprintf(labels, sizeof labels, "peer=\"%" PRIu64 "\",state=\"%s\"", peer->id, states[j].name);
            exposition_number(text, labels, peer->state == states[j].state ? 1 : 0);
        }
    }
    exposition_begin(text, "raftd_peer_snapshot_ratio", "gauge",
                     "On the leader: how much of a snapshot each node that gets one has, from 0 to 1.");
    for (size_t i = 0; i < status->raft.peer_count; i++) {
        if (status->raft.peers[i].state == RAFT_SNAPSHOT && status->snapshot_percent[i] >= 0) {
            peer_labels(labels, status->raft.peers[i].id);
            exposition_real(text, labels, (double)status->snapshot_percent[i] / 100.0);
        }
    }
}

/* Of members that were asked something of the kind. */
static bool is_told(const struct node_status *status, const struct measures_peer *peer, size_t rpc) {
    return members_find(&status->members, peer->id) != NULL &&
           (peer->failed[rpc] > 0 || histogram_count(&peer->round_trips[rpc]) > 0);
}

static void rpc_labels(char labels[EXPOSITION_LABELS_SIZE], uint64_t id, size_t rpc) {
    snprintf(labels, EXPOSITION_LABELS_SIZE, "peer=\"%" PRIu64 "\",rpc=\"%s\"", id, measures_rpc_name(rpc));
}

static void write_round_trips(struct exposition *text, const struct measures *measures, const struct node_status *status) {
    char labels[EXPOSITION_LABELS_SIZE];
    exposition_begin(text, "raftd_peer_round_trip_seconds", "histogram",
                     "How long other nodes took to answer this one's requests. heartbeat is the network and the other's "
                     "loop; append_entries waits for the other's disk as well.");
    for (size_t i = 0; i < measures->peer_count; i++) {
        for (size_t rpc = 0; rpc < MEASURES_RPC_COUNT; rpc++) {
            if (is_told(status, measures->peers[i], rpc)) {
                rpc_labels(labels, measures->peers[i]->id, rpc);
                exposition_histogram(text, labels, &measures->peers[i]->round_trips[rpc], FIRST_OF_PEERS);
            }
        }
    }
    exposition_begin(text, "raftd_peer_requests_failed_total", "counter",
                     "Requests of this node to which another one gave no answer.");
    for (size_t i = 0; i < measures->peer_count; i++) {
        for (size_t rpc = 0; rpc < MEASURES_RPC_COUNT; rpc++) {
            if (is_told(status, measures->peers[i], rpc)) {
                rpc_labels(labels, measures->peers[i]->id, rpc);
                exposition_number(text, labels, measures->peers[i]->failed[rpc]);
            }
        }
    }
}

void metrics_traffic_write(struct exposition *text, const struct api *api, const struct node_status *status) {
    write_proposals(text, &api->figures);
    write_requests(text, &api->figures);
    write_queues(text, api, status);
    write_lag(text, api, status);
    write_states(text, status);
    write_round_trips(text, node_measures(api->node), status);
}
