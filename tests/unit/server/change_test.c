/* Changes of the members: their JSON form, and what they mean for the members that there are. */
#include "server/change.h"
#include "tests/check_main.h"
#include "tests/unit/server/message_text.h"

static struct members_member node(raft_node_id id, bool voter) {
    struct members_member member = {.id = id, .voter = voter};
    snprintf(member.url, sizeof member.url, "http://node%llu:8001", (unsigned long long)id);
    snprintf(member.incarnation, sizeof member.incarnation, "%032llx", (unsigned long long)id);
    return member;
}

/* Voters 1 to `voters`, then learners. */
static struct members group(size_t voters, size_t learners) {
    struct members members = {0};
    for (size_t i = 1; i <= voters + learners; i++) {
        struct members_member member = node(i, i <= voters);
        ck_assert(members_add(&members, &member));
    }
    return members;
}

static struct change about(enum change_kind kind, struct members_member member, bool own) {
    if (!own) {
        member.incarnation[0] = '\0';
    }
    return (struct change){.kind = kind, .own = own, .members = {.count = 1, .list = {member}}};
}

static struct change by_id(enum change_kind kind, raft_node_id id) {
    return (struct change){.kind = kind, .members = {.count = 1, .list = {{.id = id}}}};
}

static struct members good_target(const struct change *change, const struct members *from) {
    struct members target;
    struct problem problem = {.detail = ""};
    ck_assert_msg(change_target(change, from, &target, &problem), "%s", problem.detail);
    return target;
}

static void refused(const struct change *change, const struct members *from, enum problem_code code, const char *part) {
    struct members target = {.count = 4711};
    struct problem problem;
    ck_assert(!change_target(change, from, &target, &problem));
    ck_assert_int_eq(problem.code, code);
    ck_assert(!problem.outcome_unknown);
    ck_assert_msg(strstr(problem.detail, part) != NULL, "'%s' does not say %s", problem.detail, part);
    ck_assert_uint_eq(target.count, 4711);
}

START_TEST(what_was_written_is_read) {
    struct members all = group(3, 2);
    for (size_t i = 0; i < all.count; i++) {
        all.list[i].incarnation[0] = '\0';
    }
    const struct change changes[] = {
        about(CHANGE_ADD, node(4, true), false),
        about(CHANGE_ADD, node(4, false), true),
        by_id(CHANGE_PROMOTE, 4),
        by_id(CHANGE_REMOVE, RAFT_NUMBER_MAX),
        {.kind = CHANGE_PUT, .members = all},
        about(CHANGE_REPLACE, node(4, true), true),
        about(CHANGE_MOVE, node(4, false), true),
    };
    for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++) {
        struct json_writer writer = {0};
        change_write(&changes[i], &writer);
        size_t size;
        char *text = json_writer_take(&writer, &size);
        struct change read;
        ck_assert_msg(change_read(value_of(text), &read), "%s", text);
        ck_assert_int_eq(read.kind, changes[i].kind);
        ck_assert(read.own == changes[i].own);
        ck_assert(members_same_list(&read.members, &changes[i].members));
        ck_assert_str_eq(read.members.list[0].incarnation, changes[i].members.list[0].incarnation);
        free(text);
    }
}
END_TEST

#define VOTER     "{\"id\":4,\"url\":\"http://d\"}"
#define OWN_VOTER "{\"id\":4,\"url\":\"http://d\",\"incarnation\":\"" ONE "\"}"

START_TEST(what_makes_no_sense_is_not_read) {
    static const char *const bad[] = {
        "[]",
        "{}",
        "{\"kind\":\"jump\",\"id\":4}",
        "{\"kind\":\"remove\"}",
        "{\"kind\":\"remove\",\"id\":0}",
        "{\"kind\":\"promote\",\"members\":{\"voters\":[" VOTER "]}}",
        "{\"kind\":\"add\",\"id\":4}",
        "{\"kind\":\"add\",\"members\":{\"voters\":[]}}",
        "{\"kind\":\"add\",\"members\":{\"voters\":[" VOTER "],\"learners\":[{\"id\":5,\"url\":\"http://e\"}]}}",
        "{\"kind\":\"add\",\"members\":{\"voters\":[" VOTER "],\"outgoing\":[" VOTER "]}}",
        "{\"kind\":\"add\",\"own\":true,\"members\":{\"voters\":[" VOTER "]}}",
        "{\"kind\":\"put\",\"own\":true,\"members\":{\"voters\":[" OWN_VOTER "]}}",
        "{\"kind\":\"put\",\"members\":{\"voters\":[]}}",
        "{\"kind\":\"replace\",\"members\":{\"voters\":[" OWN_VOTER "]}}",
        "{\"kind\":\"move\",\"members\":{\"voters\":[" OWN_VOTER "]}}",
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct change change = {.kind = CHANGE_KIND_COUNT};
        ck_assert_msg(!change_read(value_of(bad[i]), &change), "read: %s", bad[i]);
        ck_assert_int_eq(change.kind, CHANGE_KIND_COUNT);
    }
}
END_TEST

