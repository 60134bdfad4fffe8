#include "server/callee.h"

#include "server/option_value.h"

#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* An address to listen on, as a URL to call: every address of the machine includes its loopback. */
static bool url_of_listen(const char *listen, bool tls, char out[CALLEE_URL_SIZE]) {
    struct options_address address;
    if (!option_value_address(listen, &address)) {
        return false;
    }
    bool ipv6 = strchr(address.host, ':') != NULL;
    const char *host = !option_value_wildcard(address.host) ? address.host : ipv6 ? "::1" : "127.0.0.1";
    const char *scheme = tls ? "https" : "http";
    snprintf(out, CALLEE_URL_SIZE, ipv6 ? "%s://[%s]:%u" : "%s://%s:%u", scheme, host, address.port);
    return true;
}

bool callee_read(const char *name, const char *url, const char *const *environment, struct callee *out_callee,
                 struct options_message *out_message) {
    const char *listen = options_environment(environment, "RAFTD_LISTEN");
    *out_callee = (struct callee){.own = url == NULL, .tls_ca = options_environment(environment, "RAFTD_TLS_CA")};
    if (url != NULL) {
        size_t size = strlen(url);
        bool slash = size > 0 && url[size - 1] == '/';
        snprintf(out_callee->base, sizeof out_callee->base, "%.*s", (int)(size - slash), url);
        if (size - slash >= sizeof out_callee->base || !members_url_valid(out_callee->base, strlen(out_callee->base))) {
            snprintf(out_message->text, sizeof out_message->text, "%s: '%.200s' is not a URL like http://127.0.0.1:8001",
                     name, url);
            return false;
        }
    } else if (!url_of_listen(listen == NULL ? "127.0.0.1:8001" : listen,
                              options_environment(environment, "RAFTD_TLS_CERT") != NULL, out_callee->base)) {
        snprintf(out_message->text, sizeof out_message->text, "RAFTD_LISTEN: '%.200s' is not HOST:PORT", listen);
        return false;
    }
    return true;
}

static size_t keep_body(char *bytes, size_t one, size_t size, void *context) {
    struct callee_answer *answer = context;
    size_t room = answer->capacity - 1 - answer->size;
    size_t taken = size < room ? size : room;
    memcpy(answer->body + answer->size, bytes, taken);
    answer->size += taken;
    answer->cut = answer->cut || taken < size;
    return one * size;
}

/* A token in a header field; NULL when it is none that could stand there. */
static struct curl_slist *authorization(const char *token) {
    char field[512];
    int size = snprintf(field, sizeof field, "Authorization: Bearer %s", token);
    return size > 0 && (size_t)size < sizeof field && strpbrk(token, "\r\n") == NULL ? curl_slist_append(NULL, field)
                                                                                     : NULL;
}

void callee_get(const struct callee *callee, const char *url, const char *token, unsigned timeout_ms,
                struct callee_answer *inout_answer) {
    char error[CURL_ERROR_SIZE] = "";
    CURL *easy = curl_easy_init();
    inout_answer->status = 0;
    inout_answer->size = 0;
    inout_answer->cut = false;
    inout_answer->body[0] = '\0';
    if (easy == NULL) {
        snprintf(inout_answer->error, sizeof inout_answer->error, "libcurl cannot be used");
        return;
    }
    struct curl_slist *fields = token != NULL ? authorization(token) : NULL;
    curl_easy_setopt(easy, CURLOPT_URL, url);
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, fields);
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    if (callee->own) {
        /* By an address that no certificate has to name, and over the loopback, where nobody else answers. */
        curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 0L);
        curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 0L);
    } else if (callee->tls_ca != NULL) {
        curl_easy_setopt(easy, CURLOPT_CAINFO, callee->tls_ca);
    }
    curl_easy_setopt(easy, CURLOPT_PROXY, "");
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L);
    curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)timeout_ms);
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, error);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, keep_body);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, inout_answer);
    CURLcode code = curl_easy_perform(easy);
    curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &inout_answer->status);
    curl_easy_cleanup(easy);
    curl_slist_free_all(fields);
    inout_answer->body[inout_answer->size] = '\0';
    inout_answer->error[0] = '\0';
    if (code != CURLE_OK) {
        inout_answer->status = 0;
        snprintf(inout_answer->error, sizeof inout_answer->error, "%s",
                 error[0] != '\0' ? error : curl_easy_strerror(code));
    }
}
