#include "cluster.h"
#include "cluster_installing.h"
#include "tests/check_main.h"

static int percent(struct installing now) {
    struct node_status status;
    const struct raft_peer_status *peer = installing_peer(now, &status);
    return status.snapshot_percent[peer - status.raft.peers];
}

/* Offsets of pieces that are on their way to the sleeper; the lowest. */
static uint64_t lowest_offset(struct installing now) {
    uint64_t lowest = UINT64_MAX;
    for (size_t i = 0; i < now.cluster->packet_count; i++) {
        const struct packet *packet = now.cluster->packets[i];
        if (packet->kind == MESSAGE_INSTALL_SNAPSHOT && packet->to == now.sleeper && packet->state == PACKET_SENT) {
            const char *offset = strstr(packet->text, "&offset=");
            uint64_t value = strtoull(offset + 8, NULL, 10);
            bool question = strchr(packet->text, '\n')[1] == '\0' && value == 0;
            lowest = !question && value < lowest ? value : lowest;
        }
    }
    return lowest;
}

START_TEST(who_lacks_what_the_log_has_forgotten_gets_the_snapshot_in_pieces) {
    struct installing now = installing_begin(1);
    now.cluster->network_ms = 2;
    uint64_t length = snapshots_current(cluster_node(now.cluster, now.leader))->length;
    cluster_start(now.cluster, now.sleeper);
    installing_until_stored(now, length / 2);
    struct node_status status;
    ck_assert_int_eq(installing_peer(now, &status)->state, RAFT_SNAPSHOT);
    ck_assert_int_ge(percent(now), 50);
    ck_assert_int_lt(percent(now), 100);
    ck_assert_uint_eq(installing_send(now)->stored % PIECE_BYTES, 0);
    installing_assert_equal(now);
    ck_assert_int_eq(percent(now), -1);
    ck_assert_uint_gt(cluster_status(now.cluster, now.sleeper).raft.first_index, 1);
    cluster_destroy(now.cluster);
}
END_TEST

START_TEST(heartbeats_and_the_log_go_on_beside_it) {
    struct installing now = installing_begin(2);
    /* Given a follower whose disk does no jobs, so that pieces are not answered */
    cluster_start(now.cluster, now.sleeper);
    now.cluster->members[now.sleeper].hold_jobs = true;
    struct node_status before = cluster_status(now.cluster, now.leader);
    cluster_run(now.cluster, 5 * ELECTION_MS);
    struct node_status status;
    const struct raft_peer_status *peer = installing_peer(now, &status);
    ck_assert_int_eq(peer->state, RAFT_SNAPSHOT);
    ck_assert_uint_le(now.cluster->now_ms - peer->last_contact_ms, HEARTBEAT_MS);
    ck_assert_uint_eq(status.raft.hard_state.term, before.raft.hard_state.term);
    installing_put(now.cluster, now.leader, 5);
    now.cluster->members[now.sleeper].hold_jobs = false;
    installing_assert_equal(now);
    cluster_destroy(now.cluster);
}
END_TEST

START_TEST(one_piece_at_a_time_is_on_its_way) {
    struct installing now = installing_begin(3);
    now.cluster->network_ms = 5;
    cluster_start(now.cluster, now.sleeper);
    uint64_t length = snapshots_current(cluster_node(now.cluster, now.leader))->length;
    while (installing_send(now) == NULL || installing_send(now)->stored < length) {
        cluster_run(now.cluster, 1);
        size_t under_way = 0;
        for (int state = PACKET_SENT; state <= PACKET_ANSWERED; state++) {
            under_way +=
                network_count(now.cluster, now.leader, now.sleeper, MESSAGE_INSTALL_SNAPSHOT, (enum packet_state)state);
        }
        ck_assert_uint_le(under_way, 1);
    }
    cluster_destroy(now.cluster);
}
END_TEST

