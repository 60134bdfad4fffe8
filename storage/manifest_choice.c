#include "storage/manifest_choice.h"

#include "storage/file.h"
#include "storage/log_file.h"

#include "server/base/memory.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { CURRENT_MAX_BYTES = 64 };

#define CURRENT_TEMPORARY "000000.dbtmp" /* LevelDB removes what is left of such. */

static void name_manifest(uint64_t number, char out_name[DATABASE_FILES_NAME_MAX]) {
    snprintf(out_name, DATABASE_FILES_NAME_MAX, "MANIFEST-%06" PRIu64, number);
}

/* CURRENT is one line that says MANIFEST-number. */
static enum storage_error read_current(const struct database_files *files, uint64_t *out_number) {
    char *bytes = NULL;
    size_t size = 0;
    enum storage_error error = database_files_read(files, "CURRENT", &bytes, &size);
    if (error != STORAGE_OK) {
        return error;
    }
    char *text = memory_text(bytes, size < CURRENT_MAX_BYTES ? size : 0);
    char name[DATABASE_FILES_NAME_MAX];
    bool ok = sscanf(text, "MANIFEST-%20" SCNu64, out_number) == 1;
    name_manifest(ok ? *out_number : 0, name);
    if (!ok || size != strlen(name) + 1 || memcmp(bytes, name, size - 1) != 0 || bytes[size - 1] != '\n') {
        error = database_files_damaged(files, "CURRENT", "is not as it was written");
    }
    free(text);
    free(bytes);
    return error;
}

static enum storage_error is_table_there(const struct database_files *files, uint64_t number, bool *out_is_there) {
    char name[DATABASE_FILES_NAME_MAX];
    snprintf(name, sizeof name, "%06" PRIu64 ".ldb", number);
    enum storage_error error = database_files_is_there(files, name, out_is_there);
    if (error == STORAGE_OK && !*out_is_there) {
        snprintf(name, sizeof name, "%06" PRIu64 ".sst", number);
        error = database_files_is_there(files, name, out_is_there);
    }
    return error;
}

/* Are the files there that LevelDB needs? */
static enum storage_error look_for_files(const struct database_files *files, const struct manifest *manifest,
                                         bool *out_complete) {
    char name[DATABASE_FILES_NAME_MAX];
    snprintf(name, sizeof name, "%06" PRIu64 ".log", manifest->log);
    enum storage_error error = database_files_is_there(files, name, out_complete);
    for (size_t i = 0; error == STORAGE_OK && *out_complete && i < manifest->table_count; i++) {
        error = is_table_there(files, manifest->tables[i], out_complete);
    }
    return error;
}

/* One MANIFEST, as far as it counts. */
struct candidate {
    char name[DATABASE_FILES_NAME_MAX];
    struct manifest manifest;
    bool complete; /* All its files are there. */
    size_t end;    /* Where it is to end. */
    size_t size;
};

/* Without its last record, when all files are there then. */
static enum storage_error leave_last_out(const struct database_files *files, const uint8_t *bytes, size_t end,
                                         struct candidate *candidate) {
    struct manifest shorter;
    bool complete = false;
    if (!manifest_parse(bytes, end, &shorter)) {
        return STORAGE_OK;
    }
    enum storage_error error = look_for_files(files, &shorter, &complete);
    if (error == STORAGE_OK && complete && shorter.log != 0) {
        manifest_free(&candidate->manifest);
        candidate->manifest = shorter;
        candidate->complete = true;
        candidate->end = end;
    } else {
        manifest_free(&shorter);
    }
    return error;
}

static enum storage_error judge(const struct database_files *files, const uint8_t *bytes, struct candidate *candidate) {
    struct log_file_verdict verdict = log_file_check(bytes, candidate->size);
    candidate->end = verdict.state == LOG_FILE_TORN ? verdict.whole_bytes : candidate->size;
    if (verdict.state == LOG_FILE_DAMAGED || !manifest_parse(bytes, candidate->end, &candidate->manifest)) {
        return database_files_damaged(files, candidate->name, "is not as it was written");
    }
    if (candidate->manifest.log == 0) {
        return database_files_damaged(files, candidate->name, "is not as it was written");
    }
    enum storage_error error = look_for_files(files, &candidate->manifest, &candidate->complete);
    if (error == STORAGE_OK && !candidate->complete && verdict.state == LOG_FILE_WHOLE) {
        error = leave_last_out(files, bytes, verdict.without_last, candidate);
    }
    return error;
}

/* After an error there is nothing to be freed in it. */
static enum storage_error read_candidate(const struct database_files *files, uint64_t number,
                                         struct candidate *out_candidate) {
    char *bytes = NULL;
    *out_candidate = (struct candidate){.complete = false};
    name_manifest(number, out_candidate->name);
    enum storage_error error = database_files_read(files, out_candidate->name, &bytes, &out_candidate->size);
    if (error == STORAGE_OK) {
        error = judge(files, (const uint8_t *)bytes, out_candidate);
        free(bytes);
    }
    if (error != STORAGE_OK) {
        manifest_free(&out_candidate->manifest);
    }
    return error;
}

