/* Prometheus' text format (version 0.0.4): a family is its help and type, and then its samples. */
#ifndef RAFTD_API_EXPOSITION_H
#define RAFTD_API_EXPOSITION_H

#include "server/base/histogram.h"
#include "server/json/json.h"

#include <stdint.h>

#define EXPOSITION_TYPE "text/plain; version=0.0.4; charset=utf-8"

enum { EXPOSITION_LABELS_SIZE = 512, EXPOSITION_VALUE_SIZE = 256 };

/* What is being written. Names, help and labels are borrowed until the next family; `help` is without backslashes and
 * newlines. */
struct exposition {
    struct json_writer text;
    const char *family;
};

void exposition_begin(struct exposition *exposition, const char *family, const char *type, const char *help);
/* `labels` is what stands between the braces; NULL: there are none. */
void exposition_number(struct exposition *exposition, const char *labels, uint64_t number);
void exposition_seconds(struct exposition *exposition, const char *labels, uint64_t microseconds);
void exposition_real(struct exposition *exposition, const char *labels, double number);
/* Buckets below bound number `first` are shown as one. */
void exposition_histogram(struct exposition *exposition, const char *labels, const struct histogram *histogram,
                          size_t first);

/* A family of one sample. */
void exposition_gauge(struct exposition *exposition, const char *family, const char *help, uint64_t number);
void exposition_counter(struct exposition *exposition, const char *family, const char *help, uint64_t number);

/* `text` as it may stand between a label's quotes; cut where it is too long. */
const char *exposition_value(const char *text, char out[EXPOSITION_VALUE_SIZE]);

#endif
