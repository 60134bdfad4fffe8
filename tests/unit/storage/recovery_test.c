/* Everything that can happen to the files that LevelDB believes too easily, done to a real store and judged by opening it:
 * the store is refused, or it holds exactly what it held. */
#include "storage/storage.h"

#include "storage/crc32c.h"
#include "tests/check_main.h"
#include "tests/unit/storage/fixture.h"

enum { BATCHES = 5, PIECES = 16 };

/* A store as it was after each of its batches, taken while it was open, as a killed process leaves it. */
struct history {
    struct fixture fixture;
    struct image images[BATCHES];
    struct contents contents[BATCHES];
};

static struct history history_create(size_t last_batch_bytes) {
    struct history history = {.fixture = fixture_create()};
    struct storage *storage = fixture_open(&history.fixture);
    for (size_t i = 0; i < BATCHES; i++) {
        fixture_append(storage, 1 + i / 2, 1 + i % 2, i + 1 == BATCHES ? last_batch_bytes : 5 * i);
        if (i == 2) {
            fixture_compact(storage, 2, (struct raft_entry_id){3, 1});
        }
        history.contents[i] = contents_of(storage);
        history.images[i] = image_take(&history.fixture);
    }
    storage_close(storage);
    return history;
}

static void history_destroy(struct history *history) {
    for (size_t i = 0; i < BATCHES; i++) {
        image_destroy(&history->images[i]);
        free(history->contents[i].text);
    }
    fixture_destroy(&history->fixture);
}

static struct image *newest(struct history *history) {
    return &history->images[BATCHES - 1];
}

/* The newest image with the floor of the batch before: what a loss of power during the last batch can leave, once the log
 * is harmed. */
static void lower_floor(struct history *history) {
    struct image_file *floor = image_find(newest(history), "floor");
    struct image_file *before = image_find(&history->images[BATCHES - 2], "floor");
    memcpy(floor->bytes, before->bytes, before->size);
}

static size_t log_size_before_last_batch(struct history *history) {
    return image_find(&history->images[BATCHES - 2], ".log")->size;
}

enum outcome { REFUSED, AS_BEFORE_THE_LAST_BATCH, UNCHANGED };

/* Puts the newest image back and opens it; anything but the three outcomes fails the test. */
static enum outcome open_newest(struct history *history, struct storage_message *out_message) {
    struct contents contents;
    enum storage_error error = STORAGE_OK;
    image_put_back(newest(history), &history->fixture);
    if (!contents_read(&history->fixture, &contents, &error, out_message)) {
        ck_assert_msg(error == STORAGE_DAMAGED, "%d %s", (int)error, out_message->text);
        ck_assert_msg(strstr(out_message->text, "wipe the directory and let it join again") != NULL, "%s",
                      out_message->text);
        return REFUSED;
    }
    enum outcome outcome = UNCHANGED;
    if (!contents_equal(&contents, &history->contents[BATCHES - 1])) {
        ck_assert_msg(contents_equal(&contents, &history->contents[BATCHES - 2]), "neither refused nor whole: %.*s",
                      (int)contents.size, contents.text);
        outcome = AS_BEFORE_THE_LAST_BATCH;
    }
    free(contents.text);
    return outcome;
}

static void expect(struct history *history, enum outcome expected) {
    struct storage_message message = {""};
    enum outcome outcome = open_newest(history, &message);
    ck_assert_msg(outcome == expected, "outcome %d, not %d: %s", (int)outcome, (int)expected, message.text);
}

static void expect_refused(struct history *history, const char *reason) {
    struct storage_message message = {""};
    ck_assert_int_eq(open_newest(history, &message), REFUSED);
    ck_assert_msg(strstr(message.text, reason) != NULL, "%s", message.text);
}

static void remove_from_image(struct image *image, struct image_file *file) {
    free(file->bytes);
    *file = image->files[--image->count];
}

START_TEST(a_killed_process_loses_nothing) {
    struct history history = history_create(20);
    expect(&history, UNCHANGED);
    history_destroy(&history);
}
END_TEST

START_TEST(a_deleted_log_is_damage) {
    struct history history = history_create(20);
    remove_from_image(newest(&history), image_find(newest(&history), ".log"));
    expect_refused(&history, ".log is missing");
    history_destroy(&history);
}
END_TEST

START_TEST(a_log_cut_at_any_byte_is_damage) {
    struct history history = history_create(20);
    struct image_file *log = image_find(newest(&history), ".log");
    while (log->size > 0) {
        log->size--;
        expect(&history, REFUSED);
    }
    history_destroy(&history);
}
END_TEST

