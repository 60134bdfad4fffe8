/* A list of tokens for fuzz targets, and a reader of its own of which of them somebody has shown: it takes all for shown
 * that could be, so that who does more than it allows has come past the node's. */
#ifndef RAFTD_TESTS_FUZZ_TOKENS_HELD_H
#define RAFTD_TESTS_FUZZ_TOKENS_HELD_H

#include "server/tokens.h"

enum { HELD_READ = 1, HELD_WRITE = 2, HELD_ADMIN = 4, HELD_PEER = 8, HELD_ANY_BUT_PEER = 7 };

/* The same list for the whole process: r-token, w-token, a-token, p-token, and an administrator's that begins as the
 * reader's does. */
struct tokens *tokens_held_list(void);

/* By the value of an Authorization field. */
unsigned tokens_held_by(const char *value, size_t size);
/* By any field anywhere in the bytes of requests. */
unsigned tokens_held_in(const char *bytes, size_t size);

#endif
