/* Preloaded into raftd by tests: while the file named by RAFTD_HOLD_FILE exists, fdatasync and fsync do not begin. A disk
 * that has taken the bytes and not yet made them last. */
#include <dlfcn.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

static void wait_while_held(void) {
    const char *file = getenv("RAFTD_HOLD_FILE");
    while (file != NULL && access(file, F_OK) == 0) {
        nanosleep(&(struct timespec){.tv_nsec = 2000000}, NULL);
    }
}

static int sync_with(const char *name, int descriptor) {
    int (*real)(int);
    *(void **)&real = dlsym(RTLD_NEXT, name);
    wait_while_held();
    return real(descriptor);
}

int fdatasync(int descriptor) {
    return sync_with("fdatasync", descriptor);
}

int fsync(int descriptor) {
    return sync_with("fsync", descriptor);
}
