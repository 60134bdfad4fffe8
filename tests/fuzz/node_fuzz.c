/* One whole node - messages, consensus, machine, disk - among peers and clients that the input plays: any message after any
 * other, at any time, believed or not, with the disk as slow as the input likes, and death in between. What must hold does
 * not depend on anybody's honesty: nothing crashes, terms do not fall, one vote a term, what was committed in a life is not
 * truncated, nothing is granted or acknowledged before it is on disk, everybody who asks is answered exactly once, and the
 * node comes back from its disk.
 *
 *     byte 0   low two bits: a member of three, a sole voter with a learner, a blank node of a list of three, a member that
 *              holds a longer log; bit 2: a snapshot every few entries
 *     others   a byte says what happens (below 128: and a turn of the loop ends), those after it how
 */
#include "tests/fuzz/check_here.h"

#include "tests/unit/server/cluster.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { US = 0, INPUT_MAX = 4096, SENDS_MAX = 256, TICKETS_MAX = 4096, TERMS_MAX = 64, INDEXES_MAX = 1024, STEPS_MAX = 300 };

#define PEER_INCARNATION "1111111111111111111111111111111"

/* A request of the node's that nobody has answered yet. */
struct sent {
    uint64_t token;
    enum message_kind kind;
    raft_node_id to;
    raft_round round;
    raft_term term;
    bool pre_vote;
    raft_index match; /* What an acknowledgement of all would say. */
    struct storage_snapshot snapshot;
    uint64_t until; /* Of a piece of it. */
    uint64_t deadline_ms;
};

/* A request to the node. */
struct asked {
    enum message_kind kind;
    raft_node_id from;
    raft_term term;
    bool pre_vote;
    unsigned answers;
};

struct world {
    const uint8_t *at;
    const uint8_t *end;
    struct cluster *cluster;
    struct sent sent[SENDS_MAX];
    size_t sent_count;
    struct asked *asked; /* Owned; by ticket. */
    size_t asked_count;
    char incarnations[4][STORAGE_INCARNATION_SIZE + 1]; /* By id. */
    raft_node_id votes[TERMS_MAX];                      /* That were ever on disk, by term. */
    raft_term stored_term;
    raft_index stored_snapshot;       /* What one covers that was ever on disk. */
    bool stored[INDEXES_MAX];         /* By index: an entry was ever on disk. */
    raft_term committed[INDEXES_MAX]; /* In this life; 0: not that index. */
    raft_index commit_index;
    struct raft_hard_state handed;    /* The newest that was handed to the disk. */
    struct snapshot_directory *files; /* Of the peers. */
    struct storage_snapshot file;     /* One that they send. */
    char *file_bytes;
};

static struct world world;

/* -- The input -- */

static uint8_t next(void) {
    return world.at < world.end ? *world.at++ : 0;
}

static struct member *us(void) {
    return &world.cluster->members[US];
}

static struct node *node(void) {
    return us()->node;
}

static raft_index last_index(void) {
    return node()->core == NULL ? 0 : raft_last_index(node()->core);
}

static raft_term own_term(void) {
    return node()->core == NULL ? 1 : raft_current_term(node()->core);
}

/* Small, near what the node has, or far away. */
static raft_index any_index(void) {
    uint8_t byte = next();
    raft_index commit = node()->core == NULL ? 0 : raft_commit_index(node()->core);
    switch (byte >> 5) {
    case 0:
        return byte & 31;
    case 1:
        return commit + (byte & 31) < 8 ? 0 : commit + (byte & 31) - 8;
    case 2:
        return RAFT_NUMBER_MAX - (byte & 31);
    default:
        return last_index() + (byte & 31) < 16 ? 0 : last_index() + (byte & 31) - 16;
    }
}

static raft_term any_term(void) {
    uint8_t byte = next();
    raft_term own = own_term();
    if (byte >= 250) {
        return byte == 250 ? RAFT_NUMBER_MAX : own + RAFT_TERM_JUMP_MAX + byte - 252;
    }
    raft_term term = own + byte % 5;
    return term < 2 ? 0 : term - 2;
}

/* Often a true one. */
static struct raft_entry_id any_id(void) {
    raft_index index = any_index();
    uint8_t byte = next();
    raft_term known = node()->core == NULL ? 0 : raft_term_at(node()->core, index);
    return (struct raft_entry_id){index, (byte & 3) != 0 && known > 0 ? known : any_term()};
}

/* -- The disk -- */

static void written(void *context, const struct node *who, const struct storage_write *write) {
    (void)context;
    if (write->truncate_from != 0 && who->core != NULL) {
        ck_assert_msg(write->truncate_from > world.commit_index, "what is committed is truncated");
    }
    if (write->hard_state_changed) {
        ck_assert_msg(write->hard_state.term >= world.handed.term, "the term falls");
        ck_assert_msg(write->hard_state.term > world.handed.term || world.handed.voted_for == 0 ||
                          write->hard_state.voted_for == world.handed.voted_for,
                      "a second vote in a term");
        world.handed = write->hard_state;
    }
}

