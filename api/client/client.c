#include "api/client/client.h"

#include "api/client/call.h"
#include "api/client/clock.h"
#include "api/client/propose.h"

#include "server/base/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { ATTEMPT_MAX_MS = 60000, TOKEN_MAX = 256, PATH_MAX_BYTES = 4000 };

static bool complain(char *error, size_t error_size, const char *what, const char *name) {
    snprintf(error, error_size, "%s%.300s", what, name);
    return false;
}

/* -- Options -- */

static bool token_fits(const char *token) {
    size_t size = strlen(token);
    for (size_t i = 0; i < size; i++) {
        if (token[i] <= ' ' || token[i] >= 0x7F) {
            return false;
        }
    }
    return size >= 1 && size <= TOKEN_MAX;
}

static bool files_fit(const struct raftclient_options *options, char *error, size_t error_size) {
    const char *const files[] = {options->tls_ca, options->tls_cert, options->tls_key};
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        if (files[i] != NULL && access(files[i], R_OK) != 0) {
            return complain(error, error_size, "cannot be read: ", files[i]);
        }
    }
    if ((options->tls_cert == NULL) != (options->tls_key == NULL)) {
        return complain(error, error_size, "a certificate takes a key, and a key a certificate", "");
    }
    return true;
}

static bool read_options(const struct raftclient_options *given, struct raftclient_options *out, char *error,
                         size_t error_size) {
    struct raftclient_options options = {.size = sizeof options};
    if (given != NULL) {
        /* A caller compiled with another version may have a shorter struct, or a longer one whose rest must be zero. */
        if (given->size < sizeof given->size) {
            return complain(error, error_size, "options without their size", "");
        }
        memcpy(&options, given, given->size < sizeof options ? given->size : sizeof options);
        for (size_t i = sizeof options; i < given->size; i++) {
            if (((const char *)given)[i] != 0) {
                return complain(error, error_size, "an option that this version does not know", "");
            }
        }
    }
    if (options.token != NULL && !token_fits(options.token)) {
        return complain(error, error_size, "a token is 1 to 256 printable ASCII characters without blanks", "");
    }
    if (options.attempt_ms > ATTEMPT_MAX_MS) {
        return complain(error, error_size, "an attempt takes 60 s at most", "");
    }
    if (!files_fit(&options, error, error_size)) {
        return false;
    }
    options.timeout_ms = options.timeout_ms != 0 ? options.timeout_ms : RAFTCLIENT_TIMEOUT_MS;
    options.attempt_ms = options.attempt_ms != 0 ? options.attempt_ms : RAFTCLIENT_ATTEMPT_MS;
    options.connect_ms = options.connect_ms != 0 ? options.connect_ms : RAFTCLIENT_CONNECT_MS;
    options.answer_max = options.answer_max != 0 ? options.answer_max : RAFTCLIENT_ANSWER_MAX;
    *out = options;
    return true;
}

/* -- Life -- */

struct raftclient *raftclient_create(const char *urls, const struct raftclient_options *options, char *error,
                                     size_t error_size) {
    char unheard[1];
    if (error == NULL || error_size == 0) {
        error = unheard;
        error_size = sizeof unheard;
    }
    struct raftclient *client = memory_zalloc(sizeof *client);
    if (!read_options(options, &client->options, error, error_size) ||
        !nodes_read(&client->nodes, urls, error, error_size)) {
        free(client);
        return NULL;
    }
    if (!exchange_open(&client->setting, &client->options)) {
        complain(error, error_size, "libcurl cannot be used", "");
        free(client);
        return NULL;
    }
    client->options.token = client->options.tls_ca = client->options.tls_cert = client->options.tls_key = NULL;
    client->timeout_ms = client->options.timeout_ms;
    clock_random(&client->random, sizeof client->random);
    /* Clients that were all given the same list do not all begin with the same node. */
    client->nodes.preferred = client->random % client->nodes.count;
    call_begin(client);
    return client;
}

void raftclient_destroy(struct raftclient *client) {
    if (client == NULL) {
        return;
    }
    propose_close(client);
    exchange_close(&client->setting);
    free(client->exchange.body);
    free(client);
}

void raftclient_set_timeout(struct raftclient *client, uint32_t timeout_ms) {
    client->timeout_ms = timeout_ms != 0 ? timeout_ms : client->options.timeout_ms;
}

void raftclient_stop(struct raftclient *client) {
    exchange_stop(&client->setting);
}

bool raftclient_node(const struct raftclient *client, size_t n, const char **out_url, uint64_t *out_id) {
    if (n >= client->nodes.count) {
        return false;
    }
    *out_url = client->nodes.list[n].url;
    *out_id = client->nodes.list[n].id;
    return true;
}

const char *raftclient_outcome_name(enum raftclient_outcome outcome) {
    static const char *const names[] = {"done", "rejected", "unavailable", "unknown"};
    return names[outcome];
}

/* -- Any request -- */

static bool is_method(const char *method) {
    return strcmp(method, "GET") == 0 || strcmp(method, "POST") == 0 || strcmp(method, "PUT") == 0 ||
           strcmp(method, "DELETE") == 0;
}

/* Nothing in it that would end the request's first line. */
static bool is_path(const char *path) {
    if (path[0] != '/' || strlen(path) > PATH_MAX_BYTES) {
        return false;
    }
    for (; *path != '\0'; path++) {
        if (*path <= ' ' || *path >= 0x7F || *path == '#') {
            return false;
        }
    }
    return true;
}

/* The node with that URL, put into `place` when it is none of those that are known. NULL: that is no URL. */
static struct nodes_entry *find_node(struct raftclient *client, const char *url, struct nodes_entry *place) {
    *place = (struct nodes_entry){.id = 0};
    if (!nodes_url_read(url, strlen(url), place->url)) {
        return NULL;
    }
    for (size_t i = 0; i < client->nodes.count; i++) {
        if (strcmp(client->nodes.list[i].url, place->url) == 0) {
            return &client->nodes.list[i];
        }
    }
    return place;
}

const struct raftclient_answer *raftclient_call(struct raftclient *client, const struct raftclient_request *request) {
    call_begin(client);
    struct raftclient_request asked = {.size = sizeof asked};
    memcpy(&asked, request, request->size < sizeof asked ? request->size : sizeof asked);
    struct nodes_entry place;
    struct nodes_entry *only = asked.node_url != NULL ? find_node(client, asked.node_url, &place) : NULL;
    if (asked.method == NULL || !is_method(asked.method) || asked.path == NULL || !is_path(asked.path) ||
        (asked.node_url != NULL && only == NULL) || (asked.body != NULL && strcmp(asked.method, "GET") == 0)) {
        return call_say(client, RAFTCLIENT_REJECTED, "bad_request", "no such request can be made");
    }
    const struct call call = {.method = asked.method,
                              .path = asked.path,
                              .body = asked.body,
                              .body_size = asked.body_size,
                              .kind = strcmp(asked.method, "GET") == 0 ? VERDICT_READ
                                      : asked.repeatable               ? VERDICT_REPEATABLE
                                                                       : VERDICT_PLAIN,
                              .takes_timeout = asked.takes_timeout,
                              .attempt_ms = asked.attempt_ms,
                              .silence_ms = asked.sink != NULL ? RAFTCLIENT_SILENCE_MS : 0,
                              .only = only,
                              .sink = asked.sink,
                              .sink_context = asked.sink_context,
                              .deadline_ms = call_deadline(client)};
    return call_run(client, &call);
}
