/* The network of a cluster under test: every request and answer is written as JSON text and read again on arrival. Part of
 * cluster.h.
 *
 *     sent --- due ---> arrived at the node, has a ticket --- reply ---> answered --- due ---> its sender hears of it
 *
 * The sender's side ends once, by an answer, a failure or its time-out; the request may arrive all the same, and later. */
#ifndef RAFTD_TESTS_SERVER_CLUSTER_NETWORK_H
#define RAFTD_TESTS_SERVER_CLUSTER_NETWORK_H

enum packet_state { PACKET_SENT, PACKET_ARRIVED, PACKET_ANSWERED, PACKET_GONE };

struct packet {
    enum packet_state state;
    size_t from;
    size_t to;
    unsigned from_life;
    unsigned to_life;
    enum message_kind kind;
    char *text; /* Owned: the request, later the answer. */
    size_t size;
    unsigned status;
    uint64_t token; /* 0: the sender does not wait any more. */
    uint64_t ticket;
    uint64_t due_ms;
    uint64_t deadline_ms;
    uint64_t number; /* For people: the same for a request and its answer. */
    bool not_sent;
    bool lost; /* What is on the way now will not arrive. */
    bool kept; /* A request of the test's own: its answer stays here. */
};

/* Ends the sender's side, if it still waits. */
static inline void packet_end(struct cluster *cluster, struct packet *packet, enum transport_end end, const char *why) {
    struct member *sender = &cluster->members[packet->from];
    uint64_t token = packet->token;
    packet->token = 0;
    if (token != 0 && sender->node != NULL && sender->life == packet->from_life) {
        CLUSTER_TELL(cluster, "node %zu hears of #%" PRIu64 ": %s", packet->from + 1, packet->number, why);
        node_answered(sender->node, token, end, NULL, NULL, why);
    }
}

static inline struct cluster_fate network_fate(struct cluster *cluster, size_t from, size_t to, enum message_kind kind,
                                               bool is_answer) {
    if (cluster->fate != NULL) {
        return cluster->fate(cluster->fate_context, from, to, kind, is_answer);
    }
    return (struct cluster_fate){.delay_ms = cluster_due(cluster, CLUSTER_NETWORK, cluster->network_ms) - cluster->now_ms};
}

static inline struct packet *network_add(struct cluster *cluster, struct packet *packet) {
    cluster->packets =
        memory_grow(cluster->packets, &cluster->packet_capacity, cluster->packet_count + 1, sizeof *cluster->packets);
    cluster->packets[cluster->packet_count++] = packet;
    return packet;
}

/* As it travels: JSON, or of a snapshot's piece a line with its query and then its bytes. */
static inline char *network_text(const struct message_request *request, size_t *out_size) {
    struct json_writer writer = {0};
    if (request->kind == MESSAGE_INSTALL_SNAPSHOT) {
        char query[MESSAGE_QUERY_SIZE];
        message_query_write(request, query);
        json_write_bytes(&writer, query, strlen(query));
        json_write_bytes(&writer, "\n", 1);
        if (request->install.size > 0) {
            json_write_bytes(&writer, request->install.bytes, request->install.size);
        }
    } else {
        message_request_write(request, &writer);
    }
    return json_writer_take(&writer, out_size);
}

static inline void network_send(void *context, const char *url, const struct message_request *request, uint32_t timeout_ms,
                                uint64_t token) {
    struct member *member = context;
    struct cluster *cluster = member->cluster;
    if (member->dying) {
        return;
    }
    size_t to = 0;
    while (to < cluster->count && strcmp(cluster->members[to].url, url) != 0) {
        to++;
    }
    struct cluster_fate fate = network_fate(cluster, member->at, to, request->kind, false);
    struct packet *packet = network_add(cluster, memory_zalloc(sizeof *packet));
    *packet = (struct packet){
        .number = ++cluster->messages,
        .from = member->at,
        .to = to,
        .from_life = member->life,
        .kind = request->kind,
        .token = token,
        .due_ms = cluster->now_ms + fate.delay_ms,
        .deadline_ms = cluster->now_ms + timeout_ms,
        .lost = fate.lost,
        .not_sent = to == cluster->count || cluster->members[to].node == NULL || cluster->refused[member->at][to],
    };
    packet->text = network_text(request, &packet->size);
    if (cluster->tell_message != NULL) {
        cluster->tell_message(cluster->tell_context, packet, request, NULL);
    }
    if (!packet->not_sent && (fate.doubled || cluster->doubling[member->at][to])) {
        struct packet *copy = network_add(cluster, memory_zalloc(sizeof *copy));
        *copy = *packet;
        copy->text = memory_text(packet->text, packet->size);
        copy->token = 0;
        copy->lost = false;
        copy->due_ms = cluster->fate == NULL ? packet->due_ms : packet->due_ms + fate.delay_ms;
    }
}

