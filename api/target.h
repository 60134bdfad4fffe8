/* The target of a request as it came over the wire: path and query, percent-decoding with nothing lost.
 *
 * The HTTP library hands targets over decoded, where `%2F` has become a slash and `%00` an end: routing is done on the raw
 * text instead. Nothing here is trusted; everything is bounded by the text's size. */
#ifndef RAFTD_API_TARGET_H
#define RAFTD_API_TARGET_H

#include <stdbool.h>
#include <stddef.h>

struct target {
    const char *authority; /* Of `http://host/path` (absolute form); NULL else. */
    size_t authority_size;
    const char *raw_path; /* As it was sent; "/" when an absolute form has none. */
    size_t raw_path_size;
    const char *path; /* Decoded. */
    size_t path_size;
    bool encoded_slash; /* A `%2F` in the path: no slash, so that no path of ours is meant. */
    const char *query;  /* As it was sent, without the question mark; empty when there is none. */
    size_t query_size;
};

/* Splits `raw`, which must outlive the result; the decoded path goes into `scratch` (of `size` bytes). False when a percent
 * sign is not followed by two hexadecimal digits, a `%00` stands anywhere, or a space or control byte does. `out_target` is
 * filled either way as far as the text can be told apart, so that the refusal knows what was asked; a path that cannot be
 * decoded is then taken as it stands. */
bool target_parse(const char *raw, size_t size, char *scratch, struct target *out_target);

/* One `name=value` of a query string, both as sent. */
struct target_pair {
    const char *name;
    size_t name_size;
    const char *value; /* Empty when there is no `=`. */
    size_t value_size;
};

/* Walks the pairs between ampersands; empty ones are passed over. Begin with `*at` = query. */
bool target_next_pair(const char **at, const char *end, struct target_pair *out_pair);

/* Decodes part of a query string that target_parse has accepted: `%41` is A, and `+` a space, as curl --data-urlencode and
 * every form encoder send them (a plus sign is `%2B`). Writes at most `size` bytes, answers how many. */
size_t target_decode(const char *raw, size_t size, char *out);

/* True when the part decodes to exactly `text`. */
bool target_is(const char *raw, size_t size, const char *text);

#endif
