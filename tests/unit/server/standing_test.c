#include "cluster_members.h"

#include "cluster_installing.h"
#include "tests/check_main.h"

/* A follower that is cut off while the others remove it, with whatever it proposes. */
static size_t remove_unseen(struct cluster *cluster) {
    size_t leader = cluster_leader(cluster);
    size_t away = (leader + 1) % 3;
    cluster_set_around(cluster, cluster->lost, away, true);
    assert_problem(client_await(members_by_id(cluster, leader, CHANGE_REMOVE, away)), PROBLEM_NONE, false);
    cluster_run(cluster, 3 * ELECTION_MS); /* Nobody tells it any more. */
    cluster_set_around(cluster, cluster->lost, away, false);
    return away;
}

START_TEST(a_node_that_was_removed_unseen_learns_it_from_others_and_disturbs_nobody) {
    struct cluster *cluster = members_cluster(3, 3, 1);
    size_t leader = cluster_leader(cluster);
    raft_term term = cluster_status(cluster, leader).raft.hard_state.term;
    size_t away = remove_unseen(cluster);
    assert_members(cluster, away, "1,2,3"); /* It never got the entry. */
    cluster_run(cluster, 3 * ELECTION_MS);
    struct node_status status = cluster_status(cluster, away);
    ck_assert_int_eq(status.role, NODE_REMOVED);
    char why[PROBLEM_DETAIL_SIZE];
    ck_assert(!node_ready(cluster_node(cluster, away), why, sizeof why));
    ck_assert_ptr_nonnull(strstr(why, "removed"));
    struct node_brief brief;
    node_brief(cluster_node(cluster, away), &brief);
    ck_assert_str_eq(brief.cluster_id, "");
    cluster_run(cluster, 10 * ELECTION_MS);
    ck_assert_uint_eq(cluster_status(cluster, leader).raft.hard_state.term, term);
    ck_assert(node_is_leader(cluster_node(cluster, leader)));
    cluster_destroy(cluster);
}
END_TEST

START_TEST(a_removed_node_answers_nothing_but_what_is_stale) {
    struct cluster *cluster = members_cluster(3, 3, 2);
    assert_result(client_await(cluster_propose(cluster, 0, PUT("a", "1"))), "{}");
    cluster_run(cluster, HEARTBEAT_MS);
    size_t away = remove_unseen(cluster);
    cluster_run(cluster, 3 * ELECTION_MS);
    struct client *command = cluster_propose(cluster, away, PUT("a", "2"));
    struct client *query = cluster_get(cluster, away);
    struct client *stale = QUERY(cluster, away, .consistency = NODE_STALE);
    struct client *change = members_by_id(cluster, away, CHANGE_REMOVE, away);
    struct client *transfer = cluster_transfer(cluster, away, CLUSTER_MAX);
    cluster_settle(cluster);
    assert_problem(change, PROBLEM_NOT_READY, false);
    assert_problem(transfer, PROBLEM_NOT_READY, false);
    assert_problem(command, PROBLEM_NOT_READY, false);
    assert_problem(query, PROBLEM_NOT_READY, false);
    assert_result(stale, "{\"found\":true,\"value\":1}");
    cluster_destroy(cluster);
}
END_TEST

START_TEST(a_removed_node_that_is_added_again_goes_on) {
    struct cluster *cluster = members_cluster(3, 3, 3);
    size_t leader = cluster_leader(cluster);
    size_t away = remove_unseen(cluster);
    cluster_run(cluster, 3 * ELECTION_MS);
    assert_result(client_await(members_add_node(cluster, leader, away, true)), "1,2,3");
    cluster_run(cluster, ELECTION_MS);
    ck_assert_int_eq(cluster_status(cluster, away).role, NODE_FOLLOWER);
    assert_result(client_await(cluster_propose(cluster, away, PUT("a", "2"))), "{}");
    cluster_kill(cluster, leader); /* It may lead again. */
    cluster_await_leader(cluster);
    cluster_destroy(cluster);
}
END_TEST

