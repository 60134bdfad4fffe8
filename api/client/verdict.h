/* What the end of one attempt means: is it done, may it be tried again, and may it have taken effect? The one place that
 * reads the codes of the HTTP contract. Pure. */
#ifndef RAFTCLIENT_VERDICT_H
#define RAFTCLIENT_VERDICT_H

#include "api/client/exchange.h"

#include "server/json/json.h"

enum { VERDICT_CODE_SIZE = 64 };

/* A problem of a node's, read from its body. */
struct verdict_problem {
    char code[VERDICT_CODE_SIZE]; /* "": the body is no problem. */
    bool outcome_rejected;        /* It says that this request never takes effect; */
    bool outcome_unknown;         /* or that it may. */
    uint64_t first_index;
    char detail[512]; /* Cut to that. */
};
void verdict_read_problem(const char *body, size_t size, struct verdict_problem *out_problem);

/* What kind of request it was. */
enum verdict_kind {
    VERDICT_READ,       /* Changes nothing. */
    VERDICT_REPEATABLE, /* Done twice is done once: named by a key or a session, or such by nature. */
    VERDICT_PLAIN       /* Changes something each time. */
};

enum verdict_next {
    VERDICT_DONE,
    VERDICT_FINAL,     /* No other attempt will do better, or none is allowed. */
    VERDICT_ELSEWHERE, /* At once, at another node that was not tried yet; else after a pause. */
    VERDICT_LATER,     /* After a pause. */
    VERDICT_NOT_HERE   /* Not at this node any more, in this call. */
};

struct verdict {
    enum verdict_next next;
    bool took_effect_perhaps; /* This attempt of something that changes. */
    bool node_failed;         /* Nothing sensible came from the node. */
};

/* `doubtful`: an earlier attempt of the same request may have taken effect. */
struct verdict verdict_of(const struct exchange_answer *answer, const struct verdict_problem *problem,
                          enum verdict_kind kind, bool doubtful);

#endif
