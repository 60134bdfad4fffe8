#include "server/supervisor.h"

#include "server/base/memory.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

struct supervisor {
    int descriptor;
    struct sockaddr_un address;
    socklen_t address_size;
    uint64_t watchdog_ms; /* Between two answers; 0: no watchdog. */
    uint64_t due_ms;
    char status[SUPERVISOR_STATUS_SIZE];
};

/* A whole number of 1 and more; 0 for anything else. */
static uint64_t read_number(const char *text) {
    if (text == NULL || text[0] < '0' || text[0] > '9') {
        return 0;
    }
    char *end;
    errno = 0;
    unsigned long long number = strtoull(text, &end, 10);
    return errno == 0 && *end == '\0' ? number : 0;
}

static uint64_t read_watchdog_ms(const char *watchdog_us, const char *watchdog_process) {
    if (watchdog_process != NULL && read_number(watchdog_process) != (uint64_t)getpid()) {
        return 0;
    }
    uint64_t half_ms = read_number(watchdog_us) / 1000 / 2;
    return read_number(watchdog_us) > 0 && half_ms == 0 ? 1 : half_ms;
}

struct supervisor *supervisor_open(const char *socket_path, const char *watchdog_us, const char *watchdog_process) {
    if (socket_path == NULL || (socket_path[0] != '/' && socket_path[0] != '@')) {
        return NULL;
    }
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    size_t size = strlen(socket_path);
    if (size < 2 || size >= sizeof address.sun_path) {
        return NULL;
    }
    memcpy(address.sun_path, socket_path, size);
    if (socket_path[0] == '@') {
        address.sun_path[0] = '\0';
    }
    int descriptor = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (descriptor < 0) {
        return NULL;
    }
    struct supervisor *supervisor = memory_zalloc(sizeof *supervisor);
    supervisor->descriptor = descriptor;
    supervisor->address = address;
    supervisor->address_size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + size);
    supervisor->watchdog_ms = read_watchdog_ms(watchdog_us, watchdog_process);
    return supervisor;
}

void supervisor_close(struct supervisor *supervisor) {
    if (supervisor == NULL) {
        return;
    }
    close(supervisor->descriptor);
    free(supervisor);
}

static void tell(const struct supervisor *supervisor, const char *lines) {
    ssize_t sent = sendto(supervisor->descriptor, lines, strlen(lines), MSG_NOSIGNAL,
                          (const struct sockaddr *)&supervisor->address, supervisor->address_size);
    (void)sent; /* Nobody there, or too busy: it will ask by its watchdog, or it does not care. */
}

void supervisor_ready(struct supervisor *supervisor) {
    if (supervisor != NULL) {
        tell(supervisor, "READY=1");
    }
}

void supervisor_stopping(struct supervisor *supervisor) {
    if (supervisor != NULL) {
        tell(supervisor, "STOPPING=1\nSTATUS=finishing what is in flight");
    }
}

void supervisor_status(struct supervisor *supervisor, const char *line) {
    if (supervisor == NULL || strncmp(line, supervisor->status, sizeof supervisor->status - 1) == 0) {
        return;
    }
    snprintf(supervisor->status, sizeof supervisor->status, "%s", line);
    char lines[sizeof "STATUS=" + SUPERVISOR_STATUS_SIZE];
    snprintf(lines, sizeof lines, "STATUS=%s", supervisor->status);
    tell(supervisor, lines);
}

void supervisor_turned(struct supervisor *supervisor, uint64_t now_ms) {
    if (supervisor == NULL || supervisor->watchdog_ms == 0 || now_ms < supervisor->due_ms) {
        return;
    }
    tell(supervisor, "WATCHDOG=1");
    supervisor->due_ms = now_ms + supervisor->watchdog_ms;
}

uint64_t supervisor_next_deadline_ms(const struct supervisor *supervisor) {
    return supervisor != NULL && supervisor->watchdog_ms != 0 ? supervisor->due_ms : UINT64_MAX;
}
