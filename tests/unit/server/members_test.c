/* Lists of members: their order, their JSON form, URLs, and the list of the command line. */
#include "server/members.h"
#include "tests/check_main.h"
#include "tests/unit/server/message_text.h"

static struct members_member member(raft_node_id id) {
    struct members_member made = {.id = id, .voter = true};
    snprintf(made.url, sizeof made.url, "http://node%llu:8001", (unsigned long long)id);
    return made;
}

START_TEST(members_stand_in_order_of_their_ids) {
    struct members members = {0};
    raft_node_id ids[] = {3, 1, RAFT_NUMBER_MAX, 2};
    for (size_t i = 0; i < 4; i++) {
        struct members_member added = member(ids[i]);
        ck_assert(members_add(&members, &added));
    }
    ck_assert_uint_eq(members.count, 4);
    ck_assert_uint_eq(members.list[0].id, 1);
    ck_assert_uint_eq(members.list[1].id, 2);
    ck_assert_uint_eq(members.list[2].id, 3);
    ck_assert_uint_eq(members.list[3].id, RAFT_NUMBER_MAX);
    ck_assert_str_eq(members_find(&members, 2)->url, "http://node2:8001");
    ck_assert_ptr_null(members_find(&members, 4));
}
END_TEST

START_TEST(an_id_is_added_once) {
    struct members members = {0};
    struct members_member one = member(1);
    ck_assert(members_add(&members, &one));
    ck_assert(!members_add(&members, &one));
    ck_assert_uint_eq(members.count, 1);
}
END_TEST

START_TEST(a_full_list_takes_no_more) {
    struct members members = {0};
    for (raft_node_id id = RAFT_MEMBERS_MAX; id >= 1; id--) {
        struct members_member added = member(id);
        ck_assert(members_add(&members, &added));
    }
    struct members_member late = member(100);
    ck_assert(!members_add(&members, &late));
    ck_assert_uint_eq(members.count, RAFT_MEMBERS_MAX);
    ck_assert_uint_eq(members.list[RAFT_MEMBERS_MAX - 1].id, RAFT_MEMBERS_MAX);
}
END_TEST

START_TEST(lists_are_the_same_by_id_url_and_role) {
    struct members left = some_members(true);
    struct members right = some_members(false);
    ck_assert(members_same_list(&left, &right));
    right.list[1].voter = true;
    ck_assert(!members_same_list(&left, &right));
    right = some_members(true);
    right.list[2].id = 4;
    ck_assert(!members_same_list(&left, &right));
    right = some_members(true);
    right.list[0].url[strlen(right.list[0].url) - 1] = '2';
    ck_assert(!members_same_list(&left, &right));
    right = some_members(true);
    right.count = 2;
    ck_assert(!members_same_list(&left, &right));
}
END_TEST

START_TEST(the_consensus_module_sees_ids_by_role) {
    struct members members = some_members(true);
    struct raft_configuration configuration;
    memset(&configuration, 0xFF, sizeof configuration);
    members_configuration(&members, &configuration);
    ck_assert_uint_eq(configuration.voter_count, 2);
    ck_assert_uint_eq(configuration.voters[0], 1);
    ck_assert_uint_eq(configuration.voters[1], 3);
    ck_assert_uint_eq(configuration.learner_count, 1);
    ck_assert_uint_eq(configuration.learners[0], 2);
}
END_TEST

static char *members_text(const struct members *members) {
    struct json_writer writer = {0};
    members_write(members, &writer);
    size_t size;
    return json_writer_take(&writer, &size);
}

START_TEST(members_are_written_by_role) {
    struct members members = some_members(true);
    members.list[2].incarnation[0] = '\0';
    char *text = members_text(&members);
    ck_assert_str_eq(text, "{\"voters\":[{\"id\":1,\"url\":\"http://node1:8001\",\"incarnation\":\"" ONE "\"},"
                           "{\"id\":3,\"url\":\"http://[::1]:8003\"}],"
                           "\"learners\":[{\"id\":2,\"url\":\"http://node2:8001\",\"incarnation\":\"" TWO "\"}],"
                           "\"outgoing\":[]}");
    free(text);
}
END_TEST

START_TEST(what_was_written_is_read) {
    for (size_t count = 0; count <= RAFT_MEMBERS_MAX; count++) {
        struct members members = {0};
        for (raft_node_id id = 1; id <= count; id++) {
            struct members_member added = member(id * 7);
            added.voter = id % 3 != 0;
            memcpy(added.incarnation, id % 2 == 0 ? ONE : "", id % 2 == 0 ? sizeof ONE : 1);
            ck_assert(members_add(&members, &added));
        }
        char *text = members_text(&members);
        struct members read;
        ck_assert(members_read(value_of(text), &read));
        ck_assert(members_same_list(&members, &read));
        for (size_t i = 0; i < count; i++) {
            ck_assert_str_eq(members.list[i].incarnation, read.list[i].incarnation);
        }
        free(text);
    }
}
END_TEST

