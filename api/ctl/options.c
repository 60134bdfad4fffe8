#include "api/ctl/options.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define ENVIRONMENT_PREFIX "RAFTCTL_"
#define ID_MAX             ((UINT64_C(1) << 53) - 1)

enum {
    NAME_MAX_SIZE = 64,
    DESCRIPTION_MAX = 128,
    MESSAGE_TEXT_MAX = 200,
    SECONDS_MAX = 3600,
    CONNECTIONS_MAX = 1024,
    VALUE_BYTES_MAX = 1 << 20
};

static const char *const names[OPTIONS_COMMANDS] = {"propose",  "query",    "status", "watch", "members",
                                                    "transfer", "snapshot", "doctor", "bench"};

const char *options_command_name(enum options_command command) {
    return names[command];
}

/* -- Values -- */

bool options_number(const char *text, uint64_t minimum, uint64_t maximum, uint64_t *out_number) {
    uint64_t number = 0;
    if (*text == '\0') {
        return false;
    }
    for (; *text != '\0'; text++) {
        if (*text < '0' || *text > '9' || number > (UINT64_MAX - 9) / 10) {
            return false;
        }
        number = number * 10 + (uint64_t)(*text - '0');
    }
    if (number < minimum || number > maximum) {
        return false;
    }
    *out_number = number;
    return true;
}

bool options_duration(const char *text, uint32_t maximum_ms, uint32_t *out_ms) {
    static const struct {
        const char *unit;
        uint64_t ms;
    } units[] = {{"ms", 1}, {"s", 1000}, {"m", 60000}};
    char digits[16];
    size_t size = strspn(text, "0123456789");
    uint64_t number;
    if (size == 0 || size >= sizeof digits) {
        return false;
    }
    memcpy(digits, text, size);
    digits[size] = '\0';
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
        if (strcmp(text + size, units[i].unit) == 0 && options_number(digits, 1, maximum_ms / units[i].ms, &number)) {
            *out_ms = (uint32_t)(number * units[i].ms);
            return true;
        }
    }
    return false;
}

/* -- The table of options -- */

enum kind { TEXT, DURATION, NUMBER32, NUMBER64, OUTPUT, CONSISTENCY, FROM, SWITCH };

enum { ALL = -1, READERS = -2 }; /* Every command; query and bench. */

struct row {
    const char *name;
    int of; /* The command that knows it, ALL or READERS. */
    enum kind kind;
    size_t offset;
    uint64_t minimum, maximum;
};

#define AT(member) offsetof(struct options, member)

static const struct row table[] = {
    {"endpoints", ALL, TEXT, AT(endpoints), 0, 0},
    {"token-file", ALL, TEXT, AT(token_file), 0, 0},
    {"tls-ca", ALL, TEXT, AT(tls_ca), 0, 0},
    {"tls-cert", ALL, TEXT, AT(tls_cert), 0, 0},
    {"tls-key", ALL, TEXT, AT(tls_key), 0, 0},
    {"timeout", ALL, DURATION, AT(timeout_ms), 0, OPTIONS_TIMEOUT_MAX_MS},
    {"output", ALL, OUTPUT, AT(json), 0, 0},
    {"file", OPTIONS_PROPOSE, TEXT, AT(file), 0, 0},
    {"key", OPTIONS_PROPOSE, TEXT, AT(key), 0, 0},
    {"consistency", READERS, CONSISTENCY, AT(consistency), 0, 0},
    {"min-index", OPTIONS_QUERY, NUMBER64, AT(min_index), 0, ID_MAX},
    {"from", OPTIONS_WATCH, FROM, AT(from), 1, ID_MAX},
    {"count", OPTIONS_WATCH, NUMBER64, AT(count), 1, ID_MAX},
    {"learner", OPTIONS_MEMBERS, SWITCH, AT(learner), 0, 0},
    {"connections", OPTIONS_BENCH, NUMBER32, AT(connections), 1, CONNECTIONS_MAX},
    {"seconds", OPTIONS_BENCH, NUMBER32, AT(seconds), 1, SECONDS_MAX},
    {"reads", OPTIONS_BENCH, NUMBER32, AT(reads), 0, 100},
    {"value-bytes", OPTIONS_BENCH, NUMBER32, AT(value_bytes), 0, VALUE_BYTES_MAX},
    {"command", OPTIONS_BENCH, TEXT, AT(bench_command), 0, 0},
    {"query", OPTIONS_BENCH, TEXT, AT(bench_query), 0, 0},
};

enum { ROWS = sizeof table / sizeof table[0] };

