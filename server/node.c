#include "server/node.h"

#include "server/base/memory.h"
#include "server/node_state.h"
#include "server/restoring.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* How much one AppendEntries carries, and how many are under way to one follower. */
enum { BATCH_BYTES_MAX = 1024 * 1024, IN_FLIGHT_MAX = 4 };

/* -- Life -- */

static void trace(void *context, bool important, const char *line) {
    const struct node *node = context;
    if (node->io.diagnostics != NULL) {
        diagnostics_write(node->io.diagnostics, important ? DIAGNOSTICS_INFO : DIAGNOSTICS_DEBUG, "raft", "%s", line);
    }
}

struct raft *node_make_core(struct node *node, struct raft_hard_state hard_state) {
    struct raft_options options = {
        .id = node->options.id,
        .seed = node->options.seed,
        .heartbeat_ms = node->options.heartbeat_ms,
        .election_timeout_ms = node->options.election_timeout_ms,
        .max_in_flight = IN_FLIGHT_MAX,
        .max_batch_entries = node->options.batch_entries == 0 ? NODE_BATCH_ENTRIES_MAX : node->options.batch_entries,
        .max_batch_bytes = BATCH_BYTES_MAX,
        .trace = trace,
        .trace_context = node,
    };
    return raft_create(&options, hard_state, node->now_ms);
}

void node_start_core(struct node *node, struct raft *core) {
    assert(node->core == NULL);
    node->core = core;
    raft_hint_gone(core, 0);
    node->core_write_offset = node->writes_begun;
    node->work = true;
}

static void destroy_parts(struct node *node) {
    raft_destroy(node->core);
    roster_clear(&node->roster);
    entry_cache_clear(&node->cache);
    outbox_clear(&node->outbox);
    calls_clear(&node->calls);
    contacts_clear(&node->contacts);
    proposals_clear(&node->proposals);
    forwards_clear(&node->forwards);
    reads_clear(&node->reads);
    log_reads_clear(&node->log_reads);
    watches_clear(&node->watches);
    handover_clear(&node->handover);
    snapshot_sends_clear(&node->snapshot_sends);
    snapshot_receipt_clear(&node->snapshot_receipt);
    disk_watch_clear(&node->disk_watch);
    disk_space_clear(&node->disk_space);
    changes_clear(&node->changes);
    snapshot_wishes_clear(&node->snapshot_wishes);
    measures_clear(&node->measures);
    applier_clear(&node->applier, node->options.machine);
}

struct node *node_create(const struct node_options *options, const struct node_io *io, struct storage *storage,
                         uint64_t now_ms, struct storage_message *out_message) {
    struct storage_state state;
    storage_state(storage, &state);
    assert(state.identity.node_id == options->id);
    struct node *node = memory_zalloc(sizeof *node);
    node->options = *options;
    node->io = *io;
    node->identity = state.identity;
    node->intake.kind = options->intake;
    node->now_ms = now_ms;
    node->next_number = 1;
    disk_space_init(&node->disk_space);
    roster_init(&node->roster);
    entry_cache_init(&node->cache, options->cache_bytes, state.last.index + 1);
    applier_init(&node->applier, options->machine);
    snapshots_init(node, storage, &state.snapshot);
    struct raft *core = restoring_start(node, storage, &state, out_message);
    if (core == NULL) {
        destroy_parts(node);
        free(node);
        return NULL;
    }
    forwards_init(node);
    proposals_init(node);
    if (state.identity.formed) {
        node_start_core(node, core);
    } else {
        raft_destroy(core);
        bool holding = state.identity.cluster_id[0] != '\0';
        formation_start(node, holding ? &roster_current(&node->roster)->members : NULL);
    }
    return node;
}

void node_destroy(struct node *node) {
    if (node != NULL) {
        destroy_parts(node);
        free(node);
    }
}

uint64_t node_new_number(struct node *node) {
    return node->next_number++;
}

bool node_is_leader(const struct node *node) {
    return node->core != NULL && raft_role(node->core) == RAFT_LEADER;
}

raft_node_id node_leader(const struct node *node) {
    return node->core == NULL ? 0 : raft_leader(node->core);
}

/* -- The life of a batch -- */