/* -- Newer ones -- */

struct newer {
    uint64_t than;
    uint64_t *numbers;
    size_t count;
    size_t capacity;
};

static void note_newer(void *context, const char *name) {
    struct newer *newer = context;
    char again[DATABASE_FILES_NAME_MAX];
    uint64_t number = 0;
    if (sscanf(name, "MANIFEST-%20" SCNu64, &number) != 1 || number <= newer->than) {
        return;
    }
    name_manifest(number, again);
    if (strcmp(name, again) == 0) {
        newer->numbers = memory_grow(newer->numbers, &newer->capacity, newer->count + 1, sizeof *newer->numbers);
        newer->numbers[newer->count++] = number;
    }
}

static int compare_newest_first(const void *a, const void *b) {
    uint64_t left = *(const uint64_t *)a;
    uint64_t right = *(const uint64_t *)b;
    return left > right ? -1 : left < right;
}

/* A newer one that cannot be read for what is in it is incomplete; one that the system does not give is an error. */
static enum storage_error read_newer(const struct database_files *files, uint64_t number, struct candidate *out_candidate) {
    struct storage_message unheard;
    struct database_files quiet = *files;
    quiet.message = &unheard;
    enum storage_error error = read_candidate(&quiet, number, out_candidate);
    if (error == STORAGE_DAMAGED) {
        return STORAGE_OK;
    }
    if (error != STORAGE_OK) {
        *files->message = unheard;
    }
    return error;
}

static enum storage_error put_current(const struct database_files *files, const char *name) {
    char text[CURRENT_MAX_BYTES + 2];
    int size = snprintf(text, sizeof text, "%s\n", name);
    enum storage_error error = database_files_sync(files, name);
    if (error != STORAGE_OK) {
        return error;
    }
    if (!file_replace(files->descriptor, "CURRENT", CURRENT_TEMPORARY, text, (size_t)size)) {
        return database_files_failed(files, "write", "CURRENT");
    }
    database_files_tell(files, "let %.200s/CURRENT name %s: the power ended while the store was being opened",
                        files->directory->database_path, name);
    return STORAGE_OK;
}

static enum storage_error remove_all_but(const struct database_files *files, const struct newer *newer, const char *kept) {
    bool removed = false;
    for (size_t i = 0; i < newer->count; i++) {
        char name[DATABASE_FILES_NAME_MAX];
        name_manifest(newer->numbers[i], name);
        if (strcmp(name, kept) != 0) {
            if (unlinkat(files->descriptor, name, 0) != 0) {
                return database_files_failed(files, "remove", name);
            }
            removed = true;
        }
    }
    return !removed || fsync(files->descriptor) == 0 ? STORAGE_OK : database_files_failed(files, "sync", "");
}

/* Takes the newest complete one of those that are newer; *candidate as it was when there is none. */
static enum storage_error take_newer(const struct database_files *files, const struct newer *newer,
                                     struct candidate *candidate, bool *out_taken) {
    enum storage_error error = STORAGE_OK;
    *out_taken = false;
    for (size_t i = 0; error == STORAGE_OK && !*out_taken && i < newer->count; i++) {
        struct candidate found;
        error = read_newer(files, newer->numbers[i], &found);
        if (error == STORAGE_OK && found.complete) {
            struct candidate other = *candidate;
            *candidate = found;
            found = other;
            *out_taken = true;
        }
        manifest_free(&found.manifest);
    }
    return error;
}

enum storage_error manifest_choose(const struct database_files *files, struct manifest *out_manifest) {
    struct newer newer = {.count = 0};
    struct candidate candidate = {.complete = false};
    bool taken = false;
    enum storage_error error = read_current(files, &newer.than);
    if (error == STORAGE_OK) {
        error = database_files_for_each(files, note_newer, &newer);
    }
    if (error == STORAGE_OK && newer.count > 0) {
        qsort(newer.numbers, newer.count, sizeof *newer.numbers, compare_newest_first);
        error = take_newer(files, &newer, &candidate, &taken);
    }
    if (error == STORAGE_OK && !taken) {
        error = read_candidate(files, newer.than, &candidate);
    }
    if (error == STORAGE_OK) {
        error = database_files_cut(files, candidate.name, candidate.end, candidate.size);
    }
    if (error == STORAGE_OK && taken) {
        error = put_current(files, candidate.name);
    }
    if (error == STORAGE_OK && candidate.complete) {
        error = remove_all_but(files, &newer, candidate.name);
    }
    free(newer.numbers);
    if (error == STORAGE_OK) {
        *out_manifest = candidate.manifest;
    } else {
        manifest_free(&candidate.manifest);
    }
    return error;
}
