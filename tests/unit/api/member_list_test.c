#include "api/member_list.h"

#include "tests/check_main.h"
#include "tests/unit/api/harness.h"

START_TEST(the_configuration_lists_voters_and_learners) {
    struct harness *harness = harness_begin();
    harness->node->status.members.list[2].voter = false;
    struct reply reply = get(harness, "/v1/members");
    check_reply(&reply, 200,
                "{\"index\":1,\"voters\":[{\"id\":1,\"url\":\"http://node1.test:8001\"},"
                "{\"id\":2,\"url\":\"http://node2.test:8001\"}],"
                "\"learners\":[{\"id\":3,\"url\":\"http://node3.test:8001\"}],\"outgoing\":[]}");
    harness_end(harness);
}
END_TEST

START_TEST(outside_a_cluster_there_is_none) {
    struct harness *harness = harness_begin();
    harness->node->status.cluster_id[0] = '\0';
    struct reply reply = get(harness, "/v1/members");
    check_problem(&reply, 503, "not_ready", NULL);
    harness_end(harness);
}
END_TEST

static void add_tests(TCase *tcase) {
    tcase_add_test(tcase, the_configuration_lists_voters_and_learners);
    tcase_add_test(tcase, outside_a_cluster_there_is_none);
}

CHECK_MAIN("member_list", add_tests)
