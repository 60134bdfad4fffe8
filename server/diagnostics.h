/* The node's log: one line per event on standard error, as text or JSON, made by one function.
 *
 *     2026-01-31T12:00:00.123Z info raft became leader term=3
 *     {"time":"2026-01-31T12:00:00.123Z","level":"info","node":1,"part":"raft","message":"became leader term=3"}
 *
 * Wall clock is used for the time stamp only. Threads: any; each line is one write(2). Lines are cut at 1,000 bytes;
 * control bytes are escaped. */
#ifndef RAFTD_DIAGNOSTICS_H
#define RAFTD_DIAGNOSTICS_H

#include <stdbool.h>
#include <stdint.h>

enum diagnostics_level { DIAGNOSTICS_DEBUG, DIAGNOSTICS_INFO, DIAGNOSTICS_WARNING, DIAGNOSTICS_ERROR };

struct diagnostics {
    int descriptor;               /* Where the lines go. */
    enum diagnostics_level level; /* Lines below it are dropped. */
    bool json;
    uint64_t node_id;
};

void diagnostics_write(const struct diagnostics *diagnostics, enum diagnostics_level level, const char *part,
                       const char *format, ...) __attribute__((format(printf, 4, 5)));

/* "debug", "info", "warning", "error" -> level; false for anything else. */
bool diagnostics_level_parse(const char *name, enum diagnostics_level *out_level);

#endif
