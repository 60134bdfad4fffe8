#include "api/checkup.h"

#include "server/problem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* -- Members of JSON objects; what is not there, or of another type, stays as it is -- */

static bool read_number(struct json_span object, const char *name, uint64_t *out) {
    struct json_span value;
    return json_member(object, name, &value) && json_type(value) == JSON_NUMBER &&
           json_number_uint64(value, RAFT_NUMBER_MAX, out);
}

static bool read_true(struct json_span object, const char *name) {
    struct json_span value;
    return json_member(object, name, &value) && json_type(value) == JSON_TRUE;
}

/* Cut where it is too long; what is not printable is a question mark: it goes to terminals. */
static void read_text(struct json_span object, const char *name, char *out, size_t size) {
    struct json_span value;
    if (!json_member(object, name, &value) || json_type(value) != JSON_STRING) {
        return;
    }
    char *text = malloc(value.size + 1);
    if (text == NULL) {
        return;
    }
    size_t length = json_string_decode(value, text);
    length = length < size ? length : size - 1;
    for (size_t i = 0; i < length; i++) {
        out[i] = text[i] < 0x20 || text[i] > 0x7e ? '?' : text[i];
    }
    out[length] = '\0';
    free(text);
}

static bool read_object(struct json_span object, const char *name, struct json_span *out) {
    return json_member(object, name, out) && json_type(*out) == JSON_OBJECT;
}

static bool read_array(struct json_span object, const char *name, struct json_cursor *out) {
    struct json_span value;
    if (!json_member(object, name, &value) || json_type(value) != JSON_ARRAY) {
        return false;
    }
    *out = json_open(value);
    return true;
}

static double read_real(struct json_span object, const char *name) {
    struct json_span value;
    char digits[32];
    if (!json_member(object, name, &value) || json_type(value) != JSON_NUMBER || value.size >= sizeof digits) {
        return 0;
    }
    memcpy(digits, value.data, value.size);
    digits[value.size] = '\0';
    return strtod(digits, NULL);
}

/* -- A status -- */

static void read_disk(struct json_span status, struct checkup_node *node) {
    struct json_span part;
    read_number(status, "storage_bytes", &node->storage_bytes);
    if (read_object(status, "disk_write_ms", &part)) {
        node->write_p99_ms = read_real(part, "p99");
    }
    node->free_bytes = UINT64_MAX;
    if (read_object(status, "disk", &part)) {
        read_number(part, "oldest_write_ms", &node->oldest_write_ms);
        read_number(part, "free_bytes", &node->free_bytes);
        node->stalled = read_true(part, "stalled");
        node->full = read_true(part, "full");
    }
}

static void read_waiting(struct json_span status, struct checkup_node *node) {
    struct json_cursor cursor;
    struct json_span element;
    size_t size = 0;
    node->waits_for[0] = '\0';
    if (!read_array(status, "waiting_for", &cursor)) {
        return;
    }
    while (json_next_element(&cursor, &element) && size < sizeof node->waits_for - 1) {
        uint64_t id = 0;
        char why[PROBLEM_DETAIL_SIZE] = "";
        read_number(element, "id", &id);
        read_text(element, "why", why, sizeof why);
        int added = snprintf(node->waits_for + size, sizeof node->waits_for - size, "%snode %llu: %s", size > 0 ? "; " : "",
                             (unsigned long long)id, why);
        size += added > 0 ? (size_t)added : 0;
    }
}

static void read_clock(struct json_span status, struct checkup_clock *clock) {
    struct json_span told;
    clock->known = read_object(status, "clock", &told) && read_number(told, "elapsed_us", &clock->elapsed_us);
    if (clock->known) {
        read_number(told, "wall_ms", &clock->wall_ms);
    }
}

static void read_peers(struct checkup *checkup, size_t time, struct json_span status) {
    struct json_cursor cursor;
    struct json_span element;
    size_t count = 0;
    if (!read_array(status, "peers", &cursor)) {
        return;
    }
    while (json_next_element(&cursor, &element) && count < RAFT_MEMBERS_MAX) {
        struct checkup_peer peer = {0};
        if (read_number(element, "id", &peer.id) && read_number(element, "match_index", &peer.match_index) &&
            read_number(element, "last_contact_ms", &peer.last_contact_ms)) {
            read_number(element, "snapshot_percent", &peer.snapshot_percent);
            checkup->peers[time][count++] = peer;
        }
    }
    checkup->peer_count[time] = count;
}

bool checkup_take_status(struct checkup *checkup, size_t place, size_t time, struct json_span status,
                         const struct checkup_clock *clock) {
    struct checkup_node *node = &checkup->nodes[place];
    uint64_t id = 0;
    struct json_span diverged;
    if (json_type(status) != JSON_OBJECT || !read_number(status, "id", &id)) {
        return false;
    }
    node->answered = true;
    node->said_id = id;
    node->cluster_id[0] = '\0';
    read_text(status, "cluster_id", node->cluster_id, sizeof node->cluster_id);
    read_text(status, "incarnation", node->said_incarnation, sizeof node->said_incarnation);
    read_text(status, "version", node->version, sizeof node->version);
    read_text(status, "role", node->role, sizeof node->role);
    read_number(status, "last_index", &node->last_index);
    read_disk(status, node);
    read_waiting(status, node);
    node->diverged_since = 0;
    if (read_object(status, "diverged", &diverged)) {
        read_number(diverged, "since_index", &node->diverged_since);
    }
    node->divergence_alarm = read_true(status, "divergence_alarm");
    read_number(status, "certificate_expires", &node->certificate_expires_s);
    node->clocks[time] = *clock;
    read_clock(status, &node->clocks[time]);
    if (id == checkup->leader && strcmp(node->role, "leader") == 0) {
        read_peers(checkup, time, status);
    }
    return true;
}

/* -- Whom it reaches -- */

void checkup_take_reach(struct checkup *checkup, size_t place, struct json_span reach) {
    struct json_cursor cursor;
    struct json_span element;
    uint64_t id = 0;
    if (!read_number(reach, "id", &id) || id != checkup->nodes[place].id || !read_array(reach, "reach", &cursor)) {
        return;
    }
    while (json_next_element(&cursor, &element)) {
        struct checkup_node *other = read_number(element, "id", &id) ? checkup_find(checkup, id) : NULL;
        if (other == NULL || id == checkup->nodes[place].id) {
            continue;
        }
        size_t to = (size_t)(other - checkup->nodes);
        if (read_true(element, "reachable")) {
            checkup->reach[place][to] = CHECKUP_REACHED;
        } else {
            checkup->reach[place][to] = CHECKUP_NOT_REACHED;
            read_text(element, "why", checkup->reach_why[to], sizeof checkup->reach_why[to]);
        }
    }
}
