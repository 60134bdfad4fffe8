#include "api/client/verdict.h"

#include "server/base/memory.h"

#include <stdlib.h>
#include <string.h>

static void copy_string(struct json_span object, const char *name, char *out, size_t capacity) {
    struct json_span value;
    if (!json_member(object, name, &value) || json_type(value) != JSON_STRING) {
        return;
    }
    char *text = memory_alloc(value.size);
    size_t size = json_string_decode(value, text);
    size = size < capacity ? size : capacity - 1;
    for (size_t i = 0; i < size; i++) {
        out[i] = (unsigned char)text[i] < ' ' ? ' ' : text[i];
    }
    out[size] = '\0';
    free(text);
}

void verdict_read_problem(const char *body, size_t size, struct verdict_problem *out_problem) {
    struct verdict_problem problem = {.code = ""};
    struct json_span object, value;
    size_t offset;
    if (json_scan(body, size, &object, &offset) && json_type(object) == JSON_OBJECT) {
        copy_string(object, "code", problem.code, sizeof problem.code);
        copy_string(object, "detail", problem.detail, sizeof problem.detail);
        if (json_member(object, "outcome", &value) && json_type(value) == JSON_STRING) {
            problem.outcome_rejected = json_string_is(value, "rejected");
            problem.outcome_unknown = json_string_is(value, "unknown");
        }
        if (json_member(object, "first_index", &value) && json_type(value) == JSON_NUMBER) {
            json_number_uint64(value, UINT64_MAX, &problem.first_index);
        }
    }
    *out_problem = problem;
}

static bool is(const struct verdict_problem *problem, const char *const *codes) {
    for (; *codes != NULL; codes++) {
        if (strcmp(problem->code, *codes) == 0) {
            return true;
        }
    }
    return false;
}

/* Passes by itself, here or at another node. */
static bool passes(const struct exchange_answer *answer, const struct verdict_problem *problem, bool doubtful) {
    static const char *const codes[] = {"overloaded",      "not_leader",    "no_leader",
                                        "leadership_lost", "shutting_down", "timeout",
                                        "not_ready",       "storage_full",  NULL};
    static const char *const own[] = {"change_in_progress", NULL};
    if (problem->code[0] == '\0') { /* Somebody between us and the node. */
        return answer->status == 408 || answer->status == 429 || answer->status >= 500;
    }
    /* A change that is under way may be the very one that an earlier attempt began. */
    return is(problem, codes) || (doubtful && is(problem, own));
}

static struct verdict of_answer(const struct exchange_answer *answer, const struct verdict_problem *problem,
                                enum verdict_kind kind, bool doubtful) {
    static const char *const here_only[] = {"wrong_cluster", "wrong_host", NULL};
    struct verdict verdict = {.next = VERDICT_FINAL};
    if (answer->status >= 200 && answer->status < 300) {
        verdict.next = VERDICT_DONE;
        return verdict;
    }
    if (kind != VERDICT_READ) {
        /* Who refuses without a word about the outcome has not understood it; who fails without one may have begun. */
        bool silent = !problem->outcome_rejected && !problem->outcome_unknown;
        verdict.took_effect_perhaps =
            problem->outcome_unknown || (silent && (answer->status >= 500 || answer->status == 408));
    }
    verdict.node_failed = problem->code[0] == '\0' && answer->status >= 500;
    if (verdict.took_effect_perhaps && kind == VERDICT_PLAIN) {
        verdict.next = VERDICT_FINAL;
    } else if (is(problem, here_only)) {
        verdict.next = VERDICT_NOT_HERE;
    } else if (passes(answer, problem, doubtful)) {
        verdict.next = VERDICT_LATER;
    }
    return verdict;
}

struct verdict verdict_of(const struct exchange_answer *answer, const struct verdict_problem *problem,
                          enum verdict_kind kind, bool doubtful) {
    switch (answer->end) {
    case EXCHANGE_ANSWERED:
        return of_answer(answer, problem, kind, doubtful);
    case EXCHANGE_REFUSED:
        return (struct verdict){.next = VERDICT_NOT_HERE};
    case EXCHANGE_NOT_SENT:
        return (struct verdict){.next = VERDICT_ELSEWHERE, .node_failed = true};
    case EXCHANGE_BROKEN:
        return (struct verdict){.next = kind == VERDICT_PLAIN ? VERDICT_FINAL : VERDICT_ELSEWHERE,
                                .took_effect_perhaps = kind != VERDICT_READ,
                                .node_failed = true};
    case EXCHANGE_ENOUGH:
        break;
    }
    return (struct verdict){.next = VERDICT_FINAL};
}
