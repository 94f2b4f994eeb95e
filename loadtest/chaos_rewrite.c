/* In place, because a message that is parsed and built again would lose what made it odd. */
#include "loadtest/chaos_rewrite.h"

#include <stdio.h>
#include <string.h>

#include "loadtest/draw.h"
#include "protocols/base/digits.h"
#include "protocols/iso8583/ebcdic.h"

#define TEXT_SIZE (SPEC_COUNT_MAX + 1)

/* The new value in the characters of the field, `count` of them. */
static enum status value_make(const struct spec_field *form, const char *old, uint32_t count,
                              const char *value, char *made)
{
    size_t length = strlen(value);
    bool is_number = form->content == SPEC_N;
    if (length > count || (length < count && form->length_digits > 0)) {
        return STATUS_BAD_VALUE;
    }
    memcpy(made, old, count + 1U);
    memset(made, is_number ? '0' : ' ', count);
    /* The end is that of `old`, and stays. NOLINTNEXTLINE(bugprone-not-null-terminated-result) */
    memcpy(made + (is_number ? count - length : 0), value, length);
    return is_number && !digits_are_decimal(made, count) ? STATUS_BAD_VALUE : STATUS_OK;
}

static void value_draw(const char *old, uint32_t count, uint64_t seed, char *made)
{
    struct draw draw = draw_start(seed);
    uint32_t last = count;
    memcpy(made, old, count + 1U);
    for (uint32_t i = 0; i < count; i++) {
        if (old[i] >= '0' && old[i] <= '9') {
            made[i] = (char)('0' + draw_below(&draw, 10));
            last = i;
        }
    }
    if (last < count && strcmp(made, old) == 0) {
        made[last] = made[last] == '9' ? '0' : (char)(made[last] + 1);
    }
}

/* Over the old value, whose coding and length it shares. */
static enum status value_put(const struct message *message, uint16_t field, uint8_t *bytes,
                             const char *made)
{
    const struct spec_field *form = &message->spec->fields[field];
    const struct message_field *place = &message->fields[field];
    switch (form->coding) {
    case SPEC_ASCII:
        memcpy(bytes + place->offset, made, place->length);
        return STATUS_OK;
    case SPEC_BCD:
        return digits_to_bcd(bytes + place->offset, made, place->count,
                             form->is_left ? DIGITS_LEFT : DIGITS_RIGHT);
    case SPEC_EBCDIC_037:
    case SPEC_EBCDIC_1047:
        ebcdic_write(bytes + place->offset, form->coding, made, place->count);
        return STATUS_OK;
    case SPEC_BINARY:
    case SPEC_HEX_ASCII:
    case SPEC_HEX_EBCDIC:
        break;
    }
    return STATUS_BAD_VALUE;
}

static void mac_renew(const struct message *message, struct byte_writer *bytes,
                      const struct chaos_seal *seal)
{
    unsigned field = message_mac_field(message);
    uint8_t mac[TDES_BLOCK_BYTES], room[MESSAGE_MAC_BYTES_MAX];
    if (seal->algorithm == TDES_MAC_NONE || field == 0 || !message_has(message, field)) {
        return;
    }
    tdes_mac(seal->tdes, seal->algorithm, &seal->key, message_mac_input(message, room), mac);
    message_put_mac(message->spec, bytes, mac);
}

enum status chaos_rewrite(const struct spec *spec, struct byte_writer *bytes,
                          const struct chaos_change *change, const struct chaos_seal *seal,
                          char told[CHAOS_TOLD_SIZE])
{
    struct message message;
    struct message_fault fault;
    char old[TEXT_SIZE], made[TEXT_SIZE];
    struct byte_view view = {bytes->bytes, bytes->position};
    told[0] = '\0';
    if (message_parse(&message, spec, view, &fault) != STATUS_OK) {
        return STATUS_MALFORMED;
    }
    if (!message_has(&message, change->field)) {
        return STATUS_MISSING;
    }
    const struct spec_field *form = &spec->fields[change->field];
    uint32_t count = message_text(&message, change->field, old, sizeof old);
    enum status status = STATUS_OK;
    if (change->value[0] == '\0') {
        value_draw(old, count, change->draw, made);
    } else {
        status = value_make(form, old, count, change->value, made);
    }
    if (status == STATUS_OK) {
        status = value_put(&message, change->field, bytes->bytes, made);
    }
    if (status == STATUS_OK) {
        bool is_open = form->secrecy == SPEC_OPEN;
        snprintf(told, CHAOS_TOLD_SIZE, is_open ? "%.70s to %.70s" : "hidden", old, made);
        mac_renew(&message, bytes, seal);
    }
    return status;
}

void chaos_damage(uint8_t *bytes, uint32_t length, uint32_t count, uint64_t draw)
{
    struct draw places = draw_start(draw);
    for (uint32_t i = 0; i < count && length > 0; i++) {
        uint64_t at = draw_below(&places, length);
        bytes[at] = (uint8_t)(bytes[at] ^ (1 + draw_below(&places, 255)));
    }
}
