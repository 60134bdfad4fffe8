/* Numbers as bytes. What this room writes is big-endian, so that keys sort by number; LevelDB's own files are
 * little-endian. */
#ifndef RAFTD_BYTES_H
#define RAFTD_BYTES_H

#include <stdint.h>

static inline void bytes_put_u16(void *to, uint16_t value) {
    uint8_t *at = to;
    at[0] = (uint8_t)(value >> 8);
    at[1] = (uint8_t)value;
}

static inline void bytes_put_u32(void *to, uint32_t value) {
    uint8_t *at = to;
    for (int i = 0; i < 4; i++) {
        at[i] = (uint8_t)(value >> (24 - 8 * i));
    }
}

static inline void bytes_put_u64(void *to, uint64_t value) {
    uint8_t *at = to;
    for (int i = 0; i < 8; i++) {
        at[i] = (uint8_t)(value >> (56 - 8 * i));
    }
}

static inline uint16_t bytes_get_u16(const void *from) {
    const uint8_t *at = from;
    return (uint16_t)(at[0] << 8 | at[1]);
}

static inline uint32_t bytes_get_u32(const void *from) {
    const uint8_t *at = from;
    return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

static inline uint64_t bytes_get_u64(const void *from) {
    const uint8_t *at = from;
    return (uint64_t)bytes_get_u32(at) << 32 | bytes_get_u32(at + 4);
}

static inline uint32_t bytes_get_u32_little(const void *from) {
    const uint8_t *at = from;
    return (uint32_t)at[3] << 24 | (uint32_t)at[2] << 16 | (uint32_t)at[1] << 8 | at[0];
}

#endif
