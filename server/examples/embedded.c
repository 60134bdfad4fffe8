/* A program with three nodes of a cluster in it, and a state machine of its own: it keeps the largest number that was
 * proposed. (Three nodes in one process survive less than three on three machines; the call is the same.)
 *
 *     cc embedded.c $(pkg-config --cflags --libs libraftd libraftclient) -o embedded && ./embedded /tmp/embedded 8001 8002
 * 8003 */
#include <raftd/raftclient.h>
#include <raftd/raftd.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* -- The machine -- */

static void *create(void) {
    long *largest = calloc(1, sizeof *largest);
    return largest != NULL ? largest : (abort(), largest);
}

static enum machine_verdict say(struct machine_output output, long number) {
    char text[32];
    int size = snprintf(text, sizeof text, "%ld", number);
    output.append(output.context, text, (size_t)size);
    return MACHINE_DONE;
}

static enum machine_verdict check(const char *command, size_t size, struct machine_output why) {
    size_t digits = 0;
    while (digits < size && command[digits] >= '0' && command[digits] <= '9') {
        digits++;
    }
    if (digits < size || size > 9) {
        const char *sentence = "a command is a number of at most nine digits";
        why.append(why.context, sentence, strlen(sentence));
        return MACHINE_REFUSED;
    }
    return MACHINE_DONE;
}

static enum machine_verdict apply(void *state, uint64_t index, const char *command, size_t size,
                                  struct machine_output result) {
    long *largest = state, number = 0;
    (void)index;
    if (check(command, size, result) == MACHINE_REFUSED) {
        return MACHINE_REFUSED;
    }
    for (size_t i = 0; i < size; i++) {
        number = number * 10 + (command[i] - '0');
    }
    *largest = number > *largest ? number : *largest;
    return say(result, *largest);
}

static enum machine_verdict query(const void *state, const char *text, size_t size, struct machine_output result) {
    (void)text, (void)size;
    return say(result, *(const long *)state);
}

static void *freeze(void *state) {
    return memcpy(create(), state, sizeof(long));
}

static bool write(const void *frozen, struct machine_output snapshot) {
    return snapshot.append(snapshot.context, frozen, sizeof(long));
}

static void release(void *state, void *frozen) {
    (void)state;
    free(frozen);
}

static bool restore(void *state, struct machine_input snapshot, struct machine_output why) {
    (void)why;
    return snapshot.read(snapshot.context, state, sizeof(long)) == sizeof(long);
}

static const struct machine largest = {
    MACHINE_ABI_VERSION, sizeof largest, "largest", create, free, check, apply, query, freeze, write, release, restore};

/* -- The program -- */

static struct raftd *start(int number, char **ports, const char *folder) {
    char id[8], listen[32], cluster[160], data[400], why[RAFTD_MESSAGE_SIZE];
    snprintf(id, sizeof id, "%d", number);
    snprintf(listen, sizeof listen, "127.0.0.1:%.5s", ports[number - 1]);
    snprintf(data, sizeof data, "%.380s/data%d", folder, number);
    snprintf(cluster, sizeof cluster, "1=http://127.0.0.1:%.5s,2=http://127.0.0.1:%.5s,3=http://127.0.0.1:%.5s", ports[0],
             ports[1], ports[2]);
    const char *arguments[] = {"--id",      id,      "--listen",    listen,    "--data-dir",         data,
                               "--cluster", cluster, "--log-level", "warning", "--snapshot-entries", "50",
                               NULL};
    struct raftd_options options = {.size = sizeof options, .arguments = arguments, .machine = &largest};
    struct raftd *node = raftd_start(&options, why, sizeof why, NULL);
    if (node == NULL) {
        fprintf(stderr, "node %d: %s\n", number, why);
        exit(1);
    }
    return node;
}

static void propose(struct raftclient *client, int from, int to) {
    for (int number = from; number <= to; number++) {
        char command[16];
        int size = snprintf(command, sizeof command, "%d", number);
        const struct raftclient_answer *answer = raftclient_propose(client, command, (size_t)size);
        if (answer->outcome != RAFTCLIENT_DONE) {
            fprintf(stderr, "%s: %s\n", command, answer->detail);
            exit(1);
        }
    }
}

int main(int count, char **words) {
    if (count != 5) {
        fputs("embedded FOLDER PORT PORT PORT\n", stderr);
        return 2;
    }
    char **ports = words + 2, urls[160];
    struct raftd *nodes[3];
    for (int i = 0; i < 3; i++) {
        nodes[i] = start(i + 1, ports, words[1]);
    }
    snprintf(urls, sizeof urls, "http://127.0.0.1:%.5s,http://127.0.0.1:%.5s,http://127.0.0.1:%.5s", ports[0], ports[1],
             ports[2]);
    struct raftclient *client = raftclient_create(urls, NULL, NULL, 0);
    propose(client, 1, 100);
    for (int i = 0; i < 3; i++) { /* Each one ends, the leader too, misses some, and comes back. */
        raftd_stop(nodes[i]);
        propose(client, 101 + 50 * i, 150 + 50 * i);
        nodes[i] = start(i + 1, ports, words[1]);
    }
    const struct raftclient_answer *answer = raftclient_query(client, "null", 4, RAFTCLIENT_LINEARIZABLE, 0);
    printf("the largest number is %.*s\n", (int)answer->result_size, answer->result);
    raftclient_destroy(client);
    for (int i = 0; i < 3; i++) {
        raftd_stop(nodes[i]);
    }
    return 0;
}
