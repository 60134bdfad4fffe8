#include "storage/failure.h"

#include <stdarg.h>
#include <stdio.h>

enum storage_error failure_tell(struct storage_message *out_message, enum storage_error error, const char *format, ...) {
    if (out_message == NULL) {
        return error;
    }
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(out_message->text, sizeof out_message->text, format, arguments);
    va_end(arguments);
    for (char *at = out_message->text; *at != '\0'; at++) {
        if ((unsigned char)*at < ' ' || *at == 0x7f) {
            *at = ' '; /* A path or a library's text may hold anything; the message stays one line. */
        }
    }
    return error;
}
