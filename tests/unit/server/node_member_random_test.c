/* Clusters under random faults whose members change all the time: by clients' wishes, by nodes that join or take the place
 * of a lost disk, by nodes that come back under another URL; among snapshots taken and sent in tiny pieces, transfers, slow
 * and full disks, sessions and keys. After every turn cluster_truth.h looks; at the end what the clients were told is
 * compared with the one committed history, and the cluster must get to work and take in whoever wants in.
 *
 * CLUSTER_SEEDS=n in the environment runs n seeds, CLUSTER_SEED=n begins with another one. */
#include "cluster_history.h"
#include "tests/check_main.h"
#include "tests/number_from.h"

enum { SEEDS = 8, SLICES = 300, ACTORS = 4, CALM_MS = 120000 };

/* A client that sends each proposal until it hears an answer. */
struct actor {
    bool keys;
    uint64_t session; /* 0: it sends keys, or has no session yet. */
    uint64_t sequence;
    uint64_t value; /* 0: it is at none. */
    struct client *attempt;
};

struct run {
    struct cluster *cluster;
    struct truth *truth;
    struct actor actors[ACTORS];
    uint64_t next_value;
    raft_index floor;  /* The highest index that any client has been told of. */
    size_t first_open; /* Clients before this one are answered and counted. */
    uint64_t died_ms[CLUSTER_MAX];
    unsigned moves[CLUSTER_MAX];
    size_t wiped;
    size_t moved;
};

static uint64_t pick(struct run *run, uint64_t bound) {
    return cluster_random(run->cluster, bound);
}

static size_t somebody(struct run *run) {
    return (size_t)pick(run, run->cluster->count);
}

/* -- Lives -- */

static bool is_lost(const struct cluster *cluster, const struct members_member *member) {
    return strcmp(cluster->members[member->id - 1].incarnation, member->incarnation) != 0;
}

/* Whether those whose disks are left are a majority of both, without `but` (CLUSTER_MAX: nobody). */
static bool can_decide(const struct cluster *cluster, const struct members *members, size_t but) {
    struct truth_servers servers = {0};
    uint64_t those = 0;
    truth_decides(members, &servers, 0);
    for (size_t i = 0; i < servers.count; i++) {
        those |= is_lost(cluster, servers.list[i]) || servers.list[i]->id == but + 1 ? 0 : UINT64_C(1) << i;
    }
    return truth_decides(members, &servers, those);
}

/* What the leader has is committed and no change is under way; NULL: not so. */
static const struct members *settled_members(struct run *run) {
    size_t leader = cluster_leader(run->cluster);
    if (leader == CLUSTER_MAX) {
        return NULL;
    }
    const struct node *node = run->cluster->members[leader].node;
    const struct roster_at *current = roster_current(&node->roster);
    bool settled = change_is_settled(&current->members) && current->index <= raft_commit_index(node->core);
    return settled && !change_lead_is_busy(node) ? &current->members : NULL;
}

/* It was silent for so long that nobody counts on it any more. */
static void wipe(struct run *run, size_t at) {
    struct member *member = &run->cluster->members[at];
    const struct members *members = settled_members(run);
    if (members == NULL || run->cluster->now_ms < run->died_ms[at] + 3 * ELECTION_MS ||
        !can_decide(run->cluster, members, at)) {
        return;
    }
    cluster_blank_disk(run->cluster, at);
    size_t other = somebody(run);
    member->options.cluster = (struct members){0};
    member->options.join_url = run->cluster->members[other == at ? (at + 1) % run->cluster->count : other].url;
    member->options.replace = pick(run, 4) > 0;
    member->options.learner = pick(run, 4) == 0;
    run->wiped++;
}

/* Everybody is where the members say. */
static void move(struct run *run, size_t at) {
    const struct members *members = settled_members(run);
    struct storage_state state;
    storage_state(run->cluster->members[at].storage, &state);
    if (members == NULL || (state.identity.formed && state.last.index == 0)) {
        return; /* Somebody who was just taken in and knows nobody yet could tell nobody. */
    }
    for (size_t i = 0; i < members->count; i++) {
        if (strcmp(members->list[i].url, run->cluster->members[members->list[i].id - 1].url) != 0) {
            return;
        }
    }
    snprintf(run->cluster->members[at].url, MEMBERS_URL_SIZE, "http://node%zu-%u:8001", at + 1, ++run->moves[at]);
    run->moved++;
}

