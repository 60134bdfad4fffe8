/* Clusters under random faults. What the clients were told is compared with the log at the end, applied once more in order:
 * that is the one history that all answers must fit. In every second cluster snapshots are taken and sent all the time, in
 * tiny pieces; what the log has forgotten then is found in what was written to the disks. CLUSTER_SEED=n in the environment
 * runs other seeds. */
#include "cluster.h"
#include "tests/check_main.h"
#include "tests/number_from.h"

enum { SEEDS = 60, SLICES = 400, KEYS = 3, TERMS_MAX = 2000 };

struct run {
    struct cluster *cluster;
    uint64_t next_value;
    raft_index floor;            /* The highest index that any client has been told of. */
    size_t first_open;           /* Clients before this one are answered and counted. */
    size_t leader_of[TERMS_MAX]; /* By term; 0: nobody seen, else member + 1. */
    struct archive *archive;     /* Every entry that a disk was handed. Owned. */
    size_t archive_count;
    size_t archive_capacity;
    size_t installed; /* How many snapshots took the place of a log. */
};

static uint64_t pick(struct run *run, uint64_t bound) {
    return cluster_random(run->cluster, bound);
}

/* -- Faults -- */

static void kill_one(struct run *run, size_t at) {
    struct member *member = &run->cluster->members[at];
    /* Some of what was on the way to the disk may be there, though the node was not told. */
    while (member->write_count > 0 && pick(run, 2) == 0) {
        disk_perform_write(member);
    }
    cluster_kill(run->cluster, at);
}

static void change_lives(struct run *run) {
    for (size_t i = 0; i < run->cluster->count; i++) {
        if (run->cluster->members[i].node == NULL) {
            if (pick(run, 20) == 0) {
                cluster_start(run->cluster, i);
            }
        } else if (pick(run, 120) == 0) {
            kill_one(run, i);
        }
    }
}

static void change_links(struct run *run) {
    struct cluster *cluster = run->cluster;
    bool(*faults[])[CLUSTER_MAX] = {cluster->refused, cluster->lost, cluster->held, cluster->breaking, cluster->doubling};
    bool(*fault)[CLUSTER_MAX] = faults[pick(run, sizeof faults / sizeof *faults)];
    size_t from = (size_t)pick(run, cluster->count);
    size_t to = (size_t)pick(run, cluster->count);
    switch (pick(run, 8)) {
    case 0:
        fault[from][to] = from != to;
        break;
    case 1:
        cluster_set_around(cluster, fault, from, true);
        break;
    case 2:
    case 3:
        for (size_t i = 0; i < cluster->count; i++) {
            for (size_t k = 0; k < cluster->count; k++) {
                fault[i][k] = false;
            }
        }
        break;
    default:
        break;
    }
}

static void change_disks(struct run *run) {
    struct member *member = &run->cluster->members[pick(run, run->cluster->count)];
    member->hold_writes = pick(run, 4) == 0;
    member->hold_reads = pick(run, 4) == 0;
    member->hold_jobs = pick(run, 6) == 0;
    member->hold_ends = pick(run, 6) == 0;
    run->cluster->disk_ms = pick(run, 20);
    run->cluster->network_ms = pick(run, 20);
}

static void end_faults(struct run *run) {
    struct cluster *cluster = run->cluster;
    bool(*faults[])[CLUSTER_MAX] = {cluster->refused, cluster->lost, cluster->held, cluster->breaking, cluster->doubling};
    for (size_t f = 0; f < sizeof faults / sizeof *faults; f++) {
        memset(faults[f], 0, sizeof cluster->refused);
    }
    for (size_t i = 0; i < cluster->count; i++) {
        struct member *member = &cluster->members[i];
        member->hold_writes = member->hold_reads = member->hold_jobs = member->hold_ends = false;
        if (cluster->members[i].node == NULL) {
            cluster_start(cluster, i);
        }
    }
}

/* -- Clients -- */

