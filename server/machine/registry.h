/* The machines that ship, and what any machine may be called. */
#ifndef RAFTD_MACHINE_REGISTRY_H
#define RAFTD_MACHINE_REGISTRY_H

#include "server/machine/machine.h"

const struct machine *machine_hashmap(void);
const struct machine *machine_register(void);

/* The shipped machine of that name; NULL when there is none. */
const struct machine *machine_by_name(const char *name);

enum { MACHINE_NAME_SIZE_MAX = 64 }; /* Bytes of a name: letters, digits, '.', '_' and '-'; at least one. */
bool machine_name_valid(const char *name);

#endif
