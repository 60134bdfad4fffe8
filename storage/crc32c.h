/* CRC-32C (Castagnoli), the checksum of everything this room writes and of LevelDB's files: with the processor's
 * instruction where it has one, else with a table. */
#ifndef RAFTD_CRC32C_H
#define RAFTD_CRC32C_H

#include <stddef.h>
#include <stdint.h>

/* The checksum of what `crc` is the checksum of, followed by `bytes`; 0 is the checksum of nothing. */
uint32_t crc32c_extend(uint32_t crc, const void *bytes, size_t size);

/* The same by table, on any processor. */
uint32_t crc32c_extend_by_table(uint32_t crc, const void *bytes, size_t size);

#endif
