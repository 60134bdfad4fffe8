/* Commands and queries of the shipped machines taken apart: one JSON object whose member "op" says what to do. Members that
 * a machine does not know are ignored, of duplicate members the last counts. */
#ifndef RAFTD_MACHINE_OPERATION_H
#define RAFTD_MACHINE_OPERATION_H

#include "server/json/json.h"
#include "server/machine/machine.h"
#include "server/machine/pair.h"

#include <stdbool.h>
#include <stddef.h>

enum operation_member {
    OPERATION_OP,
    OPERATION_KEY,
    OPERATION_VALUE,
    OPERATION_EXPECTED,
    OPERATION_PREFIX,
    OPERATION_AFTER,
    OPERATION_LIMIT,
    OPERATION_MEMBERS /* How many there are. */
};

/* The members as spans of the text; `data` NULL where the member is left out. */
struct operation {
    struct json_span members[OPERATION_MEMBERS];
};

/* A string member decoded, in a place of its own: longest key, however it is escaped. */
enum {
    OPERATION_ESCAPE_SIZE = 6, /* \u0041: the most bytes of a literal that one byte of the text takes. */
    OPERATION_LITERAL_SIZE_MAX = OPERATION_ESCAPE_SIZE * PAIR_KEY_SIZE_MAX + 2
};
struct operation_text {
    size_t size;
    char bytes[OPERATION_LITERAL_SIZE_MAX];
};

/* Takes apart `text`, which a scan has accepted. False: no object. */
bool operation_read(const char *text, size_t size, struct operation *out_operation);

bool operation_has(const struct operation *operation, enum operation_member member);
/* True when "op" is the string `name`. */
bool operation_is(const struct operation *operation, const char *name);

/* Decodes a string member of at most PAIR_KEY_SIZE_MAX bytes. False: left out, no string or too long; `why` holds the
 * sentence. */
bool operation_text(const struct operation *operation, enum operation_member member, struct operation_text *out_text,
                    struct machine_output why);

/* Appends a NUL-terminated text to an output. */
void operation_say(struct machine_output output, const char *text);
/* Appends a value's bytes. */
void operation_say_value(struct machine_output output, struct json_span value);
/* Says why and answers MACHINE_REFUSED. */
enum machine_verdict operation_refuse(struct machine_output why, const char *sentence);

#endif
