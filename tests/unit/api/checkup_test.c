#include "api/checkup.h"

#include "tests/check_main.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CLUSTER "00112233445566778899aabbccddeeff"

static struct checkup *checkup;
static struct checkup_findings *findings;

static struct json_span scan(const char *text) {
    struct json_span value;
    size_t offset;
    ck_assert_msg(json_scan(text, strlen(text), &value, &offset), "%s stops being JSON at %zu", text, offset);
    return value;
}

/* Three healthy voters; node 1, which leads, is asked. */
static void given_a_healthy_cluster(void) {
    free(checkup);
    checkup = calloc(1, sizeof *checkup);
    findings = findings != NULL ? findings : malloc(sizeof *findings);
    checkup->self = 1;
    checkup->leader = 1;
    checkup->term = 3;
    checkup->now_s = 1000000000;
    strcpy(checkup->client_url, "http://client1.test:8001");
    strcpy(checkup->cluster_id, CLUSTER);
    for (size_t i = 0; i < 3; i++) {
        struct checkup_node *node = &checkup->nodes[checkup->count++];
        node->id = node->said_id = i + 1;
        snprintf(node->url, sizeof node->url, "http://node%zu.test:8001", i + 1);
        node->member = node->voter = node->answered = true;
        snprintf(node->incarnation, sizeof node->incarnation, "%032zu", i);
        strcpy(node->said_incarnation, node->incarnation);
        strcpy(node->cluster_id, CLUSTER);
        strcpy(node->version, "1.0.0");
        strcpy(node->role, i == 0 ? "leader" : "follower");
        node->last_index = 40;
        node->write_p99_ms = 2;
        node->free_bytes = UINT64_MAX / 2;
        for (size_t time = 0; time < 2; time++) {
            uint64_t at_us = 5000000 + time * 1000000;
            node->clocks[time] = (struct checkup_clock){.known = true,
                                                        .sent_us = at_us,
                                                        .got_us = at_us + 2000,
                                                        .elapsed_us = 777000000 + at_us + 1000,
                                                        .got_wall_ms = 1000000000000,
                                                        .wall_ms = 1000000000001};
        }
        for (size_t j = 0; j < 3; j++) {
            checkup->reach[i][j] = i == j ? CHECKUP_NOT_TRIED : CHECKUP_REACHED;
        }
    }
    for (size_t time = 0; time < 2; time++) {
        checkup->peer_count[time] = 2;
        checkup->peers[time][0] = (struct checkup_peer){.id = 2, .match_index = 40, .last_contact_ms = 20};
        checkup->peers[time][1] = (struct checkup_peer){.id = 3, .match_index = 40, .last_contact_ms = 20};
    }
}

static void end(void) {
    free(checkup);
    free(findings);
    checkup = NULL;
    findings = NULL;
}

/* Exactly that one is found, and says all there is to say. Answers it. */
static const struct checkup_finding *found(const char *code, enum checkup_severity severity, raft_node_id node) {
    checkup_judge(checkup, findings);
    ck_assert_msg(findings->count == 1, "%zu findings, the first: %s (%s)", findings->count,
                  findings->count > 0 ? findings->list[0].code : "none",
                  findings->count > 0 ? findings->list[0].evidence : "");
    const struct checkup_finding *finding = &findings->list[0];
    ck_assert_str_eq(finding->code, code);
    ck_assert_int_eq(finding->severity, severity);
    ck_assert_uint_eq(finding->node, node);
    ck_assert_str_ne(finding->problem, "");
    ck_assert_str_ne(finding->evidence, "");
    ck_assert_str_ne(finding->command, "");
    ck_assert(checkup_is_bad(findings) == (severity != CHECKUP_HINT));
    return finding;
}

static void nothing_is_found(void) {
    checkup_judge(checkup, findings);
    ck_assert_msg(findings->count == 0, "%s: %s", findings->list[0].code, findings->list[0].evidence);
    ck_assert(!checkup_is_bad(findings));
}

static void says(const char *text, const char *part) {
    ck_assert_msg(strstr(text, part) != NULL, "'%s' is not in '%s'", part, text);
}

START_TEST(a_healthy_cluster_has_nothing) {
    given_a_healthy_cluster();
    nothing_is_found();
    end();
}
END_TEST

