/* The file `identity`: proof, outside LevelDB, that this directory holds a store whose node has spoken to others. It is the
 * last thing written when a store is made and never changes: where it is, LevelDB's files must be as well.
 *
 *     raftd identity 1
 *     node 3
 *     incarnation 5f0c...            (32 hexadecimal digits)
 *     crc32c 1a2b3c4d                (over all lines above)
 */
#ifndef RAFTD_IDENTITY_H
#define RAFTD_IDENTITY_H

#include "storage/storage.h"

#define IDENTITY_NAME      "identity"
#define IDENTITY_TEMPORARY "identity.new"

/* A new incarnation from the system's random source for `node_id`. */
struct storage_identity identity_make(raft_node_id node_id);

/* Text of the file; the answer is its length, at most IDENTITY_TEXT_MAX - 1. */
enum { IDENTITY_TEXT_MAX = 160 };
size_t identity_format(const struct storage_identity *identity, char *out_text);
/* Takes any bytes; true only for exactly what identity_format writes. */
bool identity_parse(const char *text, size_t size, struct storage_identity *out_identity);

/* STORAGE_FAILED or STORAGE_OK; on disk, name included, when it is OK. */
enum storage_error identity_write(int directory, const struct storage_identity *identity,
                                  struct storage_message *out_message);
/* STORAGE_DAMAGED when the file is not as it was written, STORAGE_FAILED when it cannot be read. */
enum storage_error identity_read(int directory, struct storage_identity *out_identity, struct storage_message *out_message);

#endif