static bool choose(const char *value, const char *const *words, size_t count, size_t *out_choice) {
    for (size_t i = 0; i < count; i++) {
        if (strcmp(value, words[i]) == 0) {
            *out_choice = i;
            return true;
        }
    }
    return false;
}

/* False: the value is none that the option could have. */
static bool set(struct options *options, const struct row *row, const char *value) {
    static const char *const outputs[] = {"table", "json"}, *const levels[] = {"linearizable", "lease", "stale"};
    char *at = (char *)options + row->offset;
    uint64_t number;
    size_t choice;
    switch (row->kind) {
    case TEXT:
        memcpy(at, &value, sizeof value);
        return value[0] != '\0';
    case DURATION:
        return options_duration(value, (uint32_t)row->maximum, (uint32_t *)(void *)at);
    case NUMBER32:
        if (!options_number(value, row->minimum, row->maximum, &number)) {
            return false;
        }
        *(uint32_t *)(void *)at = (uint32_t)number;
        return true;
    case NUMBER64:
        return options_number(value, row->minimum, row->maximum, (uint64_t *)(void *)at);
    case OUTPUT:
        if (!choose(value, outputs, 2, &choice)) {
            return false;
        }
        options->json = choice == 1;
        return true;
    case CONSISTENCY:
        if (!choose(value, levels, 3, &choice)) {
            return false;
        }
        options->consistency = (enum raftclient_consistency)choice;
        return true;
    case FROM:
        if (strcmp(value, "now") == 0) {
            options->from = RAFTCLIENT_FROM_NOW;
            return true;
        }
        return options_number(value, row->minimum, row->maximum, &options->from);
    case SWITCH:
        *(bool *)at = strcmp(value, "true") == 0;
        return true;
    }
    return false;
}

/* What set would take. */
static void describe(const struct row *row, char *out, size_t size) {
    switch (row->kind) {
    case TEXT:
        snprintf(out, size, "it must not be empty");
        return;
    case DURATION:
        snprintf(out, size, "it takes a time with its unit, like 500ms, 30s or 1m, of at most %" PRIu64 "m",
                 row->maximum / 60000);
        return;
    case OUTPUT:
        snprintf(out, size, "it takes table or json");
        return;
    case CONSISTENCY:
        snprintf(out, size, "it takes linearizable, lease or stale");
        return;
    case NUMBER32:
    case NUMBER64:
    case FROM:
        snprintf(out, size, "it takes %sa number from %" PRIu64 " to %" PRIu64, row->kind == FROM ? "now, or " : "",
                 row->minimum, row->maximum);
        return;
    case SWITCH:
        snprintf(out, size, "it takes no value");
        return;
    }
}

static const char *find_environment(const char *const *environment, const char *name) {
    size_t size = strlen(name);
    for (; *environment != NULL; environment++) {
        if (strncmp(*environment, name, size) == 0 && (*environment)[size] == '=' && (*environment)[size + 1] != '\0') {
            return *environment + size + 1;
        }
    }
    return NULL;
}

/* RAFTCTL_TLS_CA of tls-ca. */
static const char *value_of_environment(const char *const *environment, const char *option) {
    char name[NAME_MAX_SIZE];
    snprintf(name, sizeof name, ENVIRONMENT_PREFIX "%s", option);
    for (char *at = name + sizeof ENVIRONMENT_PREFIX - 1; *at != '\0'; at++) {
        *at = *at == '-' ? '_' : (char)(*at >= 'a' && *at <= 'z' ? *at - 'a' + 'A' : *at);
    }
    return find_environment(environment, name);
}

/* -- The command line -- */

struct reading {
    struct options options;
    bool given[ROWS];
    bool has_command;
    char *message;
    size_t message_size;
};

__attribute__((format(printf, 2, 3))) static enum options_end wrong(struct reading *reading, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(reading->message, reading->message_size, format, arguments);
    va_end(arguments);
    return OPTIONS_WRONG;
}

/* The option's row, and its value when it stands behind an equals sign. */
static const struct row *find_row(const char *word, const char **out_value) {
    size_t size = strcspn(word, "=");
    for (size_t i = 0; i < ROWS; i++) {
        if (strlen(table[i].name) == size && strncmp(table[i].name, word, size) == 0) {
            *out_value = word[size] == '=' ? word + size + 1 : NULL;
            return &table[i];
        }
    }
    return NULL;
}

