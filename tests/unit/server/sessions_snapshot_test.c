#include "server/sessions.h"

#include "tests/check_main.h"
#include "tests/unit/server/sessions_driver.h"

#include <stdio.h>

/* Restores the bytes, `step` a read. They are refused with a sentence, or they are exactly what the restored table writes.
 */
static bool try_bytes(const char *data, size_t size, size_t step) {
    struct sessions *sessions = sessions_create();
    struct bytes why = bytes_empty();
    bool good = sessions_fill(sessions, data, size, step, &why);
    if (good) {
        struct bytes again = sessions_snapshot(sessions);
        ck_assert_uint_eq(again.size, size);
        ck_assert_mem_eq(again.data, data, size);
        bytes_free(&again);
    }
    bytes_free(&why);
    sessions_destroy(sessions);
    return good;
}

/* Sessions with an answer, without one, with one cut; keys likewise, two of them of the same stamp. */
static struct log small_log(void) {
    struct log log = log_begin();
    uint64_t first = log_open(&log);
    log_open(&log);
    uint64_t third = log_open(&log);
    log.time_ms += 50;
    log_session(&log, third, 2, "{\"x\": [1e2]}");
    log_session(&log, first, 7, "not json");
    log_key(&log, "b", "{}", "\"\xc3\xa9\"");
    log_key(&log, "a long one, with spaces", "[]", "null");
    log.time_ms += 50;
    log_key(&log, "a", "0", "not json");
    return log;
}

/* The example of sessions_snapshot.c. */
START_TEST(the_format_is_as_documented) {
    static const char expected[] = "raftdses\0\0\0\1\0\0\0\0\0\0\x1b\x58"
                                   "\0\0\0\0\0\0\0\5\0\0\0\0\0\0\x17\x70"
                                   "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
                                   "\0\0\0\0\0\0\0\0\0";
    struct sessions *sessions = sessions_create();
    sessions_open(sessions, 5, 6000);
    sessions_advance(sessions, 7000);
    struct bytes snapshot = sessions_snapshot(sessions);
    ck_assert_uint_eq(snapshot.size, 73);
    ck_assert_uint_eq(snapshot.size, sizeof expected - 1);
    ck_assert_mem_eq(snapshot.data, expected, snapshot.size);
    bytes_free(&snapshot);
    sessions_destroy(sessions);
}
END_TEST

