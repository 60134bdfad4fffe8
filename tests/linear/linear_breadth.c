/* Answer by answer, all the configurations are kept in which a server could be that gave the answers so far: what is there,
 * which of the operations in flight have taken effect, and how many of each class of optional ones. A layer is a place in
 * the order of answers: all earlier ones have taken effect, and only what was invoked before this answer can be next. Who
 * has taken the layer's operation goes on to the next layer. When nobody is left, the last layer's answer is the culprit.
 *
 * What keeps the sets small. Each is said of any valid order of some first answers and whatever else it has:
 * - Who changes nothing and finds what it needs is taken at once: moved to the front it changes nothing for the others.
 * - Of operations in flight that are alike in all but their times, the one answered first is taken first: two of them may
 *   change places.
 * - An optional operation only goes right before one that needs what it leaves (`due`). In a valid order with as few of
 *   them as possible each has such an observer before the next change, or it could be left out; and it can wait until right
 *   before the first of them.
 * - Of two configurations that differ only in how many of a class were used, the one with fewer used can do all that the
 *   other can. Classes that nobody needs any more do not count.
 * - A value is closed when all who may still need it are in flight and change nothing. A blind write of it then goes, with
 *   those who need it, right before any other blind write, optional ones too (it is a rider), or when its own or one of
 * their answers is due: nowhere else. For in a valid order only they look between it and the next change, which is thus
 * blind too. Take them out, and nobody notices; put them in before another blind write, and nobody notices either. Failed
 * swaps that did not tell what they found may notice, so nothing is closed before the last of these.
 *
 * And the order in which configurations are looked at: when a value is replaced that somebody still has to find, and nobody
 * can bring it back in time, that answer is this configuration's deadline: it cannot get past it. If that is near, the
 * configuration is parked until all others have come to nothing; then those with the latest deadlines are looked at first,
 * and those that cannot get further than others did not at all. */
#include "tests/linear/linear_task.h"

#include "server/base/memory.h"

#include "tests/linear/linear_set.h"

#include <stdlib.h>
#include <string.h>

enum { NEAR = 1000 }; /* Answers. */

struct value {
    uint64_t last_seeker;  /* When the last who needs it was invoked. */
    uint32_t first_seeker; /* Into `seekers`, those of the next value are behind. */
    uint32_t first_bringer;
    uint32_t closed_from; /* The layer behind the last who needs it and changes it. */
    uint32_t gone_from;   /* From this layer on nobody can bring it (back). */
};

struct search {
    const struct linear_task *task;
    struct linear_shape shape;
    uint32_t count;
    uint32_t *places;     /* Of each step among the answers. */
    uint32_t *slots;      /* The bit of each step; used again once the answer was passed. */
    struct value *values; /* And one behind the last. */
    uint32_t *seekers;    /* Places of steps that need a value, by value, ascending, */
    uint32_t *bringers;   /* and steps that leave it. */
    uint32_t *flying;     /* Steps that were invoked and whose answers are not passed. */
    uint32_t flying_count;
    uint32_t invoked; /* Steps before it were invoked. */
    uint32_t silent;  /* The layer behind the last LINEAR_NEEDS_NOT. */
    uint32_t layer;
    uint64_t moment;    /* Of the layer's answer. */
    uint32_t best;      /* The furthest layer. */
    uint32_t threshold; /* Deadlines from here on are not parked. 0: near ones are. */
    struct linear_set now;
    struct linear_set after;
    struct linear_set parked;
    struct linear_set revived;
    uint32_t *child;
    uint64_t steps;
};

/* -- Preparing -- */

/* Steps in flight at the same time have different slots. */
static size_t assign_slots(struct search *search) {
    const struct linear_task *task = search->task;
    uint32_t *free_slots = memory_alloc(task->count * sizeof *free_slots);
    size_t free_count = 0;
    uint32_t slot_count = 0;
    size_t answered = 0;
    for (uint32_t i = 0; i < search->count; i++) {
        while (task->steps[task->by_answer[answered]].returned < task->steps[i].invoked)
            free_slots[free_count++] = search->slots[task->by_answer[answered++]];
        search->slots[i] = free_count > 0 ? free_slots[--free_count] : slot_count++;
    }
    free(free_slots);
    return slot_count;
}

