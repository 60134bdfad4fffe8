/* The table of routes, and that api/openapi.json tells of exactly what is in it. */
#include "api/route.h"

#include "api/asset.h"
#include "api/parameters.h"
#include "server/problem.h"
#include "tests/check_main.h"

#include <cjson/cJSON.h>
#include <ctype.h>
#include <stdio.h>
#include <string.h>

static cJSON *description(void) {
    const struct asset *asset = asset_find("/openapi.json", 13);
    ck_assert_ptr_nonnull(asset);
    cJSON *json = cJSON_ParseWithLength(asset->begin, (size_t)(asset->end - asset->begin));
    ck_assert_ptr_nonnull(json);
    return json;
}

static cJSON *at(cJSON *json, const char *name) {
    cJSON *found = cJSON_GetObjectItemCaseSensitive(json, name);
    ck_assert_msg(found != NULL, "%s is missing", name);
    return found;
}

/* What a reference stands for; anything else is itself. */
static cJSON *resolve(cJSON *root, cJSON *json) {
    cJSON *reference = cJSON_GetObjectItemCaseSensitive(json, "$ref");
    if (reference == NULL) {
        return json;
    }
    char path[128];
    ck_assert(strncmp(reference->valuestring, "#/", 2) == 0);
    snprintf(path, sizeof path, "%s", reference->valuestring + 2);
    cJSON *found = root;
    char *rest = NULL;
    for (char *part = strtok_r(path, "/", &rest); part != NULL; part = strtok_r(NULL, "/", &rest)) {
        found = at(found, part);
    }
    return found;
}

static bool is_good(const char *status) {
    return status[0] == '2' || strcmp(status, "304") == 0;
}

static cJSON *operation(cJSON *root, const struct route *route) {
    char method[8] = "";
    for (size_t i = 0; route->method[i] != '\0'; i++) {
        method[i] = (char)tolower((unsigned char)route->method[i]);
    }
    return at(at(at(root, "paths"), route->path), method);
}

START_TEST(every_route_is_described) {
    cJSON *root = description();
    for (size_t i = 0; i < route_count; i++) {
        cJSON *found = operation(root, &route_table[i]);
        ck_assert_ptr_nonnull(at(found, "summary"));
        cJSON *response = at(found, "responses")->child;
        while (response != NULL && !is_good(response->string)) {
            response = response->next;
        }
        ck_assert_msg(response != NULL, "%s tells of no success", route_table[i].path);
    }
    cJSON_Delete(root);
}
END_TEST

/* A path with a number in place of "{id}". */
static void fill_in(const char *path, char out_target[128]) {
    const char *id = strstr(path, "{id}");
    if (id == NULL) {
        snprintf(out_target, 128, "%s", path);
    } else {
        snprintf(out_target, 128, "%.*s17%s", (int)(id - path), path, id + 4);
    }
}

START_TEST(everything_described_is_a_route) {
    cJSON *root = description();
    size_t count = 0;
    cJSON *path;
    cJSON_ArrayForEach(path, at(root, "paths")) {
        cJSON *method;
        cJSON_ArrayForEach(method, path) {
            char allow[ROUTE_ALLOW_SIZE];
            char name[8] = "";
            for (size_t i = 0; method->string[i] != '\0'; i++) {
                name[i] = (char)toupper((unsigned char)method->string[i]);
            }
            char target[128];
            fill_in(path->string, target);
            ck_assert_msg(route_find(name, target, strlen(target), allow) != NULL, "%s %s", name, path->string);
            count++;
        }
    }
    ck_assert_uint_eq(count, route_count);
    cJSON_Delete(root);
}
END_TEST

