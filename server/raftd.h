/* libraftd: a whole node in your own program, with your own state machine.
 *
 *     const char *arguments[] = {"--id", "1", "--data-dir", "data1", "--listen", "127.0.0.1:8001", NULL};
 *     struct raftd_options options = {.size = sizeof options, .arguments = arguments, .machine = &mine};
 *     char why[RAFTD_MESSAGE_SIZE];
 *     struct raftd *node = raftd_start(&options, why, sizeof why);
 *     ...
 *     raftd_stop(node);
 *
 * What a node is told are the options of the program raftd, as raftd(8) and `raftd --help` list them; its program is
 * nothing but a call of raftd_run. The machine is a table as in <raftd/machine.h>, with the same rules, guarded in the same
 * way; nodes of a cluster run the same one, by its name. The log lies in LevelDB, or in a log store of the program's own, a
 * table as in <raftd/log_store.h>. To the node one speaks over HTTP, from the same process as from
 * any other; <raftd/raftclient.h> does it in C.
 *
 * Nodes in a process. Any number, each with a data directory and an address of its own. Machines that are not raftd's own
 * are one a process, and a program (`--machine exec:`) serves one node, once; so does TLS, one node at a time.
 *
 * Threads. raftd_start and raftd_stop may be called from any thread, also at the same time, but for one node by one thread
 * only. A node runs on threads of its own, in which all signals are blocked: the machine is called there, as machine.h
 * says.
 *
 * The process. raftd_start changes nothing that belongs to the process: signals, umask, limits stay the caller's. Each
 * connection takes a descriptor, so a low limit of them is felt. The log goes to standard error. What a node cannot live
 * with ends the process: memory that runs out, a disk that fails to write (exit code 1), a program behind `--machine exec:`
 * that fails (3). Not for use after fork() in the child.
 *
 * Memory. Arguments are borrowed for the call, but for the tables of the machine and of the log store, which stay where
 * they are.
 */
#ifndef RAFTD_H
#define RAFTD_H

#include "server/machine/machine.h"
#include "storage/log_store.h"

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default) /* Of libraftd nothing else is seen. */

enum { RAFTD_MESSAGE_SIZE = 1200 }; /* Enough for any message, with its NUL. */

/* How a node ended, or why it did not begin. Exit codes of the program raftd. */
enum raftd_end {
    RAFTD_ENDED = 0,       /* It was told to end, and has finished what it had begun. */
    RAFTD_UNUSABLE = 1,    /* The data directory or the address cannot be used. It stands in the log, too. */
    RAFTD_WRONG_OPTION = 2 /* An option, or the machine's table, is wrong. */
};

/* All zero, but for `size`, is a node alone on 127.0.0.1:8001 with the machine hashmap. */
struct raftd_options {
    size_t size;                    /* sizeof(struct raftd_options), so that the struct may grow. */
    const char *const *arguments;   /* As on the command line, without the program's name, ended by NULL; NULL: none. */
    const char *const *environment; /* Lines like RAFTD_DATA_DIR=data1, ended by NULL; NULL: none is looked at. */
    const struct machine *machine;  /* Takes the place of --machine; NULL: that one. */
    const struct log_store *log;    /* Where the log and the vote are kept; NULL: in LevelDB, in the data directory. */
    void *log_context;              /* For log->open. */
};

/* Runs a node on the calling thread, as the program raftd does: until SIGTERM or SIGINT, which it blocks and reads itself
 * (other threads must have them blocked, too), and with word to systemd where that asks for it. `message` (may be NULL)
 * says what was wrong, in a line. */
enum raftd_end raftd_run(const struct raftd_options *options, char *message, size_t message_size);

struct raftd;

/* Starts a node; when this returns it listens. NULL: it could not be; `message` (may be NULL) says why, in a line, and
 * `out_end` (may be NULL) of which kind that is. */
struct raftd *raftd_start(const struct raftd_options *options, char *message, size_t message_size, enum raftd_end *out_end);

/* Ends it as SIGTERM ends raftd: a leader hands over, what is in flight is finished or answered (for 5 s at most). Returns
 * when all of it is gone. NULL is a no-op. */
void raftd_stop(struct raftd *node);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif

#endif
