/* The same question answered without any cleverness, to test the checker: all orders of all operations. For a dozen at
 * most, of one key. Shares no code with the checker. */
#ifndef TESTS_LINEAR_BRUTE_FORCE_H
#define TESTS_LINEAR_BRUTE_FORCE_H

#include "tests/linear/linear.h"

/* Is there an order? */
bool brute_force_check(const struct linear_operation *operations, size_t count);

/* The latest moment such that all that was answered before it fits; LINEAR_NEVER: everything fits. */
uint64_t brute_force_fits_until(const struct linear_operation *operations, size_t count);

#endif
