#include "storage/identity.h"

#include "storage/crc32c.h"
#include "storage/failure.h"
#include "storage/file.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

/* Fills `bytes`. There is no going on without: two stores with one incarnation could vote twice. */
static void fill_with_random(unsigned char *bytes, size_t size) {
    size_t filled = 0;
    while (filled < size) {
        ssize_t count = getrandom(bytes + filled, size - filled, 0);
        if (count < 0 && errno != EINTR) {
            fprintf(stderr, "raftd: the system gives no random bytes: %s\n", strerror(errno));
            abort();
        }
        filled += count < 0 ? 0 : (size_t)count;
    }
}

struct storage_identity identity_make(raft_node_id node_id) {
    struct storage_identity identity = {.node_id = node_id};
    unsigned char bytes[STORAGE_INCARNATION_SIZE / 2];
    fill_with_random(bytes, sizeof bytes);
    for (size_t i = 0; i < sizeof bytes; i++) {
        snprintf(identity.incarnation + 2 * i, 3, "%02x", bytes[i]);
    }
    return identity;
}

size_t identity_format(const struct storage_identity *identity, char *out_text) {
    int size = snprintf(out_text, IDENTITY_TEXT_MAX, "raftd identity 1\nnode %" PRIu64 "\nincarnation %s\n",
                        identity->node_id, identity->incarnation);
    uint32_t crc = crc32c_extend(0, out_text, (size_t)size);
    size += snprintf(out_text + size, (size_t)(IDENTITY_TEXT_MAX - size), "crc32c %08" PRIx32 "\n", crc);
    return (size_t)size;
}

bool identity_parse(const char *text, size_t size, struct storage_identity *out_identity) {
    if (size >= IDENTITY_TEXT_MAX) {
        return false;
    }
    char copy[IDENTITY_TEXT_MAX] = {0};
    memcpy(copy, text, size);
    struct storage_identity found = {.node_id = 0};
    if (sscanf(copy, "raftd identity 1\nnode %20" SCNu64 "\nincarnation %32[0-9a-f]\n", &found.node_id,
               found.incarnation) != 2 ||
        strlen(found.incarnation) != STORAGE_INCARNATION_SIZE || found.node_id < 1 || found.node_id > RAFT_NUMBER_MAX) {
        return false;
    }
    /* What was understood, written again, must be what was read: no second spelling, and the checksum right. */
    char again[IDENTITY_TEXT_MAX];
    if (identity_format(&found, again) != size || memcmp(again, text, size) != 0) {
        return false;
    }
    *out_identity = found;
    return true;
}

enum storage_error identity_write(int directory, const struct storage_identity *identity,
                                  struct storage_message *out_message) {
    char text[IDENTITY_TEXT_MAX];
    size_t size = identity_format(identity, text);
    if (!file_replace(directory, IDENTITY_NAME, IDENTITY_TEMPORARY, text, size)) {
        return failure_tell(out_message, STORAGE_FAILED, "cannot write the file identity: %s", strerror(errno));
    }
    return STORAGE_OK;
}

enum storage_error identity_read(int directory, struct storage_identity *out_identity,
                                 struct storage_message *out_message) {
    char *text = NULL;
    size_t size = 0;
    if (!file_read(directory, IDENTITY_NAME, IDENTITY_TEXT_MAX, &text, &size)) {
        bool too_large = errno == EFBIG;
        return failure_tell(out_message, too_large ? STORAGE_DAMAGED : STORAGE_FAILED,
                            "cannot read the file identity: %s%s", strerror(errno), too_large ? FAILURE_CURE : "");
    }
    bool ok = identity_parse(text, size, out_identity);
    free(text);
    return ok ? STORAGE_OK
              : failure_tell(out_message, STORAGE_DAMAGED, "the file identity is not as it was written" FAILURE_CURE);
}
