#include "tests/scenarios/runner/story.h"

#include "server/base/memory.h"
#include "tests/scenarios/runner/world.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CONTEXT_LINES = 3 };

struct lines {
    char *bytes;       /* Owned; the ends of lines are zeros. */
    const char **list; /* Owned. */
    size_t count;
};

static char where[1200];

const char *story_where(void) {
    return where[0] == '\0' ? NULL : where;
}

static struct lines lines_of(const char *bytes, size_t size) {
    struct lines lines = {.bytes = memory_text(bytes, size), .list = memory_alloc((size + 1) * sizeof(char *))};
    char *begin = lines.bytes;
    while (begin < lines.bytes + size) {
        char *end = strchr(begin, '\n');
        lines.list[lines.count++] = begin;
        if (end == NULL) {
            break;
        }
        *end = '\0';
        begin = end + 1;
    }
    return lines;
}

static void lines_clear(struct lines *lines) {
    free(lines->bytes);
    free(lines->list);
}

static bool read_file(const char *path, struct text *out) {
    FILE *file = fopen(path, "r");
    char chunk[4096];
    size_t size;
    if (file == NULL) {
        fprintf(stderr, "%s: %s\n", path, strerror(errno));
        return false;
    }
    while ((size = fread(chunk, 1, sizeof chunk, file)) > 0) {
        text_add_bytes(out, chunk, size);
    }
    fclose(file);
    return true;
}

static bool write_file(const char *path, const struct text *text) {
    FILE *file = fopen(path, "w");
    bool written = file != NULL && fwrite(text->bytes, 1, text->size, file) == text->size;
    if (file == NULL || fclose(file) != 0 || !written) {
        fprintf(stderr, "%s: %s\n", path, strerror(errno));
        return false;
    }
    return true;
}

/* -- What differs -- */

/* Length of the longest common subsequence of what is left of both, for all places; (want + 1) * (got + 1). */
static size_t *common_lengths(const struct lines *want, size_t first, size_t last, const struct lines *got) {
    size_t rows = last - first + 1;
    size_t columns = got->count + 1;
    size_t *lengths = memory_zalloc(rows * columns * sizeof *lengths);
    for (size_t i = rows - 1; i-- > 0;) {
        for (size_t j = columns - 1; j-- > 0;) {
            size_t down = lengths[(i + 1) * columns + j];
            size_t right = lengths[i * columns + j + 1];
            bool same = strcmp(want->list[first + i], got->list[j]) == 0;
            lengths[i * columns + j] = same ? lengths[(i + 1) * columns + j + 1] + 1 : down > right ? down : right;
        }
    }
    return lengths;
}

static bool differs_soon(const struct lines *want, size_t at, size_t last, const struct lines *got, size_t got_at) {
    for (size_t i = 0; i < CONTEXT_LINES; i++) {
        bool ends = at + i == last || got_at + i == got->count;
        if (ends || strcmp(want->list[at + i], got->list[got_at + i]) != 0) {
            return !(at + i == last && got_at + i == got->count);
        }
    }
    return false;
}

/* The block with its lines marked: - was expected, + was told instead. Of what is the same, a few lines around. */
static void print_difference(const struct lines *want, size_t first, size_t last, const struct lines *got) {
    size_t *lengths = common_lengths(want, first, last, got);
    size_t columns = got->count + 1;
    size_t i = 0;
    size_t j = 0;
    size_t since_change = SIZE_MAX;
    while (first + i < last || j < got->count) {
        bool has_both = first + i < last && j < got->count;
        if (has_both && strcmp(want->list[first + i], got->list[j]) == 0) {
            since_change += since_change == SIZE_MAX ? 0 : 1;
            if (since_change <= CONTEXT_LINES || differs_soon(want, first + i, last, got, j)) {
                fprintf(stderr, "      %s\n", got->list[j]);
            }
            i++;
            j++;
            continue;
        }
        since_change = 0;
        if (j == got->count || (first + i < last && lengths[(i + 1) * columns + j] >= lengths[i * columns + j + 1])) {
            fprintf(stderr, "    - %s\n", want->list[first + i++]);
        } else {
            fprintf(stderr, "    + %s\n", got->list[j++]);
        }
    }
    free(lengths);
}

