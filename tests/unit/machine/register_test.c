#include "server/machine/machine.h"

#include "tests/check_main.h"
#include "tests/unit/machine/snapshot.h"

#include <stdio.h>

START_TEST(the_table_is_complete) {
    const struct machine *machine = machine_register();
    ck_assert_uint_eq(machine->abi_version, MACHINE_ABI_VERSION);
    ck_assert_str_eq(machine->name, "register");
    machine->destroy(NULL);
}
END_TEST

START_TEST(write_answers_what_was_there) {
    struct driver cell = driver_create(machine_register());
    ck_assert_str_eq(driver_apply(&cell, "{\"op\":\"write\",\"value\":1e2}"), "{}");
    ck_assert_str_eq(driver_apply(&cell, "{\"op\":\"write\",\"value\":null}"), "{\"previous\":1e2}");
    ck_assert_str_eq(driver_apply(&cell, "{\"op\":\"write\",\"value\":[ 1 ]}"), "{\"previous\":null}");
    driver_destroy(&cell);
}
END_TEST

START_TEST(read_answers_null_before_the_first_write_and_then_the_bytes_written) {
    struct driver cell = driver_create(machine_register());
    ck_assert_str_eq(driver_query(&cell, "{\"op\":\"read\"}"), "{\"value\":null}");
    driver_apply(&cell, " {\"value\" : { \"b\":10000000000000000001, \"a\":\"\\u0000\" } ,\"op\":\"write\"}");
    ck_assert_str_eq(driver_query(&cell, "{\"op\":\"read\",\"more\":1}"),
                     "{\"value\":{ \"b\":10000000000000000001, \"a\":\"\\u0000\" }}");
    driver_destroy(&cell);
}
END_TEST

START_TEST(cas_without_expected_wants_no_value_and_null_is_one) {
    struct driver cell = driver_create(machine_register());
    ck_assert_str_eq(driver_apply(&cell, "{\"op\":\"cas\",\"expected\":null,\"value\":1}"), "{\"swapped\":false}");
    ck_assert_str_eq(driver_apply(&cell, "{\"op\":\"cas\",\"value\":null}"), "{\"swapped\":true}");
    ck_assert_str_eq(driver_apply(&cell, "{\"op\":\"cas\",\"value\":1}"), "{\"swapped\":false,\"current\":null}");
    ck_assert_str_eq(driver_apply(&cell, "{\"op\":\"cas\",\"expected\":null,\"value\":1}"), "{\"swapped\":true}");
    driver_destroy(&cell);
}
END_TEST

START_TEST(cas_compares_by_value) {
    struct driver cell = driver_create(machine_register());
    driver_apply(&cell, "{\"op\":\"write\",\"value\":{\"a\":1,\"b\":2}}");
    ck_assert_str_eq(driver_apply(&cell, "{\"op\":\"cas\",\"expected\":{\"b\":2},\"value\":0}"),
                     "{\"swapped\":false,\"current\":{\"a\":1,\"b\":2}}");
    ck_assert_str_eq(driver_apply(&cell, "{\"op\":\"cas\",\"expected\":{\"b\":2.0,\"a\":1e0},\"value\":0}"),
                     "{\"swapped\":true}");
    ck_assert_str_eq(driver_apply(&cell, "{\"op\":\"cas\",\"expected\":-0,\"value\":5}"), "{\"swapped\":true}");
    ck_assert_str_eq(driver_query(&cell, "{\"op\":\"read\"}"), "{\"value\":5}");
    driver_destroy(&cell);
}
END_TEST

#define OBJECT_SENTENCE "a command must be an object like {\"op\":\"write\",\"value\":1}"
#define OP_SENTENCE     "\"op\" of a command must be \"write\" or \"cas\""
#define VALUE_SENTENCE  "\"value\" is missing: write and cas need one (it may be null)"
static const struct {
    const char *command;
    const char *sentence;
} refusals[] = {
    {"7", OBJECT_SENTENCE},
    {"[]", OBJECT_SENTENCE},
    {"{}", OP_SENTENCE},
    {"{\"op\":1}", OP_SENTENCE},
    {"{\"op\":\"read\"}", OP_SENTENCE},
    {"{\"op\":\"put\",\"key\":\"k\",\"value\":1}", OP_SENTENCE},
    {"{\"op\":\"write\"}", VALUE_SENTENCE},
    {"{\"op\":\"cas\",\"expected\":1}", VALUE_SENTENCE},
};

START_TEST(what_is_no_command_is_refused_with_a_sentence_and_changes_nothing) {
    struct driver cell = driver_create(machine_register());
    driver_apply(&cell, "{\"op\":\"write\",\"value\":1}");
    ck_assert_str_eq(driver_refusal(&cell, refusals[_i].command), refusals[_i].sentence);
    ck_assert_str_eq(driver_query(&cell, "{\"op\":\"read\"}"), "{\"value\":1}");
    driver_destroy(&cell);
}
END_TEST

START_TEST(what_is_no_query_is_refused_with_a_sentence) {
    struct driver cell = driver_create(machine_register());
    ck_assert_str_eq(driver_query_refusal(&cell, "[]"), "a query must be an object like {\"op\":\"read\"}");
    ck_assert_str_eq(driver_query_refusal(&cell, "{}"), "\"op\" of a query must be \"read\"");
    ck_assert_str_eq(driver_query_refusal(&cell, "{\"op\":\"write\",\"value\":1}"), "\"op\" of a query must be \"read\"");
    driver_destroy(&cell);
}
END_TEST