static void kill_one(struct run *run, size_t at) {
    struct member *member = &run->cluster->members[at];
    /* Some of what was on the way to the disk may be there, though the node was not told. */
    while (member->write_count > 0 && pick(run, 2) == 0) {
        disk_perform_write(member);
    }
    cluster_kill(run->cluster, at);
    run->died_ms[at] = run->cluster->now_ms;
}

static void change_lives(struct run *run) {
    for (size_t i = 0; i < run->cluster->count; i++) {
        if (run->cluster->members[i].node != NULL) {
            if (pick(run, 150) == 0) {
                kill_one(run, i);
            }
            continue;
        }
        if (pick(run, 12) == 0) {
            wipe(run, i);
        } else if (pick(run, 40) == 0) {
            move(run, i);
        }
        if (pick(run, 30) == 0) {
            cluster_start(run->cluster, i);
        }
    }
}

/* -- Faults -- */

static void change_links(struct run *run) {
    struct cluster *cluster = run->cluster;
    bool(*faults[])[CLUSTER_MAX] = {cluster->refused, cluster->lost, cluster->held, cluster->breaking, cluster->doubling};
    bool(*fault)[CLUSTER_MAX] = faults[pick(run, 5)];
    size_t from = somebody(run);
    size_t to = somebody(run);
    switch (pick(run, 12)) {
    case 0:
        fault[from][to] = from != to;
        break;
    case 1:
        cluster_set_around(cluster, fault, from, true);
        break;
    case 2:
    case 3:
        for (size_t f = 0; f < 5; f++) {
            memset(faults[f], 0, sizeof cluster->refused);
        }
        break;
    default:
        break;
    }
}

static void change_disks(struct run *run) {
    struct member *member = &run->cluster->members[somebody(run)];
    member->hold_writes = pick(run, 4) == 0;
    member->hold_reads = pick(run, 4) == 0;
    member->hold_jobs = pick(run, 6) == 0;
    member->hold_ends = pick(run, 6) == 0;
    run->cluster->disk_ms = pick(run, 20);
    run->cluster->network_ms = pick(run, 20);
    if (member->node != NULL) {
        struct storage_room room = STORAGE_ROOM_UNKNOWN;
        if (pick(run, 6) == 0) {
            room = (struct storage_room){.free_bytes = 100, .for_entries = pick(run, 2) * UINT64_MAX};
        }
        node_room(member->node, &room);
    }
}

static void end_faults(struct run *run) {
    struct cluster *cluster = run->cluster;
    bool(*faults[])[CLUSTER_MAX] = {cluster->refused, cluster->lost, cluster->held, cluster->breaking, cluster->doubling};
    for (size_t f = 0; f < 5; f++) {
        memset(faults[f], 0, sizeof cluster->refused);
    }
    for (size_t i = 0; i < cluster->count; i++) {
        struct member *member = &cluster->members[i];
        member->hold_writes = member->hold_reads = member->hold_jobs = member->hold_ends = false;
        if (member->node == NULL) {
            cluster_start(cluster, i);
        }
        const struct storage_room room = STORAGE_ROOM_UNKNOWN;
        node_room(member->node, &room);
    }
}

/* -- Clients -- */

static struct members random_members(struct run *run) {
    struct members members = {0};
    bool many = pick(run, 2) == 0;
    for (size_t i = 0; i < run->cluster->count; i++) {
        uint64_t role = members.count == 0 ? 1 : pick(run, 6);
        if (role < (many ? 4 : 3)) {
            struct members_member member = members_at(run->cluster, i, role > 0);
            members_add(&members, &member);
        }
    }
    return members;
}

