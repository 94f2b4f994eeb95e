/* Downloads and status carry no trace number (unionpay-pos section 6): their answers are known by
 * message type and management code. */
#include "loadtest/errand.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "protocols/base/require.h"

#define LIST_HEAD_BYTES 1 /* what follows: '0' none, '1' the rest, '2' a part */
#define TAG_AID 0x9F06
#define TAG_INDEX 0x9F22

/* Message type and management code of each stage; an errand of one message has the first only. */
struct errand_row {
    const char *mti, *code;
    const char *item_mti, *item_code;
    const char *last_mti, *last_code;
    bool has_stan;
};
static const struct errand_row ROWS[ERRAND_COUNT] = {
    [ERRAND_CA_KEYS] = {"0820", "372", "0800", "370", "0800", "371", false},
    [ERRAND_AIDS] = {"0820", "382", "0800", "380", "0800", "381", false},
    [ERRAND_PARAMETERS] = {"0800", "360", NULL, NULL, "0800", "361", false},
    [ERRAND_STATUS] = {"0820", "362", NULL, NULL, NULL, NULL, false},
    [ERRAND_ECHO] = {"0820", "301", NULL, NULL, NULL, NULL, false},
    [ERRAND_SIGN_OFF] = {"0820", "002", NULL, NULL, NULL, NULL, true},
};

enum errand_kind errand_from_word(const char *word)
{
    static const char *const words[] = {
#define X(name, text) text,
        ERRAND_MAP(X)
#undef X
    };
    unsigned kind = 0;
    while (kind < ERRAND_COUNT && strcmp(words[kind], word) != 0) {
        kind++;
    }
    return (enum errand_kind)kind;
}

enum errand_kind errand_from_request(uint8_t digit)
{
    static const enum errand_kind kinds[] = {ERRAND_COUNT,   ERRAND_PARAMETERS, ERRAND_STATUS,
                                             ERRAND_SIGN_ON, ERRAND_CA_KEYS,    ERRAND_AIDS};
    return digit < sizeof kinds / sizeof kinds[0] ? kinds[digit] : ERRAND_COUNT;
}

enum status errand_begin(struct errand *errand, enum errand_kind kind,
                         const struct journal *journal, enum settlement_deviation deviation)
{
    *errand = (struct errand){.kind = kind};
    if (kind == ERRAND_SETTLE) {
        return settlement_begin(&errand->settlement, journal, deviation);
    }
    if (ROWS[kind].item_mti != NULL) {
        errand->list = malloc(ERRAND_LIST_BYTES_MAX);
        return errand->list == NULL ? STATUS_NO_MEMORY : STATUS_OK;
    }
    return STATUS_OK;
}

void errand_end(struct errand *errand)
{
    free(errand->list);
    settlement_end(&errand->settlement);
    *errand = (struct errand){0};
}

struct item_tag {
    uint32_t tag, whole_length; /* tag, length byte and value */
};

/* One TLV of a list: tags of two bytes (9F.., DF..) or one, lengths of one. */
static bool tag_read(struct item_tag *read, struct byte_view list, uint32_t at)
{
    uint32_t left = list.length - at;
    if (left < 2) {
        return false;
    }
    const uint8_t *bytes = list.bytes + at;
    uint32_t tag_bytes = (bytes[0] & 0x1F) == 0x1F ? 2 : 1;
    read->tag = tag_bytes == 2 ? (uint32_t)bytes[0] << 8 | bytes[1] : bytes[0];
    if (left < tag_bytes + 1) {
        return false;
    }
    read->whole_length = tag_bytes + 1 + bytes[tag_bytes];
    return read->whole_length <= left;
}

/* Keeps what names an item: 9F06, and of a key 9F22; counts the items. */
static enum status list_keep(struct errand *errand, struct byte_view list)
{
    struct item_tag tag;
    for (uint32_t at = 0; at < list.length; at += tag.whole_length) {
        if (!tag_read(&tag, list, at)) {
            return STATUS_MALFORMED;
        }
        if (tag.tag != TAG_AID && tag.tag != TAG_INDEX) {
            continue;
        }
        if (errand->list_length + tag.whole_length > ERRAND_LIST_BYTES_MAX) {
            return STATUS_MALFORMED;
        }
        memcpy(errand->list + errand->list_length, list.bytes + at, tag.whole_length);
        errand->list_length += tag.whole_length;
        errand->listed_count += tag.tag == TAG_AID;
    }
    return STATUS_OK;
}

/* The bytes that name the item under way: one 9F06 and what stands before the next. */
static struct byte_view list_item(const struct errand *errand)
{
    struct byte_view list = {errand->list, errand->list_length};
    struct item_tag tag;
    uint32_t end = errand->list_at;
    while (end < list.length && tag_read(&tag, list, end) &&
           (end == errand->list_at || tag.tag != TAG_AID)) {
        end += tag.whole_length;
    }
    return (struct byte_view){errand->list + errand->list_at, end - errand->list_at};
}

/* Field 62 of a status upload: keyboard, PIN pad, reader, printer and display are good; time-out
 * and retries as they are set. */
#define STATUS_TEXT "01102103104105112601303"

static struct byte_view first_custom_62(const struct errand *errand, char list_count[4])
{
    if (errand->kind == ERRAND_STATUS) {
        return (struct byte_view){(const uint8_t *)STATUS_TEXT, sizeof STATUS_TEXT - 1};
    }
    if (errand->list == NULL) {
        return (struct byte_view){0};
    }
    snprintf(list_count, 4, "1%02u", (unsigned)(errand->listed_count % 100));
    return (struct byte_view){(const uint8_t *)list_count, 3};
}

