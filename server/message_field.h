/* The fields of a JSON object as a table: each says its name, what it must be and where it goes. The object's members are
 * walked once, however many fields there are; names that are not in the table are passed over, and of duplicate members the
 * last counts. */
#ifndef RAFTD_MESSAGE_FIELD_H
#define RAFTD_MESSAGE_FIELD_H

#include "server/json/json.h"
#include "server/problem.h"
#include "storage/storage.h"

#include <stdbool.h>
#include <stddef.h>

enum message_field_type {
    MESSAGE_FIELD_NUMBER, /* uint64_t: 0..RAFT_NUMBER_MAX. */
    MESSAGE_FIELD_ID,     /* uint64_t: 1..RAFT_NUMBER_MAX. */
    MESSAGE_FIELD_BOOL,   /* bool. */
    MESSAGE_FIELD_DIGITS, /* char[MESSAGE_FIELD_DIGITS_SIZE + 1]: that many hexadecimal digits, lower case. */
    MESSAGE_FIELD_STRING, /* struct json_span, as are the rest. */
    MESSAGE_FIELD_ARRAY,
    MESSAGE_FIELD_OBJECT,
    MESSAGE_FIELD_VALUE /* Any type. */
};

enum { MESSAGE_FIELD_DIGITS_SIZE = STORAGE_INCARNATION_SIZE };
_Static_assert((int)STORAGE_INCARNATION_SIZE == (int)STORAGE_CLUSTER_ID_SIZE, "one type of field is for both");

struct message_field {
    const char *name; /* Plain ASCII. */
    enum message_field_type type;
    bool optional; /* May be left out, then `out` is untouched. So it is for null (except with VALUE) and for DIGITS that
                      are "". */
    void *out;     /* By type, see above. */
    /* Filled in: */
    bool found;
    struct json_span value;
};

/* Where an object stands, for the problem's detail: "entries[3]." goes before the field's name. `array` NULL: at the top.
 */
struct message_place {
    const char *array;
    size_t position;
};

/* Reads the `count` fields from `object`. False when it is no object, or a field is missing, of the wrong type or out of
 * range: then `out_problem` (unless NULL) is a bad_request that names it, and some of the `out`s may be filled in. */
bool message_field_read(struct json_span object, struct message_field *fields, size_t count, struct message_place place,
                        struct problem *out_problem);

/* Fills in a bad_request that names a field: `"entries[3].term" <what>`. Answers false, for the caller to return. */
bool message_field_refuse(struct problem *out_problem, struct message_place place, const char *name, const char *what);

/* The string's text, NUL-terminated, for the caller to free. NULL when it has fewer than 1 or more than `size_max` bytes or
 * a control byte in it. */
char *message_field_text(struct json_span string, size_t size_max);

#endif
