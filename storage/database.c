#include "storage/database.h"

#include "storage/failure.h"

#include "server/base/memory.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    /* Held in memory before it becomes a table: what an idle node keeps resident, and how much log a start replays. */
    WRITE_BUFFER_BYTES = 4 << 20,
    OPEN_FILES = 74,        /* LevelDB's least: ten of its own and 64 tables. */
    BLOCK_BYTES = 16 << 10, /* Entries are read in order, so large blocks cost nothing and keep the index small. */
    CACHE_BYTES = 256 << 10 /* Tables are mapped; the cache only serves what could not be. */
};

static leveldb_options_t *make_options(leveldb_cache_t *cache, bool is_new) {
    leveldb_options_t *options = leveldb_options_create();
    leveldb_options_set_create_if_missing(options, is_new);
    leveldb_options_set_error_if_exists(options, is_new);
    /* Safe because recovery.c has cut off the torn tail that paranoid checks would refuse. */
    leveldb_options_set_paranoid_checks(options, 1);
    leveldb_options_set_write_buffer_size(options, WRITE_BUFFER_BYTES);
    leveldb_options_set_max_open_files(options, OPEN_FILES);
    leveldb_options_set_block_size(options, BLOCK_BYTES);
    leveldb_options_set_compression(options, leveldb_no_compression);
    if (cache != NULL) {
        leveldb_options_set_cache(options, cache);
    }
    return options;
}

/* LevelDB takes a listing of the directory that breaks off for the end of it, and then misses files that are there. It
 * names one of them. */
static bool is_there_after_all(const char *text) {
    static const char naming[] = "missing files; e.g.: ";
    const char *found = strstr(text, naming);
    return found != NULL && access(found + sizeof naming - 1, F_OK) == 0;
}

/* LevelDB tells its errors as text; the text begins with the kind. */
static enum storage_error open_error(const char *path, const char *text, struct storage_message *out_message) {
    if (strncmp(text, "IO error: lock ", 15) == 0) {
        return failure_tell(out_message, STORAGE_LOCKED, "%.200s is in use by another process (%.200s)", path, text);
    }
    if (strncmp(text, "IO error", 8) == 0) {
        return failure_tell(out_message, STORAGE_FAILED, "cannot open %.150s: %.300s", path, text);
    }
    if (is_there_after_all(text)) {
        return failure_tell(out_message, STORAGE_FAILED,
                            "cannot open %.150s: a listing of it broke off, or it changed meanwhile (%.200s); start again",
                            path, text);
    }
    return failure_tell(out_message, STORAGE_DAMAGED, "cannot open %.100s: %.200s" FAILURE_CURE, path, text);
}

enum storage_error database_open(const char *path, bool is_new, struct database **out_database,
                                 struct storage_message *out_message) {
    struct database *database = memory_zalloc(sizeof *database);
    database->cache = leveldb_cache_create_lru(CACHE_BYTES);
    database->options = make_options(database->cache, is_new);
    database->verified = leveldb_readoptions_create();
    leveldb_readoptions_set_verify_checksums(database->verified, 1);
    leveldb_readoptions_set_fill_cache(database->verified, 0);
    database->synced = leveldb_writeoptions_create();
    leveldb_writeoptions_set_sync(database->synced, 1);
    pthread_mutex_init(&database->writing, NULL);
    char *text = NULL;
    database->handle = leveldb_open(database->options, path, &text);
    if (text != NULL) {
        enum storage_error error = open_error(path, text, out_message);
        leveldb_free(text);
        database_close(database);
        return error;
    }
    *out_database = database;
    return STORAGE_OK;
}

void database_close(struct database *database) {
    if (database == NULL) {
        return;
    }
    if (database->handle != NULL) {
        leveldb_close(database->handle);
    }
    leveldb_writeoptions_destroy(database->synced);
    leveldb_readoptions_destroy(database->verified);
    leveldb_options_destroy(database->options);
    leveldb_cache_destroy(database->cache);
    pthread_mutex_destroy(&database->writing);
    free(database->failure);
    free(database);
}

char *database_write(struct database *database, leveldb_writebatch_t *batch) {
    char *text = NULL;
    pthread_mutex_lock(&database->writing);
    if (database->failure == NULL) {
        leveldb_write(database->handle, database->synced, batch, &text);
        database->failure = text == NULL ? NULL : memory_text(text, strlen(text));
    } else {
        text = memory_text(database->failure, strlen(database->failure));
    }
    pthread_mutex_unlock(&database->writing);
    return text;
}

enum storage_error database_remove(const char *path, struct storage_message *out_message) {
    leveldb_options_t *options = make_options(NULL, false);
    char *text = NULL;
    leveldb_destroy_db(options, path, &text);
    leveldb_options_destroy(options);
    if (text == NULL) {
        return STORAGE_OK;
    }
    enum storage_error error = failure_tell(out_message, STORAGE_FAILED, "cannot clear %.200s away: %.250s", path, text);
    leveldb_free(text);
    return error;
}

/* A call that fails (no descriptors, a bad cable) is no reason to wipe anything. LevelDB says "Invalid argument" itself, of
 * a place outside a table, which only damage leads to. */
static bool is_call_failed(const char *text) {
    return strncmp(text, "IO error", 8) == 0 && strstr(text, strerror(EINVAL)) == NULL;
}

enum storage_error database_end_of_loop(const leveldb_iterator_t *iterator, struct storage_message *out_message) {
    char *text = NULL;
    leveldb_iter_get_error(iterator, &text);
    if (text == NULL) {
        return STORAGE_OK;
    }
    enum storage_error error =
        is_call_failed(text) ? failure_tell(out_message, STORAGE_FAILED, "reading the log: %.300s", text)
                             : failure_tell(out_message, STORAGE_DAMAGED, "reading the log: %.300s" FAILURE_CURE, text);
    leveldb_free(text);
    return error;
}
