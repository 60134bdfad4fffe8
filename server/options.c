#include "server/options.h"

#include "server/base/memory.h"
#include "server/machine/registry.h"
#include "server/option_value.h"
#include "server/options_table.h"

#include <assert.h>
#include <ctype.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

enum { OPTION_VARIABLE_SIZE = 64 };

/* What was given for one row of the table. */
struct given {
    char *text; /* Owned; NULL: the default. */
    bool by_environment;
};

static void variable_name(const struct option *option, char out[OPTION_VARIABLE_SIZE]) {
    int size = snprintf(out, OPTION_VARIABLE_SIZE, "RAFTD_%s", option->name);
    assert(size > 0 && size < OPTION_VARIABLE_SIZE);
    for (char *at = out; *at != '\0'; at++) {
        *at = *at == '-' ? '_' : (char)toupper((unsigned char)*at);
    }
}

static bool fail(struct options_message *out_message, const char *format, ...) __attribute__((format(printf, 2, 3)));
static bool fail(struct options_message *out_message, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(out_message->text, sizeof out_message->text, format, arguments);
    va_end(arguments);
    return false;
}

/* -- One value -- */

static bool fail_value(const struct option *option, const struct given *given, struct options_message *out_message,
                       const char *expected) {
    char name[OPTION_VARIABLE_SIZE];
    if (given->by_environment) {
        variable_name(option, name);
    } else {
        snprintf(name, sizeof name, "--%s", option->name);
    }
    return fail(out_message, "%s: '%.200s' is not %s", name, given->text, expected);
}

static bool read_number(const struct option *option, const struct given *given, uint64_t *out_number,
                        struct options_message *out_message) {
    char expected[128];
    bool valid;
    if (option->kind == OPTION_DURATION) {
        valid = option_value_duration(given->text, option->maximum, out_number);
        snprintf(expected, sizeof expected, "a duration like 250ms, 1s or 1m, from %" PRIu64 "ms to %" PRIu64 "m",
                 option->minimum, option->maximum / 60000);
    } else if (option->kind == OPTION_SIZE) {
        valid = option_value_size(given->text, option->maximum, out_number);
        snprintf(expected, sizeof expected, "a size like 65536, 64KiB or 1MiB, from %" PRIu64 " to %" PRIu64 " bytes",
                 option->minimum, option->maximum);
    } else {
        valid = option_value_number(given->text, option->maximum, out_number);
        snprintf(expected, sizeof expected, "a number from %" PRIu64 " to %" PRIu64, option->minimum, option->maximum);
    }
    return (valid && *out_number >= option->minimum) || fail_value(option, given, out_message, expected);
}

static bool read_switch(const char *text, bool *out_on) {
    bool on = strcmp(text, "true") == 0 || strcmp(text, "1") == 0;
    if (!on && strcmp(text, "false") != 0 && strcmp(text, "0") != 0) {
        return false;
    }
    *out_on = on;
    return true;
}

static bool read_value(const struct option *option, const struct given *given, struct options *options,
                       struct options_message *out_message) {
    void *field = (char *)options + option->offset;
    const char *text = given->text;
    uint64_t number = 0;
    char why[512];
    switch (option->kind) {
    case OPTION_NUMBER:
    case OPTION_SIZE:
        return read_number(option, given, field, out_message);
    case OPTION_DURATION:
        if (!read_number(option, given, &number, out_message)) {
            return false;
        }
        *(uint32_t *)field = (uint32_t)number;
        return true;
    case OPTION_ADDRESS:
        return option_value_address(text, field) ||
               fail_value(option, given, out_message,
                          "HOST:PORT, like 127.0.0.1:8001 or [::1]:8001, with a port from 1 to 65535");
    case OPTION_URL:
        if (!members_url_valid(text, strlen(text))) {
            return fail_value(option, given, out_message, "a URL like http://node1:8001 (no path, no slash at the end)");
        }
        memcpy(field, text, strlen(text) + 1);
        return true;
    case OPTION_PATH:
        *(char **)field = memory_text(text, strlen(text));
        return true;
    case OPTION_CLUSTER:
        if (!members_parse_list(text, field, why, sizeof why)) {
            return fail(out_message, "%s: %s", given->by_environment ? "RAFTD_CLUSTER" : "--cluster", why);
        }
        return true;
    case OPTION_MACHINE:
        if (strchr(text, '/') != NULL) {
            options->machine_path = memory_text(text, strlen(text));
            return true;
        }
        options->machine = machine_by_name(text);
        return options->machine != NULL ||
               fail_value(option, given, out_message,
                          "a machine there is: hashmap, register, a library like ./mine.so, or a program like exec:./mine");
    case OPTION_LOG_LEVEL:
        return diagnostics_level_parse(text, field) ||
               fail_value(option, given, out_message, "debug, info, warning or error");
    case OPTION_LOG_FORMAT:
        options->log_json = strcmp(text, "json") == 0;
        return options->log_json || strcmp(text, "text") == 0 || fail_value(option, given, out_message, "text or json");
    case OPTION_SWITCH:
        return read_switch(text, field) || fail_value(option, given, out_message, "true, 1, false or 0");
    case OPTION_LIST:
        *(char ***)field = option_value_list(text);
        return true;
    }
    return false;
}