START_TEST(each_routes_parameters_are_described_and_no_others) {
    static const struct {
        const char *name;
        unsigned bit;
    } names[] = {{"timeout", PARAMETER_TIMEOUT},     {"forward", PARAMETER_FORWARD}, {"consistency", PARAMETER_CONSISTENCY},
                 {"min_index", PARAMETER_MIN_INDEX}, {"q", PARAMETER_QUERY},         {"from", PARAMETER_FROM},
                 {"limit", PARAMETER_LIMIT},         {"session", PARAMETER_SESSION}, {"seq", PARAMETER_SESSION}};
    cJSON *root = description();
    for (size_t i = 0; i < route_count; i++) {
        unsigned described = 0;
        cJSON *parameter;
        if (route_table[i].body == ROUTE_CHUNK) {
            continue; /* Has its own: below. */
        }
        cJSON_ArrayForEach(parameter, cJSON_GetObjectItemCaseSensitive(operation(root, &route_table[i]), "parameters")) {
            cJSON *found = resolve(root, parameter);
            if (strcmp(at(found, "in")->valuestring, "query") != 0) {
                continue;
            }
            unsigned bit = 0;
            for (size_t j = 0; j < sizeof names / sizeof names[0]; j++) {
                bit |= strcmp(names[j].name, at(found, "name")->valuestring) == 0 ? names[j].bit : 0;
            }
            ck_assert_uint_ne(bit, 0);
            described |= bit;
        }
        ck_assert_msg(described == (route_table[i].parameters & ~(unsigned)PARAMETER_PATIENT), "%s", route_table[i].path);
    }
    cJSON_Delete(root);
}
END_TEST

START_TEST(a_pieces_parameters_are_described_and_no_others) {
    cJSON *root = description();
    char allow[ROUTE_ALLOW_SIZE];
    const char *path = "/raft/v1/install_snapshot";
    cJSON *parameters = at(operation(root, route_find("POST", path, strlen(path), allow)), "parameters");
    struct message_request request = {.kind = MESSAGE_INSTALL_SNAPSHOT};
    request.install.mend = true; /* Left out otherwise. */
    char query[MESSAGE_QUERY_SIZE];
    message_query_write(&request, query);
    int count = 0;
    char *rest = NULL;
    for (char *pair = strtok_r(query, "&", &rest); pair != NULL; pair = strtok_r(NULL, "&", &rest), count++) {
        pair[strcspn(pair, "=")] = '\0';
        ck_assert_str_eq(at(cJSON_GetArrayItem(parameters, count), "name")->valuestring, pair);
    }
    ck_assert_int_eq(cJSON_GetArraySize(parameters), count);
    cJSON_Delete(root);
}
END_TEST

START_TEST(the_role_that_each_route_needs_is_described) {
    cJSON *root = description();
    for (size_t i = 0; i < route_count; i++) {
        cJSON *found = operation(root, &route_table[i]);
        cJSON *security = cJSON_GetObjectItemCaseSensitive(found, "security");
        const char *role = security == NULL ? "" : at(security->child, "token")->child->valuestring;
        ck_assert_msg(strcmp(role, tokens_role_name(route_table[i].role)) == 0, "%s", route_table[i].path);
        bool refused = cJSON_GetObjectItemCaseSensitive(at(found, "responses"), "401") != NULL;
        ck_assert_msg(refused == (security != NULL), "%s", route_table[i].path);
    }
    cJSON_Delete(root);
}
END_TEST

/* The problems of one answer: codes that exist, under their status, with an outcome where the route changes something. */
static void check_problems(cJSON *root, const struct route *route, const char *status, cJSON *response) {
    cJSON *content = at(at(resolve(root, response), "content"), "application/problem+json");
    cJSON *example;
    cJSON_ArrayForEach(example, at(content, "examples")) {
        cJSON *problem = at(example, "value");
        const char *name = at(problem, "code")->valuestring;
        enum problem_code code = problem_by_name(name, strlen(name));
        char expected[8];
        snprintf(expected, sizeof expected, "%u", strcmp(status, "307") == 0 ? 307 : problem_status(code));
        ck_assert_msg(code != PROBLEM_NONE && strcmp(expected, status) == 0, "%s %s", name, status);
        snprintf(expected, sizeof expected, "%d", at(problem, "status")->valueint);
        ck_assert_str_eq(expected, status);
        ck_assert_str_eq(at(problem, "title")->valuestring, problem_title(code));
        bool changing = route->changing && code != PROBLEM_METHOD_NOT_ALLOWED;
        ck_assert_msg((cJSON_GetObjectItemCaseSensitive(problem, "outcome") != NULL) == changing, "%s %s", route->path,
                      name);
    }
}

START_TEST(described_problems_are_those_there_are) {
    cJSON *root = description();
    for (size_t i = 0; i < route_count; i++) {
        cJSON *response;
        cJSON_ArrayForEach(response, at(operation(root, &route_table[i]), "responses")) {
            if (!is_good(response->string)) {
                check_problems(root, &route_table[i], response->string, response);
            }
        }
    }
    cJSON *code;
    cJSON_ArrayForEach(code,
                       at(at(at(at(at(at(root, "components"), "schemas"), "Problem"), "properties"), "code"), "enum")) {
        ck_assert_int_ne(problem_by_name(code->valuestring, strlen(code->valuestring)), PROBLEM_NONE);
    }
    cJSON_Delete(root);
}
END_TEST

