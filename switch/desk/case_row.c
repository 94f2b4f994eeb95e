/* See case_row.h. */
#define _DEFAULT_SOURCE /* htobe64 */
#include "switch/desk/case_row.h"

#include <endian.h>
#include <stddef.h>
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
CELL_WORDS(PART, enum part_class, part_word, PART_COUNT)
CELL_WORDS(PAID_BY, enum case_part_payer, case_part_payer_word, CASE_PART_PAYER_COUNT)

#include "switch/desk/case_column.def"
#include "switch/desk/flag_column.def"

const struct cell_table CASE_ROW_FLAG = CELL_TABLE(flag, "a signal that passed its threshold");
const struct cell_table CASE_ROW_CASE = CELL_TABLE(service_case, "a service case");
const struct cell_table CASE_ROW_ENTRY = CELL_TABLE(case_entry, "an event of a case");
const struct cell_table CASE_ROW_PART = CELL_TABLE(case_part, "a part that a repair has replaced");
const struct cell_table CASE_ROW_PHOTO =
    CELL_TABLE(case_photo, "a photo that was taken at the place");

const struct case_row_list CASE_ROW_LISTS[CASE_ROW_LIST_COUNT] = {
    {&CASE_ROW_PART, "parts", offsetof(struct case_entry, event.parts),
     offsetof(struct case_entry, event.part_count), CASE_PART_COUNT_MAX},
    {&CASE_ROW_PHOTO, "photos", offsetof(struct case_entry, event.photos),
     offsetof(struct case_entry, event.photo_count), CASE_PHOTO_COUNT_MAX}};

uint32_t case_row_count(const struct case_row_list *list, const struct case_entry *entry)
{
    uint32_t count;
    memcpy(&count, (const uint8_t *)entry + list->count_at, sizeof(count));
    REQUIRE(count <= list->count_max);
    return count;
}

void case_row_set_count(const struct case_row_list *list, struct case_entry *entry, uint32_t count)
{
    REQUIRE(count <= list->count_max);
    memcpy((uint8_t *)entry + list->count_at, &count, sizeof(count));
}

void *case_row_at(const struct case_row_list *list, struct case_entry *entry, uint32_t index)
{
    REQUIRE(index < list->count_max);
    return (uint8_t *)entry + list->rows_at + (size_t)index * list->table->row_size;
}

const void *case_row_of(const struct case_row_list *list, const struct case_entry *entry,
                        uint32_t index)
{
    REQUIRE(index < list->count_max);
    return (const uint8_t *)entry + list->rows_at + (size_t)index * list->table->row_size;
}

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

static bool hash_bytes(EVP_MD_CTX *hashing, const void *bytes, size_t length)
{
    return EVP_DigestUpdate(hashing, bytes, length) == 1;
}

static bool hash_text(EVP_MD_CTX *hashing, const char *text)
{
    size_t length = strlen(text);
    uint16_t counted = htobe16((uint16_t)length);
    return hash_bytes(hashing, &counted, sizeof(counted)) && hash_bytes(hashing, text, length);
}

static bool hash_row(EVP_MD_CTX *hashing, const struct cell_table *table, const void *row)
{
    bool is_good = true;
    for (uint32_t i = 0; i < table->column_count && is_good; i++) {
        char text[CELL_TEXT_SIZE];
        cell_text(&table->columns[i], row, text);
        is_good = hash_text(hashing, text);
    }
    return is_good;
}

/* An event without any hashes as before there were any; the table's name keeps a part from passing
 * for a photo. */
static bool hash_lists(EVP_MD_CTX *hashing, const struct case_entry *entry)
{
    bool is_good = true;
    for (uint32_t i = 0; i < CASE_ROW_LIST_COUNT; i++) {
        const struct case_row_list *list = &CASE_ROW_LISTS[i];
        for (uint32_t k = 0; k < case_row_count(list, entry) && is_good; k++) {
            is_good = hash_text(hashing, list->table->name) &&
                      hash_row(hashing, list->table, case_row_of(list, entry, k));
        }
    }
    return is_good;
}

enum status case_row_hash(const struct case_entry *entry, uint8_t hash[CASE_HASH_BYTES])
{
    const uint64_t numbers[2] = {htobe64(entry->case_id), htobe64(entry->number)};
    EVP_MD_CTX *hashing = EVP_MD_CTX_new();
    bool is_good = hashing != NULL && EVP_DigestInit_ex(hashing, EVP_sha256(), NULL) == 1 &&
                   hash_bytes(hashing, hash, CASE_HASH_BYTES) &&
                   hash_bytes(hashing, numbers, sizeof(numbers)) &&
                   hash_row(hashing, &CASE_ROW_ENTRY, entry) && hash_lists(hashing, entry) &&
                   EVP_DigestFinal_ex(hashing, hash, NULL) == 1;
    EVP_MD_CTX_free(hashing);
    return is_good ? STATUS_OK : STATUS_BROKEN;
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
