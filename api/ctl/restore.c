/* A backup as it lies on a disk: whether all of it is there, what it holds, and how to begin a cluster with it. */
#include "api/ctl/ctl.h"

#include "storage/bytes.h"
#include "storage/crc32c.h"
#include "storage/snapshot_format.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

enum { PIECE_BYTES = 64 << 10 };

struct backup {
    struct snapshot_head head;
    uint64_t bytes;
};

/* The checksum of all before the last four bytes, which are it; `out_end` gets them. False: a read failed. */
static bool read_all(FILE *file, struct backup *backup, uint32_t *out_crc, char out_end[SNAPSHOT_FORMAT_END]) {
    char piece[SNAPSHOT_FORMAT_END + PIECE_BYTES];
    size_t held = 0, got;
    *out_crc = 0;
    while ((got = fread(piece + held, 1, PIECE_BYTES, file)) > 0) {
        backup->bytes += got;
        held += got;
        if (held > SNAPSHOT_FORMAT_END) { /* What may be the end waits for more. */
            *out_crc = crc32c_extend(*out_crc, piece, held - SNAPSHOT_FORMAT_END);
            memmove(piece, piece + held - SNAPSHOT_FORMAT_END, SNAPSHOT_FORMAT_END);
            held = SNAPSHOT_FORMAT_END;
        }
    }
    memcpy(out_end, piece, SNAPSHOT_FORMAT_END);
    return ferror(file) == 0;
}

/* NULL, or what is wrong with it. */
static const char *examine(FILE *file, struct backup *backup) {
    char head[SNAPSHOT_FORMAT_HEAD], end[SNAPSHOT_FORMAT_END];
    uint32_t crc;
    if (fread(head, 1, sizeof head, file) != sizeof head) {
        return ferror(file) ? strerror(errno) : "is no backup: too short for one";
    }
    switch (snapshot_format_parse_head(head, &backup->head)) {
    case SNAPSHOT_FORMAT_OK:
        break;
    case SNAPSHOT_FORMAT_VERSION:
        return "is of a newer raftd, whose backups this one cannot read";
    case SNAPSHOT_FORMAT_MAGIC:
        return "is no backup";
    case SNAPSHOT_FORMAT_VALUE:
        return "is damaged in its first bytes";
    }
    rewind(file);
    if (!read_all(file, backup, &crc, end)) {
        return strerror(errno);
    }
    if (backup->bytes < SNAPSHOT_FORMAT_MIN || crc != bytes_get_u32(end)) {
        return "is not as it was written: cut off or damaged; take another one";
    }
    return NULL;
}

static int tell(const struct ctl *ctl, const struct backup *backup, const char *path) {
    static const char list[] = "1=http://node1:8001,2=http://node2:8001,3=http://node3:8001";
    const struct snapshot_head *head = &backup->head;
    bool said;
    if (ctl->options->json) {
        said = printf("{\"index\":%" PRIu64 ",\"term\":%" PRIu64
                      ",\"machine\":\"%s\",\"cluster_id\":\"%s\",\"size_bytes\":%" PRIu64 "}\n",
                      head->id.index, head->id.term, head->machine, head->cluster_id, backup->bytes) > 0;
        return said ? CTL_DONE : CTL_FAILED;
    }
    said = printf("%s is whole: %" PRIu64 " bytes, all up to index %" PRIu64 " of the machine %s, of cluster %s.\n\n", path,
                  backup->bytes, head->id.index, head->machine, head->cluster_id) > 0;
    said =
        said &&
        printf(
            "It begins a new cluster, with a new id; the old one, if it still runs, knows nothing of it. Start blank nodes\n"
            "with a list of them, and exactly one of them with the file:\n\n") > 0;
    for (int id = 1; said && id <= 3; id++) {
        said = printf("  raftd --id %d --data-dir DIRECTORY --machine %s --cluster %s%s%s\n", id, head->machine, list,
                      id == 1 ? " --restore " : "", id == 1 ? path : "") > 0;
    }
    said =
        said &&
        printf(
            "\nThe others get the state from the first. Until all of the list are in, it answers queries and takes no command.\n"
            "A machine of one's own is named to --machine by its file. On a directory that is not blank --restore does\n"
            "nothing.\n") > 0;
    return said ? CTL_DONE : CTL_FAILED;
}

int snapshot_restore(struct ctl *ctl, const char *path) {
    struct backup backup = {.bytes = 0};
    char whole[PATH_MAX];
    FILE *file = fopen(path, "r");
    const char *wrong = file == NULL || realpath(path, whole) == NULL ? strerror(errno) : examine(file, &backup);
    if (file != NULL) {
        fclose(file);
    }
    if (wrong != NULL) {
        fprintf(stderr, "raftctl: %s %s\n", path, wrong);
        return CTL_FAILED;
    }
    return tell(ctl, &backup, whole);
}
