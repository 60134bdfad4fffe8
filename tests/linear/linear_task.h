/* One key's history, made ready for the search: every operation as what it needs to find there and what it leaves there,
 * and the unknown ones (whose answer never came) told apart into those that took effect, those that need not have, and the
 * rest.
 *
 * Why an unknown operation may be
 * - taken for known: its value was observed by operations with answers, and nobody else ever wrote that value (nor was it
 * there at the beginning). So it took effect, before the first of these answers; a swap found what it expected.
 * - left out: nobody observes its value at or after its invocation. Take any valid order with it. Until the next change
 * nobody looks at the value (or that observer is itself left out), and whoever changes it next does so blindly: without it
 * the order is valid too. A failed swap that did not tell what it found observes every value ("not what I expected"), so
 * that nothing that was invoked before its answer is left out. The rest stays optional. Those that need and leave the same
 * are alike: they form a class, of which the earliest invoked is always used first, since all that matters of an operation
 * that never returns is since when it may be used.
 *
 * Values that nobody tests for are one value to the search (`other`): no operation can tell them apart. */
#ifndef TESTS_LINEAR_TASK_H
#define TESTS_LINEAR_TASK_H

#include "tests/linear/linear.h"

enum linear_need {
    LINEAR_NEEDS_NOTHING,
    LINEAR_NEEDS_IS,       /* `needed` is there. */
    LINEAR_NEEDS_NOT,      /* Something else than `needed` is there. */
    LINEAR_NEEDS_A_WONDER, /* An answer that contradicts itself. */
};

enum { LINEAR_INITIAL = 0 }; /* The number of LINEAR_ABSENT among a task's values. */

struct linear_step {
    uint64_t invoked;
    uint64_t returned;
    size_t origin; /* Index into the history. */
    uint32_t needed;
    uint32_t left; /* What is there afterwards, of those that change. */
    enum linear_need need;
    bool changes;  /* May leave something else than it finds. */
    bool inferred; /* Unknown, but took effect: `returned` is the first answer that shows it. */
};

/* Optional operations that are alike. */
struct linear_class {
    uint64_t last_use; /* Nobody observes what they leave after this moment. */
    uint32_t first;    /* Members: invoked[first..first + count), ascending. */
    uint32_t count;
    uint32_t needed;
    uint32_t left;
    enum linear_need need;
};

struct linear_task {
    struct linear_step *steps; /* All that must have taken effect, by `invoked`. */
    uint32_t *by_answer;       /* The same by `returned`. */
    size_t count;
    struct linear_class *classes;
    size_t class_count;
    uint64_t *invoked;  /* Of the classes' members. */
    size_t value_count; /* Values are numbered 0 to value_count - 1. */
};

/* Of the operations history[chosen[0..count)], which are of one key. */
void linear_task_make(struct linear_task *out_task, const struct linear_operation *history, const size_t *chosen,
                      size_t count);
void linear_task_free(struct linear_task *task);

/* What is there fits what is needed. */
static inline bool linear_need_met(enum linear_need need, uint32_t needed, uint32_t there) {
    return need == LINEAR_NEEDS_NOTHING || (need == LINEAR_NEEDS_IS && there == needed) ||
           (need == LINEAR_NEEDS_NOT && there != needed);
}

struct linear_limits {
    size_t goal;        /* So many of the first answers must fit; what is answered later may have taken effect. */
    uint64_t steps_max; /* 0: as many as it takes. */
    bool looks_ahead;   /* Does not go on where an answer before the goal can no longer fit; then `furthest` says little. */
};

/* The search for one order: quick where there is one. Adds to *io_steps; *out_furthest: so many of the first answers fit
 * for sure. */
enum linear_verdict linear_search_depth(const struct linear_task *task, const struct linear_limits *limits,
                                        size_t *out_furthest, uint64_t *io_steps);

/* The search in all orders at once: quick where there is none. Adds to *io_steps. LINEAR_NO: *out_culprit is the place
 * among the answers of the first that does not fit. */
enum linear_verdict linear_search_breadth(const struct linear_task *task, uint64_t steps_max, size_t *out_culprit,
                                          uint64_t *io_steps);

#endif
