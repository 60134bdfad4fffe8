/* Wing and Gong: take an operation that could be next, look whether the rest fits behind it, else put it back and take
 * another. Lowe: what was left over once without success is not tried again.
 *
 * Only an operation invoked before the first answer that is still open can be next; that answer (`frontier`, a place in the
 * order of answers) and those of the operations in flight there that have taken effect (`bits`) say what is left over.
 *
 * What keeps it small, besides:
 * - Who changes nothing and finds what it needs goes first, without an alternative: in any valid order of the rest it can
 *   be moved to the front.
 * - An optional operation only goes right before one that needs what it leaves (`due`). In a valid order with as few of
 * them as possible each has such an observer before the next change, or it could be left out; and it can wait until right
 * before the first of them.
 * - With looks_ahead a value is not replaced while somebody still has to find it and nobody is left who could bring it
 * back.
 * - Of two configurations that differ only in how many of a class were used, the one with fewer used can do all that the
 * other can: the other is not tried. Classes that nobody needs any more do not count. */
#include "tests/linear/linear_task.h"

#include "server/base/memory.h"

#include <stdlib.h>
#include <string.h>

#define NONE UINT32_MAX

struct frame {
    uint32_t candidate;
    uint32_t frontier; /* Before it was taken: */
    uint32_t state;
    bool due;
    bool forced; /* There was no alternative. */
};

/* Configurations that were tried, each in `words`: next, frontier, state, due, number of pairs; bits; pairs (class, used).
 */
struct memory {
    uint32_t *words;
    size_t size;
    size_t capacity;
    size_t *heads; /* 1 + place in `words`. */
    size_t head_count;
    size_t entries;
};

