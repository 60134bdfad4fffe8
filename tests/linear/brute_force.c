#include "tests/linear/brute_force.h"

struct trial {
    const struct linear_operation *operations;
    size_t count;
    uint64_t until; /* Only what was answered by then must be in the order. */
    unsigned placed;
};

/* Plays one operation on a register. False: it would have answered otherwise. */
static bool play(const struct linear_operation *operation, uint64_t *io_value) {
    bool answered = operation->returned != LINEAR_NEVER;
    if (answered && operation->seen_known && operation->seen != *io_value)
        return false;
    if (operation->kind == LINEAR_READ)
        return true;
    bool writes = operation->kind == LINEAR_WRITE || operation->expected == *io_value;
    if (operation->kind == LINEAR_SWAP && answered && operation->taken != writes)
        return false;
    if (writes)
        *io_value = operation->value;
    return true;
}

/* Somebody who is not yet placed was answered before this one was even invoked. */
static bool is_too_early(const struct trial *trial, size_t which) {
    for (size_t i = 0; i < trial->count; i++)
        if ((trial->placed >> i & 1) == 0 && trial->operations[i].returned < trial->operations[which].invoked)
            return true;
    return false;
}

static bool extend(struct trial *trial, uint64_t value) {
    bool missing = false;
    for (size_t i = 0; i < trial->count; i++)
        missing = missing || ((trial->placed >> i & 1) == 0 && trial->operations[i].returned != LINEAR_NEVER &&
                              trial->operations[i].returned <= trial->until);
    if (!missing)
        return true;
    for (size_t i = 0; i < trial->count; i++) {
        uint64_t after = value;
        if ((trial->placed >> i & 1) != 0 || is_too_early(trial, i) || !play(&trial->operations[i], &after))
            continue;
        trial->placed |= 1u << i;
        bool fits = extend(trial, after);
        trial->placed &= ~(1u << i);
        if (fits)
            return true;
    }
    return false;
}

static bool fits_until(const struct linear_operation *operations, size_t count, uint64_t until) {
    struct trial trial = {operations, count, until, 0};
    return extend(&trial, LINEAR_ABSENT);
}

bool brute_force_check(const struct linear_operation *operations, size_t count) {
    return fits_until(operations, count, LINEAR_NEVER);
}

uint64_t brute_force_fits_until(const struct linear_operation *operations, size_t count) {
    uint64_t first = LINEAR_NEVER;
    for (size_t i = 0; i < count; i++)
        if (operations[i].returned < first && !fits_until(operations, count, operations[i].returned))
            first = operations[i].returned;
    return first;
}
