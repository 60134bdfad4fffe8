/* The files of TLS: what is taken, what is refused, and that they are read again; and whom a certificate names. */
#include "server/tls.h"
#include "tests/check_main.h"

#include <errno.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char folder[64];
static char paths[3][128];
static struct tls_files files;

static void run(const char *format, const char *argument) {
    char command[512];
    char line[1024];
    snprintf(line, sizeof line, format, argument);
    snprintf(command, sizeof command, "cd %.60s && { %.400s; } >/dev/null 2>&1", folder, line);
    ck_assert_msg(system(command) == 0, "%s", command);
}

static void make_files(void) {
    char command[128];
    snprintf(folder, sizeof folder, "/tmp/raftd-tls-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(command, sizeof command, "server/certs.sh %s 2 >/dev/null", folder);
    ck_assert_int_eq(system(command), 0);
    static const char *const names[] = {"node1.pem", "node1.key", "ca.pem"};
    for (int i = 0; i < 3; i++) {
        snprintf(paths[i], sizeof paths[i], "%s/%s", folder, names[i]);
    }
    files = (struct tls_files){paths[0], paths[1], paths[2]};
}

static void remove_files(void) {
    char command[128];
    snprintf(command, sizeof command, "rm -rf %s", folder);
    ck_assert_int_eq(system(command), 0);
}

static struct tls *open_files(void) {
    struct tls_message message = {""};
    struct tls *tls = tls_open(&files, &message);
    ck_assert_msg(tls != NULL, "%s", message.text);
    return tls;
}

static void refused(const char *words) {
    struct tls_message message = {""};
    ck_assert_ptr_null(tls_open(&files, &message));
    ck_assert_msg(strstr(message.text, words) != NULL, "'%s' does not say '%s'", message.text, words);
}

START_TEST(what_belongs_together_is_taken) {
    struct tls *tls = open_files();
    ck_assert_int_gt(tls_expires_s(tls), 0);
    tls_close(tls);
    files.authority = NULL;
    tls_close(open_files());
}
END_TEST

START_TEST(what_is_wrong_is_told_with_its_file) {
    char other[128];
    files.key = "/nowhere/key";
    refused("/nowhere/key cannot be read: No such file");
    files.key = paths[0];
    refused("node1.pem holds no key that can be used");
    snprintf(other, sizeof other, "%s/node2.key", folder);
    files.key = other;
    refused("is not that of the first certificate");
    files.key = paths[1];
    files.certificate = paths[1];
    refused("node1.key holds no certificate that can be used");
    files.certificate = paths[0];
    files.authority = paths[1];
    refused("node1.key holds no certificate of an authority");
    files.authority = folder;
    refused("Is a directory");
    files.authority = paths[2];
    run("head -c 1048577 /dev/zero >large%s", "");
    snprintf(other, sizeof other, "%s/large", folder);
    files.authority = other;
    refused("large is larger than 1048576 bytes");
    files.authority = paths[2];
    run("for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17; do cat ca.pem; done >%s", "long.pem");
    snprintf(other, sizeof other, "%s/long.pem", folder);
    files.certificate = other;
    refused("long.pem");
}
END_TEST

START_TEST(sixteen_certificates_are_taken_and_no_more) {
    struct tls_message message;
    char chain[128];
    snprintf(chain, sizeof chain, "%s/chain.pem", folder);
    files.certificate = chain;
    run("cp node1.pem chain.pem; for i in 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16; do cat ca.pem; done >>%s", "chain.pem");
    struct tls *tls = tls_open(&files, &message);
    ck_assert_msg(tls != NULL, "%s", message.text);
    tls_close(tls);
    run("cat ca.pem >>%s", "chain.pem");
    refused("chain.pem");
}
END_TEST

static enum refreshed refresh(struct tls *tls, uint64_t now_ms, int64_t wall_s, char out_log[2048]) {
    int pipes[2];
    ck_assert_int_eq(pipe(pipes), 0);
    struct diagnostics diagnostics = {.descriptor = pipes[1]};
    enum refreshed refreshed = tls_refresh(tls, now_ms, wall_s, &diagnostics);
    close(pipes[1]);
    ssize_t size = read(pipes[0], out_log, 2047);
    ck_assert_int_ge((int)size, 0);
    out_log[size] = '\0';
    close(pipes[0]);
    return refreshed;
}

START_TEST(changed_files_are_read_again_when_they_belong_together) {
    char log[2048];
    struct tls *tls = open_files();
    gnutls_pcert_st *first;
    gnutls_pcert_st *now;
    gnutls_privkey_t key;
    gnutls_ocsp_data_st *ocsp;
    unsigned count[3];
    gnutls_session_t session;
    ck_assert_int_eq(gnutls_init(&session, GNUTLS_SERVER), 0);
    ck_assert_int_eq(tls_retrieve(session, NULL, &first, &count[0], &ocsp, &count[1], &key, &count[2]), 0);
    ck_assert_int_eq(refresh(tls, 1000, 0, log), REFRESHED_NOTHING);
    ck_assert_str_eq(log, "");
    /* Only the certificate is new: it is said once, and what was before goes on */
    run("cp node2.pem new && mv new node1.pem%s", "");
    ck_assert_int_eq(refresh(tls, 2000, 0, log), REFRESHED_IN_VAIN);
    ck_assert_ptr_nonnull(strstr(log, "is not that of the first certificate"));
    ck_assert_int_eq(refresh(tls, 3000, 0, log), REFRESHED_NOTHING);
    ck_assert_str_eq(log, "");
    ck_assert_int_eq(tls_retrieve(session, NULL, &now, &count[0], &ocsp, &count[1], &key, &count[2]), 0);
    ck_assert_ptr_eq(now, first);
    /* With its key it counts; what a handshake may still hold lives on for a while */
    run("cp node2.key new && mv new node1.key%s", "");
    ck_assert_int_eq(refresh(tls, 4000, 0, log), REFRESHED);
    ck_assert_ptr_nonnull(strstr(log, "certificates read anew"));
    ck_assert_int_eq(tls_retrieve(session, NULL, &now, &count[0], &ocsp, &count[1], &key, &count[2]), 0);
    ck_assert_ptr_ne(now, first);
    ck_assert_uint_gt(first->cert.size, 0);
    ck_assert_int_eq(refresh(tls, 4000 + TLS_RETIRED_MS, 0, log), REFRESHED_NOTHING);
    ck_assert_str_eq(log, "");
    /* One that vanishes does not end anything */
    run("rm ca.pem%s", "");
    ck_assert_int_eq(refresh(tls, 5000 + TLS_RETIRED_MS, 0, log), REFRESHED_IN_VAIN);
    ck_assert_ptr_nonnull(strstr(log, "ca.pem cannot be read"));
    gnutls_deinit(session);
    tls_close(tls);
}
END_TEST

START_TEST(an_end_that_is_near_is_told_once_a_day) {
    char log[2048];
    const int64_t day = 24 * 60 * 60;
    struct tls *tls = open_files();
    int64_t end = tls_expires_s(tls);
    refresh(tls, 0, end - (TLS_WARN_DAYS * day), log);
    ck_assert_str_eq(log, "");
    refresh(tls, 0, end - 3 * day, log);
    ck_assert_ptr_nonnull(strstr(log, "expires in 3 days"));
    refresh(tls, 0, end - 3 * day + 1000, log);
    ck_assert_str_eq(log, "");
    refresh(tls, 0, end - 2 * day, log);
    ck_assert_ptr_nonnull(strstr(log, "expires in 2 days"));
    refresh(tls, 0, end + day, log);
    ck_assert_ptr_nonnull(strstr(log, "has expired"));
    tls_close(tls);
}
END_TEST

/* -- Whom a certificate names: a handshake in memory between a server that is ours and a client with some certificate. --
 */

struct side {
    gnutls_session_t session;
    struct side *other;
    char bytes[65536]; /* For this side to read. */
    size_t size;
};

static ssize_t push(gnutls_transport_ptr_t context, const void *bytes, size_t size) {
    struct side *to = ((struct side *)context)->other;
    ck_assert_uint_le(size, sizeof to->bytes - to->size);
    memcpy(to->bytes + to->size, bytes, size);
    to->size += size;
    return (ssize_t)size;
}

static ssize_t pull(gnutls_transport_ptr_t context, void *bytes, size_t size) {
    struct side *side = context;
    if (side->size == 0) {
        gnutls_transport_set_errno(side->session, EAGAIN);
        return -1;
    }
    size = size < side->size ? size : side->size;
    memcpy(bytes, side->bytes, size);
    side->size -= size;
    memmove(side->bytes, side->bytes + size, side->size);
    return (ssize_t)size;
}

static int wait_for(gnutls_transport_ptr_t context, unsigned milliseconds) {
    (void)milliseconds;
    return ((struct side *)context)->size > 0;
}

static void set_up(struct side *side, struct side *other, unsigned flags, gnutls_certificate_credentials_t credentials) {
    *side = (struct side){.other = other};
    ck_assert_int_eq(gnutls_init(&side->session, flags | GNUTLS_NONBLOCK), 0);
    ck_assert_int_eq(gnutls_priority_set_direct(side->session, TLS_PRIORITIES, NULL), 0);
    gnutls_credentials_set(side->session, GNUTLS_CRD_CERTIFICATE, credentials);
    gnutls_transport_set_ptr(side->session, side);
    gnutls_transport_set_push_function(side->session, push);
    gnutls_transport_set_pull_function(side->session, pull);
    gnutls_transport_set_pull_timeout_function(side->session, wait_for);
}

/* The node that `tls` sees when a client shows the certificate and key of that name; NULL: none. */
static uint64_t seen_by(const struct tls *tls, const char *name, const char **out_why) {
    static struct side server;
    static struct side client;
    gnutls_certificate_credentials_t credentials[2];
    gnutls_certificate_allocate_credentials(&credentials[0]);
    gnutls_certificate_allocate_credentials(&credentials[1]);
    gnutls_certificate_set_retrieve_function3(credentials[0], tls_retrieve);
    if (name != NULL) {
        char certificate[160];
        char key[160];
        snprintf(certificate, sizeof certificate, "%s/%s.pem", folder, name);
        snprintf(key, sizeof key, "%s/%s.key", folder, name);
        ck_assert_int_eq(gnutls_certificate_set_x509_key_file(credentials[1], certificate, key, GNUTLS_X509_FMT_PEM), 0);
    }
    set_up(&server, &client, GNUTLS_SERVER, credentials[0]);
    set_up(&client, &server, GNUTLS_CLIENT, credentials[1]);
    int ends[2] = {GNUTLS_E_AGAIN, GNUTLS_E_AGAIN};
    for (int i = 0; i < 20 && (ends[0] != 0 || ends[1] != 0); i++) {
        ends[1] = ends[1] == GNUTLS_E_AGAIN ? gnutls_handshake(client.session) : ends[1];
        ends[0] = ends[0] == GNUTLS_E_AGAIN ? gnutls_handshake(server.session) : ends[0];
    }
    ck_assert_msg(ends[0] == 0 && ends[1] == 0, "%s; %s", gnutls_strerror(ends[0]), gnutls_strerror(ends[1]));
    uint64_t id = tls_peer(tls, server.session, out_why);
    gnutls_deinit(server.session);
    gnutls_deinit(client.session);
    gnutls_certificate_free_credentials(credentials[0]);
    gnutls_certificate_free_credentials(credentials[1]);
    return id;
}

/* Another certificate of the authority, with these lines as extensions. */
static void issue(const char *name, const char *lines, const char *more) {
    char command[400];
    snprintf(command, sizeof command,
             "printf '%s' >e; cp node2.key %s.key; openssl req -new -key %s.key -subj /CN=x | openssl x509 -req -CA ca.pem "
             "-CAkey ca.key -CAcreateserial %s -extfile e -out %s.pem",
             lines, name, name, more, name);
    run("%s", command);
}

START_TEST(a_certificate_of_the_authority_names_its_node) {
    const char *why;
    struct tls *tls = open_files();
    ck_assert_uint_eq(seen_by(tls, "node2", &why), 2);
    ck_assert_uint_eq(seen_by(tls, "node1", &why), 1);
    issue("far", "subjectAltName=URI:raftd://node/9007199254740991,URI:https://x", "-days 2");
    ck_assert_uint_eq(seen_by(tls, "far", &why), UINT64_C(9007199254740991));
    tls_close(tls);
}
END_TEST

START_TEST(other_certificates_name_nobody) {
    const char *why;
    struct tls *tls = open_files();
    ck_assert_uint_eq(seen_by(tls, NULL, &why), 0);
    ck_assert_str_eq(why, "no certificate was shown");
    static const char *const names[] = {
        "raftd://node/0",  "raftd://node/",   "raftd://node/9007199254740992",    "raftd://node/2x",
        "raftd://nodes/2", "raftd://node/+2", "raftd://node/2,URI:raftd://node/1"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        char lines[128];
        snprintf(lines, sizeof lines, "subjectAltName=URI:%s", names[i]);
        issue("odd", lines, "-days 2");
        ck_assert_msg(seen_by(tls, "odd", &why) == 0, "%s", names[i]);
        ck_assert_ptr_nonnull(strstr(why, "names no node"));
    }
    issue("plain", "subjectAltName=DNS:raftd", "-days 2");
    ck_assert_uint_eq(seen_by(tls, "plain", &why), 0);
    issue("late", "subjectAltName=URI:raftd://node/2", "-days -1");
    ck_assert_uint_eq(seen_by(tls, "late", &why), 0);
    ck_assert_str_eq(why, "the certificate has expired");
    issue("server", "subjectAltName=URI:raftd://node/2\\nextendedKeyUsage=serverAuth", "-days 2");
    ck_assert_uint_eq(seen_by(tls, "server", &why), 0);
    /* Of another authority, and one that is its own */
    run("sh -c '%s'", "mkdir other; cp node2.key ca2.key; openssl req -x509 -new -key ca2.key -subj /CN=y -addext "
                      "subjectAltName=URI:raftd://node/2 -out ca2.pem");
    ck_assert_uint_eq(seen_by(tls, "ca2", &why), 0);
    ck_assert_ptr_nonnull(strstr(why, "vouches"));
    tls_close(tls);
}
END_TEST

static void add_tests(TCase *tcase) {
    tcase_add_checked_fixture(tcase, make_files, remove_files);
    tcase_set_timeout(tcase, 30);
    tcase_add_test(tcase, what_belongs_together_is_taken);
    tcase_add_test(tcase, what_is_wrong_is_told_with_its_file);
    tcase_add_test(tcase, sixteen_certificates_are_taken_and_no_more);
    tcase_add_test(tcase, changed_files_are_read_again_when_they_belong_together);
    tcase_add_test(tcase, an_end_that_is_near_is_told_once_a_day);
    tcase_add_test(tcase, a_certificate_of_the_authority_names_its_node);
    tcase_add_test(tcase, other_certificates_name_nobody);
}

CHECK_MAIN("tls", add_tests)
