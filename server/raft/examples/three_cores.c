/* Three cores in memory agree on a log; then their leader dies and the other two go on. The smallest host that keeps the
 * rules of raft.h: disks are arrays that write at once, the network is an array of messages, time is a number.
 *
 *     cc three_cores.c $(pkg-config --cflags --libs libraft) -o three_cores && ./three_cores */
#include <raftd/raft.h>

#include <stdio.h>

enum { SERVERS = 3, LOG_MAX = 1000, MAIL_MAX = 1000 };

static struct server {
    struct raft *raft;              /* NULL: dead. */
    struct raft_entry log[LOG_MAX]; /* By index; what is on its disk. */
    raft_index applied;
} servers[SERVERS + 1]; /* By id. */
static struct raft_message mail[MAIL_MAX];
static size_t mail_count;

static const struct raft_configuration members = {.voter_count = SERVERS, .voters = {1, 2, 3}};

static void start(raft_node_id id) {
    struct raft_options options = {.id = id, .seed = id, .heartbeat_ms = 100, .election_timeout_ms = 1000};
    options.max_in_flight = 4, options.max_batch_entries = 100, options.max_batch_bytes = 1 << 20;
    /* Every log begins with who the servers are, in term 1. */
    struct raft_entry first = {.id = {1, 1}, .type = RAFT_CONFIGURATION, .configuration = &members};
    servers[id].raft = raft_create(&options, (struct raft_hard_state){.term = 1, .voted_for = 0}, 0);
    servers[id].log[1] = first;
    raft_restore_entry(servers[id].raft, &first);
}

/* What the core wants done, in the order of raft.h. */
static void perform(raft_node_id id) {
    struct server *server = &servers[id];
    const struct raft_actions *actions = raft_take_actions(server->raft);
    for (size_t i = 0; i < actions->entry_count; i++) {
        server->log[actions->entries[i].id.index] = actions->entries[i];
    }
    for (size_t i = 0; i < actions->message_count && mail_count < MAIL_MAX; i++) {
        mail[mail_count] = actions->messages[i];
        if (mail[mail_count].type == RAFT_APPEND_ENTRIES) { /* The bytes are the host's to fill in. */
            mail[mail_count].append_entries.entries = &server->log[mail[mail_count].append_entries.prev.index + 1];
        }
        mail_count++;
    }
    while (server->applied < actions->commit_index) {
        const struct raft_entry *entry = &server->log[++server->applied];
        if (entry->type == RAFT_COMMAND) {
            printf("server %d applies %.*s\n", (int)id, (int)entry->size, entry->data);
        }
    }
    if (actions->write != 0) {
        raft_persisted(server->raft, actions->write);
    }
}

static void deliver(void) {
    for (size_t i = 0; i < mail_count; i++) {
        if (servers[mail[i].to].raft != NULL) {
            raft_receive(servers[mail[i].to].raft, &mail[i]);
        } else if (servers[mail[i].from].raft != NULL) {
            raft_send_failed(servers[mail[i].from].raft, mail[i].to, mail[i].round);
        }
    }
    mail_count = 0;
}

int main(void) {
    for (raft_node_id id = 1; id <= SERVERS; id++) {
        start(id);
    }
    const char *commands[] = {"put a=1", "put b=2", "put a=3"};
    size_t proposed = 0;
    for (uint64_t now_ms = 10; now_ms <= 10000; now_ms += 10) {
        for (raft_node_id id = 1; id <= SERVERS; id++) {
            struct raft *raft = servers[id].raft;
            if (raft == NULL) {
                continue;
            }
            raft_tick(raft, now_ms);
            if (proposed < 3 && now_ms >= 4000 * proposed && raft_accepts(raft)) {
                /* These bytes stay where they are; others would come in a raft_buffer, retained while they are in a log. */
                struct raft_entry entry = {.type = RAFT_COMMAND, .data = commands[proposed], .size = 7};
                raft_propose(raft, &entry, 1);
                printf("server %d leads term %d and proposes %s\n", (int)id, (int)raft_current_term(raft),
                       commands[proposed++]);
            }
            perform(id);
            if (proposed == 2 && now_ms == 5000 && raft_role(raft) == RAFT_LEADER) {
                printf("server %d dies\n", (int)id);
                raft_destroy(raft);
                servers[id].raft = NULL;
            }
        }
        deliver();
    }
    for (raft_node_id id = 1; id <= SERVERS; id++) {
        raft_destroy(servers[id].raft);
    }
}
