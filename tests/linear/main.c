/* linear FILE: is a recorded history linearizable? Its format and the exit codes: tests/linear/README.md. */
#include "tests/linear/history_file.h"
#include "tests/linear/linear.h"
#include "tests/linear/timeline.h"

#include "server/base/memory.h"

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { EXIT_YES, EXIT_NO, EXIT_UNREADABLE, EXIT_UNDECIDED };
enum { STEPS_MAX = 20000000, BEFORE_SHOWN = 8, SHOWN_MAX = 40 };

static const char HELP[] =
    "linear [--html OUT] [--steps N] FILE   (-: standard input)\n"
    "\n"
    "Is the history in FILE linearizable? JSON lines, in any order; one operation a line:\n"
    "  {\"client\":1,\"key\":\"x\",\"op\":\"put\",\"value\":\"a\",\"seen\":null,\"invoked\":10,\"returned\":25,\"outcome\":\"ok\",\"node\":2}\n"
    "  client    number, for people\n"
    "  key       text\n"
    "  op        get, put, cas, delete\n"
    "  value     of put and cas: any JSON but null\n"
    "  expected  of cas; null or left out: absent\n"
    "  seen      what the answer told: of a get what is there, else what was there before; null: absent, left out: not told\n"
    "  swapped   of an answered cas: true or false\n"
    "  invoked   microseconds, whole, of one clock for all\n"
    "  returned  the same; only read where the outcome is ok\n"
    "  outcome   ok; rejected (never takes effect); unknown (did, will or never does)\n"
    "  node, consistency  may be left out; stale reads are drawn, not checked\n"
    "and what was done to the nodes, for the drawing:\n"
    "  {\"event\":\"partition\",\"at\":100,\"until\":200,\"what\":\"1 2 | 3 4 5\"}\n"
    "Other members are ignored. Keys begin absent.\n"
    "\n"
    "--html OUT  draws the history, around what does not fit\n"
    "--steps N   gives up on a key after so many (20000000; 0: never)\n"
    "\n"
    "Exit: 0 linearizable, 1 not, 2 FILE cannot be read (or wrong use), 3 undecided\n";

struct options {
    const char *html;
    const char *file;
    uint64_t steps_max;
};

static void print_record(const struct history *history, const struct history_record *record, char mark) {
    static const char *const names[] = {"get", "put", "cas", "delete"};
    const struct linear_operation *operation = &record->operation;
    printf("%c %7zu %6" PRIu32 " %4" PRIu64 " %12" PRIu64 " ", mark, record->line, operation->client, record->node,
           operation->invoked);
    if (record->outcome == HISTORY_OK)
        printf("%12" PRIu64, operation->returned);
    else
        printf("%12s", record->outcome == HISTORY_UNKNOWN ? "unknown" : "rejected");
    printf("  %s", names[record->op]);
    if (record->op == HISTORY_CAS)
        printf(" %s ->", history_value(history, operation->expected));
    if (record->op == HISTORY_CAS || record->op == HISTORY_PUT)
        printf(" %s", history_value(history, operation->value));
    if (record->outcome == HISTORY_OK && record->op == HISTORY_CAS)
        printf(operation->taken ? ": swapped" : ": not swapped");
    if (record->outcome == HISTORY_OK && operation->seen_known)
        printf("%s %s", record->op == HISTORY_GET ? ":" : ", was", history_value(history, operation->seen));
    printf("\n");
}

static int compare_records(const void *left, const void *right) {
    const struct history_record *a = *(const struct history_record *const *)left;
    const struct history_record *b = *(const struct history_record *const *)right;
    if (a->operation.returned != b->operation.returned)
        return a->operation.returned < b->operation.returned ? -1 : 1;
    return (a->line > b->line) - (a->line < b->line);
}

static bool leaves(const struct history_record *record, uint64_t value) {
    if (record->op == HISTORY_GET || record->operation.value != value)
        return false;
    return record->op != HISTORY_CAS || record->outcome == HISTORY_UNKNOWN || record->operation.taken;
}

