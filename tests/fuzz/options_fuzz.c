/* Any bytes as a command line and an environment: lines, those before an empty one are arguments, those after it
 * NAME=value. What is taken is in its bounds and fits together, and the same said by the other way means the same. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/base/memory.h"
#include "server/option_value.h"
#include "server/options.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { LINES_MAX = 64, TEXT_MAX = 4096 };

static void require(bool truth, const char *what) {
    if (!truth) {
        fprintf(stderr, "options_fuzz: %s\n", what);
        abort();
    }
}

static bool is_url(const char *url) {
    return members_url_valid(url, strlen(url));
}

static void check_taken(const struct options *options) {
    require(options->id >= 1 && options->id <= RAFT_NUMBER_MAX, "an id out of range");
    require(options->listen.port != 0 && options->listen.host[0] != '\0', "nowhere to listen");
    require(options->insecure || options->token_file != NULL || option_value_loopback(options->listen.host),
            "open to others without a reason");
    require(is_url(options->advertise_url) && is_url(options->client_url), "a URL that is none");
    require(options->join_url[0] == '\0' || is_url(options->join_url), "a URL to join at that is none");
    require((options->join_url[0] == '\0') == (options->cluster.count > 0),
            "both a list and a cluster to join, or neither");
    require(!options->learner || options->join_url[0] != '\0', "a learner of nothing");
    require(options->data_dir != NULL && (options->machine != NULL) != (options->machine_path != NULL),
            "no directory, or no machine, or two");
    require(options->heartbeat_ms >= 10 && options->heartbeat_ms <= 60000, "a heartbeat out of range");
    require(options->election_timeout_ms >= 50 && options->election_timeout_ms <= 600000, "an election out of range");
    require(options->election_timeout_ms >= 2 * options->heartbeat_ms, "an election within two heartbeats");
    require(options->command_bytes_max >= 1024 && options->command_bytes_max <= options->ndjson_bytes_max &&
                options->command_bytes_max <= options->queued_bytes_max,
            "a command that is larger than what it goes through");
    require(options->connections_max >= 1 && options->snapshot_entries >= 1 && options->queued_commands_max >= 1,
            "a limit of 0");
    if (options->cluster.count > 0) {
        const struct members_member *self = members_find(&options->cluster, options->id);
        require(self != NULL && strcmp(self->url, options->advertise_url) == 0, "not in its own list");
    }
    for (size_t i = 0; i < options->cluster.count; i++) {
        require(is_url(options->cluster.list[i].url), "a member without a URL");
        require(i == 0 || options->cluster.list[i].id > options->cluster.list[i - 1].id, "members out of order");
    }
}

static bool same_list(char *const *left, char *const *right) {
    for (; left != NULL && right != NULL && *left != NULL && *right != NULL; left++, right++) {
        if (strcmp(*left, *right) != 0) {
            return false;
        }
    }
    return (left == NULL || *left == NULL) && (right == NULL || *right == NULL);
}

static bool same_text(const char *left, const char *right) {
    return left == right || (left != NULL && right != NULL && strcmp(left, right) == 0);
}

static bool same(const struct options *left, const struct options *right) {
    return left->id == right->id && left->listen.port == right->listen.port &&
           strcmp(left->listen.host, right->listen.host) == 0 && strcmp(left->advertise_url, right->advertise_url) == 0 &&
           strcmp(left->client_url, right->client_url) == 0 && strcmp(left->data_dir, right->data_dir) == 0 &&
           members_same_list(&left->cluster, &right->cluster) && strcmp(left->join_url, right->join_url) == 0 &&
           left->learner == right->learner && left->replace == right->replace && left->machine == right->machine &&
           left->heartbeat_ms == right->heartbeat_ms && left->election_timeout_ms == right->election_timeout_ms &&
           left->log_level == right->log_level && left->log_json == right->log_json &&
           same_text(left->token_file, right->token_file) && left->insecure == right->insecure &&
           same_list(left->allow_hosts, right->allow_hosts) && same_list(left->allow_origins, right->allow_origins) &&
           left->command_bytes_max == right->command_bytes_max && left->query_bytes_max == right->query_bytes_max &&
           left->ndjson_bytes_max == right->ndjson_bytes_max && left->connections_max == right->connections_max &&
           left->queued_bytes_max == right->queued_bytes_max && left->queued_commands_max == right->queued_commands_max &&
           left->cache_bytes == right->cache_bytes && left->snapshot_entries == right->snapshot_entries;
}

/* --name=value, each name once, as RAFTD_NAME=value. */
static void check_as_environment(const char *const *arguments, const struct options *expected) {
    char lines[LINES_MAX][TEXT_MAX + 16];
    const char *environment[LINES_MAX + 1] = {NULL};
    size_t count = 0;
    for (; arguments[count] != NULL; count++) {
        const char *text = arguments[count];
        size_t name = strcspn(text, "=");
        if (strncmp(text, "--", 2) != 0 || text[name] == '\0' || text[name + 1] == '\0') {
            return; /* An empty variable counts as absent, and other forms need more than one line. */
        }
        snprintf(lines[count], sizeof lines[count], "RAFTD_%s", text + 2);
        for (size_t i = 6; lines[count][i] != '='; i++) {
            char byte = lines[count][i];
            lines[count][i] = byte == '-' ? '_' : byte >= 'a' && byte <= 'z' ? (char)(byte - 32) : byte;
        }
        for (size_t i = 0; i < count; i++) {
            if (strncmp(arguments[i], text, name + 1) == 0) {
                return;
            }
        }
        environment[count] = lines[count];
    }
    struct options options;
    struct options_message message = {""};
    static const char *const none[] = {NULL};
    require(options_read(none, environment, &options, &message) == OPTIONS_RUN, "refused from the environment");
    require(same(&options, expected), "from the environment it means something else");
    options_clear(&options);
}