static void note_stored(const struct storage_write *write) {
    if (write->hard_state_changed) {
        world.stored_term = write->hard_state.term;
    }
    if (write->snapshot_changed && write->snapshot.id.index > world.stored_snapshot) {
        world.stored_snapshot = write->snapshot.id.index;
    }
    if (write->hard_state_changed && write->hard_state.term < TERMS_MAX && write->hard_state.voted_for != 0) {
        world.votes[write->hard_state.term] = write->hard_state.voted_for;
    }
    for (size_t i = 0; i < write->entry_count; i++) {
        raft_index index = write->entries[i].id.index;
        if (index < INDEXES_MAX) {
            world.stored[index] = true;
        }
    }
}

static void finish_writes(size_t count) {
    for (; count > 0 && us()->write_count > 0; count--) {
        note_stored(&us()->writes[0].write);
        disk_finish_write(us());
    }
}

static void finish_jobs(size_t count) {
    for (; count > 0; count--) {
        struct disk_run *run = disk_next_run(us());
        if (us()->read_count > 0) {
            disk_finish_read(us());
        } else if (run != NULL) {
            disk_step_run(us(), run);
        }
    }
}

/* -- The network -- */

static raft_node_id id_of_url(const char *url) {
    return strncmp(url, "http://node", 11) == 0 ? (raft_node_id)(url[11] - '0') : 0;
}

static void send_request(void *context, const char *url, const struct message_request *request, uint32_t timeout_ms,
                         uint64_t token) {
    struct member *member = context;
    if (member->dying) {
        return;
    }
    ck_assert_msg(timeout_ms > 0, "a request without time");
    /* It must be fit to be sent. */
    size_t size;
    char *text = network_text(request, &size);
    free(text);
    ck_assert_msg(world.sent_count < SENDS_MAX, "the node asks without an end");
    struct sent *sent = &world.sent[world.sent_count++];
    *sent = (struct sent){.token = token, .kind = request->kind, .round = request->round, .to = request->address.to};
    sent->to = sent->to == 0 ? id_of_url(url) : sent->to;
    sent->deadline_ms = world.cluster->now_ms + timeout_ms;
    switch (request->kind) {
    case MESSAGE_REQUEST_VOTE:
        sent->pre_vote = request->raft.request_vote.pre_vote;
        sent->term = request->raft.term;
        break;
    case MESSAGE_APPEND_ENTRIES:
        sent->term = request->raft.term;
        sent->match = request->raft.append_entries.prev.index + request->raft.append_entries.entry_count;
        break;
    case MESSAGE_INSTALL_SNAPSHOT:
        sent->snapshot = request->install.snapshot;
        sent->until = request->install.offset + request->install.size;
        sent->term = request->install.term;
        break;
    default:
        sent->term = own_term();
        break;
    }
}

static void check_promise(const struct asked *asked, const struct message_answer *answer) {
    if (asked->kind == MESSAGE_REQUEST_VOTE && answer->raft.vote_answer.vote_granted && !asked->pre_vote) {
        /* A later term on disk does as well: there will be no other vote in this one. */
        ck_assert_msg(answer->term >= TERMS_MAX || world.votes[answer->term] == asked->from ||
                          world.stored_term > answer->term,
                      "a vote is granted that is not on disk");
    }
    if (asked->kind == MESSAGE_APPEND_ENTRIES && answer->raft.append_answer.success) {
        raft_index match = answer->raft.append_answer.match_index;
        /* With a later term on disk the answer is as good as one that left before what a later leader had cut off, in the
         * very write that was waited for: whoever leads that term was elected without this node's entries being committed.
         */
        ck_assert_msg(match >= INDEXES_MAX || match <= world.stored_snapshot || world.stored[match] ||
                          world.stored_term > answer->term,
                      "entries are acknowledged that are not on disk");
    }
}

static void reply(void *context, uint64_t ticket, const struct message_answer *answer) {
    struct member *member = context;
    ck_assert_msg(ticket >= 1 && ticket <= world.asked_count, "an answer to nobody");
    struct asked *asked = &world.asked[ticket - 1];
    ck_assert_msg(asked->answers++ == 0, "a request is answered twice");
    ck_assert_msg(asked->kind == answer->kind, "an answer of another kind");
    if (answer->problem.code == PROBLEM_NONE && !member->dying) {
        check_promise(asked, answer);
    }
    struct json_writer writer = {0};
    message_answer_write(answer, &writer);
    size_t size;
    char *text = json_writer_take(&writer, &size);
    struct json_span value;
    size_t offset;
    struct message_answer again;
    ck_assert_msg(json_scan_message(text, size, &value, &offset), "an answer that is not JSON");
    unsigned status = answer->problem.code == PROBLEM_NONE ? 200 : problem_status(answer->problem.code);
    ck_assert_msg(message_answer_read(answer->kind, status, value, &again), "no answer: %s", text);
    message_answer_clear(&again);
    free(text);
}

