#include "api/access.h"

#include "api/http.h"

#include <inttypes.h>
#include <string.h>
#include <strings.h>

/* What follows the word Bearer. False: it is another scheme, or nothing follows. */
static bool find_token(const struct head_value *authorization, const char **out_text, size_t *out_size) {
    static const char scheme[] = "Bearer ";
    const size_t begin = sizeof scheme - 1;
    if (authorization->size < begin || strncasecmp(authorization->text, scheme, begin) != 0) {
        return false;
    }
    const char *text = authorization->text + begin;
    size_t size = authorization->size - begin;
    for (; size > 0 && *text == ' '; text++) {
        size--;
    }
    for (; size > 0 && text[size - 1] == ' '; size--) {
    }
    *out_text = text;
    *out_size = size;
    return size > 0;
}

bool access_check(const struct tokens *tokens, const struct route *route, const struct head *head,
                  struct access_who *out_who, struct problem *out_problem) {
    *out_who = (struct access_who){.role = TOKENS_NOBODY};
    if (tokens == NULL || route->role == TOKENS_NOBODY) {
        return true;
    }
    const char *text;
    size_t size;
    const char *needed = tokens_role_name(route->role);
    if (head->authorization.count == 0) {
        problem_set(out_problem, PROBLEM_UNAUTHORIZED, false,
                    "this needs a token with the role %s: Authorization: Bearer TOKEN", needed);
        return false;
    }
    if (head->authorization.count > 1 || !find_token(&head->authorization, &text, &size)) {
        problem_set(out_problem, PROBLEM_UNAUTHORIZED, false,
                    "the Authorization field must be there once, and read: Bearer TOKEN");
        return false;
    }
    enum tokens_role held = tokens_role(tokens, text, size, out_who->name);
    out_who->role = held;
    if (held == TOKENS_NOBODY) {
        problem_set(out_problem, PROBLEM_UNAUTHORIZED, false, "this token is not one of this node's");
        return false;
    }
    if (!tokens_allow(held, route->role)) {
        problem_set(out_problem, PROBLEM_FORBIDDEN, false, "a token with the role %s is not enough: this needs %s",
                    tokens_role_name(held), needed);
        return false;
    }
    return true;
}

bool access_check_node(struct request *request, uint64_t id, struct problem *out_problem) {
    const struct tls *tls = request->api->options.tls;
    if (tls == NULL || tls_files(tls)->authority == NULL) {
        return true;
    }
    const char *why;
    uint64_t certified = http_certified(request, &why);
    if (certified == 0) {
        problem_set(out_problem, PROBLEM_FORBIDDEN, false, "this is for other nodes, by their certificates: %s", why);
        return false;
    }
    if (id != 0 && id != certified) {
        problem_set(out_problem, PROBLEM_FORBIDDEN, false,
                    "the certificate is that of node %" PRIu64 ", not of node %" PRIu64, certified, id);
        return false;
    }
    return true;
}
