#include "server/machine/hashmap.h"

#include "tests/check_main.h"
#include "tests/unit/machine/driver.h"

#include <stdio.h>

START_TEST(get_tells_found_from_absent) {
    struct driver map = driver_create(machine_hashmap());
    ck_assert_str_eq(driver_query(&map, "{\"op\":\"get\",\"key\":\"k\"}"), "{\"found\":false}");
    driver_apply(&map, "{\"op\":\"put\",\"key\":\"k\",\"value\":null}");
    ck_assert_str_eq(driver_query(&map, "{\"op\":\"get\",\"key\":\"k\"}"), "{\"found\":true,\"value\":null}");
    driver_destroy(&map);
}
END_TEST

START_TEST(count_counts_keys) {
    struct driver map = driver_create(machine_hashmap());
    ck_assert_str_eq(driver_query(&map, "{\"op\":\"count\"}"), "{\"count\":0}");
    driver_apply(&map, "{\"op\":\"put\",\"key\":\"a\",\"value\":1}");
    driver_apply(&map, "{\"op\":\"put\",\"key\":\"a\",\"value\":2}");
    driver_apply(&map, "{\"op\":\"cas\",\"key\":\"b\",\"value\":2}");
    ck_assert_str_eq(driver_query(&map, "{\"op\":\"count\"}"), "{\"count\":2}");
    driver_apply(&map, "{\"op\":\"delete\",\"key\":\"a\"}");
    ck_assert_str_eq(driver_query(&map, "{\"op\":\"count\"}"), "{\"count\":1}");
    driver_destroy(&map);
}
END_TEST

START_TEST(list_of_nothing_is_an_empty_page) {
    struct driver map = driver_create(machine_hashmap());
    ck_assert_str_eq(driver_query(&map, "{\"op\":\"list\"}"), "{\"entries\":[],\"more\":false}");
    ck_assert_str_eq(driver_query(&map, "{\"op\":\"list\",\"prefix\":\"a\",\"after\":\"b\",\"limit\":1}"),
                     "{\"entries\":[],\"more\":false}");
    driver_destroy(&map);
}
END_TEST

static struct driver map_of_words(void) {
    static const char *const words[] = {"b", "a", "ab", "abc", "", "ac", "\xc3\xa9", "a\\u0000", "\\ud83d", "\\u0022"};
    struct driver map = driver_create(machine_hashmap());
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        char command[100];
        snprintf(command, sizeof command, "{\"op\":\"put\",\"key\":\"%s\",\"value\":%zu}", words[i], i);
        driver_apply(&map, command);
    }
    return map;
}

#define ENTRY(key, value)   "{\"key\":\"" key "\",\"value\":" value "}"
#define PAGE(entries, more) "{\"entries\":[" entries "],\"more\":" more "}"
static const struct {
    const char *members; /* Behind "op":"list". */
    const char *page;
} pages[] = {
    {"",
     PAGE(ENTRY("", "4") "," ENTRY("\\\"", "9") "," ENTRY("a", "1") "," ENTRY("a\\u0000", "7") "," ENTRY(
              "ab", "2") "," ENTRY("abc", "3") "," ENTRY("ac", "5") "," ENTRY("b", "0") "," ENTRY("\xc3\xa9",
                                                                                                  "6") "," ENTRY("\\ud83d",
                                                                                                                 "8"),
          "false")},
    {",\"limit\":2", PAGE(ENTRY("", "4") "," ENTRY("\\\"", "9"), "true")},
    {",\"limit\":1,\"after\":\"\"", PAGE(ENTRY("\\\"", "9"), "true")},
    {",\"prefix\":\"ab\"", PAGE(ENTRY("ab", "2") "," ENTRY("abc", "3"), "false")},
    {",\"prefix\":\"ab\",\"limit\":2", PAGE(ENTRY("ab", "2") "," ENTRY("abc", "3"), "false")},
    {",\"prefix\":\"ab\",\"limit\":1", PAGE(ENTRY("ab", "2"), "true")},
    {",\"prefix\":\"ab\",\"after\":\"ab\"", PAGE(ENTRY("abc", "3"), "false")},
    {",\"prefix\":\"ab\",\"after\":\"abb\"", PAGE(ENTRY("abc", "3"), "false")},
    {",\"prefix\":\"ab\",\"after\":\"\"", PAGE(ENTRY("ab", "2") "," ENTRY("abc", "3"), "false")},
    {",\"prefix\":\"ab\",\"after\":\"abc\"", PAGE("", "false")},
    {",\"prefix\":\"ab\",\"after\":\"b\"", PAGE("", "false")},
    {",\"prefix\":\"a\\u0000\"", PAGE(ENTRY("a\\u0000", "7"), "false")},
    {",\"prefix\":\"abcd\"", PAGE("", "false")},
    {",\"prefix\":\"\",\"after\":\"b\"", PAGE(ENTRY("\xc3\xa9", "6") "," ENTRY("\\ud83d", "8"), "false")},
    {",\"after\":\"\\ud83d\"", PAGE("", "false")},
    {",\"after\":\"\\uffff\"", PAGE("", "false")},
    {",\"unknown\":[],\"key\":7,\"prefix\":\"b\"", PAGE(ENTRY("b", "0"), "false")},
};