#define N(number)      "\0\0\0\0\0\0\0" number
#define HEAD           "raftdses\0\0\0\1" N("\x09") /* At 9 ms. */
#define SIZE(number)   "\0\0\0" number
#define NO_MORE        N("\0") "\0"
#define NO_KEYS        N("\0")
#define NEVER          N("\0") N("\0") N("\0") SIZE("\0")
#define HASH           "0123456789abcdef"
#define KEY(size, key) size key N("\x09") N("\2") N("\1") HASH
#define BYTES(literal) literal, sizeof literal - 1
static const struct {
    const char *bytes;
    size_t size;
    const char *sentence; /* NULL: accepted. */
} samples[] = {
    {BYTES(""), "this is no table of sessions, or of a version that this program does not know"},
    {BYTES("raftdmap\0\0\0\1" N("\x09") NO_MORE),
     "this is no table of sessions, or of a version that this program does not know"},
    {BYTES("raftdses\0\0\0\2" N("\x09") NO_MORE),
     "this is no table of sessions, or of a version that this program does not know"},
    {BYTES("raftdses\0\0\0\1\0\0\0"), "this is no table of sessions, or of a version that this program does not know"},
    {BYTES(HEAD), "the table of sessions ends before its keys"},
    {BYTES(HEAD N("\0")), "the table of sessions ends among its keys"},
    {BYTES(HEAD NO_MORE), NULL},
    {BYTES(HEAD NO_MORE "x"), "the table of sessions goes on after its end"},
    {BYTES(HEAD N("\3") N("\x09") NEVER NO_MORE), NULL},
    {BYTES(HEAD N("\3") N("\0") NEVER NO_MORE), NULL},
    {BYTES(HEAD N("\3") N("\x0a") NEVER NO_MORE), "session 3: its time is after the table's"},
    {BYTES(HEAD N("\3") N("\x09") N("\0") N("\0") N("\0")), "session 3: the snapshot ends within it"},
    {BYTES(HEAD N("\3") N("\x09") N("\0") N("\0")), "session 3: the snapshot ends within it"},
    {BYTES(HEAD N("\3") N("\x09") NEVER N("\3") N("\x09") NEVER NO_MORE), "session 3: its id is not above the one before"},
    {BYTES(HEAD N("\3") N("\x09") NEVER N("\2") N("\x09") NEVER NO_MORE), "session 2: its id is not above the one before"},
    {BYTES(HEAD N("\3") N("\x09") NEVER N("\4") N("\x09") NEVER NO_MORE), NULL},
    {BYTES(HEAD N("\3") N("\x09") N("\1") N("\4") N("\1") SIZE("\2") "{}" NO_MORE), NULL},
    {BYTES(HEAD N("\3") N("\x09") N("\1") N("\4") N("\1") SIZE("\0") NO_MORE), NULL},
    {BYTES(HEAD N("\3") N("\x09") N("\1") N("\4") N("\1") SIZE("\2") "{"), "session 3: the snapshot ends within it"},
    {BYTES(HEAD N("\3") N("\x09") N("\1") N("\4") N("\1") SIZE("\2") "{]" NO_MORE), "session 3: its result is no JSON"},
    {BYTES(HEAD N("\3") N("\x09") N("\1") N("\0") N("\1") SIZE("\0") NO_MORE), "session 3: its answer is half there"},
    {BYTES(HEAD N("\3") N("\x09") N("\1") N("\4") N("\0") SIZE("\0") NO_MORE), "session 3: its answer is half there"},
    {BYTES(HEAD N("\3") N("\x09") N("\0") N("\4") N("\1") SIZE("\0") NO_MORE), "session 3: its answer is half there"},
    {BYTES(HEAD N("\3") N("\x09") N("\0") N("\0") N("\0") SIZE("\1") "1" NO_MORE),
     "session 3: it has a result without an answer"},
    {BYTES(HEAD N("\3") N("\x09") N("\1") N("\4") N("\1") "\0\x10\0\1"), "session 3: its result is too large"},
    {BYTES(HEAD N("\3") N("\x09") N("\1") N("\4") N("\1") "\0\x10\0\0"), "session 3: the snapshot ends within it"},
    {BYTES(HEAD NO_KEYS KEY("\1", "k") SIZE("\1") "1"
                                                  "\0"),
     NULL},
    {BYTES(HEAD NO_KEYS KEY("\1", "k") SIZE("\0") "\0"), NULL},
    {BYTES(HEAD NO_KEYS KEY("\2", "k") SIZE("\1") "1"
                                                  "\0"),
     "key 1: its time is after the table's"},
    {BYTES(HEAD NO_KEYS "\x81k"), "key 1: it is too long"},
    {BYTES(HEAD NO_KEYS "\1k" N("\x09") N("\2")), "key 1: the snapshot ends within it"},
    {BYTES(HEAD NO_KEYS "\2k"), "key 1: the snapshot ends within it"},
    {BYTES(HEAD NO_KEYS KEY("\1", "k") SIZE("\2") "1"), "key 1: the snapshot ends within it"},
    {BYTES(HEAD NO_KEYS KEY("\1", "k") SIZE("\1") "x"
                                                  "\0"),
     "key 1: its result is no JSON"},
    {BYTES(HEAD NO_KEYS KEY("\1", "k") "\0\x10\0\1"), "key 1: its result is too large"},
    {BYTES(HEAD NO_KEYS "\1k" N("\x09") N("\0") N("\1") HASH SIZE("\0") "\0"), "key 1: its answer has no entry"},
    {BYTES(HEAD NO_KEYS "\1k" N("\x09") N("\2") N("\0") HASH SIZE("\0") "\0"), "key 1: its answer has no entry"},
    {BYTES(HEAD NO_KEYS KEY("\1", "k") SIZE("\0") KEY("\1", "l") SIZE("\0") "\0"), NULL},
    {BYTES(HEAD NO_KEYS KEY("\1", "k") SIZE("\0") KEY("\2", "kk") SIZE("\0") "\0"), NULL},
    {BYTES(HEAD NO_KEYS KEY("\1", "k") SIZE("\0") KEY("\1", "k") SIZE("\0") "\0"),
     "key 2: it is not younger than the one before"},
    {BYTES(HEAD NO_KEYS KEY("\1", "k") SIZE("\0") KEY("\1", "j") SIZE("\0") "\0"),
     "key 2: it is not younger than the one before"},
    {BYTES(HEAD NO_KEYS KEY("\1", "k") SIZE("\0") "\1k" N("\x09") N("\3") N("\1") HASH SIZE("\0") "\0"),
     "key 2: it is there twice"},
    {BYTES(HEAD NO_KEYS KEY("\1", "k") SIZE("\0") "\1l" N("\x08") N("\3") N("\1") HASH SIZE("\0") "\0"),
     "key 2: it is not younger than the one before"},
};