START_TEST(a_last_batch_torn_by_a_loss_of_power_is_cut_off) {
    struct history history = history_create(20);
    lower_floor(&history);
    size_t before = log_size_before_last_batch(&history);
    struct image_file *log = image_find(newest(&history), ".log");
    while (log->size > before) {
        log->size--;
        expect(&history, AS_BEFORE_THE_LAST_BATCH);
    }
    while (log->size > 0) {
        log->size--;
        expect(&history, REFUSED);
    }
    history_destroy(&history);
}
END_TEST

START_TEST(a_last_batch_that_is_zeros_from_any_byte_on_is_cut_off) {
    struct history history = history_create(20);
    lower_floor(&history);
    size_t before = log_size_before_last_batch(&history);
    struct image_file *log = image_find(newest(&history), ".log");
    for (size_t at = log->size; at-- > before;) {
        bool was_zero = log->bytes[at] == 0;
        log->bytes[at] = 0;
        struct storage_message message = {""};
        enum outcome outcome = open_newest(&history, &message);
        ck_assert(outcome == AS_BEFORE_THE_LAST_BATCH || (outcome == UNCHANGED && was_zero));
    }
    history_destroy(&history);
}
END_TEST

START_TEST(a_lost_page_of_a_large_last_batch_cuts_all_of_it) {
    struct history history = history_create(100000);
    lower_floor(&history);
    struct image_file *log = image_find(newest(&history), ".log");
    for (size_t page = 0; page < log->size; page += 4096) {
        unsigned char kept[4096];
        size_t start = page < log_size_before_last_batch(&history) ? log_size_before_last_batch(&history) : page;
        size_t end = page + 4096 < log->size ? page + 4096 : log->size;
        memcpy(kept, log->bytes + start, end - start);
        memset(log->bytes + start, 0, end - start);
        expect(&history, AS_BEFORE_THE_LAST_BATCH);
        memcpy(log->bytes + start, kept, end - start);
    }
    expect(&history, UNCHANGED);
    history_destroy(&history);
}
END_TEST

START_TEST(a_log_that_ends_in_zeros_is_whole) {
    const size_t lengths[] = {1, 6, 7, 500, 4096, 40000};
    struct history history = history_create(20);
    struct image_file *log = image_find(newest(&history), ".log");
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        size_t size = log->size;
        log->bytes = memory_realloc(log->bytes, size + lengths[i]);
        memset(log->bytes + size, 0, lengths[i]);
        log->size += lengths[i];
        expect(&history, UNCHANGED);
        log->size = size;
    }
    history_destroy(&history);
}
END_TEST

START_TEST(any_flipped_bit_of_the_log_is_damage) {
    struct history history = history_create(20);
    struct image_file *log = image_find(newest(&history), ".log");
    for (size_t bit = (size_t)_i; bit < 8 * log->size; bit += PIECES) {
        log->bytes[bit / 8] = (unsigned char)(log->bytes[bit / 8] ^ (1 << bit % 8));
        expect(&history, REFUSED);
        log->bytes[bit / 8] = (unsigned char)(log->bytes[bit / 8] ^ (1 << bit % 8));
    }
    history_destroy(&history);
}
END_TEST

START_TEST(any_flipped_bit_of_the_log_without_a_floor_costs_no_more_than_the_last_batch) {
    struct history history = history_create(20);
    remove_from_image(newest(&history), image_find(newest(&history), "floor"));
    size_t before = log_size_before_last_batch(&history);
    struct image_file *log = image_find(newest(&history), ".log");
    for (size_t bit = (size_t)_i; bit < 8 * log->size; bit += PIECES) {
        log->bytes[bit / 8] = (unsigned char)(log->bytes[bit / 8] ^ (1 << bit % 8));
        expect(&history, bit / 8 < before ? REFUSED : AS_BEFORE_THE_LAST_BATCH);
        log->bytes[bit / 8] = (unsigned char)(log->bytes[bit / 8] ^ (1 << bit % 8));
    }
    history_destroy(&history);
}
END_TEST

/* Each bit of one small file. */
static void flip_each_bit(struct history *history, struct image_file *file) {
    for (size_t bit = 0; bit < 8 * file->size; bit++) {
        struct storage_message message = {""};
        file->bytes[bit / 8] = (unsigned char)(file->bytes[bit / 8] ^ (1 << bit % 8));
        ck_assert_int_ne(open_newest(history, &message), AS_BEFORE_THE_LAST_BATCH);
        file->bytes[bit / 8] = (unsigned char)(file->bytes[bit / 8] ^ (1 << bit % 8));
    }
}

