#include "api/client/reading.h"

#include "server/json/json.h"

static bool member_number(struct json_span object, const char *name, uint64_t *out_number) {
    struct json_span value;
    return json_member(object, name, &value) && json_type(value) == JSON_NUMBER &&
           json_number_uint64(value, UINT64_MAX, out_number);
}

static bool member_true(struct json_span object, const char *name) {
    struct json_span value;
    return json_member(object, name, &value) && json_type(value) == JSON_TRUE;
}

bool reading_result(struct raftclient_answer *answer) {
    struct json_span object, result = {NULL, 0};
    size_t offset;
    uint64_t index, term;
    if (!json_scan_message(answer->body, answer->body_size, &object, &offset) || json_type(object) != JSON_OBJECT ||
        !member_number(object, "index", &index) || !member_number(object, "term", &term)) {
        return false;
    }
    bool omitted = member_true(object, "result_omitted");
    if (!json_member(object, "result", &result) && !omitted) {
        return false;
    }
    answer->index = index;
    answer->term = term;
    answer->result = result.data;
    answer->result_size = result.size;
    answer->duplicate = member_true(object, "duplicate");
    answer->result_omitted = omitted;
    return true;
}

uint64_t reading_session(const char *body, size_t size) {
    struct json_span object;
    size_t offset;
    uint64_t session;
    if (!json_scan(body, size, &object, &offset) || json_type(object) != JSON_OBJECT ||
        !member_number(object, "session", &session)) {
        return 0;
    }
    return session;
}
