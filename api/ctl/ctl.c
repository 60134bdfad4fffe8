#include "api/ctl/ctl.h"

#include <stdarg.h>
#include <string.h>

int ctl_wrong(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    fprintf(stderr, "raftctl: ");
    vfprintf(stderr, format, arguments);
    fprintf(stderr, "\n");
    va_end(arguments);
    return CTL_WRONG_OPTION;
}

/* The first line of the file, without blanks around it. */
static bool read_token(struct ctl *ctl, const char *path) {
    FILE *file = fopen(path, "r");
    bool got = file != NULL && fgets(ctl->token, sizeof ctl->token, file) != NULL;
    if (file != NULL) {
        fclose(file);
    }
    if (!got) {
        ctl_wrong("--token-file: %s cannot be read, or is empty", path);
        return false;
    }
    size_t begin = strspn(ctl->token, " \t"), size = strcspn(ctl->token + begin, " \t\r\n");
    memmove(ctl->token, ctl->token + begin, size);
    ctl->token[size] = '\0';
    return true;
}

struct raftclient *ctl_client(const struct ctl *ctl, bool use_keys) {
    const struct options *options = ctl->options;
    char error[512];
    const struct raftclient_options client_options = {
        .size = sizeof client_options,
        .timeout_ms = options->timeout_ms,
        .token = options->token_file != NULL ? ctl->token : options->token,
        .tls_ca = options->tls_ca,
        .tls_cert = options->tls_cert,
        .tls_key = options->tls_key,
        .use_keys = use_keys,
    };
    struct raftclient *client = raftclient_create(options->endpoints, &client_options, error, sizeof error);
    if (client == NULL) {
        ctl_wrong("%s", error);
    }
    return client;
}

bool ctl_open(struct ctl *ctl, const struct options *options) {
    *ctl = (struct ctl){.options = options};
    if (options->token_file != NULL && !read_token(ctl, options->token_file)) {
        return false;
    }
    ctl->client = ctl_client(ctl, false);
    return ctl->client != NULL;
}

void ctl_close(struct ctl *ctl) {
    raftclient_destroy(ctl->client);
    explicit_bzero(ctl->token, sizeof ctl->token);
}

/* What the caller of raftctl can do about it; "": the answer says it all. */
static const char *cure(const struct raftclient_answer *answer) {
    if (strcmp(answer->code, "unauthorized") == 0) {
        return "; give one that is known with --token-file or RAFTCTL_TOKEN";
    }
    if (strcmp(answer->code, "unreachable") == 0) {
        return strstr(answer->detail, "certificate") != NULL
                   ? "; name the cluster's authority with --tls-ca or RAFTCTL_TLS_CA"
                   : "; name nodes that run, http or https as they speak, with --endpoints or RAFTCTL_ENDPOINTS";
    }
    return "";
}

int ctl_judge(const struct raftclient_answer *answer) {
    static const int exits[] = {[RAFTCLIENT_DONE] = CTL_DONE,
                                [RAFTCLIENT_REJECTED] = CTL_FAILED,
                                [RAFTCLIENT_UNAVAILABLE] = CTL_UNAVAILABLE,
                                [RAFTCLIENT_UNKNOWN] = CTL_UNKNOWN};
    if (answer->outcome != RAFTCLIENT_DONE) {
        fprintf(stderr, "raftctl: %s%s: %s%s\n", answer->outcome == RAFTCLIENT_UNKNOWN ? "the outcome is unknown: " : "",
                answer->code, answer->detail, cure(answer));
    }
    return exits[answer->outcome];
}

bool ctl_line(const char *bytes, size_t size) {
    return fwrite(bytes, 1, size, stdout) == size && fputc('\n', stdout) != EOF && fflush(stdout) == 0;
}

int ctl_get(const struct ctl *ctl, const char *path, const struct raftclient_answer **out_answer) {
    const struct raftclient_request request = {.size = sizeof request, .method = "GET", .path = path};
    *out_answer = raftclient_call(ctl->client, &request);
    return ctl_judge(*out_answer);
}