static void nobody_leads(size_t silent) {
    given_a_healthy_cluster();
    checkup->leader = 0;
    strcpy(checkup->nodes[0].role, "follower");
    checkup->peer_count[0] = checkup->peer_count[1] = 0;
    for (size_t i = 3 - silent; i < 3; i++) {
        checkup->nodes[i].answered = false;
        for (size_t j = 0; j < 3; j++) {
            checkup->reach[j][i] = j == 0 ? CHECKUP_NOT_REACHED : CHECKUP_NOT_TRIED;
            checkup->reach[i][j] = CHECKUP_NOT_TRIED;
        }
    }
}

START_TEST(nobody_who_leads_is_a_problem_with_its_reason) {
    nobody_leads(0);
    says(found("no_leader", CHECKUP_PROBLEM, 0)->command, "/readyz");
    nobody_leads(2);
    checkup_judge(checkup, findings);
    ck_assert_uint_eq(findings->count, 3);
    ck_assert_str_eq(findings->list[0].code, "no_leader");
    says(findings->list[0].evidence, "1 of 3 voters answer");
    says(findings->list[0].command, "start 1 more");
    ck_assert_str_eq(findings->list[1].code, "member_silent");
    ck_assert_str_eq(findings->list[2].code, "member_silent");
    end();
}
END_TEST

static void with_voters(size_t count) {
    given_a_healthy_cluster();
    for (size_t i = count; i < 3; i++) {
        checkup->nodes[i].voter = false;
        strcpy(checkup->nodes[i].role, "learner");
    }
}

START_TEST(one_voter_and_an_even_number_of_them_are_warned_of) {
    with_voters(1);
    found("one_voter", CHECKUP_WARNING, 0);
    with_voters(2);
    says(found("even_voters", CHECKUP_WARNING, 0)->evidence, "2 voters have a majority of 2: 0 may fail, as of 1");
    with_voters(3);
    nothing_is_found();
    end();
}
END_TEST

START_TEST(versions_that_differ_are_told_by_node) {
    given_a_healthy_cluster();
    strcpy(checkup->nodes[2].version, "1.1.0");
    says(found("mixed_versions", CHECKUP_WARNING, 0)->evidence, "node 1 runs 1.0.0, node 2 runs 1.0.0, node 3 runs 1.1.0");
    end();
}
END_TEST

START_TEST(somebody_else_at_a_members_address_is_told_and_not_judged) {
    given_a_healthy_cluster();
    strcpy(checkup->nodes[1].cluster_id, "ffffffffffffffffffffffffffffffff");
    checkup->nodes[1].full = true;
    strcpy(checkup->nodes[1].version, "9");
    says(found("other_cluster", CHECKUP_PROBLEM, 2)->evidence, "ffffffffffffffffffffffffffffffff");
    given_a_healthy_cluster();
    checkup->nodes[1].said_id = 7;
    says(found("other_cluster", CHECKUP_PROBLEM, 2)->evidence, "answers as node 7");
    end();
}
END_TEST

START_TEST(a_dead_member_is_told_with_who_asked_and_when_it_was_heard) {
    given_a_healthy_cluster();
    checkup->nodes[2].answered = false;
    strcpy(checkup->nodes[2].why, "connection refused");
    checkup->reach[0][2] = checkup->reach[1][2] = CHECKUP_NOT_REACHED;
    checkup->reach[2][0] = checkup->reach[2][1] = CHECKUP_NOT_TRIED;
    checkup->peers[1][1].last_contact_ms = 42000;
    const struct checkup_finding *finding = found("member_silent", CHECKUP_PROBLEM, 3);
    says(finding->evidence, "connection refused (asked by node 1, node 2); the leader heard of it 42 s ago");
    says(finding->command, "curl -X DELETE http://client1.test:8001/v1/members/3");
    end();
}
END_TEST

START_TEST(an_address_that_nobody_reaches_is_told_of_who_serves) {
    given_a_healthy_cluster();
    checkup->reach[1][0] = checkup->reach[2][0] = CHECKUP_NOT_REACHED;
    strcpy(checkup->reach_why[0], "could not resolve host");
    const struct checkup_finding *finding = found("advertise_unreachable", CHECKUP_PROBLEM, 1);
    says(finding->evidence, "node 2, node 3 does not reach it at http://node1.test:8001: could not resolve host");
    says(finding->command, "--advertise");
    end();
}
END_TEST

