#include "api/gathering.h"

#include "api/events.h"
#include "api/latency.h"
#include "api/status.h"

#include "server/base/memory.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct place {
    struct gathering *gathering; /* Borrowed. */
    raft_node_id id;             /* 0: free. */
    bool listed;                 /* It is a member now. */
    bool told;                   /* Its first question has ended. */
    char url[MEMBERS_URL_SIZE];
    char client_url[MEMBERS_URL_SIZE];
    uint64_t ticket; /* Of the question for its status; 0: none is under way. */
    uint64_t asked_us;
    uint64_t round_trip_us;
    char *body; /* Its status, owned; NULL: not reachable. */
    size_t size;
    uint64_t noted;        /* How many events its status says that there are, */
    uint64_t events_noted; /* and said when these were asked for: */
    uint64_t events_ticket;
    char *events; /* Owned. */
    size_t events_size;
    uint64_t events_ms;      /* When they came. */
    uint64_t events_version; /* Of no other answer. */
};

struct gathering {
    struct api *api;
    unsigned readers;
    uint64_t round_ms; /* When it was last asked around; 0: never. */
    uint64_t version;  /* Of the newest events. */
    size_t turn;       /* Whose it is to be asked next. */
    bool fresh;        /* The view is what is known. */
    struct json_writer view;
    struct node_status status;                 /* This node's own, of the last view. */
    struct place places[RAFT_MEMBERS_MAX + 1]; /* The node itself may stand outside the configuration. */
};

/* -- Places -- */

static void free_place(struct place *place) {
    struct peers *peers = place->gathering->api->peers;
    if (place->ticket != 0) {
        peers_cancel(peers, place->ticket);
    }
    if (place->events_ticket != 0) {
        peers_cancel(peers, place->events_ticket);
    }
    free(place->body);
    free(place->events);
    *place = (struct place){.gathering = place->gathering};
}

static size_t find_index(const struct gathering *gathering, raft_node_id id) {
    size_t i = 0;
    while (i <= RAFT_MEMBERS_MAX && gathering->places[i].id != id) {
        i++;
    }
    return i;
}

static struct place *find(struct gathering *gathering, raft_node_id id) {
    size_t i = find_index(gathering, id);
    return i <= RAFT_MEMBERS_MAX ? &gathering->places[i] : NULL;
}

static void list(struct gathering *gathering, raft_node_id id, const char *url) {
    struct place *place = find(gathering, id);
    if (place == NULL) {
        place = find(gathering, 0);
        assert(place != NULL);
    } else if (strcmp(place->url, url) != 0) {
        free_place(place);
    }
    place->id = id;
    place->listed = true;
    snprintf(place->url, sizeof place->url, "%s", url);
    if (place->client_url[0] == '\0') {
        snprintf(place->client_url, sizeof place->client_url, "%s", url);
    }
}

/* The members; before there are any, this node and those it waits for. */
static void list_all(struct gathering *gathering) {
    const struct node_status *status = &gathering->status;
    for (size_t i = 0; i <= RAFT_MEMBERS_MAX; i++) {
        gathering->places[i].listed = false;
    }
    for (size_t i = 0; i < status->members.count; i++) {
        struct place *place = find(gathering, status->members.list[i].id);
        if (place != NULL) {
            place->listed = true;
        }
    }
    for (size_t i = 0; i <= RAFT_MEMBERS_MAX; i++) {
        struct place *place = &gathering->places[i];
        if (place->id != 0 && !place->listed && place->id != status->id && status->members.count > 0) {
            free_place(place);
        }
    }
    for (size_t i = 0; i < status->members.count; i++) {
        list(gathering, status->members.list[i].id, status->members.list[i].url);
    }
    if (members_find(&status->members, status->id) == NULL) {
        list(gathering, status->id, gathering->api->options.advertise_url);
    }
    for (size_t i = 0; status->members.count == 0 && i < status->waiting_count; i++) {
        if (status->waiting[i].id != status->id && status->waiting[i].id != 0) {
            list(gathering, status->waiting[i].id, status->waiting[i].url);
        }
    }
}

/* -- Asking -- */

static bool take_object(const char *body, size_t size, char **out_body, size_t *out_size) {
    struct json_span value;
    size_t offset;
    if (!json_scan(body, size, &value, &offset) || json_type(value) != JSON_OBJECT) {
        return false;
    }
    free(*out_body);
    *out_body = memory_copy(value.data, value.size);
    *out_size = value.size;
    return true;
}

