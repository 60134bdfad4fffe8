/* One function for each part of the house; README.md has the table of all families, which a test compares with this. */
#include "api/metrics.h"

#include "api/answer.h"
#include "api/exposition.h"
#include "api/metrics_traffic.h"
#include "api/process.h"

#include "server/base/memory.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

/* The first bound that is shown, a power of two in microseconds: below it nobody asks. */
enum { FIRST_OF_WRITES = 6, FIRST_OF_APPLYING = 0 };

static void write_identity(struct exposition *text, const struct api *api, const struct node_status *status) {
    char labels[EXPOSITION_LABELS_SIZE];
    char value[EXPOSITION_VALUE_SIZE];
    exposition_begin(text, "raftd_build_info", "gauge", "Always 1; the version of the program is in the label.");
    snprintf(labels, sizeof labels, "version=\"%s\"", exposition_value(RAFTD_VERSION, value));
    exposition_number(text, labels, 1);
    exposition_begin(text, "raftd_node_info", "gauge",
                     "Always 1; which node of which cluster this is, and its state machine, are in the labels. "
                     "cluster is empty while the node belongs to none.");
    snprintf(labels, sizeof labels, "node=\"%" PRIu64 "\",cluster=\"%s\",machine=\"%s\"", status->id, status->cluster_id,
             exposition_value(api->options.machine_name, value));
    exposition_number(text, labels, 1);
}

static void write_role(struct exposition *text, const struct api *api, const struct node_status *status) {
    exposition_begin(text, "raftd_role", "gauge", "1 for the role that this node has now, 0 for the others.");
    for (int i = NODE_LEADER; i <= NODE_REMOVED; i++) {
        char labels[EXPOSITION_LABELS_SIZE];
        snprintf(labels, sizeof labels, "role=\"%s\"", node_role_name((enum node_role)i));
        exposition_number(text, labels, i == (int)status->role ? 1 : 0);
    }
    char why[PROBLEM_DETAIL_SIZE];
    exposition_gauge(text, "raftd_ready", "1 when /readyz says so: the node knows a leader and has caught up.",
                     node_ready(api->node, why, sizeof why) ? 1 : 0);
    exposition_gauge(text, "raftd_term", "The newest term this node knows; it grows with every election.",
                     status->raft.hard_state.term);
    exposition_gauge(text, "raftd_leader", "Id of the leader as this node knows it, 0 when it knows none.",
                     status->raft.leader);
    exposition_counter(text, "raftd_leader_changes_total",
                       "How often this node has seen a leader begin to lead, the same one in another term included.",
                       status->leader_changes);
    exposition_counter(text, "raftd_elections_total", "How often this node has stood for election.", status->elections);
}

static void write_members(struct exposition *text, const struct node_status *status) {
    uint64_t voters = 0;
    for (size_t i = 0; i < status->members.count; i++) {
        voters += status->members.list[i].voter ? 1 : 0;
    }
    exposition_gauge(text, "raftd_members", "Members in the configuration, learners included; 0 before there is one.",
                     status->members.count);
    exposition_gauge(text, "raftd_voters", "Members that vote; a majority of them must be reachable.", voters);
}

static void write_log(struct exposition *text, const struct node_status *status) {
    exposition_gauge(text, "raftd_first_index", "First index in this node's log; what was before is in a snapshot.",
                     status->raft.first_index);
    exposition_gauge(text, "raftd_last_index", "Last index in this node's log.", status->raft.last.index);
    exposition_gauge(text, "raftd_commit_index", "Highest index that this node knows to be committed.",
                     status->raft.commit_index);
    exposition_gauge(text, "raftd_applied_index", "Highest index applied to this node's state machine.",
                     status->applied_index);
}

static void write_snapshots(struct exposition *text, const struct node_status *status) {
    exposition_gauge(text, "raftd_snapshot_index", "Last index in this node's newest snapshot, 0 before the first.",
                     status->snapshot.id.index);
    exposition_gauge(text, "raftd_snapshot_bytes", "Size of that snapshot.", status->snapshot.length);
    exposition_counter(text, "raftd_snapshots_taken_total", "Snapshots that this node has written itself.",
                       status->snapshots_taken);
    exposition_counter(text, "raftd_snapshots_failed_total",
                       "Snapshots that could not be written; the log says why and keeps growing meanwhile.",
                       status->snapshots_failed);
    exposition_counter(text, "raftd_snapshots_installed_total",
                       "Snapshots that this node got from a leader, because it was too far behind or its state differed.",
                       status->snapshots_installed);
    exposition_begin(text, "raftd_snapshot_duration_seconds", "gauge", "How long this node took to write its last one.");
    exposition_seconds(text, NULL, status->snapshot_duration_ms * 1000);
}

