/* See device_note.h. The readers walk a field once; a fault anywhere in it marks the note, and what
 * stood before the fault is kept. */
#include "protocols/device_note.h"

#include <string.h>

#include "protocols/base/digits.h"
#include "protocols/base/require.h"

#define TAG_CHARACTERS 2
#define RANDOM_DIGITS (DEVICE_NOTE_RANDOM_SIZE - 1)
#define SYSTEM_CHARACTERS 2 /* in front of a position: BD, GP */
#define COORDINATE_DIGITS_MAX 16
#define LATITUDE_E3_MAX 90000
#define LONGITUDE_E3_MAX 180000
#define CELL_TAG 0xFF02
#define CELL_CHARACTERS_MAX 48
#define HASH_BEGIN 2166136261u /* FNV-1a */
#define HASH_STEP 16777619u

_Static_assert(1 << DEVICE_NOTE_PLACE_MALFORMED <= UINT8_MAX, "the flags fit a byte");

/* --- values ------------------------------------------------------------------------------- */

static void mark(struct device_note *note, enum device_note_flag flag)
{
    note->is_told = true;
    note->flags = (uint8_t)(note->flags | flag);
}

static uint32_t hash_add(uint32_t hash, struct byte_view value)
{
    for (uint32_t i = 0; i < value.length; i++) {
        hash = (hash ^ value.bytes[i]) * HASH_STEP;
    }
    return hash;
}

/* 0 says "not told". */
static uint32_t hash_end(uint32_t hash)
{
    return hash == 0 ? 1 : hash;
}

static struct byte_view trim(struct byte_view value)
{
    while (value.length > 0 && value.bytes[value.length - 1] == ' ') {
        value.length--;
    }
    while (value.length > 0 && value.bytes[0] == ' ') {
        value = (struct byte_view){value.bytes + 1, value.length - 1};
    }
    return value;
}

static bool is_word_character(uint8_t character)
{
    return (character >= '0' && character <= '9') || (character >= 'A' && character <= 'Z') ||
           (character >= 'a' && character <= 'z') || character == '.' || character == '-' ||
           character == '_';
}

/* A serial number or version: what may stand in the text between blanks. Of one that is too long,
 * the end tells more than the beginning. */
static void take_word(struct device_note *note, char *to, uint32_t size, struct byte_view value)
{
    value = trim(value);
    for (uint32_t i = 0; i < value.length; i++) {
        if (!is_word_character(value.bytes[i])) {
            mark(note, DEVICE_NOTE_MALFORMED);
            return;
        }
    }
    if (value.length == 0 || to[0] != '\0') {
        return;
    }
    const uint32_t skip = value.length < size ? 0 : value.length - (size - 1);
    memcpy(to, value.bytes + skip, value.length - skip);
    note->is_told = true;
}

static void take_serial(struct device_note *note, struct byte_view value)
{
    if (trim(value).length >= DEVICE_NOTE_SERIAL_SIZE) { /* a part of it is another one */
        mark(note, DEVICE_NOTE_MALFORMED);
        return;
    }
    take_word(note, note->serial, sizeof(note->serial), value);
}

static void take_random(struct device_note *note, struct byte_view value)
{
    if (value.length != RANDOM_DIGITS ||
        !digits_are_decimal((const char *)value.bytes, RANDOM_DIGITS)) {
        mark(note, DEVICE_NOTE_MALFORMED);
        return;
    }
    memcpy(note->random_factor, value.bytes, RANDOM_DIGITS);
    note->is_told = true;
}

/* "31.231000", perhaps with a sign, in thousandths, rounded. False: no such number. */
static bool read_coordinate(struct byte_view value, int32_t max_e3, int32_t *e3)
{
    int64_t scaled = 0;
    int32_t places = -1; /* behind the point; -1: no point yet */
    uint32_t digits = 0;
    value = trim(value);
    const bool is_signed = value.length > 0 && (value.bytes[0] == '-' || value.bytes[0] == '+');
    for (uint32_t i = is_signed; i < value.length; i++) {
        const uint8_t character = value.bytes[i];
        if (character == '.' && places < 0) {
            places = 0;
            continue;
        }
        if (character < '0' || character > '9' || ++digits > COORDINATE_DIGITS_MAX) {
            return false;
        }
        places += places >= 0;
        if (places <= 4) { /* one more than is kept, to round by */
            scaled = scaled * 10 + (character - '0');
        }
    }
    for (int32_t i = places < 0 ? 0 : places; i < 4; i++) {
        scaled *= 10;
        if (scaled > (int64_t)max_e3 * 10) {
            return false;
        }
    }
    if (digits == 0 || scaled > (int64_t)max_e3 * 10) {
        return false;
    }
    const int32_t rounded = (int32_t)((scaled + 5) / 10);
    *e3 = value.bytes[0] == '-' ? -rounded : rounded;
    return true;
}

