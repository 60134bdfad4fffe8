#include "api/client_urls.h"

#include "server/base/memory.h"

#include <stdlib.h>
#include <string.h>

const char *client_urls_find(const struct client_urls *urls, raft_node_id id, const char *url, uint64_t now_ms) {
    for (size_t i = 0; i < RAFT_MEMBERS_MAX; i++) {
        const struct client_urls_entry *entry = &urls->entries[i];
        if (entry->id == id && strcmp(entry->url, url) == 0) {
            return now_ms < entry->expires_ms ? entry->client_url : NULL;
        }
    }
    return NULL;
}

void client_urls_remember(struct client_urls *urls, raft_node_id id, const char *url, const char *client_url,
                          uint64_t now_ms) {
    struct client_urls_entry *place = &urls->entries[0];
    for (size_t i = 0; i < RAFT_MEMBERS_MAX; i++) {
        struct client_urls_entry *entry = &urls->entries[i];
        if (entry->id == id) {
            place = entry;
            break;
        }
        if (entry->expires_ms < place->expires_ms) {
            place = entry;
        }
    }
    if (strlen(url) >= sizeof place->url || strlen(client_url) >= sizeof place->client_url) {
        return;
    }
    place->id = id;
    place->expires_ms = now_ms + CLIENT_URLS_KEPT_MS;
    memcpy(place->url, url, strlen(url) + 1);
    memcpy(place->client_url, client_url, strlen(client_url) + 1);
}

static bool is_printable(const char *text, size_t size) {
    for (size_t i = 0; i < size; i++) {
        if (text[i] <= ' ' || text[i] >= 0x7F) {
            return false;
        }
    }
    return true;
}

/* A scheme, and after it a host to begin with. */
static bool is_web_url(const char *text, size_t size) {
    size_t scheme = size > 7 && memcmp(text, "http://", 7) == 0 ? 7 : size > 8 && memcmp(text, "https://", 8) == 0 ? 8 : 0;
    return scheme > 0 && text[scheme] != '/' && text[scheme] != '?' && text[scheme] != '#';
}

bool client_urls_read(struct json_span status, char out_client_url[MEMBERS_URL_SIZE]) {
    struct json_span value;
    if (json_type(status) != JSON_OBJECT || !json_member(status, "client_url", &value) || json_type(value) != JSON_STRING ||
        value.size > 6 * MEMBERS_URL_SIZE) {
        return false;
    }
    char *text = memory_alloc(value.size);
    size_t size = json_string_decode(value, text);
    bool good = size < MEMBERS_URL_SIZE && is_printable(text, size) && is_web_url(text, size);
    while (good && text[size - 1] == '/') {
        size--;
    }
    if (good) {
        memcpy(out_client_url, text, size);
        out_client_url[size] = '\0';
    }
    free(text);
    return good;
}