START_TEST(a_member_that_some_do_not_reach_is_told_with_who) {
    given_a_healthy_cluster();
    checkup->reach[1][2] = CHECKUP_NOT_REACHED;
    says(found("partly_unreachable", CHECKUP_PROBLEM, 3)->evidence, "node 2 does not reach it");
    given_a_healthy_cluster();
    checkup->nodes[2].answered = false; /* The asked node itself does not reach it. */
    checkup->reach[0][2] = CHECKUP_NOT_REACHED;
    says(found("partly_unreachable", CHECKUP_PROBLEM, 3)->evidence, "node 1 does not reach it");
    end();
}
END_TEST

START_TEST(a_member_that_does_not_answer_the_leader_is_without_contact) {
    given_a_healthy_cluster();
    checkup->peers[1][0].last_contact_ms = CHECKUP_SILENT_MS - 1;
    nothing_is_found();
    checkup->peers[1][0].last_contact_ms = CHECKUP_SILENT_MS;
    found("member_without_contact", CHECKUP_PROBLEM, 2);
    end();
}
END_TEST

START_TEST(a_lost_disk_is_told_with_its_cure) {
    given_a_healthy_cluster();
    struct checkup_node *node = &checkup->nodes[2];
    strcpy(node->said_incarnation, "ffffffffffffffffffffffffffffffff");
    strcpy(node->role, "waiting");
    node->cluster_id[0] = '\0';
    checkup->peers[1][1].last_contact_ms = 42000;
    checkup->peers[0][1].match_index = checkup->peers[1][1].match_index = 7;
    says(found("lost_disk", CHECKUP_PROBLEM, 3)->command, "--replace");
    end();
}
END_TEST

START_TEST(a_node_outside_any_cluster_tells_whom_it_waits_for) {
    given_a_healthy_cluster();
    checkup->count = 1;
    struct checkup_node *node = &checkup->nodes[0];
    checkup->leader = 0;
    checkup->cluster_id[0] = node->cluster_id[0] = '\0';
    node->member = node->voter = false;
    node->incarnation[0] = '\0';
    strcpy(node->role, "waiting");
    strcpy(node->waits_for, "node 3: connection refused");
    says(found("waiting", CHECKUP_PROBLEM, 1)->evidence, "node 3: connection refused");
    end();
}
END_TEST

START_TEST(a_removed_node_that_runs_is_warned_of) {
    given_a_healthy_cluster();
    checkup->self = 4;
    checkup->nodes[checkup->count] = checkup->nodes[1];
    struct checkup_node *node = &checkup->nodes[checkup->count++];
    node->id = node->said_id = 4;
    node->member = node->voter = false;
    node->incarnation[0] = '\0';
    strcpy(node->role, "removed");
    found("removed", CHECKUP_WARNING, 4);
    end();
}
END_TEST

START_TEST(disks_are_judged_by_speed_and_room) {
    given_a_healthy_cluster();
    checkup->nodes[1].write_p99_ms = CHECKUP_SLOW_WRITE_MS;
    nothing_is_found();
    checkup->nodes[1].write_p99_ms = CHECKUP_SLOW_WRITE_MS + 1;
    found("disk_slow", CHECKUP_WARNING, 2);
    checkup->nodes[1].stalled = true;
    found("disk_stalled", CHECKUP_PROBLEM, 2);
    given_a_healthy_cluster();
    checkup->nodes[1].free_bytes = CHECKUP_FREE_BYTES;
    nothing_is_found();
    checkup->nodes[1].free_bytes = CHECKUP_FREE_BYTES - 1;
    says(found("disk_nearly_full", CHECKUP_WARNING, 2)->evidence, "255 MiB are free");
    checkup->nodes[1].free_bytes = (uint64_t)10 << 30;
    checkup->nodes[1].storage_bytes = (uint64_t)11 << 30;
    found("disk_nearly_full", CHECKUP_WARNING, 2);
    checkup->nodes[1].full = true;
    found("disk_full", CHECKUP_PROBLEM, 2);
    checkup->nodes[1].full = false;
    checkup->nodes[1].free_bytes = UINT64_MAX; /* Not known. */
    nothing_is_found();
    end();
}
END_TEST

