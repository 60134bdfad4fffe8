#include "server/tokens.h"

#include "server/base/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct token {
    enum tokens_role role;
    size_t size;
    char text[TOKENS_TOKEN_MAX + 1]; /* Zeros to the end. */
    char name[TOKENS_NAME_MAX + 1];
};

struct list {
    struct token *tokens; /* Owned. */
    size_t count;
    size_t capacity;
};

struct tokens {
    char *path;       /* Owned. */
    struct list list; /* Owned. */
    struct stat seen; /* The file that was read last, well or not; no size when there was none. */
};

static const char *const role_names[] = {"", "read", "write", "admin", "peer"};

const char *tokens_role_name(enum tokens_role role) {
    return role_names[role];
}

bool tokens_allow(enum tokens_role held, enum tokens_role needed) {
    if (needed == TOKENS_NOBODY || held == needed) {
        return true;
    }
    return needed != TOKENS_PEER && held != TOKENS_PEER && held > needed;
}

static bool fail(struct tokens_message *out_message, const char *format, ...) __attribute__((format(printf, 2, 3)));
static bool fail(struct tokens_message *out_message, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(out_message->text, sizeof out_message->text, format, arguments);
    va_end(arguments);
    return false;
}

/* -- Reading -- */

/* A secret that is no longer needed shall not lie about in freed memory. */
static void wipe(void *bytes, size_t size) {
    if (size > 0) {
        explicit_bzero(bytes, size);
    }
}

static void list_clear(struct list *list) {
    wipe(list->tokens, list->capacity * sizeof *list->tokens);
    free(list->tokens);
    *list = (struct list){0};
}

/* memory_grow would leave the tokens in the block that it frees. */
static struct token *list_add(struct list *list) {
    if (list->count == list->capacity) {
        size_t capacity = list->capacity == 0 ? 8 : 2 * list->capacity;
        struct list grown = {memory_zalloc(capacity * sizeof *grown.tokens), list->count, capacity};
        if (list->count > 0) {
            memcpy(grown.tokens, list->tokens, list->count * sizeof *grown.tokens);
        }
        list_clear(list);
        *list = grown;
    }
    return &list->tokens[list->count++];
}

struct word {
    const char *text;
    size_t size;
};

static bool is_blank(char byte) {
    return byte == ' ' || byte == '\t' || byte == '\r';
}

/* The next word of what is left of a line, which it is taken off. */
static struct word take_word(struct word *line) {
    size_t begin = 0;
    while (begin < line->size && is_blank(line->text[begin])) {
        begin++;
    }
    size_t end = begin;
    while (end < line->size && !is_blank(line->text[end])) {
        end++;
    }
    struct word word = {line->text + begin, end - begin};
    *line = (struct word){line->text + end, line->size - end};
    return word;
}

static struct word trimmed(struct word word) {
    while (word.size > 0 && is_blank(word.text[0])) {
        word = (struct word){word.text + 1, word.size - 1};
    }
    while (word.size > 0 && is_blank(word.text[word.size - 1])) {
        word.size--;
    }
    return word;
}

static bool is_printable(struct word word, char least) {
    for (size_t i = 0; i < word.size; i++) {
        if (word.text[i] < least || word.text[i] > '~') {
            return false;
        }
    }
    return true;
}

static enum tokens_role read_role(struct word word) {
    for (size_t role = TOKENS_READ; role <= TOKENS_PEER; role++) {
        if (strlen(role_names[role]) == word.size && memcmp(role_names[role], word.text, word.size) == 0) {
            return (enum tokens_role)role;
        }
    }
    return TOKENS_NOBODY;
}

/* Words of the line are not repeated in messages: any of them may be a secret in the wrong place. */
static bool read_line(struct list *list, struct word line, const char *path, unsigned number,
                      struct tokens_message *out_message) {
    enum tokens_role role = read_role(take_word(&line));
    struct word text = take_word(&line);
    struct word name = trimmed(line);
    if (role == TOKENS_NOBODY) {
        return fail(out_message, "%s, line %u: it must begin with a role: read, write, admin or peer", path, number);
    }
    if (text.size == 0 || text.size > TOKENS_TOKEN_MAX || !is_printable(text, '!')) {
        return fail(out_message, "%s, line %u: after the role comes a token of 1 to %d visible ASCII characters", path,
                    number, TOKENS_TOKEN_MAX);
    }
    if (name.size > TOKENS_NAME_MAX || !is_printable(name, ' ')) {
        return fail(out_message, "%s, line %u: the token's name may have up to %d ASCII characters", path, number,
                    TOKENS_NAME_MAX);
    }
    if (list->count == TOKENS_MAX) {
        return fail(out_message, "%s, line %u: there may be %d tokens", path, number, TOKENS_MAX);
    }
    for (size_t i = 0; i < list->count; i++) {
        if (list->tokens[i].size == text.size && memcmp(list->tokens[i].text, text.text, text.size) == 0) {
            return fail(out_message, "%s, line %u: this token was there before, and who has it can have one role only",
                        path, number);
        }
    }
    struct token *token = list_add(list);
    token->role = role;
    token->size = text.size;
    memcpy(token->text, text.text, text.size);
    memcpy(token->name, name.text, name.size);
    return true;
}

static bool read_lines(struct list *list, const char *bytes, size_t size, const char *path,
                       struct tokens_message *out_message) {
    unsigned number = 1;
    for (size_t begin = 0; begin < size; number++) {
        const char *end = memchr(bytes + begin, '\n', size - begin);
        size_t length = end != NULL ? (size_t)(end - bytes) - begin : size - begin;
        struct word line = trimmed((struct word){bytes + begin, length});
        if (line.size > 0 && line.text[0] != '#' && !read_line(list, line, path, number, out_message)) {
            return false;
        }
        begin += length + 1;
    }
    return list->count > 0 || fail(out_message, "%s has no token: nobody could do anything", path);
}

