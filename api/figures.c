#include "api/figures.h"

#include <assert.h>

void figures_http(struct figures *figures, const struct route *route, unsigned status, uint64_t taken_us) {
    enum route_class class = route == NULL ? ROUTE_CLASS_NONE : route->class;
    assert(status >= 200 && status < 600);
    histogram_add(&figures->http[class][status / 100 - 2], taken_us);
}

enum figures_outcome figures_outcome(const struct problem *problem, bool duplicate) {
    if (problem->code == PROBLEM_NONE) {
        return duplicate ? FIGURES_DUPLICATE : FIGURES_DONE;
    }
    if (problem->outcome_unknown) {
        return FIGURES_UNKNOWN;
    }
    unsigned status = problem_status(problem->code);
    return status >= 400 && status < 500 && problem->code != PROBLEM_OVERLOADED ? FIGURES_INVALID : FIGURES_REJECTED;
}

const char *figures_outcome_name(enum figures_outcome outcome) {
    static const char *const names[FIGURES_OUTCOME_COUNT] = {
        [FIGURES_DONE] = "done",         [FIGURES_DUPLICATE] = "duplicate", [FIGURES_INVALID] = "invalid",
        [FIGURES_REJECTED] = "rejected", [FIGURES_UNKNOWN] = "unknown",     [FIGURES_GONE] = "gone",
    };
    return names[outcome];
}