static void take_position(struct device_note *note, struct byte_view latitude,
                          struct byte_view longitude)
{
    int32_t latitude_e3 = 0, longitude_e3 = 0;
    if ((note->flags & DEVICE_NOTE_HAS_POSITION) != 0) {
        return;
    }
    if (!read_coordinate(latitude, LATITUDE_E3_MAX, &latitude_e3) ||
        !read_coordinate(longitude, LONGITUDE_E3_MAX, &longitude_e3)) {
        mark(note, DEVICE_NOTE_MALFORMED);
        return;
    }
    note->latitude_e3 = latitude_e3;
    note->longitude_e3 = longitude_e3;
    note->position_hash = hash_end(hash_add(hash_add(HASH_BEGIN, latitude), longitude));
    mark(note, DEVICE_NOTE_HAS_POSITION);
    if (latitude_e3 == 0 && longitude_e3 == 0) {
        mark(note, DEVICE_NOTE_POSITION_ZERO);
    }
}

/* "BD31.231000,121.473000" */
static void take_pair(struct device_note *note, struct byte_view value)
{
    uint32_t comma = 0;
    value = trim(value);
    if (value.length > SYSTEM_CHARACTERS && value.bytes[0] >= 'A' && value.bytes[0] <= 'Z') {
        value =
            (struct byte_view){value.bytes + SYSTEM_CHARACTERS, value.length - SYSTEM_CHARACTERS};
    }
    while (comma < value.length && value.bytes[comma] != ',') {
        comma++;
    }
    if (comma == value.length) {
        mark(note, DEVICE_NOTE_MALFORMED);
        return;
    }
    take_position(note, (struct byte_view){value.bytes, comma},
                  (struct byte_view){value.bytes + comma + 1, value.length - comma - 1});
}

/* --- lists -------------------------------------------------------------------------------- */

enum length_style { LENGTH_TWO_DIGITS, LENGTH_THREE_DIGITS, LENGTH_HEX, LENGTH_BINARY, LENGTH_BCD };

struct item {
    char tag[TAG_CHARACTERS + 1];
    struct byte_view value;
};

static int hex_of(uint8_t character)
{
    if (character >= '0' && character <= '9') {
        return character - '0';
    }
    return character >= 'A' && character <= 'F' ? character - 'A' + 10 : -1;
}

/* UINT32_MAX: none. */
static uint32_t take_length(struct byte_reader *reader, enum length_style style)
{
    const uint32_t width = style == LENGTH_THREE_DIGITS                    ? 3
                           : style == LENGTH_BINARY || style == LENGTH_BCD ? 1
                                                                           : 2;
    const uint8_t *bytes = byte_reader_take(reader, width);
    uint64_t length = 0;
    if (bytes == NULL) {
        return UINT32_MAX;
    }
    if (style == LENGTH_BINARY) {
        return bytes[0];
    }
    if (style == LENGTH_BCD) {
        const unsigned high = bytes[0] >> 4, low = bytes[0] & 15;
        return high > 9 || low > 9 ? UINT32_MAX : high * 10 + low;
    }
    if (style == LENGTH_HEX) {
        const int high = hex_of(bytes[0]), low = hex_of(bytes[1]);
        return high < 0 || low < 0 ? UINT32_MAX : (uint32_t)(high * 16 + low);
    }
    return digits_parse(&length, (const char *)bytes, width, (struct number_range){0, 999}) ==
                   STATUS_OK
               ? (uint32_t)length
               : UINT32_MAX;
}

