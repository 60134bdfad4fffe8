#include "api/route.h"

#include "api/asset.h"
#include "api/cluster.h"
#include "api/cluster_watch.h"
#include "api/doctor.h"
#include "api/events.h"
#include "api/health.h"
#include "api/leader_transfer.h"
#include "api/log_page.h"
#include "api/member_change.h"
#include "api/member_list.h"
#include "api/metrics.h"
#include "api/parameters.h"
#include "api/peer.h"
#include "api/propose.h"
#include "api/query.h"
#include "api/reach.h"
#include "api/session.h"
#include "api/snapshot.h"
#include "api/status.h"
#include "api/watch.h"

#include <assert.h>
#include <string.h>

#define ID       "{id}"
#define WAITING  (PARAMETER_TIMEOUT | PARAMETER_FORWARD)
#define QUERYING (WAITING | PARAMETER_CONSISTENCY | PARAMETER_MIN_INDEX)
#define PEER(name, message)                                                                                                \
    {                                                                                                                      \
        .method = "POST", .path = "/raft/v1/" name, .handle = peer_handle, .class = ROUTE_CLASS_PEER, .role = TOKENS_PEER, \
        .body = ROUTE_PEER, .any_host = true, .kind = message                                                              \
    }

/* Those that are asked most come first. */
const struct route route_table[] = {
    {.method = "POST",
     .path = "/v1/propose",
     .handle = propose_handle,
     .class = ROUTE_CLASS_PROPOSE,
     .role = TOKENS_WRITE,
     .parameters = WAITING | PARAMETER_SESSION,
     .body = ROUTE_COMMAND,
     .changing = true},
    {.method = "POST",
     .path = "/v1/query",
     .handle = query_handle_post,
     .class = ROUTE_CLASS_QUERY,
     .role = TOKENS_READ,
     .parameters = QUERYING,
     .body = ROUTE_QUERY},
    {.method = "GET",
     .path = "/v1/query",
     .handle = query_handle_get,
     .class = ROUTE_CLASS_QUERY,
     .role = TOKENS_READ,
     .parameters = QUERYING | PARAMETER_QUERY},
    PEER("append_entries", MESSAGE_APPEND_ENTRIES),
    PEER("request_vote", MESSAGE_REQUEST_VOTE),
    PEER("read_index", MESSAGE_READ_INDEX),
    PEER("propose", MESSAGE_PROPOSE),
    PEER("probe", MESSAGE_PROBE),
    PEER("timeout_now", MESSAGE_TIMEOUT_NOW),
    PEER("transfer", MESSAGE_TRANSFER),
    PEER("members", MESSAGE_CHANGE),
    {.method = "POST",
     .path = "/raft/v1/install_snapshot",
     .handle = peer_handle_chunk,
     .class = ROUTE_CLASS_PEER,
     .role = TOKENS_PEER,
     .body = ROUTE_CHUNK,
     .any_host = true,
     .kind = MESSAGE_INSTALL_SNAPSHOT},
    {.method = "GET",
     .path = "/raft/v1/status",
     .handle = status_handle,
     .class = ROUTE_CLASS_PEER,
     .role = TOKENS_PEER,
     .any_host = true},
    {.method = "GET",
     .path = "/raft/v1/events",
     .handle = events_handle,
     .class = ROUTE_CLASS_PEER,
     .role = TOKENS_PEER,
     .any_host = true},
    {.method = "GET",
     .path = "/raft/v1/reach",
     .handle = reach_handle,
     .class = ROUTE_CLASS_PEER,
     .role = TOKENS_PEER,
     .any_host = true},
    {.method = "POST",
     .path = "/v1/leader/transfer",
     .handle = leader_transfer_handle,
     .class = ROUTE_CLASS_ADMIN,
     .role = TOKENS_ADMIN,
     .parameters = WAITING | PARAMETER_PATIENT,
     .body = ROUTE_WISH,
     .changing = true},
    {.method = "POST",
     .path = "/v1/sessions",
     .handle = session_handle_open,
     .class = ROUTE_CLASS_SESSION,
     .role = TOKENS_WRITE,
     .parameters = WAITING,
     .changing = true},
    {.method = "GET",
     .path = "/v1/sessions/{id}",
     .handle = session_handle_read,
     .class = ROUTE_CLASS_SESSION,
     .role = TOKENS_WRITE,
     .parameters = WAITING},
    {.method = "DELETE",
     .path = "/v1/sessions/{id}",
     .handle = session_handle_close,
     .class = ROUTE_CLASS_SESSION,
     .role = TOKENS_WRITE,
     .parameters = WAITING,
     .changing = true},
    {.method = "POST",
     .path = "/v1/snapshot",
     .handle = snapshot_handle_post,
     .class = ROUTE_CLASS_ADMIN,
     .role = TOKENS_ADMIN,
     .parameters = PARAMETER_TIMEOUT,
     .changing = true},
    {.method = "GET",
     .path = "/v1/snapshot",
     .handle = snapshot_handle_get,
     .class = ROUTE_CLASS_ADMIN,
     .role = TOKENS_ADMIN,
     .parameters = PARAMETER_TIMEOUT},
    {.method = "GET", .path = "/v1/status", .handle = status_handle, .class = ROUTE_CLASS_STATUS, .role = TOKENS_READ},
    {.method = "GET", .path = "/v1/cluster", .handle = cluster_handle, .class = ROUTE_CLASS_STATUS, .role = TOKENS_READ},
    {.method = "GET",
     .path = "/v1/cluster/watch",
     .handle = cluster_watch_handle,
     .class = ROUTE_CLASS_WATCH,
     .role = TOKENS_READ},
    {.method = "GET", .path = "/v1/doctor", .handle = doctor_handle, .class = ROUTE_CLASS_STATUS, .role = TOKENS_READ},
    {.method = "GET", .path = "/v1/events", .handle = events_handle, .class = ROUTE_CLASS_STATUS, .role = TOKENS_READ},
    {.method = "GET",
     .path = "/v1/members",
     .handle = member_list_handle,
     .class = ROUTE_CLASS_STATUS,
     .role = TOKENS_READ},
    {.method = "POST",
     .path = "/v1/members",
     .handle = member_change_handle_add,
     .class = ROUTE_CLASS_ADMIN,
     .role = TOKENS_ADMIN,
     .parameters = WAITING | PARAMETER_PATIENT,
     .body = ROUTE_WISH,
     .changing = true},
    {.method = "PUT",
     .path = "/v1/members",
     .handle = member_change_handle_put,
     .class = ROUTE_CLASS_ADMIN,
     .role = TOKENS_ADMIN,
     .parameters = WAITING | PARAMETER_PATIENT,
     .body = ROUTE_WISH,
     .changing = true},
    {.method = "POST",
     .path = "/v1/members/{id}/promote",
     .handle = member_change_handle_promote,
     .class = ROUTE_CLASS_ADMIN,
     .role = TOKENS_ADMIN,
     .parameters = WAITING | PARAMETER_PATIENT,
     .changing = true},
    {.method = "DELETE",
     .path = "/v1/members/{id}",
     .handle = member_change_handle_remove,
     .class = ROUTE_CLASS_ADMIN,
     .role = TOKENS_ADMIN,
     .parameters = WAITING | PARAMETER_PATIENT,
     .changing = true},
    {.method = "GET",
     .path = "/v1/log",
     .handle = log_page_handle,
     .class = ROUTE_CLASS_STATUS,
     .role = TOKENS_READ,
     .parameters = PARAMETER_FROM | PARAMETER_LIMIT},
    {.method = "GET",
     .path = "/v1/watch",
     .handle = watch_handle,
     .class = ROUTE_CLASS_WATCH,
     .role = TOKENS_READ,
     .parameters = PARAMETER_FROM},
    {.method = "GET", .path = "/healthz", .handle = health_handle_healthz, .class = ROUTE_CLASS_MONITOR, .any_host = true},
    {.method = "GET", .path = "/readyz", .handle = health_handle_readyz, .class = ROUTE_CLASS_MONITOR, .any_host = true},
    {.method = "GET", .path = "/metrics", .handle = metrics_handle, .class = ROUTE_CLASS_MONITOR, .role = TOKENS_READ},
    {.method = "GET", .path = "/openapi.json", .handle = asset_handle, .class = ROUTE_CLASS_PAGE},
    {.method = "GET", .path = "/", .handle = asset_handle, .class = ROUTE_CLASS_PAGE},
    {.method = "GET", .path = "/{file}", .handle = asset_handle, .class = ROUTE_CLASS_PAGE},
};
const size_t route_count = sizeof route_table / sizeof route_table[0];

