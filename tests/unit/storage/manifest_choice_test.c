/* What a loss of power leaves of LevelDB's MANIFEST and CURRENT, put together from images of a store that was opened twice.
 */
#include "storage/storage.h"

#include "storage/crc32c.h"
#include "tests/check_main.h"
#include "tests/unit/storage/fixture.h"

struct openings {
    struct fixture fixture;
    struct image first;  /* While it was open the first time, */
    struct image second; /* and the second time. */
    struct contents first_contents;
    struct contents second_contents;
};

static struct openings openings_create(void) {
    struct openings openings = {.fixture = fixture_create()};
    struct storage *storage = fixture_open(&openings.fixture);
    fixture_append(storage, 1, 3, 10);
    openings.first = image_take(&openings.fixture);
    openings.first_contents = contents_of(storage);
    storage_close(storage);
    storage = fixture_open(&openings.fixture);
    fixture_append(storage, 2, 1, 20);
    openings.second = image_take(&openings.fixture);
    openings.second_contents = contents_of(storage);
    storage_close(storage);
    return openings;
}

static void openings_destroy(struct openings *openings) {
    image_destroy(&openings->first);
    image_destroy(&openings->second);
    free(openings->first_contents.text);
    free(openings->second_contents.text);
    fixture_destroy(&openings->fixture);
}

/* A copy of the file, beside those that are there, or in place of the one of that name. */
static struct image_file *add(struct image *image, const struct image_file *file) {
    struct image_file *found = NULL;
    for (size_t i = 0; i < image->count; i++) {
        found = strcmp(image->files[i].name, file->name) == 0 ? &image->files[i] : found;
    }
    if (found == NULL) {
        found = &image->files[image->count++];
        *found = (struct image_file){.size = 0};
    }
    free(found->bytes);
    *found = *file;
    found->bytes = memory_copy(file->bytes, file->size);
    return found;
}

static void append_bytes(struct image_file *file, const void *bytes, size_t size) {
    file->bytes = memory_realloc(file->bytes, file->size + size);
    memcpy(file->bytes + file->size, bytes, size);
    file->size += size;
}

/* A whole record. */
static void append_record(struct image_file *file, const void *bytes, size_t size) {
    uint8_t header[7] = {0, 0, 0, 0, (uint8_t)size, 0, 1};
    uint32_t crc = crc32c_extend(crc32c_extend(0, header + 6, 1), bytes, size);
    uint32_t masked = ((crc >> 15) | (crc << 17)) + UINT32_C(0xa282ead8);
    for (int i = 0; i < 4; i++) {
        header[i] = (uint8_t)(masked >> (8 * i));
    }
    append_bytes(file, header, sizeof header);
    append_bytes(file, bytes, size);
}

static void add_line(void *context, const char *line) {
    char *text = context;
    snprintf(text + strlen(text), 1000 - strlen(text), "%s\n", line);
}

/* Opens it and expects these contents, then once more without any repair. */
static void expect(const struct openings *openings, const struct image *image, const struct contents *wanted,
                   const char *told) {
    image_put_back(image, &openings->fixture);
    for (int i = 0; i < 2; i++) {
        char lines[1000] = "";
        struct storage *storage = NULL;
        struct storage_message message = {""};
        enum storage_error error = storage_open(openings->fixture.data, FIXTURE_NODE, add_line, lines, &storage, &message);
        ck_assert_msg(error == STORAGE_OK, "%d %s", (int)error, message.text);
        struct contents found = contents_of(storage);
        ck_assert_msg(contents_equal(&found, wanted), "%s\n%s", found.text, wanted->text);
        ck_assert_msg(i == 0 ? strstr(lines, told) != NULL : lines[0] == '\0', "%s", lines);
        free(found.text);
        storage_close(storage);
    }
}

static void expect_refused(const struct openings *openings, const struct image *image, const char *reason) {
    struct storage *storage = NULL;
    struct storage_message message = {""};
    image_put_back(image, &openings->fixture);
    ck_assert_int_eq(fixture_try_open(&openings->fixture, &storage, &message), STORAGE_DAMAGED);
    ck_assert_msg(strstr(message.text, reason) != NULL, "%s", message.text);
}

static bool is_there(const struct openings *openings, const char *name) {
    char path[FIXTURE_PATH];
    fixture_path(path, &openings->fixture, name);
    return access(path, F_OK) == 0;
}

START_TEST(an_old_current_whose_files_are_gone_is_put_right) {
    struct openings openings = openings_create();
    add(&openings.second, image_find(&openings.first, "CURRENT"));
    expect(&openings, &openings.second, &openings.second_contents, "/CURRENT name MANIFEST-");
    openings_destroy(&openings);
}
END_TEST