/* -- What belongs together -- */

static const struct given *given_for(const struct given *given, const char *name) {
    for (size_t i = 0; i < OPTION_COUNT; i++) {
        if (strcmp(options_table[i].name, name) == 0) {
            return &given[i];
        }
    }
    assert(false);
    return NULL;
}

static void url_of_address(const struct options_address *address, bool tls, char out[MEMBERS_URL_SIZE]) {
    bool ipv6 = strchr(address->host, ':') != NULL;
    const char *scheme = tls ? "https" : "http";
    /* A host that does not fit is cut, and what is left is no URL any more: the caller checks. */
    int size = snprintf(out, MEMBERS_URL_SIZE, ipv6 ? "%s://[%s]:%u" : "%s://%s:%u", scheme, address->host, address->port);
    if (size < 0 || size >= MEMBERS_URL_SIZE) {
        out[0] = '\0';
    }
}

/* Nodes that find each other: who and where this one is may be found out later (server/self.h). */
static bool settle_discover(const struct given *given, struct options *options, struct options_message *out_message) {
    struct options_address address;
    if (given_for(given, "expect")->text == NULL) {
        return fail(out_message, "--discover goes with --expect: how many nodes found the cluster");
    }
    if (!option_value_address(options->discover, &address)) {
        return fail(out_message, "--discover: '%.200s' is not HOST:PORT, like raftd:8001", options->discover);
    }
    if (given_for(given, "cluster")->text != NULL || options->join_url[0] != '\0' || options->replace ||
        options->restore_file != NULL) {
        return fail(out_message, "--discover excludes --cluster, --join, --replace and --restore");
    }
    if (options->tls_cert != NULL) {
        return fail(out_message, "--discover excludes --tls-cert: a node's certificate names its id and where it is");
    }
    if (given_for(given, "id")->text == NULL) {
        options->id = 0;
    }
    options->allow_hosts = option_value_list_add(options->allow_hosts, address.host);
    return true;
}

/* This node's URL: as given, as listed, or made of the address it listens on; where two of them speak they say the same. */
static bool settle_advertise(const struct given *given, struct options *options, struct options_message *out_message) {
    bool listed = given_for(given, "cluster")->text != NULL;
    bool joins = options->join_url[0] != '\0';
    if (listed && joins) {
        return fail(out_message, "--join and --cluster exclude each other: a node joins a cluster or founds one");
    }
    if (joins && given_for(given, "id")->text == NULL) {
        return fail(out_message, "--join: say with --id which node this one is, different from those that are there");
    }
    if (options->restore_file != NULL && (joins || options->replace)) {
        return fail(out_message, "--restore excludes --join and --replace: a node that joins gets what the cluster has");
    }
    if (options->learner && !joins) {
        return fail(out_message, "--learner goes with --join");
    }
    if (listed) {
        if (given_for(given, "id")->text == NULL) {
            return fail(out_message, "--cluster lists several nodes: say with --id which of them this one is");
        }
        const struct members_member *self = members_find(&options->cluster, options->id);
        if (self == NULL) {
            return fail(out_message, "--id %" PRIu64 " is not in the list of --cluster", options->id);
        }
        if (options->advertise_url[0] != '\0' && strcmp(options->advertise_url, self->url) != 0) {
            return fail(out_message, "--advertise %s is not what --cluster lists for node %" PRIu64 ", %s",
                        options->advertise_url, options->id, self->url);
        }
        memcpy(options->advertise_url, self->url, sizeof self->url);
        return true;
    }
    if (options->advertise_url[0] == '\0') {
        if (option_value_wildcard(options->listen.host)) {
            return fail(out_message, "--listen %s is no address that others could call: add --advertise (or --cluster)",
                        options->listen.host);
        }
        url_of_address(&options->listen, options->tls_cert != NULL, options->advertise_url);
        if (!members_url_valid(options->advertise_url, strlen(options->advertise_url))) {
            return fail(out_message, "--listen %s makes no URL that others could call: add --advertise",
                        options->listen.host);
        }
    }
    if (joins) {
        return strcmp(options->join_url, options->advertise_url) != 0 ||
               fail(out_message, "--join %s is this node itself: say where another one is", options->join_url);
    }
    struct members_member self = {.id = options->id, .voter = true};
    memcpy(self.url, options->advertise_url, sizeof self.url);
    bool added = members_add(&options->cluster, &self);
    assert(added);
    (void)added;
    return true;
}

