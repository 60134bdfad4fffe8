#include "server/peers.h"

#include "server/base/memory.h"
#include "server/peers_exchange.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    CONNECTIONS_MAX = 1024, /* Kept open for the next request: 30 peers with some 20 requests under way each, and room. */
    IDLE_EXCHANGES_MAX = 64 /* Kept for the next request; those beyond are freed. */
};

struct peers {
    struct peers_options options;
    CURLM *multi;                     /* Owned. */
    char *token;                      /* Owned; NULL: none. */
    uint64_t token_number;            /* One more with each token. */
    struct curl_slist *json_headers;  /* Owned. */
    struct curl_slist *bytes_headers; /* Owned. */
    peers_answered answered;
    void *answered_context;
    struct peers_exchange *under_way; /* Owned, linked both ways. */
    struct peers_exchange *idle;      /* Owned, linked by `next`. */
    size_t idle_count;
    uint64_t last_ticket;
    bool running;
};

/* What can fail here fails for want of memory, or because this file breaks libcurl's rules. */
static void check(CURLMcode result) {
    if (result != CURLM_OK) {
        fprintf(stderr, "raftd: libcurl failed: %s\n", curl_multi_strerror(result));
        abort();
    }
}

static struct curl_slist *add_header(struct curl_slist *headers, const char *header) {
    struct curl_slist *longer = curl_slist_append(headers, header);
    if (longer == NULL) {
        check(CURLM_OUT_OF_MEMORY);
    }
    return longer;
}

static struct curl_slist *make_headers(const char *content_type) {
    return add_header(add_header(NULL, content_type), "Expect:");
}

struct peers *peers_create(const struct peers_options *options) {
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
        check(CURLM_INTERNAL_ERROR);
    }
    struct peers *peers = memory_zalloc(sizeof *peers);
    peers->options = *options;
    peers->multi = curl_multi_init();
    if (peers->multi == NULL) {
        check(CURLM_OUT_OF_MEMORY);
    }
    check(curl_multi_setopt(peers->multi, CURLMOPT_MAXCONNECTS, (long)CONNECTIONS_MAX));
    check(curl_multi_setopt(peers->multi, CURLMOPT_PIPELINING, (long)CURLPIPE_NOTHING));
    peers->json_headers = make_headers("Content-Type: application/json");
    peers->bytes_headers = make_headers("Content-Type: application/octet-stream");
    return peers;
}

/* -- Exchanges -- */

static struct peers_exchange *take_exchange(struct peers *peers) {
    struct peers_exchange *exchange = peers->idle;
    if (exchange == NULL) {
        exchange = peers_exchange_create(&peers->options);
    } else {
        peers->idle = exchange->next;
        peers->idle_count--;
        exchange->next = NULL;
    }
    if (exchange->token_number != peers->token_number) {
        peers_exchange_set_token(exchange, peers->token, peers->token_number);
    }
    return exchange;
}

static void give_back(struct peers *peers, struct peers_exchange *exchange) {
    if (peers->idle_count == IDLE_EXCHANGES_MAX) {
        peers_exchange_destroy(exchange);
        return;
    }
    peers_exchange_clear(exchange);
    exchange->next = peers->idle;
    peers->idle = exchange;
    peers->idle_count++;
}

static void start(struct peers *peers, struct peers_exchange *exchange) {
    exchange->next = peers->under_way;
    if (exchange->next != NULL) {
        exchange->next->previous = exchange;
    }
    peers->under_way = exchange;
    check(curl_multi_add_handle(peers->multi, exchange->handle));
}

static void stop(struct peers *peers, struct peers_exchange *exchange) {
    check(curl_multi_remove_handle(peers->multi, exchange->handle));
    if (exchange->previous != NULL) {
        exchange->previous->next = exchange->next;
    } else {
        assert(peers->under_way == exchange);
        peers->under_way = exchange->next;
    }
    if (exchange->next != NULL) {
        exchange->next->previous = exchange->previous;
    }
    exchange->previous = NULL;
    exchange->next = NULL;
}

void peers_destroy(struct peers *peers) {
    if (peers == NULL) {
        return;
    }
    assert(!peers->running);
    while (peers->under_way != NULL) {
        struct peers_exchange *exchange = peers->under_way;
        stop(peers, exchange);
        peers_exchange_destroy(exchange);
    }
    while (peers->idle != NULL) {
        struct peers_exchange *exchange = take_exchange(peers);
        peers_exchange_destroy(exchange);
    }
    check(curl_multi_cleanup(peers->multi));
    free(peers->token);
    curl_slist_free_all(peers->json_headers);
    curl_slist_free_all(peers->bytes_headers);
    free(peers);
    curl_global_cleanup();
}

/* -- Requests -- */

void peers_attach(struct peers *peers, peers_answered answered, void *context) {
    assert(peers->answered == NULL && answered != NULL);
    peers->answered = answered;
    peers->answered_context = context;
}

void peers_set_token(struct peers *peers, const char *token) {
    if (token == NULL ? peers->token == NULL : peers->token != NULL && strcmp(token, peers->token) == 0) {
        return;
    }
    free(peers->token);
    peers->token = token == NULL ? NULL : memory_text(token, strlen(token));
    peers->token_number++;
}

