/* Machines in any language: `--machine exec:./program` runs a program beside the node and asks it over its standard input
 * and output (program.h has the framing). Each state of the machine is a process: `create` starts one, `destroy` ends it.
 *
 * raftd asks                                  the program answers
 *   {"do":"hello","version":1}                  {"name":"mine","version":1}
 *   {"do":"apply","index":12,"command":C}       {"result":R} or {"refused":"why"}, which changes nothing
 *   {"do":"query","query":Q}                    {"result":R} or {"refused":"why"}
 *   {"do":"snapshot"}                           {"snapshot":S}, any JSON value: all of its state
 *   {"do":"restore","snapshot":S}               {"restored":true} or {"refused":"why"}; always to an empty state
 *
 * hello comes first, once to each process. A program may add "deadline_ms" to its answer: how long apply and query may
 * take, 10 to 60,000, 5,000 when left out. The others may take MACHINE_EXEC_LONG_MS. The rules of determinism are
 * machine.h's.
 *
 * The node waits while the program works: its heartbeats too. That is bounded by the deadlines, and a program that takes
 * longer than an election time-out costs a leader its office. A snapshot is one answer, made while the node waits: this
 * is for states that a program writes down within a fraction of a second, some ten megabytes; larger ones want a library.
 *
 * A program that ends, does not answer in time or answers what is none of the above has lost its state, or nobody knows
 * what it is: a command cannot be skipped, and what came after it cannot be applied. The node then says so in one line and
 * ends with MACHINE_EXEC_EXIT; whoever starts it again starts the program anew, from the last snapshot and the log. So the
 * other nodes go on meanwhile; a command that ends the program on each of them stops the cluster until the program is
 * mended. A snapshot that cannot be restored is refused with its reason, as any machine's. Results stand under the guard.
 */
#ifndef RAFTD_MACHINE_EXEC_H
#define RAFTD_MACHINE_EXEC_H

#include "server/machine/machine.h"

#define MACHINE_EXEC_PREFIX "exec:"

enum {
    MACHINE_EXEC_VERSION = 1, /* Of the questions and answers. */
    MACHINE_EXEC_EXIT = 3,
    MACHINE_EXEC_DEADLINE_MS = 5000,
    MACHINE_EXEC_DEADLINE_MS_MIN = 10,
    MACHINE_EXEC_DEADLINE_MS_MAX = 60000,
    MACHINE_EXEC_LONG_MS = 60000, /* hello, snapshot and restore. */
    MACHINE_EXEC_MESSAGE_SIZE = 1024
};

struct machine_exec_message {
    char text[MACHINE_EXEC_MESSAGE_SIZE];
};

/* `path` is what follows the prefix. Runs the program once to ask for its name. NULL: it cannot be used, and `out_message`
 * says why in one line that names the path. Once a process, before any other thread is started. */
const struct machine *machine_exec_open(const char *path, struct machine_exec_message *out_message);

#endif