START_TEST(a_new_member_is_added_in_its_role) {
    struct members from = group(3, 0);
    struct change change = about(CHANGE_ADD, node(4, false), false);
    struct members target = good_target(&change, &from);
    ck_assert_uint_eq(target.count, 4);
    ck_assert(members_is_learner(members_find(&target, 4)));
    ck_assert(!change_is_done(&change, &from));
    ck_assert(change_is_done(&change, &target));
}
END_TEST

START_TEST(a_member_with_the_same_url_is_there_already_in_either_role) {
    struct members from = group(3, 1);
    for (raft_node_id id = 3; id <= 4; id++) {
        struct change change = about(CHANGE_ADD, node(id, true), false);
        ck_assert(change_is_done(&change, &from));
    }
}
END_TEST

START_TEST(ids_and_urls_belong_to_one_node_each) {
    struct members from = group(3, 1);
    struct change change = about(CHANGE_ADD, node(3, true), false);
    change.members.list[0].url[11] = '9';
    ck_assert(!change_is_done(&change, &from));
    refused(&change, &from, PROBLEM_CONFLICT, "node 3 is a member already, at http://node3:8001");
    change = about(CHANGE_ADD, node(5, true), false);
    strcpy(change.members.list[0].url, "http://node2:8001");
    refused(&change, &from, PROBLEM_CONFLICT, "http://node2:8001 is the URL of node 2");
    change = about(CHANGE_ADD, node(3, true), true);
    change.members.list[0].incarnation[0] = 'f';
    ck_assert(!change_is_done(&change, &from));
    refused(&change, &from, PROBLEM_CONFLICT, "--replace");
}
END_TEST

START_TEST(a_full_cluster_takes_no_more) {
    struct members from = group(RAFT_MEMBERS_MAX - 1, 0);
    struct change change = about(CHANGE_ADD, node(99, true), false);
    from = good_target(&change, &from);
    ck_assert_uint_eq(from.count, RAFT_MEMBERS_MAX);
    change = about(CHANGE_ADD, node(100, true), false);
    refused(&change, &from, PROBLEM_CONFLICT, "31 members");
}
END_TEST

START_TEST(a_learner_is_promoted_a_voter_stays_one_a_stranger_is_not_found) {
    struct members from = group(3, 1);
    struct change change = by_id(CHANGE_PROMOTE, 4);
    struct members target = good_target(&change, &from);
    ck_assert(members_find(&target, 4)->voter);
    ck_assert(change_is_done(&change, &target) && !change_is_done(&change, &from));
    change = by_id(CHANGE_PROMOTE, 3);
    target = good_target(&change, &from);
    ck_assert(members_same_list(&target, &from));
    change = by_id(CHANGE_PROMOTE, 9);
    refused(&change, &from, PROBLEM_NOT_FOUND, "node 9");
}
END_TEST

START_TEST(whoever_is_removed_is_gone_but_not_the_last_voter) {
    struct members from = group(2, 1);
    struct change change = by_id(CHANGE_REMOVE, 1);
    ck_assert(!change_is_done(&change, &from));
    from = good_target(&change, &from);
    ck_assert_ptr_null(members_find(&from, 1));
    ck_assert(change_is_done(&change, &from));
    change = by_id(CHANGE_REMOVE, 2);
    refused(&change, &from, PROBLEM_CONFLICT, "last voter");
    change = by_id(CHANGE_REMOVE, 3);
    from = good_target(&change, &from);
    ck_assert_uint_eq(from.count, 1);
}
END_TEST