static void write_disk(struct exposition *text, const struct api *api, const struct node_disk_status *disk) {
    struct histogram durations;
    api->host.disk_writes(api->host.context, &durations);
    exposition_begin(text, "raftd_disk_write_duration_seconds", "histogram",
                     "How long one batch took to be written to the log and synced, whatever number of entries it has.");
    exposition_histogram(text, NULL, &durations, FIRST_OF_WRITES);
    exposition_gauge(text, "raftd_disk_waiting_writes", "Writes that the disk has not finished.", disk->writes_waiting);
    exposition_gauge(text, "raftd_disk_waiting_bytes", "Their bytes, about.", disk->bytes_waiting);
    exposition_begin(text, "raftd_disk_oldest_write_seconds", "gauge",
                     "For how long the oldest unfinished write has been under way, 0 when there is none.");
    exposition_seconds(text, NULL, disk->oldest_write_ms * 1000);
    exposition_gauge(text, "raftd_disk_stalled",
                     "1 when a write has taken an election time-out: this node leads no other voters until it is well.",
                     disk->stalled ? 1 : 0);
    exposition_gauge(text, "raftd_storage_full", "1 while the disk has no room for commands, which are refused (507).",
                     disk->full ? 1 : 0);
    uint64_t snapshots = api->host.snapshots_bytes(api->host.context);
    uint64_t all = api->host.storage_bytes(api->host.context);
    exposition_begin(text, "raftd_storage_bytes", "gauge",
                     "Bytes of this node's data directory without its reserve: leveldb (the log, mostly), and snapshots.");
    exposition_number(text, "part=\"leveldb\"", all > snapshots ? all - snapshots : 0);
    exposition_number(text, "part=\"snapshots\"", snapshots);
    if (disk->free_bytes != UINT64_MAX) {
        exposition_gauge(text, "raftd_storage_free_bytes",
                         "Bytes free on the data directory's file system, without what raftd holds in reserve.",
                         disk->free_bytes);
    }
}

static void write_machine(struct exposition *text, const struct api *api, const struct node_status *status) {
    exposition_begin(text, "raftd_apply_duration_seconds", "histogram",
                     "How long it took to apply one log entry, whatever it is: a command, mostly.");
    exposition_histogram(text, NULL, &node_measures(api->node)->apply, FIRST_OF_APPLYING);
    exposition_gauge(text, "raftd_sessions", "Open sessions; some of them may be over.", status->sessions);
    exposition_gauge(text, "raftd_idempotency_keys", "Idempotency keys remembered; some of them may be over.",
                     status->keys);
    exposition_gauge(text, "raftd_state_diverged",
                     "1 while this node's state differs from the majority's: it serves no queries until it is mended.",
                     status->diverged_since != 0 ? 1 : 0);
    exposition_gauge(text, "raftd_divergence_alarm",
                     "1 on a leader while states differ and no majority of voters agrees on one.",
                     status->divergence_alarm ? 1 : 0);
}

/* -- The process -- */

static void known_gauge(struct exposition *text, const char *family, const char *help, uint64_t number) {
    if (number != PROCESS_UNKNOWN) {
        exposition_gauge(text, family, help, number);
    }
}

static void write_process(struct exposition *text, const struct api *api) {
    struct process_figures process;
    process_read(&process);
    exposition_begin(text, "process_cpu_seconds_total", "counter", "User and system CPU time used, of all threads.");
    exposition_seconds(text, NULL, process.cpu_us);
    exposition_begin(text, "process_start_time_seconds", "gauge",
                     "When the process started, in seconds since 1970 by the wall clock of then.");
    exposition_real(text, NULL, (double)api->started_wall_ms / 1000.0);
    known_gauge(text, "process_resident_memory_bytes", "Memory in use, LevelDB's mapped tables included.",
                process.resident_bytes);
    known_gauge(text, "process_virtual_memory_bytes", "Address space in use.", process.virtual_bytes);
    known_gauge(text, "process_open_fds", "Open file descriptors.", process.open_descriptors);
    known_gauge(text, "process_max_fds", "How many there may be.", process.max_descriptors);
    exposition_gauge(text, "raftd_uptime_seconds", "Seconds since the process started.",
                     (api->now_ms - api->options.started_ms) / 1000);
}

static void write_backups(struct exposition *text, const struct backups *backups) {
    struct backups_status status;
    backups_status(backups, &status);
    exposition_counter(text, "raftd_backups_total", "Backups that this node has put into --backup-dir.", status.taken);
    exposition_counter(text, "raftd_backups_failed_total",
                       "Backups that this node could not put there; the log says why, and it is tried again.",
                       status.failed);
    exposition_gauge(text, "raftd_backup_index", "Index of the newest backup that this node knows of, 0 for none.",
                     status.index);
    exposition_gauge(text, "raftd_backup_timestamp_seconds",
                     "When that one was made, or found to hold all that there is, in seconds since 1970.",
                     (uint64_t)status.time);
}

static void write_options(struct exposition *text, const struct api *api) {
    if (api->options.backups != NULL) {
        write_backups(text, api->options.backups);
    }
    if (api->options.audit != NULL) {
        exposition_counter(text, "raftd_audit_failures_total", "Lines of the audit log that could not be written.",
                           audit_failures(api->options.audit));
    }
    if (api->options.tls != NULL) {
        exposition_gauge(text, "raftd_tls_certificate_expires_seconds",
                         "When this node's certificate expires, in seconds since 1970.",
                         (uint64_t)tls_expires_s(api->options.tls));
    }
}

void metrics_handle(struct request *request) {
    const struct api *api = request->api;
    struct node_status *status = memory_alloc(sizeof *status);
    node_status(api->node, status);
    struct exposition text = {.family = NULL};
    write_identity(&text, api, status);
    write_role(&text, api, status);
    write_members(&text, status);
    write_log(&text, status);
    write_machine(&text, api, status);
    write_snapshots(&text, status);
    write_disk(&text, api, &status->disk);
    metrics_traffic_write(&text, api, status);
    write_options(&text, api);
    write_process(&text, api);
    free(status);
    answer_written(request, &(struct answer){.status = 200, .content_type = EXPOSITION_TYPE}, &text.text);
}