START_TEST(a_flipped_bit_of_the_manifest_is_damage_or_without_effect) {
    struct history history = history_create(20);
    flip_each_bit(&history, image_find_manifest(newest(&history)));
    history_destroy(&history);
}
END_TEST

/* Appends a record that changes nothing: the number of the next file, a large one. */
static void append_to_manifest(struct image_file *manifest) {
    uint8_t record[10] = {0, 0, 0, 0, 3, 0, 1, 3, 0x80, 0x20};
    uint32_t crc = crc32c_extend(0, record + 6, 4);
    uint32_t masked = ((crc >> 15) | (crc << 17)) + UINT32_C(0xa282ead8);
    for (int i = 0; i < 4; i++) {
        record[i] = (uint8_t)(masked >> (8 * i));
    }
    manifest->bytes = memory_realloc(manifest->bytes, manifest->size + sizeof record);
    memcpy(manifest->bytes + manifest->size, record, sizeof record);
    manifest->size += sizeof record;
}

/* LevelDB takes a length that leads past the end for a torn record and drops it and all after it without a word. */
START_TEST(a_length_in_the_manifest_that_swallows_a_record_is_damage) {
    struct history history = history_create(20);
    struct image_file *manifest = image_find_manifest(newest(&history));
    size_t size = manifest->size;
    append_to_manifest(manifest);
    append_to_manifest(manifest);
    expect(&history, UNCHANGED);
    manifest->bytes[size + 5] = 1;
    expect_refused(&history, " is not as it was written");
    history_destroy(&history);
}
END_TEST

START_TEST(a_manifest_cut_at_any_byte_is_damage) {
    struct history history = history_create(20);
    struct image_file *manifest = image_find_manifest(newest(&history));
    while (manifest->size > 0) {
        manifest->size--;
        expect(&history, REFUSED);
    }
    history_destroy(&history);
}
END_TEST

START_TEST(a_missing_manifest_is_damage) {
    struct history history = history_create(20);
    remove_from_image(newest(&history), image_find_manifest(newest(&history)));
    expect_refused(&history, "MANIFEST-");
    history_destroy(&history);
}
END_TEST

/* Without effect where it names an older MANIFEST, as after a loss of power. */
START_TEST(a_flipped_bit_of_current_is_damage_or_without_effect) {
    struct history history = history_create(20);
    flip_each_bit(&history, image_find(newest(&history), "CURRENT"));
    history_destroy(&history);
}
END_TEST

START_TEST(a_missing_current_is_damage_and_not_a_new_store) {
    struct history history = history_create(20);
    remove_from_image(newest(&history), image_find(newest(&history), "CURRENT"));
    expect_refused(&history, "CURRENT is missing");
    history_destroy(&history);
}
END_TEST

START_TEST(a_missing_floor_or_one_with_flipped_bits_changes_nothing) {
    struct history history = history_create(20);
    struct image_file *floor = image_find(newest(&history), "floor");
    for (size_t bit = 0; bit < 8 * floor->size; bit++) {
        floor->bytes[bit / 8] = (unsigned char)(floor->bytes[bit / 8] ^ (1 << bit % 8));
        expect(&history, UNCHANGED);
        floor->bytes[bit / 8] = (unsigned char)(floor->bytes[bit / 8] ^ (1 << bit % 8));
    }
    remove_from_image(newest(&history), floor);
    expect(&history, UNCHANGED);
    history_destroy(&history);
}
END_TEST

/* LevelDB has two logs in use between filling one and turning it into a table. */
static void add_newer_log(struct image *image) {
    struct image_file *file = &image->files[image->count++];
    snprintf(file->name, sizeof file->name, "log.db/000099.log");
    file->bytes = memory_alloc(1);
    file->size = 0;
}

START_TEST(an_older_log_in_use_is_read_too) {
    struct history history = history_create(20);
    add_newer_log(newest(&history));
    expect(&history, UNCHANGED);
    history_destroy(&history);
}
END_TEST

START_TEST(an_older_log_in_use_may_not_be_torn) {
    struct history history = history_create(20);
    lower_floor(&history);
    image_find(newest(&history), ".log")->size--;
    add_newer_log(newest(&history));
    expect_refused(&history, ".log is not as it was written, after ");
    history_destroy(&history);
}
END_TEST

START_TEST(a_log_no_longer_in_use_does_not_matter) {
    struct history history = history_create(20);
    struct image_file *file = &newest(&history)->files[newest(&history)->count++];
    snprintf(file->name, sizeof file->name, "log.db/000001.log");
    file->bytes = memory_copy("no log at all", 13);
    file->size = 13;
    expect(&history, UNCHANGED);
    history_destroy(&history);
}
END_TEST

