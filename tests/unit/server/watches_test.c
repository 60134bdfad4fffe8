#include "cluster.h"
#include "tests/check_main.h"

/* A watcher that keeps what it is told, and has room for `room` commands more. */
struct seen {
    struct node *node;
    uint64_t ticket;
    size_t room;
    unsigned opened;
    raft_index next;
    size_t count;
    raft_index indexes[2000];
    raft_term term;
    char last[64]; /* The bytes of the last command, as far as they fit. */
    unsigned ended;
    struct problem problem;
    raft_index first_index;
    bool cancel;      /* At the next command. */
    struct seen *add; /* To be begun at the next command. */
};

static void seen_watch(struct node *node, raft_index from, struct seen *seen);

static void opened(void *context, raft_index next) {
    struct seen *seen = context;
    ck_assert_uint_eq(seen->opened + seen->ended + seen->count, 0);
    seen->opened++;
    seen->next = next;
}

static bool command(void *context, const struct raft_entry *entry) {
    struct seen *seen = context;
    ck_assert_uint_eq(seen->opened, 1);
    ck_assert_uint_eq(seen->ended, 0);
    ck_assert_int_eq(entry->type, RAFT_COMMAND);
    ck_assert_uint_gt(seen->room, 0);
    ck_assert_uint_ge(entry->id.index, seen->next);
    ck_assert_uint_lt(seen->count, 2000);
    ck_assert_uint_le(entry->id.index, seen->node->applier.applied.index);
    seen->indexes[seen->count++] = entry->id.index;
    seen->next = entry->id.index + 1;
    seen->term = entry->id.term;
    snprintf(seen->last, sizeof seen->last, "%.*s", (int)entry->size, entry->data);
    if (seen->cancel) {
        node_cancel(seen->node, seen->ticket);
    }
    if (seen->add != NULL) {
        seen_watch(seen->node, 1, seen->add);
        seen->add = NULL;
    }
    return --seen->room > 0;
}

static void ended(void *context, const struct problem *problem, raft_index first_index) {
    struct seen *seen = context;
    ck_assert_uint_eq(seen->ended, 0);
    seen->ended++;
    seen->problem = *problem;
    seen->first_index = first_index;
}

static void seen_watch(struct node *node, raft_index from, struct seen *seen) {
    struct node_watcher watcher = {.context = seen, .opened = opened, .command = command, .ended = ended};
    seen->node = node;
    seen->room = SIZE_MAX;
    seen->ticket = node_watch(node, from, &watcher);
    ck_assert_uint_eq(seen->opened + seen->ended + seen->count, 0);
}

/* Every index from `first` to `last`, once, in order. */
static void assert_saw(const struct seen *seen, raft_index first, raft_index last) {
    ck_assert_uint_eq(seen->opened, 1);
    ck_assert_uint_eq(seen->count, last + 1 - first);
    for (size_t i = 0; i < seen->count; i++) {
        ck_assert_uint_eq(seen->indexes[i], first + i);
    }
}

static void put(struct cluster *cluster, size_t at, size_t value) {
    char text[64];
    snprintf(text, sizeof text, PUT("a", "%zu"), value);
    client_await(cluster_propose(cluster, at, text));
}

/* A node alone with commands at 3 to 2 + count, of which its cache holds about `cached`. */
static struct cluster *begin(size_t count, size_t cached) {
    struct cluster *cluster = cluster_create(1, 1);
    cluster->members[0].options.cache_bytes = cached * (sizeof(struct raft_entry) + sizeof(PUT("a", "100")) - 1);
    cluster_form(cluster);
    for (size_t i = 0; i < count; i++) {
        put(cluster, 0, 100 + i);
    }
    return cluster;
}

