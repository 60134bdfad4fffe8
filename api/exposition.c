#include "api/exposition.h"

#include <assert.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static void print(struct exposition *exposition, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void print(struct exposition *exposition, const char *format, ...) {
    char line[EXPOSITION_LABELS_SIZE + 256];
    va_list arguments;
    va_start(arguments, format);
    int size = vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    assert(size >= 0 && (size_t)size < sizeof line);
    json_write_bytes(&exposition->text, line, (size_t)size);
}

void exposition_begin(struct exposition *exposition, const char *family, const char *type, const char *help) {
    exposition->family = family;
    print(exposition, "# HELP %s %s\n# TYPE %s %s\n", family, help, family, type);
}

/* Up to where the value stands; `last` is one more label, or empty. */
static void begin_sample(struct exposition *exposition, const char *suffix, const char *labels, const char *last) {
    bool some = labels != NULL || last[0] != '\0';
    print(exposition, "%s%s%s%s%s%s%s ", exposition->family, suffix, some ? "{" : "", labels != NULL ? labels : "",
          labels != NULL && last[0] != '\0' ? "," : "", last, some ? "}" : "");
}

static void end_seconds(struct exposition *exposition, uint64_t microseconds) {
    print(exposition, "%" PRIu64 ".%06" PRIu64 "\n", microseconds / 1000000, microseconds % 1000000);
}

void exposition_number(struct exposition *exposition, const char *labels, uint64_t number) {
    begin_sample(exposition, "", labels, "");
    print(exposition, "%" PRIu64 "\n", number);
}

void exposition_seconds(struct exposition *exposition, const char *labels, uint64_t microseconds) {
    begin_sample(exposition, "", labels, "");
    end_seconds(exposition, microseconds);
}

void exposition_real(struct exposition *exposition, const char *labels, double number) {
    begin_sample(exposition, "", labels, "");
    print(exposition, "%.3f\n", number);
}

void exposition_histogram(struct exposition *exposition, const char *labels, const struct histogram *histogram,
                          size_t first) {
    uint64_t count = 0;
    for (size_t i = 0; i < HISTOGRAM_BUCKETS; i++) {
        count += histogram->counts[i];
        if (i >= first) {
            char bound[48];
            uint64_t bound_us = histogram_bound_us(i);
            snprintf(bound, sizeof bound, "le=\"%" PRIu64 ".%06" PRIu64 "\"", bound_us / 1000000, bound_us % 1000000);
            begin_sample(exposition, "_bucket", labels, bound);
            print(exposition, "%" PRIu64 "\n", count);
        }
    }
    count += histogram->counts[HISTOGRAM_BUCKETS];
    begin_sample(exposition, "_bucket", labels, "le=\"+Inf\"");
    print(exposition, "%" PRIu64 "\n", count);
    begin_sample(exposition, "_sum", labels, "");
    end_seconds(exposition, histogram->sum_us);
    begin_sample(exposition, "_count", labels, "");
    print(exposition, "%" PRIu64 "\n", count);
}

void exposition_gauge(struct exposition *exposition, const char *family, const char *help, uint64_t number) {
    exposition_begin(exposition, family, "gauge", help);
    exposition_number(exposition, NULL, number);
}

void exposition_counter(struct exposition *exposition, const char *family, const char *help, uint64_t number) {
    exposition_begin(exposition, family, "counter", help);
    exposition_number(exposition, NULL, number);
}

const char *exposition_value(const char *text, char out[EXPOSITION_VALUE_SIZE]) {
    size_t size = 0;
    for (const char *at = text; *at != '\0' && size < EXPOSITION_VALUE_SIZE - 2; at++) {
        if (*at == '"' || *at == '\\' || *at == '\n') {
            out[size++] = '\\';
        }
        out[size++] = *at == '\n' ? 'n' : *at;
    }
    out[size] = '\0';
    return out;
}
