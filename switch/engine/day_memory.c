/* See day_memory.h. */
#include "switch/engine/day_memory.h"

#include <stdio.h>
#include <string.h>

#include "protocols/base/digits.h"
#include "protocols/base/require.h"

#define HEX_DIGITS 8
#define NS_PER_US 1000
#define TEXT_SIZE 256
_Static_assert(TEXT_SIZE <= RECORD_ANSWER_BYTES_MAX, "it fits a record");

void day_memory_put(struct terminal_day *day, struct record *record)
{
    char text[TEXT_SIZE] = "";
    int length = 0;
    for (unsigned number = 0; number < DOWNLOAD_CLASS_COUNT; number++) {
        if (day->versions[number] != 0) {
            length +=
                snprintf(text + length, sizeof(text) - (size_t)length, "%s=%08X ",
                         download_class_name((enum download_class)number), day->versions[number]);
        }
    }
    if (day->status_wall_us > 0) {
        length += snprintf(text + length, sizeof(text) - (size_t)length, "status=%llu faulty=%u",
                           (unsigned long long)day->status_wall_us, day->faulty);
    }
    REQUIRE(length >= 0 && length < TEXT_SIZE);
    memcpy(record->answer, text, (size_t)length);
    record->answer_length = (uint16_t)length;
    day->position = record->position;
}

/* The value of a word, up to the blank behind it; length 0: the word is not there. */
static struct byte_view find(const char *text, const char *word)
{
    size_t length = strlen(word);
    for (const char *at = strstr(text, word); at != NULL; at = strstr(at + 1, word)) {
        if ((at == text || at[-1] == ' ') && at[length] == '=') {
            const char *value = at + length + 1;
            return (struct byte_view){(const uint8_t *)value, (uint32_t)strcspn(value, " ")};
        }
    }
    return (struct byte_view){NULL, 0};
}

static uint32_t read_version(struct byte_view value)
{
    uint8_t bytes[HEX_DIGITS / 2];
    struct byte_writer writer;
    struct byte_reader reader;
    byte_writer_init(&writer, bytes, sizeof(bytes));
    if (value.length != HEX_DIGITS ||
        bytes_from_hex(&writer, (const char *)value.bytes, value.length) != STATUS_OK) {
        return 0;
    }
    byte_reader_init(&reader, bytes, sizeof(bytes));
    return byte_reader_u32(&reader);
}

static uint64_t read_number(struct byte_view value)
{
    uint64_t number = 0;
    bool is_read = value.length > 0 && value.length <= 19 &&
                   digits_parse(&number, (const char *)value.bytes, value.length,
                                (struct number_range){0, INT64_MAX}) == STATUS_OK;
    return is_read ? number : 0;
}

/* Before the restart our clock ran otherwise: what counts is how long ago it was. */
static uint64_t clock_of(const struct engine *engine, int64_t wall_us)
{
    uint64_t age_us = engine->wall_us > wall_us ? (uint64_t)(engine->wall_us - wall_us) : 0;
    return age_us > engine->now_ns / NS_PER_US ? 0 : engine->now_ns - age_us * NS_PER_US;
}

void day_memory_replay(struct engine *engine, const struct record *record)
{
    if ((record->kind != RECORD_SIGNON && record->kind != RECORD_STATUS) ||
        record->answer_length >= TEXT_SIZE) {
        return;
    }
    uint32_t place =
        terminal_set_enroll(&engine->terminals, record->terminal_id, record->merchant_id);
    if (place == 0) {
        return;
    }
    struct terminal_day *day = &engine->terminals.states[place].day;
    char text[TEXT_SIZE];
    memcpy(text, record->answer, record->answer_length);
    text[record->answer_length] = '\0';
    for (unsigned number = 0; number < DOWNLOAD_CLASS_COUNT; number++) {
        const char *name = download_class_name((enum download_class)number);
        day->versions[number] = read_version(find(text, name));
    }
    day->status_wall_us = (int64_t)read_number(find(text, "status"));
    day->status_ns = clock_of(engine, day->status_wall_us);
    day->faulty = (uint8_t)read_number(find(text, "faulty"));
    day->position = record->position;
}
