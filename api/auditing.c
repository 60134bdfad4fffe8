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

void auditing_answer(const struct request *request, const struct answer *answer) {
    struct audit *audit = request->api->options.audit;
    if (audit == NULL || !is_wanted(request, answer)) {
        return;
    }
    char address[NI_MAXHOST];
    read_address(request, address, sizeof address);
    const struct audit_request line = {
        .method = request->method,
        .target = request->text,
        .status = answer->status,
        .code = answer->code,
        .who = request->who.name,
        .role = tokens_role_name(request->who.role),
        .address = address,
    };
    audit_request(audit, &line, request->api->now_ms);
}
