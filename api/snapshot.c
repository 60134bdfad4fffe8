#include "api/snapshot.h"

#include "api/answer.h"

#include "server/base/memory.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

static void undo(struct request *request) {
    node_cancel(request->api->node, request->ticket);
}

static void write_number(struct json_writer *writer, const char *name, uint64_t number) {
    json_write_name(writer, name);
    json_write_uint64(writer, number);
}

void snapshot_write(const struct storage_snapshot *snapshot, struct json_writer *writer) {
    json_write_object_begin(writer);
    write_number(writer, "index", snapshot->id.index);
    write_number(writer, "term", snapshot->id.term);
    write_number(writer, "size_bytes", snapshot->length);
    json_write_object_end(writer);
}

/* -- Taking -- */

static void taken(void *context, const struct node_snapshot_answer *answer) {
    struct request *request = context;
    if (answer->problem.code != PROBLEM_NONE) {
        answer_problem(request, &answer->problem);
        return;
    }
    struct json_writer writer = {0};
    snapshot_write(&answer->snapshot, &writer);
    answer_written(request, &(struct answer){.status = 200, .content_type = ANSWER_JSON}, &writer);
}

static void ask(struct request *request, bool open, node_snapshot_done done) {
    request_wait(request, undo, NULL);
    request->ticket = node_snapshot(request->api->node, open, request->parameters.timeout_ms, done, request);
}

void snapshot_handle_post(struct request *request) {
    ask(request, false, taken);
}

/* -- Downloading -- */

/* What is being sent, from an open file, which stays readable when it is removed meanwhile. */
struct download {
    struct snapshot_file *file;
    uint64_t size;
};

static size_t read_file(void *context, uint64_t offset, char *bytes, size_t capacity) {
    const struct download *download = context;
    uint64_t left = download->size - offset;
    size_t size = left < capacity ? (size_t)left : capacity;
    return snapshot_file_raw(download->file, offset, bytes, size) ? size : 0;
}

static void close_file(void *context) {
    struct download *download = context;
    snapshot_file_close(download->file);
    free(download);
}

static void opened(void *context, const struct node_snapshot_answer *answer) {
    struct request *request = context;
    if (answer->problem.code != PROBLEM_NONE) {
        answer_problem(request, &answer->problem);
        return;
    }
    struct download *download = memory_alloc(sizeof *download);
    *download = (struct download){answer->file, answer->snapshot.length};
    const struct answer_source source = {download, read_file, close_file};
    char disposition[128];
    snprintf(disposition, sizeof disposition, "attachment; filename=\"raftd-%" PRIu64 "-%" PRIu64 ".snapshot\"",
             answer->snapshot.id.index, answer->snapshot.id.term);
    const struct answer whole = {
        .status = 200,
        .content_type = "application/octet-stream",
        .size = (size_t)answer->snapshot.length,
        .source = &source,
        .index = answer->snapshot.id.index,
        .disposition = disposition,
    };
    answer_send(request, &whole);
}

void snapshot_handle_get(struct request *request) {
    ask(request, true, opened);
}
