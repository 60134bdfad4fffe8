/* Clients in threads of their own do not disturb each other, and any thread may stop one. ThreadSanitizer watches. */
#include "tests/unit/client/client_case.h"

#include "tests/check_main.h"

#include <stdlib.h>

enum { THREADS = 4, PROPOSALS = 5 };

static void *work(void *context) {
    struct fake_server *fake = context;
    const struct raftclient_options options = {.size = sizeof options, .use_keys = true, .only_given = true};
    struct raftclient *own = raftclient_create(fake->url, &options, NULL, 0);
    for (int i = 0; i < PROPOSALS; i++) {
        if (raftclient_propose(own, "1", 1)->outcome != RAFTCLIENT_DONE) {
            abort();
        }
    }
    raftclient_destroy(own);
    return NULL;
}

START_TEST(clients_in_several_threads_work_side_by_side) {
    struct fake_server fake;
    pthread_t threads[THREADS];
    fake_open(&fake);
    for (int i = 0; i < THREADS * PROPOSALS; i++) {
        fake_answer(&fake, 200, LEADS, "{\"index\":1,\"term\":1,\"result\":1}");
    }
    for (int i = 0; i < THREADS; i++) {
        ck_assert_int_eq(pthread_create(&threads[i], NULL, work, &fake), 0);
    }
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
    }
    ck_assert_uint_eq(fake_request_count(&fake), THREADS * PROPOSALS);
    fake_close(&fake);
}
END_TEST

static void *stop_when_asked(void *context) {
    (void)context;
    fake_await(&fakes[0], 1);
    raftclient_stop(client);
    return NULL;
}

static bool never(void *context, const struct raftclient_event *event) {
    (void)context, (void)event;
    abort();
}

START_TEST(a_call_is_stopped_from_another_thread) {
    pthread_t stopper;
    begin_alone((struct raftclient_options){.use_keys = true, .timeout_ms = 600000, .attempt_ms = 60000});
    fake_bytes(&fakes[0], FAKE_HANG, "");
    ck_assert_int_eq(pthread_create(&stopper, NULL, stop_when_asked, NULL), 0);
    is_problem(propose("1"), RAFTCLIENT_UNKNOWN, "stopped");
    pthread_join(stopper, NULL);
    /* From then on nothing is sent. */
    is_problem(propose("1"), RAFTCLIENT_UNAVAILABLE, "stopped");
    ck_assert_uint_eq(fake_request_count(&fakes[0]), 1);
    end();
}
END_TEST

START_TEST(a_watch_is_stopped_from_another_thread) {
    pthread_t stopper;
    begin_alone((struct raftclient_options){.timeout_ms = 600000});
    fake_bytes(&fakes[0], FAKE_HANG, "HTTP/1.1 200 OK\r\n" LEADS "\r\n: hello\n\n");
    ck_assert_int_eq(pthread_create(&stopper, NULL, stop_when_asked, NULL), 0);
    is_problem(raftclient_watch(client, 1, never, NULL), RAFTCLIENT_UNAVAILABLE, "stopped");
    pthread_join(stopper, NULL);
    end();
}
END_TEST

static void add_tests(TCase *tcase) {
    tcase_add_test(tcase, clients_in_several_threads_work_side_by_side);
    tcase_add_test(tcase, a_call_is_stopped_from_another_thread);
    tcase_add_test(tcase, a_watch_is_stopped_from_another_thread);
}

CHECK_MAIN("client_thread", add_tests)
