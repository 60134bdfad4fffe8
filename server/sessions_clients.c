#include "server/sessions_clients.h"

#include "server/sessions_record.h"

#include <assert.h>

enum {
    HEAD_KEY_SIZE = SESSIONS_NUMBER_SIZE,
    HEAD_VALUE_SIZE = 4 * SESSIONS_NUMBER_SIZE,
    QUEUE_KEY_SIZE = 2 * SESSIONS_NUMBER_SIZE /* Of uses and of results. */
};

/* A number by which to order, then the session. */
struct queue_key {
    char bytes[QUEUE_KEY_SIZE];
};

static struct queue_key queue_key(uint64_t order, uint64_t session) {
    struct queue_key key;
    sessions_record_put_number(key.bytes, order);
    sessions_record_put_number(key.bytes + SESSIONS_NUMBER_SIZE, session);
    return key;
}

static uint64_t queue_order(const struct pair *pair) {
    assert(pair->key_size == QUEUE_KEY_SIZE);
    return sessions_record_get_number(pair->bytes);
}

static uint64_t queue_session(const struct pair *pair) {
    assert(pair->key_size == QUEUE_KEY_SIZE);
    return sessions_record_get_number(pair->bytes + SESSIONS_NUMBER_SIZE);
}

void sessions_clients_clear(struct sessions_clients *clients) {
    cow_tree_clear(&clients->heads);
    cow_tree_clear(&clients->uses);
    cow_tree_clear(&clients->results);
    clients->result_bytes = 0;
}

struct sessions_client sessions_clients_read(const struct pair *head) {
    struct json_span value = pair_value(head);
    assert(head->key_size == HEAD_KEY_SIZE && value.size == HEAD_VALUE_SIZE);
    return (struct sessions_client){
        .session = sessions_record_get_number(head->bytes),
        .last_used_ms = sessions_record_get_number(value.data),
        .sequence = sessions_record_get_number(value.data + SESSIONS_NUMBER_SIZE),
        .id = {.index = sessions_record_get_number(value.data + 2 * SESSIONS_NUMBER_SIZE),
               .term = sessions_record_get_number(value.data + 3 * SESSIONS_NUMBER_SIZE)},
    };
}

static void put_head(struct sessions_clients *clients, const struct sessions_client *client) {
    char key[HEAD_KEY_SIZE];
    char value[HEAD_VALUE_SIZE];
    sessions_record_put_number(key, client->session);
    sessions_record_put_number(value, client->last_used_ms);
    sessions_record_put_number(value + SESSIONS_NUMBER_SIZE, client->sequence);
    sessions_record_put_number(value + 2 * SESSIONS_NUMBER_SIZE, client->id.index);
    sessions_record_put_number(value + 3 * SESSIONS_NUMBER_SIZE, client->id.term);
    sessions_record_put(&clients->heads, key, sizeof key, value, sizeof value);
}

static void put_use(struct sessions_clients *clients, const struct sessions_client *client) {
    struct queue_key key = queue_key(client->last_used_ms, client->session);
    sessions_record_put(&clients->uses, key.bytes, sizeof key.bytes, "", 0);
}

static void remove_use(struct sessions_clients *clients, const struct sessions_client *client) {
    struct queue_key key = queue_key(client->last_used_ms, client->session);
    sessions_record_remove(&clients->uses, key.bytes, sizeof key.bytes);
}

static void put_result(struct sessions_clients *clients, const struct sessions_client *client, struct json_span result) {
    if (result.size > 0) {
        struct queue_key key = queue_key(client->id.index, client->session);
        sessions_record_put(&clients->results, key.bytes, sizeof key.bytes, result.data, result.size);
        clients->result_bytes += result.size;
    }
}

static void remove_result(struct sessions_clients *clients, uint64_t index, uint64_t session) {
    struct queue_key key = queue_key(index, session);
    struct pair *pair = cow_tree_remove(&clients->results, key.bytes, sizeof key.bytes);
    if (pair != NULL) {
        assert(clients->result_bytes >= pair->value_size);
        clients->result_bytes -= pair->value_size;
        pair_release(pair);
    }
}

