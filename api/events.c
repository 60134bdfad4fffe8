#include "api/events.h"

#include "api/answer.h"

#include "server/base/memory.h"

#include <stdlib.h>

static void write_event(const struct chronicle_event *event, uint64_t now_ms, struct json_writer *writer) {
    json_write_object_begin(writer);
    json_write_name(writer, "age_ms");
    json_write_uint64(writer, now_ms - event->at_ms);
    json_write_name(writer, "kind");
    json_write_text(writer, chronicle_kind_name(event->kind));
    json_write_name(writer, "term");
    json_write_uint64(writer, event->term);
    json_write_name(writer, "subject");
    json_write_uint64(writer, event->subject);
    json_write_object_end(writer);
}

void events_write(const struct api *api, struct json_writer *writer) {
    struct chronicle_event *events = memory_alloc(CHRONICLE_EVENTS_MAX * sizeof *events);
    struct node_brief brief;
    uint64_t now_ms;
    size_t count = node_events(api->node, events, &now_ms);
    node_brief(api->node, &brief);
    json_write_object_begin(writer);
    json_write_name(writer, "id");
    json_write_uint64(writer, brief.id);
    json_write_name(writer, "events");
    json_write_array_begin(writer);
    for (size_t i = 0; i < count; i++) {
        write_event(&events[i], now_ms, writer);
    }
    json_write_array_end(writer);
    json_write_name(writer, "samples");
    samples_write(&api->samples, api->now_ms, writer);
    json_write_object_end(writer);
    free(events);
}

void events_handle(struct request *request) {
    struct json_writer writer = {0};
    events_write(request->api, &writer);
    answer_written(request, &(struct answer){.status = 200, .content_type = ANSWER_JSON}, &writer);
}
