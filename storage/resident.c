#include "storage/resident.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

/* Is this line of /proc/self/maps a file in `directory`? Then what it maps. */
static bool parse_line(const char *line, const char *directory, uintptr_t *out_start, uintptr_t *out_end) {
    int path_at = 0;
    if (sscanf(line, "%" SCNxPTR "-%" SCNxPTR " %*s %*s %*s %*s %n", out_start, out_end, &path_at) != 2 || path_at == 0) {
        return false;
    }
    size_t size = strlen(directory);
    return strncmp(line + path_at, directory, size) == 0 && line[path_at + (int)size] == '/';
}

void resident_release(const char *directory) {
    FILE *maps = fopen("/proc/self/maps", "re");
    if (maps == NULL) {
        return; /* Nothing is promised, so nothing is lost. */
    }
    char *line = NULL;
    size_t capacity = 0;
    while (getline(&line, &capacity, maps) > 0) {
        uintptr_t start = 0;
        uintptr_t end = 0;
        if (parse_line(line, directory, &start, &end)) {
            /* Not MADV_DONTNEED: LevelDB's thread may have put something else at this address since the line was read, and
             * that would lose its contents. */
            (void)madvise((void *)start, end - start, MADV_PAGEOUT);
        }
    }
    free(line);
    fclose(maps);
}