/* The next item. STATUS_NOT_FOUND: the end. STATUS_TRUNCATED: cut off, or no length. */
static enum status next(struct byte_reader *reader, enum length_style style, struct item *item)
{
    if (byte_reader_left(reader) == 0) {
        return STATUS_NOT_FOUND;
    }
    const uint8_t *tag = byte_reader_take(reader, TAG_CHARACTERS);
    const uint32_t length = tag == NULL ? UINT32_MAX : take_length(reader, style);
    const uint8_t *value = length == UINT32_MAX ? NULL : byte_reader_take(reader, length);
    if (value == NULL) {
        return STATUS_TRUNCATED;
    }
    memcpy(item->tag, tag, TAG_CHARACTERS);
    item->tag[TAG_CHARACTERS] = '\0';
    item->value = (struct byte_view){value, length};
    return STATUS_OK;
}

/* Whether lengths of that style lead exactly to the end. */
static bool ends_with(struct byte_view field, enum length_style style)
{
    struct byte_reader reader;
    struct item item;
    enum status status = STATUS_OK;
    byte_reader_init(&reader, field.bytes, field.length);
    while (status == STATUS_OK) {
        status = next(&reader, style, &item);
    }
    return status == STATUS_NOT_FOUND;
}

typedef void (*item_taker)(struct device_note *note, const struct item *item);

static void walk(struct device_note *note, struct byte_view list, enum length_style style,
                 item_taker take)
{
    struct byte_reader reader;
    struct item item;
    enum status status;
    byte_reader_init(&reader, list.bytes, list.length);
    while ((status = next(&reader, style, &item)) == STATUS_OK) {
        take(note, &item);
    }
    if (status != STATUS_NOT_FOUND) {
        mark(note, DEVICE_NOTE_MALFORMED);
    }
}

/* --- fields ------------------------------------------------------------------------------- */

static void take_of_terminal_set(struct device_note *note, const struct item *item)
{
    if (strcmp(item->tag, "02") == 0) {
        take_serial(note, item->value);
    } else if (strcmp(item->tag, "03") == 0) {
        take_random(note, item->value);
    } else if (strcmp(item->tag, "05") == 0) {
        take_word(note, note->firmware, sizeof(note->firmware), item->value);
    }
}

/* A1: 01 latitude, 02 longitude. */
static void take_coordinates(struct device_note *note, struct byte_view list)
{
    struct byte_reader reader;
    struct item first, second;
    byte_reader_init(&reader, list.bytes, list.length);
    if (next(&reader, LENGTH_TWO_DIGITS, &first) != STATUS_OK ||
        next(&reader, LENGTH_TWO_DIGITS, &second) != STATUS_OK || strcmp(first.tag, "01") != 0 ||
        strcmp(second.tag, "02") != 0) {
        mark(note, DEVICE_NOTE_MALFORMED);
        return;
    }
    take_position(note, first.value, second.value);
}

static void take_of_59(struct device_note *note, const struct item *item)
{
    if (strcmp(item->tag, "17") == 0) {
        take_pair(note, item->value);
    } else if (strcmp(item->tag, "A1") == 0) {
        take_coordinates(note, item->value);
    } else if (strcmp(item->tag, "A2") == 0) {
        walk(note, item->value, LENGTH_TWO_DIGITS, take_of_terminal_set);
    }
}

/* Behind the terminal set, whose version is that of the payment application. */
static void take_software(struct device_note *note, const struct item *item)
{
    if (strcmp(item->tag, "13") == 0) {
        take_word(note, note->firmware, sizeof(note->firmware), item->value);
    }
}

void device_note_read_59(struct device_note *note, struct byte_view field)
{
    enum length_style style = LENGTH_THREE_DIGITS;
    if (!ends_with(field, style)) {
        style = LENGTH_TWO_DIGITS;
    }
    if (!ends_with(field, style)) {
        mark(note, DEVICE_NOTE_MALFORMED);
        return;
    }
    walk(note, field, style, take_of_59);
    walk(note, field, style, take_software);
}

static void take_of_46(struct device_note *note, const struct item *item)
{
    if (strcmp(item->tag, "05") == 0) {
        take_serial(note, item->value);
    } else if (strcmp(item->tag, "06") == 0) {
        take_random(note, item->value);
    } else if (strcmp(item->tag, "08") == 0) {
        take_word(note, note->firmware, sizeof(note->firmware), item->value);
    }
}

