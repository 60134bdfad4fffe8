#include "tests/linear/linear_task.h"

#include "server/base/memory.h"

#include <assert.h>
#include <stdlib.h>

/* What is known of a value. */
struct fact {
    uint64_t first_answer; /* The first answer that shows it; LINEAR_NEVER: none. */
    uint64_t last_use;     /* The last answer that may need it, by way of unknown swaps too. */
    size_t writers;        /* The beginning counts as one of LINEAR_ABSENT. */
    bool is_used;
};

/* An operation on its way into the task, its values not yet numbered. */
struct draft {
    struct linear_step step;
    uint64_t needed;
    uint64_t left;
    bool unknown;
    bool kept;
};

struct making {
    struct draft *drafts;
    size_t count;
    uint64_t
        *values; /* Those that are tested for, ascending; LINEAR_ABSENT always. The number of all others is value_count. */
    size_t value_count;
    struct fact *facts; /* By number. */
};

/* -- What an operation says -- */

static void draft_answer(struct draft *draft, const struct linear_operation *operation) {
    bool is_swap = operation->kind == LINEAR_SWAP;
    draft->step.changes = operation->kind == LINEAR_WRITE || (is_swap && operation->taken);
    draft->left = operation->value;
    if (is_swap && operation->seen_known && (operation->seen == operation->expected) != operation->taken) {
        draft->step.need = LINEAR_NEEDS_A_WONDER;
    } else if (is_swap && operation->taken) {
        draft->step.need = LINEAR_NEEDS_IS;
        draft->needed = operation->expected;
    } else if (operation->seen_known) {
        draft->step.need = LINEAR_NEEDS_IS;
        draft->needed = operation->seen;
    } else if (is_swap) {
        draft->step.need = LINEAR_NEEDS_NOT;
        draft->needed = operation->expected;
    }
}

/* False: it says nothing. */
static bool draft_make(struct draft *out_draft, const struct linear_operation *operation, size_t origin) {
    struct draft draft = {.step = {.invoked = operation->invoked, .returned = operation->returned, .origin = origin}};
    assert(operation->returned >= operation->invoked);
    draft.unknown = operation->returned == LINEAR_NEVER;
    if (operation->kind == LINEAR_READ && (draft.unknown || !operation->seen_known))
        return false;
    if (draft.unknown) {
        draft.step.changes = true;
        draft.left = operation->value;
        if (operation->kind == LINEAR_SWAP) {
            draft.step.need = LINEAR_NEEDS_IS;
            draft.needed = operation->expected;
        }
    } else {
        draft_answer(&draft, operation);
    }
    if (draft.step.need == LINEAR_NEEDS_IS && draft.left == draft.needed)
        draft.step.changes = false;
    if (draft.unknown && !draft.step.changes)
        return false;
    *out_draft = draft;
    return true;
}

/* -- Values and what is known of them -- */

static int compare_values(const void *left, const void *right) {
    uint64_t a = *(const uint64_t *)left;
    uint64_t b = *(const uint64_t *)right;
    return (a > b) - (a < b);
}

static uint32_t number_of(const struct making *making, uint64_t value) {
    const uint64_t *found = bsearch(&value, making->values, making->value_count, sizeof value, compare_values);
    return (uint32_t)(found == NULL ? making->value_count : (size_t)(found - making->values));
}

static void number_values(struct making *making) {
    making->values = memory_alloc((making->count + 1) * sizeof *making->values);
    size_t found = 0;
    making->values[found++] = LINEAR_ABSENT;
    for (size_t i = 0; i < making->count; i++) {
        enum linear_need need = making->drafts[i].step.need;
        if (need == LINEAR_NEEDS_IS || need == LINEAR_NEEDS_NOT)
            making->values[found++] = making->drafts[i].needed;
    }
    qsort(making->values, found, sizeof *making->values, compare_values);
    for (size_t i = 0; i < found; i++)
        if (i == 0 || making->values[i] != making->values[making->value_count - 1])
            making->values[making->value_count++] = making->values[i];
    for (size_t i = 0; i < making->count; i++) {
        struct draft *draft = &making->drafts[i];
        draft->step.needed = number_of(making, draft->needed);
        draft->step.left = number_of(making, draft->left);
    }
}

static void collect_facts(struct making *making) {
    making->facts = memory_zalloc((making->value_count + 1) * sizeof *making->facts);
    for (size_t i = 0; i <= making->value_count; i++)
        making->facts[i].first_answer = LINEAR_NEVER;
    making->facts[LINEAR_INITIAL].writers = 1;
    for (size_t i = 0; i < making->count; i++) {
        const struct linear_step *step = &making->drafts[i].step;
        if (step->changes)
            making->facts[step->left].writers++;
        struct fact *needed = &making->facts[step->needed];
        if (!making->drafts[i].unknown && step->need == LINEAR_NEEDS_IS && step->returned < needed->first_answer)
            needed->first_answer = step->returned;
    }
}

/* -- Unknown operations -- */

/* What a swap needed was there before its own value was seen. Goes on until nothing is new: chains of swaps. */
static void infer_effects(struct making *making) {
    for (bool is_new = true; is_new;) {
        is_new = false;
        for (size_t i = making->count; i-- > 0;) {
            struct draft *draft = &making->drafts[i];
            struct linear_step *step = &draft->step;
            const struct fact *left = &making->facts[step->left];
            if ((!draft->unknown && !step->inferred) || left->writers != 1 || left->first_answer >= step->returned ||
                left->first_answer < step->invoked)
                continue;
            step->returned = left->first_answer;
            step->inferred = true;
            draft->unknown = false;
            is_new = true;
            struct fact *needed = &making->facts[step->needed];
            if (step->need == LINEAR_NEEDS_IS && step->returned < needed->first_answer)
                needed->first_answer = step->returned;
        }
    }
}