static size_t write_command(struct run *run, char *text, size_t size) {
    uint64_t key = pick(run, KEYS);
    uint64_t value = run->next_value++;
    int written =
        pick(run, 3) > 0
            ? snprintf(text, size, "{\"op\":\"put\",\"key\":\"k%" PRIu64 "\",\"value\":%" PRIu64 "}\n", key, value)
            : snprintf(text, size,
                       "{\"op\":\"cas\",\"key\":\"k%" PRIu64 "\",\"expected\":%" PRIu64 ",\"value\":%" PRIu64 "}\n", key,
                       value - 1 - pick(run, 4), value);
    return (size_t)written;
}

static void ask_something(struct run *run) {
    size_t at = (size_t)pick(run, run->cluster->count);
    if (run->cluster->members[at].node == NULL) {
        return;
    }
    uint32_t timeout_ms = (uint32_t)pick(run, 8000) + 1;
    bool forward = pick(run, 8) > 0;
    struct client *client;
    if (pick(run, 2) == 0) {
        char text[512];
        size_t size = 0;
        uint64_t first = run->next_value;
        for (uint64_t count = pick(run, 3) + 1; count > 0; count--) {
            size += write_command(run, text + size, sizeof text - size);
        }
        client = cluster_propose_with(run->cluster, at, text, timeout_ms, forward);
        client->op = "propose";
        client->number = first;
    } else {
        static const char *const queries[KEYS] = {GET("k0"), GET("k1"), GET("k2")};
        uint64_t key = pick(run, KEYS);
        client = QUERY(run->cluster, at, .text = queries[key], .timeout_ms = timeout_ms, .stay = !forward);
        client->op = "query";
        client->number = key;
    }
    client->floor = run->floor;
    if (pick(run, 30) == 0) {
        client_cancel(client);
    }
}

/* What clients have heard counts for all who ask from now on. */
static void hear(struct run *run) {
    struct cluster *cluster = run->cluster;
    for (size_t i = run->first_open; i < cluster->client_count; i++) {
        const struct client *client = cluster->clients[i];
        for (size_t k = 0; k < client->count && client->answers > 0 && !client->unheard; k++) {
            const struct client_line *line = &client->lines[k];
            if (line->problem.code == PROBLEM_NONE && line->id.index > run->floor) {
                run->floor = line->id.index;
            }
        }
        if (i == run->first_open && (client->answers > 0 || client->cancelled)) {
            run->first_open++;
        }
    }
}

/* Election safety: one leader a term. */
static void check_leaders(struct run *run) {
    for (size_t i = 0; i < run->cluster->count; i++) {
        const struct node *node = run->cluster->members[i].node;
        if (node == NULL || !node_is_leader(node)) {
            continue;
        }
        raft_term term = raft_current_term(node->core);
        ck_assert_uint_lt(term, TERMS_MAX);
        ck_assert(run->leader_of[term] == 0 || run->leader_of[term] == i + 1);
        run->leader_of[term] = i + 1;
    }
}

/* -- What was written -- */

/* An entry, and the term of the one before it: by the two, a log leads back to its beginning. */
struct archive {
    struct raft_entry entry; /* Its bytes are owned. */
    raft_term before;
};

static const struct archive *archive_find(const struct run *run, struct raft_entry_id id) {
    for (size_t i = 0; i < run->archive_count; i++) {
        const struct raft_entry_id *found = &run->archive[i].entry.id;
        if (found->index == id.index && found->term == id.term) {
            return &run->archive[i];
        }
    }
    return NULL;
}

static void archive_write(void *context, const struct node *node, const struct storage_write *write) {
    struct run *run = context;
    run->installed += write->replaced_by.index != 0 ? 1 : 0;
    for (size_t i = 0; i < write->entry_count; i++) {
        const struct raft_entry *entry = &write->entries[i];
        raft_index before = entry->id.index - 1;
        raft_term term = i > 0 ? write->entries[i - 1].id.term : node->core == NULL ? 0 : raft_term_at(node->core, before);
        ck_assert((term == 0) == (before == 0));
        const struct archive *known = archive_find(run, entry->id);
        if (known != NULL) {
            ck_assert_uint_eq(known->before, term); /* Log matching (§3.5). */
            continue;
        }
        run->archive = memory_grow(run->archive, &run->archive_capacity, run->archive_count + 1, sizeof *run->archive);
        struct archive *added = &run->archive[run->archive_count++];
        *added = (struct archive){.entry = *entry, .before = term};
        added->entry.data = memory_copy(entry->data, entry->size);
    }
}

