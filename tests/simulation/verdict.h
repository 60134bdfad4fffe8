/* How a process that runs one seed ends, and what it leaves for the one that started it. */
#ifndef TESTS_SIMULATION_VERDICT_H
#define TESTS_SIMULATION_VERDICT_H

#include "simulation.h"

/* Memory that both see. */
struct verdict {
    enum simulation_end end; /* Of a process that ended by itself. */
    char where[80];          /* File and line, or what the crash was: two failures with the same are the same. */
    char what[400];
    bool at_end;   /* It failed when the faults were over. */
    uint64_t step; /* When it failed, or how many were made. */
    uint64_t messages;
    uint64_t operations;
    uint64_t committed;
    uint64_t elections;
    uint64_t configurations;
    uint64_t snapshots_installed;
};

const char *simulation_end_name(enum simulation_end end);

/* Runs one seed in a process of its own. */
void verdict_run(const struct simulation_options *options, struct verdict *out_verdict);

/* Tries to make the failure smaller, and answers the smallest one found: fewer steps, fewer kinds of faults. */
void shrink(struct simulation_options *options, const struct verdict *failure, bool quiet);

/* The command that runs it once more. */
void verdict_command(const struct simulation_options *options, bool trace);

#endif
