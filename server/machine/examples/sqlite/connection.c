#include "connection.h"

#include <stdio.h>
#include <string.h>

static int count(void *context) {
    struct connection *connection = context;
    if (!connection->counts || ++connection->units < STEPS_MAX / STEPS_UNIT) {
        return 0;
    }
    snprintf(connection->why, sizeof connection->why, "it takes more than %d steps", STEPS_MAX);
    return 1;
}

static void set_limits(sqlite3 *db) {
    static const int limits[][2] = {
        {SQLITE_LIMIT_LENGTH, VALUE_BYTES_MAX},
        {SQLITE_LIMIT_SQL_LENGTH, SQL_BYTES_MAX},
        {SQLITE_LIMIT_COLUMN, 500},
        {SQLITE_LIMIT_EXPR_DEPTH, 200},
        {SQLITE_LIMIT_COMPOUND_SELECT, 50},
        {SQLITE_LIMIT_VDBE_OP, 1000000},
        {SQLITE_LIMIT_FUNCTION_ARG, 100},
        {SQLITE_LIMIT_ATTACHED, 0},
        {SQLITE_LIMIT_LIKE_PATTERN_LENGTH, 50},
        {SQLITE_LIMIT_VARIABLE_NUMBER, PARAMETERS_MAX},
        {SQLITE_LIMIT_TRIGGER_DEPTH, 50},
        {SQLITE_LIMIT_WORKER_THREADS, 0},
    };
    for (size_t i = 0; i < sizeof limits / sizeof limits[0]; i++) {
        sqlite3_limit(db, limits[i][0], limits[i][1]);
    }
}

bool connection_open(struct connection *connection, const struct image *image, bool reads) {
    *connection = (struct connection){.reads = reads, .why = ""};
    int flags = reads ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE;
    char settings[300];
    snprintf(settings, sizeof settings,
             "PRAGMA page_size=%d; PRAGMA max_page_count=%d; PRAGMA journal_mode=MEMORY; PRAGMA temp_store=FILE;"
             "PRAGMA synchronous=OFF; PRAGMA foreign_keys=ON; PRAGMA encoding='UTF-8'; SELECT count(*) FROM sqlite_schema",
             PAGE_BYTES, PAGES_MAX);
    if (sqlite3_open_v2("database", &connection->db, flags, image_vfs(image)) != SQLITE_OK ||
        sqlite3_open_v2(":memory:", &connection->calendar, SQLITE_OPEN_READWRITE, image_vfs(image)) != SQLITE_OK) {
        return false;
    }
    sqlite3_extended_result_codes(connection->db, 1);
    sqlite3_db_config(connection->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    set_limits(connection->db);
    sqlite3_progress_handler(connection->db, STEPS_UNIT, count, connection);
    return rules_install(connection) && connection_run(connection, settings);
}

void connection_close(struct connection *connection) {
    sqlite3_close(connection->db);
    sqlite3_close(connection->calendar);
    *connection = (struct connection){.why = ""};
}

void connection_begin(struct connection *connection) {
    connection->units = 0;
    connection->why[0] = '\0';
    sqlite3_set_last_insert_rowid(connection->db, 0);
}

bool connection_run(struct connection *connection, const char *sql) {
    connection->free = true;
    bool done = sqlite3_exec(connection->db, sql, NULL, NULL, NULL) == SQLITE_OK;
    connection->free = false;
    return done;
}

const char *connection_why(const struct connection *connection) {
    return connection->why[0] != '\0' ? connection->why : sqlite3_errmsg(connection->db);
}
