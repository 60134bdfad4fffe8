/* The scanner. Every function stops with `at` on the first byte that cannot stand there, or on `end`: that is the offset.
 */
#include "server/json/json.h"

#include "server/json/utf8.h"
#include "server/json/word.h"

struct scanner {
    const char *at; /* All bytes before it can begin a JSON text. */
    const char *end;
    unsigned depth;
    unsigned depth_max;
    char closers[JSON_DEPTH_MAX + JSON_FRAME_DEPTH]; /* The bracket that each open level waits for. */
};

enum step { STEP_FAILED, STEP_VALUE_COMES, STEP_VALUE_ENDED };

static bool take_byte(struct scanner *scanner, char byte) {
    if (scanner->at == scanner->end || *scanner->at != byte)
        return false;
    scanner->at++;
    return true;
}

static void skip_white(struct scanner *scanner) {
    scanner->at = json_skip_white(scanner->at, scanner->end);
}

static bool is_hex_digit(char byte) {
    return json_is_digit(byte) || (byte >= 'a' && byte <= 'f') || (byte >= 'A' && byte <= 'F');
}

/* Goes past an escape; `at` is on its backslash. */
static bool scan_escape(struct scanner *scanner) {
    scanner->at++;
    if (scanner->at == scanner->end)
        return false;
    switch (*scanner->at) {
    case '"':
    case '\\':
    case '/':
    case 'b':
    case 'f':
    case 'n':
    case 'r':
    case 't':
        scanner->at++;
        return true;
    case 'u':
        scanner->at++;
        for (int digits = 0; digits < 4; digits++) {
            if (scanner->at == scanner->end || !is_hex_digit(*scanner->at))
                return false;
            scanner->at++;
        }
        return true;
    default:
        return false;
    }
}

/* Goes past characters of more than one byte; `at` is on the first byte of one. */
static bool scan_wide_characters(struct scanner *scanner) {
    const char *at = scanner->at;
    const char *end = scanner->end;
    while (at < end && ((unsigned char)*at & 0x80) != 0) {
        struct json_utf8 found = json_utf8_look(at, end);
        at += found.good;
        if (found.good == 0 || found.good < found.needed) {
            scanner->at = at;
            return false;
        }
    }
    scanner->at = at;
    return true;
}

/* Goes past a string; `at` is behind its opening quote. */
static bool scan_string(struct scanner *scanner) {
    for (;;) {
        scanner->at = json_skip_plain(scanner->at, scanner->end);
        if (scanner->at == scanner->end)
            return false;
        char byte = *scanner->at;
        if (byte == '"') {
            scanner->at++;
            return true;
        }
        if (byte == '\\') {
            if (!scan_escape(scanner))
                return false;
        } else if (((unsigned char)byte & 0x80) == 0 || !scan_wide_characters(scanner)) {
            return false; /* A raw control byte, or no UTF-8. */
        }
    }
}

static bool scan_digits(struct scanner *scanner) {
    const char *begin = scanner->at;
    scanner->at = json_skip_digits(begin, scanner->end);
    return scanner->at > begin;
}

static bool scan_number(struct scanner *scanner) {
    take_byte(scanner, '-');
    /* Nothing may follow a leading zero but a point or an exponent: a digit is refused by whoever looks at it next. */
    if (!take_byte(scanner, '0') && !scan_digits(scanner))
        return false;
    if (take_byte(scanner, '.') && !scan_digits(scanner))
        return false;
    if (take_byte(scanner, 'e') || take_byte(scanner, 'E')) {
        if (!take_byte(scanner, '+'))
            take_byte(scanner, '-');
        return scan_digits(scanner);
    }
    return true;
}

static enum step scan_word(struct scanner *scanner, const char *word) {
    for (; *word != '\0'; word++) {
        if (!take_byte(scanner, *word))
            return STEP_FAILED;
    }
    return STEP_VALUE_ENDED;
}

/* Goes past a member's name and colon, so that its value comes. */
static enum step scan_name(struct scanner *scanner) {
    skip_white(scanner);
    if (!take_byte(scanner, '"') || !scan_string(scanner))
        return STEP_FAILED;
    skip_white(scanner);
    return take_byte(scanner, ':') ? STEP_VALUE_COMES : STEP_FAILED;
}

/* Enters an array or object; `at` is on its bracket. */
static enum step scan_open(struct scanner *scanner, char closer) {
    if (scanner->depth == scanner->depth_max)
        return STEP_FAILED;
    scanner->at++;
    skip_white(scanner);
    if (take_byte(scanner, closer))
        return STEP_VALUE_ENDED;
    scanner->closers[scanner->depth++] = closer;
    return closer == '}' ? scan_name(scanner) : STEP_VALUE_COMES;
}

/* Goes past a value, or to where the first value in it comes. */
static enum step scan_value(struct scanner *scanner) {
    skip_white(scanner);
    if (scanner->at == scanner->end)
        return STEP_FAILED;
    switch (*scanner->at) {
    case '"':
        scanner->at++;
        return scan_string(scanner) ? STEP_VALUE_ENDED : STEP_FAILED;
    case '{':
        return scan_open(scanner, '}');
    case '[':
        return scan_open(scanner, ']');
    case '-':
    case '0':
    case '1':
    case '2':
    case '3':
    case '4':
    case '5':
    case '6':
    case '7':
    case '8':
    case '9':
        return scan_number(scanner) ? STEP_VALUE_ENDED : STEP_FAILED;
    case 't':
        return scan_word(scanner, "true");
    case 'f':
        return scan_word(scanner, "false");
    case 'n':
        return scan_word(scanner, "null");
    default:
        return STEP_FAILED;
    }
}

/* Behind a value: closes levels until a comma says that another value comes, or none is open. */
static enum step scan_after_value(struct scanner *scanner) {
    while (scanner->depth > 0) {
        char closer = scanner->closers[scanner->depth - 1];
        skip_white(scanner);
        if (take_byte(scanner, ','))
            return closer == '}' ? scan_name(scanner) : STEP_VALUE_COMES;
        if (!take_byte(scanner, closer))
            return STEP_FAILED;
        scanner->depth--;
    }
    return STEP_VALUE_ENDED;
}

static bool scan(const char *data, size_t size, unsigned depth_max, struct json_span *out_value, size_t *out_offset) {
    if (size == 0) {
        *out_offset = 0;
        return false;
    }
    struct scanner scanner;
    scanner.end = data + size;
    scanner.at = json_skip_white(data, scanner.end);
    scanner.depth = 0;
    scanner.depth_max = depth_max;
    const char *begin = scanner.at;
    enum step step = STEP_VALUE_COMES;
    while (step == STEP_VALUE_COMES) {
        step = scan_value(&scanner);
        if (step == STEP_VALUE_ENDED)
            step = scan_after_value(&scanner);
    }
    const char *behind = scanner.at;
    if (step == STEP_VALUE_ENDED)
        skip_white(&scanner);
    if (step == STEP_FAILED || scanner.at < scanner.end) {
        *out_offset = (size_t)(scanner.at - data);
        return false;
    }
    *out_value = (struct json_span){begin, (size_t)(behind - begin)};
    return true;
}

bool json_scan(const char *data, size_t size, struct json_span *out_value, size_t *out_offset) {
    return scan(data, size, JSON_DEPTH_MAX, out_value, out_offset);
}

bool json_scan_message(const char *data, size_t size, struct json_span *out_value, size_t *out_offset) {
    return scan(data, size, JSON_DEPTH_MAX + JSON_FRAME_DEPTH, out_value, out_offset);
}