static uint64_t note_asked(const struct message_request *request) {
    if (world.asked_count == TICKETS_MAX) {
        return 0;
    }
    struct asked *asked = &world.asked[world.asked_count++];
    *asked = (struct asked){.kind = request->kind, .from = request->address.from};
    if (request->kind == MESSAGE_REQUEST_VOTE) {
        asked->pre_vote = request->raft.request_vote.pre_vote;
        asked->term = request->raft.term;
    }
    return world.asked_count;
}

/* As it comes over the wire; what the door refuses does not reach the node. */
static void deliver_text(enum message_kind kind, const char *text, size_t size) {
    struct message_request request;
    struct problem problem;
    size_t query_size = 0;
    if (kind == MESSAGE_INSTALL_SNAPSHOT) {
        const char *line_end = size == 0 ? NULL : memchr(text, '\n', size);
        query_size = line_end == NULL ? size : (size_t)(line_end - text);
    }
    size_t begin = kind == MESSAGE_INSTALL_SNAPSHOT && query_size < size ? query_size + 1 : 0;
    struct buffer *body = buffer_copy(text + begin, size - begin);
    struct json_span value;
    size_t offset;
    uint64_t ticket;
    if (kind == MESSAGE_INSTALL_SNAPSHOT) {
        if (message_query_read(text, query_size, body, &request, &problem) && (ticket = note_asked(&request)) != 0) {
            node_receive(node(), &request, body, ticket);
        }
    } else if (json_scan_message(body->data, body->size, &value, &offset) &&
               message_request_read(kind, value, body, &request, &problem)) {
        ticket = note_asked(&request);
        if (ticket != 0) {
            node_receive(node(), &request, body, ticket);
        }
        message_request_clear(&request);
    }
    buffer_release(body);
}

static void deliver(const struct message_request *request) {
    size_t size;
    char *text = network_text(request, &size);
    deliver_text(request->kind, text, size);
    free(text);
}

static struct message_request request_of(enum message_kind kind) {
    struct message_request request;
    memset(&request, 0, sizeof request);
    uint8_t who = next();
    request.kind = kind;
    request.round = 1 + (who >> 4);
    request.address.from = (who & 3) == 0 ? 4 : (who & 3) + 1;
    request.address.to = 1;
    memcpy(request.address.from_incarnation, world.incarnations[request.address.from - 1], STORAGE_INCARNATION_SIZE + 1);
    memcpy(request.address.to_incarnation, us()->incarnation, STORAGE_INCARNATION_SIZE + 1);
    struct storage_state state;
    storage_state(us()->storage, &state);
    if (state.identity.cluster_id[0] != '\0') {
        memcpy(request.address.cluster_id, state.identity.cluster_id, STORAGE_CLUSTER_ID_SIZE + 1);
    } else {
        memset(request.address.cluster_id, 'c', STORAGE_CLUSTER_ID_SIZE);
    }
    if ((who & 12) == 12) {
        request.address.to_incarnation[who >> 4] = 'f'; /* Meant for somebody else. */
    }
    return request;
}

static struct members any_members(void) {
    struct members members = {0};
    uint8_t roles = next();
    uint8_t more = next();
    for (raft_node_id id = 1; id <= 4; id++) {
        unsigned role = (roles >> (2 * (id - 1))) & 3;
        if (role == 0) {
            continue;
        }
        struct members_member member = {.id = id, .voter = role != 2};
        member.outgoing = role == 3 && (more & 1) != 0;
        member.joining = role == 2 && (more & 2) != 0;
        member.next = (more & 4) == 0 ? MEMBERS_NEXT_NONE : role == 2 ? MEMBERS_NEXT_VOTER : MEMBERS_NEXT_LEARNER;
        snprintf(member.url, sizeof member.url, "http://node%u:%u", (unsigned)id,
                 (more & 8) != 0 && id > 1 ? 9001U : 8001U);
        memcpy(member.incarnation, id == 1 && (more & 16) == 0 ? us()->incarnation : world.incarnations[id - 1],
               STORAGE_INCARNATION_SIZE + 1);
        members_add(&members, &member);
    }
    return members;
}

static void receive_vote(void) {
    struct message_request request = request_of(MESSAGE_REQUEST_VOTE);
    uint8_t bits = next();
    request.raft.type = RAFT_REQUEST_VOTE;
    request.raft.term = any_term();
    request.raft.request_vote =
        (struct raft_request_vote){.pre_vote = (bits & 1) != 0, .transfer = (bits & 2) != 0, .last_log = any_id()};
    deliver(&request);
}

enum { ENTRIES_MAX = 7, ENTRY_TEXT = 2048 };

