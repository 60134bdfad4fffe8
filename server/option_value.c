#include "server/option_value.h"

#include "server/base/memory.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

struct unit {
    const char *name;
    uint64_t factor;
};

/* Digits, then the name of one of the units. */
static bool parse_with_unit(const char *text, const struct unit *units, size_t unit_count, uint64_t maximum,
                            uint64_t *out_number) {
    size_t digits = strspn(text, "0123456789");
    uint64_t number = 0;
    for (size_t i = 0; i < digits; i++) {
        uint64_t digit = (uint64_t)(text[i] - '0');
        if (digit > maximum || number > (maximum - digit) / 10) {
            return false;
        }
        number = number * 10 + digit;
    }
    for (size_t i = 0; digits > 0 && i < unit_count; i++) {
        if (strcmp(text + digits, units[i].name) == 0) {
            if (number > maximum / units[i].factor) {
                return false;
            }
            *out_number = number * units[i].factor;
            return true;
        }
    }
    return false;
}

bool option_value_number(const char *text, uint64_t maximum, uint64_t *out_number) {
    const struct unit units[] = {{"", 1}};
    return parse_with_unit(text, units, 1, maximum, out_number);
}

bool option_value_duration(const char *text, uint64_t maximum_ms, uint64_t *out_ms) {
    const struct unit units[] = {{"ms", 1}, {"s", 1000}, {"m", 60000}, {"h", 3600000}};
    return parse_with_unit(text, units, sizeof units / sizeof units[0], maximum_ms, out_ms);
}

bool option_value_size(const char *text, uint64_t maximum, uint64_t *out_bytes) {
    const struct unit units[] = {
        {"", 1}, {"KiB", UINT64_C(1) << 10}, {"MiB", UINT64_C(1) << 20}, {"GiB", UINT64_C(1) << 30}};
    return parse_with_unit(text, units, sizeof units / sizeof units[0], maximum, out_bytes);
}

bool option_value_address(const char *text, struct options_address *out_address) {
    const char *colon = strrchr(text, ':');
    uint64_t port;
    if (colon == NULL || !option_value_number(colon + 1, UINT16_MAX, &port) || port == 0) {
        return false;
    }
    const char *host = text;
    size_t size = (size_t)(colon - text);
    bool bracketed = size >= 2 && host[0] == '[' && host[size - 1] == ']';
    if (bracketed) {
        host++;
        size -= 2;
    }
    if (size == 0 || size >= OPTIONS_HOST_SIZE || memchr(host, ' ', size) != NULL) {
        return false;
    }
    struct options_address address = {.port = (uint16_t)port};
    memcpy(address.host, host, size);
    struct in6_addr binary;
    bool is_ipv6 = inet_pton(AF_INET6, address.host, &binary) == 1;
    if (bracketed != is_ipv6 || (!is_ipv6 && strpbrk(address.host, ":[]*/") != NULL)) {
        return false;
    }
    *out_address = address;
    return true;
}

bool option_value_loopback(const char *host) {
    struct in_addr ipv4;
    struct in6_addr ipv6;
    if (inet_pton(AF_INET, host, &ipv4) == 1) {
        return ntohl(ipv4.s_addr) >> 24 == 127;
    }
    if (inet_pton(AF_INET6, host, &ipv6) == 1) {
        return IN6_IS_ADDR_LOOPBACK(&ipv6);
    }
    return strcmp(host, "localhost") == 0;
}

bool option_value_wildcard(const char *host) {
    struct in_addr ipv4;
    struct in6_addr ipv6;
    if (inet_pton(AF_INET6, host, &ipv6) == 1) {
        return IN6_IS_ADDR_UNSPECIFIED(&ipv6);
    }
    /* inet_aton takes `0` and `0.0` for it as well, as getaddrinfo does. */
    return inet_aton(host, &ipv4) == 1 && ipv4.s_addr == htonl(INADDR_ANY);
}

char **option_value_list(const char *text) {
    static const char white[] = " \t\r\n";
    char **list = NULL;
    size_t capacity = 0;
    size_t count = 0;
    for (const char *at = text;; at++) {
        size_t size = strcspn(at, ",");
        const char *item = at + strspn(at, white);
        const char *end = at + size;
        while (end > item && strchr(white, end[-1]) != NULL) {
            end--;
        }
        list = memory_grow(list, &capacity, count + 2, sizeof *list);
        if (end > item) {
            list[count++] = memory_text(item, (size_t)(end - item));
        }
        at += size;
        if (*at == '\0') {
            break;
        }
    }
    list[count] = NULL;
    return list;
}

char **option_value_list_add(char **list, const char *item) {
    size_t count = 0;
    while (list != NULL && list[count] != NULL) {
        count++;
    }
    list = memory_realloc(list, (count + 2) * sizeof *list);
    list[count] = memory_text(item, strlen(item));
    list[count + 1] = NULL;
    return list;
}

void option_value_free_list(char **list) {
    for (char **item = list; item != NULL && *item != NULL; item++) {
        free(*item);
    }
    free(list);
}