static void list_by_value(struct search *search) {
    const struct linear_task *task = search->task;
    struct value *values = search->values = memory_zalloc((task->value_count + 1) * sizeof *search->values);
    for (uint32_t i = 0; i < search->count; i++) {
        const struct linear_step *step = &task->steps[i];
        values[step->needed + 1].first_seeker += step->need == LINEAR_NEEDS_IS;
        values[step->left + 1].first_bringer += step->changes;
    }
    for (size_t i = 0; i < task->value_count; i++) {
        values[i + 1].first_seeker += values[i].first_seeker;
        values[i + 1].first_bringer += values[i].first_bringer;
    }
    uint32_t *filled = memory_zalloc(2 * task->value_count * sizeof *filled);
    search->seekers = memory_alloc(search->count * sizeof *search->seekers);
    search->bringers = memory_alloc(search->count * sizeof *search->bringers);
    for (uint32_t i = 0; i < search->count; i++) {
        const struct linear_step *answered = &task->steps[task->by_answer[i]];
        if (answered->need == LINEAR_NEEDS_IS)
            search->seekers[values[answered->needed].first_seeker + filled[2 * answered->needed]++] = i;
        const struct linear_step *asked = &task->steps[i];
        if (asked->changes)
            search->bringers[values[asked->left].first_bringer + filled[2 * asked->left + 1]++] = i;
    }
    free(filled);
}

static void find_closings(struct search *search) {
    const struct linear_task *task = search->task;
    for (uint32_t i = 0; i < search->count; i++) {
        const struct linear_step *step = &task->steps[task->by_answer[i]];
        struct value *value = &search->values[step->needed];
        if (step->need == LINEAR_NEEDS_NOT)
            search->silent = i + 1;
        if (step->need != LINEAR_NEEDS_IS)
            continue;
        if (step->invoked > value->last_seeker)
            value->last_seeker = step->invoked;
        if (step->changes)
            value->closed_from = i + 1;
    }
    for (size_t i = 0; i < task->class_count; i++)
        if (task->classes[i].need == LINEAR_NEEDS_IS)
            search->values[task->classes[i].needed].closed_from = UINT32_MAX;
}

/* Where classes leave a value too, no end is known: what such a class needs may stay there for long. */
static void find_ends(struct search *search) {
    const struct linear_task *task = search->task;
    for (uint32_t i = 0; i < search->count; i++) {
        const struct linear_step *step = &task->steps[task->by_answer[i]];
        if (step->changes)
            search->values[step->left].gone_from = i + 1;
    }
    for (size_t i = 0; i < task->class_count; i++)
        search->values[task->classes[i].left].gone_from = UINT32_MAX;
}

static void search_start(struct search *search, const struct linear_task *task) {
    *search = (struct search){.task = task, .count = (uint32_t)task->count};
    search->places = memory_alloc(task->count * sizeof *search->places);
    for (uint32_t i = 0; i < search->count; i++)
        search->places[task->by_answer[i]] = i;
    search->slots = memory_alloc(task->count * sizeof *search->slots);
    search->flying = memory_alloc(task->count * sizeof *search->flying);
    search->shape.bit_words = (assign_slots(search) + 31) / 32;
    search->shape.class_count = task->class_count;
    list_by_value(search);
    find_closings(search);
    find_ends(search);
    search->child = memory_zalloc(linear_shape_size(&search->shape) * sizeof *search->child);
}

static void search_end(struct search *search) {
    free(search->places);
    free(search->slots);
    free(search->values);
    free(search->seekers);
    free(search->bringers);
    free(search->flying);
    free(search->child);
    linear_set_free(&search->now);
    linear_set_free(&search->after);
    linear_set_free(&search->parked);
    linear_set_free(&search->revived);
}

/* -- The layer -- */

static void invoke(struct search *search) {
    const struct linear_task *task = search->task;
    search->moment = task->steps[task->by_answer[search->layer]].returned;
    for (; search->invoked < search->count && task->steps[search->invoked].invoked <= search->moment; search->invoked++)
        if (search->places[search->invoked] >= search->layer)
            search->flying[search->flying_count++] = search->invoked;
}

static void go_to_layer(struct search *search, uint32_t layer) {
    search->layer = layer;
    search->flying_count = 0;
    search->invoked = 0;
    invoke(search);
}

static void go_to_next_layer(struct search *search) {
    uint32_t passed = search->task->by_answer[search->layer++];
    for (uint32_t i = 0; i < search->flying_count; i++)
        if (search->flying[i] == passed)
            search->flying[i--] = search->flying[--search->flying_count];
    if (search->layer < search->count)
        invoke(search);
}

/* -- Configurations -- */

static bool has_taken(const struct search *search, const uint32_t *one, uint32_t step) {
    return (one[LINEAR_BITS + search->slots[step] / 32] >> search->slots[step] % 32 & 1) != 0;
}

