#include "tests/bench/load/load.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char BASE64[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

uint64_t random_next(uint64_t *state) {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

/* Base64 of `count` bytes, a multiple of three; answers where it ends. */
static char *put_base64(char *out, const char *bytes, size_t count) {
    for (size_t i = 0; i + 2 < count; i += 3) {
        uint32_t three = (uint32_t)(unsigned char)bytes[i] << 16 | (uint32_t)(unsigned char)bytes[i + 1] << 8 |
                         (uint32_t)(unsigned char)bytes[i + 2];
        for (int shift = 18; shift >= 0; shift -= 6)
            *out++ = BASE64[three >> shift & 63];
    }
    return out;
}

static void key_of(char out[KEY_BYTES], uint64_t number) {
    out[0] = 'k';
    for (size_t i = KEY_BYTES - 1; i > 0; i--, number /= 10)
        out[i] = (char)('0' + number % 10);
}

void request_set_keys(struct request *request, const struct options *options, uint64_t first) {
    for (size_t i = 0; i < request->keys; i++) {
        char key[KEY_BYTES];
        uint64_t number = first + i;
        if (!options->sequential)
            number %= options->keys;
        key_of(key, options->first + number);
        char *out = request->bytes + request->first_key + i * request->stride;
        if (options->etcd)
            put_base64(out, key, KEY_BYTES);
        else
            memcpy(out, key, KEY_BYTES);
    }
}

/* Letters and digits that do not compress well; for etcd base64 of as many bytes as wanted, of which the last are zeros. */
static char *put_value(char *out, const struct options *options, uint64_t *random) {
    size_t length = options->etcd ? (options->value_bytes + 2) / 3 * 4 : options->value_bytes;
    for (size_t i = 0; i < length; i++)
        out[i] = BASE64[random_next(random) >> 20 & 31];
    if (options->etcd && options->value_bytes % 3) {
        size_t padding = 3 - options->value_bytes % 3;
        memset(out + length - padding, '=', padding);
        out[length - padding - 1] = 'A';
    }
    return out + length;
}

static const char *write_begin(const struct options *options) {
    if (!options->etcd)
        return "{\"op\":\"put\",\"key\":\"";
    return options->batch > 1 ? "{\"requestPut\":{\"key\":\"" : "{\"key\":\"";
}

static const char *write_end(const struct options *options) {
    if (!options->etcd)
        return options->batch > 1 ? "\"}\n" : "\"}";
    return options->batch > 1 ? "\"}}," : "\"}";
}

/* The body of a write, and where its keys are. */
static char *build_writes(char *out, struct request *request, const struct options *options, uint64_t *random) {
    bool transaction = options->etcd && options->batch > 1;
    const char *start = out;
    if (transaction)
        out = stpcpy(out, "{\"success\":[");
    const char *first = out;
    request->first_key = (size_t)(out - start) + strlen(write_begin(options));
    for (size_t i = 0; i < options->batch; i++) {
        out = stpcpy(out, write_begin(options));
        out += options->etcd ? KEY_BYTES / 3 * 4 : KEY_BYTES;
        out = stpcpy(out, "\",\"value\":\"");
        out = put_value(out, options, random);
        out = stpcpy(out, write_end(options));
        if (i == 0)
            request->stride = (size_t)(out - first);
    }
    if (transaction)
        out = stpcpy(out - 1, "]}");
    request->keys = options->batch;
    return out;
}

static void build_write(struct request *request, const struct options *options, const char *host, uint64_t *random) {
    size_t most = options->batch * (options->value_bytes / 3 * 4 + 128) + 64;
    char *body = malloc(most);
    if (!body)
        abort();
    size_t length = (size_t)(build_writes(body, request, options, random) - body);
    request->bytes = malloc(length + 512);
    if (!request->bytes)
        abort();
    const char *path = !options->etcd ? "/v1/propose" : options->batch > 1 ? "/v3/kv/txn" : "/v3/kv/put";
    int head = snprintf(request->bytes, 512, "POST %s HTTP/1.1\r\nHost: %s\r\n%sContent-Length: %zu\r\n\r\n", path, host,
                        options->batch > 1 && !options->etcd ? "Content-Type: application/x-ndjson\r\n" : "", length);
    memcpy(request->bytes + head, body, length);
    request->length = (size_t)head + length;
    request->first_key += (size_t)head;
    free(body);
}

static void build_read(struct request *request, const struct options *options, const char *host) {
    request->bytes = calloc(1, 512);
    if (!request->bytes)
        abort();
    int before, all;
    if (options->etcd) {
        const char *end = strcmp(options->consistency, "stale") == 0 ? "\",\"serializable\":true}" : "\"}";
        before = snprintf(request->bytes, 512,
                          "POST /v3/kv/range HTTP/1.1\r\nHost: %s\r\nContent-Length: %zu\r\n\r\n{\"key\":\"", host,
                          strlen("{\"key\":\"") + KEY_BYTES / 3 * 4 + strlen(end));
        all = before +
              snprintf(request->bytes + before, 512 - (size_t)before, "%.*s%s", KEY_BYTES / 3 * 4, "AAAAAAAAAAAAAAAA", end);
    } else {
        before = snprintf(request->bytes, 512, "GET /v1/query?q=%%7B%%22op%%22%%3A%%22get%%22%%2C%%22key%%22%%3A%%22");
        all = before + snprintf(request->bytes + before, 512 - (size_t)before,
                                "%.*s%%22%%7D&consistency=%s HTTP/1.1\r\nHost: %s\r\n\r\n", KEY_BYTES, "kkkkkkkkkkkkkkkk",
                                options->consistency, host);
    }
    request->first_key = (size_t)before;
    request->keys = 1;
    request->length = (size_t)all;
}

void request_build(struct request *request, const struct options *options, enum kind kind, const char *host,
                   uint64_t *random) {
    if (kind == KIND_WRITE)
        build_write(request, options, host, random);
    else
        build_read(request, options, host);
}
