#include "api/http.h"

#include "api/connections.h"

#include "server/base/memory.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <linux/sockios.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    POOL_BYTES = 32 * 1024, /* A connection's memory in the library: head, fields, and the head of the answer. */
    ROUNDS_MAX = 4,         /* Of the library in one run: what it put off until its next run is done in this one. */
    STREAM_BLOCK_BYTES = 16 * 1024,
    DESCRIPTORS_KEPT = 128, /* For the store, peers and files: never given to incoming connections. */
    DESTROY_ROUNDS_MAX = 100
};

struct http {
    struct api *api;
    struct MHD_Daemon *daemon;
    int descriptor; /* The library's epoll descriptor; its own. */
    uint16_t port;
    bool stopping;
    bool ending; /* Requests are not taken any more, not even those that have arrived. */
    size_t streams;
    struct connections connections;
};

static struct connection *connection_of(struct MHD_Connection *mhd) {
    return MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT)->socket_context;
}

static gnutls_session_t session_of(const struct connection *connection) {
    return MHD_get_connection_info(connection->mhd, MHD_CONNECTION_INFO_GNUTLS_SESSION)->tls_session;
}

/* -- What the library calls -- */

static void on_connection(void *context, struct MHD_Connection *mhd, void **socket_context,
                          enum MHD_ConnectionNotificationCode code) {
    struct http *http = context;
    if (code == MHD_CONNECTION_NOTIFY_STARTED) {
        int descriptor = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
        *socket_context = connections_add(&http->connections, mhd, descriptor);
    } else {
        struct connection *connection = *socket_context;
        uint64_t peer_id = connection->kept && !connection->closing ? connection->peer_id : 0;
        connections_remove(connection);
        if (peer_id != 0 && !http->ending && !connections_keeps(&http->connections, peer_id)) {
            node_peer_gone(http->api->node, peer_id);
        }
    }
}

static void *on_target(void *context, const char *raw, struct MHD_Connection *mhd) {
    (void)context;
    struct connection *connection = connection_of(mhd);
    request_target(&connection->request, raw != NULL ? raw : "");
    connections_begin(connection);
    connections_set_deadline(connection, CONNECTIONS_HEAD_MS);
    /* The library would now store every parameter of the query in the connection's memory and answer 414 by itself when
     * there are many. We have our copy: an empty query is left for it. The text is its own buffer, const only in this
     * signature. */
    char *query = raw != NULL ? (char *)(uintptr_t)strchr(raw, '?') : NULL;
    if (query != NULL) {
        query[1] = '\0';
    }
    return connection;
}

/* The library decodes paths for a handler that does not look at them. */
static size_t leave_encoded(void *context, struct MHD_Connection *mhd, char *text) {
    (void)context;
    (void)mhd;
    return strlen(text);
}

static void suspend(struct connection *connection) {
    connection->suspended = true;
    connection->all->suspended++;
    MHD_suspend_connection(connection->mhd);
}

static enum MHD_Result on_end_of_body(struct connection *connection) {
    struct request *request = &connection->request;
    if (request->cut) {
        return MHD_NO;
    }
    request_handle(request);
    if (request->stage == REQUEST_WAITING && connection->hung_up) {
        request_hung_up(request);
    } else if (request->stage == REQUEST_WAITING) {
        connections_set_no_deadline(connection); /* Whoever waits has a deadline where it waits. */
        suspend(connection);
    }
    return request->gone ? MHD_NO : MHD_YES;
}

static enum MHD_Result on_data(struct connection *connection, const char *data, size_t *size) {
    struct request *request = &connection->request;
    size_t before = request->body.size;
    if (!request_data(request, data, *size)) {
        return MHD_NO;
    }
    *size = 0;
    if (request->head.chunked) {
        /* How much time it has is not known before how much there is. */
        connections_add_time(connection, before, request->body.size);
    }
    return MHD_YES;
}

