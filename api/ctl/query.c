#include "api/ctl/ctl.h"
#include "api/ctl/lines.h"

#include <string.h>

static int ask(struct ctl *ctl, const char *query, size_t size) {
    const struct options *options = ctl->options;
    const struct raftclient_answer *answer =
        raftclient_query(ctl->client, query, size, options->consistency, options->min_index);
    int code = ctl_judge(answer);
    if (code != CTL_DONE) {
        return code;
    }
    bool told = options->json ? ctl_line(answer->body, answer->body_size) : ctl_line(answer->result, answer->result_size);
    return told ? CTL_DONE : CTL_FAILED;
}

int query_run(struct ctl *ctl) {
    const struct options *options = ctl->options;
    if (options->argument_count != 1) {
        return ctl_wrong("query takes one query (JSON in quotes), or -");
    }
    if (strcmp(options->arguments[0], "-") != 0) {
        return ask(ctl, options->arguments[0], strlen(options->arguments[0]));
    }
    struct lines lines;
    const char *line;
    size_t size;
    int code = CTL_DONE;
    lines_open(&lines, "-");
    while (code == CTL_DONE && lines_next(&lines, &line, &size)) {
        code = ask(ctl, line, size);
    }
    return lines_close(&lines) ? code : CTL_FAILED;
}
