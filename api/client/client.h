/* The inside of a client, which its files share. */
#ifndef RAFTCLIENT_CLIENT_H
#define RAFTCLIENT_CLIENT_H

#include "api/client/exchange.h"
#include "api/client/nodes.h"
#include "api/client/verdict.h"

struct raftclient {
    struct raftclient_options options; /* Defaults filled in; its texts are kept in `setting`. */
    uint32_t timeout_ms;               /* Of a call. */
    struct exchange_setting setting;
    struct exchange_answer exchange; /* The last one; its body is what the answer shows. */
    struct nodes nodes;
    uint64_t random;         /* State of clock_draw. */
    bool answered;           /* Some node has answered. */
    bool learnt;             /* Of the other nodes. */
    uint64_t learn_after_ms; /* Not sooner, since it failed lately. */
    uint64_t session;        /* 0: none is open. */
    uint64_t sequence;       /* The last one used in it. */
    struct raftclient_answer answer;
    struct verdict_problem problem; /* What `code` and `detail` of the answer point into. */
    char node_url[RAFTCLIENT_URL_MAX + 1];
};

#endif