/* Up to one byte more than may be there. */
static bool read_bytes(int descriptor, char *bytes, size_t *out_size) {
    *out_size = 0;
    ssize_t got = 1;
    while (got != 0 && *out_size <= TOKENS_FILE_MAX) {
        got = read(descriptor, bytes + *out_size, TOKENS_FILE_MAX + 1 - *out_size);
        if (got < 0 && errno != EINTR) {
            return false;
        }
        *out_size += got > 0 ? (size_t)got : 0;
    }
    return true;
}

static bool read_file(struct tokens *tokens, struct list *out_list, struct tokens_message *out_message) {
    const char *path = tokens->path;
    int descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (descriptor < 0 || fstat(descriptor, &tokens->seen) != 0) {
        fail(out_message, "the token file %s cannot be read: %s", path, strerror(errno));
        if (descriptor >= 0) {
            close(descriptor);
        }
        return false;
    }
    char *bytes = memory_alloc(TOKENS_FILE_MAX + 1);
    size_t size;
    bool good = read_bytes(descriptor, bytes, &size);
    if (!good) {
        fail(out_message, "the token file %s cannot be read: %s", path, strerror(errno));
    } else if (size > TOKENS_FILE_MAX) {
        good = fail(out_message, "the token file %s is larger than %d bytes", path, TOKENS_FILE_MAX);
    }
    good = good && read_lines(out_list, bytes, size, path, out_message);
    wipe(bytes, TOKENS_FILE_MAX + 1);
    free(bytes);
    close(descriptor);
    return good;
}

/* -- Life -- */

struct tokens *tokens_open(const char *path, struct tokens_message *out_message) {
    struct tokens *tokens = memory_zalloc(sizeof *tokens);
    tokens->path = memory_text(path, strlen(path));
    if (!read_file(tokens, &tokens->list, out_message)) {
        tokens_close(tokens);
        return NULL;
    }
    return tokens;
}

void tokens_close(struct tokens *tokens) {
    if (tokens != NULL) {
        list_clear(&tokens->list);
        free(tokens->path);
        free(tokens);
    }
}

static bool is_same_file(const struct stat *left, const struct stat *right) {
    return left->st_dev == right->st_dev && left->st_ino == right->st_ino && left->st_size == right->st_size &&
           left->st_mtim.tv_sec == right->st_mtim.tv_sec && left->st_mtim.tv_nsec == right->st_mtim.tv_nsec &&
           left->st_ctim.tv_sec == right->st_ctim.tv_sec && left->st_ctim.tv_nsec == right->st_ctim.tv_nsec;
}

enum refreshed tokens_refresh(struct tokens *tokens, const struct diagnostics *diagnostics) {
    struct stat now = {0};
    (void)stat(tokens->path, &now); /* None: as little like the one that was read as another one. */
    if (is_same_file(&now, &tokens->seen)) {
        return REFRESHED_NOTHING;
    }
    struct list list = {0};
    struct tokens_message message;
    tokens->seen = now;
    if (!read_file(tokens, &list, &message)) {
        diagnostics_write(diagnostics, DIAGNOSTICS_ERROR, "tokens", "%s; the tokens from before go on", message.text);
        list_clear(&list);
        return REFRESHED_IN_VAIN;
    }
    diagnostics_write(diagnostics, DIAGNOSTICS_INFO, "tokens", "read anew from %s: %zu", tokens->path, list.count);
    list_clear(&tokens->list);
    tokens->list = list;
    return REFRESHED;
}

/* -- Asking -- */

/* Every token is looked at whole, so that the time tells nothing of how much of one was right. */
static bool equals(const struct token *token, const char padded[TOKENS_TOKEN_MAX], size_t size) {
    unsigned difference = (unsigned)(token->size ^ size);
    for (size_t i = 0; i < TOKENS_TOKEN_MAX; i++) {
        difference |= (unsigned char)token->text[i] ^ (unsigned char)padded[i];
    }
    return difference == 0;
}

enum tokens_role tokens_role(const struct tokens *tokens, const char *text, size_t size,
                             char out_name[TOKENS_NAME_MAX + 1]) {
    char padded[TOKENS_TOKEN_MAX] = {0};
    const struct token *found = NULL;
    if (size <= TOKENS_TOKEN_MAX) {
        memcpy(padded, text, size);
    }
    for (size_t i = 0; i < tokens->list.count; i++) {
        const struct token *token = &tokens->list.tokens[i];
        found = equals(token, padded, size) ? token : found;
    }
    if (out_name != NULL) {
        snprintf(out_name, TOKENS_NAME_MAX + 1, "%s", found != NULL ? found->name : "");
    }
    return found != NULL ? found->role : TOKENS_NOBODY;
}

const char *tokens_reader(const struct tokens *tokens) {
    const struct token *found = NULL;
    for (size_t i = 0; i < tokens->list.count; i++) {
        const struct token *token = &tokens->list.tokens[i];
        if (tokens_allow(token->role, TOKENS_READ) && (found == NULL || token->role < found->role)) {
            found = token;
        }
    }
    return found != NULL ? found->text : NULL;
}

const char *tokens_peer(const struct tokens *tokens) {
    for (size_t i = 0; i < tokens->list.count; i++) {
        if (tokens->list.tokens[i].role == TOKENS_PEER) {
            return tokens->list.tokens[i].text;
        }
    }
    return NULL;
}
