#include "api/client/exchange.h"

#include "api/client/clock.h"
#include "api/client/pause.h"

#include "server/base/memory.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { POLL_MAX_MS = 1000, CONNECTION_AGE_MAX_S = 45, CONNECTIONS_KEPT = 16, DIGITS_MAX = 16 };

static pthread_once_t once = PTHREAD_ONCE_INIT;
static CURLcode global;

static void begin_libcurl(void) {
    global = curl_global_init(CURL_GLOBAL_DEFAULT);
}

static char *copy_text(const char *text) {
    return text != NULL ? memory_text(text, strlen(text)) : NULL;
}

bool exchange_open(struct exchange_setting *setting, const struct raftclient_options *options) {
    pthread_once(&once, begin_libcurl);
    *setting = (struct exchange_setting){.connect_ms = options->connect_ms, .answer_max = options->answer_max};
    atomic_init(&setting->stopped, false);
    if (options->token != NULL) {
        static const char name[] = "Authorization: Bearer ";
        size_t size = sizeof name + strlen(options->token);
        setting->authorization = memory_alloc(size);
        snprintf(setting->authorization, size, "%s%s", name, options->token);
    }
    setting->tls_ca = copy_text(options->tls_ca);
    setting->tls_cert = copy_text(options->tls_cert);
    setting->tls_key = copy_text(options->tls_key);
    if (global == CURLE_OK) {
        setting->multi = curl_multi_init();
        setting->easy = curl_easy_init();
    }
    if (setting->multi == NULL || setting->easy == NULL) {
        exchange_close(setting);
        return false;
    }
    curl_multi_setopt(setting->multi, CURLMOPT_MAXCONNECTS, (long)CONNECTIONS_KEPT);
    return true;
}

void exchange_close(struct exchange_setting *setting) {
    if (setting->easy != NULL) {
        curl_easy_cleanup(setting->easy);
    }
    if (setting->multi != NULL) {
        curl_multi_cleanup(setting->multi);
    }
    if (setting->authorization != NULL) {
        explicit_bzero(setting->authorization, strlen(setting->authorization));
    }
    free(setting->authorization);
    free(setting->tls_ca);
    free(setting->tls_cert);
    free(setting->tls_key);
    setting->easy = NULL;
    setting->multi = NULL;
    setting->authorization = setting->tls_ca = setting->tls_cert = setting->tls_key = NULL;
}

/* -- What libcurl calls -- */

struct course {
    struct exchange_setting *setting;
    const struct exchange_request *request;
    struct exchange_answer *answer;
    size_t read;       /* Of the request's body. */
    uint64_t heard_ms; /* When something last came. */
    bool enough, too_large;
};

static size_t read_body(char *bytes, size_t one, size_t count, void *context) {
    struct course *course = context;
    size_t left = course->request->body_size - course->read;
    size_t size = left < one * count ? left : one * count;
    if (size > 0) {
        memcpy(bytes, course->request->body + course->read, size);
    }
    course->read += size;
    return size;
}

static int no_second_time(void *context, curl_off_t offset, int origin) {
    (void)context, (void)offset, (void)origin;
    return CURL_SEEKFUNC_FAIL;
}

/* The digits of a header's value; false: it is no number. */
static bool header_number(const char *value, size_t size, uint64_t *out_number) {
    uint64_t number = 0;
    if (size == 0 || size > DIGITS_MAX) {
        return false;
    }
    for (size_t i = 0; i < size; i++) {
        if (value[i] < '0' || value[i] > '9') {
            return false;
        }
        number = number * 10 + (uint64_t)(value[i] - '0');
    }
    *out_number = number;
    return true;
}

static void take_header(struct exchange_answer *answer, const char *name, size_t name_size, const char *value,
                        size_t size) {
    if (name_size == 9 && strncasecmp(name, "Raft-Node", 9) == 0) {
        header_number(value, size, &answer->node);
    } else if (name_size == 11 && strncasecmp(name, "Raft-Leader", 11) == 0) {
        answer->has_leader = header_number(value, size, &answer->leader);
    } else if (name_size == 10 && strncasecmp(name, "Raft-Index", 10) == 0) {
        header_number(value, size, &answer->index);
    } else if (name_size == 14 && strncasecmp(name, "Content-Length", 14) == 0) {
        header_number(value, size, &answer->total);
    } else if (name_size == 11 && strncasecmp(name, "Retry-After", 11) == 0) {
        char text[DIGITS_MAX + 1] = "";
        memcpy(text, value, size < DIGITS_MAX ? size : DIGITS_MAX);
        answer->retry_after_ms = pause_retry_after(text);
    }
}

