#include "storage/resident.h"

#include "tests/check_main.h"
#include "tests/unit/storage/fixture.h"

#include <linux/magic.h>
#include <sys/mman.h>
#include <sys/statfs.h>

enum { MAPPED_BYTES = 1 << 20 };

static size_t resident_pages(const void *at) {
    /* mincore would tell of the page cache; what counts for the process stands in smaps, as Rss under the mapping's first
     * line. */
    FILE *maps = fopen("/proc/self/smaps", "r");
    char line[1000];
    char start[32];
    bool found = false;
    unsigned long kilobytes = 0;
    snprintf(start, sizeof start, "%lx-", (unsigned long)at);
    while (fgets(line, sizeof line, maps) != NULL) {
        found = found || strncmp(line, start, strlen(start)) == 0;
        if (found && sscanf(line, "Rss: %lu kB", &kilobytes) == 1) {
            break;
        }
    }
    fclose(maps);
    ck_assert(found);
    return kilobytes / 4;
}

static const unsigned char *map_file(const char *path) {
    char *bytes = memory_alloc(MAPPED_BYTES);
    memset(bytes, 'x', MAPPED_BYTES);
    fixture_put_file(path, bytes, MAPPED_BYTES);
    free(bytes);
    int descriptor = open(path, O_RDONLY);
    ck_assert_int_ge(descriptor, 0);
    ck_assert_int_eq(fsync(descriptor), 0); /* Only clean pages can be given back at once. */
    const unsigned char *mapped = mmap(NULL, MAPPED_BYTES, PROT_READ, MAP_SHARED, descriptor, 0);
    ck_assert_ptr_ne(mapped, MAP_FAILED);
    close(descriptor);
    return mapped;
}

static unsigned sum_of(const unsigned char *mapped) {
    unsigned sum = 0;
    for (size_t i = 0; i < MAPPED_BYTES; i++) {
        sum += mapped[i];
    }
    return sum;
}

START_TEST(pages_of_files_in_the_directory_are_given_back_and_others_are_kept) {
    char base[] = "/var/tmp/raftd-storage-XXXXXX";
    char inside[FIXTURE_PATH];
    char outside[FIXTURE_PATH];
    struct statfs status;
    if (statfs("/var/tmp", &status) == 0 && status.f_type == TMPFS_MAGIC) {
        return; /* Files in memory have no disk to be paged out to. */
    }
    ck_assert_ptr_nonnull(mkdtemp(base));
    snprintf(inside, sizeof inside, "%s/in", base);
    ck_assert_int_eq(mkdir(inside, 0700), 0);
    snprintf(inside, sizeof inside, "%s/in/file", base);
    snprintf(outside, sizeof outside, "%s/inside-only-by-name", base);
    const unsigned char *mapped_inside = map_file(inside);
    const unsigned char *mapped_outside = map_file(outside);
    unsigned expected = MAPPED_BYTES * (unsigned)'x';
    ck_assert_uint_eq(sum_of(mapped_inside), expected);
    ck_assert_uint_eq(sum_of(mapped_outside), expected);
    ck_assert_uint_eq(resident_pages(mapped_inside), MAPPED_BYTES / 4096);

    snprintf(inside, sizeof inside, "%s/in", base);
    resident_release(inside);

    ck_assert_uint_lt(resident_pages(mapped_inside), MAPPED_BYTES / 4096 / 4);
    ck_assert_uint_eq(resident_pages(mapped_outside), MAPPED_BYTES / 4096);
    ck_assert_uint_eq(sum_of(mapped_inside), expected);
    fixture_remove(base);
}
END_TEST

START_TEST(a_directory_of_which_nothing_is_mapped_is_fine) {
    resident_release("/no/such/directory");
}
END_TEST

static void add_tests(TCase *tcase) {
    tcase_add_test(tcase, pages_of_files_in_the_directory_are_given_back_and_others_are_kept);
    tcase_add_test(tcase, a_directory_of_which_nothing_is_mapped_is_fine);
}

CHECK_MAIN("resident", add_tests)
