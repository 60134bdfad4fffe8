/* The state machine ABI: what a program implements to be replicated ("build what you need"). §2.1, ch. 5.
 *
 * Model. A machine is a table of functions over a state of its own. The node feeds every committed command, in log order,
 * to `apply` on every node of the cluster; `query` reads; `freeze`, `write` and `release` take a snapshot and `restore`
 * starts from one. Commands, queries and results are JSON values: the bytes were checked by the node before they reach a
 * machine (RFC 8259, at most 512 levels), come without white space around them and exactly as the client wrote them, and
 * are not NUL-terminated. Results must be JSON as well, of at most MACHINE_RESULT_BYTES_MAX bytes.
 *
 * How a library comes in. It exports one function, `raftd_machine`, which answers its table; `raftd --machine ./mine.so`
 * (a path with a slash in it) loads it and looks the table over. It is not unloaded. `make new-machine NAME=mine` writes a
 * skeleton, the README's chapter "Write your own state machine in ten minutes" fills one in. Several states of a machine
 * exist at once in a process: keep nothing in globals.
 *
 * Determinism. The same commands in the same order give the same state and the same result bytes on every node: no clock,
 * no random numbers, no file, no environment, no order that depends on addresses or hashes with seeds, no floating point
 * whose last digit a library or a processor may choose, nothing left from before `create`. What `apply` may look at is the
 * state, `index` and the command. It cannot fail: a command that makes no sense gets MACHINE_REFUSED, on every node alike,
 * and changes nothing. A new version of a machine must apply what is in the log as the old one did, or carry another name.
 *
 * Memory. Arguments are borrowed for the call. Results go to a `struct machine_output`, owned by the caller. What `create`
 * and `freeze` answer is the machine's own until `destroy` and `release`. Out of memory: abort with a message.
 *
 * Threads. Everything is called on one thread at a time, the reactor's, except
 * - `write`, which runs on another thread beside `apply` and `query`: it must read only what `freeze` set aside;
 * - `create` and then `restore` on the state it made, which run on another thread beside all that is called for other
 *   states, before anything else sees the new state; `destroy` of a state that was replaced runs on another thread too.
 * `freeze` is to take milliseconds even for a large state; `release` is called on the reactor's thread after `write` has
 * returned, or without a `write` when the snapshot was given up, and before the state's `destroy`. While `apply`, `query`,
 * `check`, `freeze` and `release` run, the node does nothing else: what takes them longer than an election time-out (1 s by
 * default) costs a leader its office.
 *
 * Mistakes. A machine that crashes takes its node with it, and a command that crashes it does so on every node, again at
 * each start: commands cannot be skipped. These are contained instead, for machines that come as libraries:
 * - a result of `apply` that is no JSON, or too large, or a verdict that is none: the command counts as applied, and its
 *   result is {"raftd_error":"the machine NAME ..."}, on every node alike;
 * - the same of `query`: the query is refused with such a sentence; a sentence that is no text is replaced;
 * - `write` that answers false though every byte was taken: the process ends with a message that names the machine;
 * - a state that is not the majority's (it is compared by a hash over commands and results): the node answers no query and
 *   gets the others' snapshot.
 *
 * Stability. MACHINE_ABI_VERSION changes when a machine that fitted before would not fit any more; raftd then refuses
 * older libraries in one line. Within a version, the table grows only at its end, by functions that may be left out.
 *
 * Installed as <raftd/machine.h>; C11 and C++; needs nothing else of raftd, and there is nothing else of raftd for a
 * library to call. */
#ifndef RAFTD_MACHINE_H
#define RAFTD_MACHINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum { MACHINE_ABI_VERSION = 1 };

/* Bytes of one result, and of a sentence: a constant, since what becomes of a command must not differ between nodes. */
enum { MACHINE_RESULT_BYTES_MAX = 16 * 1024 * 1024 };

enum machine_verdict {
    MACHINE_DONE = 0, /* The output holds the result, one JSON value. */
    MACHINE_REFUSED =
        1 /* Not understood, nothing changed: the output holds a sentence of UTF-8 text (not JSON) for people. */
};

/* Where results and snapshot bytes go. `append` copies `size` bytes to the end; it cannot fail for results, and for
 * snapshots it answers false when the file could not be written: stop then. `context` belongs to whoever made the output.
 */
struct machine_output {
    bool (*append)(void *context, const void *bytes, size_t size);
    void *context;
};

/* Where a snapshot is read from. Fills up to `capacity` bytes and answers how many; 0 at the end of the snapshot. */
struct machine_input {
    size_t (*read)(void *context, void *bytes, size_t capacity);
    void *context;
};

struct machine {
    uint32_t abi_version; /* MACHINE_ABI_VERSION and */
    uint32_t table_size;  /* sizeof(struct machine), as the machine was compiled with. */
    /* Of 1 to 64 letters, digits, '.', '_' and '-'. As in status and snapshots; nodes with different machines do not form a
     * cluster. It is the table's, not the file's: the file may lie elsewhere on each node. */
    const char *name;

    void *(*create)(void);        /* An empty state. */
    void (*destroy)(void *state); /* NULL is a no-op. */

    /* May this command enter the log? Looks at the command alone, not at any state. NULL: every JSON value may. `apply`
     * sees commands that an older version of `check` let in, and must refuse what it does not understand by itself. */
    enum machine_verdict (*check)(const char *command, size_t size, struct machine_output why);

    /* Applies the committed command at log index `index` (greater than any before it; not always by one). */
    enum machine_verdict (*apply)(void *state, uint64_t index, const char *command, size_t size,
                                  struct machine_output result);

    /* Reads; changes nothing. */
    enum machine_verdict (*query)(const void *state, const char *query, size_t size, struct machine_output result);

    /* Sets the state aside as it is now; any number of frozen views may exist at once. */
    void *(*freeze)(void *state);
    /* Writes a frozen view. The bytes depend on the contents alone: equal states write equal bytes. False: output refused.
     */
    bool (*write)(const void *frozen, struct machine_output snapshot);
    void (*release)(void *state, void *frozen);

    /* Fills the empty `state` from what `write` wrote, all of it. False: the bytes are not a snapshot of this machine; the
     * sentence in `why` says what is wrong. The state is then only good for `destroy`. */
    bool (*restore)(void *state, struct machine_input snapshot, struct machine_output why);
};

/* What a shared library exports: its table, which stays where it is. */
const struct machine *raftd_machine(void);

#ifdef __cplusplus
}
#endif

#endif
