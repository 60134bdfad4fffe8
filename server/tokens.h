/* Who may do what: the tokens of --token-file (contract §6). Whoever holds a token has its role; without the file nobody is
 * asked.
 *
 *     # role token [name]
 *     read   s3cret-of-dashboards  grafana
 *     write  s3cret-of-the-app     shop
 *     admin  s3cret-of-operators
 *     peer   s3cret-of-nodes
 *
 * A line is a role, a token (1 to TOKENS_TOKEN_MAX visible ASCII characters) and, to the end of the line, a name for it in
 * logs; empty lines and those that begin with # are passed over. Nodes use the first `peer` token to call each other and
 * take any: so one is changed by adding the new one below, moving it up, and removing the old one, on all nodes each time.
 *
 * The file is read again when it changes; one that is wrong then changes nothing. No token is ever printed.
 *
 * Threads: one. Units: bytes. */
#ifndef RAFTD_TOKENS_H
#define RAFTD_TOKENS_H

#include "server/diagnostics.h"
#include "server/refreshed.h"

#include <stdbool.h>
#include <stddef.h>

/* Each of the first three may do what those before it may. */
enum tokens_role { TOKENS_NOBODY, TOKENS_READ, TOKENS_WRITE, TOKENS_ADMIN, TOKENS_PEER };

enum {
    TOKENS_MAX = 1000, /* In a file: each request is compared with all. */
    TOKENS_TOKEN_MAX = 256,
    TOKENS_NAME_MAX = 64,
    TOKENS_FILE_MAX = 1024 * 1024,
    TOKENS_MESSAGE_SIZE = 512
};

struct tokens;

struct tokens_message {
    char text[TOKENS_MESSAGE_SIZE];
};

/* NULL with a sentence that names the file, and the line, in `out_message`. */
struct tokens *tokens_open(const char *path, struct tokens_message *out_message);
/* NULL is a no-op. */
void tokens_close(struct tokens *tokens);

/* Reads the file again if it is another one than the last time. What is wrong with it is logged, once for each file. */
enum refreshed tokens_refresh(struct tokens *tokens, const struct diagnostics *diagnostics);

/* The role of `text`, TOKENS_NOBODY for one that is not in the file. Takes as long for a wrong one as for a right one. A
 * name, or "" when it has none, is put into `out_name` (may be NULL). */
enum tokens_role tokens_role(const struct tokens *tokens, const char *text, size_t size,
                             char out_name[TOKENS_NAME_MAX + 1]);
/* What this node calls others with; NULL when the file has none. Borrowed until the next refresh. */
const char *tokens_peer(const struct tokens *tokens);

/* The first of the smallest role that may read; NULL when there is none. Borrowed until the next refresh. */
const char *tokens_reader(const struct tokens *tokens);

/* May who has the role `held` do what needs `needed`? */
bool tokens_allow(enum tokens_role held, enum tokens_role needed);
/* "read", "write", "admin", "peer"; "" for nobody. */
const char *tokens_role_name(enum tokens_role role);

#endif