START_TEST(a_frozen_view_keeps_its_value) {
    struct driver cell = driver_create(machine_register());
    void *absent = cell.machine->freeze(cell.state);
    driver_apply(&cell, "{\"op\":\"write\",\"value\":1}");
    void *one = cell.machine->freeze(cell.state);
    driver_apply(&cell, "{\"op\":\"write\",\"value\":2}");
    struct bytes bytes = bytes_empty();
    ck_assert(cell.machine->write(absent, bytes_output(&bytes)));
    ck_assert_uint_eq(bytes.size, 20);
    ck_assert_mem_eq(bytes.data, "raftdreg\0\0\0\1\0\0\0\0\0\0\0\0", 20);
    bytes_free(&bytes);
    ck_assert(cell.machine->write(one, bytes_output(&bytes)));
    ck_assert_uint_eq(bytes.size, 21);
    ck_assert_mem_eq(bytes.data,
                     "raftdreg\0\0\0\1\0\0\0\0\0\0\0\1"
                     "1",
                     21);
    bytes_free(&bytes);
    cell.machine->release(cell.state, absent);
    cell.machine->release(cell.state, one);
    driver_destroy(&cell);
}
END_TEST

START_TEST(an_unwritten_register_goes_round_and_stays_unwritten) {
    struct driver before = driver_create(machine_register());
    struct bytes snapshot = driver_snapshot(&before);
    struct driver after = driver_create(machine_register());
    ck_assert(driver_restore(&after, snapshot.data, snapshot.size, 1));
    ck_assert_str_eq(driver_apply(&after, "{\"op\":\"cas\",\"value\":1}"), "{\"swapped\":true}");
    bytes_free(&snapshot);
    driver_destroy(&before);
    driver_destroy(&after);
}
END_TEST

START_TEST(a_written_register_goes_round) {
    struct driver before = driver_create(machine_register());
    driver_apply(&before, "{\"op\":\"write\",\"value\":{\"a\": [1, \"\xc3\xa9\"]}}");
    struct bytes snapshot = driver_snapshot(&before);
    struct driver after = driver_create(machine_register());
    ck_assert(driver_restore(&after, snapshot.data, snapshot.size, 3));
    ck_assert_str_eq(driver_query(&after, "{\"op\":\"read\"}"), "{\"value\":{\"a\": [1, \"\xc3\xa9\"]}}");
    snapshot_flip_all(before.machine, &snapshot);
    snapshot_cut_all(before.machine, &snapshot);
    snapshot_fail_all(&before);
    bytes_free(&snapshot);
    driver_destroy(&before);
    driver_destroy(&after);
}
END_TEST

#define BYTES(literal) literal, sizeof literal - 1
#define HEAD           "raftdreg\0\0\0\1\0\0\0\0\0\0\0"
static const struct {
    const char *bytes;
    size_t size;
    const char *sentence;
} samples[] = {
    {BYTES("raftdmap\0\0\0\1\0\0\0\0\0\0\0\0"), "this is no snapshot of this machine"},
    {BYTES("raftdreg\0\0\0\0\0\0\0\0\0\0\0\0"), "the snapshot has a version of the format that this program does not know"},
    {BYTES(HEAD), "the snapshot ends too early"},
    {BYTES(HEAD "\2"
                "1"),
     "the snapshot ends too early"},
    {BYTES(HEAD "\1"
                "11"),
     "the snapshot goes on after the value"},
    {BYTES(HEAD "\0"
                "1"),
     "the snapshot goes on after the value"},
    {BYTES(HEAD "\2"
                "1 "),
     "the value is no JSON"},
    {BYTES(HEAD "\2"
                "01"),
     "the value is no JSON"},
};

START_TEST(what_is_wrong_with_a_snapshot_is_said) {
    struct driver cell = driver_create(machine_register());
    ck_assert(!driver_restore(&cell, samples[_i].bytes, samples[_i].size, SIZE_MAX));
    ck_assert_str_eq(cell.result.data, samples[_i].sentence);
    driver_destroy(&cell);
}
END_TEST

static void add_tests(TCase *tcase) {
    tcase_add_test(tcase, the_table_is_complete);
    tcase_add_test(tcase, write_answers_what_was_there);
    tcase_add_test(tcase, read_answers_null_before_the_first_write_and_then_the_bytes_written);
    tcase_add_test(tcase, cas_without_expected_wants_no_value_and_null_is_one);
    tcase_add_test(tcase, cas_compares_by_value);
    tcase_add_loop_test(tcase, what_is_no_command_is_refused_with_a_sentence_and_changes_nothing, 0,
                        sizeof refusals / sizeof refusals[0]);
    tcase_add_test(tcase, what_is_no_query_is_refused_with_a_sentence);
    tcase_add_test(tcase, a_frozen_view_keeps_its_value);
    tcase_add_test(tcase, an_unwritten_register_goes_round_and_stays_unwritten);
    tcase_add_test(tcase, a_written_register_goes_round);
    tcase_add_loop_test(tcase, what_is_wrong_with_a_snapshot_is_said, 0, sizeof samples / sizeof samples[0]);
}

CHECK_MAIN("register", add_tests)
