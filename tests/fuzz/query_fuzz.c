/* Any bytes as the query string of a request: two bytes say which parameters its route knows, the rest is the string. What
 * is made of it is compared with a second reader, which takes the text apart in the plainest way; what is taken is written
 * in its shortest form and read again. */
#include "api/parameters.h"

#include "server/base/memory.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool truth, const char *what) {
    if (!truth) {
        fprintf(stderr, "query_fuzz: %s\n", what);
        abort();
    }
}

/* -- The second reader -- */

/* Owned, with a NUL behind it, which an accepted text does not hold. */
static char *decoded(const char *text, size_t size) {
    char *out = memory_alloc(size + 1);
    size_t length = 0;
    for (size_t i = 0; i < size; i++) {
        char digits[3] = {0};
        if (text[i] == '%') {
            memcpy(digits, text + i + 1, 2);
            out[length++] = (char)strtoul(digits, NULL, 16);
            i += 2;
        } else {
            out[length++] = text[i] == '+' ? ' ' : text[i];
        }
    }
    out[length] = '\0';
    return out;
}

/* Digits only, at most `maximum`. The others are read up to 32 characters. */
static bool number_of(const char *text, uint64_t maximum, uint64_t *out) {
    if (text[0] == '\0' || text[strspn(text, "0123456789")] != '\0' || strlen(text) > 32) {
        return false;
    }
    errno = 0;
    *out = strtoull(text, NULL, 10);
    return errno == 0 && *out <= maximum;
}

static bool duration_of(const char *text, uint32_t *out_ms) {
    static const struct unit {
        const char *name;
        uint64_t ms;
    } units[] = {{"ms", 1}, {"s", 1000}, {"m", 60000}};
    size_t digits = strspn(text, "0123456789");
    char number[33] = "";
    uint64_t count = 0;
    if (digits > 32 || strlen(text) > 32) {
        return false;
    }
    memcpy(number, text, digits);
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
        if (strcmp(text + digits, units[i].name) == 0 && number_of(number, UINT32_MAX, &count) && count > 0 &&
            count * units[i].ms <= NODE_TIMEOUT_MAX_MS) {
            *out_ms = (uint32_t)(count * units[i].ms);
            return true;
        }
    }
    return false;
}

static bool set(const char *name, const char *value, struct parameters *parameters) {
    uint64_t number = 0;
    bool good = false;
    if (strcmp(name, "timeout") == 0) {
        return duration_of(value, &parameters->timeout_ms);
    }
    if (strcmp(name, "forward") == 0) {
        parameters->forward = strcmp(value, "true") == 0;
        return parameters->forward || strcmp(value, "false") == 0;
    }
    if (strcmp(name, "consistency") == 0) {
        static const char *const names[] = {"linearizable", "lease", "stale"};
        static const enum node_consistency levels[] = {NODE_LINEARIZABLE, NODE_LEASE, NODE_STALE};
        for (size_t i = 0; i < 3; i++) {
            if (strcmp(value, names[i]) == 0) {
                parameters->consistency = levels[i];
                good = true;
            }
        }
        return good;
    }
    if (strcmp(name, "limit") == 0) {
        good = number_of(value, NODE_LOG_LIMIT_MAX, &number) && number > 0;
        parameters->limit = (uint32_t)number;
        return good;
    }
    if (!number_of(value, RAFT_NUMBER_MAX, &number)) {
        return false;
    }
    if (strcmp(name, "min_index") == 0) {
        parameters->min_index = number;
    } else if (strcmp(name, "from") == 0) {
        parameters->from = number;
    } else if (strcmp(name, "session") == 0) {
        parameters->session = number;
        return number > 0;
    } else {
        parameters->sequence = number;
        return number > 0;
    }
    return true;
}

static const char *const names[] = {"timeout", "forward", "consistency", "min_index", "q",
                                    "from",    "limit",   "session",     "seq"};
static const unsigned bits[] = {PARAMETER_TIMEOUT,   PARAMETER_FORWARD, PARAMETER_CONSISTENCY,
                                PARAMETER_MIN_INDEX, PARAMETER_QUERY,   PARAMETER_FROM,
                                PARAMETER_LIMIT,     PARAMETER_SESSION, PARAMETER_SESSION};
enum { NAMES = sizeof names / sizeof names[0] };