static void got_events(void *context, unsigned status, const char *body, size_t size, const char *why) {
    (void)why;
    struct place *place = context;
    place->events_ticket = 0;
    if (status == 200 && take_object(body, size, &place->events, &place->events_size)) {
        place->events_ms = place->gathering->api->now_ms;
        place->events_version = ++place->gathering->version;
    } else {
        place->events_noted = 0; /* Again, with the next status. */
    }
}

static void ask_events(struct place *place) {
    char url[MEMBERS_URL_SIZE + 24];
    snprintf(url, sizeof url, "%s/raft/v1/events", place->url);
    place->events_noted = place->noted;
    place->events_ticket = peers_get(place->gathering->api->peers, url, API_ASK_TIMEOUT_MS, got_events, place);
}

/* A node that has started anew counts from the beginning: different is what counts. */
static void look_at_status(struct place *place) {
    struct api *api = place->gathering->api;
    struct json_span status = {place->body, place->size};
    struct json_span value;
    if (client_urls_read(status, place->client_url)) {
        client_urls_remember(&api->client_urls, place->id, place->url, place->client_url, api->now_ms);
    }
    if (json_member(status, "events", &value) && json_type(value) == JSON_NUMBER &&
        json_number_uint64(value, RAFT_NUMBER_MAX, &place->noted) && place->noted != place->events_noted &&
        place->events_ticket == 0) {
        ask_events(place);
    }
}

static void got_status(void *context, unsigned status, const char *body, size_t size, const char *why) {
    (void)why;
    struct place *place = context;
    place->ticket = 0;
    place->told = true;
    place->gathering->fresh = false;
    if (status == 200 && take_object(body, size, &place->body, &place->size)) {
        place->round_trip_us = latency_now_us() - place->asked_us;
        look_at_status(place);
    } else {
        free(place->body);
        place->body = NULL;
    }
}

static void ask(struct place *place) {
    char url[MEMBERS_URL_SIZE + 24];
    snprintf(url, sizeof url, "%s/raft/v1/status", place->url);
    place->asked_us = latency_now_us();
    place->ticket = peers_get(place->gathering->api->peers, url, API_ASK_TIMEOUT_MS, got_status, place);
}

static void ask_self(struct place *place) {
    struct gathering *gathering = place->gathering;
    place->told = true;
    place->noted = gathering->status.events;
    if (place->noted != place->events_noted) {
        struct json_writer writer = {0};
        events_write(gathering->api, &writer);
        free(place->events);
        place->events = json_writer_take(&writer, &place->events_size);
        place->events_noted = place->noted;
        place->events_ms = gathering->api->now_ms;
        place->events_version = ++place->gathering->version;
    }
}

static bool is_other(const struct gathering *gathering, size_t at) {
    return gathering->places[at].id != 0 && gathering->places[at].id != gathering->status.id;
}

void gathering_turn(struct api *api) {
    struct gathering *gathering = api->gathering;
    if (gathering->round_ms != 0 && api->now_ms - gathering->round_ms < GATHERING_ROUND_MS) {
        return;
    }
    gathering->round_ms = api->now_ms;
    gathering->fresh = false;
    node_status(api->node, &gathering->status);
    list_all(gathering);
    ask_self(find(gathering, gathering->status.id));
    size_t others = 0;
    for (size_t i = 0; i <= RAFT_MEMBERS_MAX; i++) {
        others += is_other(gathering, i) ? 1 : 0;
        if (is_other(gathering, i) && !gathering->places[i].told && gathering->places[i].ticket == 0) {
            ask(&gathering->places[i]); /* Who is new is asked at once. */
        }
    }
    size_t asked = others > 3 * GATHERING_ASKED ? (others + 2) / 3 : GATHERING_ASKED;
    for (asked = asked < others ? asked : others; asked > 0;
         gathering->turn = (gathering->turn + 1) % (RAFT_MEMBERS_MAX + 1)) {
        if (is_other(gathering, gathering->turn)) {
            asked--;
            if (gathering->places[gathering->turn].ticket == 0) {
                ask(&gathering->places[gathering->turn]);
            }
        }
    }
}

bool gathering_is_whole(const struct api *api) {
    for (size_t i = 0; i <= RAFT_MEMBERS_MAX; i++) {
        const struct place *place = &api->gathering->places[i];
        if (place->id != 0 && !place->told) {
            return false;
        }
    }
    return true;
}

/* -- Showing -- */

