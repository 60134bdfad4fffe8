#include "server/disk_watch.h"

#include "server/base/memory.h"
#include "server/node_state.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

void disk_watch_clear(struct disk_watch *watch) {
    free(watch->writes);
    *watch = (struct disk_watch){0};
}

static uint64_t limit_ms(const struct node *node) {
    return node->options.election_timeout_ms;
}

static uint64_t slow_after_ms(const struct node *node) {
    return limit_ms(node) / 2;
}

uint64_t disk_watch_oldest_ms(const struct node *node) {
    const struct disk_watch *watch = &node->disk_watch;
    return watch->count == 0 ? 0 : node->now_ms - watch->writes[watch->first].begun_ms;
}

/* -- What happens -- */

static void note_slow(struct node *node) {
    if (disk_watch_oldest_ms(node) >= slow_after_ms(node)) {
        node->disk_watch.slow_ms = node->now_ms;
    }
}

void disk_watch_begun(struct node *node, uint64_t number, uint64_t bytes) {
    struct disk_watch *watch = &node->disk_watch;
    if (watch->first + watch->count == watch->capacity && watch->first > 0) {
        memmove(watch->writes, watch->writes + watch->first, watch->count * sizeof *watch->writes);
        watch->first = 0;
    }
    watch->writes = memory_grow(watch->writes, &watch->capacity, watch->first + watch->count + 1, sizeof *watch->writes);
    watch->writes[watch->first + watch->count++] =
        (struct disk_watch_write){.number = number, .begun_ms = node->now_ms, .bytes = bytes};
    watch->bytes += bytes;
}

void disk_watch_written(struct node *node, uint64_t number) {
    struct disk_watch *watch = &node->disk_watch;
    note_slow(node);
    while (watch->count > 0 && watch->writes[watch->first].number <= number) {
        assert(watch->bytes >= watch->writes[watch->first].bytes);
        watch->bytes -= watch->writes[watch->first].bytes;
        watch->first++;
        watch->count--;
    }
    if (watch->count == 0) {
        watch->first = 0;
    }
}

/* -- What follows -- */

static void say(const struct node *node, enum diagnostics_level level, const char *what, uint64_t ms) {
    if (node->io.diagnostics != NULL) {
        diagnostics_write(node->io.diagnostics, level, "disk", what, ms);
    }
}

void disk_watch_turn(struct node *node) {
    struct disk_watch *watch = &node->disk_watch;
    uint64_t oldest_ms = disk_watch_oldest_ms(node);
    note_slow(node);
    if (!watch->stalled && oldest_ms >= limit_ms(node)) {
        watch->stalled = true;
        say(node, DIAGNOSTICS_WARNING,
            "a write has not ended for %" PRIu64 " ms: the disk stalls, and this node does not lead other voters",
            oldest_ms);
    } else if (watch->stalled && node->now_ms >= watch->slow_ms + limit_ms(node)) {
        watch->stalled = false;
        say(node, DIAGNOSTICS_INFO, "writes have ended in time for %" PRIu64 " ms: the disk is well again",
            node->now_ms - watch->slow_ms);
    }
}

uint64_t disk_watch_deadline_ms(const struct node *node) {
    const struct disk_watch *watch = &node->disk_watch;
    if (watch->stalled) {
        /* While a slow write goes on, its end is what counts. */
        return disk_watch_oldest_ms(node) >= slow_after_ms(node) ? UINT64_MAX : watch->slow_ms + limit_ms(node);
    }
    return watch->count == 0 ? UINT64_MAX : watch->writes[watch->first].begun_ms + limit_ms(node);
}