/* Then the old one may lack a newer log without saying so. */
START_TEST(an_old_current_whose_files_are_there_is_put_right_all_the_same) {
    struct openings openings = openings_create();
    add(&openings.second, image_find(&openings.first, "CURRENT"));
    add(&openings.second, image_find_manifest(&openings.first));
    add(&openings.second, image_find(&openings.first, ".log"));
    image_find(&openings.first, "floor")->size = 0;
    expect(&openings, &openings.second, &openings.second_contents, "/CURRENT name MANIFEST-");
    openings_destroy(&openings);
}
END_TEST

START_TEST(a_newer_manifest_that_lacks_files_is_removed) {
    struct openings openings = openings_create();
    const struct image_file *newer = add(&openings.first, image_find_manifest(&openings.second));
    expect(&openings, &openings.first, &openings.first_contents, "");
    ck_assert(!is_there(&openings, newer->name));
    openings_destroy(&openings);
}
END_TEST

START_TEST(a_newer_manifest_that_is_not_finished_is_removed) {
    struct openings openings = openings_create();
    struct image_file newer = *image_find_manifest(&openings.second);
    size_t whole = newer.size;
    for (newer.size = 0; newer.size < whole; newer.size++) {
        add(&openings.first, &newer);
        expect(&openings, &openings.first, &openings.first_contents, "");
        ck_assert(!is_there(&openings, newer.name));
    }
    openings_destroy(&openings);
}
END_TEST

/* Table 99, of 100 bytes, new in level 0, from a to b; the keys end in LevelDB's sequence number and type. */
#define TABLE_99                                                                                                           \
    "\7\0\x63\x64\x9"                                                                                                      \
    "a\1\0\0\0\0\0\0\0\x9"                                                                                                 \
    "b\1\0\0\0\0\0\0\0"

START_TEST(a_last_record_whose_table_is_not_there_is_cut_off) {
    struct openings openings = openings_create();
    struct image_file *manifest = image_find_manifest(&openings.second);
    append_record(manifest, TABLE_99, sizeof TABLE_99 - 1);
    expect(&openings, &openings.second, &openings.second_contents, "/MANIFEST-");
    openings_destroy(&openings);
}
END_TEST

START_TEST(a_table_that_is_not_there_is_damage_when_another_record_follows) {
    struct openings openings = openings_create();
    struct image_file *manifest = image_find_manifest(&openings.second);
    append_record(manifest, TABLE_99, sizeof TABLE_99 - 1);
    append_record(manifest, "\4\x64", 2); /* The last sequence is 100. */
    expect_refused(&openings, &openings.second, "000099.ldb");
    openings_destroy(&openings);
}
END_TEST

START_TEST(a_torn_last_record_is_cut_off) {
    const char record[] = "\0\0\0\0\x8\0\1\7\0\x63\x64\1a\1b"; /* Its checksum is not there. */
    for (size_t size = 1; size < sizeof record - 1; size++) {
        struct openings openings = openings_create();
        append_bytes(image_find_manifest(&openings.second), record, size);
        expect(&openings, &openings.second, &openings.second_contents, "/MANIFEST-");
        openings_destroy(&openings);
    }
}
END_TEST

START_TEST(a_missing_log_is_damage_although_a_manifest_is_whole) {
    struct openings openings = openings_create();
    struct image_file *log = image_find(&openings.second, ".log");
    free(log->bytes);
    *log = openings.second.files[--openings.second.count];
    expect_refused(&openings, &openings.second, ".log is missing");
    openings_destroy(&openings);
}
END_TEST

static void add_tests(TCase *tcase) {
    tcase_add_test(tcase, an_old_current_whose_files_are_gone_is_put_right);
    tcase_add_test(tcase, an_old_current_whose_files_are_there_is_put_right_all_the_same);
    tcase_add_test(tcase, a_newer_manifest_that_lacks_files_is_removed);
    tcase_add_test(tcase, a_newer_manifest_that_is_not_finished_is_removed);
    tcase_add_test(tcase, a_last_record_whose_table_is_not_there_is_cut_off);
    tcase_add_test(tcase, a_table_that_is_not_there_is_damage_when_another_record_follows);
    tcase_add_test(tcase, a_torn_last_record_is_cut_off);
    tcase_add_test(tcase, a_missing_log_is_damage_although_a_manifest_is_whole);
}

CHECK_MAIN("manifest_choice", add_tests)
