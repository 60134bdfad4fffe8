#include "server/applier.h"

#include "server/node_state.h"

#include <assert.h>
#include <inttypes.h>

static bool append_to_writer(void *context, const void *bytes, size_t size) {
    json_write_bytes(context, bytes, size);
    return true;
}

struct machine_output applier_output(struct json_writer *writer) {
    return (struct machine_output){.append = append_to_writer, .context = writer};
}

void applier_init(struct applier *applier, const struct machine *machine) {
    *applier = (struct applier){.state = machine->create(), .sessions = sessions_create()};
}

void applier_clear(struct applier *applier, const struct machine *machine) {
    machine->destroy(applier->state);
    sessions_destroy(applier->sessions);
    json_writer_discard(&applier->result);
    *applier = (struct applier){0};
}

/* Retries that were not applied, in log order, the same on every node. */
static void refuse(const struct raft_entry *entry, enum sessions_verdict verdict, struct problem *out_problem) {
    if (verdict == SESSIONS_STALE) {
        problem_set(out_problem, PROBLEM_STALE_SEQUENCE, false,
                    "session %" PRIu64 " has applied a proposal with a higher number than %" PRIu64, entry->session,
                    entry->sequence);
    } else if (verdict == SESSIONS_EXPIRED) {
        problem_set(out_problem, PROBLEM_SESSION_EXPIRED, false, "there is no session %" PRIu64 " (any more)",
                    entry->session);
    } else {
        problem_set(out_problem, PROBLEM_KEY_REUSED, false, "the idempotency key was used for another command");
    }
}

static void run_machine(struct node *node, const struct raft_entry *entry, const struct sessions_origin *origin,
                        struct message_line *outcome) {
    struct applier *applier = &node->applier;
    applier->result.size = 0;
    enum machine_verdict verdict = node->options.machine->apply(applier->state, entry->id.index, entry->data, entry->size,
                                                                applier_output(&applier->result));
    struct json_span result = {applier->result.data, applier->result.size};
    bool refused = verdict == MACHINE_REFUSED;
    sessions_end(applier->sessions, origin, (struct json_span){entry->data, entry->size}, entry->id, refused, result);
    if (refused) {
        problem_set(&outcome->problem, PROBLEM_INVALID_COMMAND, false, "%.*s", (int)result.size,
                    result.size == 0 ? "" : result.data);
    } else {
        outcome->result = result;
    }
}

static void apply_command(struct node *node, const struct raft_entry *entry, struct message_line *outcome) {
    struct origin_key key = {.size = 0};
    if (entry->key_size > 0) {
        key = origin_read_key((struct json_span){entry->key, entry->key_size});
    }
    const struct sessions_origin origin = {.time_ms = entry->time_ms,
                                           .session = entry->session,
                                           .sequence = entry->sequence,
                                           .key = key.size == 0 ? NULL : key.bytes,
                                           .key_size = key.size};
    struct sessions_answer first;
    enum sessions_verdict verdict =
        sessions_begin(node->applier.sessions, &origin, (struct json_span){entry->data, entry->size}, &first);
    if (verdict == SESSIONS_APPLY) {
        run_machine(node, entry, &origin, outcome);
    } else if (verdict == SESSIONS_DUPLICATE) {
        outcome->id = first.id;
        outcome->result = first.result;
        outcome->duplicate = true;
        outcome->omitted = first.omitted;
    } else {
        refuse(entry, verdict, &outcome->problem);
    }
}

/* What the entry's end adds to the hash; entries that have no answer add nothing. */
static void add_to_hash(struct applier *applier, const struct raft_entry *entry, const struct message_line *outcome) {
    enum state_hash_verdict verdict = STATE_HASH_DONE;
    struct json_span result = outcome->result;
    switch (outcome->problem.code) {
    case PROBLEM_NONE:
        verdict = outcome->omitted ? STATE_HASH_OMITTED : outcome->duplicate ? STATE_HASH_DUPLICATE : STATE_HASH_DONE;
        break;
    case PROBLEM_STALE_SEQUENCE:
        verdict = STATE_HASH_STALE;
        break;
    case PROBLEM_SESSION_EXPIRED:
        verdict = STATE_HASH_EXPIRED;
        break;
    case PROBLEM_KEY_REUSED:
        verdict = STATE_HASH_KEY_REUSED;
        break;
    default:
        assert(outcome->problem.code == PROBLEM_INVALID_COMMAND);
        verdict = STATE_HASH_REFUSED;
        break;
    }
    if (outcome->problem.code != PROBLEM_NONE) {
        result.size = 0;
    }
    state_hash_add(&applier->hash, entry->id.index, verdict, outcome->id.index,
                   (struct json_span){entry->data, entry->size}, result);
}

