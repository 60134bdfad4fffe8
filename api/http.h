/* The HTTP server: libmicrohttpd with an epoll descriptor that our loop waits on, and around it what the library leaves to
 * others: deadlines, the limit on connections, and noticing that a client who waits has hung up. */
#ifndef RAFTD_API_HTTP_H
#define RAFTD_API_HTTP_H

#include "api/request.h"

#include <microhttpd.h>

struct http;

/* Takes over the listening descriptor. NULL: the library would not start. */
struct http *http_create(struct api *api, int listening, uint16_t port);
/* Cuts every connection. NULL is a no-op. */
void http_destroy(struct http *http);

unsigned http_descriptors(const struct http *http, int *out_descriptors, unsigned capacity);
uint64_t http_timeout_ms(struct http *http, uint64_t now_ms);
void http_run(struct http *http);
uint16_t http_port(const struct http *http);

/* Closes the listening descriptor and the connections on which nobody asks anything. */
void http_stop_accepting(struct http *http);
bool http_is_stopping(const struct http *http);
bool http_is_idle(const struct http *http);

/* How many connections there are, for /metrics. */
size_t http_connection_count(const struct http *http);

/* -- For requests -- */

/* Hands an answer of `size` bytes to the library, and wakes the connection when it was suspended. */
void http_queue(struct request *request, unsigned status, struct MHD_Response *response, size_t size, bool waiting);
/* Wakes a suspended connection without an answer: it is closed. */
void http_resume(struct request *request);
/* Writes the last bytes that will go out on the connection, past the library. */
void http_write_last(struct request *request, const char *bytes, size_t size);
/* A header field that few requests are asked for; NULL: it is absent. */
const char *http_field(const struct request *request, const char *name, size_t *out_size);

/* -- Answers without an end -- */

enum { HTTP_STREAM_END = -1 };
/* The answer sent next, whose body must be empty, is a stream: what `read` puts into `buffer`, up to `capacity` bytes a
 * call. When it answers 0, it is called again after http_resume; after HTTP_STREAM_END the connection is closed. Never
 * called for HEAD, or when the client is gone. */
void http_stream(struct request *request, ssize_t (*read)(struct request *request, char *buffer, size_t capacity));
/* A place for one more stream: there are as many as --max-connections. */
bool http_reserve_stream(struct http *http);
void http_release_stream(struct http *http);
/* request_due is called after so many milliseconds. */
void http_set_due(struct request *request, uint64_t milliseconds);
void http_set_no_due(struct request *request);
/* How many bytes the system has taken that the client's has not. */
size_t http_unsent(const struct request *request);
/* Ends the connection in the middle of the answer. */
void http_cut(struct request *request);

/* This connection belongs to that peer: it is never closed to make room, may be idle for longer, and the node is told when
 * the peer closes the last of its connections, if that was kept for more than one request: between the nodes may stand
 * something that makes one for each. */
void http_mark_peer(struct request *request, uint64_t id);
/* A name for a request that waits, for answers that come back by ticket; never 0. */
/* Which node the connection's certificate names; 0 with a few words, a literal, when it names none that is vouched for.
 * There must be TLS with an authority. */
uint64_t http_certified(struct request *request, const char **out_why);
uint64_t http_ticket(struct request *request);
/* The request of that name, NULL when it is gone. */
struct request *http_find(struct http *http, uint64_t ticket);

#endif