static void mark_taken(struct search *search, uint32_t *one, uint32_t step) {
    one[LINEAR_BITS + search->slots[step] / 32] |= UINT32_C(1) << search->slots[step] % 32;
    search->steps++;
}

static uint32_t *used_of(const struct search *search, uint32_t *one) {
    return &one[LINEAR_BITS + search->shape.bit_words];
}

static bool is_closed(const struct search *search, uint32_t value) {
    const struct value *one = &search->values[value];
    return search->layer >= search->silent && search->layer >= one->closed_from && search->moment >= one->last_seeker;
}

/* Somebody who was not taken leaves the value and was invoked by then. */
static bool is_brought(const struct search *search, uint32_t *one, uint32_t value, uint64_t moment) {
    const struct linear_task *task = search->task;
    for (uint32_t i = 0; i < search->flying_count; i++) {
        const struct linear_step *step = &task->steps[search->flying[i]];
        if (step->changes && step->left == value && !has_taken(search, one, search->flying[i]))
            return true;
    }
    uint32_t low = search->values[value].first_bringer;
    uint32_t end = search->values[value + 1].first_bringer;
    for (uint32_t high = end; low < high;) {
        uint32_t middle = low + (high - low) / 2;
        if (search->bringers[middle] < search->invoked)
            low = middle + 1;
        else
            high = middle;
    }
    if (low < end && task->steps[search->bringers[low]].invoked <= moment)
        return true;
    const uint32_t *used = used_of(search, one);
    for (size_t i = 0; i < task->class_count; i++)
        if (task->classes[i].left == value && used[i] < task->classes[i].count &&
            task->invoked[task->classes[i].first + used[i]] <= moment)
            return true;
    return false;
}

/* The value is not there: whose answer will fail because nobody brings it? */
static uint32_t deadline_without(const struct search *search, uint32_t *one, uint32_t value) {
    uint32_t low = search->values[value].first_seeker;
    uint32_t end = search->values[value + 1].first_seeker;
    for (uint32_t high = end; low < high;) {
        uint32_t middle = low + (high - low) / 2;
        if (search->seekers[middle] < search->layer)
            low = middle + 1;
        else
            high = middle;
    }
    for (; low < end; low++) {
        uint32_t step = search->task->by_answer[search->seekers[low]];
        bool is_flying = step < search->invoked;
        if (is_flying && has_taken(search, one, step))
            continue;
        bool is_late = !is_brought(search, one, value, search->task->steps[step].returned);
        return is_late ? search->seekers[low] : UINT32_MAX;
    }
    return UINT32_MAX;
}

static void take_those_that_change_nothing(struct search *search, uint32_t *one) {
    for (uint32_t i = 0; i < search->flying_count; i++) {
        const struct linear_step *step = &search->task->steps[search->flying[i]];
        if (step->changes || !linear_need_met(step->need, step->needed, one[LINEAR_STATE]) ||
            has_taken(search, one, search->flying[i]))
            continue;
        mark_taken(search, one, search->flying[i]);
        one[LINEAR_DUE] = false;
    }
}

/* None of the class can be of use any more: how many were used does not matter. */
static bool is_over(const struct search *search, const uint32_t *one, const struct linear_class *class) {
    return class->last_use < search->moment || (class->need == LINEAR_NEEDS_IS && class->needed != one[LINEAR_STATE] &&
                                                search->layer >= search->values[class->needed].gone_from);
}

/* Into the layer; changes it. */
static void enter(struct search *search, uint32_t *one) {
    if (one[LINEAR_DEADLINE] <= search->best)
        return;
    take_those_that_change_nothing(search, one);
    for (size_t i = 0; i < search->task->class_count; i++)
        if (is_over(search, one, &search->task->classes[i]))
            used_of(search, one)[i] = 0;
    linear_set_add(&search->now, &search->shape, one);
}

static void replace_state(struct search *search, uint32_t *one, uint32_t left) {
    uint32_t before = one[LINEAR_STATE];
    one[LINEAR_STATE] = left;
    if (before == left)
        return;
    uint32_t deadline = deadline_without(search, one, before);
    if (deadline < one[LINEAR_DEADLINE])
        one[LINEAR_DEADLINE] = deadline;
}

/* -- Who could be next -- */

static bool is_rider(const struct search *search, const struct linear_step *step) {
    return step->changes && step->need == LINEAR_NEEDS_NOTHING && is_closed(search, step->left);
}