static void receive_append(void) {
    static const char *const commands[] = {"{\"op\":\"put\",\"key\":\"a\",\"value\":1}",
                                           "{\"op\":\"put\",\"key\":\"b\",\"value\":[1e2,\"\\u0000\"]}",
                                           "{\"op\":\"delete\",\"key\":\"a\"}",
                                           "{\"op\":\"cas\",\"key\":\"a\",\"expected\":1,\"value\":2}",
                                           "\"no command\"",
                                           "{\"op\":\"put\",\"key\":1}"};
    struct message_request request = request_of(MESSAGE_APPEND_ENTRIES);
    struct raft_entry entries[ENTRIES_MAX];
    char *texts[ENTRIES_MAX] = {NULL};
    request.raft.type = RAFT_APPEND_ENTRIES;
    request.raft.term = any_term();
    struct raft_append_entries *append = &request.raft.append_entries;
    *append = (struct raft_append_entries){.prev = any_id(), .leader_commit = any_index()};
    append->entry_count = next() % (ENTRIES_MAX + 1);
    append->entries = entries;
    raft_term term = append->prev.term;
    for (size_t i = 0; i < append->entry_count; i++) {
        uint8_t how = next();
        term = (how & 0x80) != 0 && request.raft.term > term ? request.raft.term : term;
        term = term == 0 ? 1 : term;
        entries[i] =
            (struct raft_entry){.id = {append->prev.index + 1 + i, term}, .type = RAFT_COMMAND, .time_ms = how & 3};
        const char *text = commands[(how >> 2) % 6];
        if ((how & 7) == 7) {
            entries[i].type = RAFT_NOOP;
            entries[i].time_ms = 0;
            text = NULL;
        } else if ((how & 7) == 6) {
            struct members members = any_members();
            struct json_writer writer = {0};
            members_write(&members, &writer);
            size_t size;
            texts[i] = json_writer_take(&writer, &size);
            text = texts[i];
            entries[i].type = RAFT_CONFIGURATION;
            entries[i].time_ms = 0;
        } else if ((how & 7) == 5) {
            entries[i].type = RAFT_SESSION;
            entries[i].session = next() % 4;
            text = NULL;
        } else if ((how & 7) == 4) {
            entries[i].session = 1 + next() % 4;
            entries[i].sequence = 1 + next() % 4;
        } else if ((how & 7) == 3) {
            entries[i].key = (how & 8) != 0 ? "\"k\"" : "\"l\"";
            entries[i].key_size = 3;
        }
        entries[i].data = text;
        entries[i].size = text == NULL ? 0 : (uint32_t)strlen(text);
    }
    uint8_t bits = next();
    request.state = (enum divergence_verdict)(bits % 3);
    request.diverged_since = request.state == DIVERGENCE_DIFFERS ? 1 + (bits >> 4) : 0;
    deliver(&request);
    for (size_t i = 0; i < ENTRIES_MAX; i++) {
        free(texts[i]);
    }
}

static void receive_other(void) {
    static const enum message_kind kinds[] = {MESSAGE_READ_INDEX,  MESSAGE_PROPOSE,  MESSAGE_PROBE,
                                              MESSAGE_TIMEOUT_NOW, MESSAGE_TRANSFER, MESSAGE_CHANGE};
    enum message_kind kind = kinds[next() % 6];
    struct message_request request = request_of(kind);
    uint8_t bits = next();
    struct json_span commands[2] = {{"{\"op\":\"put\",\"key\":\"p\",\"value\":1}", 32}, {"1", 1}};
    struct origin origins[2] = {origin_plain(), origin_plain()};
    if (kind == MESSAGE_READ_INDEX) {
        request.lease = (bits & 1) != 0;
    } else if (kind == MESSAGE_PROPOSE) {
        request.propose = (struct message_propose){.term = any_term(),
                                                   .run = bits & 1,
                                                   .sequence = (bits >> 1) & 7,
                                                   .timeout_ms = (bits & 16) != 0 ? 60000 : 1000,
                                                   .count = 1 + (bits >> 7),
                                                   .commands = commands};
        if ((bits & 32) != 0) {
            request.propose.origins = origins;
            origins[0].session = 1 + (bits & 3);
            origins[0].sequence = 1;
        }
    } else if (kind == MESSAGE_PROBE) {
        request.probe.list = any_members();
        for (size_t i = 0; i < request.probe.list.count; i++) {
            struct members_member *member = &request.probe.list.list[i];
            *member = (struct members_member){.id = member->id, .voter = true};
            snprintf(member->url, sizeof member->url, "http://node%u:8001", (unsigned)member->id);
        }
        request.probe.machine = (bits & 1) != 0 ? "register" : "hashmap";
        if ((bits & 2) != 0) {
            request.address.to = 0;
            request.address.to_incarnation[0] = '\0';
            request.address.cluster_id[0] = '\0';
        }
    } else if (kind == MESSAGE_TIMEOUT_NOW) {
        request.raft.type = RAFT_TIMEOUT_NOW;
        request.raft.term = any_term();
    } else if (kind == MESSAGE_TRANSFER) {
        request.transfer = (struct message_transfer){.to = bits & 7, .timeout_ms = 1000};
    } else {
        request.change.change.kind = (enum change_kind)(bits % CHANGE_KIND_COUNT);
        request.change.change.own = (bits & 64) != 0;
        request.change.change.members = any_members();
        request.change.forward = (bits & 128) != 0;
        request.change.timeout_ms = 5000;
        if (request.change.change.members.count == 0 ||
            (request.change.change.kind != CHANGE_PUT && request.change.change.members.count > 1)) {
            return;
        }
    }
    deliver(&request);
}

