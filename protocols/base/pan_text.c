/* See pan_text.h. */
#include "protocols/base/pan_text.h"

#include <stdbool.h>
#include <string.h>

#include "protocols/base/pan.h"
#include "protocols/base/require.h"

#define GROUP_COUNT_MAX PAN_DIGITS_MAX /* no number has more: each has a digit at least */
#define GROUP_DIGITS_MIN 3u            /* but for the last one; dates and lists have shorter ones */
#define SHOWN_FRONT 6u
#define SHOWN_BACK 4u

/* Digits without anything between. */
struct digit_group {
    char *begin;
    uint32_t count;
};

static bool is_digit(char character)
{
    return character >= '0' && character <= '9';
}

/* ISO/IEC 7812: the first digits of 13 to 15 digits are few schemes'. */
static bool begins_as_card(const struct pan *pan)
{
    static const char *const SHORT[][4] = {
        {"4", NULL}, {"30", "36", "38", NULL}, {"34", "37", NULL}};
    if (pan->digit_count > 15) {
        return strchr("017", pan->digits[0]) == NULL;
    }
    for (const char *const *begin = SHORT[pan->digit_count - 13]; *begin != NULL; begin++) {
        if (strncmp(pan->digits, *begin, strlen(*begin)) == 0) {
            return true;
        }
    }
    return false;
}

/* The first groups together; `digit_count` of them. */
static bool is_card(const struct digit_group *groups, uint32_t digit_count)
{
    struct pan pan = {.digit_count = (uint8_t)digit_count};
    for (uint32_t filled = 0; filled < digit_count; groups++) {
        REQUIRE(filled + groups->count <= PAN_DIGITS_MAX);
        memcpy(pan.digits + filled, groups->begin, groups->count);
        filled += groups->count;
    }
    return begins_as_card(&pan) && pan_has_luhn(&pan);
}

static void hide(const struct digit_group *groups, uint32_t digit_count)
{
    for (uint32_t at = 0; at < digit_count; groups++) {
        for (uint32_t i = 0; i < groups->count; i++, at++) {
            if (at >= SHOWN_FRONT && at + SHOWN_BACK < digit_count) {
                groups->begin[i] = '*';
            }
        }
    }
}

/* The groups from `text` on that stand side by side; `*end` is behind the last one. */
static uint32_t read_groups(char *text, struct digit_group groups[GROUP_COUNT_MAX], char **end)
{
    uint32_t count = 0;
    while (count < GROUP_COUNT_MAX && is_digit(*text)) {
        struct digit_group *group = &groups[count++];
        *group = (struct digit_group){.begin = text};
        while (is_digit(*text)) {
            text++;
            group->count++;
        }
        *end = text;
        text += (*text == ' ' || *text == '-') ? 1 : 0;
    }
    return count;
}

/* How many groups from the first on are a card number, the longest there is; 0: none. */
static uint32_t find_card(const struct digit_group *groups, uint32_t count, uint32_t *digit_count)
{
    uint32_t found = 0;
    uint32_t sum = 0;
    for (uint32_t i = 0; i < count && sum + groups[i].count <= PAN_DIGITS_MAX; i++) {
        sum += groups[i].count;
        if (sum >= 13 && is_card(groups, sum)) {
            found = i + 1;
            *digit_count = sum;
        }
        if (groups[i].count < GROUP_DIGITS_MIN) {
            break;
        }
    }
    return found;
}

uint32_t pan_text_mask(char *text)
{
    uint32_t masked = 0;
    while (*text != '\0') {
        struct digit_group groups[GROUP_COUNT_MAX];
        char *end = text + 1;
        uint32_t digit_count = 0;
        uint32_t count = read_groups(text, groups, &end);
        uint32_t found = find_card(groups, count, &digit_count);
        if (found > 0) {
            hide(groups, digit_count);
            masked++;
            text = groups[found - 1].begin + groups[found - 1].count;
        } else {
            text = count > 1 ? groups[1].begin : end;
        }
    }
    return masked;
}