uint64_t node_write(struct node *node, const struct storage_write *write) {
    uint64_t number = ++node->writes_begun;
    disk_watch_begun(node, number, disk_space_bytes(write->entries, write->entry_count));
    node->io.disk.write(node->io.disk.context, number, write);
    return number;
}

/* Of the entries that are left after a truncation. All that are not applied are at hand, but for some that were on disk
 * before this start; the clock may then fall behind those, until they are applied (`sessions_advance`). */
static uint64_t newest_stamp(const struct node *node) {
    uint64_t newest_ms = sessions_time_ms(node->applier.sessions);
    raft_index first = entry_cache_first(&node->cache);
    size_t count = node->cache.end - node->cache.begin;
    const struct raft_entry *entries = entry_cache_range(&node->cache, first, count);
    for (size_t i = count; i > 0 && entries[i - 1].id.index > node->applier.applied.index; i--) {
        newest_ms = entries[i - 1].time_ms > newest_ms ? entries[i - 1].time_ms : newest_ms;
    }
    return newest_ms;
}

/* The node's own copies of what the log now ends with. */
static void keep_entries(struct node *node, const struct raft_actions *actions) {
    if (actions->replaced_by.index != 0) {
        entry_cache_restart(&node->cache, actions->replaced_by.index + 1);
        roster_restart(&node->roster);
    }
    if (actions->truncate_from != 0) {
        entry_cache_truncate(&node->cache, actions->truncate_from);
        roster_truncate(&node->roster, actions->truncate_from);
        cluster_clock_truncate(&node->clock, newest_stamp(node));
    }
    for (size_t i = 0; i < actions->entry_count; i++) {
        entry_cache_append(&node->cache, &actions->entries[i]);
        cluster_clock_see(&node->clock, actions->entries[i].time_ms);
        if (actions->entries[i].type == RAFT_CONFIGURATION) {
            bool known = roster_append(&node->roster, &actions->entries[i]);
            assert(known); /* Decoded from the same bytes when it came in. */
        }
    }
}

static void write_batch(struct node *node, const struct raft_actions *actions) {
    struct storage_write write = {
        .replaced_by = actions->replaced_by,
        .compact_through = actions->compact_through,
        .truncate_from = actions->truncate_from,
        .entries = actions->entries,
        .entry_count = actions->entry_count,
        .hard_state_changed = actions->hard_state_changed,
        .hard_state = actions->hard_state,
    };
    snapshots_complete_write(node, &write);
    uint64_t number = node_write(node, &write);
    if (actions->write == 0) {
        /* Not the core's. Those of its own that are under way count as done one later from here on: with this one. */
        node->core_write_offset++;
    } else {
        assert(number == actions->write + node->core_write_offset);
    }
    snapshots_write_begun(node, &write, number);
    snapshot_receipt_write_begun(node, &write, number);
}

/* The first entry that a follower which is sent entries ahead has not got; UINT64_MAX: none, or another node leads. */
static raft_index first_wanted(const struct node *node) {
    struct raft_status status;
    raft_status(node->core, &status);
    raft_index wanted = UINT64_MAX;
    for (size_t i = 0; i < status.peer_count; i++) {
        const struct raft_peer_status *peer = &status.peers[i];
        if (peer->state == RAFT_REPLICATE && peer->match_index < wanted) {
            wanted = peer->match_index + 1;
        }
    }
    return wanted;
}

static void evict(struct node *node) {
    raft_index persisted = raft_persisted_index(node->core);
    raft_index applied = node->applier.applied.index;
    if (entry_cache_is_full(&node->cache)) {
        entry_cache_evict(&node->cache, persisted < applied ? persisted : applied, first_wanted(node));
    }
}

/* The only place where actions become I/O, in the order that raft.h asks for. */
static void perform_actions(struct node *node) {
    const struct raft_actions *actions = raft_take_actions(node->core);
    keep_entries(node, actions);
    for (size_t i = 0; i < actions->message_count; i++) {
        outbox_post(node, &actions->messages[i]); /* AppendEntries leave before the disk has the entries (§10.2.1). */
    }
    if (actions->write != 0 || snapshots_has_name(node)) {
        write_batch(node, actions);
    }
    disk_space_handed_over(&node->disk_space);
    for (size_t i = 0; i < actions->read_count; i++) {
        reads_confirmed(node, &actions->reads[i]);
    }
    change_lead_note_due(node, actions);
    applier_run(node);
    evict(node);
    change_lead_append_due(node);
}

