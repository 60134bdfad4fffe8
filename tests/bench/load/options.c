#include "tests/bench/load/load.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char USAGE[] = "load [options] HOST:PORT...: a closed loop of requests; prints one line of JSON\n"
                            "  --etcd               the JSON gateway of etcd (default: raftd)\n"
                            "  --connections N      1; spread over the servers, one request under way on each\n"
                            "  --seconds S          5\n"
                            "  --operations N       end after so many, if that is sooner\n"
                            "  --reads PERCENT      0; the others are writes\n"
                            "  --consistency C      linearizable, lease or stale\n"
                            "  --value BYTES        100\n"
                            "  --batch N            1; writes in a request (NDJSON; etcd: one transaction)\n"
                            "  --keys N             1000; drawn from so many\n"
                            "  --first N            0; the first of these keys\n"
                            "  --sequential         one key after the other instead, each once\n"
                            "  --pids P,P,P         processes whose CPU time per operation is told\n"
                            "  --timeline           how many requests succeeded in each millisecond\n";

static void usage(const char *what, const char *value) {
    fprintf(stderr, "load: %s: %s\n%s", what, value, USAGE);
    exit(2);
}

static uint64_t number(const char *name, const char *text, uint64_t least, uint64_t most) {
    char *end;
    unsigned long long value = strtoull(text, &end, 10);
    if (*text < '0' || *text > '9' || *end || value < least || value > most)
        usage(name, text);
    return value;
}

static void read_pids(struct options *options, char *text) {
    for (char *word = strtok(text, ","); word; word = strtok(NULL, ",")) {
        if (options->pid_count == PIDS_MAX)
            usage("--pids", "too many");
        options->pids[options->pid_count++] = (int)number("--pids", word, 1, 1u << 30);
    }
}

static void read_option(struct options *options, int letter, char *value) {
    switch (letter) {
    case 'e':
        options->etcd = true;
        break;
    case 'c':
        options->connections = number("--connections", value, 1, 20000);
        break;
    case 's':
        options->seconds = strtod(value, NULL);
        break;
    case 'o':
        options->operations = number("--operations", value, 1, UINT64_MAX);
        break;
    case 'r':
        options->reads = (unsigned)number("--reads", value, 0, 100);
        break;
    case 'y':
        options->consistency = value;
        break;
    case 'v':
        options->value_bytes = number("--value", value, 0, 1 << 20);
        break;
    case 'b':
        options->batch = number("--batch", value, 1, 100000);
        break;
    case 'k':
        options->keys = number("--keys", value, 1, 99999999999);
        break;
    case 'f':
        options->first = number("--first", value, 0, 99999999999);
        break;
    case 'q':
        options->sequential = true;
        break;
    case 'p':
        read_pids(options, value);
        break;
    case 't':
        options->timeline = true;
        break;
    case 'h':
        fputs(USAGE, stdout);
        exit(0);
    default:
        fputs(USAGE, stderr);
        exit(2);
    }
}

void options_read(struct options *options, int argc, char **argv) {
    static const struct option known[] = {
        {"etcd", 0, NULL, 'e'},     {"connections", 1, NULL, 'c'}, {"seconds", 1, NULL, 's'}, {"operations", 1, NULL, 'o'},
        {"reads", 1, NULL, 'r'},    {"consistency", 1, NULL, 'y'}, {"value", 1, NULL, 'v'},   {"batch", 1, NULL, 'b'},
        {"keys", 1, NULL, 'k'},     {"first", 1, NULL, 'f'},       {"pids", 1, NULL, 'p'},    {"sequential", 0, NULL, 'q'},
        {"timeline", 0, NULL, 't'}, {"help", 0, NULL, 'h'},        {NULL, 0, NULL, 0},
    };
    *options = (struct options){
        .connections = 1, .seconds = 5, .value_bytes = 100, .batch = 1, .keys = 1000, .consistency = "linearizable"};
    int letter;
    while ((letter = getopt_long(argc, argv, "", known, NULL)) != -1)
        read_option(options, letter, optarg);
    for (; optind < argc; optind++) {
        if (options->target_count == TARGETS_MAX)
            usage("servers", "too many");
        options->targets[options->target_count++] = argv[optind];
    }
    if (options->target_count == 0)
        usage("servers", "none");
    if (options->seconds <= 0 || options->seconds > 86400)
        usage("--seconds", "not above 0 and at most a day");
    if (strlen(options->consistency) > 32)
        usage("--consistency", options->consistency);
    if (options->batch > options->keys)
        usage("--batch", "more than there are keys");
}