START_TEST(each_fault_has_its_sentence) {
    for (size_t i = 0; i < sizeof samples / sizeof samples[0]; i++) {
        struct sessions *sessions = sessions_create();
        struct bytes why = bytes_empty();
        bool good = sessions_fill(sessions, samples[i].bytes, samples[i].size, SIZE_MAX, &why);
        ck_assert_msg(good == (samples[i].sentence == NULL), "sample %zu: %s", i, good ? "accepted" : why.data);
        if (!good) {
            ck_assert_str_eq(why.data, samples[i].sentence);
        }
        bytes_free(&why);
        sessions_destroy(sessions);
        ck_assert(try_bytes(samples[i].bytes, samples[i].size, 3) == good);
    }
}
END_TEST

START_TEST(times_that_are_over_are_refused) {
    static const char late[] = "raftdses\0\0\0\1\0\0\0\0\0\x36\xee\x81"; /* An hour and a millisecond. */
    static const char session[] = N("\3") N("\1") NEVER NO_MORE;
    static const char key[] = NO_KEYS "\1k" N("\1") N("\2") N("\1") HASH SIZE("\0") "\0";
    char bytes[200];
    memcpy(bytes, late, sizeof late - 1);
    char *time = bytes + sizeof late - 2; /* The lowest byte of the table's. */
    memcpy(bytes + sizeof late - 1, session, sizeof session - 1);
    ck_assert(!try_bytes(bytes, sizeof late + sizeof session - 2, SIZE_MAX));
    *time = '\x80';
    ck_assert(try_bytes(bytes, sizeof late + sizeof session - 2, SIZE_MAX));
    memcpy(bytes + sizeof late - 1, key, sizeof key - 1);
    ck_assert(try_bytes(bytes, sizeof late + sizeof key - 2, SIZE_MAX));
    *time = '\x81';
    ck_assert(!try_bytes(bytes, sizeof late + sizeof key - 2, SIZE_MAX));
}
END_TEST

START_TEST(an_empty_table_goes_round) {
    struct sessions *sessions = sessions_create();
    struct bytes snapshot = sessions_snapshot(sessions);
    ck_assert_uint_eq(snapshot.size, 29);
    ck_assert(try_bytes(snapshot.data, snapshot.size, 1));
    bytes_free(&snapshot);
    sessions_destroy(sessions);
}
END_TEST

START_TEST(a_small_table_goes_round_in_steps_of_any_size) {
    struct log log = small_log();
    struct bytes snapshot = sessions_snapshot(log.sessions);
    for (size_t step = 1; step <= snapshot.size; step++) {
        ck_assert(try_bytes(snapshot.data, snapshot.size, step));
    }
    bytes_free(&snapshot);
    log_end(&log);
}
END_TEST

START_TEST(a_restored_table_goes_on_like_the_one_before) {
    struct log before = small_log();
    struct bytes snapshot = sessions_snapshot(before.sessions);
    struct log log = before;
    log.sessions = sessions_create();
    struct bytes why = bytes_empty();
    ck_assert(sessions_fill(log.sessions, snapshot.data, snapshot.size, 7, &why));
    log_end(&before);
    ck_assert_uint_eq(sessions_count(log.sessions), 3);
    ck_assert_uint_eq(sessions_key_count(log.sessions), 3);
    ck_assert_int_eq(log_session(&log, 3, 2, "9"), SESSIONS_DUPLICATE);
    log_answered(&log, 4, 2, "{\"x\": [1e2]}");
    ck_assert_int_eq(log_session(&log, 1, 7, "9"), SESSIONS_DUPLICATE);
    log_answered(&log, 5, 7, NULL);
    ck_assert_int_eq(log_session(&log, 2, 1, "9"), SESSIONS_APPLY);
    ck_assert_int_eq(log_key(&log, "b", "{}", "9"), SESSIONS_DUPLICATE);
    log_answered(&log, 6, 0, "\"\xc3\xa9\"");
    ck_assert_int_eq(log_key(&log, "a", "1", "9"), SESSIONS_KEY_REUSED);
    ck_assert_int_eq(log_key(&log, "a", "0", "9"), SESSIONS_DUPLICATE);
    log_answered(&log, 8, 0, NULL);
    bytes_free(&snapshot);
    log_end(&log);
}
END_TEST

