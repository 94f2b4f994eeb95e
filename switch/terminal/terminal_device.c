/* See terminal_device.h. */
#include "switch/terminal/terminal_device.h"

#include <string.h>

#include "protocols/iso8583/parts.h"

#define OLD_SET_FIELD 46
#define SET_FIELD 59
#define CELL_FIELD 62
#define SET_TAG "A2"
#define SET_NAME "terminal_set"

/* Whether the dialect's private fields are those of UnionPay's terminals. */
static bool has_terminal_set(const struct spec *spec)
{
    const struct spec_parts *parts = spec_parts_of(spec, SET_FIELD);
    const struct spec_part *set = parts == NULL ? NULL : parts_find(spec, parts, SET_TAG);
    return set != NULL && strcmp(set->field.name, SET_NAME) == 0;
}

void terminal_device_take(struct payment *payment, const struct message *message)
{
    bool has_59 = message_has(message, SET_FIELD), has_46 = message_has(message, OLD_SET_FIELD),
         has_62 = message_has(message, CELL_FIELD);
    if ((!has_59 && !has_46 && !has_62) || !has_terminal_set(message->spec)) {
        return;
    }
    if (has_59) {
        device_note_read_59(&payment->device, message_raw(message, SET_FIELD));
    }
    if (has_46) {
        device_note_read_46(&payment->device, message_raw(message, OLD_SET_FIELD));
    }
    if (has_62) {
        device_note_read_62(&payment->device, message_raw(message, CELL_FIELD));
    }
}
