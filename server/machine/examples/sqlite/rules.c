/* What SQL may do here. A statement must do the same on every node, whatever the node did before: so no randomness, no time
 * of day, no file, nothing that looks at the connection's past, nothing that another SQLite might not have. What is not on
 * a list below is refused. */
#include "connection.h"

#include "text.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Sorted by bytes. Left out on purpose: random, randomblob, changes, total_changes, sqlite_version and its like,
 * load_extension, functions of libm, whose last digit a processor may choose. last_insert_rowid begins at 0 with each
 * command. */
static const char *const functions[] = {
    "->",
    "->>",
    "abs",
    "avg",
    "ceil",
    "ceiling",
    "char",
    "coalesce",
    "count",
    "cume_dist",
    "date",
    "datetime",
    "dense_rank",
    "first_value",
    "floor",
    "format",
    "glob",
    "group_concat",
    "hex",
    "ifnull",
    "iif",
    "instr",
    "json",
    "json_array",
    "json_array_length",
    "json_each",
    "json_extract",
    "json_group_array",
    "json_group_object",
    "json_insert",
    "json_object",
    "json_patch",
    "json_quote",
    "json_remove",
    "json_replace",
    "json_set",
    "json_tree",
    "json_type",
    "json_valid",
    "julianday",
    "lag",
    "last_insert_rowid",
    "last_value",
    "lead",
    "length",
    "like",
    "likelihood",
    "likely",
    "lower",
    "ltrim",
    "max",
    "min",
    "nth_value",
    "ntile",
    "nullif",
    "percent_rank",
    "printf",
    "quote",
    "rank",
    "replace",
    "round",
    "row_number",
    "rtrim",
    "sign",
    "strftime",
    "substr",
    "substring",
    "sum",
    "time",
    "total",
    "trim",
    "trunc",
    "typeof",
    "unicode",
    "unixepoch",
    "unlikely",
    "upper",
    "zeroblob",
};

static int compare(const void *name, const void *entry) {
    return strcmp(name, *(const char *const *)entry);
}

static bool may_call(const char *name) {
    char small[40];
    size_t size = strlen(name);
    if (size >= sizeof small) {
        return false;
    }
    for (size_t i = 0; i <= size; i++) {
        small[i] = name[i] >= 'A' && name[i] <= 'Z' ? (char)(name[i] - 'A' + 'a') : name[i];
    }
    /* The second half are SQLite's own, for ALTER TABLE; nobody else can call them. */
    return bsearch(small, functions, sizeof functions / sizeof functions[0], sizeof functions[0], compare) != NULL ||
           strncmp(small, "sqlite_rename_", 14) == 0 || strcmp(small, "sqlite_drop_column") == 0;
}

/* Tables that SQLite makes up: of those json_each and json_tree depend on nothing but what they are given. */
static bool may_read(const char *table) {
    static const char *const made_up[] = {"bytecode",      "completion",  "dbstat",         "fts3tokenize",
                                          "sqlite_dbpage", "sqlite_stmt", "sqlite_memstat", "tables_used"};
    for (size_t i = 0; i < sizeof made_up / sizeof made_up[0]; i++) {
        if (sqlite3_stricmp(table, made_up[i]) == 0) {
            return false;
        }
    }
    return sqlite3_strnicmp(table, "pragma_", 7) != 0;
}

static int refuse(struct connection *connection, const char *what, const char *name) {
    if (connection->why[0] == '\0') {
        snprintf(connection->why, sizeof connection->why, "%s%s%.40s may not be used: not the same on every node", what,
                 name != NULL ? " " : "", name != NULL ? name : "");
    }
    return SQLITE_DENY;
}

static int authorize(void *context, int action, const char *first, const char *second, const char *database,
                     const char *inside) {
    struct connection *connection = context;
    (void)inside;
    if (connection->free) {
        return SQLITE_OK;
    }
    switch (action) {
    case SQLITE_SELECT:
    case SQLITE_RECURSIVE:
        return SQLITE_OK;
    case SQLITE_FUNCTION:
        return may_call(second) ? SQLITE_OK : refuse(connection, "the function", second);
    case SQLITE_READ:
        return may_read(first) ? SQLITE_OK : refuse(connection, "the table", first);
    case SQLITE_CREATE_INDEX:
    case SQLITE_CREATE_TABLE:
    case SQLITE_CREATE_TRIGGER:
    case SQLITE_CREATE_VIEW:
    case SQLITE_DELETE:
    case SQLITE_DROP_INDEX:
    case SQLITE_DROP_TABLE:
    case SQLITE_DROP_TRIGGER:
    case SQLITE_DROP_VIEW:
    case SQLITE_INSERT:
    case SQLITE_UPDATE:
    case SQLITE_ALTER_TABLE:
    case SQLITE_REINDEX:
        if (connection->reads) {
            snprintf(connection->why, sizeof connection->why, "a query changes nothing: propose this");
            return SQLITE_DENY;
        }
        /* ALTER TABLE looks through the temporary schema, which is empty; nobody can name it in an UPDATE of his own. */
        if (action == SQLITE_UPDATE && sqlite3_strnicmp(first, "sqlite_temp_", 12) == 0) {
            return SQLITE_OK;
        }
        return database == NULL || sqlite3_stricmp(database, "temp") != 0 ? SQLITE_OK
                                                                          : refuse(connection, "what is temporary", NULL);
    case SQLITE_CREATE_TEMP_INDEX:
    case SQLITE_CREATE_TEMP_TABLE:
    case SQLITE_CREATE_TEMP_TRIGGER:
    case SQLITE_CREATE_TEMP_VIEW:
        return refuse(connection, "what is temporary", NULL);
    case SQLITE_PRAGMA:
        return refuse(connection, "PRAGMA", first);
    case SQLITE_ATTACH:
    case SQLITE_DETACH:
        return refuse(connection, "other databases", NULL);
    case SQLITE_TRANSACTION:
    case SQLITE_SAVEPOINT:
        return refuse(connection, "transactions of one's own (each proposal is one; see batch)", NULL);
    case SQLITE_CREATE_VTABLE:
    case SQLITE_DROP_VTABLE:
        return refuse(connection, "virtual tables", NULL);
    case SQLITE_ANALYZE:
        return refuse(connection, "ANALYZE", NULL);
    default:
        return refuse(connection, "this statement", NULL);
    }
}

