/* What another reader, cJSON, makes of a text, beside ours. */
#ifndef RAFTD_TESTS_FUZZ_CJSON_BESIDE_H
#define RAFTD_TESTS_FUZZ_CJSON_BESIDE_H

#include "server/json/json.h"

/* Aborts when the two differ in a way that is not known. `value`: what ours took; NULL: it refused at `offset`. */
void cjson_compare(const char *text, size_t size, const struct json_span *value, size_t offset);

#endif