START_TEST(learners_and_outgoing_may_be_left_out_and_others_are_passed_over) {
    struct members read;
    ck_assert(members_read(value_of("{\"new\":[1],\"voters\":[{\"url\":\"http://a\",\"id\":1,\"zone\":\"x\"}]}"), &read));
    ck_assert_uint_eq(read.count, 1);
    ck_assert_str_eq(read.list[0].url, "http://a");
    ck_assert_str_eq(read.list[0].incarnation, "");
}
END_TEST

static void assert_no_members(const char *text) {
    struct members read = {.count = 4711};
    ck_assert_msg(!members_read(value_of(text), &read), "accepted: %s", text);
    ck_assert_uint_eq(read.count, 4711);
}

#define MEMBER_1 "{\"id\":1,\"url\":\"http://a\"}"

START_TEST(what_makes_no_sense_is_refused) {
    assert_no_members("[]");
    assert_no_members("{}");
    assert_no_members("{\"voters\":{}}");
    assert_no_members("{\"voters\":[1]}");
    assert_no_members("{\"voters\":[{\"id\":1}]}");
    assert_no_members("{\"voters\":[{\"url\":\"http://a\"}]}");
    assert_no_members("{\"voters\":[{\"id\":0,\"url\":\"http://a\"}]}");
    assert_no_members("{\"voters\":[{\"id\":9007199254740992,\"url\":\"http://a\"}]}");
    assert_no_members("{\"voters\":[{\"id\":\"1\",\"url\":\"http://a\"}]}");
    assert_no_members("{\"voters\":[{\"id\":1,\"url\":\"a\"}]}");
    assert_no_members("{\"voters\":[{\"id\":1,\"url\":7}]}");
    assert_no_members("{\"voters\":[{\"id\":1,\"url\":\"http://a\\u0000b\"}]}");
    assert_no_members("{\"voters\":[{\"id\":1,\"url\":\"http://a\",\"incarnation\":\"ab\"}]}");
    assert_no_members(
        "{\"voters\":[{\"id\":1,\"url\":\"http://a\",\"incarnation\":\"C0FFEE00C0FFEE00C0FFEE00C0FFEE00\"}]}");
    assert_no_members("{\"voters\":[" MEMBER_1 "," MEMBER_1 "]}");
    assert_no_members("{\"voters\":[" MEMBER_1 "],\"learners\":[" MEMBER_1 "]}");
    assert_no_members("{\"voters\":[" MEMBER_1 "],\"learners\":7}");
}
END_TEST

#define MEMBER_2          "{\"id\":2,\"url\":\"http://b\"}"
#define MEMBER_2_PROMOTED "{\"id\":2,\"url\":\"http://b\",\"promote\":true}"
#define MEMBER_3          "{\"id\":3,\"url\":\"http://c\"}"

/* Joint (§4.3): 1 goes, 2 stays, 3 is new; 1 is to be a learner afterwards. */
#define JOINT                                                                                                              \
    "{\"voters\":[" MEMBER_2 "," MEMBER_3 "],\"learners\":[],\"outgoing\":[" MEMBER_1 "," MEMBER_2                         \
    "],\"next\":{\"voters\":[2,3],\"learners\":[1]}}"
/* 2 and 3 are on their way, 2 to become a voter; 2 was a learner before. */
#define CATCHING_UP                                                                                                        \
    "{\"voters\":[" MEMBER_1 "],\"learners\":[" MEMBER_2_PROMOTED "," MEMBER_3                                             \
    "],\"outgoing\":[],\"next\":{\"voters\":[1,2],\"learners\":[3]},\"joining\":[3]}"

START_TEST(two_configurations_at_once_are_both_told) {
    struct members read;
    struct raft_configuration configuration;
    ck_assert(members_read(value_of(JOINT), &read));
    members_configuration(&read, &configuration);
    ck_assert_uint_eq(read.count, 3);
    ck_assert_uint_eq(configuration.voter_count, 2);
    ck_assert_uint_eq(configuration.voters[0], 2);
    ck_assert_uint_eq(configuration.voters[1], 3);
    ck_assert_uint_eq(configuration.outgoing_count, 2);
    ck_assert_uint_eq(configuration.outgoing[0], 1);
    ck_assert_uint_eq(configuration.outgoing[1], 2);
    ck_assert_uint_eq(configuration.learner_count, 0);
    ck_assert_uint_eq(configuration.next_learner_count, 1);
    ck_assert_uint_eq(configuration.next_learners[0], 1);
}
END_TEST

