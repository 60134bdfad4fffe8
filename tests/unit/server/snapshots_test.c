#include "cluster.h"
#include "tests/check_main.h"

/* A cluster in which a snapshot is due after `entries` entries. */
static size_t form(struct cluster **out_cluster, size_t count, uint64_t seed, uint64_t entries) {
    *out_cluster = cluster_create(count, seed);
    for (size_t i = 0; i < count; i++) {
        (*out_cluster)->members[i].options.snapshot_entries = entries;
    }
    size_t leader = cluster_form(*out_cluster);
    cluster_run(*out_cluster, HEARTBEAT_MS);
    return leader;
}

static const struct snapshots *snapshots_of(struct cluster *cluster, size_t at) {
    return &cluster_node(cluster, at)->snapshots;
}

static raft_index base_of(struct cluster *cluster, size_t at) {
    return raft_base(cluster_node(cluster, at)->core).index;
}

static struct storage_state stored(struct cluster *cluster, size_t at) {
    struct storage_state state;
    storage_state(cluster->members[at].storage, &state);
    return state;
}

/* Numbered keys, each proposed by itself; applied by all who are reached. */
static void put_many(struct cluster *cluster, size_t at, unsigned count) {
    for (unsigned i = 0; i < count; i++) {
        char command[128];
        snprintf(command, sizeof command, "{\"op\":\"put\",\"key\":\"k%u\",\"value\":%u}", i, i);
        client_await(cluster_propose(cluster, at, command));
    }
    cluster_run(cluster, 2 * HEARTBEAT_MS);
}

START_TEST(without_reason_none_is_taken) {
    struct cluster *cluster;
    form(&cluster, 1, 1, 1000);
    put_many(cluster, 0, 100);
    cluster_run(cluster, 60000);
    ck_assert_uint_eq(snapshots_current(cluster_node(cluster, 0))->length, 0);
    ck_assert_uint_eq(cluster_status(cluster, 0).snapshot.length, 0);
    ck_assert_uint_eq(base_of(cluster, 0), 0);
    cluster_destroy(cluster);
}
END_TEST

START_TEST(after_so_many_entries_one_is_taken_and_the_log_cut_but_for_its_tail) {
    struct cluster *cluster;
    form(&cluster, 1, 2, 40);
    raft_index before = cluster_status(cluster, 0).applied_index;
    put_many(cluster, 0, (unsigned)(39 - before));
    ck_assert_uint_eq(cluster_status(cluster, 0).applied_index, 39);
    ck_assert_uint_eq(cluster_status(cluster, 0).snapshot.length, 0);
    put_many(cluster, 0, 1);
    struct node_status status = cluster_status(cluster, 0);
    ck_assert_uint_eq(status.snapshot.id.index, 40);
    ck_assert_uint_eq(status.snapshot.id.term, status.applied_term);
    ck_assert_uint_eq(status.snapshots_taken, 1);
    ck_assert_uint_eq(status.raft.first_index, 40 - 40 / SNAPSHOTS_TAIL_DIVISOR + 1);
    struct storage_state state = stored(cluster, 0);
    ck_assert_uint_eq(state.base.index, 30);
    ck_assert_uint_eq(state.snapshot.id.index, 40);
    ck_assert_uint_eq(state.snapshot.crc, status.snapshot.crc);
    cluster_destroy(cluster);
}
END_TEST

START_TEST(a_large_state_is_not_written_anew_for_few_changes) {
    struct cluster *cluster;
    form(&cluster, 1, 3, 5);
    char command[40100] = "{\"op\":\"put\",\"key\":\"large\",\"value\":\"";
    size_t size = strlen(command);
    memset(command + size, 'x', 40000);
    strcpy(command + size + 40000, "\"}");
    client_await(cluster_propose(cluster, 0, command));
    client_await(cluster_snapshot(cluster, 0));
    struct node_status status = cluster_status(cluster, 0);
    ck_assert_uint_gt(status.snapshot.length, 40000);
    raft_index first = status.snapshot.id.index;
    put_many(cluster, 0, 50); /* Ten times as many as a small state would need, and far less than its quarter. */
    ck_assert_uint_eq(cluster_status(cluster, 0).snapshot.id.index, first);
    put_many(cluster, 0, 200);
    status = cluster_status(cluster, 0);
    ck_assert_uint_gt(status.snapshot.id.index, first);
    ck_assert_uint_gt(status.snapshot.id.index - first, 40000 / SNAPSHOTS_SIZE_DIVISOR / 100);
    cluster_destroy(cluster);
}
END_TEST

