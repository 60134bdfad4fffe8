#include "server/machine/registry.h"

#include <string.h>

const struct machine *machine_by_name(const char *name) {
    const struct machine *shipped[] = {machine_hashmap(), machine_register()};
    for (size_t i = 0; i < sizeof shipped / sizeof shipped[0]; i++) {
        if (strcmp(name, shipped[i]->name) == 0) {
            return shipped[i];
        }
    }
    return NULL;
}

bool machine_name_valid(const char *name) {
    size_t size = strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-");
    return size >= 1 && size <= MACHINE_NAME_SIZE_MAX && name[size] == '\0';
}