/* With the largest rowid in a table SQLite would draw those that follow at random. */
static void look_at_rowid(void *context, int action, const char *database, const char *table, sqlite3_int64 rowid) {
    struct connection *connection = context;
    (void)action, (void)database;
    if (rowid == INT64_MAX && connection->why[0] == '\0') {
        snprintf(connection->why, sizeof connection->why,
                 "the rowid 9223372036854775807 may not be used (in %.40s): rowids after it are random", table);
    }
}

/* -- Dates, without the time of day and the zone that a node is in -- */

struct date {
    struct connection *connection;
    const char *name;
    int before; /* Arguments before the time: a format. */
};

/* SQLite's own function does the work, on a connection that follows no rules. */
static void calculate(sqlite3_context *context, struct date *date, int count, sqlite3_value **values) {
    char sql[40 + 2 * 100 + 1];
    int size = snprintf(sql, sizeof sql, "SELECT %s(", date->name);
    for (int i = 0; i < count && i < 100; i++) {
        size += snprintf(sql + size, sizeof sql - (size_t)size, i == 0 ? "?" : ",?");
    }
    snprintf(sql + size, sizeof sql - (size_t)size, ")");
    sqlite3_stmt *statement = NULL;
    if (sqlite3_prepare_v2(date->connection->calendar, sql, -1, &statement, NULL) == SQLITE_OK) {
        for (int i = 0; i < count; i++) {
            sqlite3_bind_value(statement, i + 1, values[i]);
        }
        if (sqlite3_step(statement) == SQLITE_ROW) {
            sqlite3_result_value(context, sqlite3_column_value(statement, 0));
        } else {
            sqlite3_result_error(context, sqlite3_errmsg(date->connection->calendar), -1);
        }
    }
    sqlite3_finalize(statement);
}

static void call_date(sqlite3_context *context, int count, sqlite3_value **values) {
    struct date *date = sqlite3_user_data(context);
    const char *now = count == date->before ? "the time of day" : NULL;
    for (int i = date->before; i < count && now == NULL; i++) {
        const char *text = (const char *)sqlite3_value_text(values[i]);
        if (text != NULL && (sqlite3_stricmp(text, "now") == 0 || sqlite3_stricmp(text, "localtime") == 0 ||
                             sqlite3_stricmp(text, "utc") == 0)) {
            now = text;
        }
    }
    if (now == NULL) {
        calculate(context, date, count, values);
        return;
    }
    char why[100];
    snprintf(why, sizeof why, "%s may not use %s: not the same on every node", date->name, now);
    sqlite3_result_error(context, why, -1);
}

/* -- Functions that nobody is asked about: SQLite does not authorize those in the default of a column -- */

static void call_refused(sqlite3_context *context, int count, sqlite3_value **values) {
    char why[120];
    (void)count, (void)values;
    snprintf(why, sizeof why, "the function %.40s may not be used: not the same on every node",
             (const char *)sqlite3_user_data(context));
    sqlite3_result_error(context, why, -1);
}

static bool refuse_functions(struct connection *connection) {
    sqlite3_stmt *list = NULL;
    int code =
        sqlite3_prepare_v2(connection->calendar, "SELECT DISTINCT name, narg FROM pragma_function_list", -1, &list, NULL);
    size_t found = 0;
    while (code == SQLITE_OK && sqlite3_step(list) == SQLITE_ROW) {
        const char *name = (const char *)sqlite3_column_text(list, 0);
        found++;
        if (!may_call(name)) {
            code = sqlite3_create_function_v2(connection->db, name, sqlite3_column_int(list, 1), SQLITE_UTF8, strdup(name),
                                              call_refused, NULL, NULL, free);
        }
    }
    sqlite3_finalize(list);
    return code == SQLITE_OK && found > 50;
}

bool rules_install(struct connection *connection) {
    static const char *const dates[] = {"date", "time", "datetime", "julianday", "unixepoch", "strftime"};
    for (size_t i = 0; i < sizeof dates / sizeof dates[0]; i++) {
        struct date *date = get_memory(sizeof *date);
        *date = (struct date){connection, dates[i], strcmp(dates[i], "strftime") == 0};
        sqlite3_create_function_v2(connection->db, dates[i], -1, SQLITE_UTF8 | SQLITE_DETERMINISTIC | SQLITE_INNOCUOUS,
                                   date, call_date, NULL, NULL, free);
    }
    sqlite3_set_authorizer(connection->db, authorize, connection);
    sqlite3_update_hook(connection->db, look_at_rowid, connection);
    return refuse_functions(connection);
}
