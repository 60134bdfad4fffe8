/* Server-Sent Events, taken apart as they come in pieces. Of an event only what raftd sends is kept: its name and its data.
 */
#ifndef RAFTCLIENT_SSE_H
#define RAFTCLIENT_SSE_H

#include <stdbool.h>
#include <stddef.h>

enum { SSE_NAME_SIZE = 32 };

struct sse {
    size_t limit; /* Bytes of one event's data. */
    char *line;   /* Owned: what has come of a line. */
    size_t line_size, line_capacity;
    char *data; /* Owned: of the event that is coming. */
    size_t data_size, data_capacity;
    char name[SSE_NAME_SIZE];
    bool return_seen; /* The last byte was CR: an LF after it ends no other line. */
};

/* A whole event; false: no more is wanted. */
typedef bool (*sse_on_event)(void *context, const char *name, const char *data, size_t size);

/* Begins, or begins anew with another stream; zero at first. */
void sse_begin(struct sse *sse, size_t limit);
void sse_end(struct sse *sse);

/* False: no more is wanted, or an event is longer than the limit. */
bool sse_read(struct sse *sse, const char *bytes, size_t size, sse_on_event on_event, void *context);

#endif
