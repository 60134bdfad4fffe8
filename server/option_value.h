/* The values of options: text to number, duration, size, address. Pure; each answers false for text that is not exactly one
 * such value. */
#ifndef RAFTD_OPTION_VALUE_H
#define RAFTD_OPTION_VALUE_H

#include "server/options.h"

/* A whole number in decimal digits, at most `maximum`. */
bool option_value_number(const char *text, uint64_t maximum, uint64_t *out_number);

/* `250ms`, `1s`, `1m`, `1h`: in milliseconds. */
bool option_value_duration(const char *text, uint64_t maximum_ms, uint64_t *out_ms);

/* `1048576`, `64KiB`, `1MiB`, `2GiB`: in bytes. */
bool option_value_size(const char *text, uint64_t maximum, uint64_t *out_bytes);

/* `host:port` or `[address]:port`. */
bool option_value_address(const char *text, struct options_address *out_address);

/* True for localhost, 127.0.0.0/8 and ::1: what no other machine can reach. A name that would have to be looked up is not.
 */
bool option_value_loopback(const char *host);

/* True for 0.0.0.0 and ::, every address of the machine and none that others could call. */
bool option_value_wildcard(const char *host);

/* The items of a list with commas between them, NULL-terminated; white space around them is dropped, empty ones are left
 * out. Owned by the caller, see option_value_free_list. */
char **option_value_list(const char *text);
/* The list with that item behind the others; it may have been moved. */
char **option_value_list_add(char **list, const char *item);
void option_value_free_list(char **list); /* NULL is a no-op. */

#endif