static enum MHD_Result on_request(void *context, struct MHD_Connection *mhd, const char *url, const char *method,
                                  const char *version, const char *data, size_t *size, void **request_context) {
    (void)url;
    const struct http *http = context;
    if (http->ending) {
        return MHD_NO;
    }
    struct connection *connection = *request_context;
    struct request *request = &connection->request;
    switch (request->stage) {
    case REQUEST_TARGET:
        request_head(request, mhd, method, version);
        if (request->stage == REQUEST_BODY) {
            connections_set_deadline_bytes(connection, request->head.body_bytes);
        }
        return request->gone ? MHD_NO : MHD_YES;
    case REQUEST_BODY:
        if (*size == 0) {
            return on_end_of_body(connection);
        }
        return on_data(connection, data, size);
    case REQUEST_WAITING: /* Woken because its client is gone. */
    case REQUEST_ANSWERED:
    case REQUEST_STREAMING:
    case REQUEST_NONE:
    case REQUEST_HEAD:
    case REQUEST_WORKING:
        break;
    }
    return MHD_NO;
}

static void on_completed(void *context, struct MHD_Connection *mhd, void **request_context,
                         enum MHD_RequestTerminationCode code) {
    (void)context;
    (void)request_context;
    (void)code;
    struct connection *connection = connection_of(mhd);
    request_end(&connection->request);
    connection->stream = NULL;
    if (connection->busy) {
        connection->busy = false;
        connection->all->busy--;
    }
    connection->quiet_since_ms = connection->all->api->now_ms;
    connections_set_deadline(connection, connection->peer ? CONNECTIONS_PEER_IDLE_MS : CONNECTIONS_IDLE_MS);
}

static ssize_t on_stream(void *context, uint64_t position, char *buffer, size_t capacity) {
    (void)position;
    struct connection *connection = context;
    if (connection->request.gone) {
        return MHD_CONTENT_READER_END_WITH_ERROR;
    }
    ssize_t size = connection->stream(&connection->request, buffer, capacity);
    if (size == HTTP_STREAM_END) {
        return MHD_CONTENT_READER_END_OF_STREAM;
    }
    if (size == 0) {
        suspend(connection);
    }
    return size;
}

/* -- Life -- */

/* At the library's own limit new connections hang in the backlog, peers' too: so it is what descriptors allow. */
static unsigned connection_limit(void) {
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur < 4 * DESCRIPTORS_KEPT) {
        return 3 * DESCRIPTORS_KEPT;
    }
    rlim_t most = ((rlim_t)1 << CONNECTIONS_SLOT_BITS) / 2;
    rlim_t usable = limit.rlim_cur - DESCRIPTORS_KEPT;
    return (unsigned)(usable < most ? usable : most);
}

struct http *http_create(struct api *api, int listening, uint16_t port) {
    struct http *http = memory_zalloc(sizeof *http);
    http->api = api;
    http->port = port;
    if (!connections_open(&http->connections, api)) {
        close(listening);
        free(http);
        return NULL;
    }
    /* Not MHD_OPTION_STRICT_FOR_CLIENT: all it adds are answers of the library's own to spaces in the target and to a
     * missing Host, which requests refuse themselves, with a problem. */
    const struct MHD_OptionItem tls[] = {
        {MHD_OPTION_HTTPS_CERT_CALLBACK2, 0, (void *)(uintptr_t)tls_retrieve},
        {MHD_OPTION_HTTPS_PRIORITIES, 0, (void *)(uintptr_t)TLS_PRIORITIES},
        {MHD_OPTION_END, 0, NULL},
    };
    const struct MHD_OptionItem none[] = {{MHD_OPTION_END, 0, NULL}};
    unsigned scheme = api->options.tls != NULL ? MHD_USE_TLS : 0;
    http->daemon = MHD_start_daemon(
        MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME | scheme, 0, NULL, NULL, on_request, http, MHD_OPTION_LISTEN_SOCKET,
        listening, MHD_OPTION_NOTIFY_CONNECTION, on_connection, http, MHD_OPTION_NOTIFY_COMPLETED, on_completed, http,
        MHD_OPTION_URI_LOG_CALLBACK, on_target, http, MHD_OPTION_UNESCAPE_CALLBACK, leave_encoded, http,
        MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)POOL_BYTES, MHD_OPTION_CONNECTION_LIMIT, connection_limit(),
        MHD_OPTION_CONNECTION_TIMEOUT, 0U, MHD_OPTION_ARRAY, scheme != 0 ? tls : none, MHD_OPTION_END);
    if (http->daemon == NULL) {
        connections_close(&http->connections);
        close(listening);
        free(http);
        return NULL;
    }
    http->descriptor = MHD_get_daemon_info(http->daemon, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd;
    return http;
}

