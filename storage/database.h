/* LevelDB as this room uses it: opened for a log (few readers, one writer, every batch synced), its errors as ours. */
#ifndef RAFTD_DATABASE_H
#define RAFTD_DATABASE_H

#include "storage/storage.h"

#include <leveldb/c.h>

struct database {
    leveldb_t *handle;
    leveldb_options_t *options;
    leveldb_cache_t *cache;
    leveldb_readoptions_t *verified; /* Every block's checksum is looked at; nothing is put into the cache. */
    leveldb_writeoptions_t *synced;
};

/* Opens what is at `path`; with `is_new`, makes it, and what is there already is an error. */
enum storage_error database_open(const char *path, bool is_new, struct database **out_database,
                                 struct storage_message *out_message);
void database_close(struct database *database); /* NULL is a no-op. */

/* Removes LevelDB's files at `path`, and only those; nothing there is fine. */
enum storage_error database_remove(const char *path, struct storage_message *out_message);

/* What a loop over an iterator ended with: without this a damaged table looks like the end of the data. */
enum storage_error database_end_of_loop(const leveldb_iterator_t *iterator, struct storage_message *out_message);

#endif
