#include "tests/bench/load/load.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
    DRAIN_SECONDS = 10,          /* For answers that are under way at the end. */
    RETRY_NANOSECONDS = 2000000, /* After a failure, so that a server that refuses is not hammered. */
    READ_BYTES = 256 * 1024,
    EVENTS = 256,
};

struct connection {
    int fd; /* -1: to be opened again at `retry_at`. */
    size_t target;
    bool asking;   /* A request is under way. */
    bool waiting;  /* Nothing is under way until `retry_at`. */
    bool writable; /* epoll watches for room, too. */
    uint64_t retry_at;
    enum kind kind;
    size_t sent;
    uint64_t began;
    struct request requests[KIND_COUNT];
    struct answer answer;
};

struct load {
    struct options options;
    struct sockaddr_in addresses[TARGETS_MAX];
    struct connection *connections;
    int epoll;
    uint64_t random;
    uint64_t begin, end; /* Nanoseconds. */
    uint64_t next_key;
    uint64_t started, finished; /* Operations. */
    size_t waiting, asking;
    bool ending;                                    /* Nothing new is asked. */
    uint64_t requests, failed, refused, reconnects; /* Failed: requests without a 2xx; refused: lines of batches. */
    struct histogram latencies[KIND_COUNT];
    uint32_t *timeline;
    size_t milliseconds;
    char buffer[READ_BYTES];
};

static uint64_t now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

static void fatal(const char *what) {
    fprintf(stderr, "load: %s: %s\n", what, strerror(errno));
    exit(1);
}

