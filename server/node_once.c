/* What clients ask of the exactly-once table (§6.3). */
#include "server/base/memory.h"
#include "server/node_state.h"

#include <assert.h>
#include <string.h>

/* Command and key in one buffer, which the entry will keep. */
static uint64_t propose_with_key(struct node *node, struct json_span command, const struct node_origin *from,
                                 uint32_t timeout_ms, bool forward, node_propose_done done, void *context) {
    struct origin_key key = origin_write_key(from->key, from->key_size);
    char *bytes = memory_alloc(command.size + key.size);
    memcpy(bytes, command.data, command.size);
    memcpy(bytes + command.size, key.bytes, key.size);
    struct buffer *both = buffer_take(bytes, command.size + key.size);
    struct origin origin = origin_plain();
    origin.key = (struct json_span){.data = bytes + command.size, .size = key.size};
    command.data = bytes;
    const struct proposal_content content = {.body = both, .commands = &command, .origins = &origin, .count = 1};
    uint64_t ticket = proposals_add(node, &content, timeout_ms, forward, done, context);
    buffer_release(both);
    return ticket;
}

uint64_t node_propose_once(struct node *node, struct buffer *body, struct json_span command, const struct node_origin *from,
                           uint32_t timeout_ms, bool forward, node_propose_done done, void *context) {
    if (from->key != NULL) {
        assert(from->session == 0 && from->sequence == 0);
        return propose_with_key(node, command, from, timeout_ms, forward, done, context);
    }
    assert(from->session != 0 && from->sequence != 0);
    struct origin origin = {.type = RAFT_COMMAND, .session = from->session, .sequence = from->sequence};
    const struct proposal_content content = {.body = body, .commands = &command, .origins = &origin, .count = 1};
    return proposals_add(node, &content, timeout_ms, forward, done, context);
}

uint64_t node_change_session(struct node *node, uint64_t session, uint32_t timeout_ms, bool forward, node_propose_done done,
                             void *context) {
    struct origin origin = {.type = RAFT_SESSION, .session = session};
    struct json_span nothing = {0};
    struct buffer *body = buffer_take(memory_alloc(1), 0);
    const struct proposal_content content = {.body = body, .commands = &nothing, .origins = &origin, .count = 1};
    uint64_t ticket = proposals_add(node, &content, timeout_ms, forward, done, context);
    buffer_release(body);
    return ticket;
}

uint64_t node_read_session(struct node *node, uint64_t session, uint32_t timeout_ms, bool forward, node_query_done done,
                           void *context) {
    assert(session != 0);
    return reads_add_session(node, session, timeout_ms, forward, done, context);
}
