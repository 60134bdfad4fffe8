/* What must hold in one server's state at the end of every turn; breaking one ends the process before the state gets out.
 */
#ifndef RAFT_INVARIANTS_H
#define RAFT_INVARIANTS_H

#include "server/raft/state.h"

void invariants_check(const struct raft *raft);

#endif