START_TEST(states_that_differ_are_problems) {
    given_a_healthy_cluster();
    checkup->nodes[1].diverged_since = 64;
    says(found("diverged", CHECKUP_PROBLEM, 2)->evidence, "64");
    given_a_healthy_cluster();
    checkup->nodes[0].divergence_alarm = true;
    found("divergence_alarm", CHECKUP_PROBLEM, 0);
    end();
}
END_TEST

START_TEST(certificates_are_told_of_in_time) {
    given_a_healthy_cluster();
    uint64_t *expires_s = &checkup->nodes[1].certificate_expires_s;
    *expires_s = checkup->now_s + CHECKUP_EXPIRES_SOON_S;
    nothing_is_found();
    *expires_s -= 1;
    says(found("certificate_expires", CHECKUP_WARNING, 2)->evidence, "335 hours");
    *expires_s = checkup->now_s + CHECKUP_EXPIRES_NOW_S - 1;
    says(found("certificate_expires", CHECKUP_PROBLEM, 2)->problem, "expires soon");
    *expires_s = checkup->now_s - 5;
    says(found("certificate_expires", CHECKUP_PROBLEM, 2)->problem, "has expired");
    end();
}
END_TEST

START_TEST(who_lags_and_does_not_move_is_stuck) {
    given_a_healthy_cluster();
    checkup->nodes[2].voter = false;
    checkup->nodes[2].promote = true;
    strcpy(checkup->nodes[2].role, "learner");
    checkup->nodes[1].voter = false; /* One voter is told of; it comes after. */
    strcpy(checkup->nodes[1].role, "learner");
    checkup->peers[0][1].match_index = checkup->peers[1][1].match_index = 39;
    checkup_judge(checkup, findings);
    ck_assert_uint_eq(findings->count, 2);
    ck_assert_str_eq(findings->list[1].code, "learner_stuck");
    says(findings->list[1].evidence, "up to 39 of 40");
    says(findings->list[1].problem, "not made a voter");
    given_a_healthy_cluster();
    checkup->peers[0][1].match_index = checkup->peers[1][1].match_index = 39;
    found("voter_stuck", CHECKUP_WARNING, 3);
    checkup->peers[0][1].match_index = 38;
    nothing_is_found();
    checkup->peers[0][1].match_index = 39;
    checkup->peers[1][1].snapshot_percent = 3;
    nothing_is_found();
    end();
}
END_TEST

/* Node 2's clock runs at `rate` between the two looks. */
static void with_rate(double rate) {
    given_a_healthy_cluster();
    struct checkup_clock *clocks = checkup->nodes[1].clocks;
    clocks[1].elapsed_us = clocks[0].elapsed_us + (uint64_t)(1000000 * rate);
}

START_TEST(clocks_that_run_at_another_rate_are_told_when_it_is_certain) {
    with_rate(1.010); /* The answer may have been under way for 2 ms: 8 in a thousand are certain. */
    nothing_is_found();
    with_rate(1.014);
    says(found("clock_drift", CHECKUP_WARNING, 2)->problem, "too fast");
    with_rate(0.986);
    says(found("clock_drift", CHECKUP_WARNING, 2)->problem, "too slow");
    with_rate(1.054);
    says(found("clock_drift", CHECKUP_PROBLEM, 2)->problem, "lease reads may be wrong");
    with_rate(0.5);
    found("clock_drift", CHECKUP_PROBLEM, 2);
    with_rate(2);
    checkup->nodes[1].clocks[0].known = false;
    nothing_is_found();
    with_rate(1);
    checkup->nodes[1].clocks[1].elapsed_us = 5; /* Its machine was started anew. */
    nothing_is_found();
    with_rate(3);
    checkup->nodes[1].clocks[0].got_us += 1500000; /* The first answer took so long. */
    nothing_is_found();
    end();
}
END_TEST

START_TEST(another_time_of_day_is_a_hint) {
    given_a_healthy_cluster();
    struct checkup_clock *clock = &checkup->nodes[2].clocks[1];
    clock->wall_ms = clock->got_wall_ms + CHECKUP_WALL_APART_MS;
    nothing_is_found();
    clock->wall_ms = clock->got_wall_ms + CHECKUP_WALL_APART_MS + 1000;
    says(found("wall_clock", CHECKUP_HINT, 3)->evidence, "6 s ahead of");
    clock->wall_ms = clock->got_wall_ms - CHECKUP_WALL_APART_MS - 1000;
    says(found("wall_clock", CHECKUP_HINT, 3)->evidence, "6 s behind");
    end();
}
END_TEST