static void free_archive(struct run *run) {
    for (size_t i = 0; i < run->archive_count; i++) {
        free((char *)run->archive[i].entry.data);
    }
    free(run->archive);
}

/* -- The one history -- */

struct history {
    size_t count;
    struct history_entry {
        raft_term term;
        bool command;
        uint64_t value;       /* Of a command: its number. */
        char *result;         /* Owned: what the machine answers; NULL: no command. */
        char *contents[KEYS]; /* Owned: what get answers after it. */
    } * entries;              /* [0] is before the first. */
};

struct replay {
    const struct machine *machine;
    void *state;
    struct history *history;
    size_t capacity;
};

static char *query_text(const struct replay *replay, const char *query) {
    struct json_writer writer = {0};
    replay->machine->query(replay->state, query, strlen(query), applier_output(&writer));
    size_t size;
    return json_writer_take(&writer, &size);
}

static struct history_entry *add_entry(struct replay *replay) {
    struct history *history = replay->history;
    history->entries = memory_grow(history->entries, &replay->capacity, history->count + 1, sizeof *history->entries);
    struct history_entry *added = &history->entries[history->count++];
    *added = (struct history_entry){0};
    return added;
}

static void look(struct replay *replay, struct history_entry *entry) {
    static const char *const queries[KEYS] = {GET("k0"), GET("k1"), GET("k2")};
    for (size_t key = 0; key < KEYS; key++) {
        entry->contents[key] = query_text(replay, queries[key]);
    }
}

static void replay_entry(struct replay *replay, const struct raft_entry *entry) {
    struct history_entry *added = add_entry(replay);
    added->term = entry->id.term;
    if (entry->type == RAFT_COMMAND) {
        struct json_writer result = {0};
        ck_assert_int_eq(
            replay->machine->apply(replay->state, entry->id.index, entry->data, entry->size, applier_output(&result)),
            MACHINE_DONE);
        size_t size;
        added->command = true;
        added->result = json_writer_take(&result, &size);
        struct json_span command = {entry->data, entry->size};
        struct json_span value;
        ck_assert(json_member(command, "value", &value));
        ck_assert(json_number_uint64(value, UINT64_MAX, &added->value));
    }
    look(replay, added);
}

/* The log that ends with what the leader has committed, from its beginning. */
static struct history replay_log(struct run *run, size_t leader) {
    struct history history = {0};
    struct replay replay = {.machine = machine_hashmap(), .history = &history};
    replay.state = replay.machine->create();
    const struct raft *core = cluster_node(run->cluster, leader)->core;
    raft_index last = raft_commit_index(core);
    const struct raft_entry **log = memory_alloc((last + 1) * sizeof *log);
    struct raft_entry_id at = {last, raft_term_at(core, last)};
    for (; at.index > 0; at.index--) {
        const struct archive *archive = archive_find(run, at);
        ck_assert_ptr_nonnull(archive);
        log[at.index] = &archive->entry;
        at.term = archive->before;
    }
    look(&replay, add_entry(&replay));
    for (raft_index index = 1; index <= last; index++) {
        replay_entry(&replay, log[index]);
    }
    free(log);
    replay.machine->destroy(replay.state);
    return history;
}

static void free_history(struct history *history) {
    for (size_t i = 0; i < history->count; i++) {
        free(history->entries[i].result);
        for (size_t key = 0; key < KEYS; key++) {
            free(history->entries[i].contents[key]);
        }
    }
    free(history->entries);
}

