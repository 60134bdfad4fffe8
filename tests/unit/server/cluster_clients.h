/* Clients of a cluster under test: each is a record of one request and of its one answer. Part of cluster.h. */
#ifndef RAFTD_TESTS_SERVER_CLUSTER_CLIENTS_H
#define RAFTD_TESTS_SERVER_CLUSTER_CLIENTS_H

struct client_line {
    struct problem problem;
    struct raft_entry_id id;
    char *text; /* Owned: the result, or an entry's bytes; NULL: none. */
    enum raft_entry_type type;
    uint64_t time_ms; /* Of an entry. */
    bool duplicate;
    bool omitted;
};

struct client {
    struct member *member;
    unsigned life;
    uint64_t ticket;
    uint64_t asked_ms;
    uint64_t asked_at; /* The moment; each has another. */
    uint64_t answered_ms;
    uint64_t answered_at;
    unsigned answers;
    bool cancelled;
    bool unheard; /* The answer came when the node was dying: for the client, the connection broke. */
    size_t count;
    struct client_line *lines; /* Owned: of commands, one line of a query, or the entries of a piece of the log. */
    struct problem problem;    /* Of a query or a piece of the log. */
    raft_index first_index;    /* Of a piece of the log ... */
    raft_index last_index;
    raft_index commit_index;
    const char *op; /* For tests: what was asked. */
    uint64_t number;
    raft_index floor; /* What others had been told when it asked. */
};

static inline struct client *client_new(struct cluster *cluster, size_t at) {
    struct client *client = memory_zalloc(sizeof *client);
    client->member = &cluster->members[at];
    client->life = client->member->life;
    client->asked_ms = cluster->now_ms;
    client->asked_at = ++cluster->moments;
    cluster->clients =
        memory_grow(cluster->clients, &cluster->client_capacity, cluster->client_count + 1, sizeof *cluster->clients);
    cluster->clients[cluster->client_count++] = client;
    return client;
}

static inline void client_answered(struct client *client, size_t count) {
    ck_assert_msg(!client->cancelled, "a cancelled client was answered");
    ck_assert_msg(client->answers == 0, "a client was answered twice");
    client->answers++;
    client->answered_ms = client->member->cluster->now_ms;
    client->answered_at = ++client->member->cluster->moments;
    client->unheard = client->member->dying;
    client->count = count;
    client->lines = memory_zalloc((count == 0 ? 1 : count) * sizeof *client->lines);
}

/* -- Commands -- */

static inline void client_proposed(void *context, const struct message_line *lines, size_t count) {
    struct client *client = context;
    client_answered(client, count);
    for (size_t i = 0; i < count; i++) {
        client->lines[i].problem = lines[i].problem;
        client->lines[i].id = lines[i].id;
        client->lines[i].duplicate = lines[i].duplicate;
        client->lines[i].omitted = lines[i].omitted;
        if (lines[i].problem.code == PROBLEM_NONE) {
            client->lines[i].text = memory_text(lines[i].result.data, lines[i].result.size);
        }
    }
}

/* Commands, one a line. */
static inline struct client *cluster_propose_with(struct cluster *cluster, size_t at, const char *commands,
                                                  uint32_t timeout_ms, bool forward) {
    struct client *client = client_new(cluster, at);
    struct buffer *body = buffer_copy(commands, strlen(commands));
    struct json_span spans[1024];
    size_t count = 0;
    const char *line = body->data;
    const char *end = body->data + body->size;
    while (line < end) {
        const char *next = memchr(line, '\n', (size_t)(end - line));
        size_t size = (size_t)((next == NULL ? end : next) - line);
        size_t offset;
        ck_assert_uint_lt(count, sizeof spans / sizeof *spans);
        ck_assert(json_scan(line, size, &spans[count], &offset));
        count++;
        line = next == NULL ? end : next + 1;
    }
    client->ticket =
        node_propose(cluster_node(cluster, at), body, spans, count, timeout_ms, forward, client_proposed, client);
    ck_assert_uint_eq(client->answers, 0);
    buffer_release(body);
    return client;
}

static inline struct client *cluster_propose(struct cluster *cluster, size_t at, const char *commands) {
    return cluster_propose_with(cluster, at, commands, NODE_TIMEOUT_DEFAULT_MS, true);
}

/* One command, in a session (`key` NULL) or with an idempotency key. */
static inline struct client *cluster_propose_once(struct cluster *cluster, size_t at, const char *command, const char *key,
                                                  uint64_t session, uint64_t sequence) {
    struct client *client = client_new(cluster, at);
    struct buffer *body = buffer_copy(command, strlen(command));
    struct json_span span;
    size_t offset;
    ck_assert(json_scan(body->data, body->size, &span, &offset));
    const struct node_origin origin = {
        .session = session, .sequence = sequence, .key = key, .key_size = key == NULL ? 0 : strlen(key)};
    client->ticket = node_propose_once(cluster_node(cluster, at), body, span, &origin, NODE_TIMEOUT_DEFAULT_MS, true,
                                       client_proposed, client);
    buffer_release(body);
    return client;
}

