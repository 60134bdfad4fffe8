#include "cluster.h"
#include "cluster_installing.h"
#include "tests/check_main.h"

/* A piece as the leader of now would send it to the sleeper, of any file. */
static struct message_request piece_of(struct installing now, const struct storage_snapshot *snapshot, uint64_t offset,
                                       const char *bytes, size_t size) {
    struct message_request request = network_request(now.cluster, now.leader, now.sleeper, MESSAGE_INSTALL_SNAPSHOT);
    request.install = (struct message_install){
        .term = raft_current_term(cluster_node(now.cluster, now.leader)->core),
        .snapshot = *snapshot,
        .offset = offset,
        .done = offset + size == snapshot->length,
        .bytes = bytes,
        .size = size,
    };
    return request;
}

static struct message_answer give(struct installing now, const struct storage_snapshot *snapshot, uint64_t offset,
                                  const char *bytes, size_t size) {
    struct message_request request = piece_of(now, snapshot, offset, bytes, size);
    struct packet *packet = network_ask(now.cluster, now.sleeper, &request);
    cluster_settle(now.cluster);
    return network_answer(packet);
}

/* A running sleeper that hears heartbeats, but gets no snapshot from the leader: that cannot read its file. */
static struct installing begin_without_transfer(uint64_t seed) {
    struct installing now = installing_begin(seed);
    now.cluster->members[now.leader].hold_jobs = true;
    cluster_start(now.cluster, now.sleeper);
    cluster_run(now.cluster, 5 * HEARTBEAT_MS);
    ck_assert_uint_lt(cluster_status(now.cluster, now.sleeper).applied_index, 5);
    return now;
}

/* The bytes of a file in the leader's directory. */
static char *bytes_of(struct installing now, const struct storage_snapshot *snapshot) {
    struct snapshot_file *file;
    struct storage_message message;
    ck_assert_int_eq(snapshot_file_open(now.cluster->members[now.leader].snapshots, snapshot, &file, &message), STORAGE_OK);
    char *bytes = memory_alloc(snapshot->length);
    ck_assert(snapshot_file_raw(file, 0, bytes, snapshot->length));
    snapshot_file_close(file);
    return bytes;
}

static struct storage_snapshot newest(struct installing now) {
    return *snapshots_current(cluster_node(now.cluster, now.leader));
}

START_TEST(a_snapshot_takes_effect_at_once_and_counts_when_its_name_is_on_disk) {
    struct installing now = begin_without_transfer(1);
    struct storage_snapshot snapshot = newest(now);
    char *bytes = bytes_of(now, &snapshot);
    struct member *sleeper = &now.cluster->members[now.sleeper];
    ck_assert_uint_eq(give(now, &snapshot, 0, bytes, 50).install.stored, 50);
    sleeper->hold_writes = true;
    struct message_answer answer = give(now, &snapshot, 50, bytes + 50, snapshot.length - 50);
    ck_assert_uint_eq(answer.install.stored, snapshot.length);
    ck_assert(!answer.install.installed);
    struct node_status status = cluster_status(now.cluster, now.sleeper);
    ck_assert_uint_eq(status.applied_index, snapshot.id.index);
    ck_assert_uint_eq(status.raft.first_index, snapshot.id.index + 1);
    ck_assert_uint_eq(status.raft.commit_index, snapshot.id.index);
    ck_assert_uint_eq(status.members.count, 3);
    char *contents = machine_contents(now.cluster, now.sleeper);
    ck_assert_ptr_nonnull(strstr(contents, "{\"key\":\"k50\",\"value\":50}"));
    free(contents);
    /* But nothing may rest on it yet. */
    ck_assert(!give(now, &snapshot, snapshot.length, NULL, 0).install.installed);
    ck_assert_uint_eq(status.snapshot.length, 0);
    sleeper->hold_writes = false;
    cluster_settle(now.cluster);
    ck_assert(give(now, &snapshot, snapshot.length, NULL, 0).install.installed);
    ck_assert_uint_eq(cluster_status(now.cluster, now.sleeper).snapshot.id.index, snapshot.id.index);
    ck_assert_uint_eq(cluster_status(now.cluster, now.sleeper).snapshots_installed, 1);
    ck_assert_uint_eq(cluster_status(now.cluster, now.sleeper).snapshots_taken, 0);
    /* And it lasts. */
    cluster_restart(now.cluster, now.sleeper);
    ck_assert_uint_eq(cluster_status(now.cluster, now.sleeper).applied_index, snapshot.id.index);
    free(bytes);
    cluster_destroy(now.cluster);
}
END_TEST

