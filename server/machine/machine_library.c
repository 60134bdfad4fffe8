#include "server/machine/machine_library.h"

#include "server/base/memory.h"
#include "server/machine/machine_guard.h"
#include "server/machine/registry.h"

#include <dlfcn.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SYMBOL "raftd_machine"

static const struct machine *loaded;
static char *loaded_path;
static const struct machine *taken; /* Instead, the process has its own. */

/* -- Loading -- */

static bool fail(struct machine_library_message *out_message, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
static bool fail(struct machine_library_message *out_message, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(out_message->text, sizeof out_message->text, format, arguments);
    va_end(arguments);
    return false;
}

/* One line, whatever the loader says. */
static bool fail_to_load(const char *path, struct machine_library_message *out_message) {
    const char *said = dlerror();
    said = said != NULL ? said : "it cannot be loaded";
    if (strncmp(said, path, strlen(path)) == 0) {
        fail(out_message, "%s", said);
    } else {
        fail(out_message, "%s: %s", path, said);
    }
    for (char *at = out_message->text; *at != '\0'; at++) {
        *at = *at == '\n' ? ' ' : *at;
    }
    return false;
}

static bool is_whole(const struct machine *machine) {
    return machine->create != NULL && machine->destroy != NULL && machine->apply != NULL && machine->query != NULL &&
           machine->freeze != NULL && machine->write != NULL && machine->release != NULL && machine->restore != NULL;
}

static bool look_over(const char *path, const struct machine *machine, struct machine_library_message *out_message) {
    if (machine == NULL) {
        return fail(out_message, "%s: %s() answers no machine", path, SYMBOL);
    }
    if (machine->abi_version != MACHINE_ABI_VERSION) {
        return fail(out_message, "%s is compiled for version %u of the machine interface, this raftd has version %d", path,
                    (unsigned)machine->abi_version, MACHINE_ABI_VERSION);
    }
    if (machine->table_size != sizeof *machine) {
        return fail(out_message, "%s has a table of %u bytes, version %d of the machine interface has one of %zu", path,
                    (unsigned)machine->table_size, MACHINE_ABI_VERSION, sizeof *machine);
    }
    if (machine->name == NULL || !machine_name_valid(machine->name)) {
        return fail(out_message, "%s: the machine's name must be 1 to %d letters, digits, '.', '_' or '-'", path,
                    MACHINE_NAME_SIZE_MAX);
    }
    if (machine_by_name(machine->name) != NULL) {
        return fail(out_message, "%s calls itself %s, which is a machine that ships with raftd", path, machine->name);
    }
    return is_whole(machine) ||
           fail(out_message, "%s: the machine %s lacks a function; only check may be left out", path, machine->name);
}

static const struct machine *load(const char *path, struct machine_library_message *out_message) {
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (library == NULL) {
        fail_to_load(path, out_message);
        return NULL;
    }
    /* ISO C has no cast from an object to a function; POSIX says that their pointers have one form. */
    const struct machine *(*answer)(void) = NULL;
    void *symbol = dlsym(library, SYMBOL);
    memcpy(&answer, &symbol, sizeof answer);
    if (answer == NULL) {
        fail(out_message, "%s has no function %s: it is no state machine", path, SYMBOL);
    } else {
        const struct machine *machine = answer();
        if (look_over(path, machine, out_message)) {
            return machine;
        }
    }
    dlclose(library);
    return NULL;
}

const struct machine *machine_library_open(const char *path, struct machine_library_message *out_message) {
    if (loaded_path != NULL) {
        if (strcmp(path, loaded_path) == 0) {
            return loaded;
        }
        fail(out_message, "%s: a process runs one machine, and has loaded %s", path, loaded_path);
        return NULL;
    }
    if (machine_guard_taken()) {
        fail(out_message, "%s: a process runs one machine, and has another already", path);
        return NULL;
    }
    const struct machine *machine = load(path, out_message);
    if (machine == NULL) {
        return NULL;
    }
    loaded_path = memory_text(path, strlen(path));
    loaded = machine_guard(machine);
    return loaded;
}

const struct machine *machine_library_take(const struct machine *machine, struct machine_library_message *out_message) {
    if (taken != NULL && taken == machine) {
        return loaded;
    }
    if (machine_guard_taken()) {
        fail(out_message, "a process runs one machine of its own, and has another already");
        return NULL;
    }
    if (!look_over("the program's machine", machine, out_message)) {
        return NULL;
    }
    loaded = machine_guard(machine);
    taken = machine;
    return loaded;
}
