#include "api/client/nodes.h"

#include <stdio.h>
#include <string.h>

static size_t scheme_size(const char *url) {
    return strncmp(url, "http://", 7) == 0 ? 7 : strncmp(url, "https://", 8) == 0 ? 8 : 0;
}

bool nodes_url_read(const char *text, size_t size, char out_url[RAFTCLIENT_URL_MAX + 1]) {
    if (size > 0 && text[size - 1] == '/') {
        size--;
    }
    if (size > RAFTCLIENT_URL_MAX || memchr(text, '\0', size) != NULL) {
        return false;
    }
    char url[RAFTCLIENT_URL_MAX + 1] = "";
    memcpy(url, text, size);
    url[size] = '\0';
    size_t scheme = scheme_size(url);
    if (scheme == 0 || size == scheme || url[scheme] == ':') {
        return false;
    }
    for (size_t i = scheme; i < size; i++) {
        unsigned char byte = (unsigned char)url[i];
        if (byte <= ' ' || byte >= 0x7F || strchr("/?#@\\\"<>{}|^`", byte) != NULL) {
            return false;
        }
    }
    memcpy(out_url, url, size + 1);
    return true;
}

static struct nodes_entry *find_url(struct nodes *nodes, const char *url) {
    for (size_t i = 0; i < nodes->count; i++) {
        if (strcmp(nodes->list[i].url, url) == 0) {
            return &nodes->list[i];
        }
    }
    return NULL;
}

static struct nodes_entry *find_id(struct nodes *nodes, uint64_t id) {
    for (size_t i = 0; id != 0 && i < nodes->count; i++) {
        if (nodes->list[i].id == id) {
            return &nodes->list[i];
        }
    }
    return NULL;
}

static struct nodes_entry *add(struct nodes *nodes, const char *url) {
    if (nodes->count == RAFTCLIENT_NODES_MAX) {
        return NULL;
    }
    struct nodes_entry *node = &nodes->list[nodes->count++];
    *node = (struct nodes_entry){.id = 0};
    snprintf(node->url, sizeof node->url, "%s", url);
    return node;
}

bool nodes_read(struct nodes *nodes, const char *urls, char *error, size_t error_size) {
    for (const char *at = urls;; at++) {
        size_t size = strcspn(at, ",");
        char url[RAFTCLIENT_URL_MAX + 1];
        if (!nodes_url_read(at, size, url)) {
            snprintf(error, error_size, "'%.*s' is not a URL like http://127.0.0.1:8001", size < 200 ? (int)size : 200, at);
            return false;
        }
        if (find_url(nodes, url) == NULL) {
            struct nodes_entry *node = add(nodes, url);
            if (node == NULL) {
                snprintf(error, error_size, "more than %d URLs", RAFTCLIENT_NODES_MAX);
                return false;
            }
            node->given = true;
        }
        at += size;
        if (*at == '\0') {
            return true;
        }
    }
}

void nodes_list_begin(struct nodes *nodes) {
    for (size_t i = 0; i < nodes->count; i++) {
        nodes->list[i].listed = false;
    }
}

static bool only_https_given(const struct nodes *nodes) {
    for (size_t i = 0; i < nodes->count; i++) {
        if (nodes->list[i].given && scheme_size(nodes->list[i].url) != 8) {
            return false;
        }
    }
    return true;
}

void nodes_list_add(struct nodes *nodes, const char *url, uint64_t id) {
    struct nodes_entry *known = find_url(nodes, url);
    if (known == NULL && !(scheme_size(url) != 8 && only_https_given(nodes)) && find_id(nodes, id) == NULL) {
        known = add(nodes, url);
    } else if (known == NULL && (known = find_id(nodes, id)) != NULL && !known->given &&
               scheme_size(url) >= scheme_size(known->url)) {
        snprintf(known->url, sizeof known->url, "%s", url); /* It has moved. */
        known->failures = 0;
        known->avoid_until_ms = 0;
    }
    if (known != NULL) {
        known->id = id;
        known->listed = true;
    }
}

void nodes_list_end(struct nodes *nodes) {
    size_t kept = 0;
    for (size_t i = 0; i < nodes->count; i++) {
        if (nodes->list[i].given || nodes->list[i].listed) {
            if (nodes->preferred == i) {
                nodes->preferred = kept;
            }
            nodes->list[kept++] = nodes->list[i];
        }
    }
    nodes->count = kept;
    nodes->preferred = nodes->preferred < kept ? nodes->preferred : 0;
}

void nodes_begin_call(struct nodes *nodes) {
    for (size_t i = 0; i < nodes->count; i++) {
        nodes->list[i].barred = false;
    }
    nodes_begin_round(nodes);
}

void nodes_begin_round(struct nodes *nodes) {
    for (size_t i = 0; i < nodes->count; i++) {
        nodes->list[i].tried = false;
    }
}

static bool fit(const struct nodes_entry *node, bool avoided, uint64_t now_ms) {
    return !node->tried && !node->barred && (avoided || node->avoid_until_ms <= now_ms);
}

struct nodes_entry *nodes_choose(struct nodes *nodes, bool spread, uint64_t now_ms) {
    struct nodes_entry *leader = find_id(nodes, nodes->leader);
    if (!spread && leader != NULL && fit(leader, false, now_ms)) {
        leader->tried = true;
        return leader;
    }
    for (int avoided = 0; avoided <= 1; avoided++) {
        for (size_t i = 0; i < nodes->count; i++) {
            struct nodes_entry *node = &nodes->list[(nodes->preferred + i) % nodes->count];
            if (fit(node, avoided == 1, now_ms)) {
                node->tried = true;
                if (spread) {
                    nodes->preferred = ((size_t)(node - nodes->list) + 1) % nodes->count;
                }
                return node;
            }
        }
    }
    return NULL;
}

bool nodes_any(const struct nodes *nodes) {
    for (size_t i = 0; i < nodes->count; i++) {
        if (!nodes->list[i].barred) {
            return true;
        }
    }
    return false;
}

void nodes_answered(struct nodes *nodes, struct nodes_entry *node, uint64_t id, uint64_t leader) {
    /* An id belongs to one URL: of two that lead to the same node the later one is as good. */
    struct nodes_entry *other = find_id(nodes, id);
    if (other == NULL || other == node) {
        node->id = id;
    }
    node->failures = 0;
    node->avoid_until_ms = 0;
    nodes->leader = leader;
}

void nodes_failed(struct nodes *nodes, struct nodes_entry *node, uint64_t now_ms) {
    uint64_t avoid_ms = node->failures < 10 ? (uint64_t)NODES_AVOID_MIN_MS << node->failures : NODES_AVOID_MAX_MS;
    node->failures++;
    node->avoid_until_ms = now_ms + (avoid_ms < NODES_AVOID_MAX_MS ? avoid_ms : NODES_AVOID_MAX_MS);
    if (node->id != 0 && node->id == nodes->leader) {
        nodes->leader = 0;
    }
    if (node == &nodes->list[nodes->preferred]) {
        nodes->preferred = (nodes->preferred + 1) % nodes->count;
    }
}

bool nodes_leader_is_stranger(const struct nodes *nodes) {
    for (size_t i = 0; i < nodes->count; i++) {
        if (nodes->list[i].id == nodes->leader) {
            return false;
        }
    }
    return nodes->leader != 0;
}