START_TEST(a_whole_list_takes_the_place_of_the_members) {
    struct members from = group(3, 0);
    struct change change = {.kind = CHANGE_PUT};
    for (raft_node_id id = 3; id <= 5; id++) {
        struct members_member member = node(id, id < 5);
        member.incarnation[0] = '\0';
        ck_assert(members_add(&change.members, &member));
    }
    struct members target = good_target(&change, &from);
    ck_assert(members_same_list(&target, &change.members));
    ck_assert_str_eq(members_find(&target, 3)->incarnation, from.list[2].incarnation);
    ck_assert_str_eq(members_find(&target, 4)->incarnation, "");
    ck_assert(change_is_done(&change, &target) && !change_is_done(&change, &from));
    change.members.list[0].url[11] = '9';
    refused(&change, &from, PROBLEM_CONFLICT, "node 3 is a member already");
    change.members = group(0, 2);
    refused(&change, &from, PROBLEM_CONFLICT, "voter");
}
END_TEST

START_TEST(old_and_new_members_together_are_no_more_than_there_may_be) {
    struct members from = group(16, 0);
    struct change change = {.kind = CHANGE_PUT};
    for (raft_node_id id = 17; id <= 32; id++) {
        if (id == 32) {
            ck_assert_uint_eq(good_target(&change, &from).count, 15);
        }
        struct members_member member = node(id, true);
        ck_assert(members_add(&change.members, &member));
    }
    refused(&change, &from, PROBLEM_CONFLICT, "31 members");
}
END_TEST

START_TEST(the_place_of_a_lost_disk_is_taken_where_the_rest_is_a_majority) {
    struct members from = group(3, 1);
    struct change change = about(CHANGE_REPLACE, node(3, true), true);
    ck_assert(change_is_done(&change, &from)); /* It is that very one. */
    change.members.list[0].incarnation[0] = 'f';
    ck_assert(!change_is_done(&change, &from));
    struct members target = good_target(&change, &from);
    ck_assert_ptr_null(members_find(&target, 3));
    struct members after = good_target(&change, &target); /* Out already: it comes in. */
    ck_assert_str_eq(members_find(&after, 3)->incarnation, change.members.list[0].incarnation);
    from = group(2, 1);
    change = about(CHANGE_REPLACE, node(2, true), true);
    change.members.list[0].incarnation[0] = 'f';
    refused(&change, &from, PROBLEM_CONFLICT, "of 2 voters the rest is no majority");
    change = about(CHANGE_REPLACE, node(3, true), true); /* A learner's disk is nobody's vote. */
    change.members.list[0].incarnation[0] = 'f';
    ck_assert_uint_eq(good_target(&change, &from).count, 2);
}
END_TEST

START_TEST(who_asks_for_itself_may_be_where_another_one_was) {
    struct members from = group(3, 0);
    struct change change = about(CHANGE_ADD, node(4, true), true);
    strcpy(change.members.list[0].url, "http://node2:8001");
    struct members target = good_target(&change, &from); /* It is looked at there before it gets in. */
    ck_assert_str_eq(members_find(&target, 4)->url, "http://node2:8001");
    ck_assert_str_eq(members_find(&target, 2)->url, "http://node2:8001");
    change.own = false;
    refused(&change, &from, PROBLEM_CONFLICT, "is the URL of node 2");
}
END_TEST

START_TEST(a_member_moves_to_an_url_of_its_own) {
    struct members from = group(3, 0);
    struct change change = about(CHANGE_MOVE, node(3, true), true);
    ck_assert(change_is_done(&change, &from));
    strcpy(change.members.list[0].url, "http://elsewhere");
    ck_assert(!change_is_done(&change, &from));
    struct members target = good_target(&change, &from);
    ck_assert_str_eq(members_find(&target, 3)->url, "http://elsewhere");
    ck_assert(change_is_done(&change, &target));
    strcpy(change.members.list[0].url, "http://node1:8001");
    refused(&change, &from, PROBLEM_CONFLICT, "is the URL of node 1");
    change.gone = 2;
    refused(&change, &from, PROBLEM_CONFLICT, "is the URL of node 1");
    change.gone = 1; /* It has said that it is elsewhere: the two change places until it says where. */
    target = good_target(&change, &from);
    ck_assert_str_eq(members_find(&target, 3)->url, "http://node1:8001");
    ck_assert_str_eq(members_find(&target, 1)->url, "http://node3:8001");
    change.members.list[0].incarnation[0] = 'f';
    refused(&change, &from, PROBLEM_CONFLICT, "no member with this data directory");
}
END_TEST

