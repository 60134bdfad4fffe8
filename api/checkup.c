#include "api/checkup.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

const char *checkup_severity_name(enum checkup_severity severity) {
    static const char *const names[] = {
        [CHECKUP_HINT] = "hint", [CHECKUP_WARNING] = "warning", [CHECKUP_PROBLEM] = "problem"};
    return names[severity];
}

struct checkup_node *checkup_find(struct checkup *checkup, raft_node_id id) {
    for (size_t i = 0; i < checkup->count; i++) {
        if (checkup->nodes[i].id == id) {
            return &checkup->nodes[i];
        }
    }
    return NULL;
}

struct checkup_finding *checkup_add(struct checkup_findings *findings, enum checkup_severity severity, const char *code,
                                    raft_node_id node) {
    size_t place = findings->count < CHECKUP_FINDINGS_MAX ? findings->count++ : CHECKUP_FINDINGS_MAX - 1;
    findings->list[place] = (struct checkup_finding){.severity = severity, .code = code, .node = node};
    return &findings->list[place];
}

void checkup_say(char out[CHECKUP_TEXT_SIZE], const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(out, CHECKUP_TEXT_SIZE, format, arguments);
    va_end(arguments);
}

bool checkup_is_ours(const struct checkup *checkup, const struct checkup_node *node) {
    return node->answered && node->said_id == node->id &&
           (node->cluster_id[0] == '\0' || checkup->cluster_id[0] == '\0' ||
            strcmp(node->cluster_id, checkup->cluster_id) == 0);
}

bool checkup_is_bad(const struct checkup_findings *findings) {
    for (size_t i = 0; i < findings->count; i++) {
        if (findings->list[i].severity > CHECKUP_HINT) {
            return true;
        }
    }
    return false;
}

/* Few, and their order within a severity is kept. */
static void worst_first(struct checkup_findings *findings) {
    for (size_t i = 1; i < findings->count; i++) {
        for (size_t j = i; j > 0 && findings->list[j].severity > findings->list[j - 1].severity; j--) {
            struct checkup_finding moved = findings->list[j];
            findings->list[j] = findings->list[j - 1];
            findings->list[j - 1] = moved;
        }
    }
}

void checkup_judge(const struct checkup *checkup, struct checkup_findings *out_findings) {
    out_findings->count = 0;
    checkup_cluster(checkup, out_findings);
    checkup_contacts(checkup, out_findings);
    checkup_nodes(checkup, out_findings);
    checkup_clocks(checkup, out_findings);
    worst_first(out_findings);
}
