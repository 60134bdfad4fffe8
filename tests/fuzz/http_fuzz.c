/* Any bytes to what reads text of a request without the HTTP library: target and query string, durations, hosts, NDJSON
 * lines, a status that another node sent, and who may ask by an Authorization field. */
#include "api/access.h"
#include "api/client_urls.h"
#include "api/duration.h"
#include "api/guard.h"
#include "api/lines.h"
#include "api/parameters.h"
#include "api/route.h"
#include "api/target.h"

#include "server/base/memory.h"
#include "tests/fuzz/tokens_held.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool truth, const char *what) {
    if (!truth) {
        fprintf(stderr, "http_fuzz: %s\n", what);
        abort();
    }
}

static bool within(const char *at, size_t size, const char *begin, size_t all) {
    return at >= begin && at + size <= begin + all;
}

/* Each pair lies inside the query, and its parts decode to no more than they were. */
static void check_pairs(const struct target *target) {
    const char *at = target->query;
    const char *before = at;
    struct target_pair pair;
    char *decoded = memory_alloc(target->query_size);
    while (target_next_pair(&at, target->query + target->query_size, &pair)) {
        require(at > before, "a pair without a step");
        before = at;
        require(within(pair.name, pair.name_size, target->query, target->query_size), "a name outside the query");
        require(within(pair.value, pair.value_size, target->query, target->query_size), "a value outside the query");
        require(target_decode(pair.value, pair.value_size, decoded) <= pair.value_size, "decoding grew a value");
        (void)target_is(pair.name, pair.name_size, "timeout");
    }
    free(decoded);
}

static void check_parameters(const struct target *target) {
    struct parameters parameters;
    struct problem problem;
    if (!parameters_parse(target, ~0U, &parameters, &problem)) {
        require(problem.code == PROBLEM_BAD_REQUEST && problem.detail[0] != '\0', "a refusal without a reason");
        return;
    }
    require(parameters.timeout_ms >= 1 && parameters.timeout_ms <= NODE_TIMEOUT_MAX_MS, "a time-out out of range");
    require(parameters.limit >= 1 && parameters.limit <= NODE_LOG_LIMIT_MAX, "a limit out of range");
    require(parameters.session <= RAFT_NUMBER_MAX && parameters.sequence <= RAFT_NUMBER_MAX, "a session out of range");
    require(parameters.min_index <= RAFT_NUMBER_MAX && parameters.from <= RAFT_NUMBER_MAX, "an index out of range");
}

static void check_target(const char *text, size_t size) {
    char *scratch = memory_alloc(size + 1);
    struct target target;
    bool whole = target_parse(text, size, scratch, &target);
    require(target.path_size <= size + 1 && target.raw_path_size <= size + 1, "a path longer than its target");
    require(within(target.query, target.query_size, text, size), "a query outside the target");
    char allow[ROUTE_ALLOW_SIZE];
    const struct route *route = route_find("GET", target.path, target.path_size, allow);
    uint64_t id = 0;
    if (route != NULL && route_read_id(route, target.path, target.path_size, &id)) {
        require(id <= RAFT_NUMBER_MAX, "a number in a path out of range");
    }
    check_pairs(&target);
    if (whole) {
        require(memchr(target.path, '\0', target.path_size) == NULL, "a NUL in an accepted path");
        check_parameters(&target);
    }
    free(scratch);
}

/* The lines and what lies between them are the whole body. */
static void check_lines(const char *text, size_t size) {
    struct lines lines = lines_open(text, size);
    const char *line;
    size_t line_size;
    const char *before = text;
    while (lines_next(&lines, &line, &line_size)) {
        require(line_size > 0 && within(line, line_size, text, size), "a line outside the body");
        require(memchr(line, '\n', line_size) == NULL, "a line with a line feed");
        for (const char *at = before; at < line; at++) {
            require(strchr(" \t\r\n", *at) != NULL && *at != '\0', "bytes between lines that are not white space");
        }
        before = line + line_size;
    }
}

static void check_status(const char *text, size_t size) {
    struct json_span value;
    size_t offset;
    char url[MEMBERS_URL_SIZE];
    if (json_scan(text, size, &value, &offset) && client_urls_read(value, url)) {
        require(strlen(url) > 7 && strpbrk(url, " \r\n\t") == NULL, "a client URL that cannot stand in a header field");
    }
}

static void check_host(const char *text, size_t size) {
    static const char *const hosts[] = {"raft.example:8001", NULL};
    struct guard guard = {.advertise_url = "http://node1:8001", .client_url = "http://[::1]:8001", .allow_hosts = hosts};
    struct head head = {0};
    head.host = (struct head_value){text, size, 1};
    head.origin = (struct head_value){text, size, 1};
    require(guard_origin(&guard, &head, false) == GUARD_FOREIGN, "an origin was taken for ours");
    (void)guard_origin(&guard, &head, true);
}

/* By the contract's words (§6): what each role may do, and what is open. */
static bool may(const struct route *route, unsigned held) {
    const char *path = route->path;
    bool admin = strcmp(path, "/v1/leader/transfer") == 0 || strcmp(path, "/v1/snapshot") == 0 ||
                 (strncmp(path, "/v1/members", 11) == 0 && strcmp(route->method, "GET") != 0);
    bool write = strcmp(path, "/v1/propose") == 0 || strncmp(path, "/v1/sessions", 12) == 0;
    if (strncmp(path, "/raft/", 6) == 0) {
        return held == HELD_PEER;
    }
    if (strncmp(path, "/v1/", 4) != 0 && strcmp(path, "/metrics") != 0) {
        return true;
    }
    return held == HELD_ADMIN || (held == HELD_WRITE && !admin) || (held == HELD_READ && !admin && !write);
}

/* Nobody is let in whom a generous reader would not let in; written plainly, with one space, who may is. Twice the field is
 * nobody's. */
static void check_authorization(const char *text, size_t size) {
    bool plain = size > 7 && memcmp(text, "Bearer ", 7) == 0;
    for (size_t i = 7; i < size; i++) {
        plain = plain && text[i] > ' ';
    }
    unsigned held = tokens_held_by(text, size);
    for (size_t i = 0; i < route_count; i++) {
        const struct route *route = &route_table[i];
        struct head head = {.authorization = {text, size, 1}};
        struct access_who who;
        struct problem problem = {0};
        bool let = access_check(tokens_held_list(), route, &head, &who, &problem);
        require(!let || may(route, held), "somebody was let in who may not");
        require(let || problem.code == PROBLEM_UNAUTHORIZED || problem.code == PROBLEM_FORBIDDEN, "another refusal");
        require(let || !may(route, 0), "an open route is closed");
        require(let || !plain || !may(route, held), "somebody was kept out who may");
        head.authorization.count = 2;
        require(access_check(tokens_held_list(), route, &head, &who, &problem) == may(route, 0), "two fields were taken");
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    /* A copy without a NUL behind it: reading too far shows. */
    char *text = memory_copy(data, size);
    check_target(text, size);
    check_lines(text, size);
    check_status(text, size);
    check_host(text, size);
    check_authorization(text, size);
    uint32_t ms = 0;
    if (duration_parse(text, size, 60000, &ms)) {
        require(ms >= 1 && ms <= 60000, "a duration out of range");
    }
    free(text);
    return 0;
}
