#include "api/client/sse.h"

#include "tests/check_main.h"

#include <stdio.h>
#include <string.h>

static char told[4096];
static int wanted;

static bool tell(void *context, const char *name, const char *data, size_t size) {
    (void)context;
    snprintf(told + strlen(told), sizeof told - strlen(told), "[%s|%.*s]", name, (int)size, data);
    return --wanted != 0;
}

static bool read_in_pieces(const char *text, size_t piece, size_t limit) {
    struct sse sse = {.limit = 0};
    sse_begin(&sse, limit);
    told[0] = '\0';
    bool more = true;
    for (size_t at = 0, size = strlen(text); more && at < size; at += piece) {
        more = sse_read(&sse, text + at, size - at < piece ? size - at : piece, tell, NULL);
    }
    sse_end(&sse);
    return more;
}

START_TEST(events_are_the_same_in_whatever_pieces_they_come) {
    static const char text[] =
        ": a comment\n\nevent: command\nid: 3\ndata: {\"index\":3}\n\n:\n\nevent:end\r\ndata:a\r\ndata: b\r\n\r\n"
        "data: alone\r\rretry: 5\nnothing\n\nevent: left\n\ndata: one\n\ndata: unfinished\n";
    for (size_t piece = 1; piece <= sizeof text; piece++) {
        wanted = -1;
        ck_assert(read_in_pieces(text, piece, 100));
        ck_assert_str_eq(told, "[command|{\"index\":3}][end|a\nb][|alone][|one]");
    }
}
END_TEST

START_TEST(who_wants_no_more_gets_no_more) {
    wanted = 2;
    ck_assert(!read_in_pieces("data: 1\n\ndata: 2\n\ndata: 3\n\n", 100, 100));
    ck_assert_str_eq(told, "[|1][|2]");
}
END_TEST

START_TEST(an_event_has_a_limit_however_it_comes) {
    wanted = -1;
    ck_assert(read_in_pieces("data: 12345678\n\n", 3, 8));
    ck_assert_str_eq(told, "[|12345678]");
    ck_assert(!read_in_pieces("data: 123456789\n\n", 3, 8));
    ck_assert(!read_in_pieces("data: 1234\ndata: 5678\n\n", 3, 8));
    char line[200];
    memset(line, 'x', sizeof line);
    line[sizeof line - 1] = '\0';
    ck_assert(!read_in_pieces(line, 7, 8));
    ck_assert_str_eq(told, "");
}
END_TEST

START_TEST(a_new_stream_begins_with_nothing_of_the_last_one) {
    struct sse sse = {.limit = 0};
    sse_begin(&sse, 100);
    told[0] = '\0';
    wanted = -1;
    ck_assert(sse_read(&sse, "event: old\ndata: x\nda", 21, tell, NULL));
    sse_begin(&sse, 100);
    ck_assert(sse_read(&sse, "data: y\n\n", 9, tell, NULL));
    ck_assert_str_eq(told, "[|y]");
    sse_end(&sse);
}
END_TEST

static void add_tests(TCase *tcase) {
    tcase_add_test(tcase, events_are_the_same_in_whatever_pieces_they_come);
    tcase_add_test(tcase, who_wants_no_more_gets_no_more);
    tcase_add_test(tcase, an_event_has_a_limit_however_it_comes);
    tcase_add_test(tcase, a_new_stream_begins_with_nothing_of_the_last_one);
}

CHECK_MAIN("sse", add_tests)