static size_t read_header(char *line, size_t one, size_t count, void *context) {
    struct course *course = context;
    struct exchange_answer *answer = course->answer;
    size_t size = one * count;
    course->heard_ms = clock_ms();
    if (size >= 5 && strncmp(line, "HTTP/", 5) == 0) { /* A new head, after an interim one. */
        answer->status = 0;
        answer->node = answer->leader = answer->index = answer->total = 0;
        answer->has_leader = false;
        answer->retry_after_ms = 0;
        return size;
    }
    const char *colon = memchr(line, ':', size);
    if (colon != NULL) {
        const char *value = colon + 1, *end = line + size;
        while (value < end && (*value == ' ' || *value == '\t')) {
            value++;
        }
        while (end > value && (end[-1] == '\r' || end[-1] == '\n' || end[-1] == ' ')) {
            end--;
        }
        take_header(answer, line, (size_t)(colon - line), value, (size_t)(end - value));
    }
    return size;
}

static long status_of(CURL *easy) {
    long status = 0;
    curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
    return status;
}

static size_t write_body(char *bytes, size_t one, size_t count, void *context) {
    struct course *course = context;
    struct exchange_answer *answer = course->answer;
    size_t size = one * count;
    course->heard_ms = clock_ms();
    if (course->request->sink != NULL && status_of(course->setting->easy) == 200) {
        bool more = answer->sunk || course->request->sink(course->request->sink_context, NULL, 0, answer->total);
        answer->sunk = true;
        more = more && course->request->sink(course->request->sink_context, bytes, size, answer->total);
        course->enough = !more;
        return more ? size : CURL_WRITEFUNC_ERROR;
    }
    if (size > course->setting->answer_max - answer->body_size) {
        course->too_large = true;
        return CURL_WRITEFUNC_ERROR;
    }
    answer->body = memory_grow(answer->body, &answer->body_capacity, answer->body_size + size + 1, 1);
    memcpy(answer->body + answer->body_size, bytes, size);
    answer->body_size += size;
    return size;
}

/* -- One exchange -- */

static struct curl_slist *append(struct curl_slist *lines, const char *line) {
    struct curl_slist *longer = curl_slist_append(lines, line);
    if (longer == NULL) {
        fprintf(stderr, "raftclient: out of memory\n");
        abort();
    }
    return longer;
}

static struct curl_slist *header_lines(const struct exchange_setting *setting, const struct exchange_request *request) {
    struct curl_slist *lines = append(NULL, "Expect:"); /* Nobody is asked whether to go on. */
    lines = append(lines, "User-Agent: raftclient/" RAFTD_VERSION);
    if (request->body != NULL) {
        lines = append(lines, "Content-Type: application/json");
    }
    if (setting->authorization != NULL) {
        lines = append(lines, setting->authorization);
    }
    for (size_t i = 0; i < sizeof request->headers / sizeof request->headers[0] && request->headers[i] != NULL; i++) {
        lines = append(lines, request->headers[i]);
    }
    return lines;
}

static void prepare_security(CURL *easy, const struct exchange_setting *setting) {
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    curl_easy_setopt(easy, CURLOPT_PROXY, "");
    if (setting->tls_ca != NULL) {
        curl_easy_setopt(easy, CURLOPT_CAINFO, setting->tls_ca);
    }
    if (setting->tls_cert != NULL) {
        curl_easy_setopt(easy, CURLOPT_SSLCERT, setting->tls_cert);
        curl_easy_setopt(easy, CURLOPT_SSLKEY, setting->tls_key);
    }
}

static void prepare(struct course *course, struct curl_slist *lines, char *error) {
    const struct exchange_request *request = course->request;
    CURL *easy = course->setting->easy;
    curl_easy_reset(easy);
    prepare_security(easy, course->setting);
    curl_easy_setopt(easy, CURLOPT_URL, request->url);
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, lines);
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, error);
    curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)course->setting->connect_ms);
    curl_easy_setopt(easy, CURLOPT_MAXAGE_CONN, (long)CONNECTION_AGE_MAX_S);
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L);
    curl_easy_setopt(easy, CURLOPT_DNS_CACHE_TIMEOUT, 0L);
    curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, read_header);
    curl_easy_setopt(easy, CURLOPT_HEADERDATA, course);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, write_body);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, course);
    if (strcmp(request->method, "GET") != 0) {
        curl_easy_setopt(easy, CURLOPT_POST, 1L);
        curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, request->method);
        curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->body_size);
        curl_easy_setopt(easy, CURLOPT_READFUNCTION, read_body);
        curl_easy_setopt(easy, CURLOPT_READDATA, course);
        curl_easy_setopt(easy, CURLOPT_SEEKFUNCTION, no_second_time);
    }
}

