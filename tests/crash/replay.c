#include "tests/crash/replay.h"

#include "server/base/memory.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* A change of a file's bytes or size, or of a directory's names; not sure yet. */
struct change {
    size_t at;                  /* Position of the record. */
    const unsigned char *bytes; /* A write's; in the journal. NULL: a change of size. */
    uint64_t offset;            /* Of the write, or the new size. */
    size_t size;
    char *name;            /* That the change makes; NULL: none. Owned. */
    char *former;          /* That it removes; NULL: none. Owned. */
    struct object *object; /* What has the name. */
};

struct name {
    char *name; /* Owned. */
    struct object *object;
};

struct names {
    struct name *list;
    size_t count;
    size_t capacity;
};

/* A file or directory, whatever names it has. */
struct object {
    struct object *next;
    uint64_t inode;
    bool is_directory;
    unsigned char *bytes; /* Those that are sure. */
    size_t size;
    size_t capacity;
    struct names names; /* Those that are sure. */
    struct names current;
    struct change *changes;
    size_t change_count;
    size_t change_capacity;
};

struct sync {
    uint64_t number;
    struct object *object;
    size_t at;
};

struct replay {
    const unsigned char *journal;
    size_t journal_size;
    size_t offset;
    size_t position;
    const struct journal_record *last;
    struct object *objects; /* All that ever were. */
    struct object *root;
    struct sync *syncs;
    size_t sync_count;
    size_t sync_capacity;
};

/* -- Names -- */

static struct name *find_name(const struct names *names, const char *name) {
    for (size_t i = 0; i < names->count; i++) {
        if (strcmp(names->list[i].name, name) == 0) {
            return &names->list[i];
        }
    }
    return NULL;
}

static void bind(struct names *names, const char *name, struct object *object) {
    struct name *found = find_name(names, name);
    if (found == NULL) {
        names->list = memory_grow(names->list, &names->capacity, names->count + 1, sizeof *names->list);
        found = &names->list[names->count++];
        found->name = memory_text(name, strlen(name));
    }
    found->object = object;
}

static void unbind(struct names *names, const char *name) {
    struct name *found = find_name(names, name);
    if (found != NULL) {
        free(found->name);
        *found = names->list[--names->count];
    }
}

static void free_names(struct names *names) {
    while (names->count > 0) {
        free(names->list[--names->count].name);
    }
    free(names->list);
}

static void change_names(struct names *names, const struct change *change) {
    if (change->former != NULL) {
        struct name *former = find_name(names, change->former);
        /* A name that was given to something else meanwhile stays. */
        if (former != NULL && (change->name == NULL || former->object == change->object)) {
            unbind(names, change->former);
        }
    }
    if (change->name != NULL) {
        bind(names, change->name, change->object);
    }
}

/* -- Objects -- */

static struct object *add_object(struct replay *replay, uint64_t inode, bool is_directory) {
    struct object *object = memory_zalloc(sizeof *object);
    *object = (struct object){.next = replay->objects, .inode = inode, .is_directory = is_directory};
    replay->objects = object;
    return object;
}

/* The newest: numbers are used again when a file is gone. */
static struct object *find_object(const struct replay *replay, uint64_t inode) {
    struct object *object = replay->objects;
    while (object != NULL && object->inode != inode) {
        object = object->next;
    }
    assert(object != NULL);
    return object;
}

/* The directory of a path, and the last name in it. */
static struct object *find_parent(const struct replay *replay, const char *path, const char **out_name) {
    struct object *directory = replay->root;
    const char *slash = strchr(path, '/');
    while (slash != NULL) {
        char part[256];
        snprintf(part, sizeof part, "%.*s", (int)(slash - path), path);
        struct name *found = find_name(&directory->current, part);
        assert(found != NULL && found->object->is_directory);
        directory = found->object;
        path = slash + 1;
        slash = strchr(path, '/');
    }
    *out_name = path;
    return directory;
}