static void change_members(struct run *run, size_t at) {
    struct cluster *cluster = run->cluster;
    size_t leader = cluster_leader(cluster);
    size_t who = pick(run, 4) == 0 && leader != CLUSTER_MAX ? leader : somebody(run);
    struct change change = {.kind = CHANGE_ADD,
                            .members = {.count = 1, .list = {members_at(cluster, who, pick(run, 4) > 0)}}};
    switch (pick(run, 5)) {
    case 0:
        change.kind = CHANGE_PROMOTE;
        break;
    case 1:
        change.kind = CHANGE_REMOVE;
        break;
    case 2:
        change = (struct change){.kind = CHANGE_PUT, .members = random_members(run)};
        break;
    default:
        break;
    }
    struct client *client =
        members_change(cluster, at, &change, (uint32_t)pick(run, NODE_TIMEOUT_MAX_MS) + 1, pick(run, 8) > 0);
    client->op = "change";
    client->floor = run->floor;
}

static void write_something(struct run *run, size_t at) {
    char text[512];
    size_t size = 0;
    uint64_t first = run->next_value;
    for (uint64_t count = pick(run, 3) + 1; count > 0; count--) {
        uint64_t value = run->next_value++;
        const char *put = "{\"op\":\"put\",\"key\":\"k%" PRIu64 "\",\"value\":%" PRIu64 "}\n";
        const char *cas = "{\"op\":\"cas\",\"key\":\"k%" PRIu64 "\",\"value\":%" PRIu64 ",\"expected\":%" PRIu64 "}\n";
        size += (size_t)snprintf(text + size, sizeof text - size, pick(run, 3) > 0 ? put : cas, pick(run, HISTORY_KEYS),
                                 value, value - 1 - pick(run, 4));
    }
    struct client *client = cluster_propose_with(run->cluster, at, text, (uint32_t)pick(run, 8000) + 1, pick(run, 8) > 0);
    client->op = "propose";
    client->number = first;
    client->floor = run->floor;
}

static void read_something(struct run *run, size_t at) {
    static const char *const queries[HISTORY_KEYS] = {GET("k0"), GET("k1"), GET("k2")};
    uint64_t key = pick(run, HISTORY_KEYS);
    enum node_consistency consistency = (enum node_consistency)pick(run, 3);
    struct client *client = QUERY(run->cluster, at, .text = queries[key], .consistency = consistency,
                                  .timeout_ms = (uint32_t)pick(run, 8000) + 1, .stay = pick(run, 8) == 0);
    client->op = "query";
    client->number = key;
    client->floor = consistency == NODE_STALE ? 0 : run->floor;
}

static void ask_something(struct run *run) {
    size_t at = somebody(run);
    if (run->cluster->members[at].node == NULL) {
        return;
    }
    size_t clients = run->cluster->client_count;
    uint64_t what = pick(run, 40);
    if (what < 4) {
        change_members(run, at);
    } else if (what == 4) {
        cluster_transfer(run->cluster, at, pick(run, 2) == 0 ? CLUSTER_MAX : somebody(run));
    } else if (what == 5) {
        cluster_snapshot(run->cluster, at);
    } else if (what < 22) {
        write_something(run, at);
    } else {
        read_something(run, at);
    }
    if (pick(run, 30) == 0) {
        client_cancel(run->cluster->clients[clients]);
    }
}

