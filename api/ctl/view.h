/* What /v1/cluster says of all nodes, read into plain values. */
#ifndef RAFTCTL_VIEW_H
#define RAFTCTL_VIEW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { VIEW_NODES_MAX = 64, VIEW_TEXT_MAX = 512 };

struct view_node {
    uint64_t id;
    char client_url[VIEW_TEXT_MAX];
    bool reachable; /* From the node that was asked; what follows is only then known. */
    char role[32], version[64];
    uint64_t term, last_index, commit_index, applied_index, uptime_seconds, storage_bytes;
    bool diverged, divergence_alarm, disk_stalled, disk_full;
};

struct view {
    uint64_t leader, term; /* As the node that was asked knows. */
    size_t count;
    struct view_node nodes[VIEW_NODES_MAX];
};

/* False: that is not what /v1/cluster answers. */
bool view_read(const char *body, size_t size, struct view *out_view);

#endif