START_TEST(a_death_before_its_name_is_on_disk_leaves_what_was_there) {
    struct installing now = begin_without_transfer(2);
    struct storage_snapshot snapshot = newest(now);
    char *bytes = bytes_of(now, &snapshot);
    struct node_status before = cluster_status(now.cluster, now.sleeper);
    now.cluster->members[now.sleeper].hold_writes = true;
    give(now, &snapshot, 0, bytes, snapshot.length);
    ck_assert_uint_eq(cluster_status(now.cluster, now.sleeper).applied_index, snapshot.id.index);
    cluster_restart(now.cluster, now.sleeper);
    struct node_status after = cluster_status(now.cluster, now.sleeper);
    ck_assert_uint_eq(after.raft.last.index, before.raft.last.index);
    ck_assert_uint_eq(after.applied_index, 0);
    now.cluster->members[now.leader].hold_jobs = false;
    free(bytes);
    installing_assert_equal(now);
    cluster_destroy(now.cluster);
}
END_TEST

START_TEST(pieces_are_stored_in_order_and_another_file_starts_over) {
    struct installing now = begin_without_transfer(3);
    struct storage_snapshot snapshot = newest(now);
    char *bytes = bytes_of(now, &snapshot);
    ck_assert_uint_eq(give(now, &snapshot, 0, NULL, 0).install.stored, 0);
    ck_assert_uint_eq(give(now, &snapshot, 0, bytes, 100).install.stored, 100);
    ck_assert_uint_eq(give(now, &snapshot, 200, bytes + 200, 100).install.stored, 100); /* A gap. */
    ck_assert_uint_eq(give(now, &snapshot, 0, bytes, 100).install.stored, 100);         /* Twice. */
    ck_assert_uint_eq(give(now, &snapshot, 100, bytes + 100, 1).install.stored, 101);
    struct storage_snapshot other = snapshot;
    other.crc ^= 1;
    ck_assert_uint_eq(give(now, &other, 0, NULL, 0).install.stored, 0);
    ck_assert_uint_eq(give(now, &snapshot, 0, NULL, 0).install.stored, 0);
    free(bytes);
    cluster_destroy(now.cluster);
}
END_TEST

START_TEST(a_flipped_byte_is_found_and_the_file_begins_anew) {
    struct installing now = begin_without_transfer(4);
    struct storage_snapshot snapshot = newest(now);
    char *bytes = bytes_of(now, &snapshot);
    struct node_status before = cluster_status(now.cluster, now.sleeper);
    for (uint64_t at = 0; at < snapshot.length; at += snapshot.length / 7) {
        bytes[at] ^= 0x20;
        ck_assert_uint_eq(give(now, &snapshot, 0, bytes, snapshot.length).install.stored, snapshot.length);
        bytes[at] ^= 0x20;
        struct message_answer answer = give(now, &snapshot, 0, NULL, 0);
        ck_assert_uint_eq(answer.install.stored, 0);
        ck_assert(!answer.install.installed);
        ck_assert_uint_eq(cluster_status(now.cluster, now.sleeper).applied_index, before.applied_index);
    }
    give(now, &snapshot, 0, bytes, snapshot.length);
    ck_assert_uint_eq(cluster_status(now.cluster, now.sleeper).applied_index, snapshot.id.index);
    free(bytes);
    cluster_destroy(now.cluster);
}
END_TEST

