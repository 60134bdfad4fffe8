/* The table of all options (server/options.h): their names, bounds, defaults and what --help says of them. */
#ifndef RAFTD_OPTIONS_TABLE_H
#define RAFTD_OPTIONS_TABLE_H

#include "server/options.h"

#include <stddef.h>

enum option_kind {
    OPTION_NUMBER,
    OPTION_DURATION,
    OPTION_SIZE,
    OPTION_ADDRESS,
    OPTION_URL,
    OPTION_PATH,
    OPTION_CLUSTER,
    OPTION_MACHINE,
    OPTION_LOG_LEVEL,
    OPTION_LOG_FORMAT,
    OPTION_SWITCH,
    OPTION_LIST
};

/* Where a value ends up. Numbers of every kind are handed on as uint64_t, narrower fields are filled in at the end. */
struct option {
    const char *name; /* Without the dashes. */
    const char *value_name;
    const char *initial; /* Read like a given value; NULL for none. */
    enum option_kind kind;
    size_t offset; /* Of the field in struct options. */
    uint64_t minimum;
    uint64_t maximum;
    const char *help;
};

enum { OPTION_COUNT = 36 };

extern const struct option options_table[OPTION_COUNT];

#endif
