#include "server/measures.h"

const char *measures_rpc_name(size_t rpc) {
    return rpc == MEASURES_HEARTBEAT ? "heartbeat" : message_kind_name((enum message_kind)rpc);
}