START_TEST(what_is_over_is_not_written_and_house_keeping_does_not_show) {
    struct log lazy = small_log();
    struct log busy = small_log();
    /* All are over but the key "a". */
    uint64_t time_ms = lazy.time_ms - 50 + SESSIONS_EXPIRY_MS;
    struct sessions_origin origin = {.time_ms = time_ms};
    ck_assert_int_eq(sessions_begin(lazy.sessions, &origin, text_span("{}"), &lazy.answer), SESSIONS_APPLY);
    ck_assert_uint_eq(sessions_key_count(lazy.sessions), 3);
    sessions_advance(busy.sessions, time_ms);
    ck_assert_uint_eq(sessions_key_count(busy.sessions), 1);
    ck_assert_uint_eq(sessions_count(busy.sessions), 0);
    sessions_are_equal(lazy.sessions, busy.sessions);
    struct bytes snapshot = sessions_snapshot(lazy.sessions);
    ck_assert(try_bytes(snapshot.data, snapshot.size, SIZE_MAX));
    bytes_free(&snapshot);
    log_end(&lazy);
    log_end(&busy);
}
END_TEST

START_TEST(equal_tables_write_equal_bytes_however_they_came_about) {
    struct log one = log_begin();
    struct log other = log_begin();
    for (uint64_t i = 1; i <= 500; i++) {
        sessions_open(one.sessions, i, 5);
        sessions_open(other.sessions, 501 - i, 5);
    }
    sessions_open(other.sessions, 501, 5);
    sessions_close(other.sessions, 501, 5);
    sessions_are_equal(one.sessions, other.sessions);
    log_end(&one);
    log_end(&other);
}
END_TEST

/* Every bit of a snapshot flipped, one after the other. */
START_TEST(a_flipped_bit_is_refused_or_another_good_table) {
    struct log log = small_log();
    struct bytes snapshot = sessions_snapshot(log.sessions);
    unsigned refused = 0;
    for (size_t bit = 0; bit < 8 * snapshot.size; bit++) {
        char *byte = &snapshot.data[bit / 8];
        *byte = (char)(*byte ^ 1 << bit % 8);
        refused += !try_bytes(snapshot.data, snapshot.size, SIZE_MAX);
        *byte = (char)(*byte ^ 1 << bit % 8);
    }
    ck_assert_uint_gt(refused, 0);
    ck_assert(try_bytes(snapshot.data, snapshot.size, SIZE_MAX));
    bytes_free(&snapshot);
    log_end(&log);
}
END_TEST

START_TEST(a_snapshot_cut_short_is_refused) {
    struct log log = small_log();
    struct bytes snapshot = sessions_snapshot(log.sessions);
    for (size_t size = 0; size < snapshot.size; size++) {
        ck_assert(!try_bytes(snapshot.data, size, SIZE_MAX));
    }
    bytes_free(&snapshot);
    log_end(&log);
}
END_TEST

START_TEST(a_full_disk_ends_the_write) {
    struct log log = small_log();
    struct bytes whole = sessions_snapshot(log.sessions);
    void *frozen = sessions_freeze(log.sessions);
    for (size_t limit = 0; limit <= whole.size; limit++) {
        struct bytes out = bytes_limited(limit);
        ck_assert(sessions_write(frozen, bytes_output(&out)) == (limit == whole.size));
        bytes_free(&out);
    }
    sessions_release(log.sessions, frozen);
    bytes_free(&whole);
    log_end(&log);
}
END_TEST