static struct byte_view settle_build(struct errand *errand, struct pos_writer *writer,
                                     const struct pos_identity *identity, uint32_t stan,
                                     bool *is_stan_used)
{
    struct settlement *settlement = &errand->settlement;
    struct byte_view frame = errand->is_sent ? settlement_build_again(settlement, writer, identity)
                                             : settlement_build(settlement, writer, identity, stan);
    *is_stan_used = !errand->is_sent && settlement->stan == stan;
    errand->is_sent = true;
    return frame;
}

struct byte_view errand_build(struct errand *errand, struct pos_writer *writer,
                              const struct pos_identity *identity, uint32_t stan,
                              bool *is_stan_used)
{
    const struct errand_row *row = &ROWS[errand->kind];
    char list_count[4];
    *is_stan_used = false;
    if (errand->kind == ERRAND_SETTLE) {
        return settle_build(errand, writer, identity, stan, is_stan_used);
    }
    REQUIRE(row->mti != NULL && errand->stage != ERRAND_OVER);
    struct pos_management management = {.mti = row->mti, .management_code = row->code};
    if (errand->stage == ERRAND_FIRST) {
        management.custom_62 = first_custom_62(errand, list_count);
    } else if (errand->stage == ERRAND_ITEMS) {
        management.mti = row->item_mti;
        management.management_code = row->item_code;
        management.custom_62 = list_item(errand);
    } else {
        management.mti = row->last_mti;
        management.management_code = row->last_code;
        if (row->item_mti != NULL) {
            management.custom_62 = first_custom_62(errand, list_count);
        }
    }
    if (row->has_stan) {
        *is_stan_used = !errand->is_sent;
        errand->stan = errand->is_sent ? errand->stan : stan;
        management.stan = errand->stan;
    }
    errand->is_sent = true;
    return pos_build_management(writer, identity, &management);
}

bool errand_is_answer(const struct errand *errand, const struct pos_answer *answer)
{
    const struct errand_row *row = &ROWS[errand->kind];
    if (errand->kind == ERRAND_SETTLE) {
        return errand->is_sent && settlement_is_answer(&errand->settlement, answer);
    }
    const char *mti = errand->stage == ERRAND_FIRST   ? row->mti
                      : errand->stage == ERRAND_ITEMS ? row->item_mti
                                                      : row->last_mti;
    const char *code = errand->stage == ERRAND_FIRST   ? row->code
                       : errand->stage == ERRAND_ITEMS ? row->item_code
                                                       : row->last_code;
    return errand->is_sent && memcmp(answer->mti, mti, 2) == 0 && answer->mti[2] == mti[2] + 1 &&
           strcmp(answer->management_code, code) == 0 &&
           (!row->has_stan || answer->stan == errand->stan);
}

static void stage_set(struct errand *errand, enum errand_stage stage)
{
    bool has_last = ROWS[errand->kind].last_mti != NULL;
    errand->stage = stage == ERRAND_LAST && !has_last ? ERRAND_OVER : stage;
}

static enum status list_take(struct errand *errand, struct byte_view custom_62)
{
    if (custom_62.length < LIST_HEAD_BYTES) {
        return STATUS_MALFORMED;
    }
    uint32_t kept_length = errand->list_length, kept_count = errand->listed_count;
    struct byte_view list = {custom_62.bytes + LIST_HEAD_BYTES, custom_62.length - LIST_HEAD_BYTES};
    char head = (char)custom_62.bytes[0];
    if (head == '0') {
        stage_set(errand, ERRAND_LAST);
        return STATUS_OK;
    }
    bool makes_progress = list_keep(errand, list) == STATUS_OK && errand->list_length > kept_length;
    if ((head != '1' && head != '2') || !makes_progress) {
        errand->list_length = kept_length;
        errand->listed_count = kept_count;
        return STATUS_MALFORMED;
    }
    if (head == '1') {
        stage_set(errand, ERRAND_ITEMS);
    }
    return STATUS_OK;
}

/* An item comes as '1' and its TLVs, of which the first is its name as it was asked for. */
static enum status item_take(struct errand *errand, struct byte_view custom_62)
{
    struct byte_view asked = list_item(errand);
    bool is_there = custom_62.length > LIST_HEAD_BYTES + asked.length &&
                    custom_62.bytes[0] == '1' &&
                    memcmp(custom_62.bytes + LIST_HEAD_BYTES, asked.bytes, asked.length) == 0;
    if (!is_there) {
        return STATUS_MALFORMED;
    }
    errand->list_at += asked.length;
    if (errand->list_at >= errand->list_length) {
        stage_set(errand, ERRAND_LAST);
    }
    return STATUS_OK;
}

static enum status stage_take(struct errand *errand, const struct pos_answer *answer)
{
    const struct errand_row *row = &ROWS[errand->kind];
    if (errand->kind == ERRAND_SETTLE) {
        enum status status = settlement_take(&errand->settlement, answer);
        if (errand->settlement.stage == SETTLEMENT_OVER) {
            errand->stage = ERRAND_OVER;
        }
        return status;
    }
    if (strcmp(answer->response_code, "00") != 0) {
        return STATUS_BAD_VALUE;
    }
    if (errand->stage == ERRAND_FIRST && row->item_mti != NULL) {
        return list_take(errand, answer->custom_62);
    }
    if (errand->stage == ERRAND_ITEMS) {
        return item_take(errand, answer->custom_62);
    }
    stage_set(errand, errand->stage == ERRAND_FIRST ? ERRAND_LAST : ERRAND_OVER);
    return STATUS_OK;
}

enum status errand_take(struct errand *errand, const struct pos_answer *answer)
{
    enum status status = stage_take(errand, answer);
    if (status == STATUS_OK) {
        errand->is_sent = false;
        errand->refusals = 0;
    } else {
        errand->refusals++;
    }
    return status;
}
