/* Numbers by value.
 *
 * A number other than zero is 0.D * 10^(point + exponent), where D is its digits without the zeros before the first and
 * after the last other digit: equal numbers have equal signs, equal D and equal sums point + exponent. `point` is bounded
 * by the length of the text. The exponent is not: it stays a string of digits, and point_left + exponent_left = point_right
 * + exponent_right is decided as exponent_left = exponent_right + difference, where `difference` = point_right -
 * point_left. When both exponents have at most EXPONENT_DIGITS_MAX digits, as integers. Else one of them is farther from
 * zero than any difference of points can be, so they can only be equal with the same sign, and their digits are added like
 * on paper, from the last to the first, with what is left of the difference as the carry. All of it is linear in the length
 * of the texts. */
#include "server/json/json.h"

#include <assert.h>

#include "server/json/word.h"

enum { EXPONENT_DIGITS_MAX = 18 /* Their sum with any `point` stays within int64_t. */ };

/* Digits in the text, leading zeros left out; none is zero. */
struct exponent {
    bool negative;
    const char *digits;
    size_t count;
};

struct decimal {
    bool negative;
    const char *first; /* The first digit that is not 0; NULL in a zero. */
    const char *last;  /* The last digit that is not 0. A point may stand between the two. */
    int64_t point;     /* Where the decimal point stands, counted from before `first`. */
    struct exponent exponent;
};

static struct exponent read_exponent(const char *at, const char *end) {
    struct exponent exponent = {false, at, 0};
    if (at < end && (*at == '+' || *at == '-')) {
        exponent.negative = *at == '-';
        at++;
    }
    while (at < end && *at == '0')
        at++;
    exponent.digits = at;
    exponent.count = (size_t)(end - at);
    return exponent;
}

static struct decimal read_decimal(struct json_span number) {
    assert(json_type(number) == JSON_NUMBER);
    struct decimal decimal = {0};
    const char *at = number.data;
    const char *end = number.data + number.size;
    const char *point = NULL;
    if (*at == '-') {
        decimal.negative = true;
        at++;
    }
    for (; at < end && *at != 'e' && *at != 'E'; at++) {
        if (*at == '.') {
            point = at;
        } else if (*at != '0') {
            decimal.last = at;
            if (decimal.first == NULL)
                decimal.first = at;
        }
    }
    if (point == NULL)
        point = at;
    if (decimal.first != NULL)
        decimal.point = point > decimal.first ? point - decimal.first : point + 1 - decimal.first;
    decimal.exponent = read_exponent(at < end ? at + 1 : end, end);
    return decimal;
}

static int64_t exponent_value(struct exponent exponent) {
    assert(exponent.count <= EXPONENT_DIGITS_MAX);
    int64_t value = 0;
    for (size_t i = 0; i < exponent.count; i++)
        value = value * 10 + (exponent.digits[i] - '0');
    return exponent.negative ? -value : value;
}

/* Whether large = small + difference, as natural numbers. */
static bool digits_differ_by(struct exponent large, struct exponent small, uint64_t difference) {
    uint64_t carry = difference;
    for (size_t place = 0; place < large.count || place < small.count; place++) {
        if (place < small.count)
            carry += (uint64_t)(small.digits[small.count - 1 - place] - '0');
        uint64_t digit = place < large.count ? (uint64_t)(large.digits[large.count - 1 - place] - '0') : 0;
        if (carry % 10 != digit)
            return false;
        carry /= 10;
    }
    return carry == 0;
}

static bool exponents_match(struct decimal left, struct decimal right) {
    int64_t difference = right.point - left.point;
    if (left.exponent.count <= EXPONENT_DIGITS_MAX && right.exponent.count <= EXPONENT_DIGITS_MAX)
        return exponent_value(left.exponent) - exponent_value(right.exponent) == difference;
    if (left.exponent.negative != right.exponent.negative)
        return false;
    if (left.exponent.negative)
        difference = -difference;
    if (difference < 0)
        return digits_differ_by(right.exponent, left.exponent, (uint64_t)-difference);
    return digits_differ_by(left.exponent, right.exponent, (uint64_t)difference);
}

/* The digit after `at`, past a point. */
static const char *next_digit(const char *at) {
    return at[1] == '.' ? at + 2 : at + 1;
}

static bool digits_match(struct decimal left, struct decimal right) {
    const char *left_at = left.first;
    const char *right_at = right.first;
    while (*left_at == *right_at) {
        if (left_at == left.last || right_at == right.last)
            return left_at == left.last && right_at == right.last;
        left_at = next_digit(left_at);
        right_at = next_digit(right_at);
    }
    return false;
}

bool json_number_equal(struct json_span left, struct json_span right) {
    struct decimal left_decimal = read_decimal(left);
    struct decimal right_decimal = read_decimal(right);
    if (left_decimal.first == NULL || right_decimal.first == NULL)
        return left_decimal.first == right_decimal.first;
    return left_decimal.negative == right_decimal.negative && exponents_match(left_decimal, right_decimal) &&
           digits_match(left_decimal, right_decimal);
}

bool json_number_uint64(struct json_span number, uint64_t maximum, uint64_t *out_number) {
    assert(number.size > 0);
    uint64_t value = 0;
    for (size_t i = 0; i < number.size; i++) {
        if (!json_is_digit(number.data[i]))
            return false;
        uint64_t digit = (uint64_t)(number.data[i] - '0');
        if (digit > maximum || value > (maximum - digit) / 10)
            return false;
        value = value * 10 + digit;
    }
    *out_number = value;
    return true;
}
