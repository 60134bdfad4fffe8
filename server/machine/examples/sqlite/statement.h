/* One statement as a command or query has it, {"sql":"...","args":[...]}, and its rows as JSON. */
#ifndef SQLITE_STATEMENT_H
#define SQLITE_STATEMENT_H

#include "connection.h"
#include "text.h"

enum {
    ROWS_MAX = 10000,                 /* Of one statement. */
    ROWS_BYTES_MAX = 8 * 1024 * 1024, /* Of all results of a command or query. */
    STATEMENTS_MAX = 1000             /* Of a batch. */
};

/* Whether it has the members that it needs, and no wrong arguments. False: `why` says what is wrong. */
bool statement_check(struct value statement, struct text *why);
/* Runs it to its end and adds its result to `result`: {"changes":...} and {"columns":[...],"rows":[[...]]}. False: `why`
 * says what went wrong; what it changed stands. */
bool statement_run(struct connection *connection, struct value statement, struct text *result, struct text *why);

#endif
