/* A connection to the database that lets SQL do only what comes out the same on every node: see rules.c. And only so much
 * of it: work is counted in steps of SQLite's virtual machine, which are the same everywhere, too. */
#ifndef SQLITE_CONNECTION_H
#define SQLITE_CONNECTION_H

#include "image.h"

#include <sqlite3.h>
#include <stdbool.h>

enum {
    STEPS_MAX = 20 * 1000 * 1000, /* Of one command or query. */
    STEPS_UNIT = 1000,            /* Steps are counted by so many. */
    VALUE_BYTES_MAX = 1000000,    /* Of one text, blob or row. */
    SQL_BYTES_MAX = 100000,       /* Of one statement. */
    PARAMETERS_MAX = 1000,        /* Of one statement. */
    PAGE_BYTES = 4096,
    PAGES_MAX = 262144 /* Of the database: 1 GiB. */
};

struct connection {
    sqlite3 *db;
    sqlite3 *calendar; /* Date functions are asked of this one, which follows no rules. */
    bool reads;        /* Nothing is written through it. */
    bool free;         /* What runs is the machine's own. */
    bool counts;       /* Steps of what runs count. */
    int units;         /* Of STEPS_UNIT, since connection_begin. */
    char why[200];     /* The rule that was broken; "": none. */
};

/* False: it cannot be opened; `connection` is then good for connection_close only. */
bool connection_open(struct connection *connection, const struct image *image, bool reads);
void connection_close(struct connection *connection);
/* A command or query begins: nothing of earlier ones is left. */
void connection_begin(struct connection *connection);
/* Runs SQL of the machine's own. */
bool connection_run(struct connection *connection, const char *sql);
/* What went wrong, for people. */
const char *connection_why(const struct connection *connection);

/* rules.c: what the connection asks at each statement. False: this SQLite does not tell which functions it has. */
bool rules_install(struct connection *connection);

#endif