static enum options_end read_option(struct reading *reading, const char *const **at) {
    const char *word = **at, *value;
    if (strcmp(word, "--token") == 0 || strncmp(word, "--token=", 8) == 0) {
        return wrong(reading,
                     "a token on the command line could be read by everybody on this machine (ps) and stays in the shell's "
                     "history; use --token-file or RAFTCTL_TOKEN");
    }
    const struct row *row = strncmp(word, "--", 2) == 0 ? find_row(word + 2, &value) : NULL;
    if (row == NULL) {
        return wrong(reading, "unknown option '%.*s'; see raftctl --help", MESSAGE_TEXT_MAX, word);
    }
    if (value == NULL && row->kind == SWITCH) {
        value = "true";
    }
    if (value == NULL && (*at)[1] != NULL) {
        value = *++*at;
    }
    if (value == NULL) {
        return wrong(reading, "--%s needs a value", row->name);
    }
    reading->given[row - table] = true;
    if (!set(&reading->options, row, value)) {
        char takes[DESCRIPTION_MAX];
        describe(row, takes, sizeof takes);
        return wrong(reading, "--%s: '%.*s' cannot be: %s", row->name, MESSAGE_TEXT_MAX, value, takes);
    }
    return OPTIONS_RUN;
}

static enum options_end read_word(struct reading *reading, const char *word) {
    struct options *options = &reading->options;
    if (!reading->has_command) {
        size_t command;
        if (!choose(word, names, OPTIONS_COMMANDS, &command)) {
            return wrong(reading, "unknown command '%.*s'; see raftctl --help", MESSAGE_TEXT_MAX, word);
        }
        options->command = (enum options_command)command;
        reading->has_command = true;
        return OPTIONS_RUN;
    }
    if (options->argument_count == OPTIONS_ARGUMENTS_MAX) {
        return wrong(reading, "unexpected argument '%.*s'", MESSAGE_TEXT_MAX, word);
    }
    options->arguments[options->argument_count++] = word;
    return OPTIONS_RUN;
}

static bool knows(enum options_command command, int of) {
    return of == ALL || of == (int)command || (of == READERS && (command == OPTIONS_QUERY || command == OPTIONS_BENCH));
}

static enum options_end check(struct reading *reading) {
    if (!reading->has_command) {
        return wrong(reading, "which command? see raftctl --help");
    }
    for (size_t i = 0; i < ROWS; i++) {
        if (reading->given[i] && !knows(reading->options.command, table[i].of)) {
            return wrong(reading, "--%s is no option of %s", table[i].name, names[reading->options.command]);
        }
    }
    return OPTIONS_RUN;
}

static enum options_end read_environment(struct reading *reading, const char *const *environment) {
    for (size_t i = 0; i < ROWS; i++) {
        const char *value = table[i].of == ALL ? value_of_environment(environment, table[i].name) : NULL;
        if (value != NULL && !reading->given[i] && !set(&reading->options, &table[i], value)) {
            char takes[DESCRIPTION_MAX];
            describe(&table[i], takes, sizeof takes);
            return wrong(reading, ENVIRONMENT_PREFIX "... for --%s: '%.*s' cannot be: %s", table[i].name, MESSAGE_TEXT_MAX,
                         value, takes);
        }
    }
    if (reading->options.token_file == NULL) {
        reading->options.token = find_environment(environment, ENVIRONMENT_PREFIX "TOKEN");
    }
    return OPTIONS_RUN;
}

enum options_end options_read(const char *const *arguments, const char *const *environment, struct options *out_options,
                              char *message, size_t message_size) {
    struct reading reading = {.options = {.command = OPTIONS_COMMANDS,
                                          .endpoints = "http://127.0.0.1:8001",
                                          .from = RAFTCLIENT_FROM_NOW,
                                          .connections = 16,
                                          .seconds = 5,
                                          .value_bytes = 64},
                              .message = message,
                              .message_size = message_size};
    bool only_words = false, help = false;
    enum options_end end = OPTIONS_RUN;
    for (const char *const *at = arguments; *at != NULL && end == OPTIONS_RUN; at++) {
        if (only_words || (*at)[0] != '-' || (*at)[1] == '\0') {
            end = read_word(&reading, *at);
        } else if (strcmp(*at, "--") == 0) {
            only_words = true;
        } else if (strcmp(*at, "--help") == 0 || strcmp(*at, "-h") == 0) {
            help = true;
        } else if (strcmp(*at, "--version") == 0) {
            return OPTIONS_VERSION;
        } else {
            end = read_option(&reading, &at);
        }
    }
    if (end == OPTIONS_RUN && !help) {
        end = check(&reading);
    }
    if (end == OPTIONS_RUN && !help) {
        end = read_environment(&reading, environment);
    }
    *out_options = reading.options;
    return end == OPTIONS_RUN && help ? OPTIONS_HELP : end;
}