static struct packet *piece_under_way(struct installing now) {
    for (size_t i = 0; i < now.cluster->packet_count; i++) {
        struct packet *packet = now.cluster->packets[i];
        if (packet->kind == MESSAGE_INSTALL_SNAPSHOT && packet->from == now.leader && packet->to == now.sleeper) {
            return packet;
        }
    }
    return NULL;
}

START_TEST(a_piece_has_ten_seconds_to_be_answered_and_is_then_sent_again) {
    struct installing now = installing_begin(12);
    now.cluster->network_ms = 5;
    cluster_start(now.cluster, now.sleeper);
    while (piece_under_way(now) == NULL) {
        cluster_run(now.cluster, 1);
    }
    uint64_t number = piece_under_way(now)->number;
    uint64_t deadline_ms = piece_under_way(now)->deadline_ms;
    ck_assert_uint_le(now.cluster->now_ms + SNAPSHOT_SENDS_CALL_MS - deadline_ms, 1);
    piece_under_way(now)->lost = true;
    while (now.cluster->now_ms + 1 < deadline_ms) {
        cluster_run(now.cluster, 1);
        struct packet *piece = piece_under_way(now);
        ck_assert(piece == NULL || piece->number == number);
    }
    installing_assert_equal(now);
    cluster_destroy(now.cluster);
}
END_TEST

START_TEST(it_goes_on_from_what_is_stored_after_the_receivers_death) {
    struct installing now = installing_begin(4);
    now.cluster->network_ms = 2;
    cluster_start(now.cluster, now.sleeper);
    installing_until_stored(now, 8 * PIECE_BYTES);
    cluster_restart(now.cluster, now.sleeper);
    for (unsigned i = 0; i < 1000; i++) {
        uint64_t offset = lowest_offset(now);
        ck_assert_msg(offset >= 8 * PIECE_BYTES, "sent again from %" PRIu64, offset);
        cluster_run(now.cluster, 1);
    }
    installing_assert_equal(now);
    cluster_destroy(now.cluster);
}
END_TEST

START_TEST(another_leader_goes_on_with_what_it_has) {
    struct installing now = installing_begin(5);
    now.cluster->network_ms = 2;
    cluster_start(now.cluster, now.sleeper);
    installing_until_stored(now, 5 * PIECE_BYTES);
    size_t old = now.leader;
    cluster_kill(now.cluster, old);
    now.leader = cluster_await_leader(now.cluster);
    ck_assert_uint_eq(now.leader, now.other);
    cluster_start(now.cluster, old);
    installing_assert_equal(now);
    cluster_destroy(now.cluster);
}
END_TEST

START_TEST(the_log_after_a_snapshot_on_its_way_is_kept_and_then_is_not) {
    struct installing now = installing_begin(6);
    now.cluster->network_ms = 2;
    now.cluster->members[now.sleeper].options.snapshot_entries = 1000000; /* It takes none of its own. */
    cluster_start(now.cluster, now.sleeper);
    installing_until_stored(now, PIECE_BYTES);
    now.cluster->members[now.sleeper].hold_jobs = true;
    raft_index sent = installing_send(now)->index;
    installing_put(now.cluster, now.leader, INSTALLING_KEYS);
    installing_put(now.cluster, now.leader, INSTALLING_KEYS);
    struct node *leader = cluster_node(now.cluster, now.leader);
    ck_assert_uint_gt(snapshots_current(leader)->id.index, sent + 40); /* Newer ones there are. */
    ck_assert_uint_le(raft_base(leader->core).index, sent);
    ck_assert_uint_eq(snapshot_sends_keep_after(leader), sent);
    now.cluster->members[now.sleeper].hold_jobs = false;
    installing_assert_equal(now);
    /* The same file to the end; nothing of it is kept any more. */
    ck_assert_uint_eq(cluster_status(now.cluster, now.sleeper).raft.first_index, sent + 1);
    ck_assert_uint_eq(snapshot_sends_keep_after(leader), UINT64_MAX);
    ck_assert_ptr_null(leader->snapshot_sends.files);
    installing_put(now.cluster, now.leader, INSTALLING_KEYS);
    ck_assert_uint_gt(raft_base(leader->core).index, sent);
    cluster_destroy(now.cluster);
}
END_TEST