static struct change *add_change(const struct replay *replay, struct object *object) {
    object->changes =
        memory_grow(object->changes, &object->change_capacity, object->change_count + 1, sizeof *object->changes);
    struct change *change = &object->changes[object->change_count++];
    *change = (struct change){.at = replay->position};
    return change;
}

static void free_change(struct change *change) {
    free(change->name);
    free(change->former);
}

/* -- Bytes -- */

struct content {
    unsigned char *bytes;
    size_t size;
    size_t capacity;
};

static void resize(struct content *content, size_t size) {
    if (size > content->size) {
        content->bytes = memory_grow(content->bytes, &content->capacity, size, 1);
        memset(content->bytes + content->size, 0, size - content->size);
    }
    content->size = size;
}

static void put(struct content *content, uint64_t offset, const unsigned char *bytes, size_t size) {
    if (size > 0 && offset + size > content->size) {
        resize(content, offset + size);
    }
    if (size > 0) {
        memcpy(content->bytes + offset, bytes, size);
    }
}

static void change_bytes(struct content *content, const struct change *change) {
    if (change->bytes == NULL) {
        resize(content, change->offset);
    } else {
        put(content, change->offset, change->bytes, change->size);
    }
}

/* Everything of `object` from before the record `at` is sure now. */
static void make_sure(struct object *object, size_t at) {
    size_t count = 0;
    struct content content = {.bytes = object->bytes, .size = object->size, .capacity = object->capacity};
    while (count < object->change_count && object->changes[count].at < at) {
        if (object->is_directory) {
            change_names(&object->names, &object->changes[count]);
        } else {
            change_bytes(&content, &object->changes[count]);
        }
        free_change(&object->changes[count]);
        count++;
    }
    object->bytes = content.bytes;
    object->size = content.size;
    object->capacity = content.capacity;
    if (count > 0) {
        object->change_count -= count;
        memmove(object->changes, object->changes + count, object->change_count * sizeof *object->changes);
    }
}

/* -- Records -- */

static void perform_names(struct replay *replay, const struct journal_record *record, const char *path, const char *other) {
    const char *name = NULL;
    struct object *directory = find_parent(replay, path, &name);
    struct change *change = add_change(replay, directory);
    if (record->kind == JOURNAL_CREATE || record->kind == JOURNAL_MKDIR) {
        change->object = add_object(replay, record->inode, record->kind == JOURNAL_MKDIR);
        change->name = memory_text(name, strlen(name));
    } else {
        change->former = memory_text(name, strlen(name));
        struct name *found = find_name(&directory->current, name);
        assert(found != NULL);
        change->object = found->object;
    }
    if (record->kind == JOURNAL_RENAME) {
        const char *to = NULL;
        struct object *target = find_parent(replay, other, &to);
        assert(target == directory);
        change->name = memory_text(to, strlen(to));
    }
    change_names(&directory->current, change);
}

static void end_sync(struct replay *replay, uint64_t number) {
    for (size_t i = 0; i < replay->sync_count; i++) {
        if (replay->syncs[i].number == number) {
            make_sure(replay->syncs[i].object, replay->syncs[i].at);
            replay->syncs[i] = replay->syncs[--replay->sync_count];
            return;
        }
    }
    assert(false && "a sync that never began has ended");
}