static bool find_any(const struct sessions_clients *clients, uint64_t session, struct sessions_client *out_client) {
    char key[HEAD_KEY_SIZE];
    sessions_record_put_number(key, session);
    const struct pair *head = cow_tree_get(&clients->heads, key, sizeof key);
    if (head == NULL) {
        return false;
    }
    *out_client = sessions_clients_read(head);
    return true;
}

bool sessions_clients_find(const struct sessions_clients *clients, uint64_t session, uint64_t now_ms,
                           struct sessions_client *out_client) {
    struct sessions_client client;
    if (!find_any(clients, session, &client) || sessions_record_is_over(client.last_used_ms, now_ms)) {
        return false;
    }
    *out_client = client;
    return true;
}

struct json_span sessions_clients_result(const struct sessions_clients *clients, const struct sessions_client *client) {
    struct queue_key key = queue_key(client->id.index, client->session);
    const struct pair *pair = cow_tree_get(&clients->results, key.bytes, sizeof key.bytes);
    return pair == NULL ? (struct json_span){.data = "", .size = 0} : pair_value(pair);
}

void sessions_clients_add(struct sessions_clients *clients, const struct sessions_client *client, struct json_span result) {
    uint64_t before = clients->heads.count;
    put_head(clients, client);
    put_use(clients, client);
    put_result(clients, client, result);
    assert(clients->heads.count == before + 1 && clients->uses.count == before + 1);
}

void sessions_clients_remove(struct sessions_clients *clients, uint64_t session) {
    struct sessions_client client;
    if (find_any(clients, session, &client)) {
        char key[HEAD_KEY_SIZE];
        sessions_record_put_number(key, session);
        sessions_record_remove(&clients->heads, key, sizeof key);
        remove_use(clients, &client);
        remove_result(clients, client.id.index, session);
        assert(clients->heads.count == clients->uses.count && clients->heads.count >= clients->results.count);
    }
}

void sessions_clients_remove_oldest(struct sessions_clients *clients) {
    const struct pair *oldest = sessions_record_first(&clients->uses);
    assert(oldest != NULL);
    sessions_clients_remove(clients, queue_session(oldest));
}

bool sessions_clients_remove_over(struct sessions_clients *clients, uint64_t now_ms) {
    const struct pair *oldest = sessions_record_first(&clients->uses);
    if (oldest == NULL || !sessions_record_is_over(queue_order(oldest), now_ms)) {
        return false;
    }
    sessions_clients_remove(clients, queue_session(oldest));
    return true;
}

void sessions_clients_use(struct sessions_clients *clients, struct sessions_client *client, uint64_t now_ms) {
    assert(client->last_used_ms <= now_ms);
    if (client->last_used_ms == now_ms) {
        return;
    }
    remove_use(clients, client);
    client->last_used_ms = now_ms;
    put_use(clients, client);
    put_head(clients, client);
}

void sessions_clients_answer(struct sessions_clients *clients, const struct sessions_client *client, uint64_t sequence,
                             struct raft_entry_id id, struct json_span result) {
    assert(sequence > client->sequence);
    remove_result(clients, client->id.index, client->session);
    struct sessions_client answered = *client;
    answered.sequence = sequence;
    answered.id = id;
    put_head(clients, &answered);
    put_result(clients, &answered, result);
}

void sessions_clients_trim(struct sessions_clients *clients, uint64_t bytes_max, uint64_t now_ms) {
    while (clients->result_bytes > bytes_max) {
        if (!sessions_clients_remove_over(clients, now_ms)) {
            const struct pair *oldest = sessions_record_first(&clients->results);
            assert(oldest != NULL);
            remove_result(clients, queue_order(oldest), queue_session(oldest));
        }
    }
}