/* While it catches up, its log may tell of the time when another disk had its id. */
static bool is_stranger(const struct node *node) {
    const struct members_member *listed = members_find(&roster_current(&node->roster)->members, node->options.id);
    return listed != NULL && strcmp(listed->incarnation, node->identity.incarnation) != 0;
}

void node_tick(struct node *node, uint64_t now_ms) {
    assert(now_ms >= node->now_ms);
    node->now_ms = now_ms;
    if (node->core != NULL) {
        raft_set_stranger(node->core, is_stranger(node));
        raft_tick(node->core, now_ms);
    }
}

void node_peer_gone(struct node *node, raft_node_id id) {
    if (node->core != NULL) {
        raft_hint_gone(node->core, id);
    }
}

static void learn_ready_index(struct node *node) {
    struct raft_status status;
    if (!node->ready_known && node_is_leader(node)) {
        raft_status(node->core, &status);
        if (status.has_committed_in_term) {
            node->ready_known = true;
            node->ready_index = status.commit_index;
        }
    }
}

static bool must_not_lead(const struct node *node) {
    return node->disk_watch.stalled || node->standing.retired || diverged_is(node);
}

void node_turn(struct node *node, uint64_t now_ms) {
    node->work = false;
    node_tick(node, now_ms);
    discovery_turn(node);
    if (node->core == NULL) {
        formation_turn(node);
        joining_turn(node);
    }
    if (node_is_leader(node)) {
        cluster_clock_lead(&node->clock, raft_current_term(node->core), node->now_ms);
    }
    disk_watch_turn(node);
    mending_turn(node);
    if (node->core != NULL) {
        raft_set_unfit(node->core, must_not_lead(node));
    }
    disk_space_turn(node);
    proposals_turn(node);
    reads_turn(node);
    handover_turn(node);
    changes_turn(node);
    standing_turn(node);
    intake_turn(node);
    snapshot_wishes_turn(node);
    snapshots_turn(node);
    if (node->core != NULL) {
        perform_actions(node);
        learn_ready_index(node);
        snapshot_sends_turn(node);
    }
    log_reads_turn(node); /* From here on the cache has what the module has. */
    watches_turn(node);
    proposals_deliver(node);
    reads_deliver(node);
    handover_deliver(node);
    changes_deliver(node);
    snapshot_wishes_deliver(node);
    chronicle_turn(node);
}

bool node_has_work(const struct node *node) {
    return node->work;
}

static uint64_t sooner(uint64_t left, uint64_t right) {
    return left < right ? left : right;
}

uint64_t node_next_deadline_ms(const struct node *node) {
    uint64_t deadline = node->core == NULL ? formation_deadline_ms(node) : raft_next_deadline_ms(node->core);
    deadline = sooner(deadline, proposals_deadline_ms(node));
    deadline = sooner(deadline, forwards_deadline_ms(node));
    deadline = sooner(deadline, reads_deadline_ms(node));
    deadline = sooner(deadline, handover_deadline_ms(node));
    deadline = sooner(deadline, disk_watch_deadline_ms(node));
    deadline = sooner(deadline, changes_deadline_ms(node));
    deadline = sooner(deadline, joining_deadline_ms(node));
    deadline = sooner(deadline, discovery_deadline_ms(node));
    deadline = sooner(deadline, standing_deadline_ms(node));
    deadline = sooner(deadline, snapshots_deadline_ms(node));
    deadline = sooner(deadline, snapshot_sends_deadline_ms(node));
    deadline = sooner(deadline, snapshot_wishes_deadline_ms(node));
    deadline = sooner(deadline, mending_deadline_ms(node));
    if (node->shutting_down && node->shut_down_deadline_ms > node->now_ms) {
        deadline = sooner(deadline, node->shut_down_deadline_ms);
    }
    return deadline;
}

void node_written(struct node *node, uint64_t number) {
    assert(number > node->writes_done && number <= node->writes_begun);
    node->writes_done = number;
    disk_watch_written(node, number);
    if (node->core == NULL) {
        formation_written(node);
    } else if (number > node->core_write_offset) {
        raft_persisted(node->core, number - node->core_write_offset);
    }
    snapshots_written(node);
    snapshot_receipt_written(node);
    outbox_written(node);
    node->work = true;
}