static inline void network_reply(void *context, uint64_t ticket, const struct message_answer *answer) {
    struct member *member = context;
    struct cluster *cluster = member->cluster;
    if (member->dying) {
        return;
    }
    for (size_t i = 0; i < cluster->packet_count; i++) {
        struct packet *packet = cluster->packets[i];
        if (packet->ticket != ticket) {
            continue;
        }
        ck_assert_msg(packet->state == PACKET_ARRIVED, "a request was answered twice");
        if (cluster->replied != NULL) {
            cluster->replied(cluster->replied_context, member, packet->from, answer);
        }
        struct json_writer writer = {0};
        message_answer_write(answer, &writer);
        free(packet->text);
        packet->text = json_writer_take(&writer, &packet->size);
        packet->status = answer->problem.code == PROBLEM_NONE ? 200 : problem_status(answer->problem.code);
        packet->state = PACKET_ANSWERED;
        struct cluster_fate fate = network_fate(cluster, packet->to, packet->from, packet->kind, true);
        packet->due_ms = cluster->now_ms + fate.delay_ms;
        packet->lost = fate.lost;
        cluster->messages++;
        if (cluster->tell_message != NULL) {
            cluster->tell_message(cluster->tell_context, packet, NULL, answer);
        }
        return;
    }
    ck_abort_msg("an answer to nobody");
}

/* -- Arrivals -- */

static inline void packet_arrived(struct cluster *cluster, struct packet *packet) {
    if (cluster->breaking[packet->from][packet->to] && packet->kind != MESSAGE_PROBE) {
        packet_end(cluster, packet, TRANSPORT_BROKEN, "connection reset");
    }
}

static inline void packet_arrive(struct cluster *cluster, struct packet *packet) {
    struct member *receiver = &cluster->members[packet->to];
    packet->state = PACKET_ARRIVED;
    packet->ticket = cluster->next_ticket++;
    packet->to_life = receiver->life;
    CLUSTER_TELL(cluster, "node %zu gets #%" PRIu64 " from %zu: %s", packet->to + 1, packet->number, packet->from + 1,
                 message_kind_name(packet->kind));
    struct message_request request;
    struct problem problem;
    if (packet->kind == MESSAGE_INSTALL_SNAPSHOT) {
        size_t query_size = strcspn(packet->text, "\n");
        struct buffer *piece = buffer_copy(packet->text + query_size + 1, packet->size - query_size - 1);
        ck_assert_msg(message_query_read(packet->text, query_size, piece, &request, &problem), "%s", problem.detail);
        node_receive(receiver->node, &request, piece, packet->ticket);
        buffer_release(piece);
        packet_arrived(cluster, packet);
        return;
    }
    struct buffer *body = buffer_copy(packet->text, packet->size);
    struct json_span value;
    size_t offset;
    ck_assert_msg(json_scan_message(body->data, body->size, &value, &offset), "not JSON: %s", packet->text);
    if (message_request_read(packet->kind, value, body, &request, &problem)) {
        node_receive(receiver->node, &request, body, packet->ticket);
        message_request_clear(&request);
    } else {
        ck_abort_msg("%s in %s", problem.detail, packet->text);
    }
    buffer_release(body);
    packet_arrived(cluster, packet);
}

