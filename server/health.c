#include "server/health.h"

#include "server/option_value.h"

#include <curl/curl.h>
#include <stdio.h>
#include <string.h>

/* An address to listen on, as a URL to call: every address of the machine includes its loopback. */
static bool url_of_listen(const char *listen, bool tls, char out[HEALTH_URL_SIZE]) {
    struct options_address address;
    if (!option_value_address(listen, &address)) {
        return false;
    }
    bool ipv6 = strchr(address.host, ':') != NULL;
    const char *host = !option_value_wildcard(address.host) ? address.host : ipv6 ? "::1" : "127.0.0.1";
    const char *scheme = tls ? "https" : "http";
    snprintf(out, HEALTH_URL_SIZE, ipv6 ? "%s://[%s]:%u" : "%s://%s:%u", scheme, host, address.port);
    return true;
}

enum options_end health_read(const char *const *arguments, const char *const *environment,
                             struct health_request *out_request, struct options_message *out_message) {
    bool ready = false;
    const char *url = NULL;
    for (const char *const *at = arguments; *at != NULL; at++) {
        if (strcmp(*at, "--ready") == 0) {
            ready = true;
        } else if (strcmp(*at, "--help") == 0 || strcmp(*at, "-h") == 0) {
            return OPTIONS_HELP;
        } else if ((*at)[0] == '-' || url != NULL) {
            snprintf(out_message->text, sizeof out_message->text,
                     "health: unexpected '%.200s'; usage: raftd health [--ready] [URL]", *at);
            return OPTIONS_WRONG;
        } else {
            url = *at;
        }
    }
    struct health_request request = {0};
    char base[HEALTH_URL_SIZE];
    const char *listen = options_environment(environment, "RAFTD_LISTEN");
    request.tls_ca = options_environment(environment, "RAFTD_TLS_CA");
    request.own = url == NULL;
    if (url != NULL) {
        size_t size = strlen(url);
        bool slash = size > 0 && url[size - 1] == '/';
        snprintf(base, sizeof base, "%.*s", (int)(size - slash), url);
        if (size - slash >= sizeof base || !members_url_valid(base, strlen(base))) {
            snprintf(out_message->text, sizeof out_message->text,
                     "health: '%.200s' is not a URL like http://127.0.0.1:8001", url);
            return OPTIONS_WRONG;
        }
    } else if (!url_of_listen(listen == NULL ? "127.0.0.1:8001" : listen,
                              options_environment(environment, "RAFTD_TLS_CERT") != NULL, base)) {
        snprintf(out_message->text, sizeof out_message->text, "RAFTD_LISTEN: '%.200s' is not HOST:PORT", listen);
        return OPTIONS_WRONG;
    }
    if ((size_t)snprintf(request.url, sizeof request.url, "%s%s", base, ready ? "/readyz" : "/healthz") >=
        sizeof request.url) {
        snprintf(out_message->text, sizeof out_message->text, "health: the URL is too long");
        return OPTIONS_WRONG;
    }
    *out_request = request;
    return OPTIONS_RUN;
}

/* What the node said, cut to what fits on a line. */
struct body {
    char text[512];
    size_t size;
};

static size_t keep_body(char *bytes, size_t one, size_t size, void *context) {
    struct body *body = context;
    for (size_t i = 0; i < size && body->size < sizeof body->text - 1; i++) {
        bool printable = (unsigned char)bytes[i] >= 0x20 && bytes[i] != 0x7F;
        body->text[body->size++] = printable ? bytes[i] : ' ';
    }
    return one * size;
}

bool health_ask(const struct health_request *request, char *out_line, size_t line_size) {
    struct body body = {.size = 0};
    char error[CURL_ERROR_SIZE] = "";
    CURL *easy = curl_easy_init();
    if (easy == NULL) {
        snprintf(out_line, line_size, "libcurl cannot be used");
        return false;
    }
    curl_easy_setopt(easy, CURLOPT_URL, request->url);
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    if (request->own) {
        /* By an address that no certificate has to name, and over the loopback, where nobody else answers. */
        curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 0L);
        curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 0L);
    } else if (request->tls_ca != NULL) {
        curl_easy_setopt(easy, CURLOPT_CAINFO, request->tls_ca);
    }
    curl_easy_setopt(easy, CURLOPT_PROXY, "");
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L);
    curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)HEALTH_TIMEOUT_MS);
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, error);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, keep_body);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, &body);
    CURLcode code = curl_easy_perform(easy);
    long status = 0;
    curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
    curl_easy_cleanup(easy);
    body.text[body.size] = '\0';
    if (code != CURLE_OK) {
        snprintf(out_line, line_size, "%s: %s", request->url, error[0] != '\0' ? error : curl_easy_strerror(code));
        return false;
    }
    snprintf(out_line, line_size, "%s: %ld %s", request->url, status, body.text);
    return status == 200;
}