START_TEST(a_node_starts_from_its_snapshot_and_the_log_after_it) {
    struct cluster *cluster;
    form(&cluster, 1, 4, 20);
    put_many(cluster, 0, 50);
    char *before = machine_contents(cluster, 0);
    struct node_status status = cluster_status(cluster, 0);
    cluster_restart(cluster, 0);
    struct node_status restarted = cluster_status(cluster, 0);
    ck_assert_uint_eq(restarted.applied_index, status.snapshot.id.index); /* The log after it is applied when it is known */
    ck_assert_uint_ge(restarted.raft.commit_index, status.snapshot.id.index); /* to be committed. */
    ck_assert_uint_eq(restarted.raft.first_index, status.raft.first_index);
    ck_assert_uint_eq(restarted.raft.last.index, status.raft.last.index);
    ck_assert_uint_eq(restarted.members.count, 1);
    ck_assert_uint_eq(restarted.snapshot.id.index, status.snapshot.id.index);
    cluster_await_leader(cluster);
    char *after = machine_contents(cluster, 0);
    ck_assert_str_eq(before, after);
    free(before);
    free(after);
    put_many(cluster, 0, 50); /* And goes on taking them. */
    ck_assert_uint_gt(cluster_status(cluster, 0).snapshot.id.index, restarted.snapshot.id.index);
    cluster_destroy(cluster);
}
END_TEST

START_TEST(a_death_anywhere_on_the_way_loses_nothing) {
    /* 0: the job has not begun; 1: the file is there, nobody knows; 2: the name is on its way to the disk; 3: it is there,
     * nobody knows; 4: all is done but what nobody needs any more. */
    for (int stage = 0; stage <= 4; stage++) {
        struct cluster *cluster;
        form(&cluster, 1, 5, 1000);
        put_many(cluster, 0, 10);
        client_await(cluster_snapshot(cluster, 0));
        struct storage_state first = stored(cluster, 0);
        put_many(cluster, 0, 10);
        char *before = machine_contents(cluster, 0);
        struct member *member = &cluster->members[0];
        member->hold_jobs = stage == 0;
        member->hold_ends = stage == 1;
        member->hold_writes = stage == 2 || stage == 3;
        cluster_snapshot(cluster, 0);
        cluster_settle(cluster);
        if (stage == 3) {
            disk_perform_write(member);
        }
        struct storage_state second = stored(cluster, 0);
        ck_assert((second.snapshot.id.index > first.snapshot.id.index) == (stage >= 3));
        cluster_restart(cluster, 0);
        cluster_await_leader(cluster);
        char *after = machine_contents(cluster, 0);
        ck_assert_str_eq(before, after);
        ck_assert_uint_eq(cluster_status(cluster, 0).snapshot.id.index, second.snapshot.id.index);
        free(before);
        free(after);
        client_await(cluster_snapshot(cluster, 0));
        ck_assert_uint_gt(cluster_status(cluster, 0).snapshot.id.index, second.snapshot.id.index);
        cluster_destroy(cluster);
    }
}
END_TEST

START_TEST(the_name_counts_only_when_it_is_on_disk_and_the_old_file_stays_until_then) {
    struct cluster *cluster;
    form(&cluster, 1, 6, 1000);
    put_many(cluster, 0, 3);
    client_await(cluster_snapshot(cluster, 0));
    struct storage_snapshot first = *snapshots_current(cluster_node(cluster, 0));
    put_many(cluster, 0, 3);
    cluster->members[0].hold_writes = true;
    struct client *client = cluster_snapshot_with(cluster, 0, false, NODE_TIMEOUT_MAX_MS);
    cluster_run(cluster, 1000);
    ck_assert_uint_eq(client->answers, 0);
    ck_assert_uint_eq(cluster_status(cluster, 0).snapshot.id.index, first.id.index);
    struct snapshot_file *file;
    struct storage_message message;
    struct snapshot_directory *directory = cluster->members[0].snapshots;
    ck_assert_int_eq(snapshot_file_open(directory, &first, &file, &message), STORAGE_OK);
    snapshot_file_close(file);
    cluster->members[0].hold_writes = false;
    client_await(client);
    cluster_run(cluster, 1000);
    ck_assert_uint_gt(client->lines[0].id.index, first.id.index);
    ck_assert_int_ne(snapshot_file_open(directory, &first, &file, &message), STORAGE_OK);
    cluster_destroy(cluster);
}
END_TEST

