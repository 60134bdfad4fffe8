#include "api/status.h"

#include "api/answer.h"
#include "api/clock.h"
#include "api/member_list.h"
#include "api/snapshot.h"

#include "server/base/memory.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

static void write_number(struct json_writer *writer, const char *name, uint64_t number) {
    json_write_name(writer, name);
    json_write_uint64(writer, number);
}

static void write_text(struct json_writer *writer, const char *name, const char *text) {
    json_write_name(writer, name);
    json_write_text(writer, text);
}

static void write_null(struct json_writer *writer, const char *name) {
    json_write_name(writer, name);
    json_write_null(writer);
}

static void write_leader(const struct api *api, const struct node_status *status, struct json_writer *writer) {
    raft_node_id leader = status->raft.leader;
    if (leader == 0) {
        write_null(writer, "leader");
        return;
    }
    const char *url = node_member_url(api->node, leader);
    json_write_name(writer, "leader");
    json_write_object_begin(writer);
    write_number(writer, "id", leader);
    if (url != NULL) {
        write_text(writer, "url", url);
    } else {
        write_null(writer, "url");
    }
    json_write_object_end(writer);
}

static const char *peer_state_name(enum raft_progress_state state) {
    return state == RAFT_REPLICATE ? "replicate" : state == RAFT_SNAPSHOT ? "snapshot" : "probe";
}

static void write_peers(const struct api *api, const struct node_status *status, struct json_writer *writer) {
    json_write_name(writer, "peers");
    json_write_array_begin(writer);
    for (size_t i = 0; i < status->raft.peer_count; i++) {
        const struct raft_peer_status *peer = &status->raft.peers[i];
        const char *url = node_member_url(api->node, peer->id);
        json_write_object_begin(writer);
        write_number(writer, "id", peer->id);
        write_text(writer, "url", url != NULL ? url : "");
        write_text(writer, "state", peer_state_name(peer->state));
        write_number(writer, "match_index", peer->match_index);
        write_number(writer, "next_index", peer->next_index);
        write_number(writer, "last_contact_ms",
                     api->now_ms > peer->last_contact_ms ? api->now_ms - peer->last_contact_ms : 0);
        if (peer->state == RAFT_SNAPSHOT && status->snapshot_percent[i] >= 0) {
            write_number(writer, "snapshot_percent", (uint64_t)status->snapshot_percent[i]);
        } else {
            write_null(writer, "snapshot_percent");
        }
        json_write_object_end(writer);
    }
    json_write_array_end(writer);
}

static void write_waiting(const struct node_status *status, struct json_writer *writer) {
    json_write_name(writer, "waiting_for");
    json_write_array_begin(writer);
    for (size_t i = 0; i < status->waiting_count; i++) {
        json_write_object_begin(writer);
        write_number(writer, "id", status->waiting[i].id);
        write_text(writer, "url", status->waiting[i].url);
        write_text(writer, "why", status->waiting[i].why);
        json_write_object_end(writer);
    }
    json_write_array_end(writer);
}

/* Null before the first. */
static void write_snapshot(const struct node_status *status, struct json_writer *writer) {
    json_write_name(writer, "snapshot");
    if (status->snapshot.length == 0) {
        json_write_null(writer);
    } else {
        snapshot_write(&status->snapshot, writer);
    }
}

static void write_log(const struct node_status *status, struct json_writer *writer) {
    write_number(writer, "first_index", status->raft.first_index);
    write_number(writer, "last_index", status->raft.last.index);
    write_number(writer, "last_term", status->raft.last.term);
    write_number(writer, "commit_index", status->raft.commit_index);
    write_number(writer, "applied_index", status->applied_index);
    write_snapshot(status, writer);
}

static void write_log_terms(const struct node_status *status, struct json_writer *writer) {
    json_write_name(writer, "log_terms");
    json_write_array_begin(writer);
    for (size_t i = 0; i < status->log_term_count; i++) {
        json_write_object_begin(writer);
        write_number(writer, "from", status->log_terms[i].from);
        write_number(writer, "term", status->log_terms[i].term);
        json_write_object_end(writer);
    }
    json_write_array_end(writer);
}

static void write_proposals(const struct api *api, const struct node_status *status, struct json_writer *writer) {
    double p50_ms = 0;
    double p99_ms = 0;
    json_write_name(writer, "proposals");
    json_write_object_begin(writer);
    write_number(writer, "waiting", status->commands_waiting);
    json_write_name(writer, "latency_ms");
    if (latency_read(&api->latency, api->now_ms, &p50_ms, &p99_ms)) {
        json_write_object_begin(writer);
        json_write_name(writer, "p50");
        json_write_double(writer, p50_ms, 3);
        json_write_name(writer, "p99");
        json_write_double(writer, p99_ms, 3);
        json_write_object_end(writer);
    } else {
        json_write_null(writer);
    }
    json_write_object_end(writer);
}

