/* Frozen tables written on a thread of their own: what ThreadSanitizer is to watch. */
#include "server/sessions.h"

#include "tests/check_main.h"
#include "tests/unit/server/sessions_driver.h"

#include <pthread.h>
#include <stdio.h>

struct writing {
    void *frozen;
    struct bytes snapshot;
    bool good;
    pthread_t thread;
};

static void *write_elsewhere(void *context) {
    struct writing *writing = context;
    writing->good = sessions_write(writing->frozen, bytes_output(&writing->snapshot));
    return NULL;
}

static void begin(struct writing *writing, struct log *log) {
    *writing = (struct writing){.frozen = sessions_freeze(log->sessions), .snapshot = bytes_empty()};
    ck_assert_int_eq(pthread_create(&writing->thread, NULL, write_elsewhere, writing), 0);
}

/* What was written is what the table was when it was frozen. */
static void end(struct writing *writing, struct log *log, struct bytes *expected) {
    ck_assert_int_eq(pthread_join(writing->thread, NULL), 0);
    sessions_release(log->sessions, writing->frozen);
    ck_assert(writing->good);
    ck_assert(bytes_equal(&writing->snapshot, expected));
    bytes_free(&writing->snapshot);
    bytes_free(expected);
}

static void change(struct log *log, uint64_t *seed, int times) {
    for (int i = 0; i < times; i++) {
        char text[30];
        sprintf(text, "%u", (unsigned)(draw(seed) % 3000));
        log->time_ms += draw(seed) % 4000;
        switch (draw(seed) % 4) {
        case 0:
            log_open(log);
            break;
        case 1:
            log_close(log, 1 + draw(seed) % log->index);
            break;
        case 2:
            log_session(log, 1 + draw(seed) % log->index, 1 + draw(seed) % 50, text);
            break;
        default:
            log_key(log, text, "{}", text);
        }
    }
}

START_TEST(a_table_is_written_while_entries_go_on) {
    struct log log = log_begin();
    uint64_t seed = 99;
    log_open(&log);
    change(&log, &seed, 4000);
    for (int round = 0; round < 30; round++) {
        struct bytes before = sessions_snapshot(log.sessions);
        struct writing writing;
        begin(&writing, &log);
        change(&log, &seed, 500);
        end(&writing, &log, &before);
    }
    log_end(&log);
}
END_TEST

START_TEST(tables_of_different_age_are_written_at_once) {
    struct log log = log_begin();
    uint64_t seed = 7;
    log_open(&log);
    change(&log, &seed, 3000);
    struct bytes old = sessions_snapshot(log.sessions);
    struct writing old_writing;
    begin(&old_writing, &log);
    change(&log, &seed, 300);
    struct bytes young = sessions_snapshot(log.sessions);
    struct writing young_writing;
    begin(&young_writing, &log);
    change(&log, &seed, 300);
    end(&old_writing, &log, &old);
    change(&log, &seed, 300);
    end(&young_writing, &log, &young);
    log_end(&log);
}
END_TEST

START_TEST(a_table_that_runs_out_meanwhile_is_written_whole) {
    struct log log = log_begin();
    uint64_t seed = 5;
    log_open(&log);
    change(&log, &seed, 3000);
    struct bytes before = sessions_snapshot(log.sessions);
    struct writing writing;
    begin(&writing, &log);
    log.time_ms += SESSIONS_EXPIRY_MS;
    while (sessions_count(log.sessions) + sessions_key_count(log.sessions) > 0) {
        sessions_advance(log.sessions, log.time_ms);
    }
    end(&writing, &log, &before);
    log_end(&log);
}
END_TEST

static void add_tests(TCase *tcase) {
    tcase_add_test(tcase, a_table_is_written_while_entries_go_on);
    tcase_add_test(tcase, tables_of_different_age_are_written_at_once);
    tcase_add_test(tcase, a_table_that_runs_out_meanwhile_is_written_whole);
}

CHECK_MAIN("sessions_thread", add_tests)
