/* A closed loop of HTTP requests over keep-alive connections, cheap enough to share a machine with what it measures. */
#ifndef TESTS_BENCH_LOAD_H
#define TESTS_BENCH_LOAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    TARGETS_MAX = 16,
    PIDS_MAX = 16,
    KEY_BYTES = 12, /* "k" and eleven digits: 16 characters of base64, without padding. */
    HEAD_MAX = 8192,
};

enum kind { KIND_WRITE, KIND_READ, KIND_COUNT };

struct options {
    const char *targets[TARGETS_MAX]; /* host:port, IPv4. */
    size_t target_count;
    int pids[PIDS_MAX]; /* Of servers, whose CPU time is told. */
    size_t pid_count;
    bool etcd;               /* Its JSON gateway, not raftd. */
    unsigned reads;          /* Percent of all operations. */
    const char *consistency; /* linearizable, lease or stale. */
    size_t connections;
    double seconds;
    uint64_t operations; /* 0: until the seconds are over. */
    size_t value_bytes;
    size_t batch; /* Writes in one request. */
    uint64_t keys;
    uint64_t first;  /* The first of these keys. */
    bool sequential; /* Each key once, in order; else drawn. */
    bool timeline;   /* Tell how many requests succeeded in each millisecond. */
};

/* Reads the command line; says what is wrong and exits with 2 when something is. */
void options_read(struct options *options, int argc, char **argv);

/* -- Requests: built once for each connection, afterwards only the keys in them change. -- */

struct request {
    char *bytes; /* NULL: this kind is not asked for. */
    size_t length;
    size_t first_key, stride; /* Where the keys are. */
    size_t keys;
};

void request_build(struct request *request, const struct options *options, enum kind kind, const char *host,
                   uint64_t *random);
/* Writes consecutive keys into it. */
void request_set_keys(struct request *request, const struct options *options, uint64_t first);
uint64_t random_next(uint64_t *state);

/* -- Answers, as far as they must be understood: status, where they end, and refused lines. -- */

enum answer_state {
    ANSWER_HEAD,
    ANSWER_BODY,
    ANSWER_CHUNK_SIZE,
    ANSWER_CHUNK,
    ANSWER_CHUNK_END,
    ANSWER_TRAILER,
    ANSWER_DONE,
    ANSWER_BROKEN,
};

struct answer {
    enum answer_state state;
    int status;
    bool closes;    /* The server ends the connection after it. */
    size_t refused; /* Lines of an NDJSON answer that are problems. */
    uint64_t left;  /* Of the body or chunk. */
    size_t line;    /* Length of the trailer's line so far. */
    size_t matched; /* How much of what tells a problem was just seen. */
    size_t head_length;
    char head[HEAD_MAX];
};

void answer_begin(struct answer *answer);
/* Takes bytes up to the answer's end; answers how many. */
size_t answer_feed(struct answer *answer, const char *bytes, size_t count);

/* -- Latencies: buckets of a 64th of each power of two, so that no figure is off by more than 1.6 %. -- */

enum { HISTOGRAM_BUCKETS = 64 * 40 };

struct histogram {
    uint64_t count;
    uint64_t largest; /* Nanoseconds. */
    uint64_t buckets[HISTOGRAM_BUCKETS];
};

void histogram_add(struct histogram *histogram, uint64_t nanoseconds);
void histogram_merge(struct histogram *sum, const struct histogram *other);
/* Microseconds below which this share of all lies; 0 when there is none. */
double histogram_quantile(const struct histogram *histogram, double share);

#endif
