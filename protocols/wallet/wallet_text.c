/* See wallet_text.h. */
#include "protocols/wallet/wallet_text.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "protocols/base/digits.h"
#include "protocols/base/money.h"
#include "protocols/base/require.h"

#define CHINA_OFFSET_S 28800
#define DAY_S 86400

/* --- parameters --------------------------------------------------------------------------- */

bool wallet_parameters_add(struct wallet_parameters *parameters, const char *name,
                           const char *value)
{
    if (value == NULL || value[0] == '\0') {
        return true;
    }
    if (parameters->count == WALLET_PARAMETER_COUNT_MAX) {
        return false;
    }
    parameters->items[parameters->count++] = (struct wallet_parameter){name, value};
    return true;
}

const char *wallet_parameters_find(const struct wallet_parameters *parameters, const char *name)
{
    for (uint32_t i = 0; i < parameters->count; i++) {
        if (strcmp(parameters->items[i].name, name) == 0) {
            return parameters->items[i].value;
        }
    }
    return NULL;
}

void wallet_parameters_sort(struct wallet_parameters *parameters)
{
    for (uint32_t i = 1; i < parameters->count; i++) {
        struct wallet_parameter item = parameters->items[i];
        uint32_t at = i;
        for (; at > 0 && strcmp(parameters->items[at - 1].name, item.name) > 0; at--) {
            parameters->items[at] = parameters->items[at - 1];
        }
        parameters->items[at] = item;
    }
}

void wallet_parameters_join(const struct wallet_parameters *parameters, struct byte_writer *writer,
                            const char *left_out, const char *left_out_too)
{
    bool is_first = true;
    for (uint32_t i = 0; i < parameters->count; i++) {
        const struct wallet_parameter *item = &parameters->items[i];
        if ((left_out != NULL && strcmp(item->name, left_out) == 0) ||
            (left_out_too != NULL && strcmp(item->name, left_out_too) == 0)) {
            continue;
        }
        byte_writer_text(writer, is_first ? "" : "&");
        byte_writer_text(writer, item->name);
        byte_writer_u8(writer, '=');
        byte_writer_text(writer, item->value);
        is_first = false;
    }
}

/* --- forms -------------------------------------------------------------------------------- */