static void write_host(const struct api *api, struct json_writer *writer) {
    double p50_ms = 0;
    double p99_ms = 0;
    api->host.disk_latency(api->host.context, &p50_ms, &p99_ms);
    uint64_t up_ms = api->now_ms - api->options.started_ms;
    write_number(writer, "uptime_seconds", up_ms / 1000);
    write_number(writer, "storage_bytes", api->host.storage_bytes(api->host.context));
    json_write_name(writer, "disk_write_ms");
    json_write_object_begin(writer);
    json_write_name(writer, "p50");
    json_write_double(writer, p50_ms, 3);
    json_write_name(writer, "p99");
    json_write_double(writer, p99_ms, 3);
    json_write_object_end(writer);
}

static void write_disk(const struct node_disk_status *disk, struct json_writer *writer) {
    json_write_name(writer, "disk");
    json_write_object_begin(writer);
    write_number(writer, "oldest_write_ms", disk->oldest_write_ms);
    json_write_name(writer, "stalled");
    json_write_bool(writer, disk->stalled);
    if (disk->free_bytes == UINT64_MAX) {
        write_null(writer, "free_bytes");
    } else {
        write_number(writer, "free_bytes", disk->free_bytes);
    }
    json_write_name(writer, "full");
    json_write_bool(writer, disk->full);
    json_write_object_end(writer);
}

static void write_state(const struct node_status *status, struct json_writer *writer) {
    json_write_name(writer, "state_hash");
    if (status->state_hash.index == 0) {
        json_write_null(writer);
    } else {
        char digits[17];
        snprintf(digits, sizeof digits, "%016" PRIx64, status->state_hash.hash);
        json_write_object_begin(writer);
        write_number(writer, "index", status->state_hash.index);
        write_text(writer, "hash", digits);
        json_write_object_end(writer);
    }
    json_write_name(writer, "diverged");
    if (status->diverged_since == 0) {
        json_write_null(writer);
    } else {
        json_write_object_begin(writer);
        write_number(writer, "since_index", status->diverged_since);
        json_write_object_end(writer);
    }
    json_write_name(writer, "divergence_alarm");
    json_write_bool(writer, status->divergence_alarm);
}

/* What others compare with theirs. */
static void write_times(const struct api *api, struct json_writer *writer) {
    json_write_name(writer, "clock");
    json_write_object_begin(writer);
    write_number(writer, "elapsed_us", clock_elapsed_us());
    write_number(writer, "wall_ms", clock_wall_ms());
    json_write_object_end(writer);
    if (api->options.tls != NULL) {
        write_number(writer, "certificate_expires", (uint64_t)tls_expires_s(api->options.tls));
    } else {
        write_null(writer, "certificate_expires");
    }
}

void status_write(const struct api *api, const struct node_status *status, struct json_writer *writer) {
    bool member = status->cluster_id[0] != '\0';
    json_write_object_begin(writer);
    write_number(writer, "id", status->id);
    write_text(writer, "url", api->options.advertise_url);
    write_text(writer, "client_url", api->options.client_url);
    json_write_name(writer, "cluster_id");
    if (member) {
        json_write_text(writer, status->cluster_id);
    } else {
        json_write_null(writer);
    }
    write_text(writer, "incarnation", status->incarnation);
    write_text(writer, "version", RAFTD_VERSION);
    write_text(writer, "machine", api->options.machine_name);
    write_text(writer, "role", node_role_name(status->role));
    write_number(writer, "term", status->raft.hard_state.term);
    write_number(writer, "voted_for", status->raft.hard_state.voted_for);
    write_leader(api, status, writer);
    write_log(status, writer);
    json_write_name(writer, "configuration");
    member_list_write(status, writer);
    write_peers(api, status, writer);
    write_host(api, writer);
    write_disk(&status->disk, writer);
    write_state(status, writer);
    write_log_terms(status, writer);
    write_proposals(api, status, writer);
    write_number(writer, "events", status->events);
    write_times(api, writer);
    write_waiting(status, writer);
    json_write_object_end(writer);
}

void status_handle(struct request *request) {
    /* Several tens of kilobytes: too much for the stack of whoever called us. */
    struct node_status *status = memory_alloc(sizeof *status);
    node_status(request->api->node, status);
    struct json_writer writer = {0};
    status_write(request->api, status, &writer);
    free(status);
    answer_written(request, &(struct answer){.status = 200, .content_type = ANSWER_JSON}, &writer);
}