START_TEST(the_past_then_what_comes_wherever_it_lies) {
    /* Given a log of 1 to 22: all in the cache; nothing; the last half. */
    static const size_t cached[] = {1000, 0, 10};
    struct cluster *cluster = begin(20, cached[_i]);
    struct node *node = cluster_node(cluster, 0);
    struct seen all = {0};
    struct seen some = {0};
    struct seen next = {0};
    seen_watch(node, 1, &all);
    seen_watch(node, 10, &some);
    seen_watch(node, 0, &next);
    cluster_settle(cluster);
    assert_saw(&all, 3, 22);
    assert_saw(&some, 10, 22);
    assert_saw(&next, 23, 22);
    ck_assert_uint_eq(next.next, 23);
    ck_assert_str_eq(all.last, PUT("a", "119"));
    ck_assert_uint_eq(all.term, cluster_status(cluster, 0).raft.hard_state.term);
    /* When more comes */
    put(cluster, 0, 120);
    put(cluster, 0, 121);
    assert_saw(&all, 3, 24);
    assert_saw(&some, 10, 24);
    assert_saw(&next, 23, 24);
    ck_assert_str_eq(next.last, PUT("a", "121"));
    cluster_destroy(cluster);
    /* Then the end is told to each. */
    ck_assert_int_eq(all.problem.code, PROBLEM_SHUTTING_DOWN);
    ck_assert_uint_eq(all.first_index, 0);
    ck_assert_uint_eq(some.ended + next.ended, 2);
}
END_TEST

START_TEST(a_start_beyond_the_end_waits_until_the_log_is_there) {
    struct cluster *cluster = begin(3, _i == 0 ? 0 : 1000);
    struct seen seen = {0};
    struct seen never = {0};
    seen_watch(cluster_node(cluster, 0), 8, &seen);
    seen_watch(cluster_node(cluster, 0), RAFT_NUMBER_MAX, &never);
    for (size_t i = 0; i < 2; i++) {
        put(cluster, 0, i);
        assert_saw(&seen, 8, 7);
    }
    put(cluster, 0, 2);
    assert_saw(&seen, 8, 8);
    ck_assert_uint_eq(never.count, 0);
    cluster_destroy(cluster);
}
END_TEST

START_TEST(nothing_comes_before_it_is_committed) {
    struct cluster *cluster = begin(1, 1000);
    struct seen seen = {0};
    seen_watch(cluster_node(cluster, 0), 0, &seen);
    cluster_settle(cluster);
    cluster->members[0].hold_writes = true;
    struct client *client = cluster_propose(cluster, 0, PUT("a", "1"));
    cluster_settle(cluster);
    ck_assert_uint_eq(seen.count, 0);
    cluster->members[0].hold_writes = false;
    client_await(client);
    assert_saw(&seen, 4, 4);
    cluster_destroy(cluster);
}
END_TEST

START_TEST(a_watcher_without_room_pauses_and_misses_nothing) {
    struct cluster *cluster = begin(20, _i == 0 ? 0 : _i == 1 ? 10 : 1000);
    struct node *node = cluster_node(cluster, 0);
    struct seen seen = {0};
    seen_watch(node, 1, &seen);
    seen.room = 1;
    for (raft_index last = 3; last <= 22; last++) {
        cluster_settle(cluster);
        assert_saw(&seen, 3, last);
        ck_assert_uint_eq(seen.room, 0);
        cluster_run(cluster, 500);
        ck_assert_uint_eq(seen.room, 0);
        seen.room = 1;
        node_watch_resume(node, seen.ticket);
    }
    /* When there is room, and nothing to fill it, resuming again changes nothing. */
    cluster_settle(cluster);
    seen.room = 5;
    node_watch_resume(node, seen.ticket);
    node_watch_resume(node, 12345);
    put(cluster, 0, 1);
    assert_saw(&seen, 3, 23);
    cluster_destroy(cluster);
}
END_TEST

START_TEST(no_ops_and_configurations_send_nothing) {
    struct cluster *cluster = cluster_create(3, 7);
    size_t leader = cluster_form(cluster);
    struct seen seen = {0};
    size_t watched = cluster_other(cluster, leader);
    seen_watch(cluster_node(cluster, watched), 1, &seen);
    put(cluster, watched, 1);
    /* When another leads, with a no-op of its own */
    cluster_kill(cluster, leader);
    cluster_await_leader(cluster);
    put(cluster, watched, 2);
    cluster_run(cluster, 1000);
    ck_assert_uint_eq(seen.count, 2);
    ck_assert_uint_eq(seen.indexes[0], 3);
    ck_assert_uint_gt(seen.indexes[1], 4);
    ck_assert_str_eq(seen.last, PUT("a", "2"));
    cluster_destroy(cluster);
}
END_TEST