/* Brings its proposal one step on. */
static void act(struct run *run, struct actor *actor, bool more) {
    const struct client *attempt = actor->attempt;
    if (attempt != NULL && attempt->answers == 0 && attempt->life == attempt->member->life) {
        return;
    }
    actor->attempt = NULL;
    if (attempt != NULL && attempt->answers > 0 && !attempt->unheard && attempt->problem.code == PROBLEM_NONE &&
        attempt->lines[0].problem.code == PROBLEM_NONE) {
        if (attempt->number == 0) {
            actor->session = attempt->lines[0].id.index;
        } else if (attempt->number == actor->value) {
            actor->value = 0;
            actor->sequence++;
        }
    }
    size_t at = somebody(run);
    if (run->cluster->members[at].node == NULL || (actor->value == 0 && !more)) {
        return;
    }
    if (!actor->keys && actor->session == 0) {
        actor->attempt = cluster_change_session(run->cluster, at, 0);
        actor->attempt->op = "session";
        return;
    }
    actor->value = actor->value == 0 ? run->next_value++ : actor->value;
    char command[100];
    char key[40];
    snprintf(command, sizeof command, "{\"op\":\"put\",\"key\":\"k%" PRIu64 "\",\"value\":%" PRIu64 "}",
             actor->value % HISTORY_KEYS, actor->value);
    snprintf(key, sizeof key, "\"key\" %" PRIu64, actor->value);
    actor->attempt = cluster_propose_once(run->cluster, at, command, actor->keys ? key : NULL,
                                          actor->keys ? 0 : actor->session, actor->keys ? 0 : actor->sequence + 1);
    actor->attempt->op = "once";
    actor->attempt->number = actor->value;
    if (pick(run, 4) == 0) {
        client_cancel(actor->attempt); /* It gives up waiting and will try elsewhere. */
        actor->attempt = NULL;
    }
}

