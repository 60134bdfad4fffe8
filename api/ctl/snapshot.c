/* A backup has its name when all of it is on the disk: it is written under a temporary one beside it, synced, renamed, and
 * the folder synced. */
#include "api/ctl/ctl.h"
#include "api/ctl/progress.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <libgen.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SAVE_TIMEOUT_MS = 60000 };

struct save {
    char temporary[PATH_MAX];
    int file;
    uint64_t written, total;
    int error; /* An errno; 0: none. */
    struct progress progress;
};

static bool put(struct save *save, const char *bytes, size_t size) {
    while (size > 0) {
        ssize_t written = write(save->file, bytes, size);
        if (written < 0 && errno == EINTR) {
            continue;
        }
        if (written <= 0) {
            save->error = written < 0 ? errno : EIO;
            return false;
        }
        bytes += written;
        size -= (size_t)written;
        save->written += (uint64_t)written;
    }
    return true;
}

static bool sink(void *context, const char *bytes, size_t size, uint64_t total) {
    struct save *save = context;
    if (bytes != NULL) {
        progress_show(&save->progress, save->written, save->total);
        return put(save, bytes, size);
    }
    save->written = 0;
    save->total = total;
    if (lseek(save->file, 0, SEEK_SET) < 0 || ftruncate(save->file, 0) != 0) {
        save->error = errno;
        return false;
    }
    return true;
}

/* The file's folder; its name in it is what counts after the rename. */
static bool sync_folder(const char *path) {
    char copy[PATH_MAX];
    snprintf(copy, sizeof copy, "%s", path);
    int folder = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool well = folder >= 0 && fsync(folder) == 0;
    if (folder >= 0) {
        close(folder);
    }
    return well;
}

/* Who is interrupted leaves no half of a backup behind. */
static const char *volatile unfinished;

static void forget(int number) {
    if (unfinished != NULL) {
        unlink(unfinished);
    }
    signal(number, SIG_DFL);
    raise(number);
}

/* False with an errno: there is no file. No signal comes between its making and its being known. */
static bool make_temporary(struct save *save) {
    static const int numbers[] = {SIGINT, SIGTERM, SIGHUP};
    sigset_t held, before;
    sigemptyset(&held);
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        sigaddset(&held, numbers[i]);
        signal(numbers[i], forget);
    }
    sigprocmask(SIG_BLOCK, &held, &before);
    save->file = mkostemp(save->temporary, O_CLOEXEC);
    int error = errno;
    unfinished = save->file >= 0 ? save->temporary : NULL;
    sigprocmask(SIG_SETMASK, &before, NULL);
    errno = error;
    return save->file >= 0;
}

/* The bytes came; now they get their name. */
static int finish(struct save *save, const char *path) {
    if (save->error == 0 && save->total != 0 && save->written != save->total) {
        fprintf(stderr, "raftctl: %" PRIu64 " of %" PRIu64 " bytes came\n", save->written, save->total);
        return CTL_FAILED;
    }
    if (save->error == 0 && save->written == 0) {
        fprintf(stderr, "raftctl: a backup without a byte came\n");
        return CTL_FAILED;
    }
    if (save->error == 0 && (fsync(save->file) != 0 || rename(save->temporary, path) != 0)) {
        save->error = errno;
    }
    if (save->error != 0) {
        fprintf(stderr, "raftctl: %s: %s\n", path, strerror(save->error));
        return CTL_FAILED;
    }
    unfinished = NULL;
    save->temporary[0] = '\0';
    if (!sync_folder(path)) {
        fprintf(stderr, "raftctl: %s is there, but its folder cannot be synced: %s\n", path, strerror(errno));
        return CTL_FAILED;
    }
    return CTL_DONE;
}

static int tell(const struct ctl *ctl, const char *path, uint64_t bytes) {
    int said = ctl->options->json ? printf("{\"size_bytes\":%" PRIu64 "}\n", bytes)
                                  : printf("%s: %" PRIu64 " bytes\n", path, bytes);
    return said > 0 ? CTL_DONE : CTL_FAILED;
}

static int save_to(struct ctl *ctl, const char *path) {
    struct save save = {.file = -1};
    struct stat there;
    if (stat(path, &there) == 0 && S_ISDIR(there.st_mode)) { /* Said before all is downloaded. */
        fprintf(stderr, "raftctl: %s is a folder; name a file in it\n", path);
        return CTL_FAILED;
    }
    int length = snprintf(save.temporary, sizeof save.temporary, "%s.XXXXXX", path);
    errno = ENAMETOOLONG;
    if (length < 0 || (size_t)length >= sizeof save.temporary || !make_temporary(&save)) {
        fprintf(stderr, "raftctl: %s cannot be written: %s\n", path, strerror(errno));
        return CTL_FAILED;
    }
    const struct raftclient_request request = {.size = sizeof request,
                                               .method = "GET",
                                               .path = "/v1/snapshot",
                                               .takes_timeout = true,
                                               .attempt_ms = SAVE_TIMEOUT_MS, /* To take one may take long. */
                                               .sink = sink,
                                               .sink_context = &save};
    if (ctl->options->timeout_ms == 0) {
        raftclient_set_timeout(ctl->client, SAVE_TIMEOUT_MS);
    }
    progress_begin(&save.progress, "downloading");
    const struct raftclient_answer *answer = raftclient_call(ctl->client, &request);
    progress_end(&save.progress);
    int code = ctl_judge(answer);
    if (code == CTL_DONE) {
        code = finish(&save, path);
    }
    close(save.file);
    if (save.temporary[0] != '\0') {
        unlink(save.temporary);
    }
    unfinished = NULL;
    return code == CTL_DONE ? tell(ctl, path, save.written) : code;
}

int snapshot_run(struct ctl *ctl) {
    const struct options *options = ctl->options;
    if (options->argument_count == 2 && strcmp(options->arguments[0], "save") == 0) {
        return save_to(ctl, options->arguments[1]);
    }
    if (options->argument_count == 2 && strcmp(options->arguments[0], "restore") == 0) {
        return snapshot_restore(ctl, options->arguments[1]);
    }
    return ctl_wrong("snapshot takes save FILE or restore FILE");
}
