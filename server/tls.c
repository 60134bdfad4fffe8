#include "server/tls.h"

#include "server/base/memory.h"
#include "server/raft/raft.h"

#include <gnutls/x509.h>

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FILES = 3, DAY_S = 24 * 60 * 60 };

/* What the files said at one time. */
struct identity {
    struct identity *next; /* Replaced before this one. Owned. */
    uint64_t replaced_ms;
    gnutls_pcert_st chain[TLS_CHAIN_MAX];
    unsigned chain_count;
    gnutls_privkey_t key;
    gnutls_x509_trust_list_t trusted; /* NULL: no authority. */
    int64_t expires_s;
};

struct tls {
    struct tls_files files;
    struct stat seen[FILES];   /* The files that were read last, well or not. */
    struct identity *identity; /* Owned. */
    int64_t warned_s;          /* When it was last said that the certificate expires. */
};

/* The library's callback has no room for a context. */
static const struct tls *opened;

static bool fail(struct tls_message *out_message, const char *format, ...) __attribute__((format(printf, 2, 3)));
static bool fail(struct tls_message *out_message, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(out_message->text, sizeof out_message->text, format, arguments);
    va_end(arguments);
    return false;
}

/* -- Reading -- */

/* False: `out_message` says why. The bytes are to be freed. */
static bool read_file(const char *path, gnutls_datum_t *out_bytes, struct tls_message *out_message) {
    int descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    bool good = descriptor >= 0;
    char *bytes = memory_alloc(TLS_FILE_MAX + 1);
    size_t size = 0;
    ssize_t got = 1;
    while (good && got != 0 && size <= TLS_FILE_MAX) {
        got = read(descriptor, bytes + size, TLS_FILE_MAX + 1 - size);
        good = got >= 0 || errno == EINTR;
        size += got > 0 ? (size_t)got : 0;
    }
    if (!good) {
        fail(out_message, "%s cannot be read: %s", path, strerror(errno));
    } else if (size > TLS_FILE_MAX) {
        good = fail(out_message, "%s is larger than %d bytes", path, TLS_FILE_MAX);
    }
    if (descriptor >= 0) {
        close(descriptor);
    }
    *out_bytes = (gnutls_datum_t){.data = (unsigned char *)bytes, .size = (unsigned)size};
    return good;
}

static void forget(gnutls_datum_t *bytes) {
    if (bytes->data != NULL) {
        explicit_bzero(bytes->data, bytes->size);
        free(bytes->data);
    }
}

static bool take_chain(struct identity *identity, const gnutls_datum_t *pem, const char *path,
                       struct tls_message *out_message) {
    gnutls_x509_crt_t *list = NULL;
    unsigned count = 0;
    int error =
        gnutls_x509_crt_list_import2(&list, &count, pem, GNUTLS_X509_FMT_PEM, GNUTLS_X509_CRT_LIST_FAIL_IF_UNSORTED);
    if (error < 0) {
        return fail(out_message, "%s holds no certificate that can be used: %s", path, gnutls_strerror(error));
    }
    identity->expires_s = gnutls_x509_crt_get_expiration_time(list[0]);
    bool good = count <= TLS_CHAIN_MAX || fail(out_message, "%s holds more than %d certificates", path, TLS_CHAIN_MAX);
    for (unsigned i = 0; i < count && good; i++) {
        error = gnutls_pcert_import_x509(&identity->chain[i], list[i], 0);
        good = error >= 0 || fail(out_message, "%s: %s", path, gnutls_strerror(error));
        identity->chain_count += good ? 1 : 0;
    }
    for (unsigned i = 0; i < count; i++) {
        gnutls_x509_crt_deinit(list[i]);
    }
    gnutls_free(list);
    return good;
}

