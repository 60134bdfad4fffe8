/* A log store of your own: where a node of libraftd keeps what must outlive it, instead of LevelDB. §3.8, §11.7.2.
 *
 * Model. A log store keeps records, bytes that mean nothing to it, by index: one contiguous run of them (they may begin
 * anywhere), and beside them the facts, one small piece of bytes that each batch replaces. Everything is changed by
 * `write`, a batch: after a crash at any moment all of a batch is there or nothing of it, and all of it once `write` has
 * answered true. That is what the cluster's safety rests on: "true" says that the bytes are synced, file names included,
 * and that a loss of power does not take them back. raftd has checksums of its own over every record and over the facts,
 * and looks at all of them at each start: a store need not find damage, only say what it could not do.
 *
 * What raftd keeps itself. The data directory's `lock` (two nodes never open one directory) and `snapshots` (files, as
 * large as the state). A log may lie in the data directory beside them, or anywhere else; the names `identity`, `creating`,
 * `floor`, `ballast` and `log.db` are raftd's. `raftd inspect` and `raftd recover` know LevelDB only, and refuse such a
 * directory.
 *
 * Threads. `write` is called by one thread at a time, and so is `read`, but a read may run beside a write: it sees the
 * records as they were before it or after it. `open`, `facts` and `close` run while nothing else does.
 *
 * Failure. A call that answers false says why, in a line of text. A `write` that failed leaves unknown what there is: raftd
 * ends the process (exit code 1), and finds out when it starts again. So does a disk that is full; raftd's own store keeps
 * a reserve for that moment and refuses commands before, one of yours is not asked how much room there is.
 *
 * Memory. Arguments are borrowed for the call.
 *
 * Installed as <raftd/log_store.h>; C11 and C++; needs nothing else of raftd. */
#ifndef RAFTD_LOG_STORE_H
#define RAFTD_LOG_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum { LOG_STORE_ABI_VERSION = 1 };
enum { LOG_STORE_FACTS_MAX = 1024 };   /* Bytes. */
enum { LOG_STORE_MESSAGE_SIZE = 400 }; /* Room for a message, with its NUL. */

struct log_store_bytes {
    const void *bytes;
    size_t size; /* At least 1. Of a record: as large as the largest command and some hundred bytes, about. */
};

/* A batch. Performed in this order. */
struct log_store_write {
    uint64_t remove_from; /* Remove this record and all above; 0: none. Then there are none, or the end is below. */
    const struct log_store_bytes *records; /* To be kept from now on ... */
    size_t count;
    uint64_t first;          /* ... from this index on: the one after the end; any, when there are no others. */
    uint64_t remove_through; /* Remove this record, and all below; 0: none. It may be one of this very batch. They are not
                                read again: a store may remove them later, and give them back after a start. */
    struct log_store_bytes facts; /* In the place of those before. */
};

/* Filled in by the program, and left alone as long as a node uses it. */
struct log_store {
    uint32_t abi_version; /* LOG_STORE_ABI_VERSION. */
    uint32_t table_size;  /* sizeof(struct log_store). */
    const char *name;     /* For people. */

    /* Opens what is there, or makes it; `directory` is the node's data directory, which is there and locked. NULL: it
     * cannot be. `context` is raftd_options' log_context, in all calls of several nodes perhaps the same. */
    void *(*open)(void *context, const char *directory, char *message, size_t message_size);
    void (*close)(void *log);

    /* The facts of the newest batch; *out_size 0 when there was none yet. */
    bool (*facts)(void *log, char out_facts[LOG_STORE_FACTS_MAX], size_t *out_size, char *message, size_t message_size);

    /* Hands every record from `first` to `last` that there is to `take`, in order, until that answers false. */
    bool (*read)(void *log, uint64_t first, uint64_t last,
                 bool (*take)(void *taker, uint64_t index, const void *bytes, size_t size), void *taker, char *message,
                 size_t message_size);

    bool (*write)(void *log, const struct log_store_write *write, char *message, size_t message_size);
};

#ifdef __cplusplus
}
#endif

#endif