/* A piece of a good snapshot file, or of one that was changed on its way. */
static void receive_piece(void) {
    struct message_request request = request_of(MESSAGE_INSTALL_SNAPSHOT);
    uint8_t bits = next();
    struct message_install *install = &request.install;
    install->term = any_term();
    install->snapshot = world.file;
    uint64_t half = world.file.length / 2;
    install->offset = (bits & 1) != 0 ? half : 0;
    install->bytes = world.file_bytes + install->offset;
    install->size = (size_t)((bits & 3) == 0 ? half : world.file.length - install->offset);
    install->done = install->offset + install->size == world.file.length && (bits & 8) == 0;
    install->mend = (bits & 16) != 0;
    if ((bits & 32) != 0) {
        install->snapshot.id.index += next();
    }
    if ((bits & 64) != 0) {
        install->snapshot.crc ^= 1;
    }
    if ((bits & 128) != 0) {
        install->size = next() % (install->size + 1);
        install->done = false;
    }
    deliver(&request);
}

static void receive_bytes(void) {
    enum message_kind kind = (enum message_kind)(next() % MESSAGE_KIND_COUNT);
    size_t size = next();
    size = size * 4 < (size_t)(world.end - world.at) ? size * 4 : (size_t)(world.end - world.at);
    deliver_text(kind, (const char *)world.at, size);
    world.at += size;
}

/* -- Answers to the node -- */

static void end_send(size_t which, enum transport_end how, const struct message_answer *answer) {
    struct sent sent = world.sent[which];
    world.sent[which] = world.sent[--world.sent_count];
    struct json_writer writer = {0};
    struct message_answer read;
    if (how == TRANSPORT_ANSWERED) {
        message_answer_write(answer, &writer);
        size_t size;
        char *text = json_writer_take(&writer, &size);
        struct buffer *body = buffer_take(text, size);
        struct json_span value;
        size_t offset;
        unsigned status = answer->problem.code == PROBLEM_NONE ? 200 : problem_status(answer->problem.code);
        ck_assert_msg(json_scan_message(body->data, body->size, &value, &offset), "not JSON: %s", text);
        if (message_answer_read(sent.kind, status, value, &read)) {
            node_answered(node(), sent.token, TRANSPORT_ANSWERED, &read, body, "");
            message_answer_clear(&read);
        } else {
            node_answered(node(), sent.token, TRANSPORT_BROKEN, NULL, NULL, "no answer");
        }
        buffer_release(body);
    } else {
        node_answered(node(), sent.token, how, NULL, NULL, how == TRANSPORT_NOT_SENT ? "connection refused" : "timed out");
    }
}

static void fill_answer(const struct sent *sent, uint8_t bits, struct message_answer *answer) {
    bool yes = (bits & 1) != 0;
    switch (sent->kind) {
    case MESSAGE_REQUEST_VOTE:
        answer->raft.type = RAFT_VOTE_ANSWER;
        answer->raft.vote_answer = (struct raft_vote_answer){.pre_vote = sent->pre_vote, .vote_granted = yes};
        break;
    case MESSAGE_APPEND_ENTRIES:
        answer->raft.type = RAFT_APPEND_ANSWER;
        answer->raft.append_answer = (struct raft_append_answer){.success = yes, .promise_ms = (uint32_t)(bits & 2) * 75};
        if (yes) {
            answer->raft.append_answer.match_index = (bits & 4) == 0 ? sent->match : any_index();
        } else {
            answer->raft.append_answer.conflict_term = (bits & 4) == 0 ? 0 : any_term();
            answer->raft.append_answer.conflict_index = any_index();
        }
        answer->storage_full = (bits & 64) != 0;
        answer->state_hash = (struct state_hash_report){.index = (bits & 128) != 0 ? 1 + (bits & 31) : 0, .hash = bits};
        break;
    case MESSAGE_TIMEOUT_NOW:
        answer->raft.type = RAFT_TIMEOUT_NOW_ANSWER;
        break;
    case MESSAGE_READ_INDEX:
        answer->read_index = any_index();
        break;
    case MESSAGE_TRANSFER:
        answer->transfer.leader = 1 + (bits & 3);
        answer->transfer.term = answer->term;
        break;
    case MESSAGE_CHANGE:
        answer->change.index = any_index();
        answer->change.members = any_members();
        break;
    case MESSAGE_PROBE:
        answer->probe.state = (enum message_formation_state)((bits >> 1) % 3);
        memset(answer->probe.cluster_id, (bits & 8) != 0 ? 'd' : 'c',
               answer->probe.state == MESSAGE_BLANK ? 0 : STORAGE_CLUSTER_ID_SIZE);
        answer->probe.list = us()->options.cluster;
        if (answer->probe.state != MESSAGE_BLANK) {
            answer->probe.members = any_members();
            answer->probe.members_index = (bits & 16) != 0 ? any_index() : 1;
            answer->probe.members_committed = (bits & 32) != 0;
        }
        answer->probe.leader = (bits & 64) != 0 ? 2 : 0;
        answer->probe.joins = (bits & 128) != 0;
        answer->probe.restored = (bits & 40) == 40;
        answer->probe.machine = "hashmap";
        break;
    case MESSAGE_INSTALL_SNAPSHOT:
        answer->install.stored = yes ? sent->until : next();
        answer->install.installed = (bits & 2) != 0;
        break;
    case MESSAGE_PROPOSE:
    case MESSAGE_KIND_COUNT:
        break;
    }
}