/* The decoded value of q is kept apart, for the caller to free. */
static bool read_plainly(const char *text, unsigned known, struct parameters *out, char **out_query) {
    *out =
        (struct parameters){.timeout_ms = (known & PARAMETER_PATIENT) != 0 ? 60000 : 5000, .forward = true, .limit = 100};
    *out_query = NULL;
    unsigned seen = 0;
    bool good = true;
    while (*text != '\0' && good) {
        size_t size = strcspn(text, "&");
        const char *equals = memchr(text, '=', size);
        size_t name_size = equals == NULL ? size : (size_t)(equals - text);
        char *name = decoded(text, name_size);
        char *value = decoded(text + name_size + (equals != NULL), equals == NULL ? 0 : size - name_size - 1);
        for (unsigned i = 0; i < NAMES && good; i++) {
            if (strcmp(name, names[i]) != 0 || (known & bits[i]) == 0) {
                continue;
            }
            good = (seen >> i & 1) == 0;
            seen |= 1U << i;
            if (good && strcmp(name, "q") == 0) {
                out->has_query = true;
                *out_query = value;
                value = NULL;
            } else if (good) {
                good = set(name, value, out);
            }
        }
        free(name);
        free(value);
        text += size;
        text += *text == '&';
    }
    return good;
}

/* -- What must hold -- */

static void require_same(const struct parameters *left, const struct parameters *right) {
    require(left->timeout_ms == right->timeout_ms, "another timeout");
    require(left->forward == right->forward, "another forward");
    require(left->consistency == right->consistency, "another consistency");
    require(left->min_index == right->min_index, "another min_index");
    require(left->from == right->from, "another from");
    require(left->limit == right->limit, "another limit");
    require(left->session == right->session && left->sequence == right->sequence, "another session");
    require(left->has_query == right->has_query, "a query where there is none");
}

static bool parse(const char *text, size_t size, unsigned known, struct parameters *out, bool *out_is_good) {
    char *scratch = memory_alloc(size + 1);
    struct target target;
    struct problem problem = {0};
    *out_is_good = target_parse(text, size, scratch, &target);
    bool taken = *out_is_good && parameters_parse(&target, known, out, &problem);
    require(!*out_is_good || taken || (problem.code == PROBLEM_BAD_REQUEST && problem.detail[0] != '\0'),
            "a refusal without a reason");
    free(scratch);
    return taken;
}

static void check_written_again(const struct parameters *parameters, unsigned known) {
    static const char *const levels[] = {"linearizable", "lease", "stale"};
    char text[512];
    int size = snprintf(text, sizeof text,
                        "/v1/query?timeout=%" PRIu32 "ms&forward=%s&consistency=%s&min_index=%" PRIu64 "&from=%" PRIu64
                        "&limit=%" PRIu32,
                        parameters->timeout_ms, parameters->forward ? "true" : "false", levels[parameters->consistency],
                        parameters->min_index, parameters->from, parameters->limit);
    if (parameters->session != 0) {
        size += snprintf(text + size, sizeof text - (size_t)size, "&session=%" PRIu64, parameters->session);
    }
    if (parameters->sequence != 0) {
        size += snprintf(text + size, sizeof text - (size_t)size, "&seq=%" PRIu64, parameters->sequence);
    }
    if (parameters->has_query) {
        size += snprintf(text + size, sizeof text - (size_t)size, "&q=1");
    }
    struct parameters again;
    bool is_good;
    require(parse(text, (size_t)size, known, &again, &is_good), "what was taken is refused when it is written again");
    require_same(parameters, &again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size < 2 || memchr(data + 2, '#', size - 2) != NULL) {
        return 0;
    }
    unsigned known = data[0] | (data[1] & 0x80U) << 8;
    static const char path[] = "/v1/query?";
    size_t text_size = sizeof path - 1 + size - 2;
    char *text = memory_alloc(text_size);
    memcpy(text, path, sizeof path - 1);
    memcpy(text + sizeof path - 1, data + 2, size - 2);
    struct parameters parameters = {0};
    bool is_good;
    bool taken = parse(text, text_size, known, &parameters, &is_good);
    if (is_good) {
        char *plain = memory_text(text + sizeof path - 1, size - 2);
        char *query = NULL;
        struct parameters other;
        require(read_plainly(plain, known, &other, &query) == taken, "one takes it and the other does not");
        if (taken) {
            require_same(&parameters, &other);
            if (parameters.has_query) {
                char *value = decoded(parameters.query, parameters.query_size);
                require(strcmp(value, query) == 0, "another query");
                free(value);
            }
            check_written_again(&parameters, known);
        }
        free(query);
        free(plain);
    }
    free(text);
    return 0;
}
