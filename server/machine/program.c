#include "server/machine/program.h"

#include "server/base/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
    SLICE_MS = 100,    /* Waited for at once; more than that is never counted for one wait. */
    FAREWELL_MS = 100, /* For a program that closed its output to have ended, so that its end can be told. */
    READ_SIZE = 64 * 1024,
    KEPT_SIZE = 1024 * 1024 /* Memory that is kept from one question to the next; a snapshot's is not. */
};

struct program {
    pid_t process;
    int to;   /* Its standard input, */
    int from; /* its standard output. Both do not block. */
    struct json_writer question;
    char *bytes; /* Owned; what came of the answer. */
    size_t size;
    size_t capacity;
};

static bool fail(struct program_message *out_message, const char *format, ...) __attribute__((format(printf, 2, 3)));
static bool fail(struct program_message *out_message, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(out_message->text, sizeof out_message->text, format, arguments);
    va_end(arguments);
    return false;
}

/* -- Its life -- */

static int spawn(const char *path, int input, int output, pid_t *out_process) {
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t none, all;
    sigemptyset(&none);
    sigfillset(&all);
    posix_spawn_file_actions_init(&actions);
    posix_spawnattr_init(&attributes);
    posix_spawn_file_actions_adddup2(&actions, input, STDIN_FILENO);
    posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
    posix_spawn_file_actions_addclosefrom_np(&actions, STDERR_FILENO + 1);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setsigdefault(&attributes, &all);
    posix_spawnattr_setpgroup(&attributes, 0);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
    char *const arguments[] = {(char *)(uintptr_t)path, NULL};
    int error = posix_spawn(out_process, path, &actions, &attributes, arguments, environ);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    return error;
}

struct program *program_start(const char *path, struct program_message *out_message) {
    int to[2], from[2];
    if (pipe2(to, O_CLOEXEC) != 0) {
        fail(out_message, "no pipe can be made: %s", strerror(errno));
        return NULL;
    }
    if (pipe2(from, O_CLOEXEC) != 0) {
        fail(out_message, "no pipe can be made: %s", strerror(errno));
        close(to[0]);
        close(to[1]);
        return NULL;
    }
    pid_t process;
    int error = spawn(path, to[0], from[1], &process);
    close(to[0]);
    close(from[1]);
    if (error != 0) {
        fail(out_message, "cannot be started: %s", strerror(error));
        close(to[1]);
        close(from[0]);
        return NULL;
    }
    fcntl(to[1], F_SETFL, O_NONBLOCK);
    fcntl(from[0], F_SETFL, O_NONBLOCK);
    struct program *program = memory_zalloc(sizeof *program);
    program->process = process;
    program->to = to[1];
    program->from = from[0];
    return program;
}

void program_end(struct program *program) {
    if (program == NULL) {
        return;
    }
    close(program->to);
    close(program->from);
    kill(-program->process, SIGKILL);
    /* Ended already when its end was told: then there is nothing left to wait for. */
    while (waitpid(program->process, NULL, 0) < 0 && errno == EINTR) {
    }
    json_writer_discard(&program->question);
    free(program->bytes);
    free(program);
}

/* It says nothing more, or listens no more: how did it end? Its status is left for program_end. */
static bool tell_end(const struct program *program, struct program_message *out_message) {
    const struct timespec pause = {.tv_nsec = 1000000L};
    siginfo_t info = {.si_pid = 0};
    for (int waited_ms = 0; waited_ms < FAREWELL_MS && info.si_pid == 0; waited_ms++) {
        if (waitid(P_PID, (id_t)program->process, &info, WEXITED | WNOHANG | WNOWAIT) != 0 || info.si_pid != 0) {
            break;
        }
        nanosleep(&pause, NULL);
    }
    if (info.si_pid == 0) {
        return fail(out_message, "has closed its input or output");
    }
    return info.si_code == CLD_EXITED ? fail(out_message, "has ended with exit code %d", info.si_status)
                                      : fail(out_message, "was ended by signal %d", info.si_status);
}

/* -- One question -- */

struct patience {
    uint32_t deadline_ms;
    uint32_t waited_ms;
};

static uint64_t now_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* Until the program can be written to (if there is something to write) or has said something. False: its time is over. */
static bool wait_for(const struct program *program, bool to_write, struct patience *patience) {
    while (patience->waited_ms < patience->deadline_ms) {
        struct pollfd both[2] = {{.fd = program->from, .events = POLLIN}, {.fd = program->to, .events = POLLOUT}};
        uint32_t left = patience->deadline_ms - patience->waited_ms;
        uint64_t begin = now_ms();
        int ready = poll(both, to_write ? 2 : 1, left < SLICE_MS ? (int)left : SLICE_MS);
        uint64_t took = now_ms() - begin;
        if (ready > 0) {
            return true;
        }
        patience->waited_ms += took > SLICE_MS ? SLICE_MS : (uint32_t)took;
    }
    return false;
}

