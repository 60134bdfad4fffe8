/* The machines that ship. */
#ifndef RAFTD_MACHINE_REGISTRY_H
#define RAFTD_MACHINE_REGISTRY_H

#include "server/machine/machine.h"

const struct machine *machine_hashmap(void);
const struct machine *machine_register(void);

/* The shipped machine of that name; NULL when there is none. */
const struct machine *machine_by_name(const char *name);

#endif