START_TEST(no_file_is_removed_while_another_is_being_named) {
    struct cluster *cluster;
    form(&cluster, 1, 15, 1000);
    put_many(cluster, 0, 3);
    client_await(cluster_snapshot(cluster, 0));
    put_many(cluster, 0, 3);
    cluster->members[0].hold_writes = true;
    snapshots_want(cluster_node(cluster, 0));
    cluster_settle(cluster);
    struct snapshots *snapshots = &cluster_node(cluster, 0)->snapshots;
    ck_assert_uint_ne(snapshots->naming_write, 0);
    snapshots->clean_due = true; /* As when one that came to nothing has left a file. */
    cluster_node(cluster, 0)->work = true;
    cluster_run(cluster, 1000);
    disk_perform_write(&cluster->members[0]);
    cluster_restart(cluster, 0); /* Refuses to start without the file that is named now. */
    ck_assert_uint_gt(snapshots_of(cluster, 0)->current.id.index, 4);
    cluster_destroy(cluster);
}
END_TEST

START_TEST(a_write_that_only_names_a_snapshot_does_not_upset_the_numbers_of_others) {
    struct cluster *cluster;
    form(&cluster, 1, 7, 1000); /* The tail is longer than the log: nothing is cut. */
    for (unsigned i = 0; i < 5; i++) {
        cluster->members[0].hold_writes = true;
        struct client *before = cluster_propose(cluster, 0, PUT("a", "1"));
        cluster_settle(cluster);
        snapshots_want(cluster_node(cluster, 0));
        cluster_settle(cluster);
        struct client *after = cluster_propose(cluster, 0, PUT("a", "2"));
        cluster_settle(cluster);
        raft_index last = raft_last_index(cluster_node(cluster, 0)->core);
        /* What is not on disk is not counted as such, whichever of the writes is done. */
        while (cluster->members[0].write_count > 0) {
            ck_assert_uint_eq(after->answers, 0);
            ck_assert_uint_lt(raft_persisted_index(cluster_node(cluster, 0)->core), last);
            disk_finish_write(&cluster->members[0]);
            node_turn(cluster_node(cluster, 0), cluster->now_ms);
        }
        ck_assert_uint_eq(raft_persisted_index(cluster_node(cluster, 0)->core), last);
        cluster->members[0].hold_writes = false;
        client_await(before);
        client_await(after);
        cluster_run(cluster, 10);
    }
    ck_assert_uint_gt(snapshots_of(cluster, 0)->taken, 0);
    ck_assert_uint_eq(base_of(cluster, 0), 0);
    cluster_destroy(cluster);
}
END_TEST

START_TEST(a_follower_in_contact_keeps_what_it_lacks_up_to_a_bound) {
    struct cluster *cluster;
    size_t leader = form(&cluster, 3, 8, 20);
    size_t slow = cluster_other(cluster, leader);
    raft_index match = cluster_status(cluster, slow).raft.last.index;
    /* It answers heartbeats, and its disk stands still. */
    cluster->members[slow].hold_writes = true;
    put_many(cluster, leader, 60);
    ck_assert_uint_gt(cluster_status(cluster, leader).snapshot.id.index, 0);
    ck_assert_uint_le(base_of(cluster, leader), match);
    put_many(cluster, leader, 300);
    cluster_run(cluster, 2 * ELECTION_MS);
    raft_index covered = cluster_status(cluster, leader).snapshot.id.index;
    ck_assert_uint_ge(base_of(cluster, leader), covered - 20 * SNAPSHOTS_HOLD_FACTOR - 20);
    ck_assert_uint_gt(base_of(cluster, leader), match);
    cluster_destroy(cluster);
}
END_TEST

