/* The command line and the environment: what a node is told when it starts (contract §6). One table
 * (server/options_table.c) names every option, its default and its bounds; parsing, the environment and --help all read it.
 *
 * Every option can also be given as an environment variable: --data-dir as RAFTD_DATA_DIR. The command line wins; an empty
 * variable counts as absent. */
#ifndef RAFTD_OPTIONS_H
#define RAFTD_OPTIONS_H

#include "server/diagnostics.h"
#include "server/machine/machine.h"
#include "server/members.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

enum { OPTIONS_HOST_SIZE = 256 /* Bytes of a host with its NUL. */, OPTIONS_MESSAGE_SIZE = 1024 };

struct options_address {
    char host[OPTIONS_HOST_SIZE]; /* A name or an address; an IPv6 address without brackets. */
    uint16_t port;                /* 1..65535. */
};

struct options {
    uint64_t id; /* 0: not given, with --discover; the data directory or chance decides. */
    struct options_address listen;
    char advertise_url[MEMBERS_URL_SIZE]; /* Empty: not given, with --discover (server/self.h). So is client_url then. */
    char client_url[MEMBERS_URL_SIZE];
    char *data_dir;                  /* Owned. */
    struct members cluster;          /* Of a node alone: itself; with --join empty. */
    char join_url[MEMBERS_URL_SIZE]; /* Empty: not given. */
    char *discover;                  /* Owned; NULL: not given. HOST:PORT. */
    uint64_t expect;                 /* There when discover is. */
    bool learner;
    bool replace;
    char *restore_file;            /* Owned; NULL: not given. */
    const struct machine *machine; /* NULL: the library at machine_path has it. */
    char *machine_path;            /* Owned; NULL: a machine that ships. */
    uint32_t heartbeat_ms;
    uint32_t election_timeout_ms;
    char *backup_dir; /* Owned; NULL: none. */
    uint32_t backup_every_ms;
    uint64_t backup_keep;
    enum diagnostics_level log_level;
    bool log_json;
    char *token_file; /* Owned; NULL: nobody is asked who they are. */
    char *audit_log;  /* Owned; NULL: none. */
    char *tls_cert;   /* Owned; NULL: no TLS. */
    char *tls_key;    /* Owned; there when tls_cert is. */
    char *tls_ca;     /* Owned; NULL: nodes show no certificates of theirs. */
    bool insecure;
    char **allow_hosts;   /* Owned, NULL-terminated; so is each text. */
    char **allow_origins; /* The same. */
    uint64_t command_bytes_max;
    uint64_t query_bytes_max;
    uint64_t ndjson_bytes_max;
    uint64_t connections_max;
    uint64_t queued_bytes_max;
    uint64_t queued_commands_max;
    uint64_t cache_bytes;
    uint64_t snapshot_entries;
};

enum options_end {
    OPTIONS_RUN,     /* *out_options is filled in; clear it with options_clear. */
    OPTIONS_HELP,    /* --help was given. */
    OPTIONS_VERSION, /* --version was given. */
    OPTIONS_WRONG    /* *out_message says in one line what is wrong, naming the option or variable. */
};

struct options_message {
    char text[OPTIONS_MESSAGE_SIZE];
};

/* `arguments` are those after the program's name, `environment` lines NAME=value; both end with NULL and are borrowed for
 * the call. */
enum options_end options_read(const char *const *arguments, const char *const *environment, struct options *out_options,
                              struct options_message *out_message);
void options_clear(struct options *options);

void options_print_help(FILE *file);

/* The value of `name` in lines NAME=value; NULL when absent or empty. Borrowed. */
const char *options_environment(const char *const *environment, const char *name);

#endif
