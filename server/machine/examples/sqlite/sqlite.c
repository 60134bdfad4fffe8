/* A real database as a state machine: SQLite, in memory, replicated.
 *
 *     propose {"sql":"INSERT INTO t VALUES (?,?)","args":[1,"one"]}      or {"batch":[{"sql":...},...]}: all of it or
 * nothing query   {"sql":"SELECT * FROM t WHERE id=?","args":[1]}         -> {"columns":["id","name"],"rows":[[1,"one"]]}
 *
 * What SQL may do, so that it does the same everywhere, is in rules.c; what it may cost, in connection.h and statement.h. A
 * snapshot is the database as SQLite would have it in a file. */
#include "connection.h"
#include "image.h"
#include "statement.h"
#include "text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct state {
    struct image *image;
    struct connection writer;
    struct connection reader;
};

static void stop(const char *why) {
    fprintf(stderr, "sqlite: %s\n", why);
    abort();
}

/* Connections are opened when they are needed first: restore fills the image before. */
static bool open_both(struct state *state) {
    return state->writer.db != NULL ||
           (connection_open(&state->writer, state->image, false) && connection_open(&state->reader, state->image, true));
}

static void *create(void) {
    struct state *state = get_memory(sizeof *state);
    state->image = image_create();
    if (state->image == NULL) {
        stop("SQLite takes no VFS");
    }
    return state;
}

static void destroy(void *opaque) {
    struct state *state = opaque;
    if (state != NULL) {
        connection_close(&state->reader);
        connection_close(&state->writer);
        image_destroy(state->image);
        free(state);
    }
}

static struct state *opened(const void *opaque) {
    struct state *state = (struct state *)(uintptr_t)opaque;
    if (!open_both(state)) {
        stop("the database cannot be opened");
    }
    return state;
}

/* -- Commands -- */

static enum machine_verdict refused(struct machine_output output, const struct text *why) {
    output.append(output.context, why->bytes, why->size);
    return MACHINE_REFUSED;
}

/* Does `each` to every statement of a command; false: `why` begins with the statement's number in its batch. */
static bool each_statement(struct value command, bool (*each)(void *, struct value, struct text *), void *context,
                           struct text *why) {
    struct value batch, name, statement;
    int number = 0;
    if (!value_member(command, "batch", &batch)) {
        return each(context, command, why);
    }
    if (batch.data[0] != '[') {
        text_say(why, "batch is an array of statements");
        return false;
    }
    for (struct walk walk = {batch, 0}; walk_next(&walk, &name, &statement);) {
        struct text wrong = {NULL, 0, 0};
        bool done = ++number <= STATEMENTS_MAX;
        if (!done) {
            text_format(why, "more than %d statements", STATEMENTS_MAX);
        } else if (!(done = each(context, statement, &wrong))) {
            text_format(why, "statement %d: ", number);
            text_add(why, wrong.bytes, wrong.size);
        }
        free(wrong.bytes);
        if (!done) {
            return false;
        }
    }
    return true;
}

static bool check_one(void *context, struct value statement, struct text *why) {
    (void)context;
    return statement_check(statement, why);
}

static enum machine_verdict check(const char *command, size_t size, struct machine_output output) {
    struct text why = {NULL, 0, 0};
    bool good = each_statement((struct value){command, size}, check_one, NULL, &why);
    enum machine_verdict verdict = good ? MACHINE_DONE : refused(output, &why);
    free(why.bytes);
    return verdict;
}

struct running {
    struct connection *connection;
    struct text *result;
    bool in_batch;
    int number;
};

static bool run_one(void *context, struct value statement, struct text *why) {
    struct running *running = context;
    text_say(running->result, running->in_batch && running->number++ > 0 ? "," : "");
    return statement_run(running->connection, statement, running->result, why);
}

static enum machine_verdict apply(void *opaque, uint64_t index, const char *command, size_t size,
                                  struct machine_output output) {
    struct connection *writer = &opened(opaque)->writer;
    struct value object = {command, size}, batch;
    struct text result = {NULL, 0, 0}, why = {NULL, 0, 0};
    struct running running = {writer, &result, value_member(object, "batch", &batch), 0};
    (void)index;
    connection_begin(writer);
    if (!connection_run(writer, "BEGIN IMMEDIATE")) {
        stop("a transaction cannot begin");
    }
    text_say(&result, running.in_batch ? "{\"results\":[" : "");
    bool done = each_statement(object, run_one, &running, &why);
    text_say(&result, running.in_batch ? "]}" : "");
    if (done && !connection_run(writer, "COMMIT")) { /* A foreign key that was to be there by now. */
        text_say(&why, connection_why(writer));
        done = false;
    }
    if (!done && !sqlite3_get_autocommit(writer->db) && !connection_run(writer, "ROLLBACK")) {
        stop("a transaction cannot be taken back");
    }
    if (done) {
        output.append(output.context, result.bytes, result.size);
    } else {
        refused(output, &why);
    }
    free(result.bytes);
    free(why.bytes);
    return done ? MACHINE_DONE : MACHINE_REFUSED;
}

static enum machine_verdict query(const void *opaque, const char *text, size_t size, struct machine_output output) {
    struct connection *reader = &opened(opaque)->reader;
    struct text result = {NULL, 0, 0}, why = {NULL, 0, 0};
    connection_begin(reader);
    bool done = statement_run(reader, (struct value){text, size}, &result, &why);
    if (done) {
        output.append(output.context, result.bytes, result.size);
    } else {
        refused(output, &why);
    }
    free(result.bytes);
    free(why.bytes);
    return done ? MACHINE_DONE : MACHINE_REFUSED;
}

/* -- Snapshots -- */

static void *freeze(void *opaque) {
    return image_freeze(opened(opaque)->image);
}

static bool write(const void *frozen, struct machine_output snapshot) {
    return image_frozen_write(frozen, snapshot);
}

static void release(void *state, void *frozen) {
    (void)state;
    image_release(frozen);
}

static bool restore(void *opaque, struct machine_input snapshot, struct machine_output why) {
    struct state *state = opaque;
    char bytes[16 * 1024];
    size_t size;
    while ((size = snapshot.read(snapshot.context, bytes, sizeof bytes)) > 0) {
        image_append(state->image, bytes, size);
    }
    sqlite3_stmt *statement = NULL;
    bool whole = open_both(state);
    if (whole) {
        state->reader.free = true;
        whole = sqlite3_prepare_v2(state->reader.db, "PRAGMA quick_check(1)", -1, &statement, NULL) == SQLITE_OK &&
                sqlite3_step(statement) == SQLITE_ROW && strcmp((const char *)sqlite3_column_text(statement, 0), "ok") == 0;
        sqlite3_finalize(statement);
        state->reader.free = false;
    }
    if (!whole) {
        const char *sentence = "these bytes are no database of SQLite";
        why.append(why.context, sentence, strlen(sentence));
    }
    return whole;
}

const struct machine *raftd_machine(void) {
    static const struct machine machine = {MACHINE_ABI_VERSION,
                                           sizeof machine,
                                           "sqlite",
                                           create,
                                           destroy,
                                           check,
                                           apply,
                                           query,
                                           freeze,
                                           write,
                                           release,
                                           restore};
    return &machine;
}