void node_room(struct node *node, const struct storage_room *room) {
    disk_space_told(node, room);
    node->work = true;
}

void node_entries_read(struct node *node, uint64_t token, struct raft_entry *entries, size_t count, struct buffer *buffer) {
    bool wanted = applier_loaded(node, token, entries, count) || outbox_loaded(node, token, entries, count) ||
                  log_reads_loaded(node, token, entries, count) || watches_loaded(node, token, entries, count);
    assert(wanted);
    (void)wanted;
    free(entries);
    buffer_release(buffer);
    node->work = true;
}

/* -- From clients -- */

bool node_has_room(const struct node *node, uint64_t bytes, uint64_t coming) {
    return proposals_has_room(node, 1, bytes, coming);
}

uint64_t node_propose(struct node *node, struct buffer *body, const struct json_span *commands, size_t count,
                      uint32_t timeout_ms, bool forward, node_propose_done done, void *context) {
    const struct proposal_content content = {.body = body, .commands = commands, .count = count};
    return proposals_add(node, &content, timeout_ms, forward, done, context);
}

bool node_check(const struct node *node, struct json_span command, struct problem *out_problem) {
    if (node->options.machine->check == NULL) {
        return true;
    }
    struct json_writer why = {0};
    enum machine_verdict verdict = node->options.machine->check(command.data, command.size, applier_output(&why));
    if (verdict == MACHINE_REFUSED) {
        problem_set(out_problem, PROBLEM_INVALID_COMMAND, false, "%.*s", (int)why.size, why.size == 0 ? "" : why.data);
    }
    json_writer_discard(&why);
    return verdict == MACHINE_DONE;
}

uint64_t node_query(struct node *node, struct buffer *body, struct json_span query, enum node_consistency consistency,
                    raft_index min_index, uint32_t timeout_ms, bool forward, node_query_done done, void *context) {
    return reads_add(node, body, query, consistency, min_index, timeout_ms, forward, done, context);
}

uint64_t node_read_log(struct node *node, raft_index from, size_t limit, node_log_done done, void *context) {
    return log_reads_add(node, from, limit, done, context);
}

uint64_t node_transfer(struct node *node, raft_node_id to, uint32_t timeout_ms, bool forward, node_transfer_done done,
                       void *context) {
    return handover_add(node, to, timeout_ms, forward, done, context);
}

uint64_t node_change(struct node *node, const struct change *change, uint32_t timeout_ms, bool forward,
                     node_change_done done, void *context) {
    return changes_add(node, change, timeout_ms, forward, done, context);
}

uint64_t node_snapshot(struct node *node, bool open, uint32_t timeout_ms, node_snapshot_done done, void *context) {
    return snapshot_wishes_add(node, open, timeout_ms, done, context);
}

uint64_t node_watch(struct node *node, raft_index from, const struct node_watcher *watcher) {
    return watches_add(node, from, watcher);
}

void node_watch_resume(struct node *node, uint64_t ticket) {
    watches_resume(node, ticket);
}

void node_cancel(struct node *node, uint64_t ticket) {
    if (!proposals_cancel(node, ticket) && !reads_cancel(&node->reads, ticket) &&
        !handover_cancel(&node->handover, ticket) && !changes_cancel(&node->changes, ticket) &&
        !watches_cancel(&node->watches, ticket) && !snapshot_wishes_cancel(&node->snapshot_wishes, ticket)) {
        log_reads_cancel(&node->log_reads, ticket);
    }
}

/* What is queued here is refused at once (it entered no log); what is under way gets a short time to end. */
void node_shut_down(struct node *node) {
    if (node->shutting_down) {
        return;
    }
    node->shutting_down = true;
    node->shut_down_deadline_ms = node->now_ms + NODE_SHUT_DOWN_GRACE_MS;
    proposals_shut_down(node);
    snapshots_shut_down(node);
    if (node_is_leader(node)) {
        raft_transfer(node->core, 0); /* False: nobody is there to take over, or one is about to. */
    }
    node->work = true;
}

bool node_may_end(const struct node *node) {
    if (node->core == NULL || node->now_ms >= node->shut_down_deadline_ms) {
        return true;
    }
    if (node_is_leader(node)) {
        return raft_transferring(node->core) == 0;
    }
    return node->proposals.appended.head == NULL; /* The next leader tells what became of them. */
}
