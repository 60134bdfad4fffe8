/* One request to one node and its answer, or how far it came. Nothing is ever sent twice by itself: libcurl would repeat a
 * request whose reused connection dies, so bodies are given to it in a way that it cannot begin again with. */
#ifndef RAFTCLIENT_EXCHANGE_H
#define RAFTCLIENT_EXCHANGE_H

#include "api/client/raftclient.h"

#include <curl/curl.h>
#include <stdatomic.h>

/* What all requests of a client share. */
struct exchange_setting {
    CURLM *multi; /* Keeps connections for later. */
    CURL *easy;
    uint32_t connect_ms;
    size_t answer_max;
    char *authorization; /* Owned header line; NULL: none. */
    char *tls_ca;        /* Owned; NULL: the system's. */
    char *tls_cert;
    char *tls_key;
    atomic_bool stopped;
};

struct exchange_request {
    const char *method;
    const char *url; /* Whole. */
    const char *body;
    size_t body_size;
    const char *headers[2]; /* More header lines; NULL: no more. */
    uint64_t deadline_ms;   /* Of the clock. */
    uint32_t silence_ms;    /* 0: no limit but the deadline; else the deadline is only for the answer's head. */
    raftclient_sink sink;   /* Where the body of a 200 goes; NULL: it is kept. */
    void *sink_context;
};

enum exchange_end {
    EXCHANGE_ANSWERED,
    EXCHANGE_NOT_SENT, /* No byte of it has left. */
    EXCHANGE_BROKEN,   /* It left, and no whole answer came. */
    EXCHANGE_REFUSED,  /* Neither side trusts the other (certificates): no byte of it has left. */
    EXCHANGE_ENOUGH    /* The sink wanted no more. */
};

struct exchange_answer {
    enum exchange_end end;
    char why[CURL_ERROR_SIZE + 64]; /* A sentence, when it is not answered. */
    unsigned status;                /* 0: no head came. */
    uint64_t node, leader, index;   /* Headers; 0: none. */
    bool has_leader;                /* There was a Raft-Leader. */
    uint32_t retry_after_ms;
    bool sunk; /* Bytes went to the sink. */
    uint64_t total;
    char *body; /* Owned, NUL-terminated; kept from one exchange to the next. */
    size_t body_size, body_capacity;
};

/* True when libcurl can be used. `token` and files may be NULL. */
bool exchange_open(struct exchange_setting *setting, const struct raftclient_options *options);
void exchange_close(struct exchange_setting *setting);

/* Blocks until one of its ends. `answer` is zero at first and reused. */
void exchange_run(struct exchange_setting *setting, const struct exchange_request *request, struct exchange_answer *answer);

/* From any thread. */
void exchange_stop(struct exchange_setting *setting);
/* Waits, until `until_ms` or until stopped. */
void exchange_sleep(struct exchange_setting *setting, uint64_t until_ms);

#endif
