#include "server/peers_exchange.h"

#include "server/base/memory.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A peer closes a connection that was idle for a minute. One that is about to be closed is not used again: a request that
 * meets the closing has an unknown end. */
enum { IDLE_SECONDS_MAX = 30 };

/* With constant options, setting fails only for want of memory. */
static void check(CURLcode result) {
    if (result != CURLE_OK) {
        fprintf(stderr, "raftd: libcurl refused an option: %s\n", curl_easy_strerror(result));
        abort();
    }
}

/* -- What libcurl calls -- */

static size_t give_body(char *to, size_t size, size_t count, void *context) {
    struct peers_exchange *exchange = context;
    size_t room = size * count;
    size_t left = exchange->body_size - exchange->body_taken;
    size_t taken = left < room ? left : room;
    memcpy(to, exchange->body + exchange->body_taken, taken);
    exchange->body_taken += taken;
    return taken;
}

/* libcurl sends a request again when a reused connection dies before the first byte of the answer, and rewinds the body for
 * that. But the peer may have acted on the first one: a command would be in the log twice. */
static int refuse_to_rewind(void *context, curl_off_t offset, int origin) {
    (void)context;
    (void)offset;
    (void)origin;
    return CURL_SEEKFUNC_FAIL;
}

static size_t keep_answer(char *from, size_t size, size_t count, void *context) {
    struct peers_exchange *exchange = context;
    size_t given = size * count;
    if (given > exchange->answer_max - exchange->answer_size) {
        exchange->answer_too_large = true;
        return 0;
    }
    if (given > 0) {
        exchange->answer = memory_grow(exchange->answer, &exchange->answer_capacity, exchange->answer_size + given, 1);
        memcpy(exchange->answer + exchange->answer_size, from, given);
        exchange->answer_size += given;
    }
    return given;
}

/* -- Life -- */

static void set_callbacks(struct peers_exchange *exchange) {
    CURL *handle = exchange->handle;
    check(curl_easy_setopt(handle, CURLOPT_PRIVATE, exchange));
    check(curl_easy_setopt(handle, CURLOPT_READFUNCTION, give_body));
    check(curl_easy_setopt(handle, CURLOPT_READDATA, exchange));
    check(curl_easy_setopt(handle, CURLOPT_SEEKFUNCTION, refuse_to_rewind));
    check(curl_easy_setopt(handle, CURLOPT_SEEKDATA, exchange));
    check(curl_easy_setopt(handle, CURLOPT_WRITEFUNCTION, keep_answer));
    check(curl_easy_setopt(handle, CURLOPT_WRITEDATA, exchange));
}

static void set_manners(CURL *handle, const struct peers_options *options) {
    check(curl_easy_setopt(handle, CURLOPT_PROTOCOLS_STR, options->tls != NULL ? "https" : "http"));
    check(curl_easy_setopt(handle, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1));
    check(curl_easy_setopt(handle, CURLOPT_USERAGENT, "raftd/" RAFTD_VERSION));
    check(curl_easy_setopt(handle, CURLOPT_FOLLOWLOCATION, 0L));
    check(curl_easy_setopt(handle, CURLOPT_PROXY, ""));
    check(curl_easy_setopt(handle, CURLOPT_NOPROXY, "*"));
    check(curl_easy_setopt(handle, CURLOPT_TCP_NODELAY, 1L));
    check(curl_easy_setopt(handle, CURLOPT_MAXAGE_CONN, (long)IDLE_SECONDS_MAX));
    check(curl_easy_setopt(handle, CURLOPT_CONNECTTIMEOUT_MS, (long)options->connect_timeout_ms));
    check(curl_easy_setopt(handle, CURLOPT_DNS_CACHE_TIMEOUT, 0L));
    /* Without QUICK_EXIT the end of a request whose name is still being looked up waits for the look-up, and everybody with
     * it. */
    check(curl_easy_setopt(handle, CURLOPT_QUICK_EXIT, 1L));
    check(curl_easy_setopt(handle, CURLOPT_NOSIGNAL, 1L));
}

/* The files are read for each new connection, so none lives for long; and none is a continuation of an earlier one. */
static void set_tls(CURL *handle, const struct tls_files *files) {
    check(curl_easy_setopt(handle, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2));
    check(curl_easy_setopt(handle, CURLOPT_MAXLIFETIME_CONN, (long)TLS_CONNECTION_MS / 1000));
    check(curl_easy_setopt(handle, CURLOPT_SSL_SESSIONID_CACHE, 0L));
    if (files->authority != NULL) {
        check(curl_easy_setopt(handle, CURLOPT_CAINFO, files->authority));
        check(curl_easy_setopt(handle, CURLOPT_SSLCERT, files->certificate));
        check(curl_easy_setopt(handle, CURLOPT_SSLKEY, files->key));
        /* Not what the system trusts as well. A library without such a folder says that it knows no such option. */
        (void)curl_easy_setopt(handle, CURLOPT_CAPATH, NULL);
    }
    (void)curl_easy_setopt(handle, CURLOPT_CA_CACHE_TIMEOUT, 0L);
}

