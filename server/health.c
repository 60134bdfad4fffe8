#include "server/health.h"

#include "server/callee.h"

#include <stdio.h>
#include <string.h>

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
    struct callee callee;
    if (!callee_read("health", url, environment, &callee, out_message)) {
        return OPTIONS_WRONG;
    }
    struct health_request request = {.own = callee.own, .tls_ca = callee.tls_ca};
    if ((size_t)snprintf(request.url, sizeof request.url, "%s%s", callee.base, ready ? "/readyz" : "/healthz") >=
        sizeof request.url) {
        snprintf(out_message->text, sizeof out_message->text, "health: the URL is too long");
        return OPTIONS_WRONG;
    }
    *out_request = request;
    return OPTIONS_RUN;
}

bool health_ask(const struct health_request *request, char *out_line, size_t line_size) {
    char body[512];
    const struct callee callee = {.own = request->own, .tls_ca = request->tls_ca};
    struct callee_answer answer = {.body = body, .capacity = sizeof body};
    callee_get(&callee, request->url, NULL, HEALTH_TIMEOUT_MS, &answer);
    for (char *at = body; *at != '\0'; at++) { /* It goes to a terminal, on one line. */
        *at = (unsigned char)*at >= 0x20 && *at != 0x7F ? *at : ' ';
    }
    if (answer.status == 0) {
        snprintf(out_line, line_size, "%s: %s", request->url, answer.error);
        return false;
    }
    snprintf(out_line, line_size, "%s: %ld %s", request->url, answer.status, body);
    return answer.status == 200;
}
