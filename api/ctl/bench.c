#include "api/ctl/ctl.h"
#include "api/ctl/histogram.h"
#include "api/ctl/progress.h"

#include "api/client/clock.h"

#include "server/base/memory.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { KEY_SIZE = 64, LOOK_MS = 100, CLEANING_MS = 2000 };

struct bench {
    const struct ctl *ctl;
    uint64_t run; /* Tells the keys of this run from others'. */
    atomic_bool ended;
    atomic_uint_least64_t done;
};

struct worker {
    struct bench *bench;
    struct raftclient *client;
    pthread_t thread;
    uint64_t random;
    char key[KEY_SIZE];
    char *write, *read, *clean; /* Owned; `clean` NULL: there is nothing to remove. */
    bool written;
    struct histogram writes, reads;
    uint64_t outcomes[4];
    char failure[256]; /* The first one. */
};

static uint64_t microseconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

/* -- What is asked -- */

/* A command or query of hashmap about the worker's key, with a value of so many bytes behind it, or none. */
static char *print(const char *op, const char *key, const uint32_t *value_bytes) {
    size_t fill = value_bytes != NULL ? *value_bytes : 0, size = strlen(op) + strlen(key) + fill + 64;
    char *text = memory_alloc(size);
    int length =
        snprintf(text, size, "{\"op\":\"%s\",\"key\":\"%s\"%s", op, key, value_bytes != NULL ? ",\"value\":\"" : "}");
    if (value_bytes != NULL) {
        memset(text + length, 'x', fill);
        memcpy(text + (size_t)length + fill, "\"}", 3);
    }
    return text;
}

static void prepare(struct worker *worker, struct bench *bench, size_t number) {
    const struct options *options = bench->ctl->options;
    snprintf(worker->key, sizeof worker->key, "raftctl-bench-%016" PRIx64 "-%zu", bench->run, number);
    worker->bench = bench;
    worker->random = bench->run + number;
    if (options->bench_command != NULL) {
        worker->write = memory_text(options->bench_command, strlen(options->bench_command));
    } else {
        worker->write = print("put", worker->key, &options->value_bytes);
        worker->clean = print("delete", worker->key, NULL);
    }
    worker->read = options->bench_query != NULL ? memory_text(options->bench_query, strlen(options->bench_query))
                                                : print("get", worker->key, NULL);
}

/* -- The work -- */

static void note(struct worker *worker, const struct raftclient_answer *answer, struct histogram *histogram,
                 uint64_t begun) {
    worker->outcomes[answer->outcome]++;
    if (answer->outcome == RAFTCLIENT_DONE) {
        histogram_add(histogram, microseconds() - begun);
        atomic_fetch_add_explicit(&worker->bench->done, 1, memory_order_relaxed);
    } else if (worker->failure[0] == '\0' && strcmp(answer->code, "stopped") != 0) {
        snprintf(worker->failure, sizeof worker->failure, "%s: %s", answer->code, answer->detail);
    }
}

static void *work(void *context) {
    struct worker *worker = context;
    const struct options *options = worker->bench->ctl->options;
    const char *write = worker->write, *read = worker->read;
    size_t write_size = strlen(write), read_size = strlen(read);
    while (!atomic_load_explicit(&worker->bench->ended, memory_order_relaxed)) {
        bool reads = clock_draw(&worker->random) % 100 < options->reads;
        uint64_t begun = microseconds();
        if (reads) {
            note(worker, raftclient_query(worker->client, read, read_size, options->consistency, 0), &worker->reads, begun);
        } else {
            worker->written = true;
            note(worker, raftclient_propose(worker->client, write, write_size), &worker->writes, begun);
        }
        if (worker->outcomes[RAFTCLIENT_REJECTED] > 0) {
            break; /* What is refused once is refused each time. */
        }
    }
    if (worker->written && worker->clean != NULL) {
        raftclient_set_timeout(worker->client, CLEANING_MS);
        raftclient_propose(worker->client, worker->clean, strlen(worker->clean));
    }
    return NULL;
}

/* -- What came out -- */

static void show_part(const struct ctl *ctl, const char *what, const struct histogram *histogram, double seconds) {
    static const double parts[] = {0.5, 0.9, 0.99, 0.999};
    static const char *const names[] = {"p50", "p90", "p99", "p999"};
    double rate = (double)histogram->count / seconds;
    if (ctl->options->json) {
        printf("\"%s\":{\"count\":%" PRIu64 ",\"per_second\":%.1f,\"latency_ms\":{", what, histogram->count, rate);
        for (size_t i = 0; i < 4; i++) {
            printf("\"%s\":%.3f,", names[i], (double)histogram_part(histogram, parts[i]) / 1e3);
        }
        printf("\"max\":%.3f}}", (double)histogram->longest / 1e3);
    } else {
        printf("%s: %" PRIu64 " in %.1f s, %.0f a second; ms:", what, histogram->count, seconds, rate);
        for (size_t i = 0; i < 4; i++) {
            printf(" %s %.2f", names[i], (double)histogram_part(histogram, parts[i]) / 1e3);
        }
        printf(" max %.2f\n", (double)histogram->longest / 1e3);
    }
}

