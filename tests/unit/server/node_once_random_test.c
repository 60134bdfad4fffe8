/* Clients that send each proposal until they hear an answer, to any node, while nodes die and links fail: each must be
 * applied exactly once. All write to one key, so the answers form one chain: what an answer says was there before must be
 * what exactly one other proposal wrote. CLUSTER_SEED=n in the environment runs other seeds. */
#include "cluster.h"
#include "tests/check_main.h"
#include "tests/number_from.h"

enum { SEEDS = 40, SLICES = 300, CLIENTS = 4, PROPOSALS_MAX = 4000 };

/* One client: the proposal it is at, and the attempt under way. */
struct actor {
    uint64_t session; /* 0: it sends keys, or has no session yet. */
    bool keys;
    uint64_t sequence; /* Of the proposal; 0: none. */
    uint64_t value;
    struct client *attempt; /* NULL: none. */
    unsigned attempts;
};

struct run {
    struct cluster *cluster;
    struct actor actors[CLIENTS];
    uint64_t next_value;
    size_t retries; /* Answered duplicates. */
    /* By value; [0] is before the first: */
    bool done[PROPOSALS_MAX];
    bool followed[PROPOSALS_MAX]; /* Somebody was told that this was there before. */
};

static uint64_t pick(struct run *run, uint64_t bound) {
    return cluster_random(run->cluster, bound);
}

/* -- Faults -- */

static void change_lives(struct run *run) {
    for (size_t i = 0; i < run->cluster->count; i++) {
        struct member *member = &run->cluster->members[i];
        if (member->node == NULL) {
            if (pick(run, 10) == 0) {
                cluster_start(run->cluster, i);
            }
        } else if (pick(run, 60) == 0) {
            /* Some of what was on the way to the disk may be there, though the node was not told. */
            while (member->write_count > 0 && pick(run, 2) == 0) {
                disk_perform_write(member);
            }
            cluster_kill(run->cluster, i);
        }
    }
}

static void change_links(struct run *run) {
    struct cluster *cluster = run->cluster;
    bool(*faults[])[CLUSTER_MAX] = {cluster->refused, cluster->lost, cluster->held, cluster->breaking, cluster->doubling};
    size_t at = (size_t)pick(run, cluster->count);
    if (pick(run, 6) == 0) {
        cluster_set_around(cluster, faults[pick(run, 5)], at, true);
    } else if (pick(run, 3) == 0) {
        for (size_t f = 0; f < 5; f++) {
            memset(faults[f], 0, sizeof cluster->refused);
        }
    }
    cluster->members[at].hold_writes = pick(run, 5) == 0;
    cluster->disk_ms = pick(run, 10);
    cluster->network_ms = pick(run, 10);
}

static void end_faults(struct run *run) {
    struct cluster *cluster = run->cluster;
    bool(*faults[])[CLUSTER_MAX] = {cluster->refused, cluster->lost, cluster->held, cluster->breaking, cluster->doubling};
    for (size_t f = 0; f < 5; f++) {
        memset(faults[f], 0, sizeof cluster->refused);
    }
    for (size_t i = 0; i < cluster->count; i++) {
        cluster->members[i].hold_writes = false;
        if (cluster->members[i].node == NULL) {
            cluster_start(cluster, i);
        }
    }
}

/* -- Clients -- */

/* An answer says what was there before: {} before the first. */
static void follow(struct run *run, const char *result) {
    uint64_t previous = 0;
    struct json_span value;
    struct json_span member;
    size_t offset;
    ck_assert(json_scan(result, strlen(result), &value, &offset));
    if (json_member(value, "previous", &member)) {
        ck_assert(json_number_uint64(member, PROPOSALS_MAX - 1, &previous) && previous > 0);
    }
    ck_assert_msg(!run->followed[previous], "%" PRIu64 " was there twice", previous);
    run->followed[previous] = true;
}