void device_note_read_46(struct device_note *note, struct byte_view field)
{
    struct byte_reader reader;
    struct item item;
    byte_reader_init(&reader, field.bytes, field.length);
    enum status status = next(&reader, LENGTH_THREE_DIGITS, &item);
    while (status == STATUS_OK) {
        if (strcmp(item.tag, "PI") == 0) {
            walk(note, item.value, LENGTH_HEX, take_of_46);
        }
        status = next(&reader, LENGTH_THREE_DIGITS, &item);
    }
    if (status != STATUS_NOT_FOUND) {
        mark(note, DEVICE_NOTE_MALFORMED);
    }
}

static void take_of_62(struct device_note *note, const struct item *item)
{
    const unsigned tag = (unsigned)(uint8_t)item->tag[0] << 8 | (uint8_t)item->tag[1];
    if (tag != CELL_TAG || note->cell != 0) {
        return;
    }
    if (item->value.length == 0 || item->value.length > CELL_CHARACTERS_MAX) {
        mark(note, DEVICE_NOTE_MALFORMED);
        return;
    }
    note->cell = hash_end(hash_add(HASH_BEGIN, item->value));
    note->is_told = true;
}

/* A field 62 that does not begin with such a tag is none of ours; makers write the length as a
 * binary byte, or as two digits. */
void device_note_read_62(struct device_note *note, struct byte_view field)
{
    enum length_style style = LENGTH_BINARY;
    if (field.length < TAG_CHARACTERS || field.bytes[0] != CELL_TAG >> 8) {
        return;
    }
    if (!ends_with(field, style)) {
        style = LENGTH_BCD;
    }
    walk(note, field, style, take_of_62);
}

/* --- the text ----------------------------------------------------------------------------- */

struct word_writer {
    char *text;
    uint32_t length;
};

/* The text has room for all words at their longest: see the test. */
static void put(struct word_writer *writer, const char *characters, uint32_t count)
{
    REQUIRE(writer->length + count < DEVICE_NOTE_TEXT_SIZE);
    memcpy(writer->text + writer->length, characters, count);
    writer->length += count;
}

static void put_word(struct word_writer *writer, const char *characters)
{
    if (writer->length > 0) {
        put(writer, " ", 1);
    }
    put(writer, characters, (uint32_t)strlen(characters));
}

static void put_number(struct word_writer *writer, uint64_t value, uint32_t digits_min)
{
    char digits[20];
    uint32_t at = sizeof(digits);
    while (value > 0 || sizeof(digits) - at < digits_min) {
        digits[--at] = (char)('0' + value % 10);
        value /= 10;
    }
    put(writer, digits + at, sizeof(digits) - at);
}

static void put_signed(struct word_writer *writer, int64_t value)
{
    put(writer, "-", value < 0);
    put_number(writer, (uint64_t)(value < 0 ? -value : value), 1);
}

static void put_e3(struct word_writer *writer, int32_t e3)
{
    const uint32_t size = (uint32_t)(e3 < 0 ? -(int64_t)e3 : e3);
    put(writer, "-", e3 < 0);
    put_number(writer, size / 1000, 1);
    put(writer, ".", 1);
    put_number(writer, size % 1000, 3);
}

static void put_hash(struct word_writer *writer, uint32_t hash)
{
    for (int shift = 28; shift >= 0; shift -= 4) {
        put(writer, &"0123456789abcdef"[hash >> shift & 15], 1);
    }
}

static const struct {
    uint8_t flag;
    char letter[2];
} LETTERS[] = {
#define X(name, letter, text) {DEVICE_NOTE_##name, {letter, '\0'}},
    DEVICE_NOTE_FLAG_MAP(X)
#undef X
};
#define LETTER_COUNT (sizeof(LETTERS) / sizeof(LETTERS[0]))

static void put_told(struct word_writer *writer, const struct device_note *note)
{
    if (note->serial[0] != '\0') {
        put_word(writer, "sn=");
        put(writer, note->serial, (uint32_t)strlen(note->serial));
    }
    if (note->firmware[0] != '\0') {
        put_word(writer, "v=");
        put(writer, note->firmware, (uint32_t)strlen(note->firmware));
    }
    if ((note->flags & DEVICE_NOTE_HAS_POSITION) != 0) {
        put_word(writer, "at=");
        put_e3(writer, note->latitude_e3);
        put(writer, ",", 1);
        put_e3(writer, note->longitude_e3);
    }
    if (note->cell != 0) {
        put_word(writer, "cell=");
        put_hash(writer, note->cell);
    }
}

