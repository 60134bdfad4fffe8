#include "api/exposition.h"

#include "tests/check_main.h"

#include <stdlib.h>
#include <string.h>

static void check_text(struct exposition *exposition, const char *expected) {
    size_t size;
    char *text = json_writer_take(&exposition->text, &size);
    ck_assert_str_eq(text, expected);
    free(text);
}

START_TEST(a_family_is_help_type_and_samples) {
    struct exposition exposition = {.family = NULL};
    exposition_begin(&exposition, "a_total", "counter", "How many.");
    exposition_number(&exposition, NULL, UINT64_MAX);
    exposition_number(&exposition, "b=\"c\"", 0);
    exposition_begin(&exposition, "d_seconds", "gauge", "How long.");
    exposition_seconds(&exposition, "b=\"c\"", 61000007);
    exposition_real(&exposition, NULL, 0.25);
    check_text(&exposition,
               "# HELP a_total How many.\n# TYPE a_total counter\na_total 18446744073709551615\na_total{b=\"c\"} 0\n"
               "# HELP d_seconds How long.\n# TYPE d_seconds gauge\nd_seconds{b=\"c\"} 61.000007\nd_seconds 0.250\n");
}
END_TEST

START_TEST(a_histograms_buckets_add_up_and_the_low_ones_are_one) {
    struct exposition exposition = {.family = NULL};
    struct histogram histogram = {0};
    histogram_add(&histogram, 3);
    histogram_add(&histogram, 2097152);
    histogram_add(&histogram, 2097153);
    histogram_add(&histogram, 9000000);
    exposition_begin(&exposition, "a_seconds", "histogram", "How long.");
    exposition_histogram(&exposition, "b=\"c\"", &histogram, 21);
    check_text(&exposition, "# HELP a_seconds How long.\n# TYPE a_seconds histogram\n"
                            "a_seconds_bucket{b=\"c\",le=\"2.097152\"} 2\n"
                            "a_seconds_bucket{b=\"c\",le=\"4.194304\"} 3\n"
                            "a_seconds_bucket{b=\"c\",le=\"8.388608\"} 3\n"
                            "a_seconds_bucket{b=\"c\",le=\"+Inf\"} 4\n"
                            "a_seconds_sum{b=\"c\"} 13.194308\n"
                            "a_seconds_count{b=\"c\"} 4\n");
}
END_TEST

START_TEST(a_histogram_may_be_without_labels) {
    struct exposition exposition = {.family = NULL};
    struct histogram histogram = {0};
    exposition_begin(&exposition, "a_seconds", "histogram", "How long.");
    exposition_histogram(&exposition, NULL, &histogram, HISTOGRAM_BUCKETS - 1);
    check_text(&exposition, "# HELP a_seconds How long.\n# TYPE a_seconds histogram\na_seconds_bucket{le=\"8.388608\"} 0\n"
                            "a_seconds_bucket{le=\"+Inf\"} 0\na_seconds_sum 0.000000\na_seconds_count 0\n");
}
END_TEST

START_TEST(one_sample_alone_is_short) {
    struct exposition exposition = {.family = NULL};
    exposition_gauge(&exposition, "a", "A.", 1);
    exposition_counter(&exposition, "b_total", "B.", 2);
    check_text(&exposition, "# HELP a A.\n# TYPE a gauge\na 1\n# HELP b_total B.\n# TYPE b_total counter\nb_total 2\n");
}
END_TEST

START_TEST(a_labels_value_is_escaped_and_cut) {
    char value[EXPOSITION_VALUE_SIZE];
    ck_assert_str_eq(exposition_value("a\"b\\c\nd", value), "a\\\"b\\\\c\\nd");
    ck_assert_str_eq(exposition_value("", value), "");
    char text[1000];
    memset(text, '"', sizeof text);
    text[sizeof text - 1] = '\0';
    size_t size = strlen(exposition_value(text, value));
    ck_assert_uint_gt(size, EXPOSITION_VALUE_SIZE - 4);
    ck_assert_uint_lt(size, EXPOSITION_VALUE_SIZE);
    ck_assert_uint_eq(size % 2, 0); /* No escape is cut in half. */
}
END_TEST

static void add_tests(TCase *tcase) {
    tcase_add_test(tcase, a_family_is_help_type_and_samples);
    tcase_add_test(tcase, a_histograms_buckets_add_up_and_the_low_ones_are_one);
    tcase_add_test(tcase, a_histogram_may_be_without_labels);
    tcase_add_test(tcase, one_sample_alone_is_short);
    tcase_add_test(tcase, a_labels_value_is_escaped_and_cut);
}

CHECK_MAIN("exposition", add_tests)
