#include "storage/snapshot_format.h"

#include "storage/bytes.h"

#include <assert.h>
#include <string.h>

enum { VERSION = 1, MAGIC_SIZE = 8, NUMBERS_AT = MAGIC_SIZE + 1, NUMBER_COUNT = 6 };
enum { CLUSTER_AT = NUMBERS_AT + 8 * NUMBER_COUNT, MACHINE_AT = CLUSTER_AT + STORAGE_CLUSTER_ID_SIZE };

_Static_assert(MACHINE_AT + SNAPSHOT_MACHINE_NAME_SIZE == SNAPSHOT_FORMAT_HEAD, "the head has no gap");

static const char magic[MAGIC_SIZE] = {'r', 'a', 'f', 't', 's', 'n', 'a', 'p'};

static bool is_index(uint64_t number) {
    return number <= RAFT_NUMBER_MAX;
}

static bool is_legal(const struct snapshot_head *head) {
    return head->id.index >= 1 && is_index(head->id.index) && is_index(head->id.term) &&
           head->configuration_index <= head->id.index && head->hash_index <= head->id.index;
}

void snapshot_format_head(const struct snapshot_head *head, char out_bytes[SNAPSHOT_FORMAT_HEAD]) {
    assert(is_legal(head));
    assert(strnlen(head->cluster_id, sizeof head->cluster_id) < sizeof head->cluster_id);
    assert(strnlen(head->machine, sizeof head->machine) < sizeof head->machine);
    const uint64_t numbers[NUMBER_COUNT] = {head->id.index, head->id.term,    head->configuration_index,
                                            head->chain,    head->hash_index, head->hash};
    memset(out_bytes, 0, SNAPSHOT_FORMAT_HEAD);
    memcpy(out_bytes, magic, MAGIC_SIZE);
    out_bytes[MAGIC_SIZE] = VERSION;
    for (size_t i = 0; i < NUMBER_COUNT; i++) {
        bytes_put_u64(out_bytes + NUMBERS_AT + 8 * i, numbers[i]);
    }
    memcpy(out_bytes + CLUSTER_AT, head->cluster_id, strlen(head->cluster_id));
    memcpy(out_bytes + MACHINE_AT, head->machine, strlen(head->machine));
}

/* A text that ends within `size` bytes and has only zeros behind its end; `limit` is the longest. */
static bool is_text(const char *bytes, size_t size, size_t limit) {
    size_t length = strnlen(bytes, size);
    for (size_t i = length; i < size; i++) {
        if (bytes[i] != '\0') {
            return false;
        }
    }
    return length <= limit;
}

enum snapshot_format_error snapshot_format_parse_head(const char bytes[SNAPSHOT_FORMAT_HEAD],
                                                      struct snapshot_head *out_head) {
    if (memcmp(bytes, magic, MAGIC_SIZE) != 0) {
        return SNAPSHOT_FORMAT_MAGIC;
    }
    if (bytes[MAGIC_SIZE] != VERSION) {
        return SNAPSHOT_FORMAT_VERSION;
    }
    uint64_t numbers[NUMBER_COUNT];
    for (size_t i = 0; i < NUMBER_COUNT; i++) {
        numbers[i] = bytes_get_u64(bytes + NUMBERS_AT + 8 * i);
    }
    struct snapshot_head found = {.id = {.index = numbers[0], .term = numbers[1]},
                                  .configuration_index = numbers[2],
                                  .chain = numbers[3],
                                  .hash_index = numbers[4],
                                  .hash = numbers[5]};
    if (!is_legal(&found) || !is_text(bytes + CLUSTER_AT, STORAGE_CLUSTER_ID_SIZE, STORAGE_CLUSTER_ID_SIZE) ||
        !is_text(bytes + MACHINE_AT, SNAPSHOT_MACHINE_NAME_SIZE, SNAPSHOT_MACHINE_NAME_SIZE - 1)) {
        return SNAPSHOT_FORMAT_VALUE;
    }
    memcpy(found.cluster_id, bytes + CLUSTER_AT, STORAGE_CLUSTER_ID_SIZE);
    memcpy(found.machine, bytes + MACHINE_AT, SNAPSHOT_MACHINE_NAME_SIZE);
    *out_head = found;
    return SNAPSHOT_FORMAT_OK;
}