START_TEST(for_who_falls_silent_nothing_is_kept_for_ever) {
    struct installing now = installing_begin(7);
    now.cluster->network_ms = 2;
    cluster_start(now.cluster, now.sleeper);
    installing_until_stored(now, PIECE_BYTES);
    raft_index sent = installing_send(now)->index;
    cluster_kill(now.cluster, now.sleeper);
    struct node *leader = cluster_node(now.cluster, now.leader);
    cluster_run(now.cluster, (SNAPSHOT_SENDS_SILENCE_FACTOR - 2) * ELECTION_MS);
    ck_assert_uint_eq(snapshot_sends_keep_after(leader), sent);
    cluster_run(now.cluster, 4 * ELECTION_MS);
    ck_assert_uint_eq(snapshot_sends_keep_after(leader), UINT64_MAX);
    ck_assert(leader->snapshot_sends.files == NULL || leader->snapshot_sends.files->reader == NULL);
    cluster_start(now.cluster, now.sleeper);
    installing_assert_equal(now);
    cluster_destroy(now.cluster);
}
END_TEST

START_TEST(who_is_not_there_is_asked_once_a_heartbeat_and_nothing_is_kept_for_it) {
    struct installing now = installing_begin(8);
    struct node *leader = cluster_node(now.cluster, now.leader);
    uint64_t before = leader->next_number;
    cluster_run(now.cluster, 10 * HEARTBEAT_MS);
    ck_assert_uint_eq(snapshot_sends_keep_after(leader), UINT64_MAX);
    ck_assert_uint_lt(leader->next_number - before, 10 * 10);
    cluster_destroy(now.cluster);
}
END_TEST

START_TEST(two_followers_share_one_file) {
    struct cluster *cluster = cluster_create(5, 9);
    for (size_t i = 0; i < 5; i++) {
        cluster->members[i].options.snapshot_entries = 20;
        cluster->members[i].options.piece_bytes = PIECE_BYTES;
    }
    size_t leader = cluster_form(cluster);
    size_t sleepers[] = {(leader + 1) % 5, (leader + 2) % 5};
    cluster_kill(cluster, sleepers[0]);
    cluster_kill(cluster, sleepers[1]);
    cluster_run(cluster, 2 * ELECTION_MS);
    installing_put(cluster, leader, INSTALLING_KEYS);
    cluster->network_ms = 2;
    cluster_start(cluster, sleepers[0]);
    cluster_start(cluster, sleepers[1]);
    const struct snapshot_sends *sends = &cluster_node(cluster, leader)->snapshot_sends;
    for (unsigned i = 0; i < 1000 && (sends->count < 2 || sends->list[0].stored == 0 || sends->list[1].stored == 0); i++) {
        cluster_run(cluster, 1);
    }
    ck_assert_uint_eq(sends->count, 2);
    ck_assert_ptr_eq(sends->list[0].file, sends->list[1].file);
    ck_assert_ptr_null(sends->files->next);
    cluster_run(cluster, 10000);
    ck_assert_uint_eq(sends->count, 0);
    ck_assert_ptr_null(sends->files);
    assert_machines_equal(cluster);
    cluster_destroy(cluster);
}
END_TEST

