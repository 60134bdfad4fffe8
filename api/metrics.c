#include "api/metrics.h"

#include "api/answer.h"
#include "api/http.h"

#include "server/base/memory.h"

#include <assert.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

static void print(struct json_writer *text, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void print(struct json_writer *text, const char *format, ...) {
    char line[512];
    va_list arguments;
    va_start(arguments, format);
    int size = vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    assert(size >= 0 && (size_t)size < sizeof line);
    json_write_bytes(text, line, (size_t)size);
}

static void gauge(struct json_writer *text, const char *name, const char *help, uint64_t value) {
    print(text, "# HELP raftd_%s %s\n# TYPE raftd_%s gauge\nraftd_%s %" PRIu64 "\n", name, help, name, name, value);
}

static void write_role(struct json_writer *text, enum node_role role) {
    print(text, "# HELP raftd_role 1 for the role this node has, 0 for the others.\n# TYPE raftd_role gauge\n");
    for (int i = NODE_LEADER; i <= NODE_REMOVED; i++) {
        print(text, "raftd_role{role=\"%s\"} %d\n", node_role_name((enum node_role)i), i == (int)role);
    }
}

static void write_peers(struct json_writer *text, const struct node_status *status) {
    print(text, "# HELP raftd_peer_match_index On the leader: how far each other node's log is known to agree.\n"
                "# TYPE raftd_peer_match_index gauge\n");
    for (size_t i = 0; i < status->raft.peer_count; i++) {
        print(text, "raftd_peer_match_index{peer=\"%" PRIu64 "\"} %" PRIu64 "\n", status->raft.peers[i].id,
              status->raft.peers[i].match_index);
    }
}

static void write_disk(struct json_writer *text, const struct api *api, const struct node_disk_status *disk) {
    double p50_ms = 0;
    double p99_ms = 0;
    uint64_t batches = api->host.disk_latency(api->host.context, &p50_ms, &p99_ms);
    print(text,
          "# HELP raftd_disk_write_milliseconds Duration of recent writes to disk, synced.\n"
          "# TYPE raftd_disk_write_milliseconds gauge\n"
          "raftd_disk_write_milliseconds{quantile=\"0.5\"} %.3f\n"
          "raftd_disk_write_milliseconds{quantile=\"0.99\"} %.3f\n",
          p50_ms, p99_ms);
    print(text,
          "# HELP raftd_disk_syncs_total Batches written to the log and synced since the process started.\n"
          "# TYPE raftd_disk_syncs_total counter\nraftd_disk_syncs_total %" PRIu64 "\n",
          batches);
    gauge(text, "disk_oldest_write_milliseconds", "How long the oldest unfinished write has taken so far.",
          disk->oldest_write_ms);
    gauge(text, "disk_stalled", "1 when a write has taken an election time-out: this node leads no other voters.",
          disk->stalled ? 1 : 0);
    gauge(text, "storage_full", "1 when there is no room for commands on the disk.", disk->full ? 1 : 0);
    if (disk->free_bytes != UINT64_MAX) {
        gauge(text, "storage_free_bytes", "Bytes free on the file system, what is held in reserve not counted.",
              disk->free_bytes);
    }
}

static void write_snapshots(struct json_writer *text, const struct node_status *status) {
    print(text,
          "# HELP raftd_snapshots_taken_total Snapshots that this node has taken since it started.\n"
          "# TYPE raftd_snapshots_taken_total counter\nraftd_snapshots_taken_total %" PRIu64 "\n"
          "# HELP raftd_snapshot_duration_seconds How long the last of them took to write.\n"
          "# TYPE raftd_snapshot_duration_seconds gauge\nraftd_snapshot_duration_seconds %.3f\n",
          status->snapshots_taken, (double)status->snapshot_duration_ms / 1000.0);
}

void metrics_handle(struct request *request) {
    const struct api *api = request->api;
    struct node_status *status = memory_alloc(sizeof *status);
    node_status(api->node, status);
    struct json_writer text = {0};
    print(&text,
          "# HELP raftd_info 1, with the version and the state machine as labels.\n# TYPE raftd_info gauge\n"
          "raftd_info{version=\"%s\",machine=\"%.200s\",node=\"%" PRIu64 "\"} 1\n",
          RAFTD_VERSION, api->options.machine_name, status->id);
    write_role(&text, status->role);
    gauge(&text, "term", "Current term.", status->raft.hard_state.term);
    gauge(&text, "leader", "Id of the leader, 0 when unknown.", status->raft.leader);
    gauge(&text, "first_index", "First index in the log.", status->raft.first_index);
    gauge(&text, "last_index", "Last index in the log.", status->raft.last.index);
    gauge(&text, "commit_index", "Highest index known to be committed.", status->raft.commit_index);
    gauge(&text, "applied_index", "Highest index applied to the state machine.", status->applied_index);
    gauge(&text, "sessions", "Open sessions, some of which may be over.", status->sessions);
    gauge(&text, "idempotency_keys", "Keys remembered, some of which may be over.", status->keys);
    gauge(&text, "snapshot_index", "Index that the newest snapshot here covers, 0 before the first.",
          status->snapshot.id.index);
    gauge(&text, "snapshot_bytes", "Size of that snapshot.", status->snapshot.length);
    write_snapshots(&text, status);
    gauge(&text, "state_diverged", "1 while this node's state differs from the majority's: it serves no queries.",
          status->diverged_since != 0 ? 1 : 0);
    gauge(&text, "divergence_alarm", "1 on a leader while no majority of voters agrees on the state.",
          status->divergence_alarm ? 1 : 0);
    gauge(&text, "members", "Members in the configuration, 0 before there is one.", status->members.count);
    write_peers(&text, status);
    gauge(&text, "storage_bytes", "Bytes that the store takes on disk.", api->host.storage_bytes(api->host.context));
    write_disk(&text, api, &status->disk);
    gauge(&text, "connections", "Open HTTP connections.", http_connection_count(api->http));
    if (api->options.audit != NULL) {
        print(&text,
              "# HELP raftd_audit_failures_total Lines of the audit log that could not be written.\n"
              "# TYPE raftd_audit_failures_total counter\nraftd_audit_failures_total %" PRIu64 "\n",
              audit_failures(api->options.audit));
    }
    if (api->options.tls != NULL) {
        gauge(&text, "tls_certificate_expires_seconds", "When this node's certificate expires, in seconds since 1970.",
              (uint64_t)tls_expires_s(api->options.tls));
    }
    gauge(&text, "uptime_seconds", "Seconds since the process started.", (api->now_ms - api->options.started_ms) / 1000);
    free(status);
    answer_written(request, &(struct answer){.status = 200, .content_type = "text/plain; version=0.0.4; charset=utf-8"},
                   &text);
}