static inline void packet_answer(struct cluster *cluster, struct packet *packet) {
    struct member *sender = &cluster->members[packet->from];
    packet->state = PACKET_GONE;
    uint64_t token = packet->token;
    packet->token = 0;
    if (token == 0 || sender->node == NULL || sender->life != packet->from_life) {
        return;
    }
    CLUSTER_TELL(cluster, "node %zu gets the answer to #%" PRIu64 " from %zu: %s", packet->from + 1, packet->number,
                 packet->to + 1, message_kind_name(packet->kind));
    struct buffer *body = buffer_copy(packet->text, packet->size);
    struct json_span value;
    size_t offset;
    struct message_answer answer;
    ck_assert(json_scan_message(body->data, body->size, &value, &offset));
    ck_assert_msg(message_answer_read(packet->kind, packet->status, value, &answer), "no answer: %s", packet->text);
    node_answered(sender->node, token, TRANSPORT_ANSWERED, &answer, body, "");
    message_answer_clear(&answer);
    buffer_release(body);
}

/* One step of one packet; false: nothing can happen to it now. */
static inline bool packet_step(struct cluster *cluster, struct packet *packet) {
    struct member *sender = &cluster->members[packet->from];
    if (packet->token != 0 && (sender->node == NULL || sender->life != packet->from_life)) {
        packet->token = 0;
    }
    bool stands_still = packet->token != 0 && sender->paused;
    if (packet->token != 0 && !stands_still && cluster->now_ms >= packet->deadline_ms) {
        packet_end(cluster, packet, TRANSPORT_BROKEN, "timed out");
        return true;
    }
    if (packet->due_ms > cluster->now_ms || packet->kept) {
        return false;
    }
    if (packet->state == PACKET_SENT) {
        if (packet->not_sent && stands_still) {
            return false;
        }
        if (packet->not_sent) {
            packet->state = PACKET_GONE;
            packet_end(cluster, packet, TRANSPORT_NOT_SENT, "connection refused");
            return true;
        }
        if (cluster->held[packet->from][packet->to] || cluster->members[packet->to].paused) {
            return false;
        }
        if (packet->lost || cluster->lost[packet->from][packet->to] || cluster->members[packet->to].node == NULL) {
            CLUSTER_TELL(cluster, "#%" PRIu64 " from %zu to %zu is lost", packet->number, packet->from + 1, packet->to + 1);
            packet->state = PACKET_GONE;
            return true;
        }
        packet_arrive(cluster, packet);
        return true;
    }
    if (packet->state == PACKET_ANSWERED && !cluster->held[packet->to][packet->from] && !stands_still) {
        if (packet->lost || cluster->lost[packet->to][packet->from]) {
            CLUSTER_TELL(cluster, "the answer to #%" PRIu64 " from %zu to %zu is lost", packet->number, packet->to + 1,
                         packet->from + 1);
            packet->state = PACKET_GONE;
        } else {
            packet_answer(cluster, packet);
        }
        return true;
    }
    return false;
}

static inline void network_sweep(struct cluster *cluster) {
    size_t kept = 0;
    for (size_t i = 0; i < cluster->packet_count; i++) {
        struct packet *packet = cluster->packets[i];
        if (packet->state == PACKET_GONE && packet->token == 0) {
            free(packet->text);
            free(packet);
        } else {
            cluster->packets[kept++] = packet;
        }
    }
    cluster->packet_count = kept;
}

/* What is due arrives, in the order it was sent. Answers whether anything did. */
static inline bool network_deliver(struct cluster *cluster) {
    bool any = false;
    size_t count = cluster->packet_count;
    for (size_t i = 0; i < count; i++) {
        any = packet_step(cluster, cluster->packets[i]) || any;
    }
    network_sweep(cluster);
    return any;
}

static inline uint64_t network_next_ms(const struct cluster *cluster) {
    uint64_t next = UINT64_MAX;
    for (size_t i = 0; i < cluster->packet_count; i++) {
        const struct packet *packet = cluster->packets[i];
        bool stands_still = packet->token != 0 && cluster->members[packet->from].paused;
        if (packet->token != 0 && !stands_still && packet->deadline_ms < next) {
            next = packet->deadline_ms;
        }
        bool moves = packet->state == PACKET_SENT || packet->state == PACKET_ANSWERED;
        if (moves && packet->due_ms > cluster->now_ms && packet->due_ms < next) {
            next = packet->due_ms;
        }
    }
    return next;
}