START_TEST(a_node_without_a_leader_shows_what_it_has) {
    struct cluster *cluster = cluster_create(3, 7);
    size_t leader = cluster_form(cluster);
    put(cluster, leader, 1);
    cluster_run(cluster, 500);
    size_t alone = cluster_other(cluster, leader);
    for (size_t i = 0; i < 3; i++) {
        if (i != alone) {
            cluster_kill(cluster, i);
        }
    }
    cluster_run(cluster, 5000);
    ck_assert_uint_eq(node_leader(cluster_node(cluster, alone)), 0);
    struct seen seen = {0};
    seen_watch(cluster_node(cluster, alone), 1, &seen);
    cluster_settle(cluster);
    assert_saw(&seen, 3, 3);
    cluster_destroy(cluster);
}
END_TEST

START_TEST(a_node_that_waits_to_form_or_ends_has_nothing_to_watch) {
    struct cluster *cluster = cluster_create(3, 7);
    cluster_start(cluster, 0);
    struct seen waiting = {0};
    seen_watch(cluster_node(cluster, 0), 1, &waiting);
    cluster_settle(cluster);
    ck_assert_uint_eq(waiting.opened, 0);
    ck_assert_uint_eq(waiting.ended, 1);
    ck_assert_int_eq(waiting.problem.code, PROBLEM_NOT_READY);
    struct seen ending = {0};
    node_shut_down(cluster_node(cluster, 0));
    seen_watch(cluster_node(cluster, 0), 1, &ending);
    cluster_settle(cluster);
    ck_assert_uint_eq(ending.opened, 0);
    ck_assert_int_eq(ending.problem.code, PROBLEM_SHUTTING_DOWN);
    cluster_destroy(cluster);
}
END_TEST

START_TEST(cancelled_at_any_time_it_hears_no_more) {
    struct cluster *cluster = begin(20, 0);
    struct node *node = cluster_node(cluster, 0);
    /* Before its first turn; while the disk reads; from inside a callback; when paused; in the callback that says so. */
    struct seen gone[5] = {0};
    for (size_t i = 0; i < 5; i++) {
        seen_watch(node, 3, &gone[i]);
    }
    gone[2].cancel = true;
    gone[3].room = 1;
    gone[4].cancel = true;
    gone[4].room = 1;
    node_cancel(node, gone[0].ticket);
    cluster->members[0].hold_reads = true;
    cluster_settle(cluster);
    node_cancel(node, gone[1].ticket);
    put(cluster, 0, 1); /* Turns in which its read is still under way. */
    cluster->members[0].hold_reads = false;
    cluster_settle(cluster);
    node_cancel(node, gone[3].ticket);
    node_watch_resume(node, gone[3].ticket);
    put(cluster, 0, 1);
    static const size_t counts[] = {0, 0, 1, 1, 1};
    for (size_t i = 0; i < 5; i++) {
        ck_assert_uint_eq(gone[i].count, counts[i]);
        ck_assert_uint_eq(gone[i].ended, 0);
    }
    ck_assert_uint_eq(node->watches.count, 0);
    ck_assert_uint_eq(node->watches.reads, 0);
    cluster_destroy(cluster);
}
END_TEST

START_TEST(watches_may_be_added_from_inside_a_callback) {
    struct cluster *cluster = begin(5, _i == 0 ? 0 : 1000);
    struct seen more[9] = {0};
    for (size_t i = 0; i < 8; i++) {
        more[i].add = &more[i + 1];
    }
    seen_watch(cluster_node(cluster, 0), 1, &more[0]);
    cluster_settle(cluster);
    for (size_t i = 0; i < 9; i++) {
        assert_saw(&more[i], 3, 7);
    }
    cluster_destroy(cluster);
}
END_TEST

START_TEST(reads_of_the_disk_are_few_at_a_time_and_go_round) {
    /* Given many who are behind the cache, each always with room for the next piece */
    struct cluster *cluster = begin(20, 0);
    struct node *node = cluster_node(cluster, 0);
    struct member *member = &cluster->members[0];
    struct seen seen[3 * WATCHES_READS_MAX] = {0};
    enum { COUNT = sizeof seen / sizeof *seen };
    for (size_t i = 0; i < COUNT; i++) {
        seen_watch(node, 1, &seen[i]);
        seen[i].room = 1;
    }
    member->hold_reads = true;
    size_t rounds = 0;
    bool all = false;
    for (; !all; rounds++) {
        ck_assert_uint_lt(rounds, 20 * COUNT);
        cluster_settle(cluster);
        ck_assert_uint_le(member->read_count, WATCHES_READS_MAX);
        while (member->read_count > 0) {
            disk_finish_read(member);
        }
        all = true;
        for (size_t i = 0; i < COUNT; i++) {
            all = all && seen[i].count > 0;
            if (seen[i].room == 0) {
                seen[i].room = 1;
                node_watch_resume(node, seen[i].ticket);
            }
        }
    }
    /* Then nobody had to wait for another to come to the end. */
    for (size_t i = 0; i < COUNT; i++) {
        ck_assert_uint_lt(seen[i].count, 10);
    }
    member->hold_reads = false;
    cluster_destroy(cluster);
}
END_TEST

