/* The bytes of a snapshot file: the one place that knows them, for writing and for checking. The format is drawn, with an
 * example, in storage/README.md. */
#ifndef RAFTD_SNAPSHOT_FORMAT_H
#define RAFTD_SNAPSHOT_FORMAT_H

#include "storage/snapshot_file.h"

enum {
    SNAPSHOT_FORMAT_HEAD = 153,       /* Magic (8), version (1), six numbers (8 each), cluster id (32), machine (64). */
    SNAPSHOT_FORMAT_FRAME_HEAD = 4,   /* How many bytes follow; 0 ends a section. */
    SNAPSHOT_FORMAT_FRAME_MAX = 65536 /* Bytes in a frame. */
};
enum {
    SNAPSHOT_FORMAT_END = 4, /* The checksum. */
    SNAPSHOT_FORMAT_MIN = SNAPSHOT_FORMAT_HEAD + SNAPSHOT_SECTION_COUNT * SNAPSHOT_FORMAT_FRAME_HEAD + SNAPSHOT_FORMAT_END
};

enum snapshot_format_error {
    SNAPSHOT_FORMAT_OK = 0,
    SNAPSHOT_FORMAT_MAGIC,   /* It is no snapshot file. */
    SNAPSHOT_FORMAT_VERSION, /* Of a version not known here. */
    SNAPSHOT_FORMAT_VALUE    /* A field is outside its range. */
};

void snapshot_format_head(const struct snapshot_head *head, char out_bytes[SNAPSHOT_FORMAT_HEAD]);
/* Takes any bytes; OK only for exactly what snapshot_format_head writes. */
enum snapshot_format_error snapshot_format_parse_head(const char bytes[SNAPSHOT_FORMAT_HEAD],
                                                      struct snapshot_head *out_head);

/* Where the parts of a file are. */
struct snapshot_layout {
    struct snapshot_head head;
    uint64_t sections[SNAPSHOT_SECTION_COUNT]; /* Where the first frame begins. */
    struct storage_snapshot snapshot;          /* What this file is. */
};

#endif