static void apply_session(struct node *node, const struct raft_entry *entry, struct message_line *outcome) {
    struct sessions *sessions = node->applier.sessions;
    outcome->result = (struct json_span){"null", 4};
    if (entry->session == 0) {
        sessions_open(sessions, entry->id.index, entry->time_ms);
    } else if (!sessions_close(sessions, entry->session, entry->time_ms)) {
        refuse(entry, SESSIONS_EXPIRED, &outcome->problem);
    }
}

void applier_replace(struct applier *applier, void *state, struct sessions *sessions, struct raft_entry_id applied) {
    applier->state = state;
    applier->sessions = sessions;
    applier->applied = applied;
    applier->load_stale = applier->load_token != 0;
}

static void apply(struct node *node, const struct raft_entry *entry) {
    struct applier *applier = &node->applier;
    assert(entry->id.index == applier->applied.index + 1);
    assert(entry->id.term >= applier->applied.term);
    assert(raft_term_at(node->core, entry->id.index) == entry->id.term);
    struct message_line outcome = {.id = entry->id};
    sessions_advance(applier->sessions, entry->time_ms);
    if (entry->type == RAFT_COMMAND) {
        apply_command(node, entry, &outcome);
    } else if (entry->type == RAFT_SESSION) {
        apply_session(node, entry, &outcome);
    }
    if (entry->type == RAFT_COMMAND || entry->type == RAFT_SESSION) {
        add_to_hash(applier, entry, &outcome);
    }
    state_hash_applied(&applier->hash, entry->id.index);
    applier->applied = entry->id;
    snapshots_applied(node, entry);
    if (diverged_is_news(node, entry->id.index)) {
        diverged_doubt(node, &outcome);
        proposals_applied(node, entry, &outcome);
    }
}

static void load(struct node *node, raft_index commit_index) {
    struct applier *applier = &node->applier;
    raft_index first = applier->applied.index + 1;
    raft_index last = entry_cache_first(&node->cache) - 1;
    applier->load_token = node_new_number(node);
    node->io.disk.read(node->io.disk.context, applier->load_token, first, last < commit_index ? last : commit_index,
                       APPLIER_READ_BYTES);
}

void applier_run(struct node *node) {
    struct applier *applier = &node->applier;
    raft_index commit_index = raft_commit_index(node->core);
    uint64_t begun_us = applier->applied.index < commit_index ? measures_now_us(node) : 0;
    while (applier->applied.index < commit_index && applier->load_token == 0) {
        raft_index next = applier->applied.index + 1;
        if (next < entry_cache_first(&node->cache)) {
            load(node, commit_index);
            return;
        }
        apply(node, entry_cache_range(&node->cache, next, 1));
        begun_us = measures_applied(node, begun_us);
    }
}

bool applier_loaded(struct node *node, uint64_t token, const struct raft_entry *entries, size_t count) {
    struct applier *applier = &node->applier;
    if (applier->load_token == 0 || applier->load_token != token) {
        return false;
    }
    applier->load_token = 0;
    if (applier->load_stale) {
        applier->load_stale = false;
        return true;
    }
    assert(count > 0); /* Committed entries are on this disk or in the cache; the read itself was checked. */
    uint64_t begun_us = measures_now_us(node);
    for (size_t i = 0; i < count; i++) {
        apply(node, &entries[i]);
        begun_us = measures_applied(node, begun_us);
    }
    return true; /* The next turn goes on: entries that came in this one are not in the cache yet. */
}