static void hear(struct run *run, struct actor *actor) {
    const struct client *client = actor->attempt;
    if (client == NULL) {
        return;
    }
    bool dead = client->answers == 0 && client->life != client->member->life;
    if (client->answers == 0 && !dead) {
        return;
    }
    actor->attempt = NULL;
    if (dead || client->unheard) {
        return;
    }
    const struct client_line *line = &client->lines[0];
    if (line->problem.code != PROBLEM_NONE) {
        ck_assert_msg(line->problem.code != PROBLEM_STALE_SEQUENCE && line->problem.code != PROBLEM_SESSION_EXPIRED &&
                          line->problem.code != PROBLEM_KEY_REUSED,
                      "%s", line->problem.detail);
    } else if (actor->sequence == 0) {
        actor->session = line->id.index;
        actor->sequence = 1;
        actor->value = run->next_value++;
    } else {
        ck_assert(actor->attempts > 1 || !line->duplicate);
        run->retries += line->duplicate ? 1 : 0;
        run->done[actor->value] = true;
        follow(run, line->text);
        actor->sequence++;
        actor->value = run->next_value++;
        actor->attempts = 0;
        ck_assert_uint_lt(run->next_value, PROPOSALS_MAX);
    }
}

static void send_again(struct run *run, struct actor *actor) {
    size_t at = (size_t)pick(run, run->cluster->count);
    if (actor->attempt != NULL || run->cluster->members[at].node == NULL) {
        return;
    }
    if (actor->sequence == 0) {
        actor->attempt = cluster_change_session(run->cluster, at, 0);
        return;
    }
    char command[100];
    char key[40];
    snprintf(command, sizeof command, "{\"op\":\"put\",\"key\":\"k\",\"value\":%" PRIu64 "}", actor->value);
    snprintf(key, sizeof key, "\"key\" %" PRIu64, actor->value);
    actor->attempts++;
    actor->attempt = cluster_propose_once(run->cluster, at, command, actor->keys ? key : NULL,
                                          actor->keys ? 0 : actor->session, actor->keys ? 0 : actor->sequence);
    if (pick(run, 4) == 0) {
        client_cancel(actor->attempt); /* The client gives up waiting and will try elsewhere. */
        actor->attempt = NULL;
    }
}

static void step(struct run *run) {
    for (size_t i = 0; i < CLIENTS; i++) {
        hear(run, &run->actors[i]);
        send_again(run, &run->actors[i]);
    }
    cluster_run(run->cluster, pick(run, 100));
}

static bool all_done(const struct run *run) {
    for (uint64_t value = 1; value < run->next_value; value++) {
        if (!run->done[value]) {
            return false;
        }
    }
    return true;
}

/* Everything that was begun is brought to its end, and nothing else is begun. */
static void finish(struct run *run) {
    end_faults(run);
    for (unsigned steps = 0; steps < 2000 && !all_done(run); steps++) {
        for (size_t i = 0; i < CLIENTS; i++) {
            struct actor *actor = &run->actors[i];
            uint64_t last = run->next_value;
            hear(run, actor);
            if (run->next_value > last) {
                run->next_value = last; /* What it would go on with. */
                actor->value = 0;
            }
            if (actor->value != 0) {
                send_again(run, actor);
            }
        }
        cluster_run(run->cluster, 50);
    }
    ck_assert_msg(all_done(run), "a proposal never comes to its end");
}

START_TEST(what_is_sent_again_and_again_is_applied_once) {
    struct run *run = memory_zalloc(sizeof *run);
    run->cluster = cluster_create(3, number_from("CLUSTER_SEED", 7000) + (uint64_t)_i);
    run->next_value = 1;
    cluster_form(run->cluster);
    for (size_t i = 0; i < CLIENTS; i++) {
        run->actors[i].keys = i % 2 == 1;
        if (run->actors[i].keys) {
            run->actors[i].sequence = 1;
            run->actors[i].value = run->next_value++;
        }
    }
    for (unsigned slice = 0; slice < SLICES; slice++) {
        change_lives(run);
        change_links(run);
        step(run);
    }
    finish(run);
    /* Then the chain is whole: all but the last one were there once when the next was written. */
    size_t ends = 0;
    for (uint64_t value = 0; value < run->next_value; value++) {
        ends += run->followed[value] ? 0 : 1;
    }
    ck_assert_uint_eq(ends, 1);
    ck_assert_uint_gt(run->next_value, 30);
    ck_assert_uint_gt(run->retries, 3);
    cluster_run(run->cluster, 5000);
    assert_machines_equal(run->cluster);
    cluster_destroy(run->cluster);
    free(run);
}
END_TEST

static void add_tests(TCase *tcase) {
    tcase_set_timeout(tcase, 300);
    tcase_add_loop_test(tcase, what_is_sent_again_and_again_is_applied_once, 0, SEEDS);
}

CHECK_MAIN("node_once_random", add_tests)