START_TEST(large_commands_come_from_the_disk_one_by_one) {
    struct cluster *cluster = begin(0, 0);
    size_t size = WATCHES_READ_BYTES + 1;
    char *text = memory_alloc(size + 1);
    size_t head = (size_t)snprintf(text, size + 1, "{\"op\":\"put\",\"key\":\"a\",\"value\":\"");
    memset(text + head, 'x', size - head);
    memcpy(text + size - 2, "\"}", 3);
    for (size_t i = 0; i < 3; i++) {
        client_await(cluster_propose(cluster, 0, text));
    }
    free(text);
    struct seen seen = {0};
    seen_watch(cluster_node(cluster, 0), 1, &seen);
    cluster_settle(cluster);
    assert_saw(&seen, 3, 5);
    cluster_destroy(cluster);
}
END_TEST

START_TEST(after_a_restart_nothing_is_shown_before_it_is_applied) {
    /* Given more in the log than is read at once to be applied */
    enum { COUNT = 250, LAST = 2 + COUNT };
    struct cluster *cluster = begin(0, 0);
    struct member *member = &cluster->members[0];
    char *text = memory_alloc(10001);
    size_t head = (size_t)snprintf(text, 10001, "{\"op\":\"put\",\"key\":\"a\",\"value\":\"");
    memset(text + head, 'x', 10000 - head);
    memcpy(text + 9998, "\"}", 3);
    for (size_t i = 0; i < COUNT; i++) {
        client_await(cluster_propose(cluster, 0, text));
    }
    free(text);
    cluster_restart(cluster, 0);
    member->hold_reads = true;
    while (member->read_count == 0) {
        cluster_run(cluster, 10);
    }
    disk_finish_read(member);
    cluster_settle(cluster);
    raft_index applied = member->node->applier.applied.index;
    ck_assert_uint_gt(applied, 3);
    ck_assert_uint_lt(applied, LAST - 10);
    /* When what a watcher asks for comes from the disk before what the machine asks for */
    struct seen seen = {0};
    seen_watch(member->node, applied, &seen);
    cluster_settle(cluster);
    ck_assert_uint_eq(member->read_count, 2);
    struct disk_read first = member->reads[0];
    member->reads[0] = member->reads[1];
    member->reads[1] = first;
    disk_finish_read(member);
    cluster_settle(cluster);
    /* Then */
    assert_saw(&seen, applied, applied);
    member->hold_reads = false;
    cluster_run(cluster, 100);
    assert_saw(&seen, applied, LAST);
    cluster_destroy(cluster);
}
END_TEST

START_TEST(watchers_on_all_nodes_see_the_same_while_everything_is_slow) {
    struct cluster *cluster = cluster_create(3, 11);
    for (size_t i = 0; i < 3; i++) {
        cluster->members[i].options.cache_bytes = _i == 0 ? 0 : 2000;
    }
    size_t leader = cluster_form(cluster);
    cluster->disk_ms = cluster->network_ms = 5;
    struct seen seen[3] = {0};
    for (size_t i = 0; i < 3; i++) {
        seen_watch(cluster_node(cluster, i), 1, &seen[i]);
        seen[i].room = 3;
    }
    for (unsigned k = 0; k < 100; k++) {
        cluster_propose(cluster, k % 3, PUT("a", "1") "\n" PUT("b", "2"));
        cluster_run(cluster, 3);
        for (size_t i = 0; i < 3; i++) {
            if (seen[i].room == 0) {
                seen[i].room = 1 + cluster_random(cluster, 20);
                node_watch_resume(seen[i].node, seen[i].ticket);
            }
        }
    }
    for (size_t i = 0; i < 3; i++) {
        seen[i].room = 1000;
        node_watch_resume(seen[i].node, seen[i].ticket);
    }
    cluster_run(cluster, 3000);
    raft_index last = cluster_status(cluster, leader).applied_index;
    ck_assert_uint_eq(last, 202);
    for (size_t i = 0; i < 3; i++) {
        assert_saw(&seen[i], 3, last);
    }
    cluster_destroy(cluster);
}
END_TEST

