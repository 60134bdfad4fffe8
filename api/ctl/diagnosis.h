/* What /v1/doctor answers, told to people. */
#ifndef RAFTCTL_DIAGNOSIS_H
#define RAFTCTL_DIAGNOSIS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/* Tells each finding with its evidence and what to do (`out` NULL: nobody). False: that is not what /v1/doctor answers, and
 * nothing was told. */
bool diagnosis_show(const char *body, size_t size, FILE *out, bool *out_healthy);

#endif
