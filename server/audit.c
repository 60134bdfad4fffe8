#include "server/audit.h"

#include "server/base/memory.h"
#include "server/json/json.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

struct audit {
    char *path; /* Owned; NULL: standard output. */
    int descriptor;
    uint64_t node_id;
    uint64_t second; /* In which refusals are counted. */
    uint32_t refusals;
    uint64_t left_out; /* Not told yet. */
    uint64_t failures;
    uint64_t failures_told;
    int failure; /* The errno of the last one. */
};

static int open_file(const char *path) {
    return open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY, 0600);
}

struct audit *audit_open(const char *path, uint64_t node_id, struct audit_message *out_message) {
    bool standard = strcmp(path, "-") == 0;
    int descriptor = standard ? STDOUT_FILENO : open_file(path);
    if (descriptor < 0) {
        snprintf(out_message->text, sizeof out_message->text, "%.300s cannot be opened: %s", path, strerror(errno));
        return NULL;
    }
    struct audit *audit = memory_zalloc(sizeof *audit);
    audit->path = standard ? NULL : memory_text(path, strlen(path));
    audit->descriptor = descriptor;
    audit->node_id = node_id;
    return audit;
}

void audit_close(struct audit *audit) {
    if (audit == NULL) {
        return;
    }
    if (audit->path != NULL) {
        close(audit->descriptor);
    }
    free(audit->path);
    free(audit);
}

/* -- Lines -- */

static void add_text(struct json_writer *line, const char *name, const char *text) {
    json_write_name(line, name);
    json_write_text(line, text);
}

static void add_number(struct json_writer *line, const char *name, uint64_t number) {
    json_write_name(line, name);
    json_write_uint64(line, number);
}

static void begin(const struct audit *audit, struct json_writer *line, const char *event) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    struct tm parts;
    gmtime_r(&now.tv_sec, &parts);
    char day[32];
    char time_text[48];
    strftime(day, sizeof day, "%Y-%m-%dT%H:%M:%S", &parts);
    snprintf(time_text, sizeof time_text, "%s.%03ldZ", day, now.tv_nsec / 1000000);
    json_write_object_begin(line);
    add_text(line, "time", time_text);
    add_number(line, "node", audit->node_id);
    add_text(line, "event", event);
}

/* One write, so that lines of several processes do not mix. Short means that the disk is full. */
static void end(struct audit *audit, struct json_writer *line) {
    json_write_object_end(line);
    json_write_bytes(line, "\n", 1);
    ssize_t written = write(audit->descriptor, line->data, line->size);
    if (written != (ssize_t)line->size) {
        audit->failure = written < 0 ? errno : ENOSPC;
        audit->failures++;
    }
    json_writer_discard(line);
}

/* What came from outside, as plain ASCII. */
static void copy_target(const char *target, char out_text[AUDIT_TEXT_MAX]) {
    size_t size = 0;
    for (; size < AUDIT_TEXT_MAX - 1 && target[size] != '\0' && target[size] != '?'; size++) {
        out_text[size] = target[size] >= 0x20 && target[size] < 0x7F ? target[size] : '.';
    }
    out_text[size] = '\0';
}

static bool is_refusal(unsigned status) {
    return status == 401 || status == 403 || status == 421;
}

/* True: too many in this second, only counted. */
static bool leave_out(struct audit *audit, unsigned status, uint64_t now_ms) {
    if (!is_refusal(status)) {
        return false;
    }
    if (audit->second != now_ms / 1000) {
        audit->second = now_ms / 1000;
        audit->refusals = 0;
    }
    if (audit->refusals < AUDIT_REFUSALS_MAX) {
        audit->refusals++;
        return false;
    }
    audit->left_out++;
    return true;
}

void audit_request(struct audit *audit, const struct audit_request *request, uint64_t now_ms) {
    if (audit == NULL || leave_out(audit, request->status, now_ms)) {
        return;
    }
    char target[AUDIT_TEXT_MAX];
    char method[AUDIT_TEXT_MAX];
    char text[2 * AUDIT_TEXT_MAX];
    copy_target(request->target, target);
    copy_target(request->method, method);
    snprintf(text, sizeof text, "%.32s %s", method, target);
    struct json_writer line = {0};
    begin(audit, &line, "request");
    add_text(&line, "request", text);
    add_number(&line, "status", request->status);
    if (request->code != NULL) {
        add_text(&line, "code", request->code);
    }
    add_text(&line, "who", request->who);
    add_text(&line, "role", request->role);
    add_text(&line, "address", request->address);
    end(audit, &line);
}

void audit_event(struct audit *audit, const char *event, uint64_t term, uint64_t subject) {
    if (audit == NULL) {
        return;
    }
    struct json_writer line = {0};
    begin(audit, &line, event);
    add_number(&line, "term", term);
    add_number(&line, "subject", subject);
    end(audit, &line);
}

void audit_refreshed(struct audit *audit, const char *event, enum refreshed refreshed) {
    if (audit == NULL || refreshed == REFRESHED_NOTHING) {
        return;
    }
    struct json_writer line = {0};
    begin(audit, &line, event);
    add_text(&line, "outcome", refreshed == REFRESHED ? "read" : "refused");
    end(audit, &line);
}

/* -- Now and then -- */

static bool was_moved(const struct audit *audit) {
    struct stat there;
    struct stat ours;
    return audit->path != NULL && fstat(audit->descriptor, &ours) == 0 &&
           (stat(audit->path, &there) != 0 || there.st_ino != ours.st_ino || there.st_dev != ours.st_dev);
}

static void reopen(struct audit *audit) {
    int descriptor = open_file(audit->path);
    if (descriptor < 0) {
        audit->failure = errno;
        audit->failures++;
        return; /* What is open still takes lines. */
    }
    close(audit->descriptor);
    audit->descriptor = descriptor;
}

void audit_refresh(struct audit *audit, uint64_t now_ms, const struct diagnostics *diagnostics) {
    if (audit == NULL) {
        return;
    }
    if (was_moved(audit)) {
        reopen(audit);
    }
    if (audit->left_out > 0 && audit->second != now_ms / 1000) {
        struct json_writer line = {0};
        begin(audit, &line, "left_out");
        add_number(&line, "count", audit->left_out);
        audit->left_out = 0;
        end(audit, &line);
    }
    if (audit->failures > audit->failures_told) {
        audit->failures_told = audit->failures;
        diagnostics_write(diagnostics, DIAGNOSTICS_ERROR, "audit", "lines of the audit log %s are lost: %s",
                          audit->path != NULL ? audit->path : "on standard output", strerror(audit->failure));
    }
}

uint64_t audit_failures(const struct audit *audit) {
    return audit != NULL ? audit->failures : 0;
}
