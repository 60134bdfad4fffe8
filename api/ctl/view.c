#include "api/ctl/view.h"

#include "server/json/json.h"

#include "server/base/memory.h"

#include <stdlib.h>
#include <string.h>

static uint64_t number(struct json_span object, const char *name) {
    struct json_span value;
    uint64_t found = 0;
    if (json_member(object, name, &value) && json_type(value) == JSON_NUMBER) {
        json_number_uint64(value, UINT64_MAX, &found);
    }
    return found;
}

static bool truth(struct json_span object, const char *name) {
    struct json_span value;
    return json_member(object, name, &value) && json_type(value) == JSON_TRUE;
}

/* "" when there is no such string; cut to what fits. */
static void text(struct json_span object, const char *name, char *out, size_t capacity) {
    struct json_span value;
    out[0] = '\0';
    if (!json_member(object, name, &value) || json_type(value) != JSON_STRING) {
        return;
    }
    char *decoded = memory_alloc(value.size);
    size_t size = json_string_decode(value, decoded);
    size = size < capacity ? size : capacity - 1;
    memcpy(out, decoded, size);
    out[size] = '\0';
    free(decoded);
}

static bool object_in(struct json_span object, const char *name, struct json_span *out_value) {
    return json_member(object, name, out_value) && json_type(*out_value) == JSON_OBJECT;
}

static void read_status(struct json_span status, struct view_node *node) {
    struct json_span part;
    text(status, "role", node->role, sizeof node->role);
    text(status, "version", node->version, sizeof node->version);
    node->term = number(status, "term");
    node->last_index = number(status, "last_index");
    node->commit_index = number(status, "commit_index");
    node->applied_index = number(status, "applied_index");
    node->uptime_seconds = number(status, "uptime_seconds");
    node->storage_bytes = number(status, "storage_bytes");
    node->diverged = object_in(status, "diverged", &part);
    node->divergence_alarm = truth(status, "divergence_alarm");
    if (object_in(status, "disk", &part)) {
        node->disk_stalled = truth(part, "stalled");
        node->disk_full = truth(part, "full");
    }
}

bool view_read(const char *body, size_t size, struct view *out_view) {
    struct json_span cluster, list, element, status;
    size_t offset;
    if (!json_scan(body, size, &cluster, &offset) || !json_member(cluster, "nodes", &list) ||
        json_type(list) != JSON_ARRAY) {
        return false;
    }
    out_view->leader = number(cluster, "leader");
    out_view->term = number(cluster, "term");
    out_view->count = 0;
    struct json_cursor cursor = json_open(list);
    while (json_next_element(&cursor, &element) && out_view->count < VIEW_NODES_MAX) {
        struct view_node *node = &out_view->nodes[out_view->count++];
        *node = (struct view_node){.id = 0};
        node->reachable = truth(element, "reachable") && object_in(element, "status", &status);
        if (node->reachable) {
            read_status(status, node);
        }
        node->id = number(element, "id");
        text(element, "client_url", node->client_url, sizeof node->client_url);
    }
    return true;
}
