/* One sentence for people and one code for the program, together. */
#ifndef RAFTD_FAILURE_H
#define RAFTD_FAILURE_H

#include "storage/storage.h"

/* What every message about damage ends with. */
#define FAILURE_CURE                                                                                                       \
    "; this node's copy is damaged: stop it, remove it from the cluster, wipe the directory and let it join again"

/* Writes the sentence into `out_message` (NULL: nowhere), control characters replaced, and answers `error`. */
enum storage_error failure_tell(struct storage_message *out_message, enum storage_error error, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