static void answer_one(void) {
    uint8_t which = next();
    uint8_t bits = next();
    if (world.sent_count == 0) {
        return;
    }
    size_t at = (which & 31) % world.sent_count;
    const struct sent *sent = &world.sent[at];
    struct message_answer answer;
    memset(&answer, 0, sizeof answer);
    answer.kind = sent->kind;
    answer.from = (which & 32) == 0 ? sent->to : 1U + (bits & 3);
    raft_node_id known = answer.from >= 1 && answer.from <= 4 ? answer.from : 4;
    memcpy(answer.incarnation, world.incarnations[known - 1], STORAGE_INCARNATION_SIZE + 1);
    answer.round = sent->round;
    answer.term = (which & 64) == 0 ? sent->term : any_term();
    struct message_line lines[2] = {{.id = {5, 2}, .result = {"{}", 2}}, {.id = {6, 2}, .result = {"{}", 2}}};
    if ((which & 128) != 0) {
        static const enum problem_code codes[] = {PROBLEM_NOT_LEADER,   PROBLEM_NO_LEADER,      PROBLEM_WRONG_CLUSTER,
                                                  PROBLEM_NOT_READY,    PROBLEM_TIMEOUT,        PROBLEM_CONFLICT,
                                                  PROBLEM_STORAGE_FULL, PROBLEM_LEADERSHIP_LOST};
        if ((bits & 3) == 3) {
            end_send(at, (bits & 4) != 0 ? TRANSPORT_NOT_SENT : TRANSPORT_BROKEN, NULL);
            return;
        }
        problem_set(&answer.problem, codes[(bits >> 3) & 7], (bits & 4) != 0, "no");
    } else if (sent->kind == MESSAGE_PROPOSE) {
        answer.propose.count = 1 + (bits & 1);
        answer.propose.lines = lines;
        if ((bits & 2) != 0) {
            problem_set(&lines[0].problem, PROBLEM_LEADERSHIP_LOST, true, "lost");
        }
    } else {
        fill_answer(sent, bits, &answer);
    }
    end_send(at, TRANSPORT_ANSWERED, &answer);
}

/* The friend of an election: grants and acknowledges all that is asked. */
static void answer_all(void) {
    for (size_t left = world.sent_count; left > 0 && world.sent_count > 0; left--) {
        struct sent sent = world.sent[0];
        struct message_answer answer;
        memset(&answer, 0, sizeof answer);
        if (sent.kind == MESSAGE_PROPOSE || sent.to < 1 || sent.to > 4) {
            end_send(0, TRANSPORT_BROKEN, NULL);
            continue;
        }
        answer.kind = sent.kind;
        answer.from = sent.to;
        memcpy(answer.incarnation, world.incarnations[sent.to - 1], STORAGE_INCARNATION_SIZE + 1);
        answer.round = sent.round;
        answer.term = sent.term;
        fill_answer(&sent, 3, &answer);
        end_send(0, TRANSPORT_ANSWERED, &answer);
    }
}

static void end_late_sends(void) {
    for (size_t i = 0; i < world.sent_count;) {
        if (world.sent[i].deadline_ms <= world.cluster->now_ms) {
            end_send(i, TRANSPORT_BROKEN, NULL);
        } else {
            i++;
        }
    }
}

/* -- Clients -- */

static void client_changed(void *context, const struct node_change_answer *answer) {
    struct client *client = context;
    client_answered(client, 0);
    client->problem = answer->problem;
}