START_TEST(the_worst_comes_first) {
    with_voters(2);
    checkup->nodes[2].clocks[1].wall_ms += 60000;
    checkup->nodes[1].full = true;
    checkup_judge(checkup, findings);
    ck_assert_uint_eq(findings->count, 3);
    ck_assert_str_eq(findings->list[0].code, "disk_full");
    ck_assert_str_eq(findings->list[1].code, "even_voters");
    ck_assert_str_eq(findings->list[2].code, "wall_clock");
    end();
}
END_TEST

START_TEST(too_many_findings_are_cut_off) {
    given_a_healthy_cluster();
    findings->count = 0;
    for (size_t i = 0; i < CHECKUP_FINDINGS_MAX + 5; i++) {
        checkup_add(findings, CHECKUP_HINT, "some", 1);
    }
    ck_assert_uint_eq(findings->count, CHECKUP_FINDINGS_MAX);
    end();
}
END_TEST

static const char status_text[] =
    "{\"id\":2,\"cluster_id\":\"" CLUSTER "\",\"incarnation\":\"abc\",\"version\":\"2.0\\u001b[31m\",\"role\":\"follower\","
    "\"last_index\":41,\"peers\":[],\"storage_bytes\":5,\"disk_write_ms\":{\"p50\":0.25,\"p99\":250.5},"
    "\"disk\":{\"oldest_write_ms\":12,\"stalled\":true,\"free_bytes\":77,\"full\":true},\"diverged\":{\"since_index\":64},"
    "\"divergence_alarm\":true,\"clock\":{\"elapsed_us\":99,\"wall_ms\":98},\"certificate_expires\":97,"
    "\"waiting_for\":[{\"id\":3,\"url\":\"u\",\"why\":\"connection refused\"},{\"id\":4,\"url\":\"u\",\"why\":\"time-out\"}]}";

START_TEST(a_status_is_read) {
    given_a_healthy_cluster();
    struct checkup_node *node = &checkup->nodes[1];
    node->answered = false;
    const struct checkup_clock clock = {.sent_us = 1, .got_us = 2, .got_wall_ms = 3};
    ck_assert(checkup_take_status(checkup, 1, 1, scan(status_text), &clock));
    ck_assert(node->answered && node->stalled && node->full && node->divergence_alarm);
    ck_assert_str_eq(node->said_incarnation, "abc");
    ck_assert_str_eq(node->version, "2.0?[31m");
    ck_assert_str_eq(node->waits_for, "node 3: connection refused; node 4: time-out");
    ck_assert_uint_eq(node->last_index, 41);
    ck_assert_uint_eq(node->storage_bytes, 5);
    ck_assert(node->write_p99_ms > 250.4 && node->write_p99_ms < 250.6);
    ck_assert_uint_eq(node->free_bytes, 77);
    ck_assert_uint_eq(node->diverged_since, 64);
    ck_assert_uint_eq(node->certificate_expires_s, 97);
    ck_assert(node->clocks[1].known);
    ck_assert_uint_eq(node->clocks[1].elapsed_us, 99);
    ck_assert_uint_eq(node->clocks[1].wall_ms, 98);
    ck_assert_uint_eq(node->clocks[1].got_us, 2);
    ck_assert_uint_eq(checkup->peer_count[1], 2);
    end();
}
END_TEST

START_TEST(of_an_older_node_what_it_does_not_say_is_no_evidence) {
    given_a_healthy_cluster();
    const struct checkup_clock clock = {.sent_us = 1, .got_us = 2};
    ck_assert(checkup_take_status(checkup, 1, 0, scan("{\"id\":2,\"version\":\"1.0.0\"}"), &clock));
    ck_assert(checkup_take_status(checkup, 1, 1, scan("{\"id\":2,\"version\":\"1.0.0\"}"), &clock));
    ck_assert(!checkup->nodes[1].clocks[1].known);
    checkup_judge(checkup, findings);
    nothing_is_found();
    ck_assert(!checkup_take_status(checkup, 1, 1, scan("{\"role\":\"leader\"}"), &clock));
    ck_assert(!checkup_take_status(checkup, 1, 1, scan("[1]"), &clock));
    end();
}
END_TEST