/* The key must be the one of the first certificate. */
static bool take_key(struct identity *identity, const gnutls_datum_t *pem, const struct tls_files *files,
                     struct tls_message *out_message) {
    gnutls_pubkey_t public = NULL;
    unsigned char ids[2][64];
    size_t sizes[2] = {sizeof ids[0], sizeof ids[1]};
    int error = gnutls_privkey_init(&identity->key);
    error = error < 0 ? error : gnutls_privkey_import_x509_raw(identity->key, pem, GNUTLS_X509_FMT_PEM, NULL, 0);
    if (error < 0) {
        return fail(out_message, "%s holds no key that can be used: %s", files->key, gnutls_strerror(error));
    }
    error = gnutls_pubkey_init(&public);
    error = error < 0 ? error : gnutls_pubkey_import_privkey(public, identity->key, 0, 0);
    error = error < 0 ? error : gnutls_pubkey_get_key_id(public, GNUTLS_KEYID_USE_SHA256, ids[0], &sizes[0]);
    gnutls_pubkey_t certified = identity->chain[0].pubkey;
    error = error < 0 ? error : gnutls_pubkey_get_key_id(certified, GNUTLS_KEYID_USE_SHA256, ids[1], &sizes[1]);
    if (public != NULL) {
        gnutls_pubkey_deinit(public);
    }
    if (error < 0) {
        return fail(out_message, "%s: %s", files->key, gnutls_strerror(error));
    }
    return (sizes[0] == sizes[1] && memcmp(ids[0], ids[1], sizes[0]) == 0) ||
           fail(out_message, "the key in %s is not that of the first certificate in %s", files->key, files->certificate);
}

static bool take_authority(struct identity *identity, const gnutls_datum_t *pem, const char *path,
                           struct tls_message *out_message) {
    int error = gnutls_x509_trust_list_init(&identity->trusted, 0);
    if (error >= 0) {
        error = gnutls_x509_trust_list_add_trust_mem(identity->trusted, pem, NULL, GNUTLS_X509_FMT_PEM, 0, 0);
    }
    if (error < 0) {
        return fail(out_message, "%s holds no certificate of an authority: %s", path, gnutls_strerror(error));
    }
    return error > 0 || fail(out_message, "%s holds no certificate of an authority", path);
}

static void identity_free(struct identity *identity) {
    if (identity == NULL) {
        return;
    }
    identity_free(identity->next);
    for (unsigned i = 0; i < identity->chain_count; i++) {
        gnutls_pcert_deinit(&identity->chain[i]);
    }
    if (identity->key != NULL) {
        gnutls_privkey_deinit(identity->key);
    }
    if (identity->trusted != NULL) {
        gnutls_x509_trust_list_deinit(identity->trusted, 1);
    }
    free(identity);
}

/* Which files are there now; zeros for those that are not. */
static void look(const struct tls_files *files, struct stat out_seen[FILES]) {
    const char *const paths[FILES] = {files->certificate, files->key, files->authority};
    for (int i = 0; i < FILES; i++) {
        if (paths[i] == NULL || stat(paths[i], &out_seen[i]) != 0) {
            out_seen[i] = (struct stat){0};
        }
    }
}

static struct identity *read_identity(struct tls *tls, struct tls_message *out_message) {
    const struct tls_files *files = &tls->files;
    struct identity *identity = memory_zalloc(sizeof *identity);
    gnutls_datum_t bytes[FILES] = {{0}};
    look(files, tls->seen); /* First: what changes from here on is seen the next time. */
    bool good = read_file(files->certificate, &bytes[0], out_message) && read_file(files->key, &bytes[1], out_message) &&
                (files->authority == NULL || read_file(files->authority, &bytes[2], out_message)) &&
                take_chain(identity, &bytes[0], files->certificate, out_message) &&
                take_key(identity, &bytes[1], files, out_message) &&
                (files->authority == NULL || take_authority(identity, &bytes[2], files->authority, out_message));
    for (int i = 0; i < FILES; i++) {
        forget(&bytes[i]);
    }
    if (!good) {
        identity_free(identity);
        return NULL;
    }
    return identity;
}

