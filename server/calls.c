#include "server/calls.h"

#include "server/base/memory.h"
#include "server/node_state.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

void calls_clear(struct calls *calls) {
    free(calls->list);
    *calls = (struct calls){0};
}

void calls_send(struct node *node, const struct members_member *to, struct message_request *request, uint64_t context,
                uint32_t timeout_ms) {
    struct calls *calls = &node->calls;
    node_address(node, to, &request->address);
    calls->list = memory_grow(calls->list, &calls->capacity, calls->count + 1, sizeof *calls->list);
    struct call *call = &calls->list[calls->count++];
    uint64_t token = node_new_number(node);
    if (request->round == 0) {
        request->round = token; /* Not one of the consensus module's: any number that is not used again will do. */
    }
    *call = (struct call){
        .token = token,
        .kind = request->kind,
        .to = to->id,
        .round = request->round,
        .context = context,
        .began_ms = node->now_ms,
        .begun_us = measures_now_us(node),
        .heartbeat = request->kind == MESSAGE_APPEND_ENTRIES && request->raft.append_entries.entry_count == 0,
    };
    memcpy(call->incarnation, to->incarnation, sizeof call->incarnation);
    const char *elsewhere = NULL;
    if (request->kind != MESSAGE_PROBE) {
        contacts_asked(node, to->id);
        elsewhere = contacts_elsewhere(node, to);
    }
    call->elsewhere = elsewhere != NULL;
    node->io.transport.send(node->io.transport.context, elsewhere != NULL ? elsewhere : to->url, request, timeout_ms,
                            token);
}

bool calls_take(struct calls *calls, uint64_t token, struct call *out_call) {
    for (size_t i = 0; i < calls->count; i++) {
        if (calls->list[i].token == token) {
            *out_call = calls->list[i];
            calls->list[i] = calls->list[--calls->count];
            return true;
        }
    }
    return false;
}