START_TEST(where_a_change_leads_is_told_by_its_first_step) {
    struct members from = group(3, 0);
    struct members to;
    ck_assert(change_is_settled(&from));
    change_destination(&from, &to);
    ck_assert(members_same_list(&from, &to));
    /* 4 is to become a voter in the place of 3; 5 a learner. */
    struct members way = group(3, 2);
    way.list[0].next = way.list[1].next = way.list[3].next = MEMBERS_NEXT_VOTER;
    way.list[4].next = MEMBERS_NEXT_LEARNER;
    way.list[3].joining = way.list[4].joining = true;
    ck_assert(!change_is_settled(&way));
    change_destination(&way, &to);
    ck_assert_uint_eq(to.count, 4);
    ck_assert_ptr_null(members_find(&to, 3));
    ck_assert(members_find(&to, 4)->voter && members_is_learner(members_find(&to, 5)));
    ck_assert(change_is_settled(&to));
    /* From 1, 2, 3 to 3, 4; 2 stays as a learner. */
    struct members joint = group(4, 1);
    joint.list[0].voter = joint.list[1].voter = false;
    joint.list[0].outgoing = joint.list[1].outgoing = joint.list[2].outgoing = true;
    joint.list[1].next = MEMBERS_NEXT_LEARNER;
    joint.list[2].next = joint.list[3].next = MEMBERS_NEXT_VOTER;
    change_destination(&joint, &to);
    ck_assert_uint_eq(to.count, 4);
    ck_assert_ptr_null(members_find(&to, 1));
    ck_assert(members_is_learner(members_find(&to, 2)) && members_find(&to, 3)->voter && members_find(&to, 4)->voter);
    ck_assert(members_is_learner(members_find(&to, 5)));
}
END_TEST

START_TEST(a_nodes_own_wish_is_the_same_as_a_clients) {
    struct change client = about(CHANGE_ADD, node(4, true), false);
    struct change own = about(CHANGE_ADD, node(4, false), true);
    struct change other = about(CHANGE_ADD, node(4, false), false);
    struct change replace = about(CHANGE_REPLACE, node(4, true), true);
    struct change elsewhere = about(CHANGE_ADD, node(4, true), false);
    struct change remove = by_id(CHANGE_REMOVE, 4);
    strcpy(elsewhere.members.list[0].url, "http://elsewhere");
    ck_assert(change_is_same(&client, &own) && change_is_same(&own, &client));
    ck_assert(!change_is_same(&client, &other));
    ck_assert(change_is_same(&replace, &own));
    ck_assert(!change_is_same(&client, &elsewhere));
    ck_assert(!change_is_same(&client, &remove) && change_is_same(&remove, &remove));
}
END_TEST

static void add_tests(TCase *tcase) {
    tcase_add_test(tcase, what_was_written_is_read);
    tcase_add_test(tcase, what_makes_no_sense_is_not_read);
    tcase_add_test(tcase, a_new_member_is_added_in_its_role);
    tcase_add_test(tcase, a_member_with_the_same_url_is_there_already_in_either_role);
    tcase_add_test(tcase, ids_and_urls_belong_to_one_node_each);
    tcase_add_test(tcase, a_full_cluster_takes_no_more);
    tcase_add_test(tcase, a_learner_is_promoted_a_voter_stays_one_a_stranger_is_not_found);
    tcase_add_test(tcase, whoever_is_removed_is_gone_but_not_the_last_voter);
    tcase_add_test(tcase, a_whole_list_takes_the_place_of_the_members);
    tcase_add_test(tcase, old_and_new_members_together_are_no_more_than_there_may_be);
    tcase_add_test(tcase, the_place_of_a_lost_disk_is_taken_where_the_rest_is_a_majority);
    tcase_add_test(tcase, who_asks_for_itself_may_be_where_another_one_was);
    tcase_add_test(tcase, a_member_moves_to_an_url_of_its_own);
    tcase_add_test(tcase, where_a_change_leads_is_told_by_its_first_step);
    tcase_add_test(tcase, a_nodes_own_wish_is_the_same_as_a_clients);
}

CHECK_MAIN("change", add_tests)
