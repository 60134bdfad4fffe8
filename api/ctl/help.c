#include "api/ctl/help.h"

struct part {
    const char *usage;   /* Lines of what can be called. */
    const char *options; /* Its own; may be "". */
    const char *more;    /* For its own --help only. */
};

static const struct part parts[OPTIONS_COMMANDS] = {
    [OPTIONS_PROPOSE] =
        {"  raftctl propose COMMAND            propose a command (JSON), and print its result\n"
         "  raftctl propose -                  the commands on standard input, one a line, one after the other\n"
         "  raftctl propose --file FILE        those of a file\n",
         "  --file FILE              of propose: a file of commands, one a line (NDJSON)\n"
         "  --key KEY                of propose: a name, so that who calls again with it within an hour has it applied once\n",
         "One command goes under an Idempotency-Key, a random one unless --key names it; when the outcome stays unknown, the\n"
         "message says under which one it can be proposed again. Many go through a session, in order; at the first that fails it\n"
         "stops and says at which line. With --key KEY line 7 goes under KEY-7 instead: the same file can be given again from its\n"
         "beginning, and what was applied is not applied again.\n"},
    [OPTIONS_QUERY] = {"  raftctl query QUERY                ask the state machine (JSON), and print its answer\n"
                       "  raftctl query -                    the queries on standard input, one a line\n",
                       "  --consistency LEVEL      of query and bench: linearizable (the default), lease or stale\n"
                       "  --min-index N            of query: not before the node has applied so much\n",
                       ""},
    [OPTIONS_STATUS] = {"  raftctl status                     all nodes: roles, terms, indexes\n", "", ""},
    [OPTIONS_WATCH] =
        {"  raftctl watch                      every committed command, as it comes, whatever node dies\n",
         "  --from INDEX             of watch: begin with this index, or \"now\" (the default)\n"
         "  --count N                of watch: end after so many commands\n",
         "It ends when for --timeout nothing is heard from any node, or with exit code 1 when no log goes back so far.\n"},
    [OPTIONS_MEMBERS] = {"  raftctl members                    the configuration (also: members list)\n"
                         "  raftctl members add ID URL         add a node that runs with --join, as a voter\n"
                         "  raftctl members promote ID         make a learner a voter\n"
                         "  raftctl members remove ID          remove a node, the leader too\n",
                         "  --learner                of members add: keep it a learner\n",
                         "Each answers when the change is committed. Takes 60s at most unless --timeout says otherwise.\n"},
    [OPTIONS_TRANSFER] =
        {"  raftctl transfer [ID]              hand leadership over, to a node or to whoever is the furthest\n", "", ""},
    [OPTIONS_SNAPSHOT] =
        {"  raftctl snapshot save FILE         download a consistent backup\n"
         "  raftctl snapshot restore FILE      check all of a backup, and say how to begin a cluster with it\n",
         "",
         "The file has its name when all of it is on the disk, not before; what had that name is replaced then.\n"
         "Only its owner may read it: all of the state is in it.\n"},
    [OPTIONS_DOCTOR] =
        {"  raftctl doctor                     look for what is wrong with the cluster\n", "",
         "As one node sees it (the leader, when there is one): each finding, the evidence and what to do. Exit code 0: nothing, but\n"
         "perhaps hints. 1: a problem or a warning. Asked of --endpoints on the other side of a cut, it may look different.\n"},
    [OPTIONS_BENCH] =
        {"  raftctl bench                      how many requests the cluster takes, and how long each takes\n",
         "  --connections N          of bench: clients that ask at the same time (16)\n"
         "  --seconds N              of bench: for so long (5)\n"
         "  --reads PERCENT          of bench: so many of 100 are queries (0)\n"
         "  --value-bytes N          of bench: the size of the values written (64)\n"
         "  --command JSON           of bench: propose this, for other machines than hashmap\n"
         "  --query JSON             of bench: ask this\n",
         "Without --command each client puts a key of its own, \"raftctl-bench-...\", again and again, and deletes it at the end.\n"},
};

static const char common[] =
    "  --endpoints URL,URL      nodes to begin with; the others are learnt from them (http://127.0.0.1:8001)\n"
    "  --token-file FILE        a file with the token to send, or the variable RAFTCTL_TOKEN\n"
    "  --tls-ca FILE            the authority to trust, instead of the system's\n"
    "  --tls-cert FILE          a certificate of one's own, with\n"
    "  --tls-key FILE           its key\n"
    "  --timeout DURATION       of a whole call with its retries: 500ms, 30s, 1m (30s)\n"
    "  --output FORMAT          table (the default) or json\n"
    "  --help                   this, or with a command that command's\n"
    "  --version                the version\n";

static const char codes[] =
    "Exit codes: 0 done; 1 refused, failed or, from doctor, something is wrong; 2 a wrong option; 3 the outcome is unknown: it may\n"
    "have been done; 4 no node could be reached or none could do it in time: it was not done.\n";

void help_print(FILE *file, enum options_command command) {
    if (command != OPTIONS_COMMANDS) {
        const struct part *part = &parts[command];
        fprintf(file, "%s", part->usage);
        fprintf(file, "%s%s%s%s\n%s", part->options[0] != '\0' ? "\n" : "", part->options,
                part->more[0] != '\0' ? "\n" : "", part->more, "Options of all commands:\n");
        fprintf(file, "%s\n%s", common, codes);
        return;
    }
    fprintf(file, "raftctl [OPTION...] COMMAND: speaks to a cluster of raftd nodes.\n\n");
    for (size_t i = 0; i < OPTIONS_COMMANDS; i++) {
        fprintf(file, "%s", parts[i].usage);
    }
    fprintf(file, "\nOptions:\n%s", common);
    for (size_t i = 0; i < OPTIONS_COMMANDS; i++) {
        fprintf(file, "%s", parts[i].options);
    }
    fprintf(
        file,
        "\nOptions of all commands are also variables: RAFTCTL_ENDPOINTS, RAFTCTL_TLS_CA and so on. A token is never an option: "
        "the\ncommand line of a process can be read by everybody on its machine.\n%s",
        codes);
}
