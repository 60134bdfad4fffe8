/* Machines that come as shared libraries (`--machine ./mine.so`): loaded and looked over.
 *
 * A library exports `raftd_machine` (machine.h), which answers its table. The table is refused, with a sentence that says
 * why, when it is of another ABI, lacks a function or a name, or calls itself like a machine that ships.
 *
 * What is handed out is the library's machine behind a guard (machine_guard.h).
 *
 * A library stays loaded until the process ends, and there is one a process: a second call with another path is refused.
 * Threads: one at a time; raftd loads before it starts any. */
#ifndef RAFTD_MACHINE_LIBRARY_H
#define RAFTD_MACHINE_LIBRARY_H

#include "server/machine/machine.h"

enum { MACHINE_LIBRARY_MESSAGE_SIZE = 768 };

struct machine_library_message {
    char text[MACHINE_LIBRARY_MESSAGE_SIZE];
};

/* `path` has a slash in it. NULL: it cannot be used, and `out_message` says why in one line that names the path. */
const struct machine *machine_library_open(const char *path, struct machine_library_message *out_message);

/* The same for a table that the process has already (libraftd): looked over and guarded; called again with it, the same
 * answer. */
const struct machine *machine_library_take(const struct machine *machine, struct machine_library_message *out_message);

#endif