START_TEST(list_shows_the_keys_with_the_prefix_after_the_key_up_to_the_limit) {
    struct driver map = map_of_words();
    char query[200];
    snprintf(query, sizeof query, "{\"op\":\"list\"%s}", pages[_i].members);
    ck_assert_str_eq(driver_query(&map, query), pages[_i].page);
    driver_destroy(&map);
}
END_TEST

/* Numbers that draw from six digits; the naive list is an array of flags. */
enum { NUMBERS = 20000 };

/* Walks all pages of `limit` keys that begin with the digits `prefix`; answers how many keys there were. */
static unsigned walk_pages(struct driver *map, const bool *present, const char *prefix, unsigned limit) {
    char after[16] = "";
    unsigned shown = 0;
    unsigned number = 0;
    for (bool more = true; more;) {
        char query[200];
        snprintf(query, sizeof query, "{\"op\":\"list\",\"prefix\":\"%s\",\"limit\":%u,\"after\":\"%s\"}", prefix, limit,
                 after);
        struct json_span page = driver_scan(driver_query(map, query));
        struct json_span entries;
        ck_assert(json_member(page, "entries", &entries));
        struct json_cursor cursor = json_open(entries);
        struct json_span entry;
        unsigned on_page = 0;
        for (; json_next_element(&cursor, &entry); on_page++) {
            struct json_span key;
            struct json_span value;
            ck_assert(json_member(entry, "key", &key) && json_member(entry, "value", &value));
            /* The next number, by the naive list, that is there and has the prefix. */
            do {
                ck_assert_uint_lt(number, NUMBERS);
                snprintf(after, sizeof after, "%06u", number++);
            } while (!present[number - 1] || strncmp(after, prefix, strlen(prefix)) != 0);
            ck_assert(json_string_is(key, after));
            uint64_t found;
            ck_assert(json_number_uint64(value, NUMBERS, &found) && found == number - 1);
        }
        struct json_span more_member;
        ck_assert(json_member(page, "more", &more_member));
        more = json_type(more_member) == JSON_TRUE;
        ck_assert_uint_le(on_page, limit);
        ck_assert(!more || on_page == limit);
        shown += on_page;
    }
    return shown;
}

START_TEST(pages_over_thousands_of_keys_agree_with_a_naive_list) {
    struct driver map = driver_create(machine_hashmap());
    bool *present = memory_zalloc(NUMBERS * sizeof *present);
    uint64_t seed = 20240601;
    unsigned all = 0;
    unsigned with_prefix = 0;
    for (unsigned i = 0; i < NUMBERS / 2; i++) {
        unsigned number = (unsigned)(draw(&seed) % NUMBERS);
        char command[100];
        snprintf(command, sizeof command, "{\"op\":\"put\",\"key\":\"%06u\",\"value\":%u}", number, number);
        driver_apply(&map, command);
        all += !present[number];
        with_prefix += !present[number] && number / 1000 == 12;
        present[number] = true;
    }
    ck_assert_uint_eq(walk_pages(&map, present, "", 1000), all);
    ck_assert_uint_eq(walk_pages(&map, present, "", 7), all);
    ck_assert_uint_eq(walk_pages(&map, present, "012", 1), with_prefix);
    ck_assert_uint_eq(walk_pages(&map, present, "012", 100), with_prefix);
    ck_assert_uint_eq(walk_pages(&map, present, "9", 100), 0);
    free(present);
    driver_destroy(&map);
}
END_TEST

static unsigned entries_on_page(struct driver *map, const char *query, bool *out_more) {
    struct json_span page = driver_scan(driver_query(map, query));
    struct json_span entries;
    struct json_span more;
    ck_assert(json_member(page, "entries", &entries) && json_member(page, "more", &more));
    *out_more = json_type(more) == JSON_TRUE;
    unsigned count = 0;
    struct json_cursor cursor = json_open(entries);
    for (struct json_span entry; json_next_element(&cursor, &entry);) {
        count++;
    }
    return count;
}

START_TEST(a_page_has_100_entries_unless_told_and_1000_at_most) {
    struct driver map = driver_create(machine_hashmap());
    for (unsigned i = 0; i < 1001; i++) {
        char command[100];
        snprintf(command, sizeof command, "{\"op\":\"put\",\"key\":\"%06u\",\"value\":%u}", i, i);
        driver_apply(&map, command);
    }
    bool more;
    ck_assert_uint_eq(entries_on_page(&map, "{\"op\":\"list\"}", &more), 100);
    ck_assert(more);
    ck_assert_uint_eq(entries_on_page(&map, "{\"op\":\"list\",\"limit\":1}", &more), 1);
    ck_assert_uint_eq(entries_on_page(&map, "{\"op\":\"list\",\"limit\":1000}", &more), 1000);
    ck_assert(more);
    ck_assert_uint_eq(entries_on_page(&map, "{\"op\":\"list\",\"limit\":1000,\"after\":\"000000\"}", &more), 1000);
    ck_assert(!more);
    driver_destroy(&map);
}
END_TEST

