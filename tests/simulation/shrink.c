#include "verdict.h"

static bool same(const struct verdict *left, const struct verdict *right) {
    return left->end == right->end && strcmp(left->where, right->where) == 0;
}

static bool still_fails(const struct simulation_options *options, const struct verdict *failure, struct verdict *out) {
    verdict_run(options, out);
    return same(out, failure);
}

/* More steps are not always worse, so this finds a small number, not the smallest. */
static void fewer_steps(struct simulation_options *options, const struct verdict *failure) {
    struct verdict verdict;
    struct simulation_options tried = *options;
    if (!failure->at_end && failure->step + 1 < options->steps) {
        tried.steps = failure->step + 1;
        if (still_fails(&tried, failure, &verdict)) {
            *options = tried;
        }
    }
    uint64_t fails_not = 0;
    while (fails_not + 1 < options->steps) {
        tried.steps = fails_not + (options->steps - fails_not) / 2;
        if (still_fails(&tried, failure, &verdict)) {
            options->steps = tried.steps;
        } else {
            fails_not = tried.steps;
        }
    }
}

static bool fewer_faults(struct simulation_options *options, const struct verdict *failure) {
    bool any = false;
    for (enum fault fault = 0; fault < FAULT_COUNT; fault++) {
        struct simulation_options tried = *options;
        struct verdict verdict;
        tried.without[fault] = true;
        if (!options->without[fault] && still_fails(&tried, failure, &verdict)) {
            *options = tried;
            any = true;
        }
    }
    return any;
}

void shrink(struct simulation_options *options, const struct verdict *failure, bool quiet) {
    options->trace = false;
    do {
        fewer_steps(options, failure);
        if (!quiet) {
            printf("shrinking: ");
            verdict_command(options, false);
        }
    } while (fewer_faults(options, failure));
}