static void check_command(const struct history *history, const struct client *client, const struct client_line *line,
                          size_t times, raft_index at) {
    if (client->unheard || client->cancelled) {
        ck_assert_uint_le(times, 1);
        return;
    }
    if (line->problem.code == PROBLEM_NONE) {
        ck_assert_msg(times == 1, "an acknowledged command is there %zu times", times);
        ck_assert_uint_eq(line->id.index, at);
        ck_assert_uint_eq(line->id.term, history->entries[at].term);
        ck_assert_str_eq(line->text, history->entries[at].result);
        ck_assert_uint_gt(at, client->floor);
    } else if (line->problem.outcome_unknown) {
        ck_assert_uint_le(times, 1);
    } else {
        ck_assert_msg(times == 0, "a rejected command took effect: %s", line->problem.detail);
    }
}

static void check_read(const struct history *history, const struct client *client) {
    const struct client_line *line = client->lines;
    if (client->answers == 0 || line->problem.code != PROBLEM_NONE) {
        return;
    }
    ck_assert_uint_ge(line->id.index, client->floor);
    ck_assert_uint_lt(line->id.index, history->count);
    ck_assert_uint_eq(line->id.term, history->entries[line->id.index].term);
    ck_assert_str_eq(line->text, history->entries[line->id.index].contents[client->number]);
}

static void check_answers(struct run *run, const struct history *history) {
    size_t *times = memory_zalloc(run->next_value * sizeof *times);
    raft_index *where = memory_zalloc(run->next_value * sizeof *where);
    for (size_t i = 0; i < history->count; i++) {
        if (history->entries[i].command) {
            times[history->entries[i].value]++;
            where[history->entries[i].value] = i;
        }
    }
    size_t done = 0;
    for (size_t i = 0; i < run->cluster->client_count; i++) {
        const struct client *client = run->cluster->clients[i];
        if (client->op == NULL) {
            continue;
        }
        if (strcmp(client->op, "query") == 0) {
            check_read(history, client);
            continue;
        }
        for (size_t k = 0; k < client->count; k++) {
            uint64_t value = client->number + k;
            check_command(history, client, &client->lines[k], times[value], where[value]);
            done += client->lines[k].problem.code == PROBLEM_NONE ? 1 : 0;
        }
    }
    ck_assert_uint_gt(done, 10); /* A test in which nothing happens says nothing. */
    free(times);
    free(where);
}

START_TEST(whatever_happens_all_answers_fit_one_history) {
    uint64_t seed = number_from("CLUSTER_SEED", 0) + (uint64_t)_i;
    struct run run = {.cluster = cluster_create(seed % 2 == 0 ? 3 : 5, seed), .next_value = 10};
    run.cluster->written = archive_write;
    run.cluster->written_context = &run;
    for (size_t i = 0; i < run.cluster->count; i++) {
        struct node_options *options = &run.cluster->members[i].options;
        options->cache_bytes = pick(&run, 3) == 0 ? 0 : pick(&run, 20000);
        if (seed % 4 >= 2) {
            options->snapshot_entries = 1 + pick(&run, 20);
            options->piece_bytes = 50 + (uint32_t)pick(&run, 400);
        }
    }
    cluster_start_all(run.cluster);
    for (unsigned slice = 0; slice < SLICES; slice++) {
        change_lives(&run);
        change_links(&run);
        if (pick(&run, 10) == 0) {
            change_disks(&run);
        }
        for (uint64_t count = pick(&run, 4); count > 0; count--) {
            ask_something(&run);
        }
        cluster_run(run.cluster, pick(&run, 100));
        hear(&run);
        check_leaders(&run);
    }
    end_faults(&run);
    cluster_await_leader(run.cluster);
    cluster_run(run.cluster, 12000);
    size_t leader = cluster_await_leader(run.cluster);
    struct history history = replay_log(&run, leader);
    check_answers(&run, &history);
    assert_machines_equal(run.cluster);
    free_history(&history);
    free_archive(&run);
    cluster_destroy(run.cluster);
}
END_TEST

static void add_tests(TCase *tcase) {
    tcase_add_loop_test(tcase, whatever_happens_all_answers_fit_one_history, 0, (int)number_from("CLUSTER_SEEDS", SEEDS));
}

CHECK_MAIN("node_random", add_tests)
