/* What the system tells of this process, for /metrics. */
#ifndef RAFTD_API_PROCESS_H
#define RAFTD_API_PROCESS_H

#include <stdint.h>

/* PROCESS_UNKNOWN: the system does not tell. */
#define PROCESS_UNKNOWN UINT64_MAX
struct process_figures {
    uint64_t cpu_us; /* Of all threads, user and system together. */
    uint64_t resident_bytes;
    uint64_t virtual_bytes;
    uint64_t open_descriptors;
    uint64_t max_descriptors;
};
void process_read(struct process_figures *out_figures);

#endif
