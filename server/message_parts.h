/* What the files of server/message share: pieces of bodies that more than one kind of message has. */
#ifndef RAFTD_MESSAGE_PARTS_H
#define RAFTD_MESSAGE_PARTS_H

#include "server/message.h"
#include "server/message_field.h"

#include <stddef.h>

enum { MESSAGE_MACHINE_SIZE_MAX = 255 }; /* Bytes of a machine's name. */

/* Number of elements in an array that fields were put into. */
#define MESSAGE_FIELD_COUNT(fields) (sizeof(fields) / sizeof(fields)[0])

/* `"name":number` */
void message_write_number(struct json_writer *writer, const char *name, uint64_t number);
/* `"name":"text"`; nothing when the text is empty. */
void message_write_text(struct json_writer *writer, const char *name, const char *text);

/* Reads the entries of an append_entries: contiguous behind `prev`, terms neither falling nor above `term`. The array is
 * the caller's to free with message_entries_free, NULL when there are none. Their data lie in `body`, which is not
 * counted. */
bool message_entries_read(struct json_span array, struct raft_entry_id prev, raft_term term, struct buffer *body,
                          struct raft_entry **out_entries, size_t *out_count, struct problem *out_problem);

/* `"origins":[...]`; nothing when all are plain. */
void message_origins_write(const struct message_propose *propose, struct json_writer *writer);
/* Reads them for commands that were read. False: `propose->origins` may be there all the same. */
bool message_origins_read(struct json_span array, struct message_propose *propose, struct problem *out_problem);

void message_entries_free(const struct raft_entry *entries, size_t count);

/* The members of a problem object, without its brackets. */
void message_problem_write_members(const struct problem *problem, bool changing, struct json_writer *writer);
/* Reads a problem object. A code that is not known, or left out, is told by the status. Its outcome is unknown unless it
 * says rejected. */
bool message_problem_read(struct json_span object, unsigned status, struct problem *out_problem);

/* Reads the array of a propose answer; the array of lines is the caller's to free, NULL when there are none. */
bool message_lines_read(struct json_span array, struct message_line **out_lines, size_t *out_count);

#endif