struct search {
    const struct linear_task *task;
    uint32_t count;
    uint32_t *next; /* Steps not taken, by invocation; `count` is both ends. */
    uint32_t *previous;
    bool *taken;
    uint32_t *places; /* Of each step among the answers. */
    uint32_t *slots;  /* The bit of each step; used again once the answer was passed. */
    uint32_t *bits;
    size_t bit_words;
    uint32_t *used; /* Of each class. */
    uint32_t goal;
    uint32_t horizon;   /* Answers before it are looked ahead at. */
    uint32_t *seekers;  /* Of each value: steps not taken that must find it and are answered before the horizon, */
    uint32_t *bringers; /* and operations not taken that leave it. */
    struct frame *frames;
    size_t depth;
    size_t capacity;
    struct memory memory;
    uint32_t *entry; /* The configuration on its way into the memory. */
    uint64_t steps;
    uint32_t frontier;
    uint32_t furthest;
    uint32_t state;
    bool due;
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

static void count_seekers(struct search *search) {
    const struct linear_task *task = search->task;
    search->seekers = memory_zalloc(task->value_count * sizeof *search->seekers);
    search->bringers = memory_zalloc(task->value_count * sizeof *search->bringers);
    for (uint32_t i = 0; i < search->count; i++) {
        const struct linear_step *step = &task->steps[task->by_answer[i]];
        if (step->need == LINEAR_NEEDS_IS && i < search->horizon)
            search->seekers[step->needed]++;
        if (step->changes)
            search->bringers[step->left]++;
    }
    for (size_t i = 0; i < task->class_count; i++)
        search->bringers[task->classes[i].left] += task->classes[i].count;
}

static void search_start(struct search *search, const struct linear_task *task, const struct linear_limits *limits) {
    *search = (struct search){.task = task,
                              .count = (uint32_t)task->count,
                              .goal = (uint32_t)limits->goal,
                              .horizon = limits->looks_ahead ? (uint32_t)limits->goal : 0,
                              .state = LINEAR_INITIAL};
    count_seekers(search);
    size_t count = task->count;
    search->next = memory_alloc((count + 1) * sizeof *search->next);
    search->previous = memory_alloc((count + 1) * sizeof *search->previous);
    for (uint32_t i = 0; i <= count; i++) {
        search->next[i] = i == count ? 0 : i + 1;
        search->previous[i] = i == 0 ? search->count : i - 1;
    }
    search->taken = memory_zalloc(count * sizeof *search->taken);
    search->places = memory_alloc(count * sizeof *search->places);
    for (uint32_t i = 0; i < count; i++)
        search->places[task->by_answer[i]] = i;
    search->slots = memory_alloc(count * sizeof *search->slots);
    search->bit_words = (assign_slots(search) + 31) / 32;
    search->bits = memory_zalloc(search->bit_words * sizeof *search->bits);
    search->used = memory_zalloc(task->class_count * sizeof *search->used);
    search->entry = memory_alloc((5 + search->bit_words + 2 * task->class_count) * sizeof *search->entry);
    search->memory.head_count = 64;
    search->memory.heads = memory_zalloc(search->memory.head_count * sizeof *search->memory.heads);
}

static void search_end(struct search *search) {
    free(search->next);
    free(search->previous);
    free(search->taken);
    free(search->places);
    free(search->slots);
    free(search->bits);
    free(search->used);
    free(search->seekers);
    free(search->bringers);
    free(search->frames);
    free(search->entry);
    free(search->memory.words);
    free(search->memory.heads);
}

/* -- Taking and putting back -- */

static uint64_t frontier_moment(const struct search *search) {
    return search->task->steps[search->task->by_answer[search->frontier]].returned;
}

static void flip_bit(struct search *search, uint32_t step) {
    search->bits[search->slots[step] / 32] ^= UINT32_C(1) << search->slots[step] % 32;
}

static bool is_seeker(const struct search *search, uint32_t step) {
    return search->task->steps[step].need == LINEAR_NEEDS_IS && search->places[step] < search->horizon;
}

static void take_step(struct search *search, uint32_t step) {
    const struct linear_task *task = search->task;
    search->next[search->previous[step]] = search->next[step];
    search->previous[search->next[step]] = search->previous[step];
    search->taken[step] = true;
    flip_bit(search, step);
    while (search->frontier < search->count && search->taken[task->by_answer[search->frontier]])
        flip_bit(search, task->by_answer[search->frontier++]);
    if (search->frontier > search->furthest)
        search->furthest = search->frontier;
    if (is_seeker(search, step))
        search->seekers[task->steps[step].needed]--;
    if (task->steps[step].changes) {
        search->bringers[task->steps[step].left]--;
        search->state = task->steps[step].left;
    }
    search->due = false;
}

/* Candidates are the steps and, from count + 1 on, the classes. */
static void take(struct search *search, uint32_t candidate, bool forced) {
    search->frames = memory_grow(search->frames, &search->capacity, search->depth + 1, sizeof *search->frames);
    search->frames[search->depth++] = (struct frame){candidate, search->frontier, search->state, search->due, forced};
    search->steps++;
    if (candidate < search->count) {
        take_step(search, candidate);
        return;
    }
    uint32_t class = candidate - search->count - 1;
    search->used[class]++;
    search->bringers[search->task->classes[class].left]--;
    search->state = search->task->classes[class].left;
    search->due = true;
}

static struct frame put_back(struct search *search) {
    struct frame frame = search->frames[--search->depth];
    uint32_t candidate = frame.candidate;
    if (candidate < search->count) {
        const struct linear_step *step = &search->task->steps[candidate];
        search->seekers[step->needed] += is_seeker(search, candidate);
        search->bringers[step->left] += step->changes;
        while (search->frontier > frame.frontier)
            flip_bit(search, search->task->by_answer[--search->frontier]);
        flip_bit(search, candidate);
        search->taken[candidate] = false;
        search->next[search->previous[candidate]] = candidate;
        search->previous[search->next[candidate]] = candidate;
    } else {
        search->used[candidate - search->count - 1]--;
        search->bringers[search->task->classes[candidate - search->count - 1].left]++;
    }
    search->state = frame.state;
    search->due = frame.due;
    return frame;
}

/* -- Candidates -- */

static void take_those_that_change_nothing(struct search *search) {
    for (uint32_t i = search->next[search->count]; i != search->count; i = search->next[i]) {
        const struct linear_step *step = &search->task->steps[i];
        if (step->invoked > frontier_moment(search))
            return;
        if (!step->changes && linear_need_met(step->need, step->needed, search->state))
            take(search, i, true);
    }
}

/* What is there may be replaced by `left`; `own`: how many of those who seek it do so. */
static bool may_replace(const struct search *search, uint32_t left, uint32_t own) {
    return left == search->state || search->bringers[search->state] > 0 || search->seekers[search->state] <= own;
}

static bool step_fits(const struct search *search, uint32_t step) {
    const struct linear_step *one = &search->task->steps[step];
    return linear_need_met(one->need, one->needed, search->state) && (!search->due || one->need == LINEAR_NEEDS_IS) &&
           may_replace(search, one->left, is_seeker(search, step));
}

static bool class_fits(const struct search *search, size_t index) {
    const struct linear_class *class = &search->task->classes[index];
    uint64_t moment = frontier_moment(search);
    return search->used[index] < class->count && class->left != search->state && class->last_use >= moment &&
           linear_need_met(class->need, class->needed, search->state) && (!search->due || class->need == LINEAR_NEEDS_IS) &&
           search->task->invoked[class->first + search->used[index]] <= moment && may_replace(search, class->left, 0);
}

/* Who must be taken soonest has to find something that nobody in flight brings. */
static bool is_hopeless(const struct search *search) {
    const struct linear_task *task = search->task;
    uint64_t moment = frontier_moment(search);
    const struct linear_step *soonest = &task->steps[task->by_answer[search->frontier]];
    if (soonest->need != LINEAR_NEEDS_IS || soonest->needed == search->state)
        return false;
    for (uint32_t i = search->next[search->count]; i != search->count && task->steps[i].invoked <= moment;
         i = search->next[i])
        if (task->steps[i].changes && task->steps[i].left == soonest->needed)
            return false;
    for (size_t i = 0; i < task->class_count; i++)
        if (task->classes[i].left == soonest->needed && search->used[i] < task->classes[i].count &&
            task->invoked[task->classes[i].first + search->used[i]] <= moment)
            return false;
    return true;
}

/* The first that could be next, from `candidate` on. */
static uint32_t find_candidate(const struct search *search, uint32_t candidate) {
    uint64_t moment = frontier_moment(search);
    while (candidate < search->count) {
        if (search->task->steps[candidate].invoked > moment)
            break;
        if (step_fits(search, candidate))
            return candidate;
        candidate = search->next[candidate];
    }
    for (size_t class = candidate <= search->count ? 0 : candidate - search->count - 1; class < search->task->class_count;
         class ++)
        if (class_fits(search, class))
            return (uint32_t)(search->count + 1 + class);
    return NONE;
}

static uint32_t candidate_after(const struct search *search, uint32_t candidate) {
    return candidate < search->count ? search->next[candidate] : candidate + 1;
}

/* -- Memory of configurations -- */

static uint64_t hash_entry(const struct search *search, const uint32_t *entry) {
    uint64_t hash = ((uint64_t)entry[1] << 32 | entry[2]) * UINT64_C(0x9e3779b97f4a7c15);
    for (size_t i = 0; i < search->bit_words; i++)
        hash = ((hash ^ hash >> 29) + entry[5 + i]) * UINT64_C(0xc4ceb9fe1a85ec53);
    return hash ^ hash >> 32;
}

static size_t entry_size(const struct search *search, const uint32_t *entry) {
    return 5 + search->bit_words + 2 * (size_t)entry[4];
}

static size_t describe(struct search *search) {
    uint32_t *entry = search->entry;
    entry[1] = search->frontier;
    entry[2] = search->state;
    entry[3] = search->due;
    entry[4] = 0;
    memcpy(&entry[5], search->bits, search->bit_words * sizeof *search->bits);
    uint64_t moment = frontier_moment(search);
    uint32_t *pairs = &entry[5 + search->bit_words];
    for (uint32_t class = 0; class < search->task->class_count; class ++)
        if (search->used[class] > 0 && search->task->classes[class].last_use >= moment) {
            pairs[2 * entry[4]] = class;
            pairs[2 * entry[4]++ + 1] = search->used[class];
        }
    return entry_size(search, entry);
}

/* What was tried had the same left over and used no more. */
static bool covers(const struct search *search, const uint32_t *tried) {
    const uint32_t *entry = search->entry;
    if (tried[1] != entry[1] || tried[2] != entry[2] || tried[3] > entry[3] ||
        memcmp(&tried[5], &entry[5], search->bit_words * sizeof *tried) != 0)
        return false;
    const uint32_t *pairs = &tried[5 + search->bit_words];
    for (size_t i = 0; i < tried[4]; i++)
        if (search->used[pairs[2 * i]] < pairs[2 * i + 1])
            return false;
    return true;
}

static void grow_heads(struct search *search) {
    struct memory *memory = &search->memory;
    memory->head_count *= 4;
    free(memory->heads);
    memory->heads = memory_zalloc(memory->head_count * sizeof *memory->heads);
    for (size_t place = 0; place < memory->size; place += entry_size(search, &memory->words[place])) {
        uint64_t hash = hash_entry(search, &memory->words[place]);
        size_t *head = &memory->heads[hash & (memory->head_count - 1)];
        memory->words[place] = (uint32_t)*head;
        *head = place + 1;
    }
}

/* False: it was tried before. */
static bool remember(struct search *search) {
    struct memory *memory = &search->memory;
    size_t size = describe(search);
    size_t *head = &memory->heads[hash_entry(search, search->entry) & (memory->head_count - 1)];
    for (size_t at = *head; at > 0; at = memory->words[at - 1])
        if (covers(search, &memory->words[at - 1]))
            return false;
    if (memory->size > UINT32_MAX - size)
        return true;
    memory->words = memory_grow(memory->words, &memory->capacity, memory->size + size, sizeof *memory->words);
    search->entry[0] = (uint32_t)*head;
    memcpy(&memory->words[memory->size], search->entry, size * sizeof *search->entry);
    *head = memory->size + 1;
    memory->size += size;
    if (++memory->entries > memory->head_count)
        grow_heads(search);
    return true;
}

/* -- The search -- */

/* Puts back up to the last choice; answers the next candidate there. */
static uint32_t go_back(struct search *search) {
    while (search->depth > 0) {
        struct frame frame = put_back(search);
        if (frame.forced)
            continue;
        uint32_t candidate = find_candidate(search, candidate_after(search, frame.candidate));
        if (candidate != NONE)
            return candidate;
    }
    return NONE;
}

static enum linear_verdict run(struct search *search, uint64_t steps_max) {
    for (;;) {
        if (search->frontier < search->goal)
            take_those_that_change_nothing(search);
        if (search->frontier >= search->goal)
            return LINEAR_YES;
        if (steps_max > 0 && search->steps > steps_max)
            return LINEAR_UNDECIDED;
        uint32_t candidate =
            !is_hopeless(search) && remember(search) ? find_candidate(search, search->next[search->count]) : NONE;
        if (candidate == NONE)
            candidate = go_back(search);
        if (candidate == NONE)
            return LINEAR_NO;
        take(search, candidate, false);
    }
}

enum linear_verdict linear_search_depth(const struct linear_task *task, const struct linear_limits *limits,
                                        size_t *out_furthest, uint64_t *io_steps) {
    struct search search;
    search_start(&search, task, limits);
    enum linear_verdict verdict = run(&search, limits->steps_max);
    *out_furthest = search.furthest;
    *io_steps += search.steps;
    search_end(&search);
    return verdict;
}
