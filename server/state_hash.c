/* The chain takes 64-bit words. Each step can be undone (xor, multiplication by an odd number, rotation, addition), so that
 * chains that differ go on differing while the words are the same, and one word that differs always shows. Words are read
 * in little-endian order wherever they lie, so that all machines agree. */
#include "server/state_hash.h"

#include <assert.h>
#include <endian.h>
#include <string.h>

/* Odd, with bits all over: behind the point of the golden ratio and of the root of 2. */
static const uint64_t golden = UINT64_C(0x9e3779b97f4a7c15);
static const uint64_t root_2 = UINT64_C(0x6a09e667f3bcc909);

static uint64_t take_word(uint64_t chain, uint64_t word) {
    uint64_t mixed = (chain ^ word) * golden;
    return (mixed << 29 | mixed >> 35) + root_2;
}

/* The size went in before: what zeros stand for behind the end is told by it. */
static uint64_t take_bytes(uint64_t chain, struct json_span bytes) {
    const char *at = bytes.data;
    size_t left = bytes.size;
    uint64_t word;
    for (; left >= sizeof word; at += sizeof word, left -= sizeof word) {
        memcpy(&word, at, sizeof word);
        chain = take_word(chain, le64toh(word));
    }
    if (left > 0) {
        word = 0;
        memcpy(&word, at, left);
        chain = take_word(chain, le64toh(word));
    }
    return chain;
}

static void set_aside(struct state_hash *hash, struct state_hash_report report) {
    hash->reports[hash->next] = report;
    hash->next = (hash->next + 1) % STATE_HASH_REPORTS;
    hash->count += hash->count < STATE_HASH_REPORTS ? 1 : 0;
}

/* `back` 0 is the newest. */
static const struct state_hash_report *report_at(const struct state_hash *hash, size_t back) {
    assert(back < hash->count);
    return &hash->reports[(hash->next + STATE_HASH_REPORTS - 1 - back) % STATE_HASH_REPORTS];
}

void state_hash_begin(struct state_hash *hash, uint64_t chain, struct state_hash_report last) {
    *hash = (struct state_hash){.chain = chain};
    if (last.index != 0) {
        set_aside(hash, last);
    }
}

void state_hash_add(struct state_hash *hash, raft_index index, enum state_hash_verdict verdict, raft_index first,
                    struct json_span command, struct json_span result) {
    uint64_t chain = take_word(hash->chain, index);
    chain = take_word(chain, (uint64_t)verdict);
    chain = take_word(chain, first);
    chain = take_word(chain, command.size);
    chain = take_bytes(chain, command);
    chain = take_word(chain, result.size);
    hash->chain = take_bytes(chain, result);
}

void state_hash_applied(struct state_hash *hash, raft_index index) {
    if (index % STATE_HASH_INTERVAL == 0) {
        assert(hash->count == 0 || index > report_at(hash, 0)->index);
        set_aside(hash, (struct state_hash_report){index, hash->chain});
    }
}

struct state_hash_report state_hash_newest(const struct state_hash *hash) {
    return hash->count == 0 ? (struct state_hash_report){0} : *report_at(hash, 0);
}

struct state_hash_report state_hash_roundest(const struct state_hash *hash) {
    struct state_hash_report roundest = state_hash_newest(hash);
    for (size_t back = 1; back < hash->count && back < STATE_HASH_ROUND_REPORTS; back++) {
        const struct state_hash_report *report = report_at(hash, back);
        /* The lowest bit that is set tells how round a number is. */
        if ((report->index & -report->index) > (roundest.index & -roundest.index)) {
            roundest = *report;
        }
    }
    return roundest;
}

bool state_hash_at(const struct state_hash *hash, raft_index index, struct state_hash_report *out_report) {
    for (size_t back = 0; back < hash->count; back++) {
        if (report_at(hash, back)->index == index) {
            *out_report = *report_at(hash, back);
            return true;
        }
    }
    return false;
}