/* When the exchange is given up as things stand. */
static uint64_t due_ms(const struct course *course) {
    const struct exchange_request *request = course->request;
    if (request->silence_ms == 0 || course->answer->status == 0) {
        return request->deadline_ms;
    }
    return course->heard_ms + request->silence_ms;
}

/* Drives it to its end. False: it was given up, and `answer->why` says why. */
static bool drive(struct course *course, CURLcode *out_code) {
    CURLM *multi = course->setting->multi;
    for (;;) {
        int running = 0, left = 0;
        curl_multi_perform(multi, &running);
        for (CURLMsg *message; (message = curl_multi_info_read(multi, &left)) != NULL;) {
            if (message->msg == CURLMSG_DONE) {
                *out_code = message->data.result;
                return true;
            }
        }
        course->answer->status = (unsigned)status_of(course->setting->easy);
        uint64_t now = clock_ms(), due = due_ms(course);
        if (atomic_load(&course->setting->stopped) || now >= due) {
            snprintf(course->answer->why, sizeof course->answer->why,
                     now < due                     ? "stopped"
                     : course->answer->status != 0 ? "nothing more came"
                                                   : "no answer came in time");
            return false;
        }
        curl_multi_poll(multi, NULL, 0, due - now < POLL_MAX_MS ? (int)(due - now) : POLL_MAX_MS, NULL);
    }
}

static bool is_distrust(CURLcode code) {
    return code == CURLE_PEER_FAILED_VERIFICATION || code == CURLE_SSL_CACERT_BADFILE || code == CURLE_SSL_CERTPROBLEM ||
           code == CURLE_SSL_ISSUER_ERROR || code == CURLE_SSL_INVALIDCERTSTATUS;
}

static void conclude(struct course *course, bool ended, CURLcode code, const char *error) {
    struct exchange_answer *answer = course->answer;
    long sent = 0;
    curl_easy_getinfo(course->setting->easy, CURLINFO_REQUEST_SIZE, &sent);
    answer->status = (unsigned)status_of(course->setting->easy);
    if (ended && code == CURLE_OK) {
        answer->end = EXCHANGE_ANSWERED;
        return;
    }
    answer->end = course->enough               ? EXCHANGE_ENOUGH
                  : sent > 0                   ? EXCHANGE_BROKEN
                  : ended && is_distrust(code) ? EXCHANGE_REFUSED
                                               : EXCHANGE_NOT_SENT;
    if (course->too_large) {
        snprintf(answer->why, sizeof answer->why, "the answer has more than %zu bytes", course->setting->answer_max);
    } else if (ended) {
        snprintf(answer->why, sizeof answer->why, "%s", error[0] != '\0' ? error : curl_easy_strerror(code));
    }
}

void exchange_run(struct exchange_setting *setting, const struct exchange_request *request,
                  struct exchange_answer *answer) {
    *answer = (struct exchange_answer){.body = answer->body, .body_capacity = answer->body_capacity};
    struct course course = {.setting = setting, .request = request, .answer = answer, .heard_ms = clock_ms()};
    char error[CURL_ERROR_SIZE] = "";
    struct curl_slist *lines = header_lines(setting, request);
    prepare(&course, lines, error);
    CURLcode code = CURLE_OK;
    curl_multi_add_handle(setting->multi, setting->easy);
    bool ended = drive(&course, &code);
    conclude(&course, ended, code, error);
    curl_multi_remove_handle(setting->multi, setting->easy);
    curl_slist_free_all(lines);
    answer->body = memory_grow(answer->body, &answer->body_capacity, answer->body_size + 1, 1);
    answer->body[answer->body_size] = '\0';
}

void exchange_stop(struct exchange_setting *setting) {
    atomic_store(&setting->stopped, true);
    curl_multi_wakeup(setting->multi);
}

void exchange_sleep(struct exchange_setting *setting, uint64_t until_ms) {
    for (uint64_t now; (now = clock_ms()) < until_ms && !atomic_load(&setting->stopped);) {
        uint64_t left = until_ms - now;
        curl_multi_poll(setting->multi, NULL, 0, left < POLL_MAX_MS ? (int)left : POLL_MAX_MS, NULL);
    }
}
