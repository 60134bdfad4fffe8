#include "server/outbox.h"

#include "server/base/memory.h"
#include "server/node_state.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

void outbox_clear(struct outbox *outbox) {
    free(outbox->waiting);
    free(outbox->loading);
    *outbox = (struct outbox){0};
}

static bool is_answer(const struct raft_message *message) {
    return message->type == RAFT_VOTE_ANSWER || message->type == RAFT_APPEND_ANSWER ||
           message->type == RAFT_TIMEOUT_NOW_ANSWER || message->type == RAFT_INSTALL_ANSWER;
}

/* Of the request, or of the request that it answers. */
static enum message_kind kind_of(const struct raft_message *message) {
    switch (message->type) {
    case RAFT_REQUEST_VOTE:
    case RAFT_VOTE_ANSWER:
        return MESSAGE_REQUEST_VOTE;
    case RAFT_APPEND_ENTRIES:
    case RAFT_APPEND_ANSWER:
        return MESSAGE_APPEND_ENTRIES;
    case RAFT_TIMEOUT_NOW:
    case RAFT_TIMEOUT_NOW_ANSWER:
        return MESSAGE_TIMEOUT_NOW;
    case RAFT_INSTALL_SNAPSHOT:
    case RAFT_INSTALL_ANSWER:
        break;
    }
    assert(false);
    return MESSAGE_KIND_COUNT;
}

static void send_answer(struct node *node, const struct raft_message *message) {
    if (message->type == RAFT_INSTALL_ANSWER) {
        snapshot_receipt_judged(node, message);
        return;
    }
    struct message_answer answer = node_answer_to(node, kind_of(message), message->round);
    answer.raft = *message;
    answer.term = message->term;
    if (answer.kind == MESSAGE_APPEND_ENTRIES) {
        diverged_complete_answer(node, &answer);
    }
    node_reply(node, message->ticket, &answer);
}

static void send_request(struct node *node, const struct raft_message *message, const struct raft_entry *entries) {
    const struct members_member *to = roster_find(&node->roster, message->to); /* Perhaps to tell it that it is left out. */
    if (to == NULL) {
        raft_send_failed(node->core, message->to, message->round);
        return;
    }
    struct message_request request;
    request.kind = kind_of(message);
    request.round = message->round;
    request.raft = *message;
    uint32_t timeout_ms = node->options.election_timeout_ms;
    if (message->type == RAFT_APPEND_ENTRIES) {
        request.raft.append_entries.entries = entries;
        mending_complete_request(node, message->to, &request);
        if (message->append_entries.entry_count > 0) {
            timeout_ms *= 2; /* The answer waits for the follower's disk. */
        }
    }
    calls_send(node, to, &request, 0, timeout_ms);
}

static void load_entries(struct node *node, const struct raft_message *message) {
    struct outbox *outbox = &node->outbox;
    raft_index first = message->append_entries.prev.index + 1;
    outbox->loading =
        memory_grow(outbox->loading, &outbox->loading_capacity, outbox->loading_count + 1, sizeof *outbox->loading);
    struct outbox_loading *loading = &outbox->loading[outbox->loading_count++];
    *loading = (struct outbox_loading){.token = node_new_number(node), .message = *message};
    node->io.disk.read(node->io.disk.context, loading->token, first, first + message->append_entries.entry_count - 1,
                       SIZE_MAX);
}

static void send(struct node *node, const struct raft_message *message) {
    if (is_answer(message)) {
        send_answer(node, message);
        return;
    }
    if (message->type == RAFT_INSTALL_SNAPSHOT) {
        snapshot_sends_begin(node, message);
        return;
    }
    if (message->type != RAFT_APPEND_ENTRIES || message->append_entries.entry_count == 0) {
        send_request(node, message, NULL);
        return;
    }
    if (disk_space_refuses(node, message->to)) {
        raft_send_failed(node->core, message->to, message->round);
        return;
    }
    raft_index first = message->append_entries.prev.index + 1;
    if (first < entry_cache_first(&node->cache)) {
        load_entries(node, message);
        return;
    }
    send_request(node, message, entry_cache_range(&node->cache, first, message->append_entries.entry_count));
}

void outbox_post(struct node *node, const struct raft_message *message) {
    struct outbox *outbox = &node->outbox;
    struct raft_message posted = *message;
    if (posted.after_write != 0) {
        posted.after_write += node->core_write_offset;
    }
    if (posted.after_write <= node->writes_done) {
        send(node, &posted);
        return;
    }
    assert(is_answer(&posted) || posted.type == RAFT_REQUEST_VOTE);
    outbox->waiting = memory_grow(outbox->waiting, &outbox->capacity, outbox->count + 1, sizeof *outbox->waiting);
    outbox->waiting[outbox->count++] = posted;
}

void outbox_written(struct node *node) {
    struct outbox *outbox = &node->outbox;
    size_t kept = 0;
    for (size_t i = 0; i < outbox->count; i++) {
        struct raft_message message = outbox->waiting[i];
        if (message.after_write <= node->writes_done) {
            send(node, &message);
        } else {
            outbox->waiting[kept++] = message;
        }
    }
    outbox->count = kept;
}

/* The range may have been truncated and written anew while the disk read it, or the log may have changed since: then the
 * message is stale (raft.h, Payloads). */
static bool still_true(const struct node *node, const struct raft_message *message, const struct raft_entry *entries) {
    const struct raft_append_entries *append = &message->append_entries;
    if (raft_current_term(node->core) != message->term ||
        raft_term_at(node->core, append->prev.index) != append->prev.term) {
        return false;
    }
    for (size_t i = 0; i < append->entry_count; i++) {
        if (raft_term_at(node->core, entries[i].id.index) != entries[i].id.term) {
            return false;
        }
    }
    return true;
}

static void send_loaded(struct node *node, const struct raft_message *message, const struct raft_entry *entries,
                        size_t count) {
    size_t wanted = message->append_entries.entry_count;
    raft_index next = message->append_entries.prev.index + 1 + count;
    /* What the disk did not have yet, because it is being written, the cache has. */
    if (count > wanted || (count < wanted && !entry_cache_has(&node->cache, next, wanted - count))) {
        raft_send_failed(node->core, message->to, message->round);
        return;
    }
    struct raft_entry *whole = memory_alloc(wanted * sizeof *whole);
    if (count > 0) {
        memcpy(whole, entries, count * sizeof *whole);
    }
    if (count < wanted) {
        memcpy(whole + count, entry_cache_range(&node->cache, next, wanted - count), (wanted - count) * sizeof *whole);
    }
    if (still_true(node, message, whole)) {
        send_request(node, message, whole);
    } else {
        raft_send_failed(node->core, message->to, message->round);
    }
    free(whole);
}

bool outbox_loaded(struct node *node, uint64_t token, const struct raft_entry *entries, size_t count) {
    struct outbox *outbox = &node->outbox;
    for (size_t i = 0; i < outbox->loading_count; i++) {
        if (outbox->loading[i].token != token) {
            continue;
        }
        struct raft_message message = outbox->loading[i].message;
        outbox->loading[i] = outbox->loading[--outbox->loading_count];
        send_loaded(node, &message, entries, count);
        return true;
    }
    return false;
}
