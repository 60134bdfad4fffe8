/* The scanner against a collection of texts that parsers disagree about: files named y_* are JSON, n_* are not, i_* are
 * left to each parser. RAFTD_JSON_SUITE says where the collection is. */
#include "tests/check_main.h"

#include <dirent.h>
#include <stdio.h>
#include <string.h>

#include "server/json/json.h"

enum { FILE_SIZE_MAX = 1 << 20, PATH_SIZE_MAX = 4096 };

static const char *suite_path(void) {
    const char *path = getenv("RAFTD_JSON_SUITE");
    return path != NULL ? path : "../shared/json-test-suite";
}

/* What this house has decided about the texts that are left open, from what their names say they have: any number is fine
 * and so are escapes of lone surrogates; bytes that are no UTF-8, other encodings and byte order marks are not. */
static bool open_case_is_accepted(const char *name) {
    if (strncmp(name, "i_number", 8) == 0)
        return true;
    if (strcmp(name, "i_structure_500_nested_arrays.json") == 0)
        return true;
    static const char *const escapes[] = {
        "i_object_key_lone_2nd_surrogate.json",          "i_string_1st_surrogate_but_2nd_missing.json",
        "i_string_1st_valid_surrogate_2nd_invalid.json", "i_string_incomplete_surrogate_and_escape_valid.json",
        "i_string_incomplete_surrogate_pair.json",       "i_string_incomplete_surrogates_escape_valid.json",
        "i_string_invalid_lonely_surrogate.json",        "i_string_invalid_surrogate.json",
        "i_string_inverted_surrogates_U+1D11E.json",     "i_string_lone_second_surrogate.json",
    };
    for (size_t i = 0; i < sizeof escapes / sizeof escapes[0]; i++) {
        if (strcmp(name, escapes[i]) == 0)
            return true;
    }
    return false;
}

/* Whether the file is JSON to the scanner. The copy has exactly the file's size, so that a sanitizer sees a byte too much.
 */
static bool file_is_accepted(const char *directory, const char *name) {
    char path[PATH_SIZE_MAX];
    int length = snprintf(path, sizeof path, "%s/%s", directory, name);
    ck_assert_int_lt(length, PATH_SIZE_MAX);
    FILE *file = fopen(path, "rb");
    ck_assert_msg(file != NULL, "cannot read %s", path);
    char *text = malloc(FILE_SIZE_MAX);
    ck_assert_ptr_nonnull(text);
    size_t size = fread(text, 1, FILE_SIZE_MAX, file);
    ck_assert_uint_lt(size, FILE_SIZE_MAX);
    fclose(file);
    text = realloc(text, size == 0 ? 1 : size);
    struct json_span value;
    size_t offset = 0;
    bool accepted = json_scan(text, size, &value, &offset);
    ck_assert_msg(accepted || offset <= size, "%s: refused behind its end", name);
    free(text);
    return accepted;
}

/* Runs the files whose names begin with `kind`; answers how many there were, or -1 when there is no collection. */
static int run_files(char kind) {
    const char *path = suite_path();
    DIR *directory = opendir(path);
    if (directory == NULL) {
        printf("skipped: there is no JSON test suite at %s\n", path);
        return -1;
    }
    int files = 0;
    struct dirent *entry;
    while ((entry = readdir(directory)) != NULL) {
        const char *name = entry->d_name;
        if (name[0] != kind || name[1] != '_')
            continue;
        bool expected = kind == 'y' || (kind == 'i' && open_case_is_accepted(name));
        ck_assert_msg(file_is_accepted(path, name) == expected, "%s is %s", name, expected ? "refused" : "accepted");
        files++;
    }
    closedir(directory);
    return files;
}

START_TEST(every_text_that_is_json_is_accepted) {
    ck_assert_int_ne(run_files('y'), 0);
}
END_TEST

START_TEST(every_text_that_is_not_json_is_refused) {
    ck_assert_int_ne(run_files('n'), 0);
}
END_TEST

START_TEST(every_text_that_is_left_open_is_decided_as_written_down) {
    ck_assert_int_ne(run_files('i'), 0);
}
END_TEST

static void add_tests(TCase *tcase) {
    tcase_add_test(tcase, every_text_that_is_json_is_accepted);
    tcase_add_test(tcase, every_text_that_is_not_json_is_refused);
    tcase_add_test(tcase, every_text_that_is_left_open_is_decided_as_written_down);
}

CHECK_MAIN("json: suite", add_tests)