/* Writes what the pipe takes. False: nobody reads it. */
static bool write_some(struct program *program, size_t *written) {
    ssize_t size = write(program->to, program->question.data + *written, program->question.size - *written);
    if (size > 0) {
        *written += (size_t)size;
    }
    return size >= 0 || errno == EAGAIN || errno == EINTR;
}

enum reading { READING_MORE, READING_NOTHING, READING_END };

static enum reading read_some(struct program *program) {
    program->bytes = memory_grow(program->bytes, &program->capacity, program->size + READ_SIZE, 1);
    ssize_t size = read(program->from, program->bytes + program->size, READ_SIZE);
    if (size > 0) {
        program->size += (size_t)size;
        return READING_MORE;
    }
    return size < 0 && (errno == EAGAIN || errno == EINTR) ? READING_NOTHING : READING_END;
}

/* Looks at the frame's first line. False: it is none; `*out_whole` is the size of the whole frame, 0: not known yet. */
static bool read_head(const struct program *program, size_t *out_start, size_t *out_whole,
                      struct program_message *out_message) {
    uint64_t size = 0;
    *out_whole = 0;
    for (size_t i = 0; i < program->size && i < PROGRAM_HEAD_SIZE_MAX; i++) {
        char byte = program->bytes[i];
        if (byte == '\n' && i > 0) {
            *out_start = i + 1;
            *out_whole = i + 1 + (size_t)size + 1;
            return size <= PROGRAM_FRAME_BYTES_MAX ||
                   fail(out_message, "answers with a frame of %" PRIu64 " bytes, at most %d are taken", size,
                        PROGRAM_FRAME_BYTES_MAX);
        }
        if (byte < '0' || byte > '9') {
            return fail(out_message, "answers with what is no frame: it must begin with a number of bytes and a line feed");
        }
        size = size * 10 + (uint64_t)(byte - '0');
    }
    return program->size < PROGRAM_HEAD_SIZE_MAX || fail(out_message, "answers with a frame whose number has no end");
}

static bool check_frame(const struct program *program, size_t start, size_t whole, struct json_span *out_answer,
                        struct program_message *out_message) {
    size_t offset;
    if (program->size > whole) {
        return fail(out_message, "says more than it was asked");
    }
    if (program->bytes[whole - 1] != '\n') {
        return fail(out_message, "answers with a frame that does not end in a line feed where its number says");
    }
    if (!json_scan_message(program->bytes + start, whole - start - 1, out_answer, &offset)) {
        return fail(out_message, "answers with what is no JSON from byte %zu on", offset);
    }
    return json_type(*out_answer) == JSON_OBJECT || fail(out_message, "answers with JSON that is no object");
}

static void write_question(struct program *program, const struct json_span *pieces, size_t count) {
    size_t size = 0;
    for (size_t i = 0; i < count; i++) {
        size += pieces[i].size;
    }
    char head[32];
    int head_size = snprintf(head, sizeof head, "%zu\n", size);
    if (program->question.capacity > KEPT_SIZE) {
        json_writer_discard(&program->question);
    }
    program->question.size = 0;
    json_write_bytes(&program->question, head, (size_t)head_size);
    for (size_t i = 0; i < count; i++) {
        json_write_bytes(&program->question, pieces[i].data, pieces[i].size);
    }
    json_write_bytes(&program->question, "\n", 1);
}

bool program_ask(struct program *program, const struct json_span *pieces, size_t count, uint32_t deadline_ms,
                 struct json_span *out_answer, struct program_message *out_message) {
    struct patience patience = {.deadline_ms = deadline_ms};
    size_t written = 0, start = 0, whole = 0;
    program->size = 0;
    if (program->capacity > KEPT_SIZE) {
        free(program->bytes);
        program->bytes = NULL;
        program->capacity = 0;
    }
    write_question(program, pieces, count);
    /* Read as well while writing: both would wait for ever for a program that answers before it has read all. */
    for (bool listening = true;;) {
        if (written < program->question.size && listening) {
            listening = write_some(program, &written);
        }
        enum reading reading = read_some(program);
        if (reading == READING_END) {
            return tell_end(program, out_message);
        }
        if (!read_head(program, &start, &whole, out_message)) {
            return false;
        }
        if (whole > 0 && program->size >= whole) {
            return written < program->question.size ? fail(out_message, "answers before it has read the question")
                                                    : check_frame(program, start, whole, out_answer, out_message);
        }
        bool to_write = written < program->question.size && listening;
        if (reading == READING_NOTHING && !wait_for(program, to_write, &patience)) {
            return fail(out_message, "has not answered within %" PRIu32 " ms", deadline_ms);
        }
    }
}