START_TEST(a_file_that_is_gone_before_it_is_opened_makes_place_for_the_newest) {
    struct installing now = installing_begin(10);
    struct node *leader = cluster_node(now.cluster, now.leader);
    now.cluster->members[now.leader].hold_jobs = true;
    cluster_start(now.cluster, now.sleeper);
    cluster_run(now.cluster, 5 * HEARTBEAT_MS);
    ck_assert_int_eq(installing_send(now)->state, SNAPSHOT_SEND_OPENING);
    raft_index first = installing_send(now)->index;
    snapshot_directory_clean(now.cluster->members[now.leader].snapshots, &(struct storage_snapshot){.length = 0});
    now.cluster->members[now.leader].hold_jobs = false;
    cluster_run(now.cluster, 5 * HEARTBEAT_MS);
    struct node_status status;
    ck_assert_int_eq(installing_peer(now, &status)->state, RAFT_SNAPSHOT); /* There is none yet. */
    installing_put(now.cluster, now.leader, INSTALLING_KEYS);
    ck_assert_uint_gt(snapshots_current(leader)->id.index, first);
    installing_assert_equal(now);
    cluster_destroy(now.cluster);
}
END_TEST

START_TEST(who_loses_leadership_sends_no_more) {
    struct installing now = installing_begin(11);
    now.cluster->network_ms = 2;
    cluster_start(now.cluster, now.sleeper);
    installing_until_stored(now, PIECE_BYTES);
    cluster_set_around(now.cluster, now.cluster->lost, now.leader, true);
    cluster_run(now.cluster, 10 * ELECTION_MS);
    const struct node *old = cluster_node(now.cluster, now.leader);
    ck_assert_uint_eq(old->snapshot_sends.count, 0);
    ck_assert_ptr_null(old->snapshot_sends.files);
    cluster_set_around(now.cluster, now.cluster->lost, now.leader, false);
    now.leader = cluster_await_leader(now.cluster);
    installing_assert_equal(now);
    cluster_destroy(now.cluster);
}
END_TEST

START_TEST(a_leader_whose_state_differs_sends_none) {
    struct installing now = installing_begin(21);
    /* Given one that nobody can take over from */
    diverged_begin(cluster_node(now.cluster, now.other), 1000000); /* Which no report reaches. */
    cluster_settle(now.cluster);
    diverged_begin(cluster_node(now.cluster, now.leader), 32);
    cluster_start(now.cluster, now.sleeper);
    cluster_run(now.cluster, 20 * HEARTBEAT_MS);
    ck_assert_uint_eq(cluster_leader(now.cluster), now.leader);
    struct node_status status;
    ck_assert_int_eq(installing_peer(now, &status)->state, RAFT_SNAPSHOT);
    ck_assert_uint_lt(cluster_status(now.cluster, now.sleeper).applied_index, 5);
    ck_assert_uint_eq(cluster_status(now.cluster, now.sleeper).snapshot.length, 0);
    cluster_destroy(now.cluster);
}
END_TEST

static void add_tests(TCase *tcase) {
    tcase_add_test(tcase, a_leader_whose_state_differs_sends_none);
    tcase_add_test(tcase, who_lacks_what_the_log_has_forgotten_gets_the_snapshot_in_pieces);
    tcase_add_test(tcase, heartbeats_and_the_log_go_on_beside_it);
    tcase_add_test(tcase, one_piece_at_a_time_is_on_its_way);
    tcase_add_test(tcase, a_piece_has_ten_seconds_to_be_answered_and_is_then_sent_again);
    tcase_add_test(tcase, it_goes_on_from_what_is_stored_after_the_receivers_death);
    tcase_add_test(tcase, another_leader_goes_on_with_what_it_has);
    tcase_add_test(tcase, the_log_after_a_snapshot_on_its_way_is_kept_and_then_is_not);
    tcase_add_test(tcase, for_who_falls_silent_nothing_is_kept_for_ever);
    tcase_add_test(tcase, who_is_not_there_is_asked_once_a_heartbeat_and_nothing_is_kept_for_it);
    tcase_add_test(tcase, two_followers_share_one_file);
    tcase_add_test(tcase, a_file_that_is_gone_before_it_is_opened_makes_place_for_the_newest);
    tcase_add_test(tcase, who_loses_leadership_sends_no_more);
}

CHECK_MAIN("snapshot_sends", add_tests)