/* A snapshot of before it was added comes first. */
START_TEST(who_is_on_its_way_in_was_never_removed) {
    struct cluster *cluster = members_cluster(4, 3, 7);
    for (size_t i = 0; i < 3; i++) {
        cluster_node(cluster, i)->options.snapshot_entries = 20;
    }
    size_t leader = cluster_leader(cluster);
    installing_put(cluster, leader, INSTALLING_KEYS);
    cluster_start(cluster, 3);
    bool past = false;
    for (unsigned ms = 0; ms < 60000; ms++) {
        cluster_run(cluster, 1);
        struct node_status status = cluster_status(cluster, 3);
        ck_assert_int_ne(status.role, NODE_REMOVED);
        past |= status.raft.commit_index > 0 && status.members_index == 1;
        if (past && status.role == NODE_FOLLOWER) {
            break;
        }
    }
    ck_assert(past);
    assert_members(cluster, 3, "1,2,3,4");
    /* What it was is known for as long as it runs, whatever the log forgets. */
    ck_assert(standing_was_member(cluster_node(cluster, 3)));
    assert_problem(client_await(members_by_id(cluster, leader, CHANGE_REMOVE, 3)), PROBLEM_NONE, false);
    cluster_run(cluster, ELECTION_MS);
    ck_assert_int_eq(cluster_status(cluster, 3).role, NODE_REMOVED);
    roster_compact(&cluster_node(cluster, 3)->roster, cluster_status(cluster, 3).members_index);
    ck_assert_int_eq(cluster_status(cluster, 3).role, NODE_REMOVED);
    cluster_destroy(cluster);
}
END_TEST

START_TEST(without_a_leader_nobody_takes_itself_for_removed) {
    struct cluster *cluster = members_cluster(3, 3, 4);
    size_t leader = cluster_leader(cluster);
    size_t rest = (leader + 1) % 3;
    cluster_kill(cluster, leader);
    cluster_kill(cluster, (leader + 2) % 3);
    cluster_run(cluster, 20 * ELECTION_MS);
    ck_assert_int_ne(cluster_status(cluster, rest).role, NODE_REMOVED);
    cluster_destroy(cluster);
}
END_TEST

/* It hears no leader, but others who do: they are asked now and then. */
START_TEST(a_node_that_the_leader_does_not_reach_asks_in_peace) {
    struct cluster *cluster = members_cluster(3, 3, 9);
    size_t leader = cluster_leader(cluster);
    size_t deaf = (leader + 1) % 3;
    cluster->lost[leader][deaf] = true;
    cluster_run(cluster, 10 * ELECTION_MS); /* It comes to rest after each question. */
    ck_assert_int_ne(cluster_status(cluster, deaf).role, NODE_REMOVED);
    ck_assert(node_is_leader(cluster_node(cluster, leader)));
    cluster_destroy(cluster);
}
END_TEST

static void move(struct cluster *cluster, size_t which, const char *url) {
    cluster_kill(cluster, which);
    snprintf(cluster->members[which].url, sizeof cluster->members[which].url, "%s", url);
    cluster_start(cluster, which);
}

static void await_url(struct cluster *cluster, size_t at, size_t which, const char *url) {
    for (unsigned ms = 0; strcmp(node_member_url(cluster_node(cluster, at), which + 1), url) != 0; ms++) {
        ck_assert_msg(ms < 30000, "node %zu still believes %s", at + 1,
                      node_member_url(cluster_node(cluster, at), which + 1));
        cluster_run(cluster, 1);
    }
}

START_TEST(a_node_that_comes_back_elsewhere_tells_the_others) {
    struct cluster *cluster = members_cluster(3, 3, 5 + (uint64_t)_i);
    size_t leader = cluster_leader(cluster);
    size_t moved = (leader + (size_t)_i) % 3; /* The leader itself, too. */
    move(cluster, moved, "http://elsewhere:1");
    for (size_t i = 0; i < 3; i++) {
        await_url(cluster, i, moved, "http://elsewhere:1");
        assert_members(cluster, i, "1,2,3");
    }
    assert_result(client_await(cluster_propose(cluster, moved, PUT("a", "1"))), "{}");
    cluster_destroy(cluster);
}
END_TEST