static bool is_plain(uint8_t byte)
{
    bool is_letter = (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z');
    return is_letter || (byte >= '0' && byte <= '9') ||
           (byte != '\0' && strchr("-_.~", byte) != NULL);
}

static void write_escaped(struct byte_writer *writer, const char *text)
{
    for (const char *at = text; *at != '\0'; at++) {
        uint8_t byte = (uint8_t)*at;
        if (is_plain(byte)) {
            byte_writer_u8(writer, byte);
        } else {
            char hex[3];
            bytes_to_hex(hex, &byte, 1);
            byte_writer_u8(writer, '%');
            byte_writer_put(writer, hex, 2);
        }
    }
}

void wallet_form_write(const struct wallet_parameters *parameters, struct byte_writer *writer)
{
    for (uint32_t i = 0; i < parameters->count; i++) {
        byte_writer_text(writer, i == 0 ? "" : "&");
        write_escaped(writer, parameters->items[i].name);
        byte_writer_u8(writer, '=');
        write_escaped(writer, parameters->items[i].value);
    }
}

/* One name or value, up to `end`, into the arena; NULL: malformed, or no room there. */
static const char *read_escaped(struct byte_writer *arena, struct byte_view part)
{
    const char *text = (const char *)arena->bytes + arena->position;
    for (uint32_t i = 0; i < part.length; i++) {
        uint8_t byte = part.bytes[i];
        if (byte == '%') {
            struct byte_writer one;
            byte_writer_init(&one, &byte, 1);
            if (part.length - i < 3 ||
                bytes_from_hex(&one, (const char *)part.bytes + i + 1, 2) != STATUS_OK) {
                return NULL;
            }
            i += 2;
        } else if (byte == '+') {
            byte = ' ';
        } else if (byte <= ' ' || byte >= 0x7F) {
            return NULL;
        }
        if (byte == '\0') {
            return NULL;
        }
        byte_writer_u8(arena, byte);
    }
    byte_writer_u8(arena, '\0');
    return text;
}

static struct byte_view cut(struct byte_view *rest, char separator)
{
    const uint8_t *at = rest->length == 0 ? NULL : memchr(rest->bytes, separator, rest->length);
    struct byte_view part = *rest;
    if (at == NULL) {
        *rest = (struct byte_view){rest->bytes, 0};
        return part;
    }
    part.length = (uint32_t)(at - rest->bytes);
    rest->bytes = at + 1;
    rest->length -= part.length + 1;
    return part;
}

enum status wallet_form_read(struct wallet_parameters *parameters, struct byte_writer *arena,
                             struct byte_view form)
{
    parameters->count = 0;
    while (form.length > 0) {
        struct byte_view value = cut(&form, '&');
        struct byte_view name = cut(&value, '=');
        const char *name_text = read_escaped(arena, name);
        const char *value_text = read_escaped(arena, value);
        if (name_text == NULL || value_text == NULL || name.length == 0) {
            return STATUS_MALFORMED;
        }
        if (arena->status != STATUS_OK) {
            return arena->status;
        }
        if (wallet_parameters_find(parameters, name_text) != NULL) {
            return STATUS_DUPLICATE;
        }
        if (!wallet_parameters_add(parameters, name_text, value_text)) {
            return STATUS_NO_ROOM;
        }
    }
    return STATUS_OK;
}

/* --- JSON --------------------------------------------------------------------------------- */

static void write_string(struct byte_writer *writer, const char *text)
{
    byte_writer_u8(writer, '"');
    for (const char *at = text; *at != '\0'; at++) {
        uint8_t byte = (uint8_t)*at;
        if (byte == '"' || byte == '\\') {
            byte_writer_u8(writer, '\\');
            byte_writer_u8(writer, byte);
        } else if (byte < 0x20) {
            char escape[7];
            snprintf(escape, sizeof(escape), "\\u%04x", byte);
            byte_writer_text(writer, escape);
        } else {
            byte_writer_u8(writer, byte);
        }
    }
    byte_writer_u8(writer, '"');
}

static void write_name(struct byte_writer *writer, const char *name)
{
    bool is_first = writer->position == 0 || writer->bytes[writer->position - 1] == '{';
    byte_writer_text(writer, is_first ? "" : ",");
    write_string(writer, name);
    byte_writer_u8(writer, ':');
}

void wallet_json_text(struct byte_writer *writer, const char *name, const char *value)
{
    write_name(writer, name);
    write_string(writer, value);
}

void wallet_json_number(struct byte_writer *writer, const char *name, int64_t value)
{
    char text[24];
    snprintf(text, sizeof(text), "%" PRId64, value);
    write_name(writer, name);
    byte_writer_text(writer, text);
}

void wallet_json_open(struct byte_writer *writer, const char *name)
{
    write_name(writer, name);
    byte_writer_u8(writer, '{');
}

/* --- yuan and time ------------------------------------------------------------------------ */

void wallet_yuan_write(char text[WALLET_YUAN_SIZE], int64_t minor)
{
    REQUIRE(minor >= 0 && minor <= MONEY_MINOR_MAX);
    int length = snprintf(text, WALLET_YUAN_SIZE, "%" PRId64 ".", minor / 100);
    REQUIRE(length > 0 && length + 2 < WALLET_YUAN_SIZE);
    digits_format(text + length, (uint64_t)(minor % 100), 2);
    text[length + 2] = '\0';
}

enum status wallet_yuan_read(int64_t *minor, const char *text)
{
    size_t whole_count = strspn(text, "0123456789");
    const char *rest = text + whole_count;
    uint64_t whole = 0, part = 0;
    size_t part_count = rest[0] == '.' ? strspn(rest + 1, "0123456789") : 0;
    bool is_ended = rest[0] == '\0' || (rest[0] == '.' && part_count >= 1 && part_count <= 2 &&
                                        rest[1 + part_count] == '\0');
    if (whole_count == 0 || whole_count > 10 || !is_ended ||
        digits_parse(&whole, text, (uint32_t)whole_count,
                     (struct number_range){0, MONEY_MINOR_MAX / 100}) != STATUS_OK) {
        return STATUS_MALFORMED;
    }
    if (part_count > 0 && digits_parse(&part, rest + 1, (uint32_t)part_count,
                                       (struct number_range){0, 99}) != STATUS_OK) {
        return STATUS_MALFORMED;
    }
    part = part_count == 1 ? part * 10 : part;
    *minor = (int64_t)(whole * 100 + part);
    return STATUS_OK;
}

/* Days since 1970 as a date of the Gregorian calendar, counted in eras of 400 years from 1 March.
 */
static void date_of(int64_t days, int *year, int *month, int *day)
{
    int64_t shifted = days + 719468;
    int64_t era = shifted / 146097;
    int64_t day_of_era = shifted - era * 146097;
    int64_t year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int64_t month_shifted = (5 * day_of_year + 2) / 153;
    *day = (int)(day_of_year - (153 * month_shifted + 2) / 5 + 1);
    *month = (int)(month_shifted < 10 ? month_shifted + 3 : month_shifted - 9);
    *year = (int)(year_of_era + era * 400 + (*month <= 2 ? 1 : 0));
}

void wallet_time_write(char text[WALLET_TIME_SIZE], int64_t wall_s)
{
    int year, month, day;
    REQUIRE(wall_s >= 0 && wall_s < INT64_C(253402300800) - CHINA_OFFSET_S); /* year 9999 */
    int64_t local_s = wall_s + CHINA_OFFSET_S;
    int second_of_day = (int)(local_s % DAY_S);
    date_of(local_s / DAY_S, &year, &month, &day);
    char whole[80]; /* wide enough for any six numbers */
    int length = snprintf(whole, sizeof(whole), "%04d-%02d-%02d %02d:%02d:%02d", year, month, day,
                          second_of_day / 3600, second_of_day / 60 % 60, second_of_day % 60);
    REQUIRE(length == WALLET_TIME_SIZE - 1);
    memcpy(text, whole, WALLET_TIME_SIZE);
}