uint32_t device_note_write(char text[DEVICE_NOTE_TEXT_SIZE], const struct device_note *note)
{
    struct word_writer writer = {text, 0};
    put_told(&writer, note);
    for (unsigned i = 0; i < LETTER_COUNT; i++) {
        if ((note->flags & LETTERS[i].flag) != 0) {
            put_word(&writer, LETTERS[i].letter);
        }
    }
    if (note->clock_ahead_s != 0) {
        put_word(&writer, "ahead=");
        put_signed(&writer, note->clock_ahead_s);
    }
    if (note->count != 0) {
        put_word(&writer, "n=");
        put_number(&writer, note->count, 1);
    }
    text[writer.length] = '\0';
    return writer.length;
}

/* --- and back ----------------------------------------------------------------------------- */

/* What stands behind `name` in the word; bytes NULL: it is another word. */
static struct byte_view behind(struct byte_view word, const char *name)
{
    const uint32_t length = (uint32_t)strlen(name);
    if (word.length <= length || memcmp(word.bytes, name, length) != 0) {
        return (struct byte_view){NULL, 0};
    }
    return (struct byte_view){word.bytes + length, word.length - length};
}

static bool read_signed(struct byte_view word, int64_t *value)
{
    const bool is_negative = word.bytes[0] == '-';
    uint64_t number = 0;
    const uint32_t digits = word.length - is_negative;
    if (digits == 0 || digits > 10 ||
        digits_parse(&number, (const char *)word.bytes + is_negative, digits,
                     (struct number_range){0, UINT32_MAX}) != STATUS_OK) {
        return false;
    }
    *value = is_negative ? -(int64_t)number : (int64_t)number;
    return true;
}

static bool read_hash(struct byte_view word, uint32_t *hash)
{
    uint8_t bytes[sizeof(*hash)];
    struct byte_writer writer;
    byte_writer_init(&writer, bytes, sizeof(bytes));
    if (word.length != 2 * sizeof(bytes) ||
        bytes_from_hex(&writer, (const char *)word.bytes, word.length) != STATUS_OK) {
        return false;
    }
    *hash =
        (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
    return true;
}

static bool read_letter(struct device_note *note, struct byte_view word)
{
    for (unsigned i = 0; i < LETTER_COUNT; i++) {
        if (word.length == 1 && word.bytes[0] == (uint8_t)LETTERS[i].letter[0]) {
            mark(note, (enum device_note_flag)LETTERS[i].flag);
            return true;
        }
    }
    return false;
}

static bool read_number_word(struct device_note *note, struct byte_view word)
{
    int64_t number = 0;
    struct byte_view value = behind(word, "ahead=");
    if (value.bytes != NULL && read_signed(value, &number) && number >= INT32_MIN &&
        number <= INT32_MAX) {
        note->clock_ahead_s = (int32_t)number;
        return true;
    }
    value = behind(word, "n=");
    if (value.bytes != NULL && read_signed(value, &number) && number >= 0) {
        note->count = (uint32_t)number;
        return true;
    }
    return false;
}

static bool read_word(struct device_note *note, struct byte_view word)
{
    struct byte_view value = behind(word, "sn=");
    if (value.bytes != NULL) {
        take_serial(note, value);
        return (note->flags & DEVICE_NOTE_MALFORMED) == 0;
    }
    value = behind(word, "v=");
    if (value.bytes != NULL) {
        take_word(note, note->firmware, sizeof(note->firmware), value);
        return (note->flags & DEVICE_NOTE_MALFORMED) == 0;
    }
    value = behind(word, "at=");
    if (value.bytes != NULL) {
        take_pair(note, value);
        note->position_hash = 0; /* of what was told, which this no longer is */
        return (note->flags & DEVICE_NOTE_MALFORMED) == 0;
    }
    value = behind(word, "cell=");
    if (value.bytes != NULL) {
        return read_hash(value, &note->cell);
    }
    return read_letter(note, word) || read_number_word(note, word);
}

bool device_note_from_text(struct device_note *note, const char *text)
{
    *note = (struct device_note){.is_told = text[0] != '\0'};
    while (*text != '\0') {
        const char *end = strchr(text, ' ');
        const uint32_t length = end == NULL ? (uint32_t)strlen(text) : (uint32_t)(end - text);
        if (!read_word(note, (struct byte_view){(const uint8_t *)text, length})) {
            return false;
        }
        text += length + (end != NULL);
    }
    return true;
}