const char *route_class_name(enum route_class class) {
    static const char *const names[ROUTE_CLASS_COUNT] = {
        [ROUTE_CLASS_NONE] = "none",       [ROUTE_CLASS_PROPOSE] = "propose", [ROUTE_CLASS_QUERY] = "query",
        [ROUTE_CLASS_SESSION] = "session", [ROUTE_CLASS_WATCH] = "watch",     [ROUTE_CLASS_STATUS] = "status",
        [ROUTE_CLASS_ADMIN] = "admin",     [ROUTE_CLASS_PEER] = "peer",       [ROUTE_CLASS_MONITOR] = "monitor",
        [ROUTE_CLASS_PAGE] = "page",
    };
    return names[class];
}

/* Where digits stand in the path for the route's "{id}". False: it is another path, or the route has none. */
static bool find_id(const struct route *route, const char *path, size_t size, size_t *out_begin, size_t *out_end) {
    const char *placeholder = strstr(route->path, ID);
    if (placeholder == NULL) {
        return false;
    }
    size_t begin = (size_t)(placeholder - route->path);
    size_t end = begin;
    while (end < size && path[end] >= '0' && path[end] <= '9') {
        end++;
    }
    const char *rest = placeholder + strlen(ID);
    *out_begin = begin;
    *out_end = end;
    return end > begin && memcmp(path, route->path, begin) == 0 && strlen(rest) == size - end &&
           memcmp(path + end, rest, size - end) == 0;
}

