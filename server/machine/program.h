/* A program that runs beside the node and is asked questions, one after the other, over its standard input and output.
 *
 * Framing. A question and an answer are each a frame: the number of bytes in decimal digits, a line feed, so many bytes of
 * JSON, a line feed. Each question has one answer; the program says nothing unasked. It ends when its input does.
 *
 * The program runs with raftd's rights, environment and standard error, in a process group of its own (so that a Ctrl-C
 * meant for raftd leaves it alone), and with no other descriptor of raftd's.
 *
 * Bounds. Each question has its deadline, counted in time that this process was waiting (a machine that was suspended is
 * not a program that hangs). What an answer holds is taken as it comes, up to PROGRAM_FRAME_BYTES_MAX.
 *
 * After a question that failed a program is good for program_end alone. SIGPIPE is ignored by the process.
 * Threads: one at a time for each program. */
#ifndef RAFTD_MACHINE_PROGRAM_H
#define RAFTD_MACHINE_PROGRAM_H

#include "server/json/json.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    PROGRAM_FRAME_BYTES_MAX = 1024 * 1024 * 1024,
    PROGRAM_HEAD_SIZE_MAX = 12, /* Bytes of a frame's first line, its line feed included. */
    PROGRAM_MESSAGE_SIZE = 512
};

struct program_message {
    char text[PROGRAM_MESSAGE_SIZE]; /* One line: what went wrong. Does not name the program. */
};

struct program;

/* Starts the program at `path`. NULL: it cannot be started. */
struct program *program_start(const char *path, struct program_message *out_message);
/* Ends it, and whatever it has started in its process group, at once. NULL is a no-op. */
void program_end(struct program *program);

/* Sends `pieces`, together one JSON value, and waits for the answer: an object, borrowed from `program` until the next
 * call. False: it has ended, did not answer in time, or what it said is no answer. */
bool program_ask(struct program *program, const struct json_span *pieces, size_t count, uint32_t deadline_ms,
                 struct json_span *out_answer, struct program_message *out_message);

#endif