/* Closed values are written, read and forgotten. */
static void take_riders(struct search *search, uint32_t *one, uint32_t driver) {
    const struct linear_task *task = search->task;
    for (uint32_t i = 0; i < search->flying_count; i++) {
        uint32_t rider = search->flying[i];
        if (rider == driver || !is_rider(search, &task->steps[rider]) || has_taken(search, one, rider))
            continue;
        mark_taken(search, one, rider);
        for (uint32_t k = 0; k < search->flying_count; k++) {
            const struct linear_step *reader = &task->steps[search->flying[k]];
            if (reader->need == LINEAR_NEEDS_IS && reader->needed == task->steps[rider].left &&
                !has_taken(search, one, search->flying[k]))
                mark_taken(search, one, search->flying[k]);
        }
    }
}

static bool is_alike(const struct linear_step *one, const struct linear_step *other) {
    return other->changes && one->need == other->need && one->needed == other->needed && one->left == other->left;
}

static bool step_fits(const struct search *search, const uint32_t *one, uint32_t candidate) {
    const struct linear_task *task = search->task;
    const struct linear_step *step = &task->steps[candidate];
    if (!step->changes || has_taken(search, one, candidate) ||
        !linear_need_met(step->need, step->needed, one[LINEAR_STATE]) || (one[LINEAR_DUE] && step->need != LINEAR_NEEDS_IS))
        return false;
    uint32_t due = task->by_answer[search->layer];
    if (is_rider(search, step) && candidate != due &&
        (task->steps[due].need != LINEAR_NEEDS_IS || task->steps[due].needed != step->left))
        return false;
    for (uint32_t i = 0; i < search->flying_count; i++)
        if (search->places[search->flying[i]] < search->places[candidate] && !has_taken(search, one, search->flying[i]) &&
            is_alike(step, &task->steps[search->flying[i]]))
            return false;
    return true;
}

static void take_step(struct search *search, const uint32_t *parent, uint32_t candidate) {
    const struct linear_step *step = &search->task->steps[candidate];
    uint32_t *child = search->child;
    memcpy(child, parent, linear_shape_size(&search->shape) * sizeof *child);
    mark_taken(search, child, candidate);
    if (step->need == LINEAR_NEEDS_NOTHING)
        take_riders(search, child, candidate);
    child[LINEAR_DUE] = false;
    replace_state(search, child, step->left);
    enter(search, child);
}

static bool class_fits(const struct search *search, uint32_t *one, size_t index) {
    const struct linear_class *class = &search->task->classes[index];
    uint32_t used = used_of(search, one)[index];
    return used < class->count && class->last_use >= search->moment &&
           linear_need_met(class->need, class->needed, one[LINEAR_STATE]) &&
           (!one[LINEAR_DUE] || class->need == LINEAR_NEEDS_IS) &&
           search->task->invoked[class->first + used] <= search->moment;
}

static void take_optional(struct search *search, const uint32_t *parent, size_t index) {
    uint32_t *child = search->child;
    memcpy(child, parent, linear_shape_size(&search->shape) * sizeof *child);
    if (search->task->classes[index].need == LINEAR_NEEDS_NOTHING)
        take_riders(search, child, UINT32_MAX);
    used_of(search, child)[index]++;
    search->steps++;
    child[LINEAR_DUE] = true;
    replace_state(search, child, search->task->classes[index].left);
    enter(search, child);
}

/* -- The search -- */

static bool is_parked(const struct search *search, uint32_t deadline) {
    if (search->threshold > 0)
        return deadline < search->threshold;
    return deadline < search->count && deadline - search->layer < NEAR;
}

/* `place` in `now`, which may move. */
static void expand(struct search *search, size_t place) {
    uint32_t *one = linear_set_at(&search->now, &search->shape, place);
    uint32_t due = search->task->by_answer[search->layer];
    if (has_taken(search, one, due)) {
        search->best = search->best > search->layer ? search->best : search->layer + 1;
        uint32_t *next = linear_set_append(&search->after, &search->shape, one);
        next[LINEAR_BITS + search->slots[due] / 32] ^= UINT32_C(1) << search->slots[due] % 32;
        return;
    }
    if (one[LINEAR_DEADLINE] <= search->best)
        return;
    if (is_parked(search, one[LINEAR_DEADLINE])) {
        linear_set_append(&search->parked, &search->shape, one)[LINEAR_LAYER] = search->layer;
        return;
    }
    for (uint32_t i = 0; i < search->flying_count; i++)
        if (step_fits(search, linear_set_at(&search->now, &search->shape, place), search->flying[i]))
            take_step(search, linear_set_at(&search->now, &search->shape, place), search->flying[i]);
    for (size_t i = 0; i < search->task->class_count; i++)
        if (class_fits(search, linear_set_at(&search->now, &search->shape, place), i))
            take_optional(search, linear_set_at(&search->now, &search->shape, place), i);
}