static bool is_path(const struct route *route, const char *path, size_t size) {
    size_t begin;
    size_t end;
    if (strncmp(route->path, path, size) == 0 && route->path[size] == '\0') {
        return strstr(route->path, ID) == NULL;
    }
    if (find_id(route, path, size, &begin, &end)) {
        return true;
    }
    return strcmp(route->path, "/{file}") == 0 && asset_find(path, size) != NULL;
}

/* A path may stand in several rows: a file of the page that has a row of its own. */
static void allow(char *list, const char *method) {
    if (strstr(list, method) != NULL) {
        return;
    }
    if (list[0] != '\0') {
        strcat(list, ", ");
    }
    strcat(list, method);
    if (strcmp(method, "GET") == 0) {
        strcat(list, ", HEAD");
    }
}

const struct route *route_find(const char *method, const char *path, size_t size, char out_allow[ROUTE_ALLOW_SIZE]) {
    const char *wanted = strcmp(method, "HEAD") == 0 ? "GET" : method;
    char list[ROUTE_ALLOW_SIZE] = "";
    if (size > 0 && memchr(path, '\0', size) == NULL) {
        for (size_t i = 0; i < route_count; i++) {
            if (!is_path(&route_table[i], path, size)) {
                continue;
            }
            if (strcmp(route_table[i].method, wanted) == 0) {
                return &route_table[i];
            }
            assert(strlen(list) + sizeof ", GET, HEAD" < sizeof list);
            allow(list, route_table[i].method);
        }
    }
    memcpy(out_allow, list, sizeof list);
    return NULL;
}

bool route_read_id(const struct route *route, const char *path, size_t size, uint64_t *out_id) {
    size_t at;
    size_t end;
    *out_id = 0;
    if (!find_id(route, path, size, &at, &end)) {
        return true;
    }
    for (; at < end; at++) {
        *out_id = *out_id * 10 + (uint64_t)(path[at] - '0');
        if (*out_id > RAFT_NUMBER_MAX) {
            return false;
        }
    }
    return *out_id != 0;
}

bool route_is_v1(const char *path, size_t size) {
    return size >= 4 && memcmp(path, "/v1/", 4) == 0;
}