/* Nodes speak TLS with each other when they do with clients: there is one port. */
static bool settle_tls(const struct options *options, struct options_message *out_message) {
    bool tls = options->tls_cert != NULL;
    if (tls != (options->tls_key != NULL) || (options->tls_ca != NULL && !tls)) {
        return fail(out_message, "--tls-cert and --tls-key go together, and --tls-ca goes with them");
    }
    const char *scheme = tls ? "https://" : "http://";
    const char *wrong = NULL;
    if (options->advertise_url[0] != '\0' && strncmp(options->advertise_url, scheme, strlen(scheme)) != 0) {
        wrong = options->advertise_url;
    }
    if (options->join_url[0] != '\0' && strncmp(options->join_url, scheme, strlen(scheme)) != 0) {
        wrong = options->join_url;
    }
    for (size_t i = 0; i < options->cluster.count; i++) {
        const char *url = options->cluster.list[i].url;
        wrong = strncmp(url, scheme, strlen(scheme)) == 0 ? wrong : url;
    }
    return wrong == NULL || fail(out_message, "%s: nodes call each other by URLs with %s when --tls-cert is %sgiven", wrong,
                                 scheme, tls ? "" : "not ");
}

static bool settle(const struct given *given, struct options *options, struct options_message *out_message) {
    if (options->discover == NULL && given_for(given, "expect")->text != NULL) {
        return fail(out_message, "--expect goes with --discover");
    }
    if (!(options->discover != NULL ? settle_discover : settle_advertise)(given, options, out_message)) {
        return false;
    }
    if (!settle_tls(options, out_message)) {
        return false;
    }
    if (options->backup_dir == NULL &&
        (given_for(given, "backup-every")->text != NULL || given_for(given, "backup-keep")->text != NULL)) {
        return fail(out_message, "--backup-every and --backup-keep go with --backup-dir");
    }
    if (options->client_url[0] == '\0') {
        memcpy(options->client_url, options->advertise_url, sizeof options->client_url);
    }
    if (options->election_timeout_ms < 2 * options->heartbeat_ms) {
        return fail(out_message, "--election-timeout %" PRIu32 "ms must be at least two heartbeats of %" PRIu32 "ms",
                    options->election_timeout_ms, options->heartbeat_ms);
    }
    if (options->command_bytes_max > options->ndjson_bytes_max || options->command_bytes_max > options->queued_bytes_max) {
        return fail(out_message, "--max-command-bytes must not be above --max-ndjson-bytes and --max-queued-bytes");
    }
    if (!options->insecure && options->token_file == NULL && !option_value_loopback(options->listen.host)) {
        return fail(out_message,
                    "--listen %s can be reached from other machines, and nobody who calls is asked who they are: "
                    "add --token-file, or --insecure if everybody there may use this node",
                    options->listen.host);
    }
    return true;
}

/* -- Gathering -- */

static void give(struct given *given, const struct option *option, const char *text, bool by_environment) {
    if (option->kind == OPTION_LIST && given->text != NULL && given->by_environment == by_environment) {
        size_t size = strlen(given->text) + 1 + strlen(text) + 1;
        char *joined = memory_alloc(size);
        snprintf(joined, size, "%s,%s", given->text, text);
        free(given->text);
        given->text = joined;
        return;
    }
    free(given->text);
    *given = (struct given){.text = memory_text(text, strlen(text)), .by_environment = by_environment};
}

