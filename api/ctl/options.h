/* The command line of raftctl and its environment, read into what a command needs. Nothing here asks a node. */
#ifndef RAFTCTL_OPTIONS_H
#define RAFTCTL_OPTIONS_H

#include "api/client/raftclient.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    OPTIONS_ARGUMENTS_MAX = 4,        /* Of a command. */
    OPTIONS_TIMEOUT_MAX_MS = 86400000 /* A day. */
};

enum options_command {
    OPTIONS_PROPOSE,
    OPTIONS_QUERY,
    OPTIONS_STATUS,
    OPTIONS_WATCH,
    OPTIONS_MEMBERS,
    OPTIONS_TRANSFER,
    OPTIONS_SNAPSHOT,
    OPTIONS_DOCTOR,
    OPTIONS_BENCH,
    OPTIONS_COMMANDS
};

/* All texts are borrowed from the command line and the environment. */
struct options {
    enum options_command command;
    const char *arguments[OPTIONS_ARGUMENTS_MAX]; /* Behind the command. */
    size_t argument_count;

    const char *endpoints;
    const char *token; /* From the environment. */
    const char *token_file;
    const char *tls_ca, *tls_cert, *tls_key;
    uint32_t timeout_ms; /* 0: the command's own. */
    bool json;

    const char *file; /* propose */
    const char *key;
    enum raftclient_consistency consistency; /* query, bench */
    uint64_t min_index;
    uint64_t from; /* watch */
    uint64_t count;
    bool learner;                                      /* members add */
    uint32_t connections, seconds, reads, value_bytes; /* bench */
    const char *bench_command, *bench_query;
};

enum options_end { OPTIONS_RUN, OPTIONS_HELP, OPTIONS_VERSION, OPTIONS_WRONG };

/* `arguments` without the program's name, NULL at the end; `environment` likewise ("NAME=value"). With OPTIONS_HELP,
 * `command` is the one that help is wanted of, or OPTIONS_COMMANDS. With OPTIONS_WRONG a sentence is in `message`. */
enum options_end options_read(const char *const *arguments, const char *const *environment, struct options *out_options,
                              char *message, size_t message_size);

/* "propose". */
const char *options_command_name(enum options_command command);

/* "1500ms", "2s", "1m". False: it is none of these, zero, or more than `maximum_ms`. */
bool options_duration(const char *text, uint32_t maximum_ms, uint32_t *out_ms);
/* Digits, within bounds. */
bool options_number(const char *text, uint64_t minimum, uint64_t maximum, uint64_t *out_number);

#endif
