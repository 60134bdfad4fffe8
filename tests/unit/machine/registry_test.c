#include "server/machine/registry.h"

#include "tests/check_main.h"

START_TEST(the_machines_that_ship_are_found_by_name) {
    ck_assert_ptr_eq(machine_by_name("hashmap"), machine_hashmap());
    ck_assert_ptr_eq(machine_by_name("register"), machine_register());
}
END_TEST

START_TEST(no_other_name_is_a_machine) {
    static const char *const others[] = {"", "Hashmap", "hash", "hashmap ", "hashmaps", "registers"};
    ck_assert_ptr_null(machine_by_name(others[_i]));
}
END_TEST

static void add_tests(TCase *tcase) {
    tcase_add_test(tcase, the_machines_that_ship_are_found_by_name);
    tcase_add_loop_test(tcase, no_other_name_is_a_machine, 0, 6);
}

CHECK_MAIN("registry", add_tests)