/* All are killed, and started elsewhere with the list that is true now; those who joined know one URL of it. */
static void move_all(struct cluster *cluster, size_t founders, const char *const urls[]) {
    struct members list = cluster_list(founders);
    for (size_t i = 0; i < founders; i++) {
        snprintf(list.list[i].url, sizeof list.list[i].url, "%s", urls[i]);
    }
    for (size_t i = 0; i < cluster->count; i++) {
        cluster_kill(cluster, i);
        snprintf(cluster->members[i].url, sizeof cluster->members[i].url, "%s", urls[i]);
        if (i < founders) {
            cluster->members[i].options.cluster = list;
        } else {
            cluster->members[i].options.join_url = urls[0];
        }
    }
    for (size_t i = 0; i < cluster->count; i++) {
        cluster_start(cluster, i);
    }
}

/* Nobody is where the configuration has it. */
START_TEST(a_cluster_whose_every_node_has_moved_finds_together) {
    struct cluster *cluster = members_cluster(4, 3, 20 + (uint64_t)_i);
    bool voter = _i % 2 == 0;
    cluster_start(cluster, 3);
    assert_result(client_await(members_add_node(cluster, 0, 3, voter)), voter ? "1,2,3,4" : "1,2,3+4");
    assert_result(client_await(cluster_propose(cluster, 0, PUT("a", "1"))), "{}");
    const char *const urls[] = {"http://new1:1", "http://new2:1", "http://new3:1", "http://new4:1"};
    move_all(cluster, 3, urls);
    for (size_t i = 0; i < 16; i++) {
        await_url(cluster, i / 4, i % 4, urls[i % 4]);
    }
    cluster_await_leader(cluster);
    assert_result(client_await(cluster_get(cluster, 3)), "{\"found\":true,\"value\":1}");
    cluster_destroy(cluster);
}
END_TEST

/* Where one was, another one is now, and says so. */
START_TEST(nodes_that_have_changed_places_find_together) {
    struct cluster *cluster = members_cluster(3, 3, 30 + (uint64_t)_i);
    const char *const urls[] = {"http://node2:8001", "http://node3:8001", "http://node1:8001"};
    move_all(cluster, 3, urls);
    cluster_await_leader(cluster);
    assert_result(client_await(cluster_propose(cluster, 1, PUT("a", "1"))), "{}");
    for (size_t i = 0; i < 9; i++) { /* And each has its place in the configuration, though at first it was another's. */
        await_url(cluster, i / 3, i % 3, urls[i % 3]);
    }
    cluster_destroy(cluster);
}
END_TEST

/* Only the one that stayed can be elected, and only by the one that moved. */
START_TEST(who_must_be_elected_is_told_where_its_voter_is) {
    struct cluster *cluster = members_cluster(2, 2, 11);
    size_t leader = cluster_leader(cluster);
    size_t moved = 1 - leader;
    cluster->refused[leader][moved] = true;
    struct client *client = cluster_propose(cluster, leader, PUT("a", "1"));
    cluster_run(cluster, HEARTBEAT_MS);
    ck_assert_uint_eq(client->answers, 0);
    ck_assert_uint_lt(cluster_status(cluster, moved).raft.last.index, cluster_status(cluster, leader).raft.last.index);
    cluster_restart(cluster, leader);
    cluster->refused[leader][moved] = false;
    move(cluster, moved, "http://elsewhere:1");
    await_url(cluster, leader, moved, "http://elsewhere:1");
    assert_result(client_await(cluster_propose(cluster, moved, PUT("a", "2"))), "{\"previous\":1}");
    cluster_destroy(cluster);
}
END_TEST

static bool is_told(struct cluster *cluster, size_t at, size_t which) {
    const struct contacts *contacts = &cluster_node(cluster, at)->contacts;
    for (size_t i = 0; i < contacts->count; i++) {
        if (contacts->list[i].id == which + 1 && strcmp(contacts->list[i].told, cluster->members[which].url) == 0) {
            return true;
        }
    }
    return false;
}