/* Its connections break: whoever waits for its answer learns that at once. */
static inline void network_member_died(struct cluster *cluster, size_t at) {
    for (size_t i = 0; i < cluster->packet_count; i++) {
        struct packet *packet = cluster->packets[i];
        if (packet->to == at && packet->state == PACKET_ARRIVED) {
            packet->state = PACKET_GONE;
            packet_end(cluster, packet, TRANSPORT_BROKEN, "connection reset");
        }
    }
    network_sweep(cluster);
    /* Its connections close, which whoever can be reached notices. */
    for (size_t i = 0; i < cluster->count; i++) {
        if (cluster->members[i].node != NULL && !cluster->lost[at][i] && !cluster->held[at][i]) {
            node_peer_gone(cluster->members[i].node, at + 1);
        }
    }
}

static inline void network_clear(struct cluster *cluster) {
    for (size_t i = 0; i < cluster->packet_count; i++) {
        free(cluster->packets[i]->text);
        free(cluster->packets[i]);
    }
    free(cluster->packets);
}

/* -- Requests that the test makes up -- */

/* Hands the request to the node; the answer stays in the packet, which lives as long as the cluster. */
static inline struct packet *network_ask(struct cluster *cluster, size_t to, const struct message_request *request) {
    struct packet *packet = network_add(cluster, memory_zalloc(sizeof *packet));
    *packet = (struct packet){.from = to, .to = to, .kind = request->kind, .kept = true};
    packet->text = network_text(request, &packet->size);
    node_tick(cluster->members[to].node, cluster->now_ms);
    packet_arrive(cluster, packet);
    return packet;
}

/* The answer's head and, when it is a problem, that; nothing that would have to be freed. */
static inline struct message_answer network_answer(const struct packet *packet) {
    ck_assert_msg(packet->state == PACKET_ANSWERED, "no answer yet");
    struct json_span value;
    size_t offset;
    struct message_answer answer;
    ck_assert(json_scan_message(packet->text, packet->size, &value, &offset));
    ck_assert_msg(message_answer_read(packet->kind, packet->status, value, &answer), "no answer: %s", packet->text);
    message_answer_clear(&answer);
    return answer;
}

/* A request to that member as it is meant to be addressed. */
static inline struct message_request network_request(const struct cluster *cluster, size_t from, size_t to,
                                                     enum message_kind kind) {
    struct message_request request;
    memset(&request, 0, sizeof request);
    request.kind = kind;
    request.round = 1;
    request.address.from = from + 1;
    request.address.to = to + 1;
    memcpy(request.address.from_incarnation, cluster->members[from].incarnation, STORAGE_INCARNATION_SIZE + 1);
    memcpy(request.address.to_incarnation, cluster->members[to].incarnation, STORAGE_INCARNATION_SIZE + 1);
    struct storage_state state;
    storage_state(cluster->members[to].storage, &state);
    memcpy(request.address.cluster_id, state.identity.cluster_id, STORAGE_CLUSTER_ID_SIZE + 1);
    if (kind == MESSAGE_REQUEST_VOTE || kind == MESSAGE_APPEND_ENTRIES || kind == MESSAGE_TIMEOUT_NOW) {
        request.raft.type = kind == MESSAGE_REQUEST_VOTE     ? RAFT_REQUEST_VOTE
                            : kind == MESSAGE_APPEND_ENTRIES ? RAFT_APPEND_ENTRIES
                                                             : RAFT_TIMEOUT_NOW;
    }
    return request;
}

/* -- Looking -- */

/* Requests of that kind from one member to another that are in that state. */
static inline size_t network_count(const struct cluster *cluster, size_t from, size_t to, enum message_kind kind,
                                   enum packet_state state) {
    size_t count = 0;
    for (size_t i = 0; i < cluster->packet_count; i++) {
        const struct packet *packet = cluster->packets[i];
        count += packet->from == from && packet->to == to && packet->kind == kind && packet->state == state ? 1 : 0;
    }
    return count;
}

#endif