/* The row of an argument `--name` or `--name=value`; NULL when there is none. */
static size_t find_row(const char *argument, const char **out_value) {
    size_t size = strcspn(argument, "=");
    *out_value = argument[size] == '=' ? argument + size + 1 : NULL;
    for (size_t i = 0; i < OPTION_COUNT; i++) {
        if (strlen(options_table[i].name) + 2 == size && strncmp(argument, "--", 2) == 0 &&
            strncmp(argument + 2, options_table[i].name, size - 2) == 0) {
            return i;
        }
    }
    return OPTION_COUNT;
}

static enum options_end gather_arguments(const char *const *arguments, struct given *given,
                                         struct options_message *out_message) {
    for (const char *const *at = arguments; *at != NULL; at++) {
        if (strcmp(*at, "--help") == 0 || strcmp(*at, "-h") == 0) {
            return OPTIONS_HELP;
        }
        if (strcmp(*at, "--version") == 0) {
            return OPTIONS_VERSION;
        }
        const char *value;
        size_t row = find_row(*at, &value);
        if (row == OPTION_COUNT) {
            fail(out_message, "%s '%.200s'; see raftd --help", (*at)[0] == '-' ? "unknown option" : "unexpected argument",
                 *at);
            return OPTIONS_WRONG;
        }
        if (value == NULL && options_table[row].kind == OPTION_SWITCH) {
            value = "true";
        }
        if (value == NULL && at[1] != NULL && strncmp(at[1], "--", 2) != 0) {
            value = *++at;
        }
        if (value == NULL || value[0] == '\0') {
            fail(out_message, "--%s needs a value", options_table[row].name);
            return OPTIONS_WRONG;
        }
        give(&given[row], &options_table[row], value, false);
    }
    return OPTIONS_RUN;
}

const char *options_environment(const char *const *environment, const char *name) {
    size_t size = strlen(name);
    for (const char *const *at = environment; *at != NULL; at++) {
        if (strncmp(*at, name, size) == 0 && (*at)[size] == '=') {
            return (*at)[size + 1] == '\0' ? NULL : *at + size + 1;
        }
    }
    return NULL;
}

static void gather_environment(const char *const *environment, struct given *given) {
    for (size_t i = 0; i < OPTION_COUNT; i++) {
        char name[OPTION_VARIABLE_SIZE];
        variable_name(&options_table[i], name);
        const char *value = options_environment(environment, name);
        if (given[i].text == NULL && value != NULL) {
            give(&given[i], &options_table[i], value, true);
        }
    }
}

static bool read_all(const struct given *given, struct options *options, struct options_message *out_message) {
    for (size_t i = 0; i < OPTION_COUNT; i++) {
        struct given value = given[i];
        if (value.text == NULL) {
            value.text = (char *)options_table[i].initial;
        }
        if (value.text == NULL && options_table[i].kind == OPTION_LIST) {
            value.text = "";
        }
        if (value.text != NULL && !read_value(&options_table[i], &value, options, out_message)) {
            return false;
        }
    }
    return settle(given, options, out_message);
}

enum options_end options_read(const char *const *arguments, const char *const *environment, struct options *out_options,
                              struct options_message *out_message) {
    struct given given[OPTION_COUNT] = {0};
    enum options_end end = gather_arguments(arguments, given, out_message);
    if (end == OPTIONS_RUN) {
        gather_environment(environment, given);
        struct options options = {0};
        if (read_all(given, &options, out_message)) {
            *out_options = options;
        } else {
            options_clear(&options);
            end = OPTIONS_WRONG;
        }
    }
    for (size_t i = 0; i < OPTION_COUNT; i++) {
        free(given[i].text);
    }
    return end;
}

void options_clear(struct options *options) {
    free(options->data_dir);
    free(options->discover);
    free(options->machine_path);
    free(options->restore_file);
    free(options->token_file);
    free(options->audit_log);
    free(options->backup_dir);
    free(options->tls_cert);
    free(options->tls_key);
    free(options->tls_ca);
    option_value_free_list(options->allow_hosts);
    option_value_free_list(options->allow_origins);
    *options = (struct options){0};
}
