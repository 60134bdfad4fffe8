#include "api/allowance.h"

#include <assert.h>

bool allowance_grow(struct allowance *allowance, size_t *inout_held, size_t size) {
    if (size <= *inout_held) {
        return true;
    }
    if (size - *inout_held > allowance->max - allowance->used) {
        return false;
    }
    allowance->used += size - *inout_held;
    *inout_held = size;
    return true;
}

void allowance_release(struct allowance *allowance, size_t *inout_held) {
    assert(*inout_held <= allowance->used);
    allowance->used -= *inout_held;
    *inout_held = 0;
}
