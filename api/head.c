#include "api/head.h"

#include <string.h>
#include <strings.h>

/* Which field of `struct head` a name stands for; NULL for those that nobody here reads. */
static struct head_value *field(struct head *head, const char *name, size_t size) {
    const struct {
        const char *name;
        struct head_value *value;
    } known[] = {
        {"host", &head->host},
        {"origin", &head->origin},
        {"content-type", &head->content_type},
        {"content-length", &head->content_length},
        {"transfer-encoding", &head->transfer_encoding},
        {"if-none-match", &head->if_none_match},
        {"idempotency-key", &head->idempotency_key},
        {"expect", &head->expect},
        {"authorization", &head->authorization},
        {"sec-fetch-site", &head->fetch_site},
        {"sec-fetch-dest", &head->fetch_dest},
        {"access-control-request-method", &head->preflight_method},
    };
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        if (strncasecmp(known[i].name, name, size) == 0 && known[i].name[size] == '\0') {
            return known[i].value;
        }
    }
    return NULL;
}

static bool is_name(const char *name, size_t size) {
    for (size_t i = 0; i < size; i++) {
        if (name[i] <= ' ' || name[i] >= 0x7F) {
            return false;
        }
    }
    return size > 0;
}

static enum MHD_Result take(void *context, enum MHD_ValueKind kind, const char *name, size_t name_size, const char *value,
                            size_t value_size) {
    (void)kind;
    struct head *head = context;
    head->odd_name = head->odd_name || !is_name(name, name_size);
    struct head_value *found = field(head, name, name_size);
    if (found != NULL && found->count++ == 0) {
        found->text = value != NULL ? value : "";
        found->size = value != NULL ? value_size : 0;
    }
    return MHD_YES;
}

static bool equals(const struct head_value *value, const char *text) {
    return value->size == strlen(text) && strncasecmp(value->text, text, value->size) == 0;
}

void head_read(struct MHD_Connection *connection, struct head *out_head) {
    struct head head = {0};
    MHD_get_connection_values_n(connection, MHD_HEADER_KIND, take, &head);
    head.chunked = head.transfer_encoding.count > 0;
    for (size_t i = 0; i < head.content_length.size; i++) {
        /* The library has refused anything but digits, and numbers of more than 64 bits, before this. */
        head.body_bytes = head.body_bytes * 10 + (uint64_t)(head.content_length.text[i] - '0');
    }
    *out_head = head;
}

const char *head_ambiguity(const struct head *head) {
    if (head->content_length.count > 1) {
        return "the request has two Content-Length fields";
    }
    if (head->content_length.count > 0 && head->transfer_encoding.count > 0) {
        return "the request has a Content-Length and a Transfer-Encoding";
    }
    if (head->transfer_encoding.count > 1 ||
        (head->transfer_encoding.count == 1 && !equals(&head->transfer_encoding, "chunked"))) {
        return "the only Transfer-Encoding known here is chunked";
    }
    if (head->odd_name) {
        return "the name of a header field has a space or another byte that cannot stand there";
    }
    if (head->host.count > 1) {
        return "the request has two Host fields";
    }
    if (head->expect.count > 0 && head->body_bytes == 0 && !head->chunked && equals(&head->expect, "100-continue")) {
        /* RFC 9110 forbids it, and the library would take what follows, the next request, for the body. */
        return "the request expects 100-continue but has no body";
    }
    return NULL;
}

bool head_is_embedded(const struct head *head) {
    if (head->fetch_site.count == 0 ||
        (head->fetch_site.count == 1 && (equals(&head->fetch_site, "same-origin") || equals(&head->fetch_site, "none")))) {
        return false;
    }
    return head->fetch_dest.count != 1 || !equals(&head->fetch_dest, "document");
}

bool head_is_ndjson(const struct head *head) {
    struct head_value type = head->content_type;
    if (type.count == 0) {
        return false;
    }
    const char *semicolon = memchr(type.text, ';', type.size);
    if (semicolon != NULL) {
        type.size = (size_t)(semicolon - type.text);
    }
    while (type.size > 0 && (type.text[type.size - 1] == ' ' || type.text[type.size - 1] == '\t')) {
        type.size--;
    }
    return equals(&type, "application/x-ndjson");
}

bool head_has_etag(const struct head *head, const char *etag) {
    const struct head_value *value = &head->if_none_match;
    if (value->count == 0) {
        return false;
    }
    return equals(value, "*") || memmem(value->text, value->size, etag, strlen(etag)) != NULL;
}
