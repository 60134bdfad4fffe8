#include "api/connections.h"

#include "server/base/memory.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

/* Sweeps are no closer together than this: deadlines are seconds. */
enum { SWEEP_MS = 100, EVENTS_AT_ONCE = 64 };

bool connections_open(struct connections *connections, struct api *api) {
    *connections = (struct connections){.api = api, .next_sweep_ms = UINT64_MAX, .next_ticket = 1};
    connections->hang_ups = epoll_create1(EPOLL_CLOEXEC);
    return connections->hang_ups >= 0;
}

void connections_close(struct connections *connections) {
    assert(connections->open == 0);
    free(connections->slots);
    close(connections->hang_ups);
}

static size_t free_slot(struct connections *connections) {
    for (size_t i = 0; i < connections->slot_count; i++) {
        if (connections->slots[i] == NULL) {
            return i;
        }
    }
    size_t old = connections->slot_count;
    size_t grown = old == 0 ? 64 : old * 2;
    assert(grown <= (size_t)1 << CONNECTIONS_SLOT_BITS);
    connections->slots = memory_realloc(connections->slots, grown * sizeof *connections->slots);
    memset(connections->slots + old, 0, (grown - old) * sizeof *connections->slots);
    connections->slot_count = grown;
    return old;
}

static void end_draining(struct connection *connection) {
    connection->all->draining -= connection->draining ? 1 : 0;
    connection->draining = false;
}

void connections_begin(struct connection *connection) {
    end_draining(connection);
    connection->used = true;
    if (!connection->busy) {
        connection->busy = true;
        connection->all->busy++;
    }
}

void connections_shut(struct connection *connection) {
    end_draining(connection);
    if (!connection->closing) {
        connection->closing = true;
        connection->all->closing++;
        connection->deadline_ms = UINT64_MAX;
        shutdown(connection->descriptor, SHUT_RDWR);
    }
}

/* The one of a kind that has been quiet for the longest, the newcomer aside. */
static struct connection *quietest(struct connections *connections, bool busy, const struct connection *newcomer) {
    struct connection *found = NULL;
    for (size_t i = 0; i < connections->slot_count; i++) {
        struct connection *connection = connections->slots[i];
        if (connection == NULL || connection == newcomer || connection->closing || connection->peer ||
            connection->busy != busy || connection->request.stage == REQUEST_STREAMING) {
            continue;
        }
        if (found == NULL || connection->quiet_since_ms < found->quiet_since_ms) {
            found = connection;
        }
    }
    return found;
}

static void make_room(struct connections *connections, const struct connection *newcomer) {
    size_t maximum = connections->api->options.connections_max;
    if (connections->open - connections->closing <= maximum) {
        return;
    }
    struct connection *victim = quietest(connections, false, newcomer);
    if (victim == NULL && connections->open - connections->closing > 2 * maximum) {
        victim = quietest(connections, true, newcomer);
    }
    if (victim != NULL) {
        connections_shut(victim);
    }
}

struct connection *connections_add(struct connections *connections, struct MHD_Connection *mhd, int descriptor) {
    struct connection *connection = memory_zalloc(sizeof *connection);
    connection->all = connections;
    connection->mhd = mhd;
    connection->descriptor = descriptor;
    connection->slot = free_slot(connections);
    connection->quiet_since_ms = connections->api->now_ms;
    connection->request.api = connections->api;
    connection->request.connection = connection;
    connections->slots[connection->slot] = connection;
    connections->open++;
    /* Edge-triggered and for hang-ups alone: a busy connection costs this set nothing. Without a place in it a hang-up goes
     * unnoticed until the answer is written, which is no reason to refuse the connection. */
    struct epoll_event event = {.events = EPOLLRDHUP | EPOLLET, .data.ptr = connection};
    (void)epoll_ctl(connections->hang_ups, EPOLL_CTL_ADD, descriptor, &event);
    connections_set_deadline(connection, CONNECTIONS_HEAD_MS);
    make_room(connections, connection);
    return connection;
}

void connections_remove(struct connection *connection) {
    struct connections *connections = connection->all;
    (void)epoll_ctl(connections->hang_ups, EPOLL_CTL_DEL, connection->descriptor, NULL);
    connections->slots[connection->slot] = NULL;
    connections->open--;
    end_draining(connection);
    connections->closing -= connection->closing ? 1 : 0;
    request_clear(&connection->request);
    free(connection);
}

bool connections_keeps(const struct connections *connections, uint64_t id) {
    for (size_t i = 0; i < connections->slot_count; i++) {
        const struct connection *connection = connections->slots[i];
        if (connection != NULL && connection->kept && connection->peer_id == id) {
            return true;
        }
    }
    return false;
}

void connections_set_deadline(struct connection *connection, uint64_t milliseconds) {
    if (connection->closing) {
        return;
    }
    connection->deadline_ms = connection->all->api->now_ms + milliseconds;
    if (connection->deadline_ms < connection->all->next_sweep_ms) {
        connection->all->next_sweep_ms = connection->deadline_ms;
    }
}

void connections_set_deadline_bytes(struct connection *connection, uint64_t bytes) {
    connections_set_deadline(connection, CONNECTIONS_BYTES_MS + bytes / CONNECTIONS_BYTES_PER_S * 1000);
}

void connections_add_time(struct connection *connection, uint64_t bytes, uint64_t more) {
    if (!connection->closing) {
        connection->deadline_ms += (more / CONNECTIONS_BYTES_PER_S - bytes / CONNECTIONS_BYTES_PER_S) * 1000;
    }
}

void connections_set_no_deadline(struct connection *connection) {
    connection->deadline_ms = UINT64_MAX;
}

void connections_sweep(struct connections *connections) {
    uint64_t now_ms = connections->api->now_ms;
    if (now_ms < connections->next_sweep_ms) {
        return;
    }
    uint64_t next = UINT64_MAX;
    for (size_t i = 0; i < connections->slot_count; i++) {
        struct connection *connection = connections->slots[i];
        if (connection == NULL) {
            continue;
        }
        if (connection->deadline_ms <= now_ms && !request_due(&connection->request)) {
            connections_shut(connection);
        }
        next = connection->deadline_ms < next ? connection->deadline_ms : next;
    }
    connections->next_sweep_ms = next < now_ms + SWEEP_MS ? now_ms + SWEEP_MS : next;
}

void connections_collect_hang_ups(struct connections *connections) {
    struct epoll_event events[EVENTS_AT_ONCE];
    int count;
    do {
        count = epoll_wait(connections->hang_ups, events, EVENTS_AT_ONCE, 0);
        for (int i = 0; i < count; i++) {
            struct connection *connection = events[i].data.ptr;
            connection->hung_up = true;
            request_hung_up(&connection->request);
        }
    } while (count == EVENTS_AT_ONCE);
}

static bool has_bytes(const struct connection *connection) {
    int count = 0;
    return ioctl(connection->descriptor, FIONREAD, &count) == 0 && count > 0;
}

void connections_close_idle(struct connections *connections) {
    for (size_t i = 0; i < connections->slot_count; i++) {
        struct connection *connection = connections->slots[i];
        if (connection == NULL || connection->busy || connection->closing) {
            continue;
        }
        if (connection->used && !has_bytes(connection)) {
            connections_shut(connection);
        } else if (!connection->draining) {
            connection->draining = true;
            connections->draining++;
            connections_set_deadline(connection, CONNECTIONS_DRAIN_MS);
        }
    }
}
