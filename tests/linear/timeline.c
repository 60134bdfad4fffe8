#include "tests/linear/timeline.h"

bool timeline_write(const char *path, const struct history *history, enum linear_verdict verdict, uint32_t key,
                    const struct history_record *culprit) {
    (void)history;
    (void)verdict;
    (void)key;
    (void)culprit;
    FILE *file = fopen(path, "w");
    return file != NULL && fclose(file) == 0;
}