static void check_references(cJSON *root, cJSON *json) {
    resolve(root, json);
    cJSON *child;
    cJSON_ArrayForEach(child, json) {
        check_references(root, child);
    }
}

START_TEST(every_reference_leads_somewhere) {
    cJSON *root = description();
    check_references(root, root);
    cJSON_Delete(root);
}
END_TEST

START_TEST(peers_routes_are_named_as_their_messages) {
    size_t count = 0;
    for (size_t i = 0; i < route_count; i++) {
        if (strncmp(route_table[i].path, "/raft/v1/", 9) == 0 && strcmp(route_table[i].method, "POST") == 0) {
            ck_assert_str_eq(route_table[i].path + 9, message_kind_name(route_table[i].kind));
            count++;
        }
    }
    ck_assert_uint_eq(count, MESSAGE_KIND_COUNT);
}
END_TEST

static void check_found(const char *method, const char *path, bool found, const char *expected) {
    char allow[ROUTE_ALLOW_SIZE] = "-";
    ck_assert_msg((route_find(method, path, strlen(path), allow) != NULL) == found, "%s %s", method, path);
    if (!found) {
        ck_assert_str_eq(allow, expected);
    }
}

START_TEST(paths_are_matched_whole) {
    check_found("GET", "/v1/status", true, "");
    check_found("HEAD", "/v1/status", true, "");
    check_found("GET", "/v1/statu", false, "");
    check_found("GET", "/v1/statuss", false, "");
    check_found("GET", "/V1/status", false, "");
    check_found("GET", "", false, "");
    check_found("GET", "*", false, "");
    check_found("get", "/v1/status", false, "GET, HEAD");
    check_found("PUT", "/v1/query", false, "POST, GET, HEAD");
    check_found("POST", "/openapi.json", false, "GET, HEAD");
    check_found("POST", "/style.css", false, "GET, HEAD");
    char allow[ROUTE_ALLOW_SIZE];
    ck_assert_ptr_null(route_find("GET", "/v1/status\0x", 12, allow));
}
END_TEST

START_TEST(a_number_in_a_path_is_read) {
    static const struct {
        const char *path;
        bool good;
        uint64_t id;
    } rows[] = {
        {"/v1/sessions/17", true, 17},
        {"/v1/sessions/0017", true, 17},
        {"/v1/sessions/9007199254740991", true, RAFT_NUMBER_MAX},
        {"/v1/sessions/9007199254740992", false, 0},
        {"/v1/sessions/99999999999999999999999999", false, 0},
        {"/v1/sessions/0", false, 0},
        {"/v1/status", true, 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char allow[ROUTE_ALLOW_SIZE];
        uint64_t id = 99;
        size_t size = strlen(rows[i].path);
        const struct route *route = route_find("GET", rows[i].path, size, allow);
        ck_assert_ptr_nonnull(route);
        ck_assert(route_read_id(route, rows[i].path, size, &id) == rows[i].good);
        ck_assert(!rows[i].good || id == rows[i].id);
    }
    check_found("GET", "/v1/sessions/", false, "");
    check_found("GET", "/v1/sessions/{id}", false, "");
    check_found("GET", "/v1/sessions/1x", false, "");
    check_found("PUT", "/v1/sessions/1", false, "GET, HEAD, DELETE");
}
END_TEST

static void add_tests(TCase *tcase) {
    tcase_add_test(tcase, every_route_is_described);
    tcase_add_test(tcase, everything_described_is_a_route);
    tcase_add_test(tcase, each_routes_parameters_are_described_and_no_others);
    tcase_add_test(tcase, a_pieces_parameters_are_described_and_no_others);
    tcase_add_test(tcase, the_role_that_each_route_needs_is_described);
    tcase_add_test(tcase, described_problems_are_those_there_are);
    tcase_add_test(tcase, every_reference_leads_somewhere);
    tcase_add_test(tcase, peers_routes_are_named_as_their_messages);
    tcase_add_test(tcase, paths_are_matched_whole);
    tcase_add_test(tcase, a_number_in_a_path_is_read);
}

CHECK_MAIN("route", add_tests)