/* The last that were answered before the culprit, those in flight with it, and whoever wrote what it saw. */
static void explain(const struct history *history, const struct history_record *culprit) {
    const struct linear_operation *wrong = &culprit->operation;
    const struct history_record **chosen = memory_alloc(history->count * sizeof *chosen);
    size_t count = 0;
    for (size_t i = 0; i < history->count; i++)
        if (history->records[i].is_checked && history->records[i].operation.key == wrong->key &&
            history->records[i].operation.invoked <= wrong->returned)
            chosen[count++] = &history->records[i];
    qsort(chosen, count, sizeof(const struct history_record *), compare_records);
    size_t at = 0;
    while (at < count && chosen[at] != culprit)
        at++;
    uint64_t wanted = culprit->op == HISTORY_CAS && wrong->taken ? wrong->expected : wrong->seen;
    printf("   line client node      invoked     returned\n");
    size_t shown = 0;
    for (size_t i = 0; i < count; i++) {
        bool is_near = i + BEFORE_SHOWN >= at && i <= at;
        bool is_in_flight = i > at && chosen[i]->outcome == HISTORY_OK;
        bool wrote_it = leaves(chosen[i], wanted) && (wrong->seen_known || wrong->taken) && wanted != LINEAR_ABSENT;
        if ((is_near || is_in_flight || wrote_it) && (shown++ < SHOWN_MAX || i == at))
            print_record(history, chosen[i], i == at ? '>' : wrote_it ? '*' : ' ');
    }
    printf(
        "> fits in no way; * left what it found; everything answered before fits. Rejected operations are not listed.\n");
    free(chosen);
}

static int judge(const struct history *history, const struct options *options) {
    struct linear_operation *operations = memory_alloc(history->count * sizeof *operations);
    size_t *origins = memory_alloc(history->count * sizeof *origins);
    size_t count = 0;
    for (size_t i = 0; i < history->count; i++)
        if (history->records[i].is_checked) {
            origins[count] = i;
            operations[count++] = history->records[i].operation;
        }
    struct linear_report report;
    enum linear_verdict verdict = linear_check(operations, count, options->steps_max, &report);
    const struct history_record *culprit = verdict == LINEAR_NO ? &history->records[origins[report.culprit]] : NULL;
    const char *key = verdict == LINEAR_YES ? "" : history->keys.texts[report.key - 1];
    if (verdict == LINEAR_YES)
        printf("linearizable: %zu operations on %zu keys, %" PRIu64 " steps\n", count, history->keys.count, report.steps);
    else if (verdict == LINEAR_UNDECIDED)
        printf("undecided: key %s, after %" PRIu64 " steps\n", key, report.steps);
    else
        printf("not linearizable: key %s, line %zu, %" PRIu64 " steps\n", key, culprit->line, report.steps);
    if (culprit != NULL)
        explain(history, culprit);
    bool is_drawn = options->html == NULL || timeline_write(options->html, history, verdict, report.key, culprit);
    if (!is_drawn)
        fprintf(stderr, "linear: %s: %s\n", options->html, strerror(errno));
    free(origins);
    free(operations);
    if (verdict != LINEAR_YES)
        return verdict == LINEAR_NO ? EXIT_NO : EXIT_UNDECIDED;
    return is_drawn ? EXIT_YES : EXIT_UNREADABLE;
}

static int check_file(const struct options *options) {
    bool is_standard = strcmp(options->file, "-") == 0;
    FILE *file = is_standard ? stdin : fopen(options->file, "r");
    if (file == NULL) {
        fprintf(stderr, "linear: %s: %s\n", options->file, strerror(errno));
        return EXIT_UNREADABLE;
    }
    struct history history;
    int status = EXIT_UNREADABLE;
    if (history_read(&history, file))
        status = judge(&history, options);
    else
        fprintf(stderr, "linear: %s:%s\n", options->file, history.problem);
    history_free(&history);
    if (!is_standard)
        fclose(file);
    return status;
}

static bool number_of(const char *text, uint64_t *out_number) {
    char *end;
    errno = 0;
    *out_number = strtoull(text, &end, 10);
    return errno == 0 && *text >= '0' && *text <= '9' && *end == '\0';
}

int main(int argc, char **argv) {
    static const struct option known[] = {{"html", required_argument, NULL, 'o'},
                                          {"steps", required_argument, NULL, 's'},
                                          {"help", no_argument, NULL, 'h'},
                                          {0}};
    struct options options = {.steps_max = STEPS_MAX};
    bool is_right = true;
    for (int one; (one = getopt_long(argc, argv, "", known, NULL)) != -1;) {
        if (one == 'h') {
            fputs(HELP, stdout);
            return EXIT_YES;
        }
        if (one == 'o')
            options.html = optarg;
        else
            is_right = one == 's' && number_of(optarg, &options.steps_max) && is_right;
    }
    if (!is_right || optind != argc - 1) {
        fputs("linear: wrong use; see --help\n", stderr);
        return EXIT_UNREADABLE;
    }
    options.file = argv[optind];
    return check_file(&options);
}
