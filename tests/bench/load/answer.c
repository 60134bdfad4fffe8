#include "tests/bench/load/load.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* Only a problem has this member; values are letters and digits. */
static const char PROBLEM[] = "\"outcome\":";

void answer_begin(struct answer *answer) {
    memset(answer, 0, offsetof(struct answer, head));
}

static const char *value_of(const char *line, const char *name) {
    size_t length = strlen(name);
    if (strncasecmp(line, name, length) != 0 || line[length] != ':')
        return NULL;
    line += length + 1;
    return line + strspn(line, " \t");
}

/* The head is whole and ends with a zero byte. */
static void read_head(struct answer *answer) {
    const char *value;
    if (strncmp(answer->head, "HTTP/1.", 7) != 0 || answer->head_length < 12) {
        answer->state = ANSWER_BROKEN;
        return;
    }
    answer->status = atoi(answer->head + 9);
    answer->state = ANSWER_BODY;
    bool length_known = false;
    for (const char *line = strchr(answer->head, '\n'); line; line = strchr(line, '\n')) {
        line++;
        if ((value = value_of(line, "Content-Length"))) {
            answer->left = strtoull(value, NULL, 10);
            length_known = true;
        } else if ((value = value_of(line, "Transfer-Encoding"))) {
            answer->state = ANSWER_CHUNK_SIZE;
            length_known = true;
        } else if ((value = value_of(line, "Connection")) && strncasecmp(value, "close", 5) == 0) {
            answer->closes = true;
        }
    }
    if (!length_known)
        answer->state = ANSWER_BROKEN; /* It would end with the connection, which no server here does. */
    else if (answer->state == ANSWER_BODY && answer->left == 0)
        answer->state = ANSWER_DONE;
}

static size_t feed_head(struct answer *answer, const char *bytes, size_t count) {
    size_t before = answer->head_length, room = HEAD_MAX - 1 - before;
    size_t taken = count < room ? count : room;
    memcpy(answer->head + before, bytes, taken);
    size_t from = before > 3 ? before - 3 : 0;
    char *end = memmem(answer->head + from, before + taken - from, "\r\n\r\n", 4);
    if (!end) {
        answer->head_length = before + taken;
        if (taken == room)
            answer->state = ANSWER_BROKEN;
        return taken;
    }
    answer->head_length = (size_t)(end - answer->head) + 4;
    answer->head[answer->head_length] = '\0';
    read_head(answer);
    return answer->head_length - before;
}

static void look_for_problems(struct answer *answer, const char *bytes, size_t count) {
    for (size_t i = 0; i < count; i++) {
        answer->matched = bytes[i] == PROBLEM[answer->matched] ? answer->matched + 1 : bytes[i] == PROBLEM[0];
        if (answer->matched == sizeof PROBLEM - 1) {
            answer->refused++;
            answer->matched = 0;
        }
    }
}

static size_t feed_body(struct answer *answer, const char *bytes, size_t count) {
    size_t taken = count < answer->left ? count : (size_t)answer->left;
    look_for_problems(answer, bytes, taken);
    answer->left -= taken;
    if (answer->left == 0)
        answer->state = answer->state == ANSWER_BODY ? ANSWER_DONE : ANSWER_CHUNK_END;
    return taken;
}

static int hexadecimal(char c) {
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* One byte of what surrounds chunks. */
static void feed_frame(struct answer *answer, char c) {
    if (answer->state == ANSWER_CHUNK_SIZE) {
        int digit = hexadecimal(c);
        if (c == '\n')
            answer->state = answer->left ? ANSWER_CHUNK : ANSWER_TRAILER;
        else if (c == ';' || answer->line)
            answer->line = c != '\r'; /* An extension: passed over. */
        else if (digit >= 0)
            answer->left = answer->left * 16 + (unsigned)digit;
        else if (c != '\r')
            answer->state = ANSWER_BROKEN;
        if (c == '\n')
            answer->line = 0;
    } else if (answer->state == ANSWER_CHUNK_END) {
        if (c == '\n')
            answer->state = ANSWER_CHUNK_SIZE;
    } else if (c == '\n') {
        if (answer->line == 0)
            answer->state = ANSWER_DONE;
        answer->line = 0;
    } else if (c != '\r') {
        answer->line++;
    }
}

size_t answer_feed(struct answer *answer, const char *bytes, size_t count) {
    size_t at = 0;
    while (at < count && answer->state < ANSWER_DONE) {
        if (answer->state == ANSWER_HEAD)
            at += feed_head(answer, bytes + at, count - at);
        else if (answer->state == ANSWER_BODY || answer->state == ANSWER_CHUNK)
            at += feed_body(answer, bytes + at, count - at);
        else
            feed_frame(answer, bytes[at++]);
    }
    return at;
}