static void keep_line(void *context, const char *line) {
    snprintf(context, 600, "%s", line);
}

START_TEST(what_is_cut_off_is_told_once) {
    struct history history = history_create(20);
    lower_floor(&history);
    image_find(newest(&history), ".log")->size--;
    image_put_back(newest(&history), &history.fixture);
    char line[600] = "";
    struct storage *storage = NULL;
    struct storage_message message = {""};
    ck_assert_int_eq(storage_open(history.fixture.data, FIXTURE_NODE, keep_line, line, &storage, &message), STORAGE_OK);
    storage_close(storage);
    ck_assert_msg(strstr(line, "bytes off the end of ") != NULL && strstr(line, "never acknowledged") != NULL, "%s", line);
    line[0] = '\0';
    ck_assert_int_eq(storage_open(history.fixture.data, FIXTURE_NODE, keep_line, line, &storage, &message), STORAGE_OK);
    storage_close(storage);
    ck_assert_str_eq(line, "");
    history_destroy(&history);
}
END_TEST

START_TEST(a_store_refused_for_its_floor_is_refused_again) {
    struct history history = history_create(20);
    image_find(newest(&history), ".log")->size--;
    image_put_back(newest(&history), &history.fixture);
    for (int i = 0; i < 3; i++) {
        struct contents contents;
        struct storage_message message = {""};
        enum storage_error error = STORAGE_OK;
        ck_assert(!contents_read(&history.fixture, &contents, &error, &message));
        ck_assert_int_eq(error, STORAGE_DAMAGED);
    }
    history_destroy(&history);
}
END_TEST

START_TEST(a_store_cut_and_written_again_goes_on) {
    struct history history = history_create(20);
    lower_floor(&history);
    image_find(newest(&history), ".log")->size--;
    image_put_back(newest(&history), &history.fixture);
    struct storage *storage = fixture_open(&history.fixture);
    fixture_append(storage, 9, 3, 10);
    struct contents before = contents_of(storage);
    storage_close(storage);
    storage = fixture_open(&history.fixture);
    struct contents after = contents_of(storage);
    ck_assert(contents_equal(&before, &after));
    storage_close(storage);
    free(before.text);
    free(after.text);
    history_destroy(&history);
}
END_TEST

static void add_tests(TCase *tcase) {
    tcase_add_test(tcase, a_killed_process_loses_nothing);
    tcase_add_test(tcase, a_deleted_log_is_damage);
    tcase_add_test(tcase, a_log_cut_at_any_byte_is_damage);
    tcase_add_test(tcase, a_last_batch_torn_by_a_loss_of_power_is_cut_off);
    tcase_add_test(tcase, a_last_batch_that_is_zeros_from_any_byte_on_is_cut_off);
    tcase_add_test(tcase, a_lost_page_of_a_large_last_batch_cuts_all_of_it);
    tcase_add_test(tcase, a_log_that_ends_in_zeros_is_whole);
    tcase_add_loop_test(tcase, any_flipped_bit_of_the_log_is_damage, 0, PIECES);
    tcase_add_loop_test(tcase, any_flipped_bit_of_the_log_without_a_floor_costs_no_more_than_the_last_batch, 0, PIECES);
    tcase_add_test(tcase, a_flipped_bit_of_the_manifest_is_damage_or_without_effect);
    tcase_add_test(tcase, a_length_in_the_manifest_that_swallows_a_record_is_damage);
    tcase_add_test(tcase, a_manifest_cut_at_any_byte_is_damage);
    tcase_add_test(tcase, a_missing_manifest_is_damage);
    tcase_add_test(tcase, a_flipped_bit_of_current_is_damage_or_without_effect);
    tcase_add_test(tcase, a_missing_current_is_damage_and_not_a_new_store);
    tcase_add_test(tcase, a_missing_floor_or_one_with_flipped_bits_changes_nothing);
    tcase_add_test(tcase, an_older_log_in_use_is_read_too);
    tcase_add_test(tcase, an_older_log_in_use_may_not_be_torn);
    tcase_add_test(tcase, a_log_no_longer_in_use_does_not_matter);
    tcase_add_test(tcase, what_is_cut_off_is_told_once);
    tcase_add_test(tcase, a_store_refused_for_its_floor_is_refused_again);
    tcase_add_test(tcase, a_store_cut_and_written_again_goes_on);
}

CHECK_MAIN("recovery", add_tests)
