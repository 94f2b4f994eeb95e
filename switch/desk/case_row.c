/* See case_row.h. */
#define _DEFAULT_SOURCE /* htobe64 */
#include "switch/desk/case_row.h"

#include <endian.h>
#include <string.h>

#include <openssl/evp.h>

#include "protocols/base/require.h"
#include "switch/desk/cell_macro.h"

static const char *kind_name(enum case_kind kind)
{
    return case_kind_name(kind);
}

CELL_WORDS(SIGNAL_CODE, enum signal_code, signal_code_text, SIGNAL_COUNT)
CELL_WORDS(COHORT, enum cohort_kind, cohort_kind_name, COHORT_KIND_COUNT)
CELL_WORDS(CASE_KIND, enum case_kind, kind_name, CASE_FEE + 1)
CELL_WORDS(CASE_SOURCE, enum case_source, case_source_name, CASE_SOURCE_COUNT)
CELL_WORDS(CASE_STATE, enum case_state, case_state_name, CASE_STATE_COUNT)
CELL_WORDS(CASE_EVENT, enum case_event_kind, case_event_name, CASE_EVENT_COUNT)
CELL_WORDS(CASE_ROLE, enum case_role, case_role_name, CASE_ROLE_COUNT)
CELL_WORDS(OBTAINED, enum obtained, obtained_word, OBTAINED_COUNT)
CELL_LITERAL_WORDS(SUBJECT, "terminal", "merchant", "cohort")
CELL_LITERAL_WORDS(SERVICE_CLASS, "P1", "P2", "P3")
CELL_LITERAL_WORDS(STEP_RESULT, "open", "done", "impossible", "helped")
CELL_LITERAL_WORDS(PLACE, "remote", "site_city", "site_county", "site_far", "swap")
CELL_LITERAL_WORDS(QUOTE, "none", "asked", "accepted", "declined")
CELL_LITERAL_WORDS(OUTCOME, "none", "confirmed", "benign")

#include "switch/desk/case_column.def"
#include "switch/desk/flag_column.def"

const struct cell_table CASE_ROW_FLAG = CELL_TABLE(flag, "a signal that passed its threshold");
const struct cell_table CASE_ROW_CASE = CELL_TABLE(service_case, "a service case");
const struct cell_table CASE_ROW_ENTRY = CELL_TABLE(case_entry, "an event of a case");

const char *case_outcome_word(enum case_outcome outcome)
{
    return OUTCOME_word(outcome);
}

enum case_outcome case_outcome_from_word(const char *word)
{
    uint32_t i = 0;
    while (i < OUTCOME_WORDS.count && strcmp(OUTCOME_word(i), word) != 0) {
        i++;
    }
    return (enum case_outcome)i;
}

const char *case_row_step_word(enum case_step_result result)
{
    return STEP_RESULT_word(result);
}

/* Two numbers, and of each column its length and text at most. */
#define ENTRY_BYTES_MAX                                                                            \
    (16 + sizeof(case_entry_columns) / sizeof(case_entry_columns[0]) * (2 + CELL_TEXT_SIZE))

enum status case_row_hash(const struct case_entry *entry, uint8_t hash[CASE_HASH_BYTES])
{
    uint8_t bytes[CASE_HASH_BYTES + ENTRY_BYTES_MAX];
    const uint64_t numbers[2] = {htobe64(entry->case_id), htobe64(entry->number)};
    size_t length = CASE_HASH_BYTES + sizeof(numbers);
    memcpy(bytes, hash, CASE_HASH_BYTES);
    memcpy(bytes + CASE_HASH_BYTES, numbers, sizeof(numbers));
    for (uint32_t i = 0; i < CASE_ROW_ENTRY.column_count; i++) {
        char text[CELL_TEXT_SIZE];
        cell_text(&CASE_ROW_ENTRY.columns[i], entry, text);
        size_t text_length = strlen(text);
        uint16_t counted = htobe16((uint16_t)text_length);
        memcpy(bytes + length, &counted, sizeof(counted));
        /* Counted, so without an end. NOLINTNEXTLINE(bugprone-not-null-terminated-result) */
        memcpy(bytes + length + sizeof(counted), text, text_length);
        length += sizeof(counted) + text_length;
    }
    return EVP_Digest(bytes, length, hash, NULL, EVP_sha256(), NULL) == 1 ? STATUS_OK
                                                                          : STATUS_BROKEN;
}

void case_row_trim(char *text)
{
    size_t length = strlen(text);
    size_t begin = length;
    while (begin > 0 && length - begin < 3 && ((uint8_t)text[begin - 1] & 0xC0) == 0x80) {
        begin--;
    }
    if (begin == 0 || ((uint8_t)text[begin - 1] & 0xC0) != 0xC0) {
        return;
    }
    uint8_t lead = (uint8_t)text[begin - 1];
    size_t wanted = lead >= 0xF0 ? 3 : lead >= 0xE0 ? 2 : 1;
    if (length - begin < wanted) {
        text[begin - 1] = '\0';
    }
}
