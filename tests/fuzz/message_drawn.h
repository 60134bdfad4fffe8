/* Requests that are drawn from an input's bytes, valid by construction. */
#ifndef RAFTD_TESTS_FUZZ_MESSAGE_DRAWN_H
#define RAFTD_TESTS_FUZZ_MESSAGE_DRAWN_H

#include <stddef.h>
#include <stdint.h>

#include "server/message.h"

/* Draws a request of the kind, writes it and reads it again: aborts when any field is another. */
void message_drawn_check(enum message_kind kind, const uint8_t *data, size_t size);

#endif
