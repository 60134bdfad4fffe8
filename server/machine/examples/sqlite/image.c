#include "image.h"

#include "text.h"

#include <sqlite3.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PIECE_BYTES = 16 * 1024 };

/* References are counted on the thread of the machine alone: the thread that writes a frozen image only reads bytes. */
struct piece {
    size_t references;
    unsigned char bytes[PIECE_BYTES];
};

struct pieces {
    struct piece **array; /* Owned; a NULL is all zeros. */
    size_t count;
    size_t size; /* Bytes of the file. */
};

struct image {
    struct pieces pieces;
    size_t capacity; /* Of pieces.array. */
    size_t limit;    /* Bytes. */
    sqlite3_vfs vfs;
    char name[64];
};

struct image_frozen {
    struct pieces pieces;
};

/* What SQLite has open. */
struct image_file {
    sqlite3_file base;
    struct image *image;
    bool scratch; /* Its own, until it is closed. */
};

static void drop(struct piece *piece) {
    if (piece != NULL && --piece->references == 0) {
        free(piece);
    }
}

static const struct piece *piece_at(const struct pieces *pieces, size_t at) {
    return at / PIECE_BYTES < pieces->count ? pieces->array[at / PIECE_BYTES] : NULL;
}

/* The piece, for writing: ours alone. */
static struct piece *own(struct image *image, size_t number) {
    struct pieces *pieces = &image->pieces;
    if (number >= image->capacity) {
        size_t capacity = 2 * number + 64;
        struct piece **array = get_memory(capacity * sizeof(struct piece *));
        if (pieces->count > 0) {
            memcpy(array, pieces->array, pieces->count * sizeof(struct piece *));
        }
        free(pieces->array);
        pieces->array = array;
        image->capacity = capacity;
    }
    if (number >= pieces->count) {
        pieces->count = number + 1;
    }
    struct piece **place = &pieces->array[number];
    if (*place == NULL || (*place)->references > 1) {
        struct piece *copy = get_memory(sizeof *copy);
        if (*place != NULL) {
            memcpy(copy->bytes, (*place)->bytes, PIECE_BYTES);
            drop(*place);
        }
        copy->references = 1;
        *place = copy;
    }
    return *place;
}

static void put(struct image *image, size_t at, const unsigned char *bytes, size_t size) {
    while (size > 0) {
        size_t in_piece = at % PIECE_BYTES;
        size_t part = size < PIECE_BYTES - in_piece ? size : PIECE_BYTES - in_piece;
        memcpy(own(image, at / PIECE_BYTES)->bytes + in_piece, bytes, part);
        at += part;
        bytes += part;
        size -= part;
    }
    if (at > image->pieces.size) {
        image->pieces.size = at;
    }
}

void image_append(struct image *image, const void *bytes, size_t size) {
    put(image, image->pieces.size, bytes, size);
}

/* -- What SQLite calls -- */

static struct image *image_of(sqlite3_file *file) {
    return ((struct image_file *)(void *)file)->image;
}

static void drop_all(struct pieces *pieces) {
    for (size_t i = 0; i < pieces->count; i++) {
        drop(pieces->array[i]);
    }
    free(pieces->array);
}

static int file_close(sqlite3_file *file) {
    if (((struct image_file *)(void *)file)->scratch) {
        drop_all(&image_of(file)->pieces);
        free(image_of(file));
    }
    return SQLITE_OK;
}

static int file_read(sqlite3_file *file, void *to, int wanted, sqlite3_int64 from) {
    const struct pieces *pieces = &image_of(file)->pieces;
    unsigned char *bytes = to;
    size_t at = (size_t)from, size = (size_t)wanted;
    memset(bytes, 0, size);
    size_t there = at >= pieces->size ? 0 : pieces->size - at < size ? pieces->size - at : size;
    for (size_t done = 0; done < there;) {
        size_t in_piece = (at + done) % PIECE_BYTES;
        size_t part = there - done < PIECE_BYTES - in_piece ? there - done : PIECE_BYTES - in_piece;
        const struct piece *piece = piece_at(pieces, at + done);
        if (piece != NULL) {
            memcpy(bytes + done, piece->bytes + in_piece, part);
        }
        done += part;
    }
    return there == size ? SQLITE_OK : SQLITE_IOERR_SHORT_READ;
}

static int file_write(sqlite3_file *file, const void *bytes, int size, sqlite3_int64 at) {
    if ((size_t)at + (size_t)size > image_of(file)->limit) {
        return SQLITE_FULL;
    }
    put(image_of(file), (size_t)at, bytes, (size_t)size);
    return SQLITE_OK;
}

static int file_truncate(sqlite3_file *file, sqlite3_int64 size) {
    struct image *image = image_of(file);
    struct pieces *pieces = &image->pieces;
    size_t keep = ((size_t)size + PIECE_BYTES - 1) / PIECE_BYTES;
    while (pieces->count > keep) {
        drop(pieces->array[--pieces->count]);
        pieces->array[pieces->count] = NULL;
    }
    if ((size_t)size < pieces->size && size % PIECE_BYTES != 0 && pieces->count == keep) {
        memset(own(image, keep - 1)->bytes + size % PIECE_BYTES, 0, (size_t)(PIECE_BYTES - size % PIECE_BYTES));
    }
    pieces->size = (size_t)size;
    return SQLITE_OK;
}

static int file_sync(sqlite3_file *file, int flags) {
    (void)file, (void)flags;
    return SQLITE_OK;
}

