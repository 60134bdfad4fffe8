#include "tests/linear/linear.h"

#include "server/base/memory.h"

#include "tests/linear/linear_task.h"

#include <stdlib.h>

enum { PLAIN_FACTOR = 4, PLAIN_STEPS = 1000, QUICK_FACTOR = 4, QUICK_STEPS = 1000, BREADTH_STEPS = 20000000 };

struct place {
    uint32_t key;
    size_t index;
};

static int compare_places(const void *left, const void *right) {
    const struct place *a = left;
    const struct place *b = right;
    if (a->key != b->key)
        return a->key < b->key ? -1 : 1;
    return (a->index > b->index) - (a->index < b->index);
}

/* The first answer that does not fit behind all those before it. Without looking ahead one search tells, which may take
 * long. */
static size_t find_culprit(const struct linear_task *task, uint64_t steps_max, uint64_t *io_steps) {
    size_t fit;
    struct linear_limits all = {.goal = task->count, .steps_max = *io_steps * PLAIN_FACTOR + PLAIN_STEPS};
    if (linear_search_depth(task, &all, &fit, io_steps) == LINEAR_NO)
        return task->steps[task->by_answer[fit]].origin;
    size_t misfit = task->count;
    while (misfit - fit > 1) {
        struct linear_limits some = {.goal = fit + (misfit - fit) / 2, .steps_max = steps_max, .looks_ahead = true};
        size_t furthest;
        if (linear_search_depth(task, &some, &furthest, io_steps) == LINEAR_NO)
            misfit = some.goal;
        else
            fit = some.goal;
    }
    return task->steps[task->by_answer[misfit - 1]].origin;
}

/* One order is soon found where there is one. Else all are followed at once; where these are too many, one is searched for
 * as long as it takes. */
static enum linear_verdict check_task(const struct linear_task *task, uint64_t steps_max, size_t *out_culprit,
                                      uint64_t *io_steps) {
    uint64_t few = (uint64_t)task->count * QUICK_FACTOR + QUICK_STEPS;
    struct linear_limits quick = {
        .goal = task->count, .steps_max = steps_max > 0 && steps_max < few ? steps_max : few, .looks_ahead = true};
    size_t furthest;
    if (linear_search_depth(task, &quick, &furthest, io_steps) == LINEAR_YES)
        return LINEAR_YES;
    size_t culprit;
    enum linear_verdict verdict = linear_search_breadth(
        task, steps_max > 0 && steps_max < BREADTH_STEPS ? steps_max : BREADTH_STEPS, &culprit, io_steps);
    if (verdict == LINEAR_NO)
        *out_culprit = task->steps[task->by_answer[culprit]].origin;
    if (verdict != LINEAR_UNDECIDED)
        return verdict;
    struct linear_limits all = {.goal = task->count, .steps_max = steps_max, .looks_ahead = true};
    verdict = linear_search_depth(task, &all, &furthest, io_steps);
    if (verdict == LINEAR_NO)
        *out_culprit = find_culprit(task, steps_max, io_steps);
    return verdict;
}

static enum linear_verdict check_key(const struct linear_operation *operations, const size_t *chosen, size_t count,
                                     uint64_t steps_max, struct linear_report *io_report) {
    struct linear_task task;
    linear_task_make(&task, operations, chosen, count);
    enum linear_verdict verdict = check_task(&task, steps_max, &io_report->culprit, &io_report->steps);
    linear_task_free(&task);
    return verdict;
}

enum linear_verdict linear_check(const struct linear_operation *operations, size_t count, uint64_t steps_max,
                                 struct linear_report *out_report) {
    struct place *places = memory_alloc(count * sizeof *places);
    size_t *chosen = memory_alloc(count * sizeof *chosen);
    for (size_t i = 0; i < count; i++)
        places[i] = (struct place){operations[i].key, i};
    qsort(places, count, sizeof *places, compare_places);
    for (size_t i = 0; i < count; i++)
        chosen[i] = places[i].index;

    enum linear_verdict verdict = LINEAR_YES;
    *out_report = (struct linear_report){0};
    for (size_t first = 0, end; first < count && verdict != LINEAR_NO; first = end) {
        uint32_t key = places[first].key;
        for (end = first; end < count && places[end].key == key;)
            end++;
        enum linear_verdict one = check_key(operations, &chosen[first], end - first, steps_max, out_report);
        if (one == LINEAR_NO || (one == LINEAR_UNDECIDED && verdict == LINEAR_YES)) {
            verdict = one;
            out_report->key = key;
        }
    }
    free(chosen);
    free(places);
    return verdict;
}
