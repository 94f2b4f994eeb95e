/* See terminal_clock.h. */
#include "switch/terminal/terminal_clock.h"

#include <string.h>

#include "protocols/base/digits.h"
#include "protocols/base/require.h"
#include "protocols/iso8583/parts.h"

#define FIELD 59 /* terminal data, in whatever dialect has them */
#define ELEMENT "terminal_clock"
#define CLOCK_CHARACTERS 14
#define DATE_AT 4
#define TIME_AT 8

_Static_assert(DATE_AT + sizeof(((struct payment *)0)->local_date) - 1 == TIME_AT,
               "the date ends where the time begins");
_Static_assert(TIME_AT + sizeof(((struct payment *)0)->local_time) - 1 == CLOCK_CHARACTERS,
               "and the time ends it");

static bool is_clock(const struct parts_element *element)
{
    return element->part != NULL && strcmp(element->part->field.name, ELEMENT) == 0 &&
           element->count == CLOCK_CHARACTERS && element->value.length == CLOCK_CHARACTERS;
}

static void take(struct payment *payment, const uint8_t *text)
{
    uint64_t number = 0;
    if (digits_parse(&number, (const char *)text, CLOCK_CHARACTERS,
                     (struct number_range){0, UINT64_C(99999999999999)}) != STATUS_OK) {
        return;
    }
    memcpy(payment->local_date, text + DATE_AT, TIME_AT - DATE_AT);
    memcpy(payment->local_time, text + TIME_AT, CLOCK_CHARACTERS - TIME_AT);
}

void terminal_clock_take(struct payment *payment, const struct message *message)
{
    const struct spec_parts *parts = spec_parts_of(message->spec, FIELD);
    struct parts_reader reader;
    struct parts_element element;
    struct parts_fault fault;
    if (payment->local_time[0] != '\0' || parts == NULL || !message_has(message, FIELD) ||
        message->spec->fields[FIELD].coding != SPEC_ASCII ||
        !parts_open(&reader, message->spec, parts, message_raw(message, FIELD))) {
        return;
    }
    while (parts_next(&reader, &element, &fault) == STATUS_OK) {
        if (is_clock(&element)) {
            take(payment, element.value.bytes);
            return;
        }
    }
}