/* What clients have heard counts for all who ask from now on. */
static void hear(struct run *run) {
    struct cluster *cluster = run->cluster;
    for (size_t i = run->first_open; i < cluster->client_count; i++) {
        const struct client *client = cluster->clients[i];
        bool counts = client->op != NULL && strcmp(client->op, "open") != 0;
        for (size_t k = 0; k < client->count && counts && client->answers > 0 && !client->unheard; k++) {
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

/* -- Calm -- */

/* All who are members now have all there is, and whoever of them lost its disk is back. */
static bool is_at_rest(struct run *run) {
    size_t leader = cluster_leader(run->cluster);
    const struct members *members = settled_members(run);
    if (members == NULL) {
        return false;
    }
    const struct raft *core = run->cluster->members[leader].node->core;
    for (size_t i = 0; i < members->count; i++) {
        const struct members_member *listed = &members->list[i];
        const struct member *member = &run->cluster->members[listed->id - 1];
        if (is_lost(run->cluster, listed) || strcmp(listed->url, member->url) != 0 ||
            member->node->applier.applied.index != raft_last_index(core) || node_leader(member->node) != leader + 1) {
            return false;
        }
    }
    return true;
}

static bool await_rest(struct run *run) {
    for (unsigned ms = 0; ms < CALM_MS; ms += HEARTBEAT_MS) {
        if (is_at_rest(run)) {
            return true;
        }
        cluster_run(run->cluster, HEARTBEAT_MS);
    }
    return false;
}

/* Too many disks may be lost for what some disk says the members are: then nobody can help. */
static bool is_hopeless(struct run *run) {
    for (size_t i = 0; i < run->cluster->count; i++) {
        const struct node *node = run->cluster->members[i].node;
        const struct members *members = &roster_current(&node->roster)->members;
        if (node->core != NULL && members_find(members, i + 1) != NULL && !can_decide(run->cluster, members, CLUSTER_MAX)) {
            return true;
        }
    }
    return false;
}

/* Whoever lost its disk is told where the cluster is, and to take its place. */
static void mend(struct run *run) {
    size_t leader = cluster_leader(run->cluster);
    for (size_t i = 0; leader != CLUSTER_MAX && i < run->cluster->count; i++) {
        struct member *member = &run->cluster->members[i];
        if (member->node->core == NULL && i != leader) {
            member->options.join_url = run->cluster->members[leader].url;
            member->options.replace = true;
            cluster_restart(run->cluster, i);
        }
    }
}

static void prove_progress(struct run *run) {
    end_faults(run);
    cluster_run(run->cluster, 15000);
    mend(run);
    if (!await_rest(run)) {
        ck_assert_msg(is_hopeless(run), "the members do not come to rest");
        return;
    }
    for (unsigned steps = 0; steps < 1000; steps++) {
        bool done = true;
        for (size_t i = 0; i < ACTORS; i++) {
            act(run, &run->actors[i], false);
            done = done && run->actors[i].value == 0;
        }
        if (done) {
            break;
        }
        ck_assert_uint_lt(steps, 999);
        cluster_run(run->cluster, 50);
    }
    size_t leader = cluster_leader(run->cluster);
    struct client *last = cluster_propose(run->cluster, leader, "{\"op\":\"put\",\"key\":\"k0\",\"value\":1}");
    ck_assert_int_eq(client_await(last)->lines[0].problem.code, PROBLEM_NONE);
    cluster_run(run->cluster, NODE_TIMEOUT_MAX_MS + 10000); /* All are answered. */
    ck_assert_msg(await_rest(run), "the members do not come to rest again");
}

/* -- All -- */

static struct run *begin(uint64_t seed) {
    struct run *run = memory_zalloc(sizeof *run);
    run->cluster = cluster_create(4 + seed % 4, seed);
    run->truth = truth_watch(run->cluster);
    run->next_value = 10;
    size_t founders = 1 + (size_t)pick(run, run->cluster->count);
    for (size_t i = 0; i < run->cluster->count; i++) {
        struct node_options *options = &run->cluster->members[i].options;
        options->cluster = i < founders ? cluster_list(founders) : (struct members){0};
        options->join_url = i < founders ? NULL : run->cluster->members[pick(run, founders)].url;
        options->learner = i >= founders && pick(run, 4) == 0;
        options->cache_bytes = pick(run, 3) == 0 ? 0 : pick(run, 20000);
        if (seed % 8 < 6) {
            options->snapshot_entries = 1 + pick(run, 30);
            options->piece_bytes = 50 + (uint32_t)pick(run, 600);
        }
        if (i < founders) {
            cluster_start(run->cluster, i);
        }
    }
    for (size_t i = 0; i < ACTORS; i++) {
        run->actors[i].keys = i % 2 == 0;
    }
    return run;
}

static void run_seed(uint64_t seed, uint64_t *out_trace) {
    struct run *run = begin(seed);
    for (unsigned slice = 0; slice < SLICES; slice++) {
        change_lives(run);
        change_links(run);
        if (pick(run, 10) == 0) {
            change_disks(run);
        }
        for (uint64_t count = pick(run, 4); count > 0; count--) {
            ask_something(run);
        }
        for (size_t i = 0; i < ACTORS; i++) {
            act(run, &run->actors[i], true);
        }
        cluster_run(run->cluster, pick(run, 200));
        hear(run);
    }
    prove_progress(run);
    history_check(run->truth, run->next_value);
    if (getenv("CLUSTER_TELL") != NULL) {
        fprintf(stderr,
                "seed %" PRIu64 ": %" PRIu64
                " committed, %zu configurations, %zu joint, %zu installed, %zu wiped, %zu moved%s\n",
                seed, run->truth->committed, run->truth->configurations, run->truth->joint, run->truth->installed,
                run->wiped, run->moved, is_hopeless(run) ? ", hopeless" : "");
    }
    *out_trace = run->truth->trace;
    cluster_destroy(run->cluster);
    truth_free(run->truth);
    free(run);
}

START_TEST(whoever_the_members_are_all_answers_fit_one_history) {
    uint64_t trace;
    run_seed(number_from("CLUSTER_SEED", 0) + (uint64_t)_i, &trace);
}
END_TEST

START_TEST(the_same_seed_runs_the_same_way) {
    uint64_t traces[3];
    for (size_t i = 0; i < 3; i++) {
        run_seed(7 + i / 2, &traces[i]);
    }
    ck_assert_uint_eq(traces[0], traces[1]);
    ck_assert_uint_ne(traces[0], traces[2]);
}
END_TEST

static void add_tests(TCase *tcase) {
    tcase_set_timeout(tcase, 300); /* Sanitizers. */
    tcase_add_loop_test(tcase, whoever_the_members_are_all_answers_fit_one_history, 0,
                        (int)number_from("CLUSTER_SEEDS", SEEDS));
    tcase_add_test(tcase, the_same_seed_runs_the_same_way);
}

CHECK_MAIN("node_member_random", add_tests)