START_TEST(the_log_is_cut_when_whoever_needed_it_has_it) {
    struct cluster *cluster;
    size_t leader = form(&cluster, 3, 9, 20);
    size_t slow = cluster_other(cluster, leader);
    cluster->members[slow].hold_writes = true;
    put_many(cluster, leader, 60);
    raft_index covered = cluster_status(cluster, leader).snapshot.id.index;
    ck_assert_uint_lt(base_of(cluster, leader), covered - 20);
    cluster->members[slow].hold_writes = false;
    cluster_run(cluster, 3 * ELECTION_MS);
    ck_assert_uint_eq(cluster_status(cluster, leader).snapshot.id.index, covered); /* No new one was needed. */
    ck_assert_uint_eq(base_of(cluster, leader), covered - 20 / SNAPSHOTS_TAIL_DIVISOR);
    assert_machines_equal(cluster);
    cluster_destroy(cluster);
}
END_TEST

START_TEST(a_silent_follower_keeps_nothing) {
    struct cluster *cluster;
    size_t leader = form(&cluster, 3, 10, 20);
    cluster_kill(cluster, cluster_other(cluster, leader));
    cluster_run(cluster, 2 * ELECTION_MS);
    put_many(cluster, leader, 60);
    cluster_run(cluster, 2 * ELECTION_MS);
    raft_index covered = cluster_status(cluster, leader).snapshot.id.index;
    ck_assert_uint_eq(base_of(cluster, leader), covered - 20 / SNAPSHOTS_TAIL_DIVISOR);
    cluster_destroy(cluster);
}
END_TEST

START_TEST(every_node_takes_its_own) {
    struct cluster *cluster;
    size_t leader = form(&cluster, 3, 11, 20);
    put_many(cluster, leader, 60);
    cluster_run(cluster, 3 * ELECTION_MS);
    for (size_t i = 0; i < 3; i++) {
        ck_assert_uint_ge(cluster_status(cluster, i).snapshot.id.index, 40);
        ck_assert_uint_gt(base_of(cluster, i), 0);
    }
    for (size_t i = 0; i < 3; i++) {
        cluster_restart(cluster, i);
        cluster_await_leader(cluster);
    }
    put_many(cluster, cluster_leader(cluster), 10);
    cluster_run(cluster, 3 * ELECTION_MS);
    assert_machines_equal(cluster);
    cluster_destroy(cluster);
}
END_TEST

START_TEST(while_somebody_holds_none_begins_and_no_file_goes) {
    struct cluster *cluster;
    form(&cluster, 1, 12, 20);
    put_many(cluster, 0, 15);
    client_await(cluster_snapshot(cluster, 0));
    snapshots_hold(cluster_node(cluster, 0));
    struct storage_snapshot first = *snapshots_current(cluster_node(cluster, 0));
    put_many(cluster, 0, 50);
    ck_assert_uint_eq(snapshots_of(cluster, 0)->current.id.index, first.id.index);
    snapshots_release(cluster_node(cluster, 0));
    cluster_run(cluster, 10);
    ck_assert_uint_gt(snapshots_of(cluster, 0)->current.id.index, first.id.index);
    cluster_destroy(cluster);
}
END_TEST

START_TEST(one_that_is_wanted_is_taken) {
    struct cluster *cluster;
    form(&cluster, 1, 13, 1000);
    put_many(cluster, 0, 5);
    snapshots_want(cluster_node(cluster, 0));
    cluster_run(cluster, 10);
    ck_assert_uint_eq(snapshots_of(cluster, 0)->current.id.index, cluster_status(cluster, 0).applied_index);
    /* Once: nothing has been applied since. */
    snapshots_want(cluster_node(cluster, 0));
    cluster_run(cluster, 10);
    ck_assert_uint_eq(snapshots_of(cluster, 0)->taken, 1);
    cluster_destroy(cluster);
}
END_TEST

START_TEST(a_node_that_ends_gives_up_the_one_it_writes) {
    struct cluster *cluster;
    form(&cluster, 1, 14, 1000);
    put_many(cluster, 0, 5);
    cluster->members[0].hold_jobs = true;
    struct client *client = cluster_snapshot(cluster, 0);
    cluster_settle(cluster);
    ck_assert_ptr_nonnull(snapshots_of(cluster, 0)->taking);
    node_shut_down(cluster_node(cluster, 0));
    cluster->members[0].hold_jobs = false;
    cluster_settle(cluster);
    assert_problem(client, PROBLEM_SHUTTING_DOWN, true);
    ck_assert_ptr_null(snapshots_of(cluster, 0)->taking);
    ck_assert_uint_eq(snapshots_of(cluster, 0)->current.length, 0);
    cluster_destroy(cluster);
}
END_TEST

