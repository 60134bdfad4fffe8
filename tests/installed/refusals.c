/* What libraftd refuses, in words and without an end to the process, and what it leaves alone: refusals FOLDER PORT PORT
 * PORT. */
#define _GNU_SOURCE
#include <raftd/raftd.h>

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static struct machine incomplete = {
    .abi_version = MACHINE_ABI_VERSION, .table_size = sizeof incomplete, .name = "incomplete"};

static void expect(int true_or_not, const char *what, const char *said) {
    if (!true_or_not) {
        fprintf(stderr, "%s: %s\n", what, said);
        exit(1);
    }
}

static void refused(const struct raftd_options *options, enum raftd_end end, const char *part) {
    char why[RAFTD_MESSAGE_SIZE] = "";
    enum raftd_end told = RAFTD_ENDED;
    expect(raftd_start(options, why, sizeof why, &told) == NULL && told == end && strstr(why, part) != NULL, part, why);
    if (end == RAFTD_WRONG_OPTION) {
        expect(raftd_start(options, NULL, 0, NULL) == NULL, part, "without a place for the message");
    }
}

static void *end_by_signal(void *context) {
    (void)context;
    kill(getpid(), SIGTERM);
    return NULL;
}

int main(int count, char **words) {
    char data[2][300], listen[3][40], why[RAFTD_MESSAGE_SIZE] = "";
    expect(count == 5, "arguments", "FOLDER PORT PORT PORT");
    for (int i = 0; i < 2; i++) {
        snprintf(data[i], sizeof data[i], "%.250s/refusals%d", words[1], i);
    }
    for (int i = 0; i < 3; i++) {
        snprintf(listen[i], sizeof listen[i], "127.0.0.1:%.5s", words[2 + i]);
    }
    const char *first[] = {"--data-dir", data[0], "--listen", listen[0], NULL};
    const char *elsewhere[] = {"--data-dir", data[0], "--listen", listen[1], NULL};
    const char *other[] = {"--data-dir", data[1], "--listen", listen[0], NULL};
    const char *unknown[] = {"--nonsense", NULL}, *help[] = {"--help", NULL};
    refused(NULL, RAFTD_WRONG_OPTION, "size");
    refused(&(struct raftd_options){.arguments = first}, RAFTD_WRONG_OPTION, "size");
    refused(&(struct raftd_options){.size = sizeof(struct raftd_options), .arguments = unknown}, RAFTD_WRONG_OPTION,
            "unknown option '--nonsense'");
    refused(&(struct raftd_options){.size = sizeof(struct raftd_options), .arguments = help}, RAFTD_WRONG_OPTION, "--help");
    refused(&(struct raftd_options){.size = sizeof(struct raftd_options), .arguments = first, .machine = &incomplete},
            RAFTD_WRONG_OPTION, "lacks a function");

    /* The environment counts only where it is given. */
    setenv("RAFTD_NONSENSE", "1", 1);
    setenv("RAFTD_DATA_DIR", "/proc/nowhere", 1);
    const char *environment[] = {"RAFTD_DATA_DIR=/proc/nowhere", NULL};
    const char *only_listen[] = {"--listen", listen[0], NULL};
    refused(
        &(struct raftd_options){.size = sizeof(struct raftd_options), .arguments = only_listen, .environment = environment},
        RAFTD_UNUSABLE, "/proc/nowhere");

    /* A node that runs keeps its directory and its address; it changes nothing of the process. */
    mode_t mask = umask(0022);
    umask(mask);
    sigset_t before, after;
    sigemptyset(&before);
    sigemptyset(&after);
    pthread_sigmask(SIG_SETMASK, NULL, &before);
    struct raftd_options options = {.size = sizeof options, .arguments = first};
    struct raftd *node = raftd_start(&options, why, sizeof why, NULL);
    expect(node != NULL, "a node starts", why);
    pthread_sigmask(SIG_SETMASK, NULL, &after);
    expect(sigismember(&after, SIGTERM) == sigismember(&before, SIGTERM), "signals", "are others");
    expect(umask(mask) == mask, "umask", "is another");
    refused(&(struct raftd_options){.size = sizeof(struct raftd_options), .arguments = elsewhere}, RAFTD_UNUSABLE, data[0]);
    refused(&(struct raftd_options){.size = sizeof(struct raftd_options), .arguments = other}, RAFTD_UNUSABLE, words[2]);
    raftd_stop(node);
    raftd_stop(NULL);

    /* And again, on the calling thread, until a signal. */
    pthread_t thread;
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &signals, NULL);
    expect(pthread_create(&thread, NULL, end_by_signal, NULL) == 0, "thread", "none");
    expect(raftd_run(&options, why, sizeof why) == RAFTD_ENDED, "it runs until a signal", why);
    pthread_join(thread, NULL);
    return 0;
}
