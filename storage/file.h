/* Small files, read and written as a whole. Every function sets errno when it answers false. */
#ifndef RAFTD_FILE_H
#define RAFTD_FILE_H

#include <stdbool.h>
#include <stddef.h>

/* Writes all of `bytes` at `offset`. */
bool file_write_at(int descriptor, const void *bytes, size_t size, size_t offset);

/* Reads all of `name`; the caller frees *out_bytes. A file of more than `max_bytes` is EFBIG. */
bool file_read(int directory, const char *name, size_t max_bytes, char **out_bytes, size_t *out_size);

/* Puts `bytes` into `name`, by way of `temporary`: after a crash the file is the old one or the new one, and it is the new
 * one, name included, once this has answered true. */
bool file_replace(int directory, const char *name, const char *temporary, const void *bytes, size_t size);

#endif