void http_destroy(struct http *http) {
    if (http == NULL) {
        return;
    }
    http_stop_accepting(http);
    http->ending = true;
    struct connections *connections = &http->connections;
    for (size_t i = 0; i < connections->slot_count; i++) {
        if (connections->slots[i] != NULL) {
            request_hung_up(&connections->slots[i]->request);
        }
    }
    /* The library aborts when it is stopped while a connection is suspended; resuming takes effect in its next run, and
     * what has arrived meanwhile would begin to wait there. */
    for (int i = 0; i < DESTROY_ROUNDS_MAX && connections->open > 0; i++) {
        MHD_run(http->daemon);
        if (connections->suspended == 0) {
            break;
        }
    }
    MHD_stop_daemon(http->daemon);
    connections_close(connections);
    free(http);
}

unsigned http_descriptors(const struct http *http, int *out_descriptors, unsigned capacity) {
    assert(capacity >= 2);
    out_descriptors[0] = http->descriptor;
    out_descriptors[1] = http->connections.hang_ups;
    return 2;
}

static uint64_t library_timeout_ms(struct http *http) {
    MHD_UNSIGNED_LONG_LONG timeout;
    return MHD_get_timeout(http->daemon, &timeout) == MHD_YES ? timeout : UINT64_MAX;
}

uint64_t http_timeout_ms(struct http *http, uint64_t now_ms) {
    if (http->connections.resumed) {
        return 0; /* The library neither wakes its descriptor nor counts a resumed connection as ready. */
    }
    uint64_t library = library_timeout_ms(http);
    uint64_t sweep = http->connections.next_sweep_ms;
    if (sweep == UINT64_MAX) {
        return library;
    }
    uint64_t left = sweep > now_ms ? sweep - now_ms : 0;
    return left < library ? left : library;
}

void http_run(struct http *http) {
    http->connections.resumed = false;
    connections_sweep(&http->connections);
    connections_collect_hang_ups(&http->connections);
    for (int i = 0; i < ROUNDS_MAX; i++) {
        MHD_run(http->daemon);
        if (library_timeout_ms(http) != 0) {
            break;
        }
    }
}

uint16_t http_port(const struct http *http) {
    return http->port;
}