START_TEST(what_the_log_has_reached_is_installed_already) {
    struct installing now = installing_begin(5);
    cluster_start(now.cluster, now.sleeper);
    installing_assert_equal(now);
    struct storage_snapshot snapshot = newest(now);
    snapshot.id.index--;
    uint64_t writes = cluster_node(now.cluster, now.sleeper)->writes_begun;
    struct message_answer answer = give(now, &snapshot, 0, NULL, 0);
    ck_assert(answer.install.installed);
    ck_assert_uint_eq(answer.install.stored, snapshot.length);
    ck_assert_uint_eq(cluster_node(now.cluster, now.sleeper)->writes_begun, writes);
    cluster_destroy(now.cluster);
}
END_TEST

START_TEST(only_the_leader_of_the_term_is_heard) {
    struct installing now = begin_without_transfer(6);
    struct storage_snapshot snapshot = newest(now);
    char *bytes = bytes_of(now, &snapshot);
    /* An earlier term is told of the later one, */
    struct message_request request = piece_of(now, &snapshot, 0, bytes, 100);
    raft_term term = request.install.term;
    request.install.term = term - 1;
    request.install.snapshot.id.term = 1;
    struct packet *packet = network_ask(now.cluster, now.sleeper, &request);
    cluster_settle(now.cluster);
    struct message_answer answer = network_answer(packet);
    ck_assert_int_eq(answer.problem.code, PROBLEM_NONE);
    ck_assert_uint_eq(answer.term, term);
    ck_assert_uint_eq(answer.install.stored, 0);
    /* an absurd one refused; nothing was stored. */
    request.install.term = term + RAFT_TERM_JUMP_MAX + 1;
    packet = network_ask(now.cluster, now.sleeper, &request);
    cluster_settle(now.cluster);
    ck_assert_int_eq(network_answer(packet).problem.code, PROBLEM_BAD_REQUEST);
    ck_assert_uint_eq(give(now, &snapshot, 0, NULL, 0).install.stored, 0);
    free(bytes);
    cluster_destroy(now.cluster);
}
END_TEST

START_TEST(a_piece_for_another_cluster_or_incarnation_changes_nothing) {
    struct installing now = begin_without_transfer(14);
    struct storage_snapshot snapshot = newest(now);
    char *bytes = bytes_of(now, &snapshot);
    for (int which = 0; which < 2; which++) {
        struct message_request request = piece_of(now, &snapshot, 0, bytes, snapshot.length);
        char *named = which == 0 ? request.address.cluster_id : request.address.to_incarnation;
        named[0] = named[0] == '0' ? '1' : '0';
        struct packet *packet = network_ask(now.cluster, now.sleeper, &request);
        cluster_settle(now.cluster);
        ck_assert_int_eq(network_answer(packet).problem.code, PROBLEM_WRONG_CLUSTER);
    }
    ck_assert_uint_eq(give(now, &snapshot, 0, NULL, 0).install.stored, 0);
    free(bytes);
    cluster_destroy(now.cluster);
}
END_TEST

START_TEST(putting_one_into_effect_is_not_interrupted) {
    struct installing now = begin_without_transfer(7);
    struct storage_snapshot snapshot = newest(now);
    char *bytes = bytes_of(now, &snapshot);
    struct member *sleeper = &now.cluster->members[now.sleeper];
    /* Given the last piece is stored, and the long job has not begun */
    give(now, &snapshot, 0, bytes, snapshot.length - 10);
    struct message_request last = piece_of(now, &snapshot, snapshot.length - 10, bytes + snapshot.length - 10, 10);
    struct packet *packet = network_ask(now.cluster, now.sleeper, &last);
    node_turn(sleeper->node, now.cluster->now_ms);
    while (packet->state != PACKET_ANSWERED) {
        ck_assert(disk_next_run(sleeper) != NULL);
        disk_step_run(sleeper, disk_next_run(sleeper));
        node_turn(sleeper->node, now.cluster->now_ms);
    }
    sleeper->hold_jobs = true;
    /* Its pieces are not stored again, other files' not at all. */
    ck_assert_uint_eq(give(now, &snapshot, 0, bytes, 100).install.stored, snapshot.length);
    struct storage_snapshot other = snapshot;
    other.crc ^= 1;
    ck_assert_int_eq(give(now, &other, 0, bytes, 100).problem.code, PROBLEM_NOT_READY);
    sleeper->hold_jobs = false;
    cluster_settle(now.cluster);
    ck_assert_uint_eq(cluster_status(now.cluster, now.sleeper).applied_index, snapshot.id.index);
    free(bytes);
    cluster_destroy(now.cluster);
}
END_TEST

