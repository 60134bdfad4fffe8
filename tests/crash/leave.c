/* leave JOURNAL SEED COUNT DIRECTORY: makes DIRECTORY/1 to DIRECTORY/COUNT, each what a loss of power could have left at
 * some record of the journal, spread over all of it. For each prints a line: its number, how many marks the journal had
 * then, and how it came about. */
#include "tests/crash/replay.h"

#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

static const enum replay_part parts[][2] = {
    {REPLAY_NOTHING, REPLAY_NOTHING}, {REPLAY_ANY, REPLAY_ANY},     {REPLAY_ALL, REPLAY_ALL},     {REPLAY_ANY, REPLAY_ANY},
    {REPLAY_FIRST, REPLAY_FIRST},     {REPLAY_ALL, REPLAY_NOTHING}, {REPLAY_NOTHING, REPLAY_ALL}, {REPLAY_ALL, REPLAY_ANY}};

static struct replay *open_or_exit(const char *path) {
    struct replay *replay = replay_open(path);
    if (replay == NULL) {
        perror(path);
        exit(2);
    }
    return replay;
}

static size_t count_records(const char *path) {
    struct replay *replay = open_or_exit(path);
    size_t count = 0;
    while (replay_step(replay) != NULL) {
        count++;
    }
    replay_close(replay);
    return count;
}

static void leave(const struct replay *replay, uint64_t seed, size_t number, size_t marks, const char *directory) {
    char path[PATH_MAX];
    const enum replay_part *part = parts[number % (sizeof parts / sizeof *parts)];
    const struct replay_choice choice = {.names = part[0], .bytes = part[1], .seed = seed + number};
    struct replay_image image = replay_leave(replay, &choice);
    snprintf(path, sizeof path, "%.3000s/%zu", directory, number);
    if (!replay_image_put(&image, path)) {
        perror(path);
        exit(2);
    }
    printf("%zu %zu record %zu (%s), names %d, bytes %d, drawn by %" PRIu64 "\n", number, marks, replay_position(replay),
           replay_describe(replay), (int)choice.names, (int)choice.bytes, choice.seed);
    replay_image_free(&image);
}

int main(int count, char **arguments) {
    if (count != 5) {
        fprintf(stderr, "leave JOURNAL SEED COUNT DIRECTORY\n");
        return 2;
    }
    uint64_t seed = strtoull(arguments[2], NULL, 10);
    size_t wanted = strtoull(arguments[3], NULL, 10);
    size_t records = count_records(arguments[1]);
    struct replay *replay = open_or_exit(arguments[1]);
    size_t left = 0;
    size_t marks = 0;
    for (const struct journal_record *record = replay_step(replay); record != NULL; record = replay_step(replay)) {
        marks += record->kind == JOURNAL_MARK;
        while (left < wanted && replay_position(replay) * wanted >= (left + 1) * records) {
            leave(replay, seed, ++left, marks, arguments[4]);
        }
    }
    replay_close(replay);
    return 0;
}
