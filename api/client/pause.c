#include "api/client/pause.h"

#include "api/client/raftclient.h"

enum { RETRY_AFTER_MAX_S = 3600 };

uint32_t pause_ms(unsigned round, uint32_t retry_after_ms, uint64_t random) {
    uint32_t most = RAFTCLIENT_PAUSE_MAX_MS;
    uint32_t pause = round < 16 ? (uint32_t)RAFTCLIENT_PAUSE_MIN_MS << round : most;
    pause = pause < most ? pause : most;
    pause -= (uint32_t)(random % (pause / 2 + 1));
    if (retry_after_ms > 0 && retry_after_ms + retry_after_ms / 4 > pause) {
        uint32_t asked = retry_after_ms + (uint32_t)(random % (retry_after_ms / 4 + 1));
        pause = asked > pause ? asked : pause;
    }
    return pause;
}

uint32_t pause_retry_after(const char *text) {
    uint32_t seconds = 0;
    if (*text == '\0') {
        return 0;
    }
    for (; *text != '\0'; text++) {
        if (*text < '0' || *text > '9') {
            return 0;
        }
        seconds = seconds * 10 + (uint32_t)(*text - '0');
        seconds = seconds < RETRY_AFTER_MAX_S ? seconds : RETRY_AFTER_MAX_S;
    }
    return seconds * 1000;
}