static void ask_as_client(void) {
    uint8_t what = next();
    uint8_t bits = next();
    struct cluster *cluster = world.cluster;
    struct client *client = NULL;
    struct change change = {.kind = (enum change_kind)(bits % CHANGE_REPLACE)};
    switch (what % 10) {
    case 0:
    case 1:
        client = cluster_propose_with(cluster, US, PUT("a", "1") "\n" PUT("b", "2"), 1 + bits * 20U, (bits & 1) != 0);
        break;
    case 2:
        client = cluster_propose_once(cluster, US, PUT("c", "1"), (bits & 4) != 0 ? "key" : "yek", 0, 0);
        break;
    case 3:
        client = cluster_propose_once(cluster, US, PUT("d", "1"), NULL, 1 + (bits & 3), 1 + (bits >> 5));
        break;
    case 4:
        client = cluster_change_session(cluster, US, bits & 3);
        break;
    case 5:
        client = QUERY(cluster, US, .consistency = (enum node_consistency)(bits % 3),
                       .min_index = (bits & 64) != 0 ? any_index() : 0, .stay = (bits & 128) != 0);
        break;
    case 6:
        client = (bits & 128) != 0 ? cluster_read_session(cluster, US, 1 + (bits & 3))
                                   : cluster_read_log(cluster, US, any_index(), 1 + (bits & 63));
        break;
    case 7:
        client = cluster_snapshot_with(cluster, US, (bits & 1) != 0, 5000);
        break;
    case 8:
        client = cluster_transfer_with(cluster, US, bits & 3, 2000, (bits & 4) != 0);
        break;
    default:
        change.members = any_members();
        if (change.members.count == 0 || (change.kind != CHANGE_PUT && change.members.count > 1) ||
            !change_is_settled(&change.members)) {
            return; /* The door lets nothing like that through. */
        }
        client = client_new(cluster, US);
        client->ticket = node_change(node(), &change, 5000, (bits & 4) != 0, client_changed, client);
        break;
    }
    if ((what & 0xe0) == 0xe0) {
        client_cancel(client);
    }
}

/* -- Lives -- */

static void start(void) {
    struct member *member = us();
    member->life++;
    member->dying = false;
    member->options.seed = 1 + member->life;
    struct node_io io = {
        .transport = {.context = member, .send = send_request},
        .disk = {.context = member, .write = disk_write, .read = disk_read, .run = disk_run},
        .snapshots = member->snapshots,
        .reply = reply,
        .reply_context = member,
        .random = fill_random,
        .random_context = member,
    };
    struct storage_message message = {""};
    struct storage_state state;
    storage_state(member->storage, &state);
    member->node = node_create(&member->options, &io, member->storage, world.cluster->now_ms, &message);
    ck_assert_msg(member->node != NULL, "the node does not come back: %s", message.text);
    ck_assert_msg(member->node->core == NULL || raft_current_term(member->node->core) == state.hard_state.term,
                  "it comes back in another term");
    world.handed = state.hard_state;
    world.commit_index = 0;
    memset(world.committed, 0, sizeof world.committed);
}

static void look(void) {
    const struct raft *core = node()->core;
    if (core == NULL) {
        return;
    }
    raft_index commit = raft_commit_index(core);
    ck_assert_msg(commit >= world.commit_index, "the commit index goes back");
    ck_assert_msg(commit <= raft_last_index(core), "committed beyond the log's end");
    world.commit_index = commit;
    raft_index base = raft_base(core).index;
    for (raft_index index = base + 1; index <= commit && index < INDEXES_MAX; index++) {
        raft_term term = raft_term_at(core, index);
        ck_assert_msg(world.committed[index] == 0 || world.committed[index] == term,
                      "another entry where one was committed");
        world.committed[index] = term;
    }
    for (raft_index index = 0; index <= base && index < INDEXES_MAX; index++) {
        world.committed[index] = 0;
    }
    struct node_status status;
    node_status(node(), &status);
    ck_assert_msg(status.applied_index <= commit, "applied before it was committed");
}

static void turn(void) {
    node_turn(node(), world.cluster->now_ms);
    look();
}

static void pass(uint64_t ms) {
    world.cluster->now_ms += ms;
    node_tick(node(), world.cluster->now_ms);
    end_late_sends();
    turn();
}

/* Requests that waited for a write have no answer. Reads end, those too that the last request begins: clients of the log
 * wait for them, however long. */
static void die(void) {
    for (turn(); us()->read_count > 0; turn()) {
        while (us()->read_count > 0) {
            disk_finish_read(us());
        }
    }
    cluster_kill(world.cluster, US);
    world.sent_count = 0;
    world.asked_count = 0;
}

static void step(void) {
    static const uint64_t times[] = {1, 10, 50, 100, 150, 300, 1000, 2500};
    uint8_t what = next();
    switch (what & 15) {
    case 0:
        pass(times[next() & 7]);
        break;
    case 1:
        receive_vote();
        break;
    case 2:
    case 3:
        receive_append();
        break;
    case 4:
        finish_writes(1 + (what >> 4 & 3));
        break;
    case 5:
        finish_jobs(1 + (what >> 4 & 7));
        break;
    case 6:
        answer_one();
        break;
    case 7:
        ask_as_client();
        break;
    case 8:
        receive_piece();
        break;
    case 9:
        receive_other();
        break;
    case 10:
        receive_bytes();
        break;
    case 11:
        die();
        start();
        break;
    case 12:
        answer_all();
        break;
    case 13: /* All that is due. */
        finish_writes(100);
        turn();
        finish_jobs(20);
        break;
    default: { /* Room on the disk. */
        struct storage_room room = STORAGE_ROOM_UNKNOWN;
        uint8_t bits = next();
        room.for_commands = (bits & 1) != 0 ? 0 : 100000;
        room.for_entries = (bits & 2) != 0 ? 0 : 100000;
        room.free_bytes = 200000;
        node_room(node(), &room);
        break;
    }
    }
    if ((what & 0x80) == 0) {
        turn();
    }
}