START_TEST(a_page_ends_early_when_it_has_grown_too_large) {
    enum { VALUE_SIZE = 1 << 20, FITTING = HASHMAP_LIST_BYTES_MAX / VALUE_SIZE };
    struct driver map = driver_create(machine_hashmap());
    char *command = memory_alloc(VALUE_SIZE + 100);
    for (unsigned i = 0; i < FITTING + 2; i++) {
        sprintf(command, "{\"op\":\"put\",\"key\":\"%06u\",\"value\":\"%0*d\"}", i, VALUE_SIZE - 2, 0);
        driver_apply(&map, command);
    }
    free(command);
    bool more;
    unsigned first = entries_on_page(&map, "{\"op\":\"list\"}", &more);
    ck_assert_uint_eq(first, FITTING);
    ck_assert(more);
    ck_assert_uint_eq(entries_on_page(&map, "{\"op\":\"list\",\"after\":\"000015\"}", &more), 2);
    ck_assert(!more);
    driver_destroy(&map);
}
END_TEST

START_TEST(texts_of_a_query_of_4096_bytes_are_taken_and_of_4097_refused) {
    static const char *const forms[] = {
        "{\"op\":\"get\",\"key\":\"%0*d\"}",
        "{\"op\":\"list\",\"prefix\":\"%0*d\"}",
        "{\"op\":\"list\",\"after\":\"%0*d\"}",
    };
    static const char *const names[] = {"key", "prefix", "after"};
    struct driver map = driver_create(machine_hashmap());
    char query[4200];
    char sentence[100];
    sprintf(query, forms[_i], 4096, 1);
    driver_query(&map, query);
    sprintf(query, forms[_i], 4097, 1);
    sprintf(sentence, "\"%s\" must be at most 4096 bytes long", names[_i]);
    ck_assert_str_eq(driver_query_refusal(&map, query), sentence);
    driver_destroy(&map);
}
END_TEST

#define OP_SENTENCE     "\"op\" of a query must be \"get\", \"list\" or \"count\""
#define OBJECT_SENTENCE "a query must be an object like {\"op\":\"get\",\"key\":\"k\"}"
#define LIMIT_SENTENCE  "\"limit\" must be a whole number from 1 to 1000, written in digits alone"
static const struct {
    const char *query;
    const char *sentence;
} refusals[] = {
    {"null", OBJECT_SENTENCE},
    {"[]", OBJECT_SENTENCE},
    {"{}", OP_SENTENCE},
    {"{\"op\":3}", OP_SENTENCE},
    {"{\"op\":\"put\",\"key\":\"k\",\"value\":1}", OP_SENTENCE},
    {"{\"op\":\"get\"}", "\"key\" is missing: it must be a string"},
    {"{\"op\":\"get\",\"key\":1}", "\"key\" must be a string"},
    {"{\"op\":\"list\",\"prefix\":null}", "\"prefix\" must be a string"},
    {"{\"op\":\"list\",\"after\":0}", "\"after\" must be a string"},
    {"{\"op\":\"list\",\"limit\":0}", LIMIT_SENTENCE},
    {"{\"op\":\"list\",\"limit\":1001}", LIMIT_SENTENCE},
    {"{\"op\":\"list\",\"limit\":-1}", LIMIT_SENTENCE},
    {"{\"op\":\"list\",\"limit\":1e2}", LIMIT_SENTENCE},
    {"{\"op\":\"list\",\"limit\":1.5}", LIMIT_SENTENCE},
    {"{\"op\":\"list\",\"limit\":\"10\"}", LIMIT_SENTENCE},
    {"{\"op\":\"list\",\"limit\":null}", LIMIT_SENTENCE},
    {"{\"op\":\"list\",\"limit\":99999999999999999999999}", LIMIT_SENTENCE},
};

START_TEST(what_is_no_query_is_refused_with_a_sentence) {
    struct driver map = driver_create(machine_hashmap());
    ck_assert_str_eq(driver_query_refusal(&map, refusals[_i].query), refusals[_i].sentence);
    driver_destroy(&map);
}
END_TEST

static void add_tests(TCase *tcase) {
    tcase_add_test(tcase, get_tells_found_from_absent);
    tcase_add_test(tcase, count_counts_keys);
    tcase_add_test(tcase, list_of_nothing_is_an_empty_page);
    tcase_add_loop_test(tcase, list_shows_the_keys_with_the_prefix_after_the_key_up_to_the_limit, 0,
                        sizeof pages / sizeof pages[0]);
    tcase_add_test(tcase, pages_over_thousands_of_keys_agree_with_a_naive_list);
    tcase_add_test(tcase, a_page_has_100_entries_unless_told_and_1000_at_most);
    tcase_add_test(tcase, a_page_ends_early_when_it_has_grown_too_large);
    tcase_add_loop_test(tcase, texts_of_a_query_of_4096_bytes_are_taken_and_of_4097_refused, 0, 3);
    tcase_add_loop_test(tcase, what_is_no_query_is_refused_with_a_sentence, 0, sizeof refusals / sizeof refusals[0]);
}

CHECK_MAIN("hashmap_query", add_tests)
