/* Between inject.c and calls.c. */
#ifndef RAFTD_TESTS_CRASH_FATE_H
#define RAFTD_TESTS_CRASH_FATE_H

#include "tests/crash/inject.h"

/* Could any call fail? */
bool fate_is_open(void);
/* What is to become of this one: 0 (it is made), an errno, or INJECT_SHORT. */
int fate_of(enum inject_call kind, const char *name, const char *absolute);

#endif