static void perform(struct replay *replay, const struct journal_record *record) {
    char path[PATH_MAX];
    char other[PATH_MAX];
    const unsigned char *rest = (const unsigned char *)(record + 1);
    snprintf(path, sizeof path, "%.*s", (int)record->path_size, (const char *)rest);
    snprintf(other, sizeof other, "%.*s", (int)record->other_size, (const char *)rest + record->path_size);
    switch ((enum journal_kind)record->kind) {
    case JOURNAL_ROOT:
        replay->root = add_object(replay, record->inode, true);
        return;
    case JOURNAL_CREATE:
    case JOURNAL_MKDIR:
    case JOURNAL_RENAME:
    case JOURNAL_UNLINK:
        perform_names(replay, record, path, other);
        return;
    case JOURNAL_WRITE:
    case JOURNAL_SIZE: {
        struct change *change = add_change(replay, find_object(replay, record->inode));
        change->offset = record->offset;
        change->size = record->byte_count;
        change->bytes = record->kind == JOURNAL_WRITE ? rest + record->path_size + record->other_size : NULL;
        return;
    }
    case JOURNAL_SYNC_BEGIN:
        replay->syncs = memory_grow(replay->syncs, &replay->sync_capacity, replay->sync_count + 1, sizeof *replay->syncs);
        replay->syncs[replay->sync_count++] =
            (struct sync){.number = record->offset, .object = find_object(replay, record->inode), .at = replay->position};
        return;
    case JOURNAL_SYNC_END:
        end_sync(replay, record->offset);
        return;
    case JOURNAL_READY:
    case JOURNAL_MARK:
        return;
    }
    assert(false && "a record of no known kind");
}

const struct journal_record *replay_step(struct replay *replay) {
    if (replay->journal_size - replay->offset < sizeof(struct journal_record)) {
        return NULL;
    }
    const struct journal_record *record = (const void *)(replay->journal + replay->offset);
    if (record->size > replay->journal_size - replay->offset) {
        return NULL;
    }
    replay->last = record;
    replay->offset += record->size;
    replay->position++;
    perform(replay, replay->last);
    return replay->last;
}

size_t replay_position(const struct replay *replay) {
    return replay->position;
}

struct replay *replay_open(const char *path) {
    struct stat status;
    int descriptor = open(path, O_RDONLY | O_CLOEXEC);
    if (descriptor < 0 || fstat(descriptor, &status) != 0) {
        return NULL;
    }
    void *bytes = mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_PRIVATE, descriptor, 0);
    close(descriptor);
    if (bytes == MAP_FAILED) {
        return NULL;
    }
    struct replay *replay = memory_zalloc(sizeof *replay);
    replay->journal = bytes;
    replay->journal_size = (size_t)status.st_size;
    return replay;
}

static void free_object(struct object *object) {
    for (size_t i = 0; i < object->change_count; i++) {
        free_change(&object->changes[i]);
    }
    free(object->changes);
    free(object->bytes);
    free_names(&object->names);
    free_names(&object->current);
    free(object);
}

void replay_close(struct replay *replay) {
    while (replay->objects != NULL) {
        struct object *object = replay->objects;
        replay->objects = object->next;
        free_object(object);
    }
    free(replay->syncs);
    munmap((void *)(uintptr_t)replay->journal, replay->journal_size);
    free(replay);
}

/* -- What is left -- */

uint64_t replay_hash(uint64_t hash, const void *bytes, size_t size) {
    const unsigned char *at = bytes;
    hash ^= size * UINT64_C(0x9e3779b97f4a7c15);
    while (size > 0) {
        uint64_t word = 0;
        size_t here = size < sizeof word ? size : sizeof word;
        memcpy(&word, at, here);
        hash = (hash ^ word) * UINT64_C(0xff51afd7ed558ccd);
        hash ^= hash >> 32;
        at += here;
        size -= here;
    }
    return hash;
}

struct leaving {
    const struct replay *replay;
    const struct replay_choice *choice;
    size_t moment; /* With REPLAY_FIRST: the change that was under way. */
    struct replay_image image;
};

/* A number below `count` for this object, change and question: the same whenever it is asked. */
static uint64_t draw(const struct leaving *leaving, const struct object *object, uint64_t at, uint64_t question,
                     uint64_t count) {
    const uint64_t words[] = {leaving->choice->seed, object == NULL ? 0 : object->inode, at, question};
    return (replay_hash(1, words, sizeof words) >> 8) % count;
}

