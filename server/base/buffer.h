/* Bytes shared by counting: the body of a request lives on while entries, the log cache or a message still point into it,
 * so that a command is never copied on its way from the socket to the disk, the followers and the machine.
 *
 * Threads: the count is not atomic. Only the thread of the consensus module (in raftd the reactor's) takes and drops
 * references; other threads may read the bytes while a reference is held for them there. */
#ifndef RAFTD_BUFFER_H
#define RAFTD_BUFFER_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

struct buffer {
    size_t references;
    size_t size;
    char *data; /* Owned. */
};

/* A buffer with one reference around `data` (from malloc), which it takes over. */
struct buffer *buffer_take(char *data, size_t size);
/* The same around a copy. */
struct buffer *buffer_copy(const void *bytes, size_t size);
/* One more reference; NULL stays NULL. */
struct buffer *buffer_retain(struct buffer *buffer);
/* One less; the last one frees. NULL is a no-op. */
void buffer_release(struct buffer *buffer);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif

#endif
