/* raftctl: reads the command line and runs the command. */
#include "api/ctl/ctl.h"
#include "api/ctl/help.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>

static int (*const commands[OPTIONS_COMMANDS])(struct ctl *) = {
    [OPTIONS_PROPOSE] = propose_run,   [OPTIONS_QUERY] = query_run,     [OPTIONS_STATUS] = status_run,
    [OPTIONS_WATCH] = watch_run,       [OPTIONS_MEMBERS] = members_run, [OPTIONS_TRANSFER] = transfer_run,
    [OPTIONS_SNAPSHOT] = snapshot_run, [OPTIONS_DOCTOR] = doctor_run,   [OPTIONS_BENCH] = bench_run,
};

static int run(const struct options *options) {
    struct ctl ctl;
    if (options->token != NULL || options->token_file != NULL) {
        prctl(PR_SET_DUMPABLE, 0); /* No core dump has the token in it. */
    }
    if (!ctl_open(&ctl, options)) {
        return CTL_WRONG_OPTION;
    }
    int code = commands[options->command](&ctl);
    ctl_close(&ctl);
    if (fflush(stdout) != 0 || ferror(stdout)) {
        fprintf(stderr, "raftctl: the output could not be written\n");
        return code != CTL_DONE ? code : CTL_FAILED;
    }
    return code;
}

int main(int argc, char **argv) {
    extern char **environ;
    struct options options;
    char message[512];
    (void)argc;
    signal(SIGPIPE, SIG_IGN);
    switch (options_read((const char *const *)argv + 1, (const char *const *)environ, &options, message, sizeof message)) {
    case OPTIONS_HELP:
        help_print(stdout, options.command);
        return CTL_DONE;
    case OPTIONS_VERSION:
        printf("raftctl %s\n", RAFTD_VERSION);
        return CTL_DONE;
    case OPTIONS_WRONG:
        return ctl_wrong("%s", message);
    case OPTIONS_RUN:
        break;
    }
    return run(&options);
}