enum fate { FATE_LOST, FATE_TORN, FATE_THERE };

static enum fate fate_of_change(const struct leaving *leaving, enum replay_part part, const struct object *object,
                                const struct change *change) {
    switch (part) {
    case REPLAY_NOTHING:
        return FATE_LOST;
    case REPLAY_ALL:
        return FATE_THERE;
    case REPLAY_FIRST:
        return change->at < leaving->moment ? FATE_THERE : change->at == leaving->moment ? FATE_TORN : FATE_LOST;
    case REPLAY_ANY:
        break;
    }
    return (enum fate)draw(leaving, object, change->at, 1, 3);
}

/* Sector by sector; one of those that are written is cut somewhere. */
static void tear(const struct leaving *leaving, struct content *content, const struct object *object,
                 const struct change *change) {
    size_t end = change->offset + change->size;
    size_t cut =
        change->offset / REPLAY_SECTOR_BYTES +
        draw(leaving, object, change->at, 2, 1 + (end - 1) / REPLAY_SECTOR_BYTES - change->offset / REPLAY_SECTOR_BYTES);
    bool up_to_cut = leaving->choice->bytes == REPLAY_FIRST && draw(leaving, object, change->at, 3, 2) == 0;
    for (size_t at = change->offset; at < end;) {
        size_t sector = at / REPLAY_SECTOR_BYTES;
        size_t next = (sector + 1) * REPLAY_SECTOR_BYTES < end ? (sector + 1) * REPLAY_SECTOR_BYTES : end;
        bool is_there = up_to_cut ? sector <= cut : draw(leaving, object, change->at, 4 + sector, 2) == 0;
        size_t size = sector == cut ? draw(leaving, object, change->at, 3 + sector, next - at + 1) : next - at;
        if (is_there) {
            put(content, at, change->bytes + (at - change->offset), size);
        }
        at = next;
    }
}

static struct content left_of_bytes(const struct leaving *leaving, const struct object *object) {
    struct content content = {.size = 0};
    put(&content, 0, object->bytes, object->size);
    for (size_t i = 0; i < object->change_count; i++) {
        const struct change *change = &object->changes[i];
        enum fate fate = fate_of_change(leaving, leaving->choice->bytes, object, change);
        if (fate == FATE_THERE) {
            change_bytes(&content, change);
        } else if (fate == FATE_TORN && change->bytes != NULL) {
            tear(leaving, &content, object, change);
        }
        /* The size may be there without the bytes. */
        size_t end = change->offset + change->size;
        if (change->bytes != NULL && leaving->choice->bytes != REPLAY_NOTHING && fate != FATE_THERE && end > content.size &&
            draw(leaving, object, change->at, 0, 2) == 0) {
            resize(&content, end);
        }
    }
    return content;
}

static int compare_names(const void *a, const void *b) {
    return strcmp(((const struct name *)a)->name, ((const struct name *)b)->name);
}

static void leave_object(struct leaving *leaving, const struct object *object, const char *path);

static void leave_directory(struct leaving *leaving, const struct object *directory, const char *path) {
    struct names names = {.count = 0};
    for (size_t i = 0; i < directory->names.count; i++) {
        bind(&names, directory->names.list[i].name, directory->names.list[i].object);
    }
    for (size_t i = 0; i < directory->change_count; i++) {
        enum fate fate = fate_of_change(leaving, leaving->choice->names, directory, &directory->changes[i]);
        if (fate == FATE_THERE || (fate == FATE_TORN && draw(leaving, directory, directory->changes[i].at, 2, 2) == 0)) {
            change_names(&names, &directory->changes[i]);
        }
    }
    if (names.count > 0) {
        qsort(names.list, names.count, sizeof *names.list, compare_names);
    }
    for (size_t i = 0; i < names.count; i++) {
        char inside[256];
        snprintf(inside, sizeof inside, "%.120s%s%.120s", path, path[0] == '\0' ? "" : "/", names.list[i].name);
        leave_object(leaving, names.list[i].object, inside);
    }
    free_names(&names);
}

