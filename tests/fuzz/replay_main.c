/* Runs a fuzz target over files, without libFuzzer: every regular file among the arguments, and in the directories among
 * them. replay DIRECTORY-OR-FILE... Exit 1 when an argument cannot be read or nothing was run; a target that finds
 * something aborts. */
#include <dirent.h>
#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "server/base/memory.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { PATH_SIZE_MAX = 4096 };

static bool complain(const char *path) {
    fprintf(stderr, "replay: %s: %s\n", path, strerror(errno));
    return false;
}

/* The bytes go to the target in a block of exactly their size, so that a sanitizer sees a byte read too much. */
static bool run_file(const char *path, size_t *io_files) {
    FILE *file = fopen(path, "rb");
    if (file == NULL)
        return complain(path);
    char *bytes = NULL;
    size_t capacity = 0;
    size_t size = 0;
    size_t got;
    do {
        bytes = memory_grow(bytes, &capacity, size + 4096, 1);
        got = fread(bytes + size, 1, capacity - size, file);
        size += got;
    } while (got > 0);
    bool read_whole = ferror(file) == 0;
    fclose(file);
    if (!read_whole) {
        free(bytes);
        return complain(path);
    }
    uint8_t *input = memory_copy(bytes, size);
    free(bytes);
    LLVMFuzzerTestOneInput(input, size);
    free(input);
    ++*io_files;
    return true;
}

static bool run_directory(const char *path, size_t *io_files) {
    DIR *directory = opendir(path);
    if (directory == NULL)
        return complain(path);
    bool all_run = true;
    struct dirent *entry;
    while ((entry = readdir(directory)) != NULL) {
        char file_path[PATH_SIZE_MAX];
        int length = snprintf(file_path, sizeof file_path, "%s/%s", path, entry->d_name);
        if (length < 0 || length >= PATH_SIZE_MAX) {
            errno = ENAMETOOLONG;
            all_run = complain(path);
            continue;
        }
        struct stat status;
        if (stat(file_path, &status) != 0)
            all_run = complain(file_path);
        else if (S_ISREG(status.st_mode) && !run_file(file_path, io_files))
            all_run = false;
    }
    closedir(directory);
    return all_run;
}

static bool run_path(const char *path, size_t *io_files) {
    struct stat status;
    if (stat(path, &status) != 0)
        return complain(path);
    return S_ISDIR(status.st_mode) ? run_directory(path, io_files) : run_file(path, io_files);
}

int main(int argc, char **argv) {
    size_t files = 0;
    bool all_run = true;
    for (int i = 1; i < argc; i++)
        all_run = run_path(argv[i], &files) && all_run;
    printf("replay: %zu files\n", files);
    return all_run && files > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
