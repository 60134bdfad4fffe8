/* What `raftctl --help` says; the manual page is made of it. */
#ifndef RAFTCTL_HELP_H
#define RAFTCTL_HELP_H

#include "api/ctl/options.h"

#include <stdio.h>

/* Of one command, or with OPTIONS_COMMANDS all there is. */
void help_print(FILE *file, enum options_command command);

#endif