START_TEST(where_a_change_leads_is_told) {
    struct members read;
    struct raft_configuration configuration;
    ck_assert(members_read(value_of(CATCHING_UP), &read));
    members_configuration(&read, &configuration);
    ck_assert_uint_eq(configuration.voter_count, 1);
    ck_assert_uint_eq(configuration.learner_count, 2);
    ck_assert_uint_eq(configuration.outgoing_count, 0);
    ck_assert_uint_eq(configuration.next_voter_count, 2);
    ck_assert_uint_eq(configuration.next_voters[1], 2);
    ck_assert_uint_eq(configuration.next_learner_count, 1);
    ck_assert_uint_eq(configuration.next_learners[0], 3);
    ck_assert_uint_eq(configuration.joining_count, 1);
    ck_assert_uint_eq(configuration.joining[0], 3);
}
END_TEST

START_TEST(what_was_read_of_a_change_is_written_the_same) {
    static const char *const texts[] = {JOINT, CATCHING_UP};
    struct members read;
    ck_assert(members_read(value_of(texts[_i]), &read));
    char *text = members_text(&read);
    ck_assert_str_eq(text, texts[_i]);
    free(text);
}
END_TEST

START_TEST(lists_that_contradict_each_other_are_refused) {
    assert_no_members("{\"voters\":[" MEMBER_1 "],\"learners\":[" MEMBER_2 "],\"outgoing\":[" MEMBER_2 "]}");
    assert_no_members("{\"voters\":[" MEMBER_1 "],\"outgoing\":[" MEMBER_2 "," MEMBER_2 "]}");
    assert_no_members("{\"voters\":[" MEMBER_1 "],\"outgoing\":[" MEMBER_1 "," MEMBER_1 "]}");
    assert_no_members("{\"voters\":[" MEMBER_1 "],\"outgoing\":[{\"id\":1,\"url\":\"http://b\"}]}");
    assert_no_members("{\"voters\":[" MEMBER_1 "],\"outgoing\":[{\"id\":1,\"url\":\"http://a\",\"incarnation\":\"" ONE
                      "\"}]}");
    assert_no_members("{\"voters\":[" MEMBER_1 "],\"learners\":[" MEMBER_2_PROMOTED "]}");
    assert_no_members("{\"voters\":[" MEMBER_1 "],\"learners\":[" MEMBER_2_PROMOTED "],\"next\":{\"voters\":[1]}}");
    assert_no_members("{\"voters\":[" MEMBER_1 "],\"learners\":[" MEMBER_2 "],\"next\":{\"voters\":[1,2]}}");
    assert_no_members("{\"voters\":[" MEMBER_1 "],\"learners\":[" MEMBER_2 "],\"next\":{\"voters\":[]}}");
    assert_no_members("{\"voters\":[" MEMBER_1 "," MEMBER_2_PROMOTED "],\"next\":{\"voters\":[1,2]}}");
    assert_no_members("{\"voters\":[" MEMBER_1 "],\"next\":{\"voters\":[1,4]}}");
    assert_no_members("{\"voters\":[" MEMBER_1 "],\"next\":{\"voters\":[1,1]}}");
    assert_no_members("{\"voters\":[" MEMBER_1 "],\"next\":{\"voters\":[\"1\"]}}");
    assert_no_members("{\"voters\":[" MEMBER_1 "],\"next\":{\"voters\":[1],\"learners\":[1]}}");
    assert_no_members("{\"voters\":[" MEMBER_1 "],\"next\":{\"learners\":[1]}}");
    assert_no_members("{\"voters\":[" MEMBER_1 "],\"next\":[1]}");
    assert_no_members("{\"voters\":[" MEMBER_1 "],\"learners\":[" MEMBER_2 "],\"joining\":[2]}");
    assert_no_members("{\"voters\":[" MEMBER_1 "],\"next\":{\"voters\":[1]},\"joining\":[1]}");
    assert_no_members("{\"voters\":[" MEMBER_1 "],\"learners\":[" MEMBER_2
                      "],\"next\":{\"voters\":[1]},\"joining\":[2,2]}");
}
END_TEST

