#include "server/lookup.h"

#include "tests/check_main.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

static int woken;

static void wake(void *context) {
    const uint64_t one = 1;
    (void)context;
    ck_assert_int_eq(write(woken, &one, sizeof one), (ssize_t)sizeof one);
}

static void await(void) {
    uint64_t count;
    struct pollfd waits = {.fd = woken, .events = POLLIN};
    ck_assert_int_eq(poll(&waits, 1, 20000), 1);
    ck_assert_int_eq(read(woken, &count, sizeof count), (ssize_t)sizeof count);
}

static bool has(const struct lookup_found *found, const char *url) {
    for (size_t i = 0; i < found->count; i++) {
        if (strcmp(found->urls[i], url) == 0) {
            return true;
        }
    }
    return false;
}

START_TEST(addresses_become_urls) {
    struct lookup_found found;
    lookup_now("127.0.0.1:8001", &found);
    ck_assert_str_eq(found.why, "");
    ck_assert_uint_eq(found.count, 1);
    ck_assert_str_eq(found.urls[0], "http://127.0.0.1:8001");
    lookup_now("[::1]:65535", &found);
    ck_assert_uint_eq(found.count, 1);
    ck_assert_str_eq(found.urls[0], "http://[::1]:65535");
    lookup_now("localhost:1", &found);
    ck_assert(has(&found, "http://127.0.0.1:1"));
    lookup_now("localhost", &found);
    ck_assert_uint_eq(found.count, 0);
    ck_assert_str_ne(found.why, "");
    lookup_now("name.invalid:1", &found);
    ck_assert_uint_eq(found.count, 0);
    ck_assert_str_ne(found.why, "");
}
END_TEST

START_TEST(one_at_a_time_and_each_is_told_once) {
    static struct lookup_found found;
    woken = eventfd(0, EFD_CLOEXEC);
    struct lookup *lookup = lookup_create("127.0.0.1:8001", wake, NULL);
    ck_assert_ptr_nonnull(lookup);
    ck_assert(!lookup_take(lookup, &found));
    for (int i = 0; i < 3; i++) {
        lookup_begin(lookup);
        lookup_begin(lookup);
        await();
        ck_assert(lookup_take(lookup, &found));
        ck_assert_uint_eq(found.count, 1);
        ck_assert(!lookup_take(lookup, &found));
    }
    lookup_begin(lookup); /* Nobody waits for this one. */
    lookup_destroy(lookup);
    lookup_destroy(NULL);
}
END_TEST

static void add_tests(TCase *tcase) {
    tcase_add_test(tcase, addresses_become_urls);
    tcase_add_test(tcase, one_at_a_time_and_each_is_told_once);
}

CHECK_MAIN("lookup_thread", add_tests)
