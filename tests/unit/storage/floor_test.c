#include "storage/floor.h"

#include "tests/check_main.h"
#include "tests/unit/storage/fixture.h"

static struct floor example(void) {
    return (struct floor){.newest = {.number = 9, .last = {.index = 40, .term = 3}},
                          .hard_state = {.term = 4, .voted_for = 2}};
}

static enum storage_error check(struct floor floor, struct floor store) {
    struct storage_message message;
    return floor_check(&floor, &store, &message);
}

START_TEST(a_floor_comes_back_as_it_went_in) {
    char bytes[FLOOR_SIZE];
    struct floor in = example();
    struct floor out;
    floor_format(&in, bytes);
    ck_assert(floor_parse(bytes, sizeof bytes, &out));
    ck_assert_int_eq(check(in, out), STORAGE_OK);
}
END_TEST

START_TEST(any_flipped_bit_makes_it_unreadable) {
    char bytes[FLOOR_SIZE];
    struct floor in = example();
    struct floor out;
    floor_format(&in, bytes);
    for (size_t bit = 0; bit < 8 * sizeof bytes; bit++) {
        bytes[bit / 8] = (char)(bytes[bit / 8] ^ (1 << bit % 8));
        ck_assert(!floor_parse(bytes, sizeof bytes, &out));
        bytes[bit / 8] = (char)(bytes[bit / 8] ^ (1 << bit % 8));
    }
}
END_TEST

START_TEST(zeros_and_other_lengths_are_unreadable) {
    char bytes[FLOOR_SIZE + 1] = {0};
    struct floor out;
    ck_assert(!floor_parse(bytes, FLOOR_SIZE, &out));
    struct floor in = example();
    floor_format(&in, bytes);
    for (size_t size = 0; size <= sizeof bytes; size++) {
        ck_assert(floor_parse(bytes, size, &out) == (size == FLOOR_SIZE));
    }
}
END_TEST

START_TEST(a_store_with_a_later_write_is_fine) {
    struct floor store = example();
    store.newest.number++;
    store.newest.last.index = 1; /* A truncation may have been in it. */
    ck_assert_int_eq(check(example(), store), STORAGE_OK);
}
END_TEST

START_TEST(a_store_with_an_earlier_write_was_shortened) {
    struct storage_message message;
    struct floor floor = example();
    struct floor store = example();
    store.newest.number--;
    store.newest.last.index = 39;
    ck_assert_int_eq(floor_check(&floor, &store, &message), STORAGE_DAMAGED);
    ck_assert_str_eq(
        message.text,
        "the store ends with write 8 (entry 39, term 4) but write 9 (entry 40, term 4) was on this disk; this "
        "node's copy is damaged: stop it, remove it from the cluster, wipe the directory and let it join again");
}
END_TEST

START_TEST(the_same_write_with_anything_else_in_it_is_damage) {
    struct floor stores[4] = {example(), example(), example(), example()};
    stores[0].newest.last.index++;
    stores[1].newest.last.term++;
    stores[2].hard_state.term++;
    stores[3].hard_state.voted_for++;
    for (size_t i = 0; i < 4; i++) {
        ck_assert_int_eq(check(example(), stores[i]), STORAGE_DAMAGED);
    }
}
END_TEST

START_TEST(a_later_write_of_an_earlier_term_is_damage) {
    struct floor store = example();
    store.newest.number++;
    store.hard_state.term--;
    ck_assert_int_eq(check(example(), store), STORAGE_DAMAGED);
}
END_TEST

START_TEST(a_file_is_made_and_rewritten_in_place) {
    struct fixture fixture = fixture_create();
    int directory = open(fixture.base, O_RDONLY | O_DIRECTORY);
    struct floor floor = example();
    struct floor out;
    ck_assert(!floor_read(directory, &out));
    int descriptor = floor_create(directory, &floor);
    ck_assert_int_ge(descriptor, 0);
    ck_assert(floor_read(directory, &out));
    ck_assert_int_eq(check(floor, out), STORAGE_OK);
    floor.newest.number = 10;
    ck_assert(floor_write(descriptor, &floor));
    ck_assert(floor_read(directory, &out));
    ck_assert_uint_eq(out.newest.number, 10);
    close(descriptor);
    close(directory);
    fixture_destroy(&fixture);
}
END_TEST

START_TEST(a_floor_that_cannot_be_made_or_written_is_told) {
    struct floor floor = example();
    ck_assert_int_eq(floor_create(-1, &floor), -1);
    ck_assert(!floor_write(-1, &floor));
}
END_TEST

static void add_tests(TCase *tcase) {
    tcase_add_test(tcase, a_floor_comes_back_as_it_went_in);
    tcase_add_test(tcase, any_flipped_bit_makes_it_unreadable);
    tcase_add_test(tcase, zeros_and_other_lengths_are_unreadable);
    tcase_add_test(tcase, a_store_with_a_later_write_is_fine);
    tcase_add_test(tcase, a_store_with_an_earlier_write_was_shortened);
    tcase_add_test(tcase, the_same_write_with_anything_else_in_it_is_damage);
    tcase_add_test(tcase, a_later_write_of_an_earlier_term_is_damage);
    tcase_add_test(tcase, a_file_is_made_and_rewritten_in_place);
    tcase_add_test(tcase, a_floor_that_cannot_be_made_or_written_is_told);
}

CHECK_MAIN("floor", add_tests)