struct peers_exchange *peers_exchange_create(const struct peers_options *options) {
    struct peers_exchange *exchange = memory_zalloc(sizeof *exchange);
    exchange->answer_max = options->answer_bytes_max;
    exchange->handle = curl_easy_init();
    if (exchange->handle == NULL) {
        check(CURLE_OUT_OF_MEMORY);
    }
    set_callbacks(exchange);
    set_manners(exchange->handle, options);
    if (options->tls != NULL) {
        set_tls(exchange->handle, options->tls);
    }
    return exchange;
}

void peers_exchange_destroy(struct peers_exchange *exchange) {
    if (exchange == NULL) {
        return;
    }
    curl_easy_cleanup(exchange->handle);
    buffer_release(exchange->buffer);
    free(exchange->answer);
    free(exchange);
}

void peers_exchange_set_token(struct peers_exchange *exchange, const char *token, uint64_t number) {
    check(curl_easy_setopt(exchange->handle, CURLOPT_HTTPAUTH, (long)(token != NULL ? CURLAUTH_BEARER : CURLAUTH_NONE)));
    check(curl_easy_setopt(exchange->handle, CURLOPT_XOAUTH2_BEARER, token));
    exchange->token_number = number;
}

static void set_request(struct peers_exchange *exchange, const char *url, uint32_t timeout_ms) {
    assert(exchange->buffer == NULL && exchange->answer == NULL);
    check(curl_easy_setopt(exchange->handle, CURLOPT_URL, url));
    /* To libcurl 0 means for ever. */
    check(curl_easy_setopt(exchange->handle, CURLOPT_TIMEOUT_MS, timeout_ms > 0 ? (long)timeout_ms : 1L));
}

void peers_exchange_post(struct peers_exchange *exchange, const char *url, struct curl_slist *headers,
                         struct buffer *buffer, const char *body, size_t size, uint32_t timeout_ms) {
    assert(size == 0 || (body >= buffer->data && body + size <= buffer->data + buffer->size));
    set_request(exchange, url, timeout_ms);
    exchange->buffer = buffer;
    exchange->body = body;
    exchange->body_size = size;
    check(curl_easy_setopt(exchange->handle, CURLOPT_HTTPHEADER, headers));
    check(curl_easy_setopt(exchange->handle, CURLOPT_POST, 1L));
    check(curl_easy_setopt(exchange->handle, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)size));
}

void peers_exchange_get(struct peers_exchange *exchange, const char *url, uint32_t timeout_ms) {
    set_request(exchange, url, timeout_ms);
    check(curl_easy_setopt(exchange->handle, CURLOPT_HTTPGET, 1L));
}

void peers_exchange_clear(struct peers_exchange *exchange) {
    buffer_release(exchange->buffer);
    free(exchange->answer);
    *exchange = (struct peers_exchange){
        .handle = exchange->handle, .answer_max = exchange->answer_max, .token_number = exchange->token_number};
}

/* -- Ends -- */

unsigned peers_exchange_status(const struct peers_exchange *exchange) {
    long status = 0;
    check(curl_easy_getinfo(exchange->handle, CURLINFO_RESPONSE_CODE, &status));
    return status > 0 ? (unsigned)status : 0;
}

/* A message without its body is none: as long as libcurl has asked for no byte of it, it surely did not arrive. Once it
 * has, or when there is no body, nobody can tell. */
enum transport_end peers_exchange_failure(const struct peers_exchange *exchange) {
    return exchange->body_size > 0 && exchange->body_taken == 0 ? TRANSPORT_NOT_SENT : TRANSPORT_BROKEN;
}

static const char *why_not_connected(const struct peers_exchange *exchange) {
    long code = 0;
    check(curl_easy_getinfo(exchange->handle, CURLINFO_OS_ERRNO, &code));
    switch (code) {
    case ECONNREFUSED:
        return "connection refused";
    case ETIMEDOUT:
        return "timed out";
    case EHOSTUNREACH:
    case ENETUNREACH:
        return "host not reachable";
    default:
        return "no connection";
    }
}

const char *peers_exchange_why(const struct peers_exchange *exchange, CURLcode result) {
    /* When a reused connection dies libcurl makes another one, before it finds that the body cannot be had again. What then
     * goes wrong with that one is not what happened to the message. */
    bool second_connection = exchange->body_taken > 0;
    switch (result) {
    case CURLE_COULDNT_RESOLVE_HOST:
        return second_connection ? "connection broken" : "name not resolved";
    case CURLE_COULDNT_CONNECT:
        return second_connection ? "connection broken" : why_not_connected(exchange);
    case CURLE_OPERATION_TIMEDOUT:
        return "timed out";
    case CURLE_GOT_NOTHING:
    case CURLE_PARTIAL_FILE:
    case CURLE_RECV_ERROR:
    case CURLE_SEND_ERROR:
    case CURLE_SEND_FAIL_REWIND:
        return "connection broken";
    case CURLE_WRITE_ERROR:
        return exchange->answer_too_large ? "answer too large" : "answer not understood";
    case CURLE_WEIRD_SERVER_REPLY:
    case CURLE_UNSUPPORTED_PROTOCOL:
    case CURLE_BAD_CONTENT_ENCODING:
        return "answer not understood";
    default:
        return curl_easy_strerror(result);
    }
}