static void leave_object(struct leaving *leaving, const struct object *object, const char *path) {
    struct replay_image *image = &leaving->image;
    struct content content = {.size = 0};
    if (!object->is_directory) {
        content = left_of_bytes(leaving, object);
    }
    image->files = memory_grow(image->files, &image->capacity, image->count + 1, sizeof *image->files);
    struct replay_file *file = &image->files[image->count++];
    *file = (struct replay_file){.is_directory = object->is_directory, .bytes = content.bytes, .size = content.size};
    snprintf(file->path, sizeof file->path, "%.190s", path);
    image->hash = replay_hash(image->hash, path, strlen(path));
    image->hash = replay_hash(image->hash, content.bytes == NULL ? (const void *)"" : content.bytes, content.size);
    if (object->is_directory) {
        leave_directory(leaving, object, path);
    }
}

/* One of the changes that are not sure; 0 when there is none. */
static size_t draw_moment(const struct leaving *leaving) {
    size_t count = 0;
    size_t moment = 0;
    for (const struct object *object = leaving->replay->objects; object != NULL; object = object->next) {
        for (size_t i = 0; i < object->change_count; i++) {
            count++;
            if (draw(leaving, object, object->changes[i].at, 5, count) == 0) {
                moment = object->changes[i].at;
            }
        }
    }
    return moment;
}

struct replay_image replay_leave(const struct replay *replay, const struct replay_choice *choice) {
    struct leaving leaving = {.replay = replay, .choice = choice};
    leaving.moment = draw_moment(&leaving);
    leave_directory(&leaving, replay->root, "");
    return leaving.image;
}

void replay_image_free(struct replay_image *image) {
    for (size_t i = 0; i < image->count; i++) {
        free(image->files[i].bytes);
    }
    free(image->files);
}

static bool put_file(const char *path, const struct replay_file *file) {
    int descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    bool ok = descriptor >= 0;
    for (size_t done = 0; ok && done < file->size;) {
        ssize_t count = write(descriptor, file->bytes + done, file->size - done);
        ok = count > 0;
        done += ok ? (size_t)count : 0;
    }
    return descriptor >= 0 && close(descriptor) == 0 && ok;
}

bool replay_image_put(const struct replay_image *image, const char *directory) {
    char path[PATH_MAX];
    bool ok = mkdir(directory, 0700) == 0;
    for (size_t i = 0; ok && i < image->count; i++) {
        snprintf(path, sizeof path, "%.3000s/%s", directory, image->files[i].path);
        ok = image->files[i].is_directory ? mkdir(path, 0700) == 0 : put_file(path, &image->files[i]);
    }
    return ok;
}

const char *replay_describe(const struct replay *replay) {
    static const char *const kinds[] = {
        [JOURNAL_ROOT] = "begin",           [JOURNAL_READY] = "ready",   [JOURNAL_CREATE] = "create",
        [JOURNAL_MKDIR] = "mkdir",          [JOURNAL_RENAME] = "rename", [JOURNAL_UNLINK] = "unlink",
        [JOURNAL_WRITE] = "write",          [JOURNAL_SIZE] = "size",     [JOURNAL_SYNC_BEGIN] = "begin of sync",
        [JOURNAL_SYNC_END] = "end of sync", [JOURNAL_MARK] = "mark"};
    static char text[400];
    const struct journal_record *last = replay->last;
    int paths = (int)last->path_size;
    snprintf(text, sizeof text, "%s %.*s%s%.*s %" PRIu64 "+%" PRIu32, kinds[last->kind], paths, (const char *)(last + 1),
             last->other_size > 0 ? " -> " : "", (int)last->other_size, (const char *)(last + 1) + paths, last->offset,
             last->byte_count);
    return text;
}