static void write_place(struct gathering *gathering, const struct place *place, struct json_writer *writer) {
    const struct api *api = gathering->api;
    bool self = place->id == gathering->status.id;
    json_write_object_begin(writer);
    json_write_name(writer, "id");
    json_write_uint64(writer, place->id);
    json_write_name(writer, "url");
    json_write_text(writer, self ? api->options.advertise_url : place->url);
    json_write_name(writer, "client_url");
    json_write_text(writer, self ? api->options.client_url : place->client_url);
    json_write_name(writer, "reachable");
    json_write_bool(writer, self || place->body != NULL);
    json_write_name(writer, "round_trip_ms");
    if (self || place->body == NULL) {
        json_write_null(writer);
    } else {
        json_write_double(writer, (double)place->round_trip_us / 1000.0, 3);
    }
    json_write_name(writer, "status");
    if (self) {
        status_write(api, &gathering->status, writer);
    } else if (place->body != NULL) {
        json_write_value_one_line(writer, (struct json_span){place->body, place->size});
    } else {
        json_write_null(writer);
    }
    json_write_object_end(writer);
}

/* In the order of ids, which places are not. */
static const struct place *next_place(const struct gathering *gathering, raft_node_id after) {
    const struct place *next = NULL;
    for (size_t i = 0; i <= RAFT_MEMBERS_MAX; i++) {
        const struct place *place = &gathering->places[i];
        if (place->id > after && (next == NULL || place->id < next->id)) {
            next = place;
        }
    }
    return next;
}

struct json_span gathering_view(struct api *api) {
    struct gathering *gathering = api->gathering;
    if (!gathering->fresh) {
        struct json_writer *writer = &gathering->view;
        json_writer_discard(writer);
        json_write_object_begin(writer);
        json_write_name(writer, "leader");
        json_write_uint64(writer, gathering->status.raft.leader);
        json_write_name(writer, "term");
        json_write_uint64(writer, gathering->status.raft.hard_state.term);
        json_write_name(writer, "nodes");
        json_write_array_begin(writer);
        for (const struct place *place = next_place(gathering, 0); place != NULL;
             place = next_place(gathering, place->id)) {
            write_place(gathering, place, writer);
        }
        json_write_array_end(writer);
        json_write_object_end(writer);
        gathering->fresh = true;
    }
    return (struct json_span){gathering->view.data, gathering->view.size};
}

static struct gathering_told *find_told(struct gathering_told told[RAFT_MEMBERS_MAX + 1], const struct gathering *gathering,
                                        raft_node_id id) {
    struct gathering_told *free_one = NULL;
    for (size_t i = 0; i <= RAFT_MEMBERS_MAX; i++) {
        if (told[i].id == id) {
            return &told[i];
        }
        bool gone = told[i].id == 0 || find_index(gathering, told[i].id) > RAFT_MEMBERS_MAX;
        free_one = free_one == NULL && gone ? &told[i] : free_one;
    }
    assert(free_one != NULL);
    *free_one = (struct gathering_told){.id = id};
    return free_one;
}

void gathering_tell_events(struct api *api, struct gathering_told told[RAFT_MEMBERS_MAX + 1],
                           void (*tell)(void *context, raft_node_id id, uint64_t late_ms, struct json_span events),
                           void *context) {
    const struct gathering *gathering = api->gathering;
    for (size_t i = 0; i <= RAFT_MEMBERS_MAX; i++) {
        const struct place *place = &gathering->places[i];
        if (place->id == 0 || place->events == NULL) {
            continue;
        }
        struct gathering_told *known = find_told(told, gathering, place->id);
        if (known->version != place->events_version) {
            known->version = place->events_version;
            tell(context, place->id, api->now_ms - place->events_ms, (struct json_span){place->events, place->events_size});
        }
    }
}

/* -- Beginning and end -- */

void gathering_begin(struct api *api) {
    if (api->gathering == NULL) {
        api->gathering = memory_zalloc(sizeof *api->gathering);
        api->gathering->api = api;
        for (size_t i = 0; i <= RAFT_MEMBERS_MAX; i++) {
            api->gathering->places[i].gathering = api->gathering;
        }
    }
    api->gathering->readers++;
    for (size_t i = 0; i <= RAFT_MEMBERS_MAX; i++) {
        api->gathering->places[i].events_noted = 0; /* Who comes later wants to hear what happened until now. */
    }
}

void gathering_end(struct api *api) {
    struct gathering *gathering = api->gathering;
    assert(gathering != NULL && gathering->readers > 0);
    if (--gathering->readers > 0) {
        return;
    }
    for (size_t i = 0; i <= RAFT_MEMBERS_MAX; i++) {
        free_place(&gathering->places[i]);
    }
    json_writer_discard(&gathering->view);
    free(gathering);
    api->gathering = NULL;
}