static void tell_room(struct cluster *cluster, size_t at, uint64_t for_commands) {
    struct storage_room room = {.free_bytes = 4711, .for_commands = for_commands, .for_entries = for_commands};
    node_room(cluster_node(cluster, at), &room);
    cluster_run(cluster, 2 * HEARTBEAT_MS);
}

/* So much of the log, in one key. */
static void write_much(struct cluster *cluster, unsigned bytes) {
    enum { PIECE = 64 * 1024 };
    char *command = memory_alloc(PIECE + 128);
    for (unsigned written = 0; written < bytes; written += PIECE) {
        snprintf(command, PIECE + 128, "{\"op\":\"put\",\"key\":\"k\",\"value\":\"%0*d\"}", PIECE, 0);
        client_await(cluster_propose(cluster, 0, command));
    }
    free(command);
    cluster_run(cluster, 2 * HEARTBEAT_MS);
}

START_TEST(when_room_runs_short_one_is_due_and_the_log_keeps_a_short_tail) {
    struct cluster *cluster;
    form(&cluster, 1, 21, 1000000);
    put_many(cluster, 0, 200);
    write_much(cluster, SNAPSHOTS_EARLY_LOG_BYTES);
    uint64_t needed = SNAPSHOTS_EARLY_BYTES + snapshots_of(cluster, 0)->bytes;
    tell_room(cluster, 0, needed);
    ck_assert_uint_eq(snapshots_current(cluster_node(cluster, 0))->length, 0);
    tell_room(cluster, 0, needed - 1);
    raft_index applied = cluster_status(cluster, 0).applied_index;
    ck_assert_uint_eq(snapshots_current(cluster_node(cluster, 0))->id.index, applied);
    ck_assert_uint_eq(base_of(cluster, 0), applied - SNAPSHOTS_EARLY_TAIL);
    tell_room(cluster, 0, 0);
    ck_assert_uint_eq(base_of(cluster, 0), applied);
    cluster_destroy(cluster);
}
END_TEST

START_TEST(on_a_full_disk_one_is_due_that_gives_something_back_and_others_not) {
    struct cluster *cluster;
    form(&cluster, 1, 22, 1000000);
    put_many(cluster, 0, 200);
    tell_room(cluster, 0, 0);
    cluster_run(cluster, SNAPSHOTS_RETRY_MAX_MS);
    ck_assert_uint_eq(snapshots_current(cluster_node(cluster, 0))->length, 0);
    tell_room(cluster, 0, UINT64_MAX);
    write_much(cluster, SNAPSHOTS_EARLY_LOG_BYTES);
    ck_assert_uint_eq(snapshots_current(cluster_node(cluster, 0))->length, 0);
    tell_room(cluster, 0, 0);
    raft_index applied = cluster_status(cluster, 0).applied_index;
    ck_assert_uint_eq(snapshots_current(cluster_node(cluster, 0))->id.index, applied);
    ck_assert_uint_eq(base_of(cluster, 0), applied);
    cluster_destroy(cluster);
}
END_TEST

START_TEST(a_full_disk_keeps_no_tail_that_an_earlier_snapshot_left) {
    struct cluster *cluster;
    form(&cluster, 1, 23, 40);
    put_many(cluster, 0, 60);
    ck_assert_uint_eq(base_of(cluster, 0), 30);
    tell_room(cluster, 0, 0);
    ck_assert_uint_eq(base_of(cluster, 0), 40);
    cluster_destroy(cluster);
}
END_TEST

