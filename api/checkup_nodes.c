#include "api/checkup.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* -- Not, or no more, of the cluster -- */

static void look_at_place(const struct checkup *checkup, const struct checkup_node *node,
                          struct checkup_findings *findings) {
    struct checkup_finding *found;
    bool another = node->incarnation[0] != '\0' && node->said_incarnation[0] != '\0' &&
                   strcmp(node->incarnation, node->said_incarnation) != 0;
    if (node->member && another) {
        found = checkup_add(findings, CHECKUP_PROBLEM, "lost_disk", node->id);
        checkup_say(found->problem, "node %" PRIu64 " has lost its data, or its data directory is another one", node->id);
        checkup_say(found->evidence,
                    "its disk is incarnation %s, the configuration has %s; what it promised is forgotten, so it waits",
                    node->said_incarnation, node->incarnation);
        checkup_say(found->command,
                    "raftd --id %" PRIu64 " --replace ...   # start it again with --replace, else as before", node->id);
    } else if (strcmp(node->role, "waiting") == 0) {
        found = checkup_add(findings, CHECKUP_PROBLEM, "waiting", node->id);
        checkup_say(found->problem, "node %" PRIu64 " is in no cluster yet", node->id);
        checkup_say(found->evidence, "it waits for %s", node->waits_for[0] != '\0' ? node->waits_for : "others");
        checkup_say(
            found->command,
            "start whom it waits for, where its --cluster or --join says; or, if its disk was lost, it with --replace");
    } else if (strcmp(node->role, "removed") == 0) {
        found = checkup_add(findings, CHECKUP_WARNING, "removed", node->id);
        checkup_say(found->problem, "node %" PRIu64 " was removed from its cluster and still runs", node->id);
        checkup_say(found->evidence, "its role is removed");
        checkup_say(found->command,
                    "systemctl disable --now raftd   # on its machine; to bring it back: an empty directory, and --join %s",
                    checkup->client_url);
    }
}

/* -- Disks -- */

static void look_at_speed(const struct checkup_node *node, struct checkup_findings *findings) {
    if (node->stalled) {
        struct checkup_finding *found = checkup_add(findings, CHECKUP_PROBLEM, "disk_stalled", node->id);
        checkup_say(found->problem, "the disk of node %" PRIu64 " does not answer; it does not lead until it does",
                    node->id);
        checkup_say(found->evidence, "a write has taken %" PRIu64 " ms so far, or one did lately", node->oldest_write_ms);
        checkup_say(found->command, "iostat -x 1; dmesg | tail   # on its machine");
    } else if (node->write_p99_ms > CHECKUP_SLOW_WRITE_MS) {
        struct checkup_finding *found = checkup_add(findings, CHECKUP_WARNING, "disk_slow", node->id);
        checkup_say(found->problem, "the disk of node %" PRIu64 " is slow", node->id);
        checkup_say(found->evidence,
                    "of its last 1,024 synced writes one in a hundred took %.0f ms or longer (limit: %d ms)",
                    node->write_p99_ms, CHECKUP_SLOW_WRITE_MS);
        checkup_say(found->command, "iostat -x 1; pidstat -d 1   # on its machine: who else uses that disk?");
    }
}

static void look_at_room(const struct checkup_node *node, struct checkup_findings *findings) {
    uint64_t wanted = node->storage_bytes > CHECKUP_FREE_BYTES ? node->storage_bytes : (uint64_t)CHECKUP_FREE_BYTES;
    const uint64_t mib = 1024 * 1024;
    if (node->full) {
        struct checkup_finding *found = checkup_add(findings, CHECKUP_PROBLEM, "disk_full", node->id);
        checkup_say(found->problem, "the disk of node %" PRIu64 " has no room for commands", node->id);
        checkup_say(found->evidence, "%" PRIu64 " MiB are free beyond the reserve, raftd has %" PRIu64 " MiB there",
                    node->free_bytes == UINT64_MAX ? 0 : node->free_bytes / mib, node->storage_bytes / mib);
        checkup_say(found->command,
                    "df -h DIR; du -xh / | sort -h | tail   # on its machine; it goes on by itself when there is room");
    } else if (node->free_bytes != UINT64_MAX && node->free_bytes < wanted) {
        struct checkup_finding *found = checkup_add(findings, CHECKUP_WARNING, "disk_nearly_full", node->id);
        checkup_say(found->problem, "the disk of node %" PRIu64 " is nearly full", node->id);
        checkup_say(found->evidence,
                    "%" PRIu64 " MiB are free beyond the reserve; wanted: %" PRIu64
                    " MiB (as much as raftd has there, at least %d MiB)",
                    node->free_bytes / mib, wanted / mib, CHECKUP_FREE_BYTES / (1024 * 1024));
        checkup_say(found->command, "df -h DIR   # on its machine: free or add space");
    }
}

