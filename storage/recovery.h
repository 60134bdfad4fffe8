/* What is looked at, and mended, before LevelDB opens its files, because LevelDB itself would take less for all: CURRENT,
 * the MANIFEST it names, and every .log in use. */
#ifndef RAFTD_RECOVERY_H
#define RAFTD_RECOVERY_H

#include "storage/directory.h"

/* In a directory that is DIRECTORY_STORE. Cuts the torn end off the newest .log, on disk when this returns, and tells `log`
 * (NULL: nobody). STORAGE_DAMAGED; STORAGE_FAILED when a file cannot be read or cut. */
enum storage_error recovery_prepare(const struct directory *directory, void (*log)(void *context, const char *line),
                                    void *log_context, struct storage_message *out_message);

#endif
