/* What this server reads in a request's header fields, gathered in one pass. */
#ifndef RAFTD_API_HEAD_H
#define RAFTD_API_HEAD_H

#include <microhttpd.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A field's value; borrowed from the HTTP library until the request is answered. NULL: the field is absent. */
struct head_value {
    const char *text;
    size_t size;
    unsigned count; /* How often the field is there; `text` is the first one's. */
};

struct head {
    struct head_value host;
    struct head_value origin;
    struct head_value content_type;
    struct head_value content_length;
    struct head_value transfer_encoding;
    struct head_value if_none_match;
    struct head_value idempotency_key;
    struct head_value expect;
    struct head_value authorization;
    struct head_value fetch_site; /* Sec-Fetch-Site, and -Dest: which page makes the browser ask, and what for. */
    struct head_value fetch_dest;
    struct head_value preflight_method; /* Access-Control-Request-Method. */
    uint64_t body_bytes;                /* Content-Length, 0 without one. */
    bool chunked;
    bool odd_name; /* A field's name has a byte that names cannot have, such as a space before the colon. */
};

void head_read(struct MHD_Connection *connection, struct head *out_head);

/* Why the end of this request's body cannot be told for certain (two lengths, length and encoding, an encoding that is not
 * chunked, a name that others might take for one of these), or which server is meant (two hosts): where two parties could
 * read it differently, requests can be smuggled. NULL: all is well. */
const char *head_ambiguity(const struct head *head);

/* True when the media type, parameters such as charset aside, is application/x-ndjson. */
bool head_is_ndjson(const struct head *head);

/* True when a browser says that the page of another site asks, without being asked for by whoever sits there: for an image,
 * a script or a frame of its own. Such requests have no Origin. What a click leads to is shown whole, as a document. */
bool head_is_embedded(const struct head *head);

/* True when If-None-Match lists `etag` (quoted text), weakly or not, or is an asterisk. */
bool head_has_etag(const struct head *head, const char *etag);

#endif