/* Takes a snapshot and cuts the log before it, but for its last two entries. */
static raft_index cut(struct cluster *cluster) {
    cluster_node(cluster, 0)->options.snapshot_entries = 2 * SNAPSHOTS_TAIL_DIVISOR;
    cluster_settle(cluster);
    client_await(cluster_snapshot(cluster, 0));
    cluster_node(cluster, 0)->options.snapshot_entries = 1000000;
    return cluster_status(cluster, 0).raft.first_index;
}

START_TEST(a_watch_from_before_the_log_never_begins) {
    struct cluster *cluster = begin(20, _i == 0 ? 1000 : 0);
    raft_index first = cut(cluster);
    struct seen before = {0};
    struct seen at = {0};
    seen_watch(cluster_node(cluster, 0), first - 1, &before);
    seen_watch(cluster_node(cluster, 0), first, &at);
    cluster_settle(cluster);
    ck_assert_uint_eq(before.opened, 0);
    ck_assert_uint_eq(before.ended, 1);
    ck_assert_int_eq(before.problem.code, PROBLEM_COMPACTED);
    ck_assert_uint_eq(before.first_index, first);
    assert_saw(&at, first, 22);
    cluster_destroy(cluster);
}
END_TEST

START_TEST(a_slow_watch_ends_when_what_is_next_is_compacted) {
    struct cluster *cluster = begin(20, 0);
    struct seen seen = {0};
    seen_watch(cluster_node(cluster, 0), 1, &seen);
    seen.room = 5;
    cluster_settle(cluster);
    ck_assert_uint_eq(seen.count, 5);
    raft_index first = cut(cluster);
    ck_assert_uint_eq(seen.ended, 1);
    ck_assert_int_eq(seen.problem.code, PROBLEM_COMPACTED);
    ck_assert_uint_eq(seen.first_index, first);
    ck_assert_uint_eq(seen.count, 5);
    cluster_destroy(cluster);
}
END_TEST

START_TEST(so_does_one_for_which_the_disk_reads_what_is_compacted_meanwhile) {
    struct cluster *cluster = begin(20, 0);
    struct seen seen = {0};
    cluster->members[0].hold_reads = true;
    seen_watch(cluster_node(cluster, 0), 1, &seen);
    cluster_settle(cluster);
    cut(cluster);
    cluster->members[0].hold_reads = false;
    cluster_settle(cluster);
    ck_assert_uint_eq(seen.ended, 1);
    ck_assert_int_eq(seen.problem.code, PROBLEM_COMPACTED);
    ck_assert_uint_eq(seen.count, 0);
    cluster_destroy(cluster);
}
END_TEST

static void add_tests(TCase *tcase) {
    tcase_add_loop_test(tcase, a_watch_from_before_the_log_never_begins, 0, 2);
    tcase_add_test(tcase, a_slow_watch_ends_when_what_is_next_is_compacted);
    tcase_add_test(tcase, so_does_one_for_which_the_disk_reads_what_is_compacted_meanwhile);
    tcase_add_loop_test(tcase, the_past_then_what_comes_wherever_it_lies, 0, 3);
    tcase_add_loop_test(tcase, a_start_beyond_the_end_waits_until_the_log_is_there, 0, 2);
    tcase_add_test(tcase, nothing_comes_before_it_is_committed);
    tcase_add_loop_test(tcase, a_watcher_without_room_pauses_and_misses_nothing, 0, 3);
    tcase_add_test(tcase, no_ops_and_configurations_send_nothing);
    tcase_add_test(tcase, a_node_without_a_leader_shows_what_it_has);
    tcase_add_test(tcase, a_node_that_waits_to_form_or_ends_has_nothing_to_watch);
    tcase_add_test(tcase, cancelled_at_any_time_it_hears_no_more);
    tcase_add_loop_test(tcase, watches_may_be_added_from_inside_a_callback, 0, 2);
    tcase_add_test(tcase, reads_of_the_disk_are_few_at_a_time_and_go_round);
    tcase_add_test(tcase, large_commands_come_from_the_disk_one_by_one);
    tcase_add_test(tcase, after_a_restart_nothing_is_shown_before_it_is_applied);
    tcase_add_loop_test(tcase, watchers_on_all_nodes_see_the_same_while_everything_is_slow, 0, 2);
}

CHECK_MAIN("watches", add_tests)