static int show(const struct ctl *ctl, const struct worker *workers, double seconds) {
    struct histogram *sums = memory_zalloc(2 * sizeof *sums);
    uint64_t outcomes[4] = {0};
    const char *failure = "";
    for (size_t i = 0; i < ctl->options->connections; i++) {
        histogram_merge(&sums[0], &workers[i].writes);
        histogram_merge(&sums[1], &workers[i].reads);
        for (size_t j = 0; j < 4; j++) {
            outcomes[j] += workers[i].outcomes[j];
        }
        failure = failure[0] == '\0' ? workers[i].failure : failure;
    }
    bool json = ctl->options->json;
    printf("%s", json ? "{" : "");
    show_part(ctl, "writes", &sums[0], seconds);
    if (json || ctl->options->reads > 0) {
        printf("%s", json ? "," : "");
        show_part(ctl, "reads", &sums[1], seconds);
    }
    if (json) {
        printf(",\"rejected\":%" PRIu64 ",\"unavailable\":%" PRIu64 ",\"unknown\":%" PRIu64 "}\n",
               outcomes[RAFTCLIENT_REJECTED], outcomes[RAFTCLIENT_UNAVAILABLE], outcomes[RAFTCLIENT_UNKNOWN]);
    }
    if (failure[0] != '\0') {
        fprintf(stderr,
                "raftctl: %" PRIu64 " rejected, %" PRIu64 " unavailable, %" PRIu64
                " with an unknown outcome; the first: %s\n",
                outcomes[RAFTCLIENT_REJECTED], outcomes[RAFTCLIENT_UNAVAILABLE], outcomes[RAFTCLIENT_UNKNOWN], failure);
    }
    free(sums);
    return outcomes[RAFTCLIENT_REJECTED] > 0      ? CTL_FAILED
           : outcomes[RAFTCLIENT_UNKNOWN] > 0     ? CTL_UNKNOWN
           : outcomes[RAFTCLIENT_UNAVAILABLE] > 0 ? CTL_UNAVAILABLE
                                                  : CTL_DONE;
}

static void wait(struct bench *bench, uint64_t begun) {
    struct progress progress;
    uint64_t total = (uint64_t)bench->ctl->options->seconds * 1000000;
    progress_begin(&progress, "asking");
    for (uint64_t past; (past = microseconds() - begun) < total;) {
        uint64_t left = total - past, look = (uint64_t)LOOK_MS * 1000;
        progress_show(&progress, past, total);
        uint64_t nap = left < look ? left : look;
        nanosleep(&(struct timespec){.tv_nsec = (long)nap * 1000}, NULL);
    }
    progress_end(&progress);
    atomic_store(&bench->ended, true);
}

int bench_run(struct ctl *ctl) {
    const struct options *options = ctl->options;
    struct bench bench = {.ctl = ctl};
    const struct raftclient_answer *answer;
    size_t count = options->connections, started = 0;
    if (options->argument_count != 0) {
        return ctl_wrong("bench takes no argument");
    }
    int code = ctl_get(ctl, "/v1/status", &answer); /* Nobody waits for all the clients when there is no cluster. */
    if (code != CTL_DONE) {
        return code;
    }
    clock_random(&bench.run, sizeof bench.run);
    struct worker *workers = memory_zalloc(count * sizeof *workers);
    for (size_t i = 0; i < count; i++) {
        prepare(&workers[i], &bench, i);
        workers[i].client = ctl_client(ctl, false);
    }
    uint64_t begun = microseconds();
    while (started < count && workers[started].client != NULL &&
           pthread_create(&workers[started].thread, NULL, work, &workers[started]) == 0) {
        started++;
    }
    if (started == count) {
        wait(&bench, begun);
    } else {
        fprintf(stderr, "raftctl: so many clients cannot be started\n");
        atomic_store(&bench.ended, true);
    }
    double seconds = (double)(microseconds() - begun) / 1e6;
    for (size_t i = 0; i < started; i++) {
        pthread_join(workers[i].thread, NULL);
    }
    code = started == count ? show(ctl, workers, seconds) : CTL_FAILED;
    for (size_t i = 0; i < count; i++) {
        raftclient_destroy(workers[i].client);
        free(workers[i].write);
        free(workers[i].read);
        free(workers[i].clean);
    }
    free(workers);
    return code;
}
