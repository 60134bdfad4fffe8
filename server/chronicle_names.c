#include "server/chronicle.h"

const char *chronicle_kind_name(enum chronicle_kind kind) {
    static const char *const names[] = {
        [CHRONICLE_STARTED] = "started",     [CHRONICLE_PRE_CANDIDATE] = "pre_candidate",
        [CHRONICLE_CANDIDATE] = "candidate", [CHRONICLE_LEADER] = "leader",
        [CHRONICLE_FOLLOWS] = "follows",     [CHRONICLE_NO_LEADER] = "no_leader",
        [CHRONICLE_MEMBERS] = "members",     [CHRONICLE_SNAPSHOT] = "snapshot",
        [CHRONICLE_DISK_FULL] = "disk_full", [CHRONICLE_DISK_STALLED] = "disk_stalled",
        [CHRONICLE_DISK_WELL] = "disk_well", [CHRONICLE_DIVERGED] = "diverged",
        [CHRONICLE_MENDED] = "mended",       [CHRONICLE_REMOVED] = "removed",
    };
    return names[kind];
}