/* -- The beginning and the end -- */

static void put_entries(struct member *member, const struct members *members, size_t commands) {
    static const char command[] = "{\"op\":\"put\",\"key\":\"old\",\"value\":1}";
    struct json_writer writer = {0};
    members_write(members, &writer);
    size_t size;
    char *text = json_writer_take(&writer, &size);
    struct raft_entry entries[16] = {{.id = {1, 1}, .type = RAFT_CONFIGURATION, .size = (uint32_t)size, .data = text}};
    for (size_t i = 1; i <= commands; i++) {
        entries[i] = (struct raft_entry){
            .id = {i + 1, 1 + i / 4}, .type = RAFT_COMMAND, .data = command, .size = sizeof command - 1};
    }
    struct storage_write write = {.entries = entries,
                                  .entry_count = commands + 1,
                                  .hard_state_changed = true,
                                  .hard_state = {.term = 1 + commands / 4, .voted_for = 0},
                                  .cluster_changed = true,
                                  .formed = true};
    memset(write.cluster_id, 'c', STORAGE_CLUSTER_ID_SIZE);
    struct storage_message message;
    ck_assert_int_eq(storage_write(member->storage, &write, &message), STORAGE_OK);
    note_stored(&write);
    free(text);
}

/* What a peer sends as a snapshot: of a state in which nothing is, at index 20. */
static void make_file(const struct members *members) {
    struct snapshot_head head = {.id = {.index = 20, .term = 2}, .configuration_index = 1, .machine = "hashmap"};
    memset(head.cluster_id, 'c', STORAGE_CLUSTER_ID_SIZE);
    struct snapshot_writer_file *writer = NULL;
    struct json_writer text = {0};
    members_write(members, &text);
    size_t size;
    char *configuration = json_writer_take(&text, &size);
    world.files = snapshot_directory_memory();
    ck_assert(snapshot_file_create(world.files, &head, &writer, NULL) == STORAGE_OK);
    ck_assert(snapshot_file_write(writer, SNAPSHOT_CONFIGURATION, configuration, size));
    ck_assert(snapshot_file_finish(writer, &world.file, NULL) == STORAGE_OK);
    free(configuration);
    struct snapshot_file *file = NULL;
    ck_assert(snapshot_file_open(world.files, &world.file, &file, NULL) == STORAGE_OK);
    world.file_bytes = memory_alloc(world.file.length);
    ck_assert(snapshot_file_raw(file, 0, world.file_bytes, world.file.length));
    snapshot_file_close(file);
}

static void begin(uint8_t how) {
    world.cluster = cluster_create(3, 7);
    world.cluster->written = written;
    world.asked = memory_zalloc(TICKETS_MAX * sizeof *world.asked);
    struct member *member = us();
    memcpy(world.incarnations[0], member->incarnation, STORAGE_INCARNATION_SIZE + 1);
    for (int i = 1; i < 4; i++) {
        snprintf(world.incarnations[i], sizeof world.incarnations[i], PEER_INCARNATION "%c", '1' + i);
    }
    struct members members = cluster_list(3);
    for (size_t i = 0; i < 3; i++) {
        memcpy(members.list[i].incarnation, world.incarnations[i], STORAGE_INCARNATION_SIZE + 1);
        members.list[i].voter = (how & 3) != 1 || i == 0;
    }
    make_file(&members);
    if ((how & 3) != 2) {
        put_entries(member, &members, (how & 3) == 3 ? 12 : 3);
    }
    if ((how & 4) != 0) {
        member->options.snapshot_entries = 4;
        member->options.piece_bytes = 64;
    }
    start();
}

/* Everything comes to its end: the disk goes on, nobody answers, and time passes until the last client has given up. */
static void end(void) {
    for (int i = 0; i < 8; i++) {
        finish_writes(1000);
        finish_jobs(50);
        pass(NODE_TIMEOUT_MAX_MS / 5);
        turn();
    }
    finish_writes(1000);
    turn();
    for (size_t i = 0; i < world.asked_count; i++) {
        ck_assert_msg(world.asked[i].answers == 1, "a request was never answered");
    }
    die();
    start();
    turn();
    die();
    cluster_destroy(world.cluster);
    snapshot_directory_close(world.files);
    free(world.file_bytes);
    free(world.asked);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size < 1 || size > INPUT_MAX) {
        return 0;
    }
    memset(&world, 0, sizeof world);
    world.at = data + 1;
    world.end = data + size;
    begin(data[0]);
    for (int i = 0; i < STEPS_MAX && world.at < world.end; i++) {
        node_tick(node(), world.cluster->now_ms);
        step();
    }
    end();
    return 0;
}
