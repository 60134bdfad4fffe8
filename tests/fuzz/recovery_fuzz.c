/* A data directory that was damaged, opened again. The first byte says which of two good stores (one with all in its newest
 * log file, one with tables as well) and how many of the files are touched; then come pieces of damage:
 *
 *     file, what (0 flip a bit, 1 overwrite, 2 cut, 3 append, 4 remove, 5 zeros), two bytes where, one byte more
 *
 * It is refused with a sentence or holds what was written: with one file touched everything, with several at least nothing
 * that was never there. */
#include "tests/fuzz/check_here.h"

#include <sys/syscall.h>
#include <time.h>

#include "tests/unit/storage/fixture.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { STATES = 8, DAMAGES_MAX = 6, DAMAGE_BYTES = 5, STORES = 2 };

/* A good one, and what it held after each write. */
struct good {
    struct image image;
    struct contents states[STATES];
    size_t count;
};

static struct good goods[STORES];

/* -- The same every time: an incarnation that is not drawn, a clock that is ahead of every file, files by their names -- */

ssize_t getrandom(void *bytes, size_t size, unsigned flags) {
    (void)flags;
    memset(bytes, 0x5a, size);
    return (ssize_t)size;
}

int clock_gettime(clockid_t clock, struct timespec *out_now) {
    if (clock == CLOCK_REALTIME_COARSE) {
        *out_now = (struct timespec){.tv_sec = 4102444800};
        return 0;
    }
    return (int)syscall(SYS_clock_gettime, clock, out_now);
}

static int compare_names(const void *left, const void *right) {
    return strcmp(((const struct image_file *)left)->name, ((const struct image_file *)right)->name);
}

/* Without LevelDB's diary, which holds times and which nothing reads. */
static struct image take_in_order(const struct fixture *fixture) {
    struct image image = image_take(fixture);
    size_t kept = 0;
    for (size_t i = 0; i < image.count; i++) {
        if (strncmp(image.files[i].name, "log.db/LOG", 10) == 0) {
            free(image.files[i].bytes);
        } else {
            image.files[kept++] = image.files[i];
        }
    }
    image.count = kept;
    qsort(image.files, image.count, sizeof image.files[0], compare_names);
    return image;
}

/* -- Two good ones -- */

static void note(struct good *good, struct storage *storage) {
    good->states[good->count++] = contents_of(storage);
}

static void make(struct good *good, bool tables) {
    struct fixture fixture = fixture_create();
    struct storage *storage = fixture_open(&fixture);
    note(good, storage);
    struct storage_write founding = {
        .hard_state_changed = true, .hard_state = {.term = 1}, .cluster_changed = true, .formed = true};
    memset(founding.cluster_id, 'c', STORAGE_CLUSTER_ID_SIZE);
    struct storage_message message;
    ck_assert(storage_write(storage, &founding, &message) == STORAGE_OK);
    note(good, storage);
    fixture_append(storage, 1, 3, 40);
    note(good, storage);
    if (tables) {
        storage_close(storage);
        storage = fixture_open(&fixture);
    }
    fixture_append(storage, 2, 1, 10);
    note(good, storage);
    fixture_compact(storage, 2, (struct raft_entry_id){3, 1});
    note(good, storage);
    fixture_append(storage, 3, 2, 20);
    note(good, storage);
    if (tables) {
        storage_close(storage); /* As a node that ended well leaves it; the other died. */
        good->image = take_in_order(&fixture);
    } else {
        good->image = take_in_order(&fixture);
        storage_close(storage);
    }
    fixture_destroy(&fixture);
}

static void damage(struct image_file *file, uint8_t what, size_t where, uint8_t more) {
    size_t at = file->size == 0 ? 0 : where % file->size;
    switch (what % 6) {
    case 0:
        if (file->size > 0) {
            file->bytes[at] ^= (unsigned char)(1U << (more & 7));
        }
        break;
    case 1:
        if (file->size > 0) {
            file->bytes[at] = more;
        }
        break;
    case 2:
        file->size = at;
        break;
    case 3:
        file->bytes = memory_realloc(file->bytes, file->size + 1 + more);
        memset(file->bytes + file->size, (int)where & 0xff, 1 + (size_t)more);
        file->size += 1 + (size_t)more;
        break;
    case 4:
        file->name[0] = '\0';
        break;
    default:
        memset(file->bytes + at, 0, file->size - at < more ? file->size - at : more);
        break;
    }
}

/* Answers how many files are not what they were. */
static size_t damage_all(const struct image *good, struct image *image, const uint8_t *data, size_t size) {
    for (size_t i = 0; i < DAMAGES_MAX && size >= DAMAGE_BYTES; i++, data += DAMAGE_BYTES, size -= DAMAGE_BYTES) {
        struct image_file *file = &image->files[data[0] % image->count];
        if (file->name[0] != '\0') {
            damage(file, data[1], (size_t)data[2] << 8 | data[3], data[4]);
        }
    }
    size_t changed = 0;
    size_t kept = 0;
    for (size_t i = 0; i < image->count; i++) {
        struct image_file *file = &image->files[i];
        bool same = file->name[0] != '\0' && file->size == good->files[i].size &&
                    (file->size == 0 || memcmp(file->bytes, good->files[i].bytes, file->size) == 0);
        changed += same ? 0 : 1;
        if (file->name[0] == '\0') {
            free(file->bytes);
        } else {
            image->files[kept++] = *file;
        }
    }
    image->count = kept;
    return changed;
}

static void check(const struct good *good, const struct contents *now, size_t changed) {
    for (size_t i = good->count; i > 0; i--) {
        if (contents_equal(&good->states[i - 1], now)) {
            ck_assert_msg(i == good->count || changed > 1, "one damaged file, and what was promised is gone: %s",
                          now->text);
            return;
        }
    }
    ck_abort_msg("it holds what it never held: %s", now->text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size < 1 || size > 1 + DAMAGES_MAX * DAMAGE_BYTES) {
        return 0;
    }
    if (goods[0].count == 0) {
        for (size_t i = 0; i < STORES; i++) {
            make(&goods[i], i == 1);
        }
    }
    const struct good *good = &goods[data[0] % STORES];
    struct image image = good->image;
    for (size_t i = 0; i < image.count; i++) {
        image.files[i].bytes = memory_copy(image.files[i].bytes, image.files[i].size);
    }
    size_t changed = damage_all(&good->image, &image, data + 1, size - 1);
    struct fixture fixture = fixture_create();
    image_put_back(&image, &fixture);
    image_destroy(&image);
    struct contents now;
    enum storage_error error;
    struct storage_message message = {""};
    if (contents_read(&fixture, &now, &error, &message)) {
        check(good, &now, changed);
        struct contents again;
        ck_assert_msg(contents_read(&fixture, &again, &error, &message), "it opens once, and then not: %s", message.text);
        ck_assert_msg(contents_equal(&now, &again), "opened again it holds something else");
        free(now.text);
        free(again.text);
    } else {
        ck_assert_msg(message.text[0] != '\0' && strchr(message.text, '\n') == NULL, "a refusal without a sentence");
        ck_assert_msg(changed > 0, "a good store is refused: %s", message.text);
    }
    fixture_destroy(&fixture);
    return 0;
}