START_TEST(a_configuration_gets_its_urls_back) {
    struct members known = {0};
    struct members also = {0};
    for (raft_node_id id = 1; id <= 4; id++) {
        struct members_member added = member(id);
        ck_assert(members_add(id <= 2 ? &known : &also, &added));
    }
    struct members_member other = member(2);
    snprintf(other.url, sizeof other.url, "http://other");
    ck_assert(members_add(&also, &other));
    struct raft_configuration from = {.voter_count = 2,
                                      .voters = {2, 4},
                                      .learner_count = 1,
                                      .learners = {3},
                                      .outgoing_count = 2,
                                      .outgoing = {1, 2},
                                      .next_voter_count = 3,
                                      .next_voters = {2, 3, 4},
                                      .next_learner_count = 1,
                                      .next_learners = {1},
                                      .joining_count = 1,
                                      .joining = {3}};
    struct members made;
    ck_assert(members_of_configuration(&from, &known, &also, &made));
    ck_assert_uint_eq(made.count, 4);
    ck_assert_str_eq(members_find(&made, 2)->url, "http://node2:8001");
    ck_assert_str_eq(members_find(&made, 4)->url, "http://node4:8001");
    struct raft_configuration back;
    members_configuration(&made, &back);
    ck_assert_mem_eq(&back, &from, sizeof back);
    ck_assert(!members_of_configuration(&from, &known, NULL, &made));
}
END_TEST

START_TEST(more_members_than_there_is_room_for_are_refused) {
    struct json_writer writer = {0};
    json_write_bytes(&writer, "{\"voters\":[", 11);
    for (int id = 1; id <= RAFT_MEMBERS_MAX + 1; id++) {
        char text[64];
        int size = snprintf(text, sizeof text, "%s{\"id\":%d,\"url\":\"http://a\"}", id == 1 ? "" : ",", id);
        json_write_bytes(&writer, text, (size_t)size);
    }
    json_write_bytes(&writer, "]}", 2);
    size_t size;
    char *text = json_writer_take(&writer, &size);
    assert_no_members(text);
    free(text);
}
END_TEST

static bool url_valid(const char *url) {
    return members_url_valid(url, strlen(url));
}

START_TEST(urls_of_a_host_and_a_port_are_fine) {
    static const char *const good[] = {"http://a",
                                       "http://node1:8001",
                                       "http://127.0.0.1:1",
                                       "http://a.b-c.example.:65535",
                                       "http://my_service:8001",
                                       "http://[::1]",
                                       "http://[2001:db8::1]:8001",
                                       "http://[ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255]:1",
                                       "https://node1:8001",
                                       "https://[::1]:8001",
                                       "https://7",
                                       "http://7"};
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        ck_assert_msg(url_valid(good[i]), "refused: %s", good[i]);
    }
}
END_TEST

START_TEST(other_urls_are_not) {
    static const char *const bad[] = {"",
                                      "http://",
                                      "http:/a",
                                      "a:8001",
                                      "https://",
                                      "https:/a",
                                      "HTTPS://a",
                                      "https://a:8001/",
                                      "httpss://a",
                                      "HTTP://a",
                                      "http://a/",
                                      "http://a:8001/",
                                      "http://a:8001/x",
                                      "http://a?x",
                                      "http://a#x",
                                      "http://u@a",
                                      "http://u:p@a:1",
                                      "http://a:",
                                      "http://a:0",
                                      "http://a:080",
                                      "http://a:65536",
                                      "http://a:100000",
                                      "http://a:8x",
                                      "http://a:+8",
                                      "http://:8001",
                                      "http://a b",
                                      "http://-a",
                                      "http://.a",
                                      "http://a%20",
                                      "http://\xC3\xA9",
                                      "http://[::1",
                                      "http://[]",
                                      "http://[127.0.0.1]",
                                      "http://[::g]",
                                      "http://[::1]8001",
                                      "http://[::1]x",
                                      "http://[fe80::1%eth0]:1",
                                      "http://[ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.2555]:1",
                                      "http://::1",
                                      " http://a",
                                      "http://a\n"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        ck_assert_msg(!url_valid(bad[i]), "accepted: %s", bad[i]);
    }
    ck_assert(!members_url_valid("http://a\0b", 10));
    ck_assert(!members_url_valid("http://[::1\0]", 13));
}
END_TEST

START_TEST(a_url_must_fit_with_its_nul) {
    char url[MEMBERS_URL_SIZE + 1];
    memset(url, 'a', sizeof url);
    memcpy(url, "http://", 7);
    ck_assert(members_url_valid(url, MEMBERS_URL_SIZE - 1));
    ck_assert(!members_url_valid(url, MEMBERS_URL_SIZE));
}
END_TEST