static double cpu_of(int pid) {
    clockid_t id;
    struct timespec time;
    if (clock_getcpuclockid(pid, &id) != 0 || clock_gettime(id, &time) != 0)
        return 0;
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static double own_cpu(void) {
    return cpu_of(getpid());
}

static void wait_a_little(struct load *load, struct connection *connection) {
    if (!connection->waiting)
        load->waiting++;
    connection->waiting = true;
    connection->retry_at = now() + RETRY_NANOSECONDS;
}

static void asked(struct load *load, struct connection *connection, bool asking) {
    if (connection->asking != asking)
        load->asking += asking ? 1 : (size_t)-1;
    connection->asking = asking;
}

/* The next time another server is tried. */
static void drop(struct load *load, struct connection *connection) {
    if (connection->fd >= 0)
        close(connection->fd);
    connection->fd = -1;
    asked(load, connection, false);
    connection->target = (connection->target + 1) % load->options.target_count;
    load->reconnects++;
}

static void fail(struct load *load, struct connection *connection) {
    load->failed++;
    drop(load, connection);
    wait_a_little(load, connection);
}

static void watch(struct load *load, struct connection *connection, bool writable) {
    if (connection->writable == writable)
        return;
    connection->writable = writable;
    struct epoll_event event = {.events = EPOLLIN | (writable ? (uint32_t)EPOLLOUT : 0u), .data.ptr = connection};
    if (epoll_ctl(load->epoll, EPOLL_CTL_MOD, connection->fd, &event) != 0)
        fatal("epoll_ctl");
}

static void send_more(struct load *load, struct connection *connection) {
    const struct request *request = &connection->requests[connection->kind];
    while (connection->sent < request->length) {
        ssize_t sent =
            send(connection->fd, request->bytes + connection->sent, request->length - connection->sent, MSG_NOSIGNAL);
        if (sent < 0) {
            if (errno == EAGAIN || errno == ENOTCONN)
                watch(load, connection, true);
            else if (errno != EINTR)
                fail(load, connection);
            else
                continue;
            return;
        }
        connection->sent += (size_t)sent;
    }
    watch(load, connection, false);
}

static bool is_over(const struct load *load) {
    return load->ending || (load->options.operations && load->started >= load->options.operations);
}

static void begin_request(struct load *load, struct connection *connection) {
    const struct options *options = &load->options;
    if (is_over(load))
        return;
    connection->kind = options->reads > (random_next(&load->random) >> 16) % 100 ? KIND_READ : KIND_WRITE;
    struct request *request = &connection->requests[connection->kind];
    uint64_t first = load->next_key;
    if (options->sequential)
        load->next_key += request->keys;
    else
        first = (random_next(&load->random) >> 16) % options->keys;
    request_set_keys(request, options, first);
    asked(load, connection, true);
    load->started += request->keys;
    connection->sent = 0;
    answer_begin(&connection->answer);
    connection->began = now();
    send_more(load, connection);
}

static void open_connection(struct load *load, struct connection *connection) {
    connection->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (connection->fd < 0)
        fatal("socket");
    int on = 1;
    setsockopt(connection->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    const struct sockaddr_in *address = &load->addresses[connection->target];
    if (connect(connection->fd, (const struct sockaddr *)address, sizeof *address) != 0 && errno != EINPROGRESS) {
        fail(load, connection);
        return;
    }
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = connection};
    connection->writable = false;
    if (epoll_ctl(load->epoll, EPOLL_CTL_ADD, connection->fd, &event) != 0)
        fatal("epoll_ctl");
    begin_request(load, connection);
}

/* The answer is whole. */
static void finish(struct load *load, struct connection *connection) {
    const struct answer *answer = &connection->answer;
    uint64_t time = now();
    bool good = answer->status >= 200 && answer->status < 300;
    load->requests++;
    asked(load, connection, false);
    if (good) {
        size_t done = connection->requests[connection->kind].keys;
        done -= answer->refused < done ? answer->refused : done;
        load->finished += done;
        load->refused += answer->refused;
        histogram_add(&load->latencies[connection->kind], time - connection->began);
        size_t at = (size_t)((time - load->begin) / 1000000u);
        if (load->timeline && at < load->milliseconds)
            load->timeline[at]++;
    } else {
        load->failed++;
    }
    if (answer->closes)
        drop(load, connection);
    if (!good || answer->closes)
        wait_a_little(load, connection);
    else
        begin_request(load, connection);
}

static void receive(struct load *load, struct connection *connection) {
    ssize_t got = recv(connection->fd, load->buffer, sizeof load->buffer, 0);
    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    bool expected = connection->asking && connection->sent > 0;
    if (got <= 0 || !expected || answer_feed(&connection->answer, load->buffer, (size_t)got) != (size_t)got ||
        connection->answer.state == ANSWER_BROKEN) {
        load->failed += connection->asking;
        drop(load, connection);
        wait_a_little(load, connection);
    } else if (connection->answer.state == ANSWER_DONE) {
        finish(load, connection);
    }
}

static void handle(struct load *load, const struct epoll_event *event) {
    struct connection *connection = event->data.ptr;
    if (connection->fd >= 0 && event->events & (EPOLLIN | EPOLLERR | EPOLLHUP))
        receive(load, connection);
    if (connection->fd >= 0 && event->events & EPOLLOUT && connection->writable)
        send_more(load, connection);
}

static void retry(struct load *load) {
    uint64_t time = now();
    for (size_t i = 0; load->waiting && i < load->options.connections; i++) {
        struct connection *connection = &load->connections[i];
        if (!connection->waiting || connection->retry_at > time)
            continue;
        connection->waiting = false;
        load->waiting--;
        if (connection->fd < 0)
            open_connection(load, connection);
        else
            begin_request(load, connection);
    }
}

static void turn(struct load *load, uint64_t end) {
    struct epoll_event events[EVENTS];
    while (now() < end && (!is_over(load) || load->asking)) {
        int count = epoll_wait(load->epoll, events, EVENTS, load->waiting ? 1 : 20);
        if (count < 0 && errno != EINTR)
            fatal("epoll_wait");
        for (int i = 0; i < count; i++)
            handle(load, &events[i]);
        if (load->waiting)
            retry(load);
    }
}

static void resolve(struct load *load) {
    for (size_t i = 0; i < load->options.target_count; i++) {
        char host[64];
        const char *target = load->options.targets[i], *colon = strrchr(target, ':');
        struct sockaddr_in *address = &load->addresses[i];
        if (!colon || (size_t)(colon - target) >= sizeof host) {
            fprintf(stderr, "load: not HOST:PORT: %s\n", target);
            exit(2);
        }
        memcpy(host, target, (size_t)(colon - target));
        host[colon - target] = '\0';
        address->sin_family = AF_INET;
        address->sin_port = htons((uint16_t)atoi(colon + 1));
        if (inet_pton(AF_INET, host, &address->sin_addr) != 1) {
            fprintf(stderr, "load: not an IPv4 address: %s\n", host);
            exit(2);
        }
    }
}

static void prepare(struct load *load) {
    const struct options *options = &load->options;
    resolve(load);
    load->random = 88172645463325252u ^ now();
    load->epoll = epoll_create1(EPOLL_CLOEXEC);
    load->connections = calloc(options->connections, sizeof *load->connections);
    if (options->timeline) {
        load->milliseconds = (size_t)(options->seconds * 1000) + 1;
        load->timeline = calloc(load->milliseconds, sizeof *load->timeline);
    }
    if (load->epoll < 0 || !load->connections || (options->timeline && !load->timeline))
        fatal("starting");
    for (size_t i = 0; i < options->connections; i++) {
        struct connection *connection = &load->connections[i];
        connection->target = i % options->target_count;
        const char *host = options->targets[connection->target];
        if (options->reads < 100)
            request_build(&connection->requests[KIND_WRITE], options, KIND_WRITE, host, &load->random);
        if (options->reads > 0)
            request_build(&connection->requests[KIND_READ], options, KIND_READ, host, &load->random);
    }
}

static void print_latencies(const char *name, const struct histogram *histogram) {
    printf(",\"%s\":{\"count\":%llu,\"p50_us\":%.1f,\"p99_us\":%.1f,\"p999_us\":%.1f,\"max_us\":%.1f}", name,
           (unsigned long long)histogram->count, histogram_quantile(histogram, 0.5), histogram_quantile(histogram, 0.99),
           histogram_quantile(histogram, 0.999), (double)histogram->largest / 1e3);
}

static void print_timeline(const struct load *load) {
    printf(",\"begin\":%.6f,\"timeline\":[", (double)load->begin / 1e9);
    for (size_t i = 0; i < load->milliseconds; i++)
        printf("%s%u", i ? "," : "", load->timeline[i]);
    printf("]");
}

/* So many were finished in time; latencies and CPU are those of all that was asked. */
static void print_result(struct load *load, uint64_t in_time, double seconds, double servers, double own) {
    static struct histogram all;
    double operations = load->finished ? (double)load->finished : 1, requests = load->requests ? (double)load->requests : 1;
    histogram_merge(&all, &load->latencies[KIND_WRITE]);
    histogram_merge(&all, &load->latencies[KIND_READ]);
    printf("{\"operations\":%llu,\"requests\":%llu,\"failed\":%llu,\"refused\":%llu,\"reconnects\":%llu,\"seconds\":%.4f,"
           "\"per_second\":%.1f,\"load_cpu_us_per_request\":%.2f",
           (unsigned long long)load->finished, (unsigned long long)load->requests, (unsigned long long)load->failed,
           (unsigned long long)load->refused, (unsigned long long)load->reconnects, seconds, (double)in_time / seconds,
           own / requests * 1e6);
    if (load->options.pid_count && load->finished)
        printf(",\"server_cpu_us_per_operation\":%.2f", servers / operations * 1e6);
    print_latencies("all", &all);
    if (load->options.reads > 0 && load->options.reads < 100) {
        print_latencies("writes", &load->latencies[KIND_WRITE]);
        print_latencies("reads", &load->latencies[KIND_READ]);
    }
    if (load->timeline)
        print_timeline(load);
    printf("}\n");
}

static double cpu_of_servers(const struct options *options) {
    double sum = 0;
    for (size_t i = 0; i < options->pid_count; i++)
        sum += cpu_of(options->pids[i]);
    return sum;
}

int main(int argc, char **argv) {
    static struct load load;
    options_read(&load.options, argc, argv);
    signal(SIGPIPE, SIG_IGN);
    prepare(&load);
    double servers = cpu_of_servers(&load.options), own = own_cpu();
    load.begin = now();
    load.end = load.begin + (uint64_t)(load.options.seconds * 1e9);
    for (size_t i = 0; i < load.options.connections; i++)
        open_connection(&load, &load.connections[i]);
    turn(&load, load.end);
    double seconds = (double)(now() - load.begin) / 1e9;
    uint64_t finished = load.finished;
    load.ending = true;
    if (!load.options.timeline)
        turn(&load, now() + (uint64_t)DRAIN_SECONDS * 1000000000u);
    print_result(&load, finished, seconds, cpu_of_servers(&load.options) - servers, own_cpu() - own);
    return load.finished ? 0 : 1;
}
