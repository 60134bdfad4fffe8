#include "api/redirect.h"

#include "tests/check_main.h"
#include "tests/unit/api/harness.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* A follower whose leader, node 2, is another server with a client URL of its own. */
struct pair {
    struct harness *follower;
    struct harness *leader;
};

static struct pair begin(void) {
    struct pair pair = {harness_begin(), harness_create()};
    pair.leader->options.client_url = "http://clients-of-2.test:8002";
    harness_start(pair.leader);
    pair.follower->other = pair.leader;
    struct members_member *member = &pair.follower->node->status.members.list[1];
    snprintf(member->url, sizeof member->url, "http://127.0.0.1:%u", api_port(pair.leader->api));
    problem_set(&pair.follower->node->problem, PROBLEM_NOT_LEADER, false, "node 2 leads");
    return pair;
}

static void end(struct pair *pair) {
    harness_end(pair->follower);
    harness_end(pair->leader);
}

START_TEST(a_follower_that_is_not_to_forward_sends_the_client_to_the_leader) {
    struct pair pair = begin();
    struct reply reply = post(pair.follower, "/v1/propose?a=1&forward=false&timeout=2s&b", "1");
    ck_assert(reply_has(&reply, "Location", "http://clients-of-2.test:8002/v1/propose?a=1&timeout=2s&b"));
    check_problem(&reply, 307, "not_leader", "rejected");
    reply = post(pair.follower, "/v1/propose?forward=false", "1");
    ck_assert(reply_has(&reply, "Location", "http://clients-of-2.test:8002/v1/propose"));
    check_problem(&reply, 307, "not_leader", "rejected");
    reply = get(pair.follower, "/v1/query?forward=false&q=%7b%7d");
    ck_assert(reply_has(&reply, "Location", "http://clients-of-2.test:8002/v1/query?q=%7b%7d"));
    check_problem(&reply, 307, "not_leader", NULL);
    end(&pair);
}
END_TEST

START_TEST(a_body_of_lines_is_sent_on_as_a_whole) {
    struct pair pair = begin();
    struct reply reply =
        ask(pair.follower, "POST", "/v1/propose?forward=false", "Content-Type: application/x-ndjson\r\n", "1\n2\n");
    ck_assert(reply_has(&reply, "Location", "http://clients-of-2.test:8002/v1/propose"));
    check_problem(&reply, 307, "not_leader", "rejected");
    end(&pair);
}
END_TEST

START_TEST(a_leader_that_does_not_answer_is_named_by_the_url_that_peers_use) {
    struct pair pair = begin();
    api_stop_accepting(pair.leader->api);
    struct reply reply = post(pair.follower, "/v1/propose?forward=false", "1");
    char expected[MEMBERS_URL_SIZE + 16];
    snprintf(expected, sizeof expected, "%s/v1/propose", pair.follower->node->status.members.list[1].url);
    ck_assert(reply_has(&reply, "Location", expected));
    check_problem(&reply, 307, "not_leader", "rejected");
    end(&pair);
}
END_TEST

START_TEST(what_was_learnt_is_used_again) {
    struct pair pair = begin();
    struct reply reply = post(pair.follower, "/v1/propose?forward=false", "1");
    reply_free(&reply);
    api_stop_accepting(pair.leader->api);
    reply = post(pair.follower, "/v1/propose?forward=false", "1");
    ck_assert(reply_has(&reply, "Location", "http://clients-of-2.test:8002/v1/propose"));
    check_problem(&reply, 307, "not_leader", "rejected");
    end(&pair);
}
END_TEST

START_TEST(without_a_leader_it_is_503_at_once) {
    struct pair pair = begin();
    pair.follower->node->leader = 0;
    struct reply reply = post(pair.follower, "/v1/propose?forward=false", "1");
    ck_assert(reply_has(&reply, "Retry-After", "1"));
    check_problem(&reply, 503, "no_leader", "rejected");
    end(&pair);
}
END_TEST

START_TEST(who_may_be_forwarded_gets_no_redirect) {
    struct pair pair = begin();
    struct reply reply = post(pair.follower, "/v1/propose", "1");
    char value[512];
    ck_assert_ptr_null(reply_field(&reply, "Location", value));
    check_problem(&reply, 503, "not_leader", "rejected");
    end(&pair);
}
END_TEST

START_TEST(a_client_that_hangs_up_while_the_leader_is_asked_is_forgotten) {
    struct pair pair = begin();
    pair.follower->other = NULL; /* The leader does not answer. */
    int client = client_open(pair.follower);
    client_send_text(pair.follower, client,
                     "POST /v1/propose?forward=false HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\n\r\n1");
    harness_until_calls(pair.follower, 1);
    harness_turn(pair.follower);
    close(client);
    for (int i = 0; i < 100 && !api_idle(pair.follower->api); i++) {
        harness_turn(pair.follower);
    }
    ck_assert(api_idle(pair.follower->api));
    end(&pair);
}
END_TEST

static void add_tests(TCase *tcase) {
    tcase_add_test(tcase, a_follower_that_is_not_to_forward_sends_the_client_to_the_leader);
    tcase_add_test(tcase, a_body_of_lines_is_sent_on_as_a_whole);
    tcase_add_test(tcase, a_leader_that_does_not_answer_is_named_by_the_url_that_peers_use);
    tcase_add_test(tcase, what_was_learnt_is_used_again);
    tcase_add_test(tcase, without_a_leader_it_is_503_at_once);
    tcase_add_test(tcase, who_may_be_forwarded_gets_no_redirect);
    tcase_add_test(tcase, a_client_that_hangs_up_while_the_leader_is_asked_is_forgotten);
}

CHECK_MAIN("redirect", add_tests)
