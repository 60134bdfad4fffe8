#include "api/api.h"

#include "api/clock.h"
#include "api/http.h"
#include "api/inside.h"
#include "api/listen.h"
#include "api/peer.h"

#include "server/base/memory.h"

#include <stdio.h>
#include <stdlib.h>

struct api *api_create(const struct api_options *options, const struct api_host *host, struct node *node,
                       struct peers *peers, const struct diagnostics *diagnostics, struct storage_message *out_message) {
    uint16_t port = 0;
    int listening = listen_open(options->listen_host, options->listen_port, &port, out_message);
    if (listening < 0) {
        return NULL;
    }
    struct api *api = memory_zalloc(sizeof *api);
    api->options = *options;
    api->host = *host;
    api->node = node;
    api->peers = peers;
    api->diagnostics = diagnostics;
    api->guard = (struct guard){
        .node = node,
        .advertise_url = options->advertise_url,
        .client_url = options->client_url,
        .tls = options->tls != NULL,
        .allow_hosts = options->allow_hosts,
        .allow_origins = options->allow_origins,
    };
    api->bodies.max = API_BODIES_MAX;
    api->answers.max = API_ANSWERS_MAX;
    api->now_ms = options->started_ms;
    api->started_wall_ms = clock_wall_ms();
    api->http = http_create(api, listening, port);
    if (api->http == NULL) {
        snprintf(out_message->text, sizeof out_message->text, "cannot serve HTTP on %s port %u: the server did not start",
                 options->listen_host, port);
        free(api);
        return NULL;
    }
    return api;
}

void api_destroy(struct api *api) {
    if (api != NULL) {
        http_destroy(api->http);
        free(api);
    }
}

uint16_t api_port(const struct api *api) {
    return http_port(api->http);
}

unsigned api_descriptors(const struct api *api, int *out_descriptors, unsigned capacity) {
    return http_descriptors(api->http, out_descriptors, capacity);
}

uint64_t api_timeout_ms(const struct api *api, uint64_t now_ms) {
    return http_timeout_ms(api->http, now_ms);
}

void api_run(struct api *api, uint64_t now_ms) {
    api->now_ms = now_ms;
    samples_turn(api);
    http_run(api->http);
}

void api_reply(void *context, uint64_t ticket, const struct message_answer *answer) {
    peer_reply(context, ticket, answer);
}

void api_stop_accepting(struct api *api) {
    http_stop_accepting(api->http);
}

bool api_idle(const struct api *api) {
    return http_is_idle(api->http);
}