static bool compare(const char *path, const struct lines *want, size_t first, size_t last, const struct lines *got) {
    for (size_t i = 0; first + i < last || i < got->count; i++) {
        const char *expected = first + i < last ? want->list[first + i] : "(nothing more)";
        const char *told = i < got->count ? got->list[i] : "(nothing more)";
        if (strcmp(expected, told) != 0) {
            fprintf(stderr, "%s:%zu: after %s\n    expected: %s\n    got:      %s\n", path, first + i + 1, story_where(),
                    expected, told);
            print_difference(want, first, last, got);
            return false;
        }
    }
    return true;
}

/* -- Telling -- */

struct telling {
    const char *path;
    bool rewrite;
    struct lines lines;
    struct world world;
    struct text rewritten;
    size_t commands;
};

static bool is_for_people(const char *line) {
    return line[0] == '#' || line[0] == '\0';
}

/* The commands from line `at` on. Answers where they end, at ---- if all is well. */
static size_t run_commands(struct telling *telling, size_t at, bool *out_fine) {
    const struct lines *lines = &telling->lines;
    *out_fine = true;
    while (at < lines->count && strcmp(lines->list[at], "----") != 0) {
        const char *line = lines->list[at];
        snprintf(where, sizeof where, "%s:%zu: %s", telling->path, at + 1, line);
        text_add(&telling->rewritten, "%s\n", line);
        if (is_for_people(line)) {
            fprintf(stderr, "%s:%zu: a command is followed by ---- and what it tells\n", telling->path, at + 1);
            *out_fine = false;
        } else if (!command_run(&telling->world, line)) {
            fprintf(stderr, "%s: %s\n", where, telling->world.out.bytes);
            *out_fine = false;
        }
        if (!*out_fine) {
            return at;
        }
        telling->commands++;
        at++;
    }
    if (at == lines->count) {
        fprintf(stderr, "%s:%zu: a command is followed by ---- and what it tells\n", telling->path, at);
        *out_fine = false;
    }
    return at;
}

/* One block from line `at` on. Answers where it ends; the number of lines when the story cannot go on. */
static size_t tell_block(struct telling *telling, size_t at, bool *out_fine) {
    const struct lines *lines = &telling->lines;
    at = run_commands(telling, at, out_fine);
    if (!*out_fine) {
        return lines->count;
    }
    size_t first = ++at;
    while (at < lines->count && lines->list[at][0] != '\0') {
        at++;
    }
    struct text *out = &telling->world.out;
    if (out->size == 0) {
        text_add(out, "ok\n");
    }
    text_add(&telling->rewritten, "----\n");
    text_add_bytes(&telling->rewritten, out->bytes, out->size);
    struct lines got = lines_of(out->bytes, out->size);
    *out_fine = telling->rewrite || compare(telling->path, lines, first, at, &got);
    lines_clear(&got);
    text_clear(out);
    where[0] = '\0';
    return at;
}

static bool tell(struct telling *telling) {
    bool all_fine = true;
    size_t at = 0;
    while (at < telling->lines.count) {
        const char *line = telling->lines.list[at];
        if (is_for_people(line)) {
            text_add_bytes(&telling->rewritten, line, strlen(line));
            text_add(&telling->rewritten, "\n");
            at++;
            continue;
        }
        bool fine;
        at = tell_block(telling, at, &fine);
        all_fine = all_fine && fine;
    }
    if (telling->commands == 0 && all_fine) {
        fprintf(stderr, "%s:1: a story without a command\n", telling->path);
        return false;
    }
    return all_fine;
}

bool story_tell(const char *path, bool rewrite) {
    struct telling telling = {.path = path, .rewrite = rewrite};
    struct text file = {0};
    if (!read_file(path, &file)) {
        return false;
    }
    telling.lines = lines_of(file.bytes == NULL ? "" : file.bytes, file.size);
    bool fine = tell(&telling);
    if (fine && rewrite) {
        fine = write_file(path, &telling.rewritten);
    }
    where[0] = '\0';
    world_destroy(&telling.world);
    lines_clear(&telling.lines);
    text_clear(&telling.rewritten);
    text_clear(&file);
    return fine;
}
