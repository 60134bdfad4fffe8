/* How a call runs: attempt after attempt until it is done or its time is over. */
#ifndef RAFTCLIENT_CALL_H
#define RAFTCLIENT_CALL_H

#include "api/client/client.h"

struct call {
    const char *method;
    const char *path; /* With its query string. */
    const char *body; /* NULL: none. */
    size_t body_size;
    const char *header; /* One more header line; NULL: none. */
    enum verdict_kind kind;
    bool takes_timeout;       /* The route knows `timeout=`. */
    bool spread;              /* To all nodes in turn. */
    uint32_t attempt_ms;      /* 0: the client's. */
    uint32_t silence_ms;      /* See exchange.h. */
    struct nodes_entry *only; /* Ask no other; NULL: any. */
    raftclient_sink sink;
    void *sink_context;
    uint64_t deadline_ms;
};

/* When a call that begins now must have ended. */
uint64_t call_deadline(const struct raftclient *client);

/* Empties the answer, for a call that begins. */
void call_begin(struct raftclient *client);
/* Sets the answer to one of our own making. */
const struct raftclient_answer *call_say(struct raftclient *client, enum raftclient_outcome outcome, const char *code,
                                         const char *detail);

/* Runs it to its end and sets the answer, whose attempts are counted on from what they are. */
const struct raftclient_answer *call_run(struct raftclient *client, const struct call *call);

/* One exchange with one node; the answer's head is taken note of. */
void call_exchange(struct raftclient *client, struct nodes_entry *node, const struct call *call, uint64_t deadline_ms);

#endif