/* -- State, certificate -- */

static void look_at_state(const struct checkup *checkup, const struct checkup_node *node,
                          struct checkup_findings *findings) {
    if (node->diverged_since != 0) {
        struct checkup_finding *found = checkup_add(findings, CHECKUP_PROBLEM, "diverged", node->id);
        checkup_say(found->problem, "the state of node %" PRIu64 " is not the majority's; it answers no queries", node->id);
        checkup_say(found->evidence, "it differs since index %" PRIu64 " or before", node->diverged_since);
        checkup_say(found->command,
                    "nothing: a snapshot mends it; if it happens again, test the memory of its machine (memtest86+)");
    }
    if (node->divergence_alarm) {
        struct checkup_finding *found = checkup_add(findings, CHECKUP_PROBLEM, "divergence_alarm", 0);
        checkup_say(found->problem, "states differ, and no majority agrees on one");
        checkup_say(found->evidence, "node %" PRIu64 ", which leads, says so; state_hash in each status shows who agrees",
                    node->id);
        checkup_say(found->command, "curl %s/v1/cluster   # stop writing; README: \"When a node's state differs\"",
                    checkup->client_url);
    }
}

static void look_at_certificate(const struct checkup *checkup, const struct checkup_node *node,
                                struct checkup_findings *findings) {
    uint64_t expires_s = node->certificate_expires_s;
    uint64_t left_s = expires_s > checkup->now_s ? expires_s - checkup->now_s : 0;
    if (expires_s == 0 || left_s >= CHECKUP_EXPIRES_SOON_S) {
        return;
    }
    bool now = left_s < CHECKUP_EXPIRES_NOW_S;
    struct checkup_finding *found =
        checkup_add(findings, now ? CHECKUP_PROBLEM : CHECKUP_WARNING, "certificate_expires", node->id);
    checkup_say(found->problem, "the certificate of node %" PRIu64 " %s", node->id,
                left_s == 0 ? "has expired" : "expires soon");
    checkup_say(found->evidence, "%" PRIu64 " hours are left", left_s / 3600);
    checkup_say(found->command,
                "put a new one into the files of --tls-cert and --tls-key of node %" PRIu64
                "; they are read again by themselves",
                node->id);
}

/* -- Progress -- */

static const struct checkup_peer *peer_at(const struct checkup *checkup, size_t time, raft_node_id id) {
    for (size_t i = 0; i < checkup->peer_count[time]; i++) {
        if (checkup->peers[time][i].id == id) {
            return &checkup->peers[time][i];
        }
    }
    return NULL;
}

static uint64_t last_of_leader(const struct checkup *checkup) {
    for (size_t i = 0; i < checkup->count; i++) {
        if (checkup->nodes[i].id == checkup->leader) {
            return checkup->nodes[i].last_index;
        }
    }
    return 0;
}

/* Behind, and not a bit further after CHECKUP_APART_MS. What is new within that time counts for nothing. */
static void look_at_progress(const struct checkup *checkup, const struct checkup_node *node,
                             struct checkup_findings *findings) {
    const struct checkup_peer *before = peer_at(checkup, 0, node->id);
    const struct checkup_peer *after = peer_at(checkup, 1, node->id);
    uint64_t last = last_of_leader(checkup);
    bool moves = before == NULL || after == NULL || before->match_index != after->match_index ||
                 before->snapshot_percent != after->snapshot_percent;
    if (moves || after->match_index >= last || strcmp(node->role, "waiting") == 0) {
        return;
    }
    const char *kind = node->voter ? "voter" : "learner";
    struct checkup_finding *found =
        checkup_add(findings, CHECKUP_WARNING, node->voter ? "voter_stuck" : "learner_stuck", node->id);
    checkup_say(found->problem, "node %" PRIu64 ", a %s, does not catch up%s", node->id, kind,
                node->promote ? ", so that it is not made a voter" : "");
    checkup_say(found->evidence, "it has the log up to %" PRIu64 " of %" PRIu64 ", the same as %d ms before",
                after->match_index, last, CHECKUP_APART_MS);
    checkup_say(found->command,
                "journalctl -u raftd   # on its machine; to give it up: curl -X DELETE %s/v1/members/%" PRIu64,
                checkup->client_url, node->id);
}

void checkup_nodes(const struct checkup *checkup, struct checkup_findings *findings) {
    for (size_t i = 0; i < checkup->count; i++) {
        const struct checkup_node *node = &checkup->nodes[i];
        if (!checkup_is_ours(checkup, node)) {
            continue;
        }
        look_at_place(checkup, node, findings);
        look_at_speed(node, findings);
        look_at_room(node, findings);
        look_at_state(checkup, node, findings);
        look_at_certificate(checkup, node, findings);
        look_at_progress(checkup, node, findings);
    }
}