static void check_values(const char *text) {
    uint64_t number = 0;
    char again[32];
    if (option_value_number(text, UINT64_MAX, &number)) {
        snprintf(again, sizeof again, "%llu", (unsigned long long)number);
        require(strcmp(again, text + strspn(text, "0")) == 0 || number == 0, "a number was read as another");
    }
    require(!option_value_duration(text, 1000, &number) || number <= 1000, "a duration above its maximum");
    require(!option_value_size(text, 1000, &number) || number <= 1000, "a size above its maximum");
    struct options_address address;
    if (option_value_address(text, &address)) {
        require(address.port != 0 && strlen(address.host) < OPTIONS_HOST_SIZE, "an address out of range");
    }
    option_value_free_list(option_value_list(text));
}

static void check(const char *const *arguments, const char *const *environment) {
    struct options options;
    struct options_message message = {""};
    enum options_end end = options_read(arguments, environment, &options, &message);
    if (end == OPTIONS_WRONG) {
        require(message.text[0] != '\0', "a refusal without a reason");
        require(memchr(message.text, '\n', strlen(message.text)) == NULL, "a reason of two lines");
        return;
    }
    if (end != OPTIONS_RUN) {
        return;
    }
    check_taken(&options);
    if (environment[0] == NULL) {
        check_as_environment(arguments, &options);
    }
    options_clear(&options);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size > TEXT_MAX || memchr(data, '\0', size) != NULL) {
        return 0;
    }
    char *text = memory_text((const char *)data, size);
    const char *arguments[LINES_MAX + 1] = {NULL};
    const char *environment[LINES_MAX + 1] = {NULL};
    size_t argument_count = 0;
    size_t variable_count = 0;
    bool variables = false;
    for (char *line = text, *next; line != NULL; line = next) {
        next = strchr(line, '\n');
        if (next != NULL) {
            *next++ = '\0';
        }
        check_values(line);
        if (!variables && line[0] == '\0' && next != NULL) {
            variables = true;
        } else if (variables && variable_count < LINES_MAX && strchr(line, '=') != NULL) {
            environment[variable_count++] = line;
        } else if (!variables && argument_count < LINES_MAX && line[0] != '\0') {
            arguments[argument_count++] = line;
        }
    }
    check(arguments, environment);
    free(text);
    return 0;
}
