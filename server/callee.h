/* A running node that a subcommand asks (`raftd health`, `raftd doctor`): where it is, and one GET. */
#ifndef RAFTD_CALLEE_H
#define RAFTD_CALLEE_H

#include "server/options.h"

#include <stdbool.h>
#include <stddef.h>

enum { CALLEE_URL_SIZE = 512, CALLEE_ERROR_SIZE = 512 };

struct callee {
    char base[CALLEE_URL_SIZE]; /* http://host:port */
    bool own;                   /* No URL was given: whatever certificate the node has is good. */
    const char *tls_ca;         /* What vouches for another's; NULL: what the system trusts. Borrowed. */
};

/* `url` NULL: the node of this machine, where RAFTD_LISTEN says, by https when there is RAFTD_TLS_CERT. False with a
 * sentence that begins with the subcommand's `name`. */
bool callee_read(const char *name, const char *url, const char *const *environment, struct callee *out_callee,
                 struct options_message *out_message);

/* What came back, cut to what `capacity` holds. */
struct callee_answer {
    long status; /* 0: no answer, and a few words in `error`. */
    char *body;  /* The caller's, of `capacity` bytes; NUL-terminated. */
    size_t capacity;
    size_t size;
    bool cut;
    char error[CALLEE_ERROR_SIZE];
};

/* Asks for `url`, whole, and waits for the answer or so long. `token`: NULL for none. */
void callee_get(const struct callee *callee, const char *url, const char *token, unsigned timeout_ms,
                struct callee_answer *inout_answer);

#endif