/* Whom the system has let in already is served, too: closing would cut them off in the middle of their request. */
static void take_waiting(struct http *http, int listening) {
    struct sockaddr_storage address;
    socklen_t size = sizeof address;
    int descriptor;
    while ((descriptor = accept4(listening, (struct sockaddr *)&address, &size, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
        /* It closes what it does not take. */
        (void)MHD_add_connection(http->daemon, descriptor, (struct sockaddr *)&address, size);
        size = sizeof address;
    }
}

void http_stop_accepting(struct http *http) {
    if (http->stopping) {
        return;
    }
    http->stopping = true;
    int listening = MHD_quiesce_daemon(http->daemon);
    if (listening >= 0) {
        take_waiting(http, listening);
        close(listening);
    }
    connections_close_idle(&http->connections);
}

bool http_is_stopping(const struct http *http) {
    return http->stopping;
}

bool http_is_idle(const struct http *http) {
    return http->connections.busy == 0 && http->connections.draining == 0;
}

size_t http_connection_count(const struct http *http) {
    return http->connections.open;
}

/* -- For requests -- */

void http_resume(struct request *request) {
    struct connection *connection = request->connection;
    if (connection->suspended) {
        connection->suspended = false;
        connection->all->suspended--;
        connection->all->resumed = true;
        MHD_resume_connection(connection->mhd);
    }
}

static enum MHD_Result copy_field(void *context, enum MHD_ValueKind kind, const char *name, const char *value) {
    (void)kind;
    if (strcasecmp(name, MHD_HTTP_HEADER_CONNECTION) == 0) {
        return MHD_YES;
    }
    return MHD_add_response_header(context, name, value);
}

/* A response with the same fields, whose body is the connection's stream. Takes over the other. */
static struct MHD_Response *make_stream(struct connection *connection, struct MHD_Response *response) {
    struct MHD_Response *stream =
        MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, STREAM_BLOCK_BYTES, on_stream, connection, NULL);
    if (stream == NULL) {
        fputs("raftd: out of memory for an answer\n", stderr);
        abort();
    }
    if (strcmp(connection->request.method, "HEAD") == 0) {
        /* Else the library sends the last chunk of a body that is not there. */
        MHD_set_response_options(stream, MHD_RF_HTTP_1_0_COMPATIBLE_STRICT, MHD_RO_END);
    }
    MHD_get_response_headers(response, copy_field, stream);
    MHD_add_response_header(stream, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store");
    MHD_add_response_header(stream, MHD_HTTP_HEADER_CONNECTION, "close");
    MHD_destroy_response(response);
    return stream;
}

void http_queue(struct request *request, unsigned status, struct MHD_Response *response, size_t size, bool waiting) {
    struct connection *connection = request->connection;
    if (connection->stream != NULL) {
        response = make_stream(connection, response);
    }
    if (MHD_queue_response(connection->mhd, status, response) != MHD_YES) {
        request->gone = true;
    }
    MHD_destroy_response(response);
    connections_set_deadline_bytes(connection, size);
    if (waiting) {
        http_resume(request);
    }
}

void http_write_last(struct request *request, const char *bytes, size_t size) {
    int descriptor = request->connection->descriptor;
    if (request->api->options.tls != NULL) {
        gnutls_session_t session = session_of(request->connection);
        if (gnutls_record_send(session, bytes, size) == (ssize_t)size) {
            gnutls_bye(session, GNUTLS_SHUT_WR);
        }
    } else {
        (void)send(descriptor, bytes, size, MSG_DONTWAIT | MSG_NOSIGNAL);
    }
    shutdown(descriptor, SHUT_WR);
}

const char *http_field(const struct request *request, const char *name, size_t *out_size) {
    const char *value = NULL;
    size_t size = 0;
    if (MHD_lookup_connection_value_n(request->connection->mhd, MHD_HEADER_KIND, name, strlen(name), &value, &size) !=
        MHD_YES) {
        return NULL;
    }
    *out_size = value != NULL ? size : 0;
    return value != NULL ? value : "";
}

void http_stream(struct request *request, ssize_t (*read)(struct request *request, char *buffer, size_t capacity)) {
    request->connection->stream = read;
}

bool http_reserve_stream(struct http *http) {
    if (http->streams >= http->api->options.connections_max) {
        return false;
    }
    http->streams++;
    return true;
}

void http_release_stream(struct http *http) {
    assert(http->streams > 0);
    http->streams--;
}

void http_set_due(struct request *request, uint64_t milliseconds) {
    connections_set_deadline(request->connection, milliseconds);
}

void http_set_no_due(struct request *request) {
    connections_set_no_deadline(request->connection);
}

size_t http_unsent(const struct request *request) {
    int bytes = 0;
    return ioctl(request->connection->descriptor, SIOCOUTQ, &bytes) == 0 && bytes > 0 ? (size_t)bytes : 0;
}

void http_cut(struct request *request) {
    connections_shut(request->connection);
    http_resume(request);
}

uint64_t http_certified(struct request *request, const char **out_why) {
    struct connection *connection = request->connection;
    const struct api *api = connection->all->api;
    *out_why = "";
    if (connection->certified_id == 0 || api->now_ms >= connection->certified_ms + TLS_CHECKED_MS) {
        connection->certified_id = tls_peer(api->options.tls, session_of(connection), out_why);
        connection->certified_ms = api->now_ms;
    }
    return connection->certified_id;
}

void http_mark_peer(struct request *request, uint64_t id) {
    struct connection *connection = request->connection;
    connection->kept = connection->peer && connection->peer_id == id;
    connection->peer = true;
    connection->peer_id = id;
}

uint64_t http_ticket(struct request *request) {
    struct connections *connections = request->connection->all;
    request->ticket = connections->next_ticket++ << CONNECTIONS_SLOT_BITS | request->connection->slot;
    return request->ticket;
}

struct request *http_find(struct http *http, uint64_t ticket) {
    size_t slot = ticket & (((uint64_t)1 << CONNECTIONS_SLOT_BITS) - 1);
    struct connection *connection = slot < http->connections.slot_count ? http->connections.slots[slot] : NULL;
    if (connection == NULL || connection->request.ticket != ticket || connection->request.stage != REQUEST_WAITING ||
        connection->request.gone) {
        return NULL;
    }
    return &connection->request;
}
