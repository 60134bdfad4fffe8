#include "server/doctor.h"

#include "server/base/memory.h"
#include "server/tokens.h"

#include <stdlib.h>
#include <string.h>

/* -- The command line -- */

enum options_end doctor_read(const char *const *arguments, const char *const *environment,
                             struct doctor_request *out_request, struct options_message *out_message) {
    const char *url = NULL;
    struct doctor_request request = {.token = options_environment(environment, "RAFTD_TOKEN"),
                                     .token_file = options_environment(environment, "RAFTD_TOKEN_FILE")};
    for (const char *const *at = arguments; *at != NULL; at++) {
        if (strcmp(*at, "--help") == 0 || strcmp(*at, "-h") == 0) {
            return OPTIONS_HELP;
        }
        if (strcmp(*at, "--json") == 0) {
            request.json = true;
        } else if (strncmp(*at, "--token-file=", 13) == 0 && (*at)[13] != '\0') {
            request.token_file = *at + 13;
            request.token = NULL;
        } else if (strcmp(*at, "--token-file") == 0 && at[1] != NULL) {
            request.token_file = *++at;
            request.token = NULL;
        } else if ((*at)[0] == '-' || url != NULL) {
            snprintf(out_message->text, sizeof out_message->text,
                     "doctor: unexpected '%.200s'; usage: raftd doctor [--json] [--token-file FILE] [URL]", *at);
            return OPTIONS_WRONG;
        } else {
            url = *at;
        }
    }
    if (!callee_read("doctor", url, environment, &request.callee, out_message)) {
        return OPTIONS_WRONG;
    }
    *out_request = request;
    return OPTIONS_RUN;
}

/* -- Telling -- */

/* Another's words on a terminal. */
static void print_text(struct json_span object, const char *name, FILE *out) {
    struct json_span value;
    if (!json_member(object, name, &value) || json_type(value) != JSON_STRING) {
        return;
    }
    char *text = memory_alloc(value.size + 1);
    size_t size = json_string_decode(value, text);
    for (size_t i = 0; i < size; i++) {
        fputc((unsigned char)text[i] >= 0x20 && text[i] != 0x7F ? text[i] : ' ', out);
    }
    free(text);
}

static void print_finding(struct json_span finding, FILE *out) {
    struct json_span severity;
    bool known = json_member(finding, "severity", &severity) && json_type(severity) == JSON_STRING;
    bool problem = known && json_string_is(severity, "problem");
    bool warning = known && json_string_is(severity, "warning");
    fprintf(out, "%-8s ", problem ? "PROBLEM" : warning ? "WARNING" : "HINT");
    print_text(finding, "problem", out);
    fputs("\n         evidence: ", out);
    print_text(finding, "evidence", out);
    fputs("\n         do:       ", out);
    print_text(finding, "command", out);
    fputc('\n', out);
}

bool doctor_show(struct json_span answer, FILE *out, bool *out_healthy) {
    struct json_span healthy;
    struct json_span findings;
    struct json_span finding;
    uint64_t leader = 0;
    struct json_span value;
    if (!json_member(answer, "healthy", &healthy) || !json_member(answer, "findings", &findings) ||
        json_type(findings) != JSON_ARRAY) {
        return false;
    }
    *out_healthy = json_type(healthy) == JSON_TRUE;
    if (out == NULL) {
        return true;
    }
    struct json_cursor cursor = json_open(findings);
    while (json_next_element(&cursor, &finding)) {
        print_finding(finding, out);
    }
    if (*out_healthy) {
        if (json_member(answer, "leader", &value) && json_type(value) == JSON_NUMBER) {
            (void)json_number_uint64(value, RAFT_NUMBER_MAX, &leader);
        }
        fprintf(out, "nothing wrong was found; node %llu leads\n", (unsigned long long)leader);
    }
    return true;
}

/* -- Asking -- */

/* The smallest token of the file that may read; whoever listens there gets to see it. */
static bool find_token(const struct doctor_request *request, char out_token[TOKENS_TOKEN_MAX + 1], FILE *errors) {
    struct tokens_message message;
    out_token[0] = '\0';
    if (request->token != NULL || request->token_file == NULL) {
        snprintf(out_token, TOKENS_TOKEN_MAX + 1, "%s", request->token != NULL ? request->token : "");
        return true;
    }
    struct tokens *tokens = tokens_open(request->token_file, &message);
    if (tokens == NULL) {
        fprintf(errors, "raftd: doctor: %s\n", message.text);
        return false;
    }
    const char *token = tokens_reader(tokens);
    snprintf(out_token, TOKENS_TOKEN_MAX + 1, "%s", token != NULL ? token : "");
    tokens_close(tokens);
    return true;
}

static int tell(const struct doctor_request *request, const struct callee_answer *answer, const char *url, FILE *out,
                FILE *errors) {
    struct json_span value;
    size_t offset;
    bool healthy = false;
    if (answer->status == 0) {
        fprintf(errors, "raftd: doctor: %s: %s\n", url, answer->error);
        return DOCTOR_NO_ANSWER;
    }
    bool json = !answer->cut && json_scan(answer->body, answer->size, &value, &offset) && json_type(value) == JSON_OBJECT;
    if (answer->status != 200 || !json) {
        fprintf(errors, "raftd: doctor: %s answered %ld%s", url, answer->status, json ? ": " : "");
        if (json) {
            print_text(value, "detail", errors);
        }
        fputc('\n', errors);
        return DOCTOR_NO_ANSWER;
    }
    if (!doctor_show(value, request->json ? NULL : out, &healthy)) {
        fprintf(errors, "raftd: doctor: %s answered something else\n", url);
        return DOCTOR_NO_ANSWER;
    }
    if (request->json) {
        fprintf(out, "%.*s\n", (int)value.size, value.data);
    }
    return healthy ? DOCTOR_WELL : DOCTOR_ILL;
}

int doctor_run(const struct doctor_request *request, FILE *out, FILE *errors) {
    char token[TOKENS_TOKEN_MAX + 1];
    char url[CALLEE_URL_SIZE + 16];
    if (!find_token(request, token, errors)) {
        return DOCTOR_NO_ANSWER;
    }
    struct callee_answer answer = {.body = memory_alloc(DOCTOR_BODY_MAX), .capacity = DOCTOR_BODY_MAX};
    snprintf(url, sizeof url, "%s/v1/doctor", request->callee.base);
    callee_get(&request->callee, url, token[0] != '\0' ? token : NULL, DOCTOR_TIMEOUT_MS, &answer);
    int code = tell(request, &answer, url, out, errors);
    free(answer.body);
    return code;
}