START_TEST(a_list_of_the_command_line_is_read_in_any_order) {
    struct members members;
    char why[256] = "";
    ck_assert(members_parse_list("2=http://b:8002,1=http://a:8001,9007199254740991=http://[::1]:8003", &members, why,
                                 sizeof why));
    ck_assert_uint_eq(members.count, 3);
    ck_assert_uint_eq(members.list[0].id, 1);
    ck_assert_str_eq(members.list[0].url, "http://a:8001");
    ck_assert(members.list[0].voter);
    ck_assert_str_eq(members.list[0].incarnation, "");
    ck_assert_str_eq(members.list[1].url, "http://b:8002");
    ck_assert_uint_eq(members.list[2].id, RAFT_NUMBER_MAX);
}
END_TEST

static void assert_list_refused(const char *text, const char *part_of_why) {
    struct members members = {.count = 4711};
    char why[512] = "";
    ck_assert_msg(!members_parse_list(text, &members, why, sizeof why), "accepted: %s", text);
    ck_assert_msg(strstr(why, part_of_why) != NULL, "'%s' does not say '%s'", why, part_of_why);
    ck_assert_uint_eq(members.count, 4711);
}

START_TEST(a_bad_list_is_refused_with_the_reason) {
    assert_list_refused("", "empty");
    assert_list_refused("http://a:8001", "id=url");
    assert_list_refused("1=http://a,", "''");
    assert_list_refused(",1=http://a", "''");
    assert_list_refused("0=http://a", "'0=http://a'");
    assert_list_refused("01=http://a", "'01=http://a'");
    assert_list_refused("=http://a", "id from 1");
    assert_list_refused("-1=http://a", "id from 1");
    assert_list_refused("9007199254740992=http://a", "id from 1");
    assert_list_refused("1=http://a/", "no slash");
    assert_list_refused("1=http://a, 2=http://b", "' 2=http://b'");
    assert_list_refused("1=http://a,1=http://b", "id 1 is listed twice");
    assert_list_refused("1=http://a,2=http://a", "http://a is listed twice");
}
END_TEST

START_TEST(a_list_may_be_full_but_no_longer) {
    char text[64 * (RAFT_MEMBERS_MAX + 1)] = "";
    size_t size = 0;
    struct members members;
    char why[256];
    for (int id = 1; id <= RAFT_MEMBERS_MAX + 1; id++) {
        if (id == RAFT_MEMBERS_MAX + 1) {
            ck_assert(members_parse_list(text, &members, why, sizeof why));
            ck_assert_uint_eq(members.count, RAFT_MEMBERS_MAX);
        }
        size += (size_t)snprintf(text + size, sizeof text - size, "%s%d=http://node%d", id == 1 ? "" : ",", id, id);
    }
    assert_list_refused(text, "more than 31");
}
END_TEST

START_TEST(a_reason_is_cut_to_fit) {
    struct members members;
    char why[8];
    ck_assert(!members_parse_list("x", &members, why, sizeof why));
    ck_assert_uint_eq(strlen(why), sizeof why - 1);
}
END_TEST

static void add_tests(TCase *tcase) {
    tcase_add_test(tcase, members_stand_in_order_of_their_ids);
    tcase_add_test(tcase, an_id_is_added_once);
    tcase_add_test(tcase, a_full_list_takes_no_more);
    tcase_add_test(tcase, lists_are_the_same_by_id_url_and_role);
    tcase_add_test(tcase, the_consensus_module_sees_ids_by_role);
    tcase_add_test(tcase, members_are_written_by_role);
    tcase_add_test(tcase, what_was_written_is_read);
    tcase_add_test(tcase, learners_and_outgoing_may_be_left_out_and_others_are_passed_over);
    tcase_add_test(tcase, what_makes_no_sense_is_refused);
    tcase_add_test(tcase, two_configurations_at_once_are_both_told);
    tcase_add_test(tcase, where_a_change_leads_is_told);
    tcase_add_loop_test(tcase, what_was_read_of_a_change_is_written_the_same, 0, 2);
    tcase_add_test(tcase, lists_that_contradict_each_other_are_refused);
    tcase_add_test(tcase, a_configuration_gets_its_urls_back);
    tcase_add_test(tcase, more_members_than_there_is_room_for_are_refused);
    tcase_add_test(tcase, urls_of_a_host_and_a_port_are_fine);
    tcase_add_test(tcase, other_urls_are_not);
    tcase_add_test(tcase, a_url_must_fit_with_its_nul);
    tcase_add_test(tcase, a_list_of_the_command_line_is_read_in_any_order);
    tcase_add_test(tcase, a_bad_list_is_refused_with_the_reason);
    tcase_add_test(tcase, a_list_may_be_full_but_no_longer);
    tcase_add_test(tcase, a_reason_is_cut_to_fit);
}

CHECK_MAIN("members", add_tests)
