/* Finding where values end in text that a scan has accepted; shared by the files of this room. */
#ifndef RAFTD_JSON_SPAN_H
#define RAFTD_JSON_SPAN_H

#include "server/json/json.h"

/* The end of the string whose opening quote is at `at`. */
const char *json_skip_string(const char *at, const char *end);
/* The end of the string, number or word that begins at `at`. */
const char *json_skip_scalar(const char *at, const char *end);
/* The end of any value. Linear in its size; no stack per level. */
const char *json_skip_value(const char *at, const char *end);

/* What stands between the quotes. */
static inline struct json_span json_string_inside(struct json_span string) {
    return (struct json_span){string.data + 1, string.size - 2};
}

#endif
