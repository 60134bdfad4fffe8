#include "api/once.h"

#include "server/origin.h"

/* White space around a value is no part of it; the library leaves what stands behind. */
static struct json_span key_of(const struct request *request) {
    const struct head_value *value = &request->head.idempotency_key;
    size_t size = value->size;
    while (size > 0 && (value->text[size - 1] == ' ' || value->text[size - 1] == '\t')) {
        size--;
    }
    return (struct json_span){value->text, size};
}

static bool refuse(struct problem *out_problem, const char *detail) {
    problem_set(out_problem, PROBLEM_BAD_REQUEST, false, "%s", detail);
    return false;
}

bool once_check(const struct request *request, struct problem *out_problem) {
    const struct parameters *parameters = &request->parameters;
    unsigned keys = request->head.idempotency_key.count;
    bool in_session = parameters->session != 0;
    if (in_session != (parameters->sequence != 0)) {
        return refuse(out_problem, "the parameters session and seq go together: one of them is missing");
    }
    if ((keys > 0 || in_session) && head_is_ndjson(&request->head)) {
        return refuse(out_problem, "sessions and idempotency keys are for one command, and an NDJSON body has many");
    }
    if (keys == 0) {
        return true;
    }
    if (in_session) {
        return refuse(out_problem, "Idempotency-Key and session are two ways to the same end: send one of them");
    }
    if (keys > 1) {
        return refuse(out_problem, "Idempotency-Key is given twice");
    }
    struct json_span key = key_of(request);
    return origin_is_key(key.data, key.size) ||
           refuse(out_problem, "Idempotency-Key must be 1 to 128 printable ASCII characters");
}

bool once_origin(const struct request *request, struct node_origin *out_origin) {
    *out_origin = (struct node_origin){.session = request->parameters.session, .sequence = request->parameters.sequence};
    if (request->head.idempotency_key.count > 0) {
        struct json_span key = key_of(request);
        out_origin->key = key.data;
        out_origin->key_size = key.size;
    }
    return out_origin->session != 0 || out_origin->key != NULL;
}
