/* build/simulate: runs seeds, each in a process of its own. What it is about: simulation.h. */
#include "verdict.h"

#include <errno.h>
#include <getopt.h>
#include <sys/resource.h>

static const char help[] =
    "usage: simulate [--seed N] [--seeds N] [--steps N] [--without FAULT,...] [--trace] [--shrink] [--quiet]\n"
    "\n"
    "Runs whole clusters in memory, one for each seed from --seed (0) on, --seeds (1) of them, with faults for --steps\n"
    "steps, and checks what must hold. Ends with the first failure.\n"
    "\n"
    "  --trace    one line per decision: time in ms, step, what happens\n"
    "  --shrink   a seed that fails is run again with fewer steps and fewer kinds of faults while it fails the same way\n"
    "  --without  switches kinds of faults off; the others stay as they are\n"
    "  --plant    crash, safety or liveness: fails so, to try the program itself\n"
    "  --quiet    says nothing while all is well\n"
    "\n"
    "Exit codes: 0 clean, 2 a bad option, 3 a crash (signal, assertion, sanitizer), 4 safety (an invariant is broken or an\n"
    "answer fits no history), 5 liveness (no progress when the faults are over). The last line of a failure is the command\n"
    "that runs it again.\n"
    "\n"
    "Faults:";

struct run {
    struct simulation_options options;
    uint64_t seeds;
    bool quiet;
    bool shrink;
    uint64_t messages;
    uint64_t operations;
    uint64_t committed;
};

static const char *program = "simulate";

void verdict_command(const struct simulation_options *options, bool trace) {
    printf("%s --seed %" PRIu64 " --steps %" PRIu64, program, options->seed, options->steps);
    const char *before = " --without ";
    for (enum fault fault = 0; fault < FAULT_COUNT; fault++) {
        if (options->without[fault]) {
            printf("%s%s", before, fault_name(fault));
            before = ",";
        }
    }
    puts(trace ? " --trace" : "");
}

static _Noreturn void refuse(const char *format, const char *text) {
    fprintf(stderr, "simulate: ");
    fprintf(stderr, format, text);
    fprintf(stderr, "; --help tells more\n");
    exit(SIMULATION_USAGE);
}

static uint64_t number(const char *text) {
    char *end;
    errno = 0;
    uint64_t value = strtoull(text, &end, 10);
    if (errno != 0 || *end != '\0' || text[0] < '0' || text[0] > '9') {
        refuse("'%s' is no number", text);
    }
    return value;
}

static void switch_off(struct simulation_options *options, char *names) {
    for (char *name = strtok(names, ","); name != NULL; name = strtok(NULL, ",")) {
        enum fault fault = 0;
        while (fault < FAULT_COUNT && strcmp(fault_name(fault), name) != 0) {
            fault++;
        }
        if (fault == FAULT_COUNT) {
            refuse("there is no fault '%s'", name);
        }
        options->without[fault] = true;
    }
}

static enum simulation_end planted(const char *name) {
    for (enum simulation_end end = SIMULATION_CRASH; end <= SIMULATION_LIVENESS; end++) {
        if (strcmp(simulation_end_name(end), name) == 0) {
            return end;
        }
    }
    refuse("'%s' is no way to fail", name);
}

static void print_help(void) {
    fputs(help, stdout);
    for (enum fault fault = 0; fault < FAULT_COUNT; fault++) {
        printf(" %s", fault_name(fault));
    }
    putchar('\n');
}

static struct run read_options(int argc, char **argv) {
    static const struct option names[] = {
        {"seed", required_argument, NULL, 's'},  {"seeds", required_argument, NULL, 'n'},
        {"steps", required_argument, NULL, 't'}, {"without", required_argument, NULL, 'w'},
        {"trace", no_argument, NULL, 'T'},       {"quiet", no_argument, NULL, 'q'},
        {"plant", required_argument, NULL, 'p'}, {"shrink", no_argument, NULL, 'S'},
        {"help", no_argument, NULL, 'h'},        {0},
    };
    struct run run = {.options = {.steps = STEPS_DEFAULT}, .seeds = 1};
    int option;
    while ((option = getopt_long(argc, argv, "", names, NULL)) != -1) {
        switch (option) {
        case 's':
            run.options.seed = number(optarg);
            break;
        case 'n':
            run.seeds = number(optarg);
            break;
        case 't':
            run.options.steps = number(optarg);
            break;
        case 'w':
            switch_off(&run.options, optarg);
            break;
        case 'T':
            run.options.trace = true;
            break;
        case 'q':
            run.quiet = true;
            break;
        case 'p':
            run.options.plant = planted(optarg);
            break;
        case 'S':
            run.shrink = true;
            break;
        case 'h':
            print_help();
            exit(0);
        default:
            exit(SIMULATION_USAGE);
        }
    }
    if (optind < argc) {
        refuse("'%s' is no option", argv[optind]);
    }
    return run;
}

static void tell_seed(const struct run *run, const struct verdict *verdict) {
    if (run->quiet || verdict->end != SIMULATION_CLEAN) {
        return;
    }
    printf("seed %" PRIu64 ": %" PRIu64 " messages, %" PRIu64 " operations, %" PRIu64 " committed, %" PRIu64
           " configurations, %" PRIu64 " snapshots installed\n",
           run->options.seed, verdict->messages, verdict->operations, verdict->committed, verdict->configurations,
           verdict->snapshots_installed);
}

static int tell_failure(struct run *run, const struct verdict *verdict) {
    printf("seed %" PRIu64 ": %s: %s: %s\n", run->options.seed, simulation_end_name(verdict->end), verdict->where,
           verdict->what);
    if (run->shrink) {
        shrink(&run->options, verdict, run->quiet);
    }
    verdict_command(&run->options, true);
    return (int)verdict->end;
}

/* Of one core: what the processes took that ran the seeds. */
static double seconds(void) {
    struct rusage usage;
    getrusage(RUSAGE_CHILDREN, &usage);
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
           (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

int main(int argc, char **argv) {
    program = argv[0];
    struct run run = read_options(argc, argv);
    for (uint64_t i = 0; i < run.seeds; i++) {
        struct verdict verdict;
        verdict_run(&run.options, &verdict);
        tell_seed(&run, &verdict);
        if (verdict.end != SIMULATION_CLEAN) {
            return tell_failure(&run, &verdict);
        }
        run.messages += verdict.messages;
        run.operations += verdict.operations;
        run.committed += verdict.committed;
        run.options.seed++;
    }
    double took = seconds();
    printf("%" PRIu64 " seeds clean: %" PRIu64 " messages, %" PRIu64 " operations, %" PRIu64 " entries committed",
           run.seeds, run.messages, run.operations, run.committed);
    if (!run.options.trace) { /* A trace is the same each time. */
        printf("; %.1f s of one core, %.0f messages/s", took, (double)run.messages / took);
    }
    putchar('\n');
    return 0;
}
