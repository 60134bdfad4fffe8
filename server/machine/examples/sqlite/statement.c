#include "statement.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool fail(struct text *why, const char *words) {
    text_say(why, words);
    return false;
}

/* -- Arguments -- */

/* Digits without fraction and exponent are an INTEGER, if 64 bits hold them; any other number is a REAL. */
static bool bind_number(sqlite3_stmt *statement, int place, struct value number, struct text *why) {
    if (number.size > 1000) {
        return fail(why, "an argument has more than 1000 digits");
    }
    char text[1001];
    memcpy(text, number.data, number.size);
    text[number.size] = '\0';
    if (strpbrk(text, ".eE") != NULL) {
        return statement == NULL || sqlite3_bind_double(statement, place, strtod(text, NULL)) == SQLITE_OK;
    }
    errno = 0;
    long long integer = strtoll(text, NULL, 10);
    if (errno != 0) {
        return fail(why, "an argument does not fit into 64 bits: write it as a text, or with a fraction as a REAL");
    }
    return statement == NULL || sqlite3_bind_int64(statement, place, integer) == SQLITE_OK;
}

static bool bind_blob(sqlite3_stmt *statement, int place, struct value argument, struct text *why) {
    struct value hex;
    if (!value_member(argument, "blob", &hex) || hex.data[0] != '"' || hex.size % 2 != 0) {
        return fail(why, "an argument is null, true, false, a number, a string, or {\"blob\":\"hexadecimal digits\"}");
    }
    size_t size = (hex.size - 2) / 2;
    unsigned char *bytes = get_memory(size);
    for (size_t i = 0; i < size; i++) {
        int high = hex_digit(hex.data[1 + 2 * i]), low = hex_digit(hex.data[2 + 2 * i]);
        if (high < 0 || low < 0) {
            free(bytes);
            return fail(why, "a blob is written in hexadecimal digits");
        }
        bytes[i] = (unsigned char)(high << 4 | low);
    }
    bool bound = statement == NULL || sqlite3_bind_blob64(statement, place, bytes, size, SQLITE_TRANSIENT) == SQLITE_OK;
    free(bytes);
    return bound;
}

/* With `statement` NULL: could it be bound? */
static bool bind(sqlite3_stmt *statement, int place, struct value argument, struct text *why) {
    size_t size;
    char *text;
    bool bound;
    switch (argument.data[0]) {
    case 'n':
        return statement == NULL || sqlite3_bind_null(statement, place) == SQLITE_OK;
    case 't':
    case 'f':
        return statement == NULL || sqlite3_bind_int(statement, place, argument.data[0] == 't') == SQLITE_OK;
    case '"':
        if ((text = value_text(argument, &size)) == NULL) {
            return fail(why, "a text has half a pair of surrogates");
        }
        bound = statement == NULL ||
                sqlite3_bind_text64(statement, place, text, size, SQLITE_TRANSIENT, SQLITE_UTF8) == SQLITE_OK;
        free(text);
        return bound;
    case '{':
    case '[':
        return bind_blob(statement, place, argument, why);
    default:
        return bind_number(statement, place, argument, why);
    }
}

static bool bind_all(sqlite3_stmt *statement, struct value object, int *out_count, struct text *why) {
    struct value arguments, name, argument;
    *out_count = 0;
    if (!value_member(object, "args", &arguments)) {
        return true;
    }
    if (arguments.data[0] != '[') {
        return fail(why, "args is an array");
    }
    for (struct walk walk = {arguments, 0}; walk_next(&walk, &name, &argument);) {
        if (++*out_count > PARAMETERS_MAX) {
            return fail(why, "more than 1000 arguments");
        }
        if (!bind(statement, *out_count, argument, why)) {
            return fail(why, why->size > 0 ? "" : "an argument is too large");
        }
    }
    return true;
}

bool statement_check(struct value statement, struct text *why) {
    struct value sql;
    size_t size;
    int count;
    if (!value_member(statement, "sql", &sql) || sql.data[0] != '"') {
        return fail(why, "a statement is {\"sql\":\"...\",\"args\":[...]}");
    }
    char *text = value_text(sql, &size);
    bool whole = text != NULL && strlen(text) == size && size <= SQL_BYTES_MAX;
    free(text);
    return whole ? bind_all(NULL, statement, &count, why) : fail(why, "sql is a text of at most 100,000 bytes");
}

/* -- Rows -- */

static void add_hex(struct text *result, const unsigned char *bytes, size_t size) {
    text_say(result, "{\"blob\":\"");
    for (size_t i = 0; i < size; i++) {
        char digits[2] = {"0123456789abcdef"[bytes[i] >> 4], "0123456789abcdef"[bytes[i] & 15]};
        text_add(result, digits, 2);
    }
    text_say(result, "\"}");
}

/* So that it is read as the same REAL again, and as no INTEGER. */
static void add_real(struct text *result, double real) {
    char text[40];
    if (isinf(real)) {
        text_say(result, real > 0 ? "1e999" : "-1e999");
        return;
    }
    int digits = 15;
    do {
        snprintf(text, sizeof text, "%.*g", digits++, real);
    } while (digits <= 17 && strtod(text, NULL) != real);
    text_say(result, text);
    if (strpbrk(text, ".e") == NULL) {
        text_say(result, ".0");
    }
}

