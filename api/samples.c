#include "api/samples.h"

#include "api/inside.h"

#include "server/base/memory.h"

#include <stdbool.h>
#include <stdlib.h>

static void look(const struct api *api, struct sample *out_sample) {
    /* Several tens of kilobytes: too much for the stack. */
    struct node_status *status = memory_alloc(sizeof *status);
    node_status(api->node, status);
    *out_sample = (struct sample){
        .at_ms = api->now_ms,
        .commit_index = status->raft.commit_index,
        .waiting = status->commands_waiting,
        .storage_bytes = api->host.storage_bytes(api->host.context),
        .snapshot_bytes = status->snapshot.length,
        .latency_ms = {-1, -1},
    };
    free(status);
    latency_read(&api->latency, api->now_ms, &out_sample->latency_ms[0], &out_sample->latency_ms[1]);
    api->host.disk_latency(api->host.context, &out_sample->disk_ms[0], &out_sample->disk_ms[1]);
}

void samples_turn(struct api *api) {
    struct samples *samples = &api->samples;
    if (api->now_ms < samples->due_ms) {
        return;
    }
    look(api, &samples->kept[samples->count % SAMPLES_KEPT]);
    samples->count++;
    /* In step, unless it was away for longer. */
    samples->due_ms += SAMPLES_MS;
    if (samples->due_ms <= api->now_ms) {
        samples->due_ms = api->now_ms + SAMPLES_MS;
    }
}

enum column { AGE, COMMIT, WAITING, STORAGE, SNAPSHOT, LATENCY_P50, LATENCY_P99, DISK_P50, DISK_P99, COLUMNS };
static const char *const column_names[COLUMNS] = {
    [AGE] = "age_ms",
    [COMMIT] = "commit_index",
    [WAITING] = "waiting",
    [STORAGE] = "storage_bytes",
    [SNAPSHOT] = "snapshot_bytes",
    [LATENCY_P50] = "latency_p50_ms",
    [LATENCY_P99] = "latency_p99_ms",
    [DISK_P50] = "disk_write_p50_ms",
    [DISK_P99] = "disk_write_p99_ms",
};

static void write_value(const struct sample *sample, enum column column, uint64_t now_ms, struct json_writer *writer) {
    const uint64_t whole[] = {now_ms - sample->at_ms, sample->commit_index, sample->waiting, sample->storage_bytes,
                              sample->snapshot_bytes};
    const double parts[] = {sample->latency_ms[0], sample->latency_ms[1], sample->disk_ms[0], sample->disk_ms[1]};
    if (column < LATENCY_P50) {
        json_write_uint64(writer, whole[column]);
    } else if (parts[column - LATENCY_P50] < 0) {
        json_write_null(writer);
    } else {
        json_write_double(writer, parts[column - LATENCY_P50], 3);
    }
}

void samples_write(const struct samples *samples, uint64_t now_ms, struct json_writer *writer) {
    uint64_t kept = samples->count < SAMPLES_KEPT ? samples->count : SAMPLES_KEPT;
    json_write_object_begin(writer);
    for (enum column column = 0; column < COLUMNS; column++) {
        json_write_name(writer, column_names[column]);
        json_write_array_begin(writer);
        for (uint64_t i = samples->count - kept; i < samples->count; i++) {
            write_value(&samples->kept[i % SAMPLES_KEPT], column, now_ms, writer);
        }
        json_write_array_end(writer);
    }
    json_write_object_end(writer);
}