START_TEST(only_from_the_leader_is_it_known_who_follows) {
    given_a_healthy_cluster();
    const struct checkup_clock clock = {0};
    const char peers[] = "{\"id\":1,\"role\":\"leader\",\"peers\":[{\"id\":3,\"match_index\":5,\"last_contact_ms\":6,"
                         "\"snapshot_percent\":7},{\"id\":2},{\"id\":2,\"match_index\":1,\"last_contact_ms\":2,"
                         "\"snapshot_percent\":null}]}";
    ck_assert(checkup_take_status(checkup, 0, 1, scan(peers), &clock));
    ck_assert_uint_eq(checkup->peer_count[1], 2);
    ck_assert_uint_eq(checkup->peers[1][0].snapshot_percent, 7);
    ck_assert_uint_eq(checkup->peers[1][1].last_contact_ms, 2);
    checkup->leader = 2;
    checkup->peer_count[1] = 0;
    ck_assert(checkup_take_status(checkup, 0, 1, scan(peers), &clock));
    ck_assert_uint_eq(checkup->peer_count[1], 0);
    end();
}
END_TEST

START_TEST(whom_a_node_reaches_is_read_and_strangers_are_passed_over) {
    given_a_healthy_cluster();
    checkup_take_reach(
        checkup, 1,
        scan("{\"id\":2,\"reach\":[{\"id\":1,\"reachable\":false,\"why\":\"refused\"},{\"id\":2,\"reachable\":false},"
             "{\"id\":9,\"reachable\":false},5,{\"id\":3,\"reachable\":true}]}"));
    ck_assert_int_eq(checkup->reach[1][0], CHECKUP_NOT_REACHED);
    ck_assert_int_eq(checkup->reach[1][1], CHECKUP_NOT_TRIED);
    ck_assert_int_eq(checkup->reach[1][2], CHECKUP_REACHED);
    ck_assert_str_eq(checkup->reach_why[0], "refused");
    checkup_take_reach(checkup, 2, scan("{\"id\":2,\"reach\":[{\"id\":1,\"reachable\":false}]}")); /* It is node 3. */
    ck_assert_int_eq(checkup->reach[2][0], CHECKUP_REACHED);
    checkup_take_reach(checkup, 2, scan("[]"));
    end();
}
END_TEST

static void add_tests(TCase *tcase) {
    tcase_add_test(tcase, a_healthy_cluster_has_nothing);
    tcase_add_test(tcase, nobody_who_leads_is_a_problem_with_its_reason);
    tcase_add_test(tcase, one_voter_and_an_even_number_of_them_are_warned_of);
    tcase_add_test(tcase, versions_that_differ_are_told_by_node);
    tcase_add_test(tcase, somebody_else_at_a_members_address_is_told_and_not_judged);
    tcase_add_test(tcase, a_dead_member_is_told_with_who_asked_and_when_it_was_heard);
    tcase_add_test(tcase, an_address_that_nobody_reaches_is_told_of_who_serves);
    tcase_add_test(tcase, a_member_that_some_do_not_reach_is_told_with_who);
    tcase_add_test(tcase, a_member_that_does_not_answer_the_leader_is_without_contact);
    tcase_add_test(tcase, a_lost_disk_is_told_with_its_cure);
    tcase_add_test(tcase, a_node_outside_any_cluster_tells_whom_it_waits_for);
    tcase_add_test(tcase, a_removed_node_that_runs_is_warned_of);
    tcase_add_test(tcase, disks_are_judged_by_speed_and_room);
    tcase_add_test(tcase, states_that_differ_are_problems);
    tcase_add_test(tcase, certificates_are_told_of_in_time);
    tcase_add_test(tcase, who_lags_and_does_not_move_is_stuck);
    tcase_add_test(tcase, clocks_that_run_at_another_rate_are_told_when_it_is_certain);
    tcase_add_test(tcase, another_time_of_day_is_a_hint);
    tcase_add_test(tcase, the_worst_comes_first);
    tcase_add_test(tcase, too_many_findings_are_cut_off);
    tcase_add_test(tcase, a_status_is_read);
    tcase_add_test(tcase, of_an_older_node_what_it_does_not_say_is_no_evidence);
    tcase_add_test(tcase, only_from_the_leader_is_it_known_who_follows);
    tcase_add_test(tcase, whom_a_node_reaches_is_read_and_strangers_are_passed_over);
}

CHECK_MAIN("checkup", add_tests)
