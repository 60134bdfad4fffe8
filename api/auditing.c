#include "api/auditing.h"

#include "api/answer.h"
#include "api/connections.h"
#include "api/inside.h"

#include <netdb.h>
#include <stdio.h>
#include <sys/socket.h>

static bool is_wanted(const struct request *request, const struct answer *answer) {
    bool refused = answer->status == 401 || answer->status == 403 || answer->status == 421;
    return refused || (request->route != NULL && request->route->role == TOKENS_ADMIN);
}

static void read_address(const struct request *request, char *out_text, size_t size) {
    struct sockaddr_storage address;
    socklen_t length = sizeof address;
    if (getpeername(request->connection->descriptor, (struct sockaddr *)&address, &length) != 0 ||
        getnameinfo((const struct sockaddr *)&address, length, out_text, (socklen_t)size, NULL, 0, NI_NUMERICHOST) != 0) {
        snprintf(out_text, size, "unknown");
    }
}

static void write_line(const struct request *request, unsigned status, const char *code) {
    struct audit *audit = request->api->options.audit;
    char address[NI_MAXHOST];
    read_address(request, address, sizeof address);
    const struct audit_request line = {
        .method = request->method,
        .target = request->text,
        .status = status,
        .code = code,
        .who = request->who.name,
        .role = tokens_role_name(request->who.role),
        .address = address,
    };
    audit_request(audit, &line, request->api->now_ms);
}

void auditing_answer(const struct request *request, const struct answer *answer) {
    if (request->api->options.audit != NULL && is_wanted(request, answer)) {
        write_line(request, answer->status, answer->code);
    }
}

void auditing_gone(const struct request *request) {
    static const struct answer none = {0};
    if (request->api->options.audit != NULL && is_wanted(request, &none)) {
        write_line(request, 0, "client_gone");
    }
}
