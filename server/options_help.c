#include "server/options_table.h"

void options_print_help(FILE *file) {
    fputs(
        "raftd: a server of a Raft cluster, replicated state machines you can curl.\n\n"
        "  raftd [OPTION...]                run a node; without options a cluster of one on 127.0.0.1:8001\n"
        "  raftd health [--ready] [URL]     ask a node: exit 0 when it serves (--ready: and knows a leader), else 1\n"
        "  raftd doctor [--json] [--token-file FILE] [URL]   what is wrong with a node's cluster, and what to do: exit 0 nothing, 1 something, 2 no answer\n"
        "  raftd inspect [--data-dir FOLDER] [--json]   what a stopped node's directory holds, every checksum looked at; changes nothing\n"
        "  raftd recover [--data-dir FOLDER] [--yes]    make a stopped survivor of a lost majority a new cluster of its own; says first what may be lost\n\n",
        file);
    for (size_t i = 0; i < OPTION_COUNT; i++) {
        char left[64];
        const char *value_name = options_table[i].value_name == NULL ? "" : options_table[i].value_name;
        snprintf(left, sizeof left, "--%s %s", options_table[i].name, value_name);
        fprintf(file, "  %-29s %s", left, options_table[i].help);
        if (options_table[i].initial != NULL) {
            fprintf(file, " (%s)", options_table[i].initial);
        }
        fputc('\n', file);
    }
    fputs(
        "  --help, --version\n\n"
        "Every option is also an environment variable, --data-dir for one RAFTD_DATA_DIR; the command line wins.\n"
        "Exit codes: 0 ended by SIGTERM or SIGINT, 1 the data directory or the address cannot be used, 2 a wrong option.\n",
        file);
}