/* -- Life -- */

struct tls *tls_open(const struct tls_files *files, struct tls_message *out_message) {
    assert(opened == NULL);
    struct tls *tls = memory_zalloc(sizeof *tls);
    tls->files = *files;
    tls->identity = read_identity(tls, out_message);
    if (tls->identity == NULL) {
        free(tls);
        return NULL;
    }
    opened = tls;
    return tls;
}

void tls_close(struct tls *tls) {
    if (tls != NULL) {
        opened = NULL;
        identity_free(tls->identity);
        free(tls);
    }
}

const struct tls_files *tls_files(const struct tls *tls) {
    return &tls->files;
}

int64_t tls_expires_s(const struct tls *tls) {
    return tls->identity->expires_s;
}

static bool is_same_file(const struct stat *left, const struct stat *right) {
    return left->st_dev == right->st_dev && left->st_ino == right->st_ino && left->st_size == right->st_size &&
           left->st_mtim.tv_sec == right->st_mtim.tv_sec && left->st_mtim.tv_nsec == right->st_mtim.tv_nsec &&
           left->st_ctim.tv_sec == right->st_ctim.tv_sec && left->st_ctim.tv_nsec == right->st_ctim.tv_nsec;
}

static bool has_changed(const struct tls *tls) {
    struct stat now[FILES];
    look(&tls->files, now);
    return !is_same_file(&now[0], &tls->seen[0]) || !is_same_file(&now[1], &tls->seen[1]) ||
           !is_same_file(&now[2], &tls->seen[2]);
}

static enum refreshed read_again(struct tls *tls, uint64_t now_ms, const struct diagnostics *diagnostics) {
    struct tls_message message;
    struct identity *identity = read_identity(tls, &message);
    if (identity == NULL) {
        diagnostics_write(diagnostics, DIAGNOSTICS_WARNING, "tls", "%s; the certificates from before go on", message.text);
        return REFRESHED_IN_VAIN;
    }
    identity->next = tls->identity;
    identity->next->replaced_ms = now_ms;
    tls->identity = identity;
    tls->warned_s = 0;
    diagnostics_write(diagnostics, DIAGNOSTICS_INFO, "tls", "certificates read anew from %s", tls->files.certificate);
    return REFRESHED;
}

static void warn_of_end(struct tls *tls, int64_t wall_s, const struct diagnostics *diagnostics) {
    int64_t left_s = tls->identity->expires_s - wall_s;
    if (left_s >= (int64_t)TLS_WARN_DAYS * DAY_S || (tls->warned_s != 0 && wall_s < tls->warned_s + DAY_S)) {
        return;
    }
    tls->warned_s = wall_s;
    if (left_s < 0) {
        diagnostics_write(diagnostics, DIAGNOSTICS_ERROR, "tls", "the certificate in %s has expired",
                          tls->files.certificate);
    } else {
        diagnostics_write(diagnostics, DIAGNOSTICS_WARNING, "tls", "the certificate in %s expires in %d days",
                          tls->files.certificate, (int)(left_s / DAY_S));
    }
}

enum refreshed tls_refresh(struct tls *tls, uint64_t now_ms, int64_t wall_s, const struct diagnostics *diagnostics) {
    enum refreshed refreshed = has_changed(tls) ? read_again(tls, now_ms, diagnostics) : REFRESHED_NOTHING;
    struct identity *newest = tls->identity;
    if (newest->next != NULL && now_ms >= newest->next->replaced_ms + TLS_RETIRED_MS) {
        identity_free(newest->next); /* It, and all before it. */
        newest->next = NULL;
    }
    warn_of_end(tls, wall_s, diagnostics);
    return refreshed;
}

/* -- Handshakes -- */

