#include "tests/crash/inject.h"

#include "tests/crash/fate.h"

#include <limits.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct {
    atomic_bool is_on;
    pthread_mutex_t mutex;
    char below[PATH_MAX];
    unsigned calls;
    uint64_t at;
    int error;
    bool stays;
    bool this_thread;
    pthread_t thread;
    void (*hit)(const char *what);
    struct inject_report report;
} state = {.mutex = PTHREAD_MUTEX_INITIALIZER};

/* Where the directory is, or will be. */
static void find(const char *path, char out_path[PATH_MAX]) {
    char parent[PATH_MAX];
    char real[PATH_MAX];
    if (realpath(path, out_path) != NULL) {
        return;
    }
    snprintf(parent, sizeof parent, "%s", path);
    char *slash = strrchr(parent, '/');
    if (slash == NULL || (*slash = '\0', realpath(parent, real) == NULL)) {
        fprintf(stderr, "inject: there is no directory for %s\n", path);
        abort();
    }
    snprintf(out_path, PATH_MAX, "%.2000s/%.2000s", real, slash + 1);
}

void inject_begin(const struct inject *inject) {
    char below[PATH_MAX];
    find(inject->below, below);
    pthread_mutex_lock(&state.mutex);
    memcpy(state.below, below, sizeof below);
    state.calls = inject->calls == 0 ? INJECT_ALL : inject->calls;
    state.at = inject->at;
    state.error = inject->error;
    state.stays = inject->stays;
    state.this_thread = inject->this_thread;
    state.hit = inject->hit;
    state.thread = pthread_self();
    state.report = (struct inject_report){.count = 0};
    atomic_store(&state.is_on, true);
    pthread_mutex_unlock(&state.mutex);
}

struct inject_report inject_report(void) {
    pthread_mutex_lock(&state.mutex);
    struct inject_report report = state.report;
    pthread_mutex_unlock(&state.mutex);
    return report;
}

struct inject_report inject_end(void) {
    atomic_store(&state.is_on, false);
    return inject_report();
}

bool fate_is_open(void) {
    return atomic_load(&state.is_on);
}

static const char *part_below(const char *absolute) {
    size_t size = strlen(state.below);
    if (strncmp(absolute, state.below, size) != 0) {
        return NULL;
    }
    return absolute[size] == '\0' ? "." : absolute[size] == '/' ? absolute + size + 1 : NULL;
}

int fate_of(enum inject_call kind, const char *name, const char *absolute) {
    int fate = 0;
    if (!fate_is_open()) {
        return 0;
    }
    pthread_mutex_lock(&state.mutex);
    const char *path = part_below(absolute);
    bool is_other_thread = state.this_thread && !pthread_equal(state.thread, pthread_self());
    if (path != NULL && (state.calls & (unsigned)kind) != 0 && !is_other_thread) {
        state.report.count++;
        if (state.at != 0 && (state.report.count == state.at || (state.stays && state.report.count > state.at))) {
            fate = state.error;
            if (!state.report.hit) {
                snprintf(state.report.what, sizeof state.report.what, "%s %.180s", name, path);
                if (state.hit != NULL) {
                    state.hit(state.report.what);
                }
            }
            state.report.hit = true;
        }
    }
    pthread_mutex_unlock(&state.mutex);
    return fate;
}
