#include "cluster.h"
#include "tests/check_main.h"

#include <fcntl.h>
#include <unistd.h>

/* Sends the node's log into a pipe; answers where to read. */
static int listen_to(struct cluster *cluster, size_t at) {
    int ends[2];
    ck_assert_int_eq(pipe(ends), 0);
    ck_assert_int_eq(fcntl(ends[0], F_SETFL, O_NONBLOCK), 0);
    ck_assert_int_eq(fcntl(ends[1], F_SETFL, O_NONBLOCK), 0);
    cluster->members[at].diagnostics.descriptor = ends[1];
    cluster->members[at].diagnostics.level = DIAGNOSTICS_INFO;
    cluster_node(cluster, at)->io.diagnostics = &cluster->members[at].diagnostics;
    return ends[0];
}

static size_t count(const char *text, const char *words) {
    size_t found = 0;
    for (const char *at = text; (at = strstr(at, words)) != NULL; at++) {
        found++;
    }
    return found;
}

/* What was logged since the last time. */
static const char *logged(int descriptor, char *text, size_t size) {
    ssize_t got = read(descriptor, text, size - 1);
    text[got > 0 ? got : 0] = '\0';
    return text;
}

START_TEST(a_peer_that_falls_silent_and_comes_back_is_two_lines) {
    struct cluster *cluster = cluster_create(3, 1);
    size_t leader = cluster_form(cluster);
    size_t other = cluster_other(cluster, leader);
    int descriptor = listen_to(cluster, leader);
    char text[65536];
    cluster_run(cluster, 10000);
    ck_assert_uint_eq(count(logged(descriptor, text, sizeof text), "peers"), 0);
    cluster_kill(cluster, other);
    cluster_run(cluster, ELECTION_MS - 1);
    ck_assert_uint_eq(count(logged(descriptor, text, sizeof text), "peers"), 0);
    cluster_run(cluster, 20000);
    logged(descriptor, text, sizeof text);
    ck_assert_uint_eq(count(text, "peers"), 1);
    char line[256];
    snprintf(line, sizeof line, " warning peers node %zu (%s) does not answer: connection refused\n", other + 1,
             cluster->members[other].url);
    ck_assert_msg(strstr(text, line) != NULL, "%s", text);
    cluster_start(cluster, other);
    cluster_run(cluster, 20000);
    logged(descriptor, text, sizeof text);
    ck_assert_uint_eq(count(text, "peers"), 1);
    snprintf(line, sizeof line, " info peers node %zu (%s) answers again\n", other + 1, cluster->members[other].url);
    ck_assert_msg(strstr(text, line) != NULL, "%s", text);
    cluster_destroy(cluster);
}
END_TEST

START_TEST(while_forming_formation_tells_who_is_missing) {
    struct cluster *cluster = cluster_create(2, 2);
    cluster_start(cluster, 0);
    int descriptor = listen_to(cluster, 0);
    char text[65536];
    cluster_run(cluster, 10000);
    logged(descriptor, text, sizeof text);
    ck_assert_uint_eq(count(text, "peers"), 0);
    ck_assert_uint_eq(count(text, "formation node 2: connection refused"), 1);
    cluster_destroy(cluster);
}
END_TEST

static void add_tests(TCase *tcase) {
    tcase_add_test(tcase, a_peer_that_falls_silent_and_comes_back_is_two_lines);
    tcase_add_test(tcase, while_forming_formation_tells_who_is_missing);
}

CHECK_MAIN("contacts", add_tests)
