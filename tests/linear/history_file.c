#include "tests/linear/history_file.h"

#include "server/base/memory.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static const double WHOLE_MAX = 9007199254740992.0; /* 2^53: beyond, a double skips numbers. */

/* One line on its way. */
struct line {
    struct history *history;
    const cJSON *json;
    size_t number;
    bool is_bad;
};

static void complain(struct line *line, const char *why, const char *which) {
    if (!line->is_bad)
        snprintf(line->history->problem, sizeof line->history->problem, "%zu: %s%s", line->number, why, which);
    line->is_bad = true;
}

/* -- Members -- */

static const cJSON *member(const struct line *line, const char *name) {
    return cJSON_GetObjectItemCaseSensitive(line->json, name);
}

/* null counts as left out. */
static bool is_given(const struct line *line, const char *name) {
    const cJSON *item = member(line, name);
    return item != NULL && !cJSON_IsNull(item);
}

static const char *text_member(struct line *line, const char *name) {
    const cJSON *item = member(line, name);
    if (cJSON_IsString(item))
        return item->valuestring;
    complain(line, "a text is needed: ", name);
    return "";
}

static uint64_t number_member(struct line *line, const char *name) {
    const cJSON *item = member(line, name);
    if (cJSON_IsNumber(item) && item->valuedouble >= 0 && item->valuedouble <= WHOLE_MAX &&
        (double)(uint64_t)item->valuedouble == item->valuedouble)
        return (uint64_t)item->valuedouble;
    complain(line, "a whole number is needed, 0 to 2^53: ", name);
    return 0;
}

/* null or left out: absent. */
static uint64_t value_member(struct line *line, const char *name) {
    if (!is_given(line, name))
        return LINEAR_ABSENT;
    char *text = cJSON_PrintUnformatted(member(line, name));
    if (text == NULL)
        abort();
    uint32_t number = history_texts_number(&line->history->values, text);
    free(text);
    return number;
}

static size_t choose(struct line *line, const char *name, const char *const *names, size_t count) {
    const char *text = text_member(line, name);
    for (size_t i = 0; i < count; i++)
        if (strcmp(text, names[i]) == 0)
            return i;
    complain(line, "there is no such ", name);
    return 0;
}

/* -- Lines -- */

static void read_answer(struct line *line, struct history_record *record) {
    struct linear_operation *operation = &record->operation;
    operation->returned = number_member(line, "returned");
    if (operation->returned < operation->invoked)
        complain(line, "returned before invoked", "");
    operation->seen_known = member(line, "seen") != NULL;
    operation->seen = value_member(line, "seen");
    if (record->op == HISTORY_GET && !operation->seen_known)
        complain(line, "an answered get has seen something (null: absent)", "");
    if (record->op != HISTORY_CAS)
        return;
    if (!cJSON_IsBool(member(line, "swapped")))
        complain(line, "true or false is needed: ", "swapped");
    operation->taken = cJSON_IsTrue(member(line, "swapped"));
}

static void read_operation(struct line *line) {
    static const char *const ops[] = {"get", "put", "cas", "delete"};
    static const char *const outcomes[] = {"ok", "rejected", "unknown"};
    static const enum linear_kind kinds[] = {LINEAR_READ, LINEAR_WRITE, LINEAR_SWAP, LINEAR_WRITE};
    struct history *history = line->history;
    struct history_record record = {.line = line->number};
    record.op = (enum history_op)choose(line, "op", ops, 4);
    record.outcome = (enum history_outcome)choose(line, "outcome", outcomes, 3);
    record.node = is_given(line, "node") ? number_member(line, "node") : 0;
    struct linear_operation *operation = &record.operation;
    operation->kind = kinds[record.op];
    operation->key = history_texts_number(&history->keys, text_member(line, "key"));
    operation->client = (uint32_t)number_member(line, "client");
    operation->invoked = number_member(line, "invoked");
    operation->returned = LINEAR_NEVER;
    operation->expected = value_member(line, "expected");
    operation->value = value_member(line, "value");
    if ((record.op == HISTORY_PUT || record.op == HISTORY_CAS) && operation->value == LINEAR_ABSENT)
        complain(line, "what is put is needed, and not null: ", "value");
    if (record.op == HISTORY_DELETE && operation->value != LINEAR_ABSENT)
        complain(line, "a delete has no value", "");
    if (record.outcome == HISTORY_OK)
        read_answer(line, &record);
    else if (record.outcome == HISTORY_REJECTED && is_given(line, "returned"))
        operation->returned = number_member(line, "returned");
    bool is_stale = is_given(line, "consistency") && strcmp(text_member(line, "consistency"), "stale") == 0;
    record.is_checked = record.outcome != HISTORY_REJECTED && !is_stale;
    if (line->is_bad)
        return;
    history->records = memory_grow(history->records, &history->records_capacity, history->count + 1, sizeof record);
    history->records[history->count++] = record;
}

static void read_event(struct line *line) {
    struct history *history = line->history;
    struct history_event event = {.at = number_member(line, "at")};
    event.until = is_given(line, "until") ? number_member(line, "until") : event.at;
    const char *name = text_member(line, "event");
    const char *what = is_given(line, "what") ? text_member(line, "what") : "";
    if (line->is_bad)
        return;
    event.name = memory_text(name, strlen(name));
    event.what = memory_text(what, strlen(what));
    history->events = memory_grow(history->events, &history->events_capacity, history->event_count + 1, sizeof event);
    history->events[history->event_count++] = event;
}

static bool read_line(struct history *history, size_t number, const char *text, size_t size) {
    if (strspn(text, " \t\r\n") == size)
        return true;
    struct line line = {.history = history, .number = number};
    cJSON *json = strlen(text) == size ? cJSON_ParseWithOpts(text, NULL, true) : NULL;
    line.json = json;
    if (!cJSON_IsObject(json))
        complain(&line, "not a JSON object", "");
    else if (member(&line, "event") != NULL)
        read_event(&line);
    else
        read_operation(&line);
    cJSON_Delete(json);
    return !line.is_bad;
}

bool history_read(struct history *out_history, FILE *file) {
    *out_history = (struct history){0};
    char *text = NULL;
    size_t capacity = 0;
    bool is_read = true;
    ssize_t size = 0;
    errno = 0;
    for (size_t number = 1; is_read && (size = getline(&text, &capacity, file)) >= 0; number++)
        is_read = read_line(out_history, number, text, (size_t)size);
    if (is_read && ferror(file)) {
        snprintf(out_history->problem, sizeof out_history->problem, "%s", strerror(errno));
        is_read = false;
    }
    free(text);
    return is_read;
}

void history_free(struct history *history) {
    for (size_t i = 0; i < history->event_count; i++) {
        free(history->events[i].name);
        free(history->events[i].what);
    }
    free(history->events);
    free(history->records);
    history_texts_free(&history->keys);
    history_texts_free(&history->values);
}

const char *history_value(const struct history *history, uint64_t value) {
    return value == LINEAR_ABSENT ? "absent" : history->values.texts[value - 1];
}