int tls_retrieve(gnutls_session_t session, const struct gnutls_cert_retr_st *info, gnutls_pcert_st **out_certificates,
                 unsigned *out_count, gnutls_ocsp_data_st **out_ocsp, unsigned *out_ocsp_count, gnutls_privkey_t *out_key,
                 unsigned *out_flags) {
    (void)info;
    if (opened == NULL) {
        return -1;
    }
    if (opened->identity->trusted != NULL) {
        gnutls_certificate_server_set_request(session, GNUTLS_CERT_REQUEST);
    }
    *out_certificates = opened->identity->chain;
    *out_count = opened->identity->chain_count;
    *out_ocsp = NULL;
    *out_ocsp_count = 0;
    *out_key = opened->identity->key;
    *out_flags = 0; /* All of it stays ours. */
    return 0;
}

/* The number after raftd://node/ in one of the certificate's names; 0: none, or several. */
static uint64_t read_node_id(gnutls_x509_crt_t certificate) {
    static const char prefix[] = "raftd://node/";
    uint64_t id = 0;
    char name[64];
    for (unsigned i = 0;; i++) {
        size_t size = sizeof name;
        int type = gnutls_x509_crt_get_subject_alt_name(certificate, i, name, &size, NULL);
        if (type == GNUTLS_E_REQUESTED_DATA_NOT_AVAILABLE) {
            return id;
        }
        if (type != GNUTLS_SAN_URI || size <= sizeof prefix - 1 || memcmp(name, prefix, sizeof prefix - 1) != 0) {
            continue;
        }
        uint64_t found = 0;
        for (size_t at = sizeof prefix - 1; at < size && name[at] != '\0'; at++) {
            if (name[at] < '0' || name[at] > '9' || found > RAFT_NUMBER_MAX) {
                return 0;
            }
            found = found * 10 + (uint64_t)(name[at] - '0');
        }
        if (id != 0 || found == 0 || found > RAFT_NUMBER_MAX) {
            return 0;
        }
        id = found;
    }
}

static uint64_t check_chain(const struct tls *tls, gnutls_x509_crt_t *list, unsigned count, const char **out_why) {
    unsigned status = 0;
    gnutls_typed_vdata_st purpose = {.type = GNUTLS_DT_KEY_PURPOSE_OID, .data = (unsigned char *)GNUTLS_KP_TLS_WWW_CLIENT};
    int error = gnutls_x509_trust_list_verify_crt2(tls->identity->trusted, list, count, &purpose, 1, 0, &status, NULL);
    if (error < 0 || status != 0) {
        *out_why = (status & GNUTLS_CERT_EXPIRED) != 0 ? "the certificate has expired"
                                                       : "the certificate is not one that the authority here vouches for";
        return 0;
    }
    uint64_t id = read_node_id(list[0]);
    if (id == 0) {
        *out_why = "the certificate names no node (URI:raftd://node/ID)";
    }
    return id;
}

uint64_t tls_peer(const struct tls *tls, gnutls_session_t session, const char **out_why) {
    unsigned count = 0;
    const gnutls_datum_t *bytes = gnutls_certificate_get_peers(session, &count);
    *out_why = "no certificate was shown";
    if (tls->identity->trusted == NULL || bytes == NULL || count == 0 || count > TLS_CHAIN_MAX) {
        return 0;
    }
    gnutls_x509_crt_t list[TLS_CHAIN_MAX] = {NULL};
    uint64_t id = 0;
    unsigned read = 0;
    *out_why = "the certificate cannot be read";
    for (; read < count && gnutls_x509_crt_init(&list[read]) >= 0; read++) {
        if (gnutls_x509_crt_import(list[read], &bytes[read], GNUTLS_X509_FMT_DER) < 0) {
            gnutls_x509_crt_deinit(list[read]);
            break;
        }
    }
    if (read == count) {
        id = check_chain(tls, list, count, out_why);
    }
    for (unsigned i = 0; i < read; i++) {
        gnutls_x509_crt_deinit(list[i]);
    }
    return id;
}
