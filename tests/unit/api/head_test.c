#include "api/head.h"

#include "tests/check_main.h"

#include <string.h>

static struct head_value value(const char *text) {
    return (struct head_value){text, strlen(text), 1};
}

static bool is_ndjson(const char *type) {
    struct head head = {.content_type = value(type)};
    return head_is_ndjson(&head);
}

START_TEST(the_media_type_is_told_with_and_without_parameters) {
    ck_assert(is_ndjson("application/x-ndjson"));
    ck_assert(is_ndjson("application/x-ndjson; charset=utf-8"));
    ck_assert(is_ndjson("application/x-ndjson ;charset=utf-8"));
    ck_assert(is_ndjson("Application/X-NDJSON"));
    ck_assert(!is_ndjson("application/json"));
    ck_assert(!is_ndjson("application/x-ndjsonx"));
    ck_assert(!is_ndjson("application/x-ndjso"));
    ck_assert(!is_ndjson(""));
    ck_assert(!head_is_ndjson(&(struct head){0}));
}
END_TEST

START_TEST(requests_that_can_be_read_in_two_ways_are_found) {
    struct head head = {.host = value("a"), .content_length = value("2")};
    ck_assert_ptr_null(head_ambiguity(&head));
    head.content_length.count = 2;
    ck_assert_ptr_nonnull(head_ambiguity(&head));
    head.content_length.count = 1;
    head.transfer_encoding = value("chunked");
    ck_assert_ptr_nonnull(head_ambiguity(&head));
    head.content_length.count = 0;
    ck_assert_ptr_null(head_ambiguity(&head));
    head.transfer_encoding = value("gzip, chunked");
    ck_assert_ptr_nonnull(head_ambiguity(&head));
    head.transfer_encoding = value("Chunked");
    head.chunked = true;
    head.transfer_encoding.count = 2;
    ck_assert_ptr_nonnull(head_ambiguity(&head));
    head.transfer_encoding.count = 1;
    ck_assert_ptr_null(head_ambiguity(&head));
    head.odd_name = true;
    ck_assert_ptr_nonnull(head_ambiguity(&head));
    head.odd_name = false;
    head.host.count = 2;
    ck_assert_ptr_nonnull(head_ambiguity(&head));
    head.host.count = 1;
    head.expect = value("100-continue");
    ck_assert_ptr_null(head_ambiguity(&head));
    head.transfer_encoding.count = 0;
    head.chunked = false;
    ck_assert_ptr_nonnull(head_ambiguity(&head));
    head.body_bytes = 1;
    ck_assert_ptr_null(head_ambiguity(&head));
}
END_TEST

START_TEST(an_etag_is_found_in_a_list) {
    struct head head = {.if_none_match = value("\"a\", W/\"b\"")};
    ck_assert(head_has_etag(&head, "\"a\""));
    ck_assert(head_has_etag(&head, "\"b\""));
    ck_assert(!head_has_etag(&head, "\"c\""));
    head.if_none_match = value("*");
    ck_assert(head_has_etag(&head, "\"c\""));
    ck_assert(!head_has_etag(&(struct head){0}, "\"c\""));
}
END_TEST

static void add_tests(TCase *tcase) {
    tcase_add_test(tcase, the_media_type_is_told_with_and_without_parameters);
    tcase_add_test(tcase, requests_that_can_be_read_in_two_ways_are_found);
    tcase_add_test(tcase, an_etag_is_found_in_a_list);
}

CHECK_MAIN("head", add_tests)