/* Opens a session (0), or closes one. */
static inline struct client *cluster_change_session(struct cluster *cluster, size_t at, uint64_t session) {
    struct client *client = client_new(cluster, at);
    client->ticket =
        node_change_session(cluster_node(cluster, at), session, NODE_TIMEOUT_DEFAULT_MS, true, client_proposed, client);
    return client;
}

#define PUT(key, value) "{\"op\":\"put\",\"key\":\"" key "\",\"value\":" value "}"
#define GET(key)        "{\"op\":\"get\",\"key\":\"" key "\"}"

/* -- Queries -- */

static inline void client_queried(void *context, const struct node_query_answer *answer) {
    struct client *client = context;
    client_answered(client, 1);
    client->problem = answer->problem;
    client->lines[0].problem = answer->problem;
    client->lines[0].id = (struct raft_entry_id){answer->index, answer->term};
    if (answer->problem.code == PROBLEM_NONE) {
        client->lines[0].text = memory_text(answer->result.data, answer->result.size);
    }
}

struct query {
    const char *text; /* NULL: get "a". */
    enum node_consistency consistency;
    raft_index min_index;
    uint32_t timeout_ms; /* 0: the default. */
    bool stay;           /* forward=false */
};

static inline struct client *cluster_query_with(struct cluster *cluster, size_t at, struct query query) {
    struct client *client = client_new(cluster, at);
    const char *text = query.text == NULL ? GET("a") : query.text;
    struct buffer *body = buffer_copy(text, strlen(text));
    struct json_span span = {body->data, body->size};
    client->ticket =
        node_query(cluster_node(cluster, at), body, span, query.consistency, query.min_index,
                   query.timeout_ms == 0 ? NODE_TIMEOUT_DEFAULT_MS : query.timeout_ms, !query.stay, client_queried, client);
    ck_assert_uint_eq(client->answers, 0);
    buffer_release(body);
    return client;
}

static inline struct client *cluster_read_session(struct cluster *cluster, size_t at, uint64_t session) {
    struct client *client = client_new(cluster, at);
    client->ticket =
        node_read_session(cluster_node(cluster, at), session, NODE_TIMEOUT_DEFAULT_MS, true, client_queried, client);
    return client;
}

/* QUERY(cluster, at, .min_index = 3) */
#define QUERY(cluster, at, ...) cluster_query_with(cluster, at, (struct query){__VA_ARGS__})

/* Reads "a", linearizably. */
static inline struct client *cluster_get(struct cluster *cluster, size_t at) {
    return QUERY(cluster, at, .text = GET("a"));
}

/* -- The log -- */

static inline void client_read_log(void *context, const struct node_log_answer *answer) {
    struct client *client = context;
    client_answered(client, answer->count);
    client->problem = answer->problem;
    client->first_index = answer->first_index;
    client->last_index = answer->last_index;
    client->commit_index = answer->commit_index;
    for (size_t i = 0; i < answer->count; i++) {
        client->lines[i].id = answer->entries[i].id;
        client->lines[i].type = answer->entries[i].type;
        client->lines[i].time_ms = answer->entries[i].time_ms;
        client->lines[i].text = memory_text(answer->entries[i].data, answer->entries[i].size);
    }
}

static inline struct client *cluster_read_log(struct cluster *cluster, size_t at, raft_index from, size_t limit) {
    struct client *client = client_new(cluster, at);
    client->ticket = node_read_log(cluster_node(cluster, at), from, limit, client_read_log, client);
    ck_assert_uint_eq(client->answers, 0);
    return client;
}

/* -- Snapshots -- */

/* The one line has the snapshot's index and term. */
static inline void client_snapshot_taken(void *context, const struct node_snapshot_answer *answer) {
    struct client *client = context;
    client_answered(client, 1);
    client->problem = answer->problem;
    client->lines[0].problem = answer->problem;
    client->lines[0].id = answer->snapshot.id;
    client->number = answer->snapshot.length;
    ck_assert((answer->file != NULL) == (client->op != NULL && answer->problem.code == PROBLEM_NONE));
    snapshot_file_close(answer->file);
}

static inline struct client *cluster_snapshot_with(struct cluster *cluster, size_t at, bool open, uint32_t timeout_ms) {
    struct client *client = client_new(cluster, at);
    client->op = open ? "open" : NULL;
    client->ticket = node_snapshot(cluster_node(cluster, at), open, timeout_ms, client_snapshot_taken, client);
    ck_assert_uint_eq(client->answers, 0);
    return client;
}