static bool is_spent(const struct search *search, uint64_t steps_max) {
    return (steps_max > 0 && search->steps > steps_max) ||
           search->now.size + search->after.size + search->parked.size + search->revived.size > LINEAR_WORDS_MAX;
}

/* Those that were parked with a deadline of at least `deadline` are to be looked at; those that are of no use any more go.
 */
static void sort_out_parked(struct search *search, uint32_t deadline) {
    size_t size = linear_shape_size(&search->shape);
    size_t kept = 0;
    for (size_t at = 0; at < search->parked.size; at += size) {
        const uint32_t *one = &search->parked.words[at];
        if (one[LINEAR_DEADLINE] <= search->best)
            continue;
        if (one[LINEAR_DEADLINE] >= deadline) {
            linear_set_append(&search->revived, &search->shape, one);
            continue;
        }
        memmove(&search->parked.words[kept], one, size * sizeof *one);
        kept += size;
    }
    search->parked.size = kept;
}

/* False: nobody is left. */
static bool revive(struct search *search) {
    size_t size = linear_shape_size(&search->shape);
    search->threshold = 0;
    for (size_t at = 0; at < search->parked.size; at += size)
        if (search->parked.words[at + LINEAR_DEADLINE] > search->threshold)
            search->threshold = search->parked.words[at + LINEAR_DEADLINE];
    if (search->threshold <= search->best)
        return false;
    search->revived.size = 0;
    sort_out_parked(search, search->threshold);
    uint32_t first = search->count;
    for (size_t at = 0; at < search->revived.size; at += size)
        if (search->revived.words[at + LINEAR_LAYER] < first)
            first = search->revived.words[at + LINEAR_LAYER];
    go_to_layer(search, first);
    return true;
}

/* Everybody who is in this layer, from the layer before and from those parked here. True: somebody may come in later. */
static bool fill_layer(struct search *search, struct linear_set *arrived) {
    size_t size = linear_shape_size(&search->shape);
    linear_set_clear(&search->now);
    for (size_t at = 0; at < arrived->size; at += size)
        enter(search, &arrived->words[at]);
    bool is_more = arrived->size > 0;
    for (size_t at = 0; at < search->revived.size; at += size) {
        is_more = is_more || search->revived.words[at + LINEAR_LAYER] >= search->layer;
        if (search->revived.words[at + LINEAR_LAYER] == search->layer)
            enter(search, &search->revived.words[at]);
    }
    return is_more;
}

static enum linear_verdict run(struct search *search, uint64_t steps_max) {
    size_t parked_before = 0;
    while (search->layer < search->count) {
        struct linear_set arrived = search->after;
        search->after = (struct linear_set){0};
        bool is_alive = fill_layer(search, &arrived);
        arrived.size = 0;
        search->after = arrived;
        for (size_t place = 0; place < search->now.count; place++) {
            if (is_spent(search, steps_max))
                return LINEAR_UNDECIDED;
            expand(search, place);
        }
        if (search->parked.size > 2 * parked_before + 4096) {
            sort_out_parked(search, UINT32_MAX);
            parked_before = search->parked.size;
        }
        if (is_alive)
            go_to_next_layer(search);
        else if (!revive(search))
            return LINEAR_NO;
        if (search->layer == search->count && search->after.size == 0 && !revive(search))
            return LINEAR_NO;
    }
    return is_spent(search, steps_max) ? LINEAR_UNDECIDED : LINEAR_YES;
}

static void begin(struct search *search) {
    if (search->count == 0)
        return;
    go_to_layer(search, 0);
    uint32_t *one = search->child;
    one[LINEAR_STATE] = LINEAR_INITIAL;
    one[LINEAR_DEADLINE] = UINT32_MAX;
    for (uint32_t value = 0; value < search->task->value_count; value++) {
        uint32_t deadline = value == LINEAR_INITIAL ? UINT32_MAX : deadline_without(search, one, value);
        if (deadline < one[LINEAR_DEADLINE])
            one[LINEAR_DEADLINE] = deadline;
    }
    linear_set_append(&search->after, &search->shape, one);
}

enum linear_verdict linear_search_breadth(const struct linear_task *task, uint64_t steps_max, size_t *out_culprit,
                                          uint64_t *io_steps) {
    struct search search;
    search_start(&search, task);
    begin(&search);
    enum linear_verdict verdict = run(&search, steps_max);
    *out_culprit = search.best;
    *io_steps += search.steps;
    search_end(&search);
    return verdict;
}
