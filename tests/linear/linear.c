#include "tests/linear/linear.h"

#include "server/base/memory.h"

#include "tests/linear/linear_task.h"

#include <stdlib.h>

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

static enum linear_verdict check_key(const struct linear_operation *operations, const size_t *chosen, size_t count,
                                     uint64_t steps_max, struct linear_report *io_report) {
    struct linear_task task;
    linear_task_make(&task, operations, chosen, count);
    uint64_t steps = 0;
    enum linear_verdict verdict = linear_search(&task, steps_max, &io_report->culprit, &steps);
    io_report->steps += steps;
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
