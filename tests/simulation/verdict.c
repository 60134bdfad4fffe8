#include "verdict.h"

#include <assert.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum { HANGS_SECONDS = 300 };

static struct verdict *shared;
static const struct simulation *running;

const char *simulation_end_name(enum simulation_end end) {
    switch (end) {
    case SIMULATION_CLEAN:
        return "clean";
    case SIMULATION_CRASH:
        return "crash";
    case SIMULATION_SAFETY:
        return "safety";
    case SIMULATION_LIVENESS:
        return "liveness";
    case SIMULATION_USAGE:
        break;
    }
    return "usage";
}

void verdict_note(const struct simulation *simulation) {
    running = simulation;
    shared->step = simulation->step;
    shared->messages = simulation->cluster->messages;
    shared->operations = simulation->operation_count;
    shared->committed = simulation->truth->committed;
    shared->configurations = simulation->truth->configurations;
    shared->snapshots_installed = simulation->truth->installed;
}

/* -- In the process that runs -- */

static void say(enum simulation_end end, const char *file, int line, const char *format, va_list arguments) {
    fflush(stdout);
    shared->end = end;
    const char *name = strrchr(file, '/');
    snprintf(shared->where, sizeof shared->where, "%s:%d", name == NULL ? file : name + 1, line);
    int size = running == NULL ? 0
                               : snprintf(shared->what, sizeof shared->what, "at %" PRIu64 " ms, step %" PRIu64 ": ",
                                          running->cluster->now_ms - CLUSTER_BEGIN_MS, running->step);
    vsnprintf(shared->what + size, sizeof shared->what - (size_t)size, format, arguments);
}

static _Noreturn void fail(enum simulation_end end, const char *file, int line, const char *format, va_list arguments) {
    say(end, file, line, format, arguments);
    if (running != NULL) {
        verdict_note(running);
    }
    _exit((int)end);
}

_Noreturn void simulation_violated(const char *file, int line, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    fail(SIMULATION_SAFETY, file, line, format, arguments);
}

_Noreturn void simulation_stuck(const char *file, int line, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    fail(SIMULATION_LIVENESS, file, line, format, arguments);
}

static void note_assertion(const char *file, int line, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    say(SIMULATION_CRASH, file, line, format, arguments);
    va_end(arguments);
}

/* The product's own assertions come by here, so that it is known which one it was. */
void __assert_fail(const char *assertion, const char *file, unsigned line, const char *function) {
    note_assertion(file, (int)line, "%s: assertion %s", function, assertion);
    if (running != NULL) {
        verdict_note(running);
    }
    abort();
}

static void fail_as_planted(enum simulation_end end) {
    if (end == SIMULATION_SAFETY) {
        ck_abort_msg("planted");
    } else if (end == SIMULATION_LIVENESS) {
        CLUSTER_STUCK("planted");
    }
    assert(end != SIMULATION_CRASH);
}

static void run(const struct simulation_options *options) {
    struct simulation *simulation = simulation_create(options);
    verdict_note(simulation);
    faults_begin(simulation);
    for (simulation->step = 0; simulation->step < options->steps; simulation->step++) {
        faults_step(simulation);
        operators_step(simulation);
        clients_step(simulation);
        cluster_run(simulation->cluster, draw(simulation, STREAM_TIME, simulation->plan.step_ms + 1));
        verdict_note(simulation);
        if (simulation->step == PLANTED_STEP) {
            fail_as_planted(options->plant);
        }
    }
    shared->at_end = true;
    ending_run(simulation);
    answers_check(simulation);
    verdict_note(simulation);
    running = NULL;
    simulation_destroy(simulation);
}

/* -- In the one that waits -- */

static void judge(int status) {
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0) {
        shared->end = SIMULATION_CLEAN;
    } else if (WIFEXITED(status) && shared->end == (enum simulation_end)WEXITSTATUS(status)) {
        return;
    } else if (WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM) {
        shared->end = SIMULATION_LIVENESS;
        snprintf(shared->where, sizeof shared->where, "hangs");
        snprintf(shared->what, sizeof shared->what, "it does not come to an end within %d s", HANGS_SECONDS);
    } else if (WIFSIGNALED(status) && shared->end != SIMULATION_CRASH) {
        shared->end = SIMULATION_CRASH;
        snprintf(shared->where, sizeof shared->where, "signal %d", WTERMSIG(status));
        snprintf(shared->what, sizeof shared->what, "%s", strsignal(WTERMSIG(status)));
    } else if (WIFEXITED(status)) {
        shared->end = SIMULATION_CRASH;
        snprintf(shared->where, sizeof shared->where, "exit code %d", WEXITSTATUS(status));
        snprintf(shared->what, sizeof shared->what, "the process ended by itself (a sanitizer?)");
    }
}

void verdict_run(const struct simulation_options *options, struct verdict *out_verdict) {
    if (shared == NULL) {
        shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        assert(shared != MAP_FAILED);
    }
    *shared = (struct verdict){0};
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        alarm(HANGS_SECONDS);
        run(options);
        exit(0);
    }
    int status = 0;
    if (child < 0 || waitpid(child, &status, 0) != child) {
        perror("simulate");
        exit(SIMULATION_USAGE);
    }
    judge(status);
    *out_verdict = *shared;
}
