#include "api/ctl/progress.h"

#include "api/client/clock.h"

#include <inttypes.h>
#include <string.h>
#include <unistd.h>

void progress_text(uint64_t done, uint64_t total, char *out, size_t size) {
    if (total == 0) {
        snprintf(out, size, "%" PRIu64, done);
        return;
    }
    char bar[PROGRESS_WIDTH + 1];
    double part = done < total ? (double)done / (double)total : 1.0;
    size_t full = (size_t)(part * PROGRESS_WIDTH);
    memset(bar, '#', full);
    memset(bar + full, '.', PROGRESS_WIDTH - full);
    bar[PROGRESS_WIDTH] = '\0';
    snprintf(out, size, "[%s] %3d %%", bar, (int)(part * 100));
}

void progress_begin(struct progress *progress, const char *what) {
    *progress = (struct progress){.file = isatty(STDERR_FILENO) ? stderr : NULL, .what = what};
}

void progress_show(struct progress *progress, uint64_t done, uint64_t total) {
    char text[PROGRESS_WIDTH + 32];
    if (progress->file == NULL) {
        return;
    }
    uint64_t now = clock_ms();
    if (progress->drawn && now - progress->drawn_ms < PROGRESS_EVERY_MS) {
        return;
    }
    progress->drawn = true;
    progress->drawn_ms = now;
    progress_text(done, total, text, sizeof text);
    fprintf(progress->file, "\r%s %s", progress->what, text);
    fflush(progress->file);
}

void progress_end(struct progress *progress) {
    if (progress->file != NULL && progress->drawn) {
        fprintf(progress->file, "\r\033[K");
        fflush(progress->file);
    }
    progress->drawn = false;
}