static void add_value(struct text *result, sqlite3_stmt *statement, int column) {
    const void *bytes;
    size_t size;
    switch (sqlite3_column_type(statement, column)) {
    case SQLITE_INTEGER:
        text_format(result, "%" PRId64, (int64_t)sqlite3_column_int64(statement, column));
        return;
    case SQLITE_FLOAT:
        add_real(result, sqlite3_column_double(statement, column));
        return;
    case SQLITE_TEXT:
        bytes = sqlite3_column_text(statement, column);
        size = (size_t)sqlite3_column_bytes(statement, column);
        if (is_utf8(bytes, size)) {
            text_add_string(result, bytes, size);
        } else {
            add_hex(result, bytes, size);
        }
        return;
    case SQLITE_BLOB:
        bytes = sqlite3_column_blob(statement, column);
        add_hex(result, bytes, (size_t)sqlite3_column_bytes(statement, column));
        return;
    default:
        text_say(result, "null");
    }
}

static void add_columns(struct text *result, sqlite3_stmt *statement) {
    text_say(result, "\"columns\":[");
    for (int i = 0; i < sqlite3_column_count(statement); i++) {
        const char *name = sqlite3_column_name(statement, i);
        text_say(result, i == 0 ? "" : ",");
        text_add_string(result, name, is_utf8((const unsigned char *)name, strlen(name)) ? strlen(name) : 0);
    }
    text_say(result, "],\"rows\":[");
}

static bool step_all(struct connection *connection, sqlite3_stmt *statement, struct text *result, struct text *why) {
    int columns = sqlite3_column_count(statement), code, rows = 0;
    if (columns > 0) {
        add_columns(result, statement);
    }
    connection->counts = true;
    while ((code = sqlite3_step(statement)) == SQLITE_ROW) {
        if (++rows > ROWS_MAX || result->size > ROWS_BYTES_MAX) {
            connection->counts = false;
            text_format(why, "more than %d rows or %d bytes: use LIMIT", ROWS_MAX, ROWS_BYTES_MAX);
            return false;
        }
        text_say(result, rows == 1 ? "[" : ",[");
        for (int i = 0; i < columns; i++) {
            text_say(result, i == 0 ? "" : ",");
            add_value(result, statement, i);
        }
        text_say(result, "]");
    }
    connection->counts = false;
    if (columns > 0) {
        text_say(result, "]");
    }
    /* What a hook has found, it found after the fact. */
    return code == SQLITE_DONE && connection->why[0] == '\0' ? true : fail(why, connection_why(connection));
}

static bool run(struct connection *connection, sqlite3_stmt *statement, struct value object, struct text *result,
                struct text *why) {
    int count;
    if (!bind_all(statement, object, &count, why)) {
        return false;
    }
    if (count != sqlite3_bind_parameter_count(statement)) {
        text_format(why, "there are %d arguments for %d parameters", count, sqlite3_bind_parameter_count(statement));
        return false;
    }
    sqlite3_int64 before = sqlite3_total_changes64(connection->db);
    text_say(result, "{");
    if (!step_all(connection, statement, result, why)) {
        return false;
    }
    if (!connection->reads) {
        /* Of the statement and its triggers; sqlite3_changes would also tell of an earlier one. */
        text_format(result, "%s\"changes\":%" PRId64 ",\"last_insert_rowid\":%" PRId64,
                    sqlite3_column_count(statement) > 0 ? "," : "",
                    (int64_t)(sqlite3_total_changes64(connection->db) - before),
                    (int64_t)sqlite3_last_insert_rowid(connection->db));
    }
    text_say(result, "}");
    return true;
}

bool statement_run(struct connection *connection, struct value object, struct text *result, struct text *why) {
    struct value sql;
    size_t size;
    if (!statement_check(object, why)) {
        return false;
    }
    value_member(object, "sql", &sql);
    char *text = value_text(sql, &size);
    const char *tail = NULL;
    sqlite3_stmt *statement = NULL, *next = NULL;
    bool done = false;
    if (sqlite3_prepare_v2(connection->db, text, (int)size, &statement, &tail) != SQLITE_OK) {
        text_say(why, connection_why(connection));
    } else if (statement == NULL) {
        text_say(why, "there is no statement in sql");
    } else if (sqlite3_prepare_v2(connection->db, tail, -1, &next, NULL) != SQLITE_OK || next != NULL) {
        text_say(why, "there is more than one statement in sql: see batch");
    } else if (connection->reads && !sqlite3_stmt_readonly(statement)) {
        text_say(why, "a query changes nothing: propose this");
    } else if (sqlite3_stmt_isexplain(statement) != 0) {
        text_say(why, "EXPLAIN may not be used: what it tells is SQLite's own");
    } else {
        done = run(connection, statement, object, result, why);
    }
    sqlite3_finalize(next);
    sqlite3_finalize(statement);
    free(text);
    return done;
}