START_TEST(a_frozen_table_does_not_change) {
    struct log log = small_log();
    struct bytes before = sessions_snapshot(log.sessions);
    void *frozen = sessions_freeze(log.sessions);
    log.time_ms += 77;
    log_session(&log, 3, 9, "1");
    log_close(&log, 2);
    log_key(&log, "more", "{}", "1");
    log.time_ms += SESSIONS_EXPIRY_MS;
    sessions_advance(log.sessions, log.time_ms);
    log_end(&log); /* Not even when the table goes. */
    struct bytes after = bytes_empty();
    ck_assert(sessions_write(frozen, bytes_output(&after)));
    sessions_release(NULL, frozen);
    ck_assert(bytes_equal(&before, &after));
    bytes_free(&before);
    bytes_free(&after);
}
END_TEST

/* Of a full table of the first limits, restored into one of the second. */
static bool goes_over(struct sessions_limits full, struct sessions_limits into, const char *sentence) {
    struct log log = log_begin_limited(full);
    for (uint64_t i = 0; i < 4; i++) {
        char key[2] = {(char)('a' + i), '\0'};
        log_key(&log, key, "{}", "12345");
        uint64_t session = log_open(&log);
        log_session(&log, session, 1, "12345");
    }
    struct bytes snapshot = sessions_snapshot(log.sessions);
    struct sessions *sessions = sessions_table_create(into);
    struct bytes why = bytes_empty();
    bool good = sessions_fill(sessions, snapshot.data, snapshot.size, SIZE_MAX, &why);
    if (!good) {
        ck_assert_str_eq(why.data, sentence);
    }
    bytes_free(&why);
    sessions_destroy(sessions);
    bytes_free(&snapshot);
    log_end(&log);
    return good;
}

START_TEST(more_than_the_limits_is_refused) {
    static const struct sessions_limits full = {.sessions = 4, .keys = 4, .result_bytes = 20, .result_size = 5};
    ck_assert(goes_over(full, full, NULL));
    struct sessions_limits less = full;
    less.sessions = 3;
    ck_assert(!goes_over(full, less, "session 11: it is one too many"));
    less = full;
    less.keys = 3;
    ck_assert(!goes_over(full, less, "key 4: it is one too many"));
    less = full;
    less.result_bytes = 19;
    ck_assert(!goes_over(full, less, "session 11: all results together are too large"));
    less = full;
    less.result_size = 4;
    ck_assert(!goes_over(full, less, "session 2: its result is too large"));
}
END_TEST

START_TEST(all_results_of_keys_together_are_limited) {
    static const struct sessions_limits limits = {.sessions = 1, .keys = 9, .result_bytes = 3, .result_size = 2};
    static const char bytes[] = HEAD NO_KEYS KEY("\1", "k") SIZE("\2") "12" KEY("\1", "l") SIZE("\2") "12"
                                                                                                      "\0";
    struct sessions *sessions = sessions_table_create(limits);
    struct bytes why = bytes_empty();
    ck_assert(!sessions_fill(sessions, bytes, sizeof bytes - 1, SIZE_MAX, &why));
    ck_assert_str_eq(why.data, "key 2: all results together are too large");
    bytes_free(&why);
    sessions_destroy(sessions);
}
END_TEST

static void add_tests(TCase *tcase) {
    tcase_add_test(tcase, the_format_is_as_documented);
    tcase_add_test(tcase, each_fault_has_its_sentence);
    tcase_add_test(tcase, times_that_are_over_are_refused);
    tcase_add_test(tcase, an_empty_table_goes_round);
    tcase_add_test(tcase, a_small_table_goes_round_in_steps_of_any_size);
    tcase_add_test(tcase, a_restored_table_goes_on_like_the_one_before);
    tcase_add_test(tcase, what_is_over_is_not_written_and_house_keeping_does_not_show);
    tcase_add_test(tcase, equal_tables_write_equal_bytes_however_they_came_about);
    tcase_add_test(tcase, a_flipped_bit_is_refused_or_another_good_table);
    tcase_add_test(tcase, a_snapshot_cut_short_is_refused);
    tcase_add_test(tcase, a_full_disk_ends_the_write);
    tcase_add_test(tcase, a_frozen_table_does_not_change);
    tcase_add_test(tcase, more_than_the_limits_is_refused);
    tcase_add_test(tcase, all_results_of_keys_together_are_limited);
}

CHECK_MAIN("sessions_snapshot", add_tests)