static bool use_until(struct fact *fact, uint64_t moment) {
    if (fact->is_used && fact->last_use >= moment)
        return false;
    fact->is_used = true;
    fact->last_use = moment;
    return true;
}

static void keep_useful(struct making *making) {
    for (size_t i = 0; i < making->count; i++) {
        const struct linear_step *step = &making->drafts[i].step;
        if (making->drafts[i].unknown)
            continue;
        if (step->need == LINEAR_NEEDS_IS)
            use_until(&making->facts[step->needed], step->returned);
    }
    uint64_t last_not = 0;
    bool is_not = false;
    for (size_t i = 0; i < making->count; i++)
        if (making->drafts[i].step.need == LINEAR_NEEDS_NOT) {
            is_not = true;
            last_not = making->drafts[i].step.returned > last_not ? making->drafts[i].step.returned : last_not;
        }
    for (size_t i = 0; is_not && i <= making->value_count; i++)
        use_until(&making->facts[i], last_not);
    for (bool is_new = true; is_new;) {
        is_new = false;
        for (size_t i = making->count; i-- > 0;) {
            struct draft *draft = &making->drafts[i];
            const struct fact *left = &making->facts[draft->step.left];
            if (!draft->unknown || !left->is_used || left->last_use < draft->step.invoked)
                continue;
            draft->kept = true;
            if (draft->step.need == LINEAR_NEEDS_IS)
                is_new = use_until(&making->facts[draft->step.needed], left->last_use) || is_new;
        }
    }
}

/* -- The task -- */

static int compare_invoked(const void *left, const void *right) {
    const struct draft *a = left;
    const struct draft *b = right;
    if (a->step.invoked != b->step.invoked)
        return a->step.invoked < b->step.invoked ? -1 : 1;
    return (a->step.origin > b->step.origin) - (a->step.origin < b->step.origin);
}

static int compare_classes(const void *left, const void *right) {
    const struct linear_step *a = left;
    const struct linear_step *b = right;
    if (a->need != b->need)
        return a->need < b->need ? -1 : 1;
    if (a->needed != b->needed)
        return a->needed < b->needed ? -1 : 1;
    if (a->left != b->left)
        return a->left < b->left ? -1 : 1;
    return (a->invoked > b->invoked) - (a->invoked < b->invoked);
}

static void make_classes(struct linear_task *task, const struct making *making) {
    struct linear_step *optional = memory_alloc(making->count * sizeof *optional);
    size_t count = 0;
    for (size_t i = 0; i < making->count; i++)
        if (making->drafts[i].kept)
            optional[count++] = making->drafts[i].step;
    qsort(optional, count, sizeof *optional, compare_classes);
    task->classes = memory_alloc(count * sizeof *task->classes);
    task->invoked = memory_alloc(count * sizeof *task->invoked);
    for (size_t i = 0; i < count; i++) {
        const struct linear_step *step = &optional[i];
        task->invoked[i] = step->invoked;
        const struct linear_step *last = i == 0 ? NULL : &optional[i - 1];
        if (last == NULL || last->need != step->need || last->needed != step->needed || last->left != step->left)
            task->classes[task->class_count++] = (struct linear_class){.last_use = making->facts[step->left].last_use,
                                                                       .first = (uint32_t)i,
                                                                       .needed = step->needed,
                                                                       .left = step->left,
                                                                       .need = step->need};
        task->classes[task->class_count - 1].count++;
    }
    free(optional);
}

struct answer {
    uint64_t returned;
    uint32_t step;
    bool inferred;
};

/* An inferred answer comes after the real one at the same moment from which it was inferred: so it is never the culprit. */
static int compare_answers(const void *left, const void *right) {
    const struct answer *a = left;
    const struct answer *b = right;
    if (a->returned != b->returned)
        return a->returned < b->returned ? -1 : 1;
    if (a->inferred != b->inferred)
        return a->inferred ? 1 : -1;
    return (a->step > b->step) - (a->step < b->step);
}

static void make_steps(struct linear_task *task, const struct making *making) {
    task->steps = memory_alloc(making->count * sizeof *task->steps);
    for (size_t i = 0; i < making->count; i++)
        if (!making->drafts[i].unknown)
            task->steps[task->count++] = making->drafts[i].step;
    struct answer *answers = memory_alloc(task->count * sizeof *answers);
    for (size_t i = 0; i < task->count; i++)
        answers[i] = (struct answer){task->steps[i].returned, (uint32_t)i, task->steps[i].inferred};
    qsort(answers, task->count, sizeof *answers, compare_answers);
    task->by_answer = memory_alloc(task->count * sizeof *task->by_answer);
    for (size_t i = 0; i < task->count; i++)
        task->by_answer[i] = answers[i].step;
    free(answers);
}

void linear_task_make(struct linear_task *out_task, const struct linear_operation *history, const size_t *chosen,
                      size_t count) {
    struct making making = {.drafts = memory_alloc(count * sizeof *making.drafts)};
    for (size_t i = 0; i < count; i++)
        if (draft_make(&making.drafts[making.count], &history[chosen[i]], chosen[i]))
            making.count++;
    qsort(making.drafts, making.count, sizeof *making.drafts, compare_invoked);
    number_values(&making);
    collect_facts(&making);
    infer_effects(&making);
    keep_useful(&making);
    *out_task = (struct linear_task){.value_count = making.value_count + 1};
    make_steps(out_task, &making);
    make_classes(out_task, &making);
    free(making.facts);
    free(making.values);
    free(making.drafts);
}

void linear_task_free(struct linear_task *task) {
    free(task->steps);
    free(task->by_answer);
    free(task->classes);
    free(task->invoked);
}
