#include "server/option_value.h"

#include "tests/check_main.h"

#include <string.h>

START_TEST(a_number_is_digits_up_to_its_maximum) {
    uint64_t number = 99;
    ck_assert(option_value_number("0", 10, &number) && number == 0);
    ck_assert(option_value_number("10", 10, &number) && number == 10);
    ck_assert(option_value_number("0010", 10, &number) && number == 10);
    ck_assert(option_value_number("18446744073709551615", UINT64_MAX, &number) && number == UINT64_MAX);
    number = 99;
    const char *const wrong[] = {
        "11", "", "-1", "+1", " 1", "1 ", "0x1", "1s", "18446744073709551616", "99999999999999999999999"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        ck_assert_msg(!option_value_number(wrong[i], 10, &number), "'%s'", wrong[i]);
    }
    ck_assert(!option_value_number("18446744073709551616", UINT64_MAX, &number));
    ck_assert(!option_value_number("9", 8, &number));
    ck_assert_uint_eq(number, 99);
}
END_TEST

START_TEST(a_duration_has_a_unit) {
    uint64_t ms = 0;
    ck_assert(option_value_duration("250ms", 60000, &ms) && ms == 250);
    ck_assert(option_value_duration("5s", 60000, &ms) && ms == 5000);
    ck_assert(option_value_duration("1m", 60000, &ms) && ms == 60000);
    ck_assert(option_value_duration("1h", 3600000, &ms) && ms == 3600000);
    ms = 7;
    const char *const wrong[] = {"250", "", "ms", "s", "1h", "1.5s", "1 s", "60001ms", "61s", "2m", "1m1s", "1S", "-1s"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        ck_assert_msg(!option_value_duration(wrong[i], 60000, &ms), "'%s'", wrong[i]);
    }
    ck_assert_uint_eq(ms, 7);
}
END_TEST

START_TEST(a_size_may_have_a_unit) {
    uint64_t bytes = 0;
    ck_assert(option_value_size("65536", UINT64_MAX, &bytes) && bytes == 65536);
    ck_assert(option_value_size("64KiB", UINT64_MAX, &bytes) && bytes == 65536);
    ck_assert(option_value_size("1MiB", 1048576, &bytes) && bytes == 1048576);
    ck_assert(option_value_size("2GiB", UINT64_MAX, &bytes) && bytes == UINT64_C(2) << 30);
    bytes = 7;
    const char *const wrong[] = {"1MB", "1 MiB", "1048577", "2MiB", "KiB", "", "1kib", "99999999999999999GiB"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        ck_assert_msg(!option_value_size(wrong[i], 1048576, &bytes), "'%s'", wrong[i]);
    }
    ck_assert_uint_eq(bytes, 7);
}
END_TEST

START_TEST(an_address_is_host_and_port) {
    struct options_address address = {.port = 1};
    ck_assert(option_value_address("127.0.0.1:8001", &address));
    ck_assert_str_eq(address.host, "127.0.0.1");
    ck_assert_uint_eq(address.port, 8001);
    ck_assert(option_value_address("[::1]:65535", &address));
    ck_assert_str_eq(address.host, "::1");
    ck_assert_uint_eq(address.port, 65535);
    ck_assert(option_value_address("node1:1", &address));
    ck_assert_str_eq(address.host, "node1");
    const char *const wrong[] = {"8001",         ":8001",       "127.0.0.1", "127.0.0.1:", "127.0.0.1:0", "127.0.0.1:65536",
                                 "::1:8001",     "[::1]",       "[]:80",     "[a]:80",     "*:8001",      "a b:80",
                                 "a:b:80",       "http://a:80", "a:80/",     "",           ":",           "a:-1",
                                 "[127.0.0.1]:1"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        ck_assert_msg(!option_value_address(wrong[i], &address), "'%s'", wrong[i]);
    }
    ck_assert_str_eq(address.host, "node1");
}
END_TEST

START_TEST(a_host_of_255_bytes_is_taken_and_one_of_256_refused) {
    char text[OPTIONS_HOST_SIZE + 8];
    struct options_address address;
    memset(text, 'a', sizeof text);
    strcpy(text + 255, ":80");
    ck_assert(option_value_address(text, &address));
    ck_assert_uint_eq(strlen(address.host), 255);
    memset(text, 'a', sizeof text);
    strcpy(text + 256, ":80");
    ck_assert(!option_value_address(text, &address));
}
END_TEST

START_TEST(loopback_is_what_no_other_machine_reaches) {
    ck_assert(option_value_loopback("127.0.0.1"));
    ck_assert(option_value_loopback("127.255.0.3"));
    ck_assert(option_value_loopback("::1"));
    ck_assert(option_value_loopback("localhost"));
    ck_assert(!option_value_loopback("0.0.0.0"));
    ck_assert(!option_value_loopback("128.0.0.1"));
    ck_assert(!option_value_loopback("::"));
    ck_assert(!option_value_loopback("localhost.example"));
    ck_assert(!option_value_loopback("127.0.0.1.example"));
}
END_TEST

START_TEST(wildcards_are_known_in_every_spelling) {
    ck_assert(option_value_wildcard("0.0.0.0"));
    ck_assert(option_value_wildcard("0"));
    ck_assert(option_value_wildcard("::"));
    ck_assert(option_value_wildcard("0:0::0"));
    ck_assert(!option_value_wildcard("127.0.0.1"));
    ck_assert(!option_value_wildcard("::1"));
    ck_assert(!option_value_wildcard("node1"));
}
END_TEST

START_TEST(a_list_is_split_at_commas) {
    char **list = option_value_list(" a, b ,,c d,");
    ck_assert_str_eq(list[0], "a");
    ck_assert_str_eq(list[1], "b");
    ck_assert_str_eq(list[2], "c d");
    ck_assert_ptr_null(list[3]);
    option_value_free_list(list);
    list = option_value_list("");
    ck_assert_ptr_null(list[0]);
    option_value_free_list(list);
    list = option_value_list("1,2,3,4,5,6,7,8,9,10");
    ck_assert_str_eq(list[9], "10");
    ck_assert_ptr_null(list[10]);
    option_value_free_list(list);
    option_value_free_list(NULL);
}
END_TEST

static void add_tests(TCase *tcase) {
    tcase_add_test(tcase, a_number_is_digits_up_to_its_maximum);
    tcase_add_test(tcase, a_duration_has_a_unit);
    tcase_add_test(tcase, a_size_may_have_a_unit);
    tcase_add_test(tcase, an_address_is_host_and_port);
    tcase_add_test(tcase, a_host_of_255_bytes_is_taken_and_one_of_256_refused);
    tcase_add_test(tcase, loopback_is_what_no_other_machine_reaches);
    tcase_add_test(tcase, wildcards_are_known_in_every_spelling);
    tcase_add_test(tcase, a_list_is_split_at_commas);
}

CHECK_MAIN("option_value", add_tests)
