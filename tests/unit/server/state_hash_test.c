#include "server/state_hash.h"

#include "tests/check_main.h"

#include <stdlib.h>
#include <string.h>

static struct json_span span(const char *text) {
    return (struct json_span){text, strlen(text)};
}

static uint64_t after(raft_index index, enum state_hash_verdict verdict, raft_index first, const char *command,
                      const char *result) {
    struct state_hash hash = {0};
    state_hash_add(&hash, index, verdict, first, span(command), span(result));
    return hash.chain;
}

START_TEST(known_entries_have_known_hashes) {
    /* Constants of the format: computed apart from this code, with integers of any size. */
    struct state_hash hash = {0};
    state_hash_add(&hash, 3, STATE_HASH_DONE, 3, span("{\"op\":\"put\",\"key\":\"a\",\"value\":1}"), span("{}"));
    ck_assert_uint_eq(hash.chain, UINT64_C(0x73dcf17873ec4e7c));
    state_hash_add(&hash, 4, STATE_HASH_DUPLICATE, 3, span("12345678"), span("1234567"));
    ck_assert_uint_eq(hash.chain, UINT64_C(0x6af9845b551f9878));
    state_hash_add(&hash, 9, STATE_HASH_REFUSED, 9, span(""), span(""));
    ck_assert_uint_eq(hash.chain, UINT64_C(0x2e0397acea18f4e3));
}
END_TEST

START_TEST(every_part_of_an_entry_counts) {
    uint64_t base = after(7, STATE_HASH_DONE, 7, "abcdefghijk", "xyz");
    ck_assert_uint_ne(after(8, STATE_HASH_DONE, 7, "abcdefghijk", "xyz"), base);
    ck_assert_uint_ne(after(7, STATE_HASH_DUPLICATE, 7, "abcdefghijk", "xyz"), base);
    ck_assert_uint_ne(after(7, STATE_HASH_DONE, 6, "abcdefghijk", "xyz"), base);
    ck_assert_uint_ne(after(7, STATE_HASH_DONE, 7, "abcdefghijkx", "yz"), base);
    ck_assert_uint_ne(after(7, STATE_HASH_DONE, 7, "abcdefghijk", "xy"), base);
    char command[] = "abcdefghijk";
    for (size_t i = 0; i < strlen(command); i++) {
        for (unsigned bit = 0; bit < 8; bit++) {
            command[i] = (char)(command[i] ^ (1 << bit));
            if (memchr(command, '\0', 11) == NULL) {
                ck_assert_uint_ne(after(7, STATE_HASH_DONE, 7, command, "xyz"), base);
            }
            command[i] = (char)(command[i] ^ (1 << bit));
        }
    }
    ck_assert_uint_eq(after(7, STATE_HASH_DONE, 7, command, "xyz"), base);
}
END_TEST

START_TEST(zeros_at_the_end_are_not_nothing) {
    struct state_hash one = {0};
    struct state_hash other = {0};
    static const char zeros[8] = {0};
    state_hash_add(&one, 1, STATE_HASH_DONE, 1, (struct json_span){zeros, 3}, span("{}"));
    state_hash_add(&other, 1, STATE_HASH_DONE, 1, (struct json_span){zeros, 4}, span("{}"));
    ck_assert_uint_ne(one.chain, other.chain);
}
END_TEST

START_TEST(bytes_count_the_same_wherever_they_lie) {
    static const char text[] = "[\"some thirty bytes, not eight at a time\"]";
    uint64_t expected = after(1, STATE_HASH_DONE, 1, text, text);
    for (size_t shift = 0; shift < 16; shift++) {
        char *copy = malloc(shift + sizeof text); /* Exactly as long, so that a sanitizer sees each byte too many. */
        ck_assert_ptr_nonnull(copy);
        memcpy(copy + shift, text, sizeof text - 1);
        struct json_span bytes = {copy + shift, sizeof text - 1};
        struct state_hash hash = {0};
        state_hash_add(&hash, 1, STATE_HASH_DONE, 1, bytes, bytes);
        ck_assert_uint_eq(hash.chain, expected);
        free(copy);
    }
}
END_TEST

START_TEST(what_differed_once_differs_for_good) {
    struct state_hash one = {0};
    struct state_hash other = {0};
    state_hash_add(&one, 1, STATE_HASH_DONE, 1, span("1"), span("1"));
    state_hash_add(&other, 1, STATE_HASH_DONE, 1, span("1"), span("2"));
    for (raft_index index = 2; index < 10000; index++) {
        state_hash_add(&one, index, STATE_HASH_DONE, index, span("{\"op\":\"x\"}"), span("{}"));
        state_hash_add(&other, index, STATE_HASH_DONE, index, span("{\"op\":\"x\"}"), span("{}"));
        ck_assert_uint_ne(one.chain, other.chain);
    }
}
END_TEST