static inline struct client *cluster_snapshot(struct cluster *cluster, size_t at) {
    return cluster_snapshot_with(cluster, at, false, NODE_TIMEOUT_DEFAULT_MS);
}

/* -- Leadership -- */

/* The one line has the new leader for its index, and its term. */
static inline void client_transferred(void *context, const struct node_transfer_answer *answer) {
    struct client *client = context;
    client_answered(client, 1);
    client->problem = answer->problem;
    client->lines[0].problem = answer->problem;
    client->lines[0].id = (struct raft_entry_id){answer->leader, answer->term};
}

/* `to`: a member's number, CLUSTER_MAX: whoever is the furthest. */
static inline struct client *cluster_transfer_with(struct cluster *cluster, size_t at, size_t to, uint32_t timeout_ms,
                                                   bool forward) {
    struct client *client = client_new(cluster, at);
    client->ticket = node_transfer(cluster_node(cluster, at), to == CLUSTER_MAX ? 0 : to + 1, timeout_ms, forward,
                                   client_transferred, client);
    ck_assert_uint_eq(client->answers, 0);
    return client;
}

static inline struct client *cluster_transfer(struct cluster *cluster, size_t at, size_t to) {
    return cluster_transfer_with(cluster, at, to, NODE_TIMEOUT_MAX_MS, true);
}

/* -- Answers -- */

static inline void client_cancel(struct client *client) {
    client->cancelled = true;
    node_cancel(client->member->node, client->ticket);
}

/* Runs until it is answered. */
static inline struct client *client_await(struct client *client) {
    struct cluster *cluster = client->member->cluster;
    for (unsigned ms = 0; client->answers == 0; ms++) {
        ck_assert_msg(ms < 70000, "never answered");
        cluster_settle(cluster);
        if (client->answers == 0) {
            cluster_run(cluster, 1);
        }
    }
    return client;
}

static inline void assert_problem(const struct client *client, enum problem_code code, bool unknown) {
    ck_assert_uint_eq(client->answers, 1);
    for (size_t i = 0; i < client->count; i++) {
        const struct problem *problem = &client->lines[i].problem;
        ck_assert_msg(problem->code == code, "line %zu: %s (%s), not %s", i,
                      problem->code == PROBLEM_NONE ? client->lines[i].text : problem_name(problem->code), problem->detail,
                      code == PROBLEM_NONE ? "done" : problem_name(code));
        ck_assert_msg(problem->outcome_unknown == unknown, "line %zu: %s: unknown %d", i, problem->detail,
                      problem->outcome_unknown);
    }
}

static inline void assert_line(const struct client *client, size_t line, const char *result) {
    ck_assert_uint_eq(client->answers, 1);
    ck_assert_uint_lt(line, client->count);
    ck_assert_msg(client->lines[line].problem.code == PROBLEM_NONE, "%s: %s",
                  problem_name(client->lines[line].problem.code), client->lines[line].problem.detail);
    ck_assert_str_eq(client->lines[line].text, result);
}

static inline void assert_result(const struct client *client, const char *result) {
    ck_assert_uint_eq(client->count, 1);
    assert_line(client, 0, result);
}

static inline void clients_check_and_free(struct cluster *cluster) {
    for (size_t i = 0; i < cluster->client_count; i++) {
        struct client *client = cluster->clients[i];
        ck_assert_msg(client->answers == (client->cancelled && client->answers == 0 ? 0 : 1),
                      "a client was never answered");
        for (size_t k = 0; k < client->count; k++) {
            free(client->lines[k].text);
        }
        free(client->lines);
        free(client);
    }
    free(cluster->clients);
}

/* Every machine that runs has the same contents; asked with a query for all of it, as far as one answer goes. */
static inline char *machine_contents(struct cluster *cluster, size_t at) {
    const struct node *node = cluster_node(cluster, at);
    struct json_writer contents = {0};
    const struct machine *machine = node->options.machine;
    const char *query = machine == machine_register() ? "{\"op\":\"read\"}" : "{\"op\":\"list\",\"limit\":1000}";
    ck_assert_int_eq(machine->query(node->applier.state, query, strlen(query), applier_output(&contents)), MACHINE_DONE);
    size_t size;
    return json_writer_take(&contents, &size);
}

static inline void assert_machines_equal(struct cluster *cluster) {
    char *first = NULL;
    for (size_t i = 0; i < cluster->count; i++) {
        if (cluster->members[i].node == NULL) {
            continue;
        }
        char *contents = machine_contents(cluster, i);
        if (first == NULL) {
            first = contents;
        } else {
            ck_assert_str_eq(contents, first);
            free(contents);
        }
    }
    free(first);
}

#endif