static int file_size(sqlite3_file *file, sqlite3_int64 *out_size) {
    *out_size = (sqlite3_int64)image_of(file)->pieces.size;
    return SQLITE_OK;
}

/* One thread at a time, and no transaction is open between two calls of the machine. */
static int file_lock(sqlite3_file *file, int kind) {
    (void)file, (void)kind;
    return SQLITE_OK;
}

static int file_check_lock(sqlite3_file *file, int *out_locked) {
    (void)file;
    *out_locked = 0;
    return SQLITE_OK;
}

static int file_control(sqlite3_file *file, int what, void *argument) {
    (void)file, (void)what, (void)argument;
    return SQLITE_NOTFOUND;
}

static int file_sector(sqlite3_file *file) {
    (void)file;
    return 4096;
}

static int file_kind(sqlite3_file *file) {
    (void)file;
    return SQLITE_IOCAP_POWERSAFE_OVERWRITE;
}

/* The journal is kept in memory: what is not the database is what SQLite cannot keep in its cache while it sorts, groups or
 * repeats. */
static int vfs_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags, int *out_flags) {
    static const sqlite3_io_methods methods = {
        .iVersion = 1,
        .xClose = file_close,
        .xRead = file_read,
        .xWrite = file_write,
        .xTruncate = file_truncate,
        .xSync = file_sync,
        .xFileSize = file_size,
        .xLock = file_lock,
        .xUnlock = file_lock,
        .xCheckReservedLock = file_check_lock,
        .xFileControl = file_control,
        .xSectorSize = file_sector,
        .xDeviceCharacteristics = file_kind,
    };
    (void)name;
    struct image_file *opened = (struct image_file *)(void *)file;
    opened->scratch = (flags & SQLITE_OPEN_MAIN_DB) == 0;
    opened->image = opened->scratch ? get_memory(sizeof(struct image)) : vfs->pAppData;
    if (opened->scratch) {
        opened->image->limit = IMAGE_SCRATCH_BYTES_MAX;
    }
    file->pMethods = &methods;
    if (out_flags != NULL) {
        *out_flags = flags;
    }
    return SQLITE_OK;
}

static int vfs_delete(sqlite3_vfs *vfs, const char *name, int sync) {
    (void)vfs, (void)name, (void)sync;
    return SQLITE_OK;
}

static int vfs_access(sqlite3_vfs *vfs, const char *name, int flags, int *out_there) {
    (void)vfs, (void)name, (void)flags;
    *out_there = 0;
    return SQLITE_OK;
}

static int vfs_path(sqlite3_vfs *vfs, const char *name, int size, char *out) {
    (void)vfs;
    sqlite3_snprintf(size, out, "%s", name);
    return SQLITE_OK;
}

static int vfs_randomness(sqlite3_vfs *vfs, int size, char *out) {
    (void)vfs;
    memset(out, 0, (size_t)size);
    return size;
}

static int vfs_sleep(sqlite3_vfs *vfs, int microseconds) {
    (void)vfs;
    return microseconds;
}

/* There is no time here: who asks gets an error. */
static int vfs_time(sqlite3_vfs *vfs, double *out_now) {
    (void)vfs;
    *out_now = 0;
    return SQLITE_ERROR;
}

struct image *image_create(void) {
    struct image *image = get_memory(sizeof *image);
    image->limit = SIZE_MAX;
    snprintf(image->name, sizeof image->name, "raftd-%p", (void *)image);
    image->vfs = (sqlite3_vfs){
        .iVersion = 1,
        .szOsFile = sizeof(struct image_file),
        .mxPathname = 64,
        .zName = image->name,
        .pAppData = image,
        .xOpen = vfs_open,
        .xDelete = vfs_delete,
        .xAccess = vfs_access,
        .xFullPathname = vfs_path,
        .xRandomness = vfs_randomness,
        .xSleep = vfs_sleep,
        .xCurrentTime = vfs_time,
    };
    if (sqlite3_vfs_register(&image->vfs, 0) != SQLITE_OK) {
        free(image);
        return NULL;
    }
    return image;
}

void image_destroy(struct image *image) {
    if (image != NULL) {
        sqlite3_vfs_unregister(&image->vfs);
        drop_all(&image->pieces);
        free(image);
    }
}

const char *image_vfs(const struct image *image) {
    return image->name;
}

/* -- Set aside -- */

struct image_frozen *image_freeze(struct image *image) {
    struct image_frozen *frozen = get_memory(sizeof *frozen);
    const struct pieces *from = &image->pieces;
    frozen->pieces = (struct pieces){get_memory(from->count * sizeof(struct piece *)), from->count, from->size};
    for (size_t i = 0; i < from->count; i++) {
        frozen->pieces.array[i] = from->array[i];
        if (from->array[i] != NULL) {
            from->array[i]->references++;
        }
    }
    return frozen;
}

bool image_frozen_write(const struct image_frozen *frozen, struct machine_output output) {
    static const unsigned char zeros[PIECE_BYTES];
    const struct pieces *pieces = &frozen->pieces;
    for (size_t at = 0; at < pieces->size; at += PIECE_BYTES) {
        const struct piece *piece = piece_at(pieces, at);
        size_t part = pieces->size - at < PIECE_BYTES ? pieces->size - at : PIECE_BYTES;
        if (!output.append(output.context, piece != NULL ? piece->bytes : zeros, part)) {
            return false;
        }
    }
    return true;
}

void image_release(struct image_frozen *frozen) {
    drop_all(&frozen->pieces);
    free(frozen);
}
