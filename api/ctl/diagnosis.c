#include "api/ctl/diagnosis.h"

#include "server/json/json.h"

#include "server/base/memory.h"

#include <stdlib.h>
#include <string.h>

/* Control characters of another's words become blanks: a terminal would obey them. */
static void print_text(struct json_span finding, const char *name, FILE *out) {
    struct json_span value;
    if (!json_member(finding, name, &value) || json_type(value) != JSON_STRING) {
        return;
    }
    char *text = memory_alloc(value.size + 1);
    size_t size = json_string_decode(value, text);
    for (size_t i = 0; i < size; i++) {
        unsigned char byte = (unsigned char)text[i];
        fputc(byte >= ' ' && byte != 0x7F ? byte : ' ', out);
    }
    free(text);
}

static void print_finding(struct json_span finding, FILE *out) {
    struct json_span severity;
    bool known = json_member(finding, "severity", &severity) && json_type(severity) == JSON_STRING;
    const char *heading = known && json_string_is(severity, "problem")   ? "PROBLEM"
                          : known && json_string_is(severity, "warning") ? "WARNING"
                                                                         : "HINT";
    fprintf(out, "%-8s ", heading);
    print_text(finding, "problem", out);
    fputs("\n         evidence: ", out);
    print_text(finding, "evidence", out);
    fputs("\n         do:       ", out);
    print_text(finding, "command", out);
    fputc('\n', out);
}

bool diagnosis_show(const char *body, size_t size, FILE *out, bool *out_healthy) {
    struct json_span answer, healthy, findings, finding;
    size_t offset;
    if (!json_scan(body, size, &answer, &offset) || json_type(answer) != JSON_OBJECT ||
        !json_member(answer, "healthy", &healthy) || !json_member(answer, "findings", &findings) ||
        json_type(findings) != JSON_ARRAY) {
        return false;
    }
    *out_healthy = json_type(healthy) == JSON_TRUE;
    struct json_cursor cursor = json_open(findings);
    while (out != NULL && json_next_element(&cursor, &finding)) {
        if (json_type(finding) == JSON_OBJECT) {
            print_finding(finding, out);
        }
    }
    if (out != NULL && *out_healthy) {
        fputs("nothing wrong was found\n", out);
    }
    return true;
}
