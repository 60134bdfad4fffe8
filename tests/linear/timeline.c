#include "tests/linear/timeline.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

/* The page, with @DATA@ where the history goes. */
__asm__(".section .rodata\n"
        "timeline_page: .incbin \"tests/linear/timeline.html\"\n"
        ".byte 0\n"
        ".previous\n");
extern const char timeline_page[];

static const char MARK[] = "@DATA@";

/* As a JSON string, in which nothing ends the script element. */
static void write_text(FILE *file, const char *text) {
    fputc('"', file);
    for (; *text != '\0'; text++) {
        unsigned char one = (unsigned char)*text;
        if (one == '"' || one == '\\')
            fprintf(file, "\\%c", one);
        else if (one < 0x20 || one == '<' || one == '&')
            fprintf(file, "\\u%04x", one);
        else
            fputc(one, file);
    }
    fputc('"', file);
}

/* What was asked and answered, in a line. */
static void describe(const struct history *history, const struct history_record *record, char *out_text, size_t size) {
    const struct linear_operation *operation = &record->operation;
    const char *value = history_value(history, operation->value);
    const char *seen = operation->seen_known ? history_value(history, operation->seen) : "?";
    bool is_answered = record->outcome == HISTORY_OK;
    if (record->op == HISTORY_GET)
        snprintf(out_text, size, "get: %s", is_answered ? seen : "?");
    else if (record->op == HISTORY_CAS)
        snprintf(out_text, size, "cas %s -> %s%s%s", history_value(history, operation->expected), value,
                 !is_answered       ? ""
                 : operation->taken ? ": swapped, was "
                                    : ": not swapped, is ",
                 is_answered ? seen : "");
    else
        snprintf(out_text, size, "%s%s%s%s", record->op == HISTORY_PUT ? "put " : "delete",
                 record->op == HISTORY_PUT ? value : "", is_answered ? ", was " : "", is_answered ? seen : "");
}

static void write_operation(FILE *file, const struct history *history, const struct history_record *record) {
    const struct linear_operation *operation = &record->operation;
    fprintf(file, "[%" PRIu32 ",%" PRIu32 ",%d,%d,%" PRIu64 ",", operation->client, operation->key - 1, (int)record->op,
            (int)record->outcome, operation->invoked);
    if (operation->returned == LINEAR_NEVER)
        fputs("null", file);
    else
        fprintf(file, "%" PRIu64, operation->returned);
    fprintf(file, ",%" PRIu64 ",%zu,", record->node, record->line);
    char text[300];
    describe(history, record, text, sizeof text);
    write_text(file, text);
    fputc(']', file);
}

static void write_data(FILE *file, const struct history *history, enum linear_verdict verdict, uint32_t key,
                       const struct history_record *culprit) {
    char title[300];
    const char *where = verdict == LINEAR_YES ? "" : history->keys.texts[key - 1];
    if (verdict == LINEAR_YES)
        snprintf(title, sizeof title, "Linearizable");
    else if (culprit == NULL)
        snprintf(title, sizeof title, "Undecided: key %s", where);
    else
        snprintf(title, sizeof title, "Not linearizable: key %s, line %zu", where, culprit->line);
    fputs("{\"title\":", file);
    write_text(file, title);
    fprintf(file, ",\"culprit\":%zu,\"keys\":[", culprit == NULL ? 0 : culprit->line);
    for (size_t i = 0; i < history->keys.count; i++) {
        fputs(i == 0 ? "" : ",", file);
        write_text(file, history->keys.texts[i]);
    }
    fputs("],\"events\":[", file);
    for (size_t i = 0; i < history->event_count; i++) {
        fputs(i == 0 ? "[" : ",[", file);
        write_text(file, history->events[i].name);
        fputc(',', file);
        write_text(file, history->events[i].what);
        fprintf(file, ",%" PRIu64 ",%" PRIu64 "]", history->events[i].at, history->events[i].until);
    }
    fputs("],\"ops\":[\n", file);
    for (size_t i = 0; i < history->count; i++) {
        fputs(i == 0 ? "" : ",\n", file);
        write_operation(file, history, &history->records[i]);
    }
    fputs("]}", file);
}

bool timeline_write(const char *path, const struct history *history, enum linear_verdict verdict, uint32_t key,
                    const struct history_record *culprit) {
    FILE *file = fopen(path, "w");
    if (file == NULL)
        return false;
    const char *mark = strstr(timeline_page, MARK);
    fwrite(timeline_page, 1, (size_t)(mark - timeline_page), file);
    write_data(file, history, verdict, key, culprit);
    fputs(mark + strlen(MARK), file);
    bool is_written = ferror(file) == 0;
    return fclose(file) == 0 && is_written;
}