START_TEST(the_file_is_checked_when_no_piece_is_being_stored_any_more) {
    struct installing now = begin_without_transfer(8);
    struct storage_snapshot snapshot = newest(now);
    char *bytes = bytes_of(now, &snapshot);
    struct member *sleeper = &now.cluster->members[now.sleeper];
    struct message_request whole = piece_of(now, &snapshot, 0, bytes, snapshot.length);
    sleeper->hold_jobs = true;
    network_ask(now.cluster, now.sleeper, &whole);
    network_ask(now.cluster, now.sleeper, &whole);
    cluster_settle(now.cluster);
    const struct snapshot_receipt *receipt = &sleeper->node->snapshot_receipt;
    ck_assert_uint_eq(receipt->storing, 2);
    /* The first one's end */
    disk_step_run(sleeper, &sleeper->runs[0]);
    disk_step_run(sleeper, &sleeper->runs[0]);
    ck_assert_uint_eq(receipt->installing.length, snapshot.length);
    ck_assert(!receipt->begun);
    sleeper->hold_jobs = false;
    cluster_settle(now.cluster);
    ck_assert_uint_eq(cluster_status(now.cluster, now.sleeper).applied_index, snapshot.id.index);
    free(bytes);
    cluster_destroy(now.cluster);
}
END_TEST

/* A file with the newest snapshot's contents, but for the head. */
static struct storage_snapshot forge(struct installing now, const char *cluster_id, const char *machine) {
    struct storage_snapshot snapshot = newest(now);
    struct snapshot_directory *directory = now.cluster->members[now.leader].snapshots;
    struct snapshot_file *file;
    struct snapshot_writer_file *writer;
    struct storage_message message;
    ck_assert_int_eq(snapshot_file_open(directory, &snapshot, &file, &message), STORAGE_OK);
    struct snapshot_head head = *snapshot_file_head(file);
    if (cluster_id != NULL) {
        memcpy(head.cluster_id, cluster_id, strlen(cluster_id) + 1);
    }
    if (machine != NULL) {
        memcpy(head.machine, machine, strlen(machine) + 1);
    }
    head.id.index++;
    ck_assert_int_eq(snapshot_file_create(directory, &head, &writer, &message), STORAGE_OK);
    for (int section = 0; section < SNAPSHOT_SECTION_COUNT; section++) {
        char bytes[256];
        size_t size;
        while ((size = snapshot_file_read(file, (enum snapshot_section)section, bytes, sizeof bytes)) > 0) {
            ck_assert(snapshot_file_write(writer, (enum snapshot_section)section, bytes, size));
        }
    }
    snapshot_file_close(file);
    ck_assert_int_eq(snapshot_file_finish(writer, &snapshot, &message), STORAGE_OK);
    return snapshot;
}

START_TEST(a_snapshot_of_another_cluster_or_machine_is_refused) {
    static const char *const strangers[][2] = {{"00000000000000000000000000000000", NULL}, {NULL, "register"}};
    struct installing now = begin_without_transfer(9 + (uint64_t)_i);
    struct storage_snapshot snapshot = forge(now, strangers[_i][0], strangers[_i][1]);
    char *bytes = bytes_of(now, &snapshot);
    raft_index applied = cluster_status(now.cluster, now.sleeper).applied_index;
    give(now, &snapshot, 0, bytes, snapshot.length);
    struct message_answer answer = give(now, &snapshot, 0, NULL, 0);
    ck_assert_int_eq(answer.problem.code, PROBLEM_CONFLICT);
    ck_assert_ptr_nonnull(strstr(answer.problem.detail, _i == 0 ? "cluster" : "register"));
    ck_assert_uint_eq(cluster_status(now.cluster, now.sleeper).applied_index, applied);
    /* The right one is taken after it. */
    free(bytes);
    struct storage_snapshot good = newest(now);
    bytes = bytes_of(now, &good);
    give(now, &good, 0, bytes, good.length);
    ck_assert_uint_eq(cluster_status(now.cluster, now.sleeper).applied_index, good.id.index);
    free(bytes);
    cluster_destroy(now.cluster);
}
END_TEST