/* Every entry from `first` to `last` is applied; even ones have an answer. */
static void apply(struct state_hash *hash, raft_index first, raft_index last) {
    for (raft_index index = first; index <= last; index++) {
        if (index % 2 == 0) {
            state_hash_add(hash, index, STATE_HASH_DONE, index, span("{}"), span("{}"));
        }
        state_hash_applied(hash, index);
    }
}

START_TEST(a_report_is_set_aside_every_32_indexes_whatever_the_entry) {
    struct state_hash hash = {0};
    ck_assert_uint_eq(state_hash_newest(&hash).index, 0);
    ck_assert_uint_eq(state_hash_roundest(&hash).index, 0);
    apply(&hash, 1, 31);
    ck_assert_uint_eq(state_hash_newest(&hash).index, 0);
    uint64_t before = hash.chain;
    state_hash_applied(&hash, 32); /* A no-op. */
    ck_assert_uint_eq(state_hash_newest(&hash).index, 32);
    ck_assert_uint_eq(state_hash_newest(&hash).hash, before);
    apply(&hash, 33, 63);
    ck_assert_uint_eq(state_hash_newest(&hash).index, 32);
    apply(&hash, 64, 64);
    ck_assert_uint_eq(state_hash_newest(&hash).index, 64);
    ck_assert_uint_eq(state_hash_newest(&hash).hash, hash.chain);
    ck_assert_uint_ne(hash.chain, before);
}
END_TEST

START_TEST(the_last_64_reports_are_kept) {
    struct state_hash hash = {0};
    struct state_hash_report report;
    apply(&hash, 1, 32 * 64);
    ck_assert(state_hash_at(&hash, 32, &report));
    apply(&hash, 32 * 64 + 1, 32 * 65);
    ck_assert(!state_hash_at(&hash, 32, &report));
    ck_assert(state_hash_at(&hash, 64, &report));
    ck_assert_uint_eq(report.index, 64);
    ck_assert(state_hash_at(&hash, 32 * 65, &report));
    ck_assert_uint_eq(report.hash, hash.chain);
    ck_assert(!state_hash_at(&hash, 32 * 66, &report));
    ck_assert(!state_hash_at(&hash, 65, &report));
}
END_TEST

START_TEST(nodes_asked_at_different_moments_name_the_same_round_index) {
    struct state_hash hash = {0};
    apply(&hash, 1, 1024 + 32);
    ck_assert_uint_eq(state_hash_roundest(&hash).index, 1024);
    apply(&hash, 1024 + 33, 1024 + 32 * 15);
    ck_assert_uint_eq(state_hash_roundest(&hash).index, 1024);
    apply(&hash, 1024 + 32 * 15 + 1, 1024 + 32 * 16);
    ck_assert_uint_eq(state_hash_roundest(&hash).index, 1024 + 512);
}
END_TEST

START_TEST(from_a_snapshot_it_goes_on_as_if_nothing_had_happened) {
    struct state_hash whole = {0};
    apply(&whole, 1, 200);
    for (raft_index cut = 1; cut < 200; cut++) {
        struct state_hash first = {0};
        struct state_hash second;
        apply(&first, 1, cut);
        state_hash_begin(&second, first.chain, state_hash_newest(&first));
        ck_assert_uint_eq(state_hash_newest(&second).index, cut / 32 * 32);
        apply(&second, cut + 1, 200);
        ck_assert_uint_eq(second.chain, whole.chain);
        ck_assert_uint_eq(state_hash_newest(&second).index, 192);
        ck_assert_uint_eq(state_hash_newest(&second).hash, state_hash_newest(&whole).hash);
    }
}
END_TEST

static void add_tests(TCase *tcase) {
    tcase_add_test(tcase, known_entries_have_known_hashes);
    tcase_add_test(tcase, every_part_of_an_entry_counts);
    tcase_add_test(tcase, zeros_at_the_end_are_not_nothing);
    tcase_add_test(tcase, bytes_count_the_same_wherever_they_lie);
    tcase_add_test(tcase, what_differed_once_differs_for_good);
    tcase_add_test(tcase, a_report_is_set_aside_every_32_indexes_whatever_the_entry);
    tcase_add_test(tcase, the_last_64_reports_are_kept);
    tcase_add_test(tcase, nodes_asked_at_different_moments_name_the_same_round_index);
    tcase_add_test(tcase, from_a_snapshot_it_goes_on_as_if_nothing_had_happened);
}

CHECK_MAIN("state_hash", add_tests)
