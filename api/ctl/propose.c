#include "api/ctl/ctl.h"
#include "api/ctl/lines.h"
#include "api/ctl/progress.h"

#include "api/client/clock.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

enum { KEY_BYTES = 16, KEY_SIZE = 2 * KEY_BYTES + 1, LINE_KEY_SIZE = RAFTCLIENT_KEY_MAX + 32 };

static bool show(const struct ctl *ctl, const struct raftclient_answer *answer) {
    if (ctl->options->json) {
        return ctl_line(answer->body, answer->body_size);
    }
    return answer->result != NULL ? ctl_line(answer->result, answer->result_size)
                                  : ctl_line("(the result was too large to be remembered)", 43);
}

/* One command under a key: whoever does not know what became of it can ask again. */
static int propose_one(struct ctl *ctl, const char *command) {
    char random_key[KEY_SIZE];
    const char *key = ctl->options->key;
    if (key == NULL) {
        unsigned char bytes[KEY_BYTES];
        clock_random(bytes, sizeof bytes);
        for (size_t i = 0; i < sizeof bytes; i++) {
            snprintf(random_key + 2 * i, 3, "%02x", bytes[i]);
        }
        key = random_key;
    }
    const struct raftclient_answer *answer = raftclient_propose_keyed(ctl->client, key, command, strlen(command));
    int code = ctl_judge(answer);
    if (code == CTL_UNKNOWN) {
        fprintf(stderr, "raftctl: propose it again with --key '%s', and it is applied once\n", key);
    }
    return code == CTL_DONE && !show(ctl, answer) ? CTL_FAILED : code;
}

/* In the session, or under the key that was given with the line's number behind it. */
static const struct raftclient_answer *propose_line(struct ctl *ctl, uint64_t number, const char *line, size_t size) {
    char key[LINE_KEY_SIZE];
    if (ctl->options->key == NULL) {
        return raftclient_propose(ctl->client, line, size);
    }
    snprintf(key, sizeof key, "%.*s-%" PRIu64, RAFTCLIENT_KEY_MAX, ctl->options->key, number);
    return raftclient_propose_keyed(ctl->client, key, line, size);
}

/* Many, in order; the first that fails ends it. */
static int propose_lines(struct ctl *ctl, const char *path) {
    struct lines lines;
    if (!lines_open(&lines, path)) {
        fprintf(stderr, "raftctl: %s cannot be read: %s\n", path, strerror(errno));
        return CTL_FAILED;
    }
    struct progress progress;
    const char *line;
    size_t size;
    uint64_t done = 0;
    int code = CTL_DONE;
    progress_begin(&progress, "proposing");
    if (isatty(STDOUT_FILENO)) {
        progress.file = NULL; /* The results are told there. */
    }
    while (code == CTL_DONE && lines_next(&lines, &line, &size)) {
        const struct raftclient_answer *answer = propose_line(ctl, lines.number, line, size);
        if (answer->outcome == RAFTCLIENT_DONE) {
            done++;
            code = show(ctl, answer) ? CTL_DONE : CTL_FAILED;
            progress_show(&progress, lines.read, lines.total);
        } else {
            progress_end(&progress);
            code = ctl_judge(answer);
            fprintf(stderr,
                    "raftctl: that was line %" PRIu64 " of %s; %" PRIu64 " commands before it were done, none after it\n",
                    lines.number, lines.name, done);
        }
    }
    progress_end(&progress);
    if (!lines_close(&lines) && code == CTL_DONE) {
        fprintf(stderr, "raftctl: %s cannot be read to its end\n", path);
        code = CTL_FAILED;
    }
    return code;
}

int propose_run(struct ctl *ctl) {
    const struct options *options = ctl->options;
    bool many = options->file != NULL || (options->argument_count == 1 && strcmp(options->arguments[0], "-") == 0);
    if (options->argument_count + (options->file != NULL) != 1) {
        return ctl_wrong("propose takes one command (JSON in quotes), or -, or --file FILE");
    }
    return many ? propose_lines(ctl, options->file != NULL ? options->file : "-") : propose_one(ctl, options->arguments[0]);
}