START_TEST(what_an_old_leader_had_in_its_log_has_an_unknown_end) {
    struct installing now = begin_without_transfer(12);
    struct storage_snapshot snapshot = newest(now);
    char *bytes = bytes_of(now, &snapshot);
    /* Given a proposal in the sleeper's log, of a term in which it led, as far as its proposals know */
    struct node *sleeper = cluster_node(now.cluster, now.sleeper);
    struct client *client = cluster_propose_with(now.cluster, now.sleeper, PUT("a", "1") "\n" PUT("b", "2"), 60000, true);
    struct proposal *proposal = proposal_list_pop(&sleeper->proposals.queued);
    proposal->term = 1;
    proposal->first_index = snapshot.id.index; /* One of its entries is covered, */
    proposal_list_push(&sleeper->proposals.appended, proposal);
    give(now, &snapshot, 0, bytes, snapshot.length);
    ck_assert_uint_eq(client->answers, 0); /* and the other's end is yet to be seen: */
    ck_assert_uint_eq(proposal->resolved, 1);
    free(bytes);
    now.cluster->members[now.leader].hold_jobs = false;
    client_await(client); /* another entry is committed there. */
    ck_assert_int_eq(client->lines[0].problem.code, PROBLEM_LEADERSHIP_LOST);
    ck_assert(client->lines[0].problem.outcome_unknown);
    ck_assert_int_eq(client->lines[1].problem.code, PROBLEM_LEADERSHIP_LOST);
    ck_assert(!client->lines[1].problem.outcome_unknown);
    cluster_destroy(now.cluster);
}
END_TEST

START_TEST(who_reads_the_log_is_told_that_it_begins_later) {
    struct installing now = begin_without_transfer(13);
    struct storage_snapshot snapshot = newest(now);
    char *bytes = bytes_of(now, &snapshot);
    struct client *read = cluster_read_log(now.cluster, now.sleeper, 1, 10);
    cluster_settle(now.cluster);
    ck_assert_int_eq(read->problem.code, PROBLEM_NONE);
    give(now, &snapshot, 0, bytes, snapshot.length);
    read = cluster_read_log(now.cluster, now.sleeper, 1, 10);
    cluster_settle(now.cluster);
    ck_assert_int_eq(read->problem.code, PROBLEM_COMPACTED);
    free(bytes);
    cluster_destroy(now.cluster);
}
END_TEST

static void add_tests(TCase *tcase) {
    tcase_add_test(tcase, a_snapshot_takes_effect_at_once_and_counts_when_its_name_is_on_disk);
    tcase_add_test(tcase, a_death_before_its_name_is_on_disk_leaves_what_was_there);
    tcase_add_test(tcase, pieces_are_stored_in_order_and_another_file_starts_over);
    tcase_add_test(tcase, a_flipped_byte_is_found_and_the_file_begins_anew);
    tcase_add_test(tcase, what_the_log_has_reached_is_installed_already);
    tcase_add_test(tcase, only_the_leader_of_the_term_is_heard);
    tcase_add_test(tcase, a_piece_for_another_cluster_or_incarnation_changes_nothing);
    tcase_add_test(tcase, putting_one_into_effect_is_not_interrupted);
    tcase_add_test(tcase, the_file_is_checked_when_no_piece_is_being_stored_any_more);
    tcase_add_loop_test(tcase, a_snapshot_of_another_cluster_or_machine_is_refused, 0, 2);
    tcase_add_test(tcase, what_an_old_leader_had_in_its_log_has_an_unknown_end);
    tcase_add_test(tcase, who_reads_the_log_is_told_that_it_begins_later);
}

CHECK_MAIN("snapshot_receipt", add_tests)
