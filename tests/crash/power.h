/* Takes the power away at every record of a journal that workload.h has written, and looks at what is left: the store must
 * open, hold what was promised or what was being written and nothing else, take new writes and open again. */
#ifndef RAFTD_TESTS_CRASH_POWER_H
#define RAFTD_TESTS_CRASH_POWER_H

#include <stddef.h>
#include <stdint.h>

struct power_settings {
    const char *journal;
    const char *scratch; /* A directory for this one alone. */
    uint64_t seed;
    size_t draws;  /* At each record that changes something: besides the five that are not drawn. */
    size_t nested; /* Of how many openings one is written down itself, to lose the power within; 0: of none. */
    size_t part;   /* Does one of `parts` parts of the work. */
    size_t parts;
};

struct power_report {
    size_t records;
    size_t images;   /* Left, of all records; those that are the same are looked at once. */
    size_t openings; /* Images looked at. */
    size_t nested;   /* Of these, within the opening of another. */
};

/* Fails the Check test with what was lost where. */
struct power_report power_run(const struct power_settings *settings);

#endif
