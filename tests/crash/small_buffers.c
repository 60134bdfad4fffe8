/* LevelDB with a small write buffer: its logs roll over and its tables are merged after kilobytes. */
#include <dlfcn.h>
#include <leveldb/c.h>
#include <stdlib.h>

enum { WRITE_BUFFER_BYTES = 64 << 10 /* LevelDB's least. */ };

void leveldb_options_set_write_buffer_size(leveldb_options_t *options, size_t size) {
    void (*real)(leveldb_options_t * options, size_t size);
    *(void **)&real = dlsym(RTLD_NEXT, "leveldb_options_set_write_buffer_size");
    real(options, size < WRITE_BUFFER_BYTES ? size : WRITE_BUFFER_BYTES);
}
