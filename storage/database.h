/* LevelDB as this room uses it: opened for a log (few readers, one writer, every batch synced), its errors as ours. */
#ifndef RAFTD_DATABASE_H
#define RAFTD_DATABASE_H

#include "storage/storage.h"

#include <leveldb/c.h>
#include <pthread.h>

struct database {
    leveldb_t *handle;
    leveldb_options_t *options;
    leveldb_cache_t *cache;
    leveldb_readoptions_t *verified; /* Every block's checksum is looked at; nothing is put into the cache. */
    leveldb_writeoptions_t *synced;
    pthread_mutex_t writing;
    char *failure; /* What the first write that failed said, under `writing`; owned, NULL: none has. */
};

/* Opens what is at `path`; with `is_new`, makes it, and what is there already is an error. */
enum storage_error database_open(const char *path, bool is_new, struct database **out_database,
                                 struct storage_message *out_message);
void database_close(struct database *database); /* NULL is a no-op. */

/* Puts the batch into LevelDB, synced. NULL: it is on disk; else why not, for leveldb_free.
 *
 * One write at a time, of any thread, and none after one that failed: a part of its record may stand in LevelDB's log, and
 * LevelDB would put the next one behind it, where no start finds it. Later writes say what the first one said, until the
 * database is opened anew, which cuts that part off. */
char *database_write(struct database *database, leveldb_writebatch_t *batch);

/* Removes LevelDB's files at `path`, and only those; nothing there is fine. */
enum storage_error database_remove(const char *path, struct storage_message *out_message);

/* What a loop over an iterator ended with: without this a damaged table looks like the end of the data. */
enum storage_error database_end_of_loop(const leveldb_iterator_t *iterator, struct storage_message *out_message);

#endif
