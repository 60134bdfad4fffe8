/* TLS: this node's certificate, its key, and the authority that it trusts (contract §6; --tls-cert, --tls-key, --tls-ca).
 *
 * Clients check this node's certificate. Another node shows one of its own, issued by --tls-ca, that names it with the URI
 * raftd://node/<id>; without --tls-ca no certificate is asked for, and nodes check each other's as clients do, by what
 * the system trusts. TLS 1.2 and later only.
 *
 * All three files are read again when one of them changes. Handshakes from then on use what they say; if it makes no
 * sense together (a key without its certificate, while only one of them is new), what was before goes on. A connection
 * that was good when it began stays good for TLS_CHECKED_MS, so that an authority can be replaced without a failed
 * request: both in the file, new certificates, the new one alone.
 *
 * Threads: one. There is one TLS identity in a process: the HTTP library asks for it without saying on whose behalf. */
#ifndef RAFTD_TLS_H
#define RAFTD_TLS_H

#include "server/diagnostics.h"
#include "server/refreshed.h"

#include <gnutls/abstract.h>
#include <gnutls/gnutls.h>

#include <stdbool.h>
#include <stdint.h>

enum {
    TLS_CHECKED_MS = 120000,    /* A peer's certificate is checked again after this. */
    TLS_CONNECTION_MS = 60000,  /* Nodes use a connection no longer than this. */
    TLS_RETIRED_MS = 60000,     /* What was replaced is kept for handshakes that began with it. */
    TLS_WARN_DAYS = 30,         /* Before the certificate expires, once a day in the log. */
    TLS_FILE_MAX = 1024 * 1024, /* Bytes of each file. */
    TLS_CHAIN_MAX = 16,         /* Certificates in --tls-cert. */
    TLS_MESSAGE_SIZE = 512
};

/* For gnutls_priority_init. */
#define TLS_PRIORITIES "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2"

struct tls;

struct tls_message {
    char text[TLS_MESSAGE_SIZE];
};

/* Where the files are; borrowed for the life of what is opened with them. */
struct tls_files {
    const char *certificate; /* The node's own first, then those up to the authority. PEM. */
    const char *key;         /* PEM, not encrypted. */
    const char *authority;   /* PEM, one or more; NULL: none. */
};

/* NULL with a sentence that names the file in `out_message`. A second one cannot be open at the same time. */
struct tls *tls_open(const struct tls_files *files, struct tls_message *out_message);
/* NULL is a no-op. */
void tls_close(struct tls *tls);

const struct tls_files *tls_files(const struct tls *tls);

/* Reads the files again if one has changed, and warns of an end that is near. `now_ms` is monotonic, `wall_s` is the time
 * of day in seconds since 1970, by which certificates expire. */
enum refreshed tls_refresh(struct tls *tls, uint64_t now_ms, int64_t wall_s, const struct diagnostics *diagnostics);

/* When the certificate expires, in seconds since 1970. */
int64_t tls_expires_s(const struct tls *tls);

/* Which node is at the other end of `session`: 0 with a few words, a literal, in `out_why` when its certificate is not from
 * the authority, not valid today, or names no node. There must be an authority. */
uint64_t tls_peer(const struct tls *tls, gnutls_session_t session, const char **out_why);

/* For MHD_OPTION_HTTPS_CERT_CALLBACK2: the identity of what is open. Where there is an authority, whoever calls is asked
 * for a certificate, of whatever issuer, and may go on without one: clients have none. */
int tls_retrieve(gnutls_session_t session, const struct gnutls_cert_retr_st *info, gnutls_pcert_st **out_certificates,
                 unsigned *out_count, gnutls_ocsp_data_st **out_ocsp, unsigned *out_ocsp_count, gnutls_privkey_t *out_key,
                 unsigned *out_flags);

#endif