/* No vote gets onto a disk, so nobody is elected: whoever may lead later is told now. */
START_TEST(without_a_leader_all_who_are_there_are_told) {
    size_t founders = 1 + (size_t)_i;
    struct cluster *cluster = members_cluster(4, founders, 12);
    for (size_t i = founders; i < 4; i++) {
        cluster_start(cluster, i);
        client_await(members_add_node(cluster, 0, i, true));
    }
    cluster_run(cluster, ELECTION_MS);
    move(cluster, 0, "http://elsewhere:1");
    for (size_t i = 1; i < 4; i++) {
        cluster_restart(cluster, i);
        cluster->members[i].hold_writes = true;
    }
    cluster_run(cluster, 40 * ELECTION_MS);
    for (size_t i = 1; i < 4; i++) {
        ck_assert_msg(is_told(cluster, i, 0), "node %zu was not told", i + 1);
    }
    cluster_destroy(cluster);
}
END_TEST

/* Its own log says where it is, but nobody else's does. */
START_TEST(who_told_its_url_to_a_leader_that_forgot_it_tells_it_again) {
    struct cluster *cluster = cluster_create(3, 35);
    size_t leader = cluster_form(cluster);
    size_t moved = cluster_other(cluster, leader);
    size_t other = 3 - leader - moved;
    cluster_run(cluster, 5 * HEARTBEAT_MS);
    raft_index last = raft_last_index(cluster_node(cluster, leader)->core);
    cluster->members[leader].hold_writes = cluster->members[other].hold_writes = true;
    move(cluster, moved, "http://elsewhere:1");
    for (unsigned ms = 0; raft_persisted_index(cluster_node(cluster, moved)->core) == last; ms++) {
        ck_assert_uint_lt(ms, 20000);
        cluster_run(cluster, 1);
    }
    cluster_set_around(cluster, cluster->lost, moved, true);
    cluster_restart(cluster, leader);
    cluster_restart(cluster, other);
    cluster_run(cluster, 5 * ELECTION_MS);
    leader = cluster_leader(cluster);
    ck_assert_uint_ne(leader, moved);
    ck_assert_str_ne(node_member_url(cluster_node(cluster, leader), moved + 1), "http://elsewhere:1");
    cluster_set_around(cluster, cluster->lost, moved, false);
    await_url(cluster, leader, moved, "http://elsewhere:1");
    assert_result(client_await(cluster_propose(cluster, moved, PUT("a", "1"))), "{}");
    cluster_destroy(cluster);
}
END_TEST

START_TEST(a_cluster_of_one_that_moves_tells_itself) {
    struct cluster *cluster = members_cluster(1, 1, 8);
    move(cluster, 0, "http://elsewhere:1");
    await_url(cluster, 0, 0, "http://elsewhere:1");
    raft_index index = cluster_status(cluster, 0).raft.last.index;
    cluster_run(cluster, 10 * ELECTION_MS);
    ck_assert_uint_eq(cluster_status(cluster, 0).raft.last.index, index); /* Once. */
    cluster_destroy(cluster);
}
END_TEST

static void add_tests(TCase *tcase) {
    tcase_add_test(tcase, a_node_that_was_removed_unseen_learns_it_from_others_and_disturbs_nobody);
    tcase_add_test(tcase, a_removed_node_answers_nothing_but_what_is_stale);
    tcase_add_test(tcase, a_removed_node_that_is_added_again_goes_on);
    tcase_add_test(tcase, who_is_on_its_way_in_was_never_removed);
    tcase_add_test(tcase, without_a_leader_nobody_takes_itself_for_removed);
    tcase_add_test(tcase, a_node_that_the_leader_does_not_reach_asks_in_peace);
    tcase_add_loop_test(tcase, a_node_that_comes_back_elsewhere_tells_the_others, 0, 3);
    tcase_add_loop_test(tcase, a_cluster_whose_every_node_has_moved_finds_together, 0, 6);
    tcase_add_loop_test(tcase, nodes_that_have_changed_places_find_together, 0, 3);
    tcase_add_test(tcase, who_must_be_elected_is_told_where_its_voter_is);
    tcase_add_loop_test(tcase, without_a_leader_all_who_are_there_are_told, 0, 4);
    tcase_add_test(tcase, who_told_its_url_to_a_leader_that_forgot_it_tells_it_again);
    tcase_add_test(tcase, a_cluster_of_one_that_moves_tells_itself);
}

CHECK_MAIN("standing", add_tests)
