#include "api/health.h"

#include "api/answer.h"

#include <string.h>

static void answer_ok(struct request *request) {
    static const char ok[] = "{\"status\":\"ok\"}";
    answer_send(request, &(struct answer){
                             .status = 200,
                             .content_type = ANSWER_JSON,
                             .fixed_body = ok,
                             .size = sizeof ok - 1,
                         });
}

void health_handle_healthz(struct request *request) {
    answer_ok(request);
}

void health_handle_readyz(struct request *request) {
    char why[PROBLEM_DETAIL_SIZE] = "";
    if (node_ready(request->api->node, why, sizeof why)) {
        answer_ok(request);
        return;
    }
    struct problem problem;
    problem_set(&problem, PROBLEM_NOT_READY, false, "%s", why);
    answer_problem(request, &problem);
}
