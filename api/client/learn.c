#include "api/client/learn.h"

#include "api/client/call.h"
#include "api/client/clock.h"

#include "server/base/memory.h"

#include <stdlib.h>

enum { ID_MAX_BITS = 53 };

static void add_member(struct nodes *nodes, struct json_span member) {
    struct json_span id, url;
    uint64_t number = 0;
    if (!json_member(member, "id", &id) || json_type(id) != JSON_NUMBER ||
        !json_number_uint64(id, (UINT64_C(1) << ID_MAX_BITS) - 1, &number) || number == 0 ||
        !json_member(member, "client_url", &url) || json_type(url) != JSON_STRING) {
        return;
    }
    char *text = memory_alloc(url.size), checked[RAFTCLIENT_URL_MAX + 1];
    if (nodes_url_read(text, json_string_decode(url, text), checked)) {
        nodes_list_add(nodes, checked, number);
    }
    free(text);
}

bool learn_from(struct nodes *nodes, const char *body, size_t size) {
    struct json_span cluster, list, member;
    size_t offset;
    if (!json_scan(body, size, &cluster, &offset) || !json_member(cluster, "nodes", &list) ||
        json_type(list) != JSON_ARRAY) {
        return false;
    }
    nodes_list_begin(nodes);
    struct json_cursor cursor = json_open(list);
    while (json_next_element(&cursor, &member)) {
        if (json_type(member) == JSON_OBJECT) {
            add_member(nodes, member);
        }
    }
    nodes_list_end(nodes);
    return true;
}

static bool wanted(const struct raftclient *client, uint64_t now_ms) {
    if (client->options.only_given || now_ms < client->learn_after_ms) {
        return false;
    }
    if (client->learnt) {
        return nodes_leader_is_stranger(&client->nodes);
    }
    return client->answered || client->nodes.count == 1;
}

void learn_members(struct raftclient *client, uint64_t deadline_ms) {
    uint64_t now = clock_ms(), left = deadline_ms > now ? deadline_ms - now : 0;
    uint64_t until = clock_after(now, left / 2 < LEARN_MS ? left / 2 : LEARN_MS);
    if (!wanted(client, now)) {
        return;
    }
    const struct call call = {.method = "GET", .path = "/v1/cluster", .kind = VERDICT_READ};
    nodes_begin_call(&client->nodes);
    struct nodes_entry *node = nodes_choose(&client->nodes, false, now);
    call_exchange(client, node, &call, until);
    client->answer.body = ""; /* It stood where this answer stands. */
    client->answer.body_size = 0;
    const struct exchange_answer *exchange = &client->exchange;
    if (exchange->end == EXCHANGE_ANSWERED && exchange->status == 200 &&
        learn_from(&client->nodes, exchange->body, exchange->body_size)) {
        client->learnt = true;
    } else if (exchange->end != EXCHANGE_ANSWERED) {
        nodes_failed(&client->nodes, node, clock_ms());
    }
    client->learn_after_ms = clock_after(clock_ms(), LEARN_AGAIN_MS);
}