static void post_json(struct peers *peers, struct peers_exchange *exchange, const char *url,
                      const struct message_request *request, uint32_t timeout_ms) {
    char whole_url[PEERS_URL_SIZE];
    int url_size = snprintf(whole_url, sizeof whole_url, "%s/raft/v1/%s", url, message_kind_name(request->kind));
    assert(url_size > 0 && (size_t)url_size < sizeof whole_url);
    struct json_writer writer = {0};
    message_request_write(request, &writer);
    size_t size;
    char *text = json_writer_take(&writer, &size);
    peers_exchange_post(exchange, whole_url, peers->json_headers, buffer_take(text, size), text, size, timeout_ms);
}

static void post_bytes(struct peers *peers, struct peers_exchange *exchange, const char *url,
                       const struct message_request *request, uint32_t timeout_ms) {
    const struct message_install *install = &request->install;
    char query[MESSAGE_QUERY_SIZE];
    message_query_write(request, query);
    char whole_url[PEERS_URL_SIZE];
    int url_size = snprintf(whole_url, sizeof whole_url, "%s/raft/v1/%s?%s", url, message_kind_name(request->kind), query);
    assert(url_size > 0 && (size_t)url_size < sizeof whole_url);
    peers_exchange_post(exchange, whole_url, peers->bytes_headers, buffer_retain(install->buffer), install->bytes,
                        install->size, timeout_ms);
}

static void send_message(void *context, const char *url, const struct message_request *request, uint32_t timeout_ms,
                         uint64_t token) {
    struct peers *peers = context;
    assert(peers->answered != NULL);
    struct peers_exchange *exchange = take_exchange(peers);
    exchange->token = token;
    exchange->kind = request->kind;
    if (request->kind == MESSAGE_INSTALL_SNAPSHOT) {
        post_bytes(peers, exchange, url, request, timeout_ms);
    } else {
        post_json(peers, exchange, url, request, timeout_ms);
    }
    start(peers, exchange);
}

struct transport peers_transport(struct peers *peers) {
    return (struct transport){.context = peers, .send = send_message};
}

uint64_t peers_get(struct peers *peers, const char *url, uint32_t timeout_ms, peers_got got, void *context) {
    struct peers_exchange *exchange = take_exchange(peers);
    exchange->ticket = ++peers->last_ticket;
    exchange->got = got;
    exchange->got_context = context;
    peers_exchange_get(exchange, url, timeout_ms);
    start(peers, exchange);
    return exchange->ticket;
}

void peers_cancel(struct peers *peers, uint64_t ticket) {
    assert(ticket != 0);
    for (struct peers_exchange *exchange = peers->under_way; exchange != NULL; exchange = exchange->next) {
        if (exchange->ticket == ticket) {
            stop(peers, exchange);
            peers_exchange_destroy(exchange);
            return;
        }
    }
}

/* -- Ends -- */

static void report_answer(struct peers *peers, struct peers_exchange *exchange) {
    struct json_span value;
    size_t offset;
    struct message_answer answer;
    if (!json_scan_message(exchange->answer, exchange->answer_size, &value, &offset) ||
        !message_answer_read(exchange->kind, peers_exchange_status(exchange), value, &answer)) {
        peers->answered(peers->answered_context, exchange->token, TRANSPORT_BROKEN, NULL, NULL, "answer not understood");
        return;
    }
    struct buffer *body = buffer_take(exchange->answer, exchange->answer_size);
    exchange->answer = NULL;
    peers->answered(peers->answered_context, exchange->token, TRANSPORT_ANSWERED, &answer, body, "");
    message_answer_clear(&answer);
    buffer_release(body);
}

static void report(struct peers *peers, struct peers_exchange *exchange, CURLcode result) {
    const char *why = result == CURLE_OK ? "" : peers_exchange_why(exchange, result);
    if (exchange->ticket != 0) {
        unsigned status = result == CURLE_OK ? peers_exchange_status(exchange) : 0;
        size_t size = status != 0 ? exchange->answer_size : 0;
        exchange->got(exchange->got_context, status, size > 0 ? exchange->answer : "", size, why);
    } else if (result == CURLE_OK) {
        report_answer(peers, exchange);
    } else {
        enum transport_end end = peers_exchange_failure(exchange);
        peers->answered(peers->answered_context, exchange->token, end, NULL, NULL, why);
    }
}

void peers_wait(struct peers *peers, struct curl_waitfd *extra, unsigned extra_count, int timeout_ms) {
    check(curl_multi_poll(peers->multi, extra, extra_count, timeout_ms, NULL));
}

void peers_run(struct peers *peers) {
    assert(!peers->running);
    peers->running = true;
    int running_count;
    check(curl_multi_perform(peers->multi, &running_count));
    CURLMsg *message;
    int left;
    while ((message = curl_multi_info_read(peers->multi, &left)) != NULL) {
        assert(message->msg == CURLMSG_DONE);
        CURLcode result = message->data.result;
        char *private = NULL;
        curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &private);
        struct peers_exchange *exchange = (struct peers_exchange *)(void *)private;
        /* Out of libcurl's hands before the report: whoever is told may send the next request. */
        stop(peers, exchange);
        report(peers, exchange, result);
        if (result == CURLE_OK) {
            give_back(peers, exchange);
        } else {
            /* A handle remembers that a body was to be rewound, and would fail with the next one. */
            peers_exchange_destroy(exchange);
        }
    }
    peers->running = false;
}
