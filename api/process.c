#include "api/process.h"

#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

/* Sizes in pages: the whole address space, and what of it is in memory. */
static void read_memory(struct process_figures *figures) {
    uint64_t all = 0;
    uint64_t resident = 0;
    FILE *file = fopen("/proc/self/statm", "re");
    if (file != NULL && fscanf(file, "%" SCNu64 " %" SCNu64, &all, &resident) == 2) {
        uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
        figures->virtual_bytes = all * page;
        figures->resident_bytes = resident * page;
    }
    if (file != NULL) {
        fclose(file);
    }
}

/* Without the one that looks. */
static uint64_t count_descriptors(void) {
    DIR *directory = opendir("/proc/self/fd");
    if (directory == NULL) {
        return PROCESS_UNKNOWN;
    }
    uint64_t count = 0;
    for (struct dirent *entry = readdir(directory); entry != NULL; entry = readdir(directory)) {
        count += entry->d_name[0] != '.' ? 1 : 0;
    }
    closedir(directory);
    return count > 0 ? count - 1 : PROCESS_UNKNOWN;
}

void process_read(struct process_figures *out_figures) {
    *out_figures = (struct process_figures){
        .resident_bytes = PROCESS_UNKNOWN, .virtual_bytes = PROCESS_UNKNOWN, .max_descriptors = PROCESS_UNKNOWN};
    struct timespec used = {0};
    struct rlimit limit;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
    out_figures->cpu_us = (uint64_t)used.tv_sec * 1000000 + (uint64_t)used.tv_nsec / 1000;
    read_memory(out_figures);
    out_figures->open_descriptors = count_descriptors();
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY) {
        out_figures->max_descriptors = limit.rlim_cur;
    }
}
