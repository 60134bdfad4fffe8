/* Proposes to a cluster with the machine `counter` (a command adds, its result is the new sum): THREADS clients, COUNT
 * commands `1` in all, each until its outcome is known. Every result is one of 1..COUNT, and each comes once; whoever gets
 * one twice, or one beyond, has found something lost or doubled. Prints a line of JSON.
 *
 *     hammer URLS THREADS COUNT [keys] [until-eof]
 *
 * With `until-eof` it begins no more commands once its standard input ends.
 *
 * Exit 0: all done, each once. 1: not. 2: usage. */
#include "api/client/raftclient.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { TIMEOUT_MS = 120000, THREADS_MAX = 256 };

static const char *urls;
static uint64_t count;
static bool keys;
static atomic_bool ended; /* No more are begun. */
static atomic_uint_least64_t next, done, unknown, rejected, unavailable, duplicates, attempts, strange;
static atomic_uchar *seen; /* By result. */

static void note(const struct raftclient_answer *answer) {
    char text[32] = "";
    uint64_t result = 0;
    atomic_fetch_add(&attempts, answer->attempts);
    if (answer->outcome != RAFTCLIENT_DONE) {
        atomic_fetch_add(answer->outcome == RAFTCLIENT_UNKNOWN    ? &unknown
                         : answer->outcome == RAFTCLIENT_REJECTED ? &rejected
                                                                  : &unavailable,
                         1);
        fprintf(stderr, "%s: %s: %s\n", raftclient_outcome_name(answer->outcome), answer->code, answer->detail);
        return;
    }
    atomic_fetch_add(&done, 1);
    atomic_fetch_add(&duplicates, answer->duplicate);
    if (answer->result_size < sizeof text) {
        memcpy(text, answer->result, answer->result_size);
        result = strtoull(text, NULL, 10);
    }
    if (result < 1 || result > count || atomic_fetch_add(&seen[result], 1) != 0) {
        atomic_fetch_add(&strange, 1);
        fprintf(stderr, "a result that cannot be: %.*s\n", (int)answer->result_size, answer->result);
    }
}

static void *work(void *context) {
    (void)context;
    struct raftclient_options options = {.size = sizeof options, .timeout_ms = TIMEOUT_MS, .use_keys = keys};
    char error[256];
    struct raftclient *client = raftclient_create(urls, &options, error, sizeof error);
    if (client == NULL) {
        fprintf(stderr, "%s\n", error);
        exit(2);
    }
    while (!atomic_load(&ended) && atomic_fetch_add(&next, 1) < count) {
        note(raftclient_propose(client, "1", 1));
    }
    raftclient_destroy(client);
    return NULL;
}

static void *await_end(void *context) {
    (void)context;
    while (getchar() != EOF) {
    }
    atomic_store(&ended, true);
    return NULL;
}

/* How many commands were begun. A thread that found none left has counted one that is none. */
static uint64_t begun(void) {
    return atomic_load(&done) + atomic_load(&unknown) + atomic_load(&rejected) + atomic_load(&unavailable);
}

int main(int argc, char **argv) {
    size_t threads = argc >= 4 ? strtoul(argv[2], NULL, 10) : 0;
    count = argc >= 4 ? strtoull(argv[3], NULL, 10) : 0;
    if (threads < 1 || threads > THREADS_MAX || count < 1) {
        fprintf(stderr, "usage: hammer URLS THREADS COUNT [keys] [until-eof]\n");
        return 2;
    }
    urls = argv[1];
    for (int i = 4; i < argc; i++) {
        pthread_t reader;
        keys = keys || strcmp(argv[i], "keys") == 0;
        if (strcmp(argv[i], "until-eof") == 0 &&
            (pthread_create(&reader, NULL, await_end, NULL) != 0 || pthread_detach(reader) != 0)) {
            abort();
        }
    }
    seen = calloc(count + 1, sizeof *seen);
    pthread_t started[THREADS_MAX];
    struct timespec begin, end;
    clock_gettime(CLOCK_MONOTONIC, &begin);
    for (size_t i = 0; i < threads; i++) {
        if (pthread_create(&started[i], NULL, work, NULL) != 0) {
            abort();
        }
    }
    for (size_t i = 0; i < threads; i++) {
        pthread_join(started[i], NULL);
    }
    clock_gettime(CLOCK_MONOTONIC, &end);
    double seconds = (double)(end.tv_sec - begin.tv_sec) + (double)(end.tv_nsec - begin.tv_nsec) / 1e9;
    printf("{\"done\":%" PRIu64 ",\"unknown\":%" PRIu64 ",\"rejected\":%" PRIu64 ",\"unavailable\":%" PRIu64
           ",\"duplicates\":%" PRIu64 ",\"attempts\":%" PRIu64 ",\"strange\":%" PRIu64 ",\"seconds\":%.1f}\n",
           atomic_load(&done), atomic_load(&unknown), atomic_load(&rejected), atomic_load(&unavailable),
           atomic_load(&duplicates), atomic_load(&attempts), atomic_load(&strange), seconds);
    /* Of so many the results are the numbers up to it, each once. */
    for (uint64_t i = 1; i <= atomic_load(&done); i++) {
        atomic_fetch_add(&strange, atomic_load(&seen[i]) != 1);
    }
    free(seen);
    return atomic_load(&done) == begun() && atomic_load(&strange) == 0 ? 0 : 1;
}
