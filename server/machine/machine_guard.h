/* A guard around a machine that is not raftd's own: what it answers is looked at before it goes on.
 *
 * A result that is no JSON or too large, or a verdict that is none, would make answers that no client can read: it is
 * replaced, on every node alike, by {"raftd_error":"..."}, which says so. What the machine has done to its state stays
 * done. (Ending the process instead would end every node, and again at each start, since commands cannot be skipped.) A
 * query answered so is refused; sentences that are no text are replaced. A snapshot that the machine itself does not
 * finish ends the process. */
#ifndef RAFTD_MACHINE_GUARD_H
#define RAFTD_MACHINE_GUARD_H

#include "server/machine/machine.h"

/* The machine behind the guard, of which a process has one: called once, before any other thread is started. */
const struct machine *machine_guard(const struct machine *machine);

/* Whether it has been called. */
bool machine_guard_taken(void);

#endif