START_TEST(a_part_of_one_that_was_overtaken_goes) {
    struct cluster *cluster;
    form(&cluster, 1, 24, 1000);
    struct snapshot_directory *directory = cluster_node(cluster, 0)->io.snapshots;
    struct storage_snapshot sent = {.id = {.index = 5, .term = 1}, .length = 100, .crc = 1};
    struct storage_message message;
    uint64_t stored = 0;
    ck_assert_int_eq(snapshot_incoming_append(directory, &sent, 0, "some", 4, &stored, &message), STORAGE_OK);
    put_many(cluster, 0, 20);
    ck_assert_uint_eq(snapshot_directory_size_bytes(directory), 4);
    client_await(cluster_snapshot(cluster, 0));
    cluster_run(cluster, 2 * HEARTBEAT_MS);
    ck_assert_uint_eq(snapshot_directory_size_bytes(directory), snapshots_of(cluster, 0)->current.length);
    cluster_destroy(cluster);
}
END_TEST

/* Only a peer that lies replaces the configuration that a cluster was founded with; nobody's process ends by it. */
START_TEST(of_a_log_that_names_no_members_none_is_taken) {
    struct cluster *cluster = cluster_create(3, 1);
    cluster->members[0].options.snapshot_entries = 2;
    cluster_form(cluster);
    for (size_t i = 0; i < 3; i++) {
        cluster_kill(cluster, i);
    }
    cluster_start(cluster, 0);
    struct node *node = cluster_node(cluster, 0);
    static const char command[] = PUT("a", "1");
    struct raft_entry entries[4];
    raft_term term = raft_current_term(node->core) + 1;
    for (size_t i = 0; i < 4; i++) {
        entries[i] = (struct raft_entry){
            .id = {i + 1, term}, .type = RAFT_COMMAND, .time_ms = 1, .data = command, .size = sizeof command - 1};
    }
    struct message_request request = network_request(cluster, 1, 0, MESSAGE_APPEND_ENTRIES);
    request.raft.term = term;
    request.raft.append_entries = (struct raft_append_entries){.leader_commit = 4, .entry_count = 4, .entries = entries};
    network_ask(cluster, 0, &request);
    cluster_settle(cluster);
    struct node_status status = cluster_status(cluster, 0);
    ck_assert_uint_eq(status.applied_index, 4);
    ck_assert_uint_eq(status.snapshot.length, 0);
    struct client *client = cluster_snapshot(cluster, 0);
    client_await(client);
    assert_problem(client, PROBLEM_TIMEOUT, true);
    cluster_destroy(cluster);
}
END_TEST

static void add_tests(TCase *tcase) {
    tcase_add_test(tcase, without_reason_none_is_taken);
    tcase_add_test(tcase, after_so_many_entries_one_is_taken_and_the_log_cut_but_for_its_tail);
    tcase_add_test(tcase, a_large_state_is_not_written_anew_for_few_changes);
    tcase_add_test(tcase, a_node_starts_from_its_snapshot_and_the_log_after_it);
    tcase_add_test(tcase, a_death_anywhere_on_the_way_loses_nothing);
    tcase_add_test(tcase, the_name_counts_only_when_it_is_on_disk_and_the_old_file_stays_until_then);
    tcase_add_test(tcase, no_file_is_removed_while_another_is_being_named);
    tcase_add_test(tcase, a_write_that_only_names_a_snapshot_does_not_upset_the_numbers_of_others);
    tcase_add_test(tcase, a_follower_in_contact_keeps_what_it_lacks_up_to_a_bound);
    tcase_add_test(tcase, the_log_is_cut_when_whoever_needed_it_has_it);
    tcase_add_test(tcase, a_silent_follower_keeps_nothing);
    tcase_add_test(tcase, every_node_takes_its_own);
    tcase_add_test(tcase, while_somebody_holds_none_begins_and_no_file_goes);
    tcase_add_test(tcase, one_that_is_wanted_is_taken);
    tcase_add_test(tcase, a_node_that_ends_gives_up_the_one_it_writes);
    tcase_add_test(tcase, when_room_runs_short_one_is_due_and_the_log_keeps_a_short_tail);
    tcase_add_test(tcase, on_a_full_disk_one_is_due_that_gives_something_back_and_others_not);
    tcase_add_test(tcase, a_part_of_one_that_was_overtaken_goes);
    tcase_add_test(tcase, a_full_disk_keeps_no_tail_that_an_earlier_snapshot_left);
    tcase_add_test(tcase, of_a_log_that_names_no_members_none_is_taken);
}

CHECK_MAIN("snapshots", add_tests)
