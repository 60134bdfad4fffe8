/* `raftd health`: asks a running node how it is, for container health checks and scripts (contract §6). */
#ifndef RAFTD_HEALTH_H
#define RAFTD_HEALTH_H

#include "server/options.h"

#include <stdbool.h>
#include <stddef.h>

enum { HEALTH_URL_SIZE = 512, HEALTH_TIMEOUT_MS = 5000 };

struct health_request {
    char url[HEALTH_URL_SIZE]; /* Whole: of /healthz or /readyz. */
    bool own;                  /* No URL was given: whatever certificate the node has is good. */
    const char *tls_ca;        /* What vouches for another's; NULL: what the system trusts. Borrowed. */
};

/* `arguments` are those after `health`: [--ready] [URL]. Without a URL the node of this machine is asked, where
 * RAFTD_LISTEN says, by https when there is RAFTD_TLS_CERT. OPTIONS_RUN, OPTIONS_HELP or OPTIONS_WRONG with a sentence. */
enum options_end health_read(const char *const *arguments, const char *const *environment,
                             struct health_request *out_request, struct options_message *out_message);

/* Asks, and waits for the answer or HEALTH_TIMEOUT_MS. True when it was 200; either way `out_line` says in a line what
 * came. */
bool health_ask(const struct health_request *request, char *out_line, size_t line_size);

#endif
