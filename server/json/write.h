/* What the two files of the writer share. */
#ifndef RAFTD_JSON_WRITE_H
#define RAFTD_JSON_WRITE_H

#include "server/json/json.h"

/* Makes room for `size` more bytes and answers where they go; they count once `writer->size` says so. */
char *json_write_room(struct json_writer *writer, size_t size);

/* Puts the comma that a value or name needs before it; whatever comes after that one needs another. */
void json_write_comma(struct json_writer *writer);

#endif
