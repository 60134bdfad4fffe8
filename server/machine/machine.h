/* The state machine ABI: what a program implements to be replicated ("build what you need"). §2.1, ch. 5.
 *
 * Model. A machine is a table of functions over a state of its own. The node feeds every committed command, in log order,
 * to `apply` on every node of the cluster; `query` reads; `freeze`, `write` and `release` take a snapshot and `restore`
 * starts from one. Commands, queries and results are JSON values: the bytes were checked by the node before they reach a
 * machine, come without white space around them and exactly as the client wrote them; results must be JSON as well.
 *
 * Rules. `apply` is deterministic: the same commands in the same order give the same state and the same result bytes on
 * every node. It reads no clock, no random source and no file, and iterates in an order that does not depend on addresses
 * or seeds. It cannot fail: a command that makes no sense gets MACHINE_REFUSED, on every node alike, and changes nothing.
 *
 * Memory. Arguments are borrowed for the call. Results go to a `struct machine_output`, owned by the caller. Out of memory:
 * abort with a message.
 *
 * Threads. Everything is called on one thread at a time, the reactor's, except `write`, which runs on another thread beside
 * `apply` and `query`: it must read only what `freeze` set aside. `freeze` is to take milliseconds even for a large state;
 * `release` is called on the reactor's thread after `write` has returned. `restore` runs on a fresh state from `create` on
 * another thread, before anything else sees that state.
 *
 * Installed as <raftd/machine.h>; needs nothing else of raftd.
 */
#ifndef RAFTD_MACHINE_H
#define RAFTD_MACHINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Raised when the table below changes in a way that older machines do not fit. */
enum { MACHINE_ABI_VERSION = 1 };

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
    uint32_t abi_version; /* MACHINE_ABI_VERSION as the machine was compiled with. */
    const char *name;     /* As in --machine and in status; nodes with different machines do not form a cluster. */

    void *(*create)(void);        /* An empty state. */
    void (*destroy)(void *state); /* NULL is a no-op. */

    /* May this command enter the log? Looks at the command alone, not at any state. NULL: every JSON value may. */
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

    /* Fills the empty `state` from what `write` wrote. False: the bytes are not a snapshot of this machine; the sentence in
     * `why` says what is wrong. The state is then only good for `destroy`. */
    bool (*restore)(void *state, struct machine_input snapshot, struct machine_output why);
};

/* What a shared library exports to be run as `raftd --machine ./library.so` (README, "Your own state machine"): its table,
 * which stays where it is. A library that is not compiled for this MACHINE_ABI_VERSION, lacks a function or has no name of
 * 1 to 64 letters, digits, '.', '_' and '-' is refused. Nothing else of raftd is there for a library to call. */
const struct machine *raftd_machine(void);

/* -- Inside raftd -- */

/* The machines that ship. */
const struct machine *machine_hashmap(void);
const struct machine *machine_register(void);

/* The shipped machine of that name; NULL when there is none. */
const struct machine *machine_by_name(const char *name);

#ifdef __cplusplus
}
#endif

#endif
