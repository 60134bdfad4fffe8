/* Machines that come as shared libraries (`--machine ./mine.so`): loaded, looked over, and kept from harming what stands
 * around them by answers that are none.
 *
 * A library exports `raftd_machine` (machine.h), which answers its table. The table is refused, with a sentence that says
 * why, when it is of another ABI, lacks a function or a name, or calls itself like a machine that ships.
 *
 * The machine handed out is the library's behind a guard. A result that is no JSON or too large, or a verdict that is none,
 * would make answers that no client can read: it is replaced, on every node alike, by {"raftd_error":"..."}, which says so.
 * What the machine has done to its state stays done. (Ending the process instead would end every node, and again at each
 * start, since commands cannot be skipped.) A query answered so is refused; sentences that are no text are replaced. A
 * snapshot that the machine itself does not finish ends the process.
 *
 * A library stays loaded until the process ends, and there is one a process: a second call with another path is refused.
 * Threads: before any other thread is started. */
#ifndef RAFTD_MACHINE_LIBRARY_H
#define RAFTD_MACHINE_LIBRARY_H

#include "server/machine/machine.h"

enum {
    MACHINE_LIBRARY_NAME_MAX = 64, /* Bytes of a machine's name: letters, digits, '.', '_' and '-'. */
    MACHINE_LIBRARY_MESSAGE_SIZE = 768
};

struct machine_library_message {
    char text[MACHINE_LIBRARY_MESSAGE_SIZE];
};

/* `path` has a slash in it. NULL: it cannot be used, and `out_message` says why in one line that names the path. */
const struct machine *machine_library_open(const char *path, struct machine_library_message *out_message);

#endif
