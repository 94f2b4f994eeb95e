/* Lines gather in the library's buffer and are handed on every second and at the end. */
#include "loadtest/load/receipts.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "loadtest/trade.h"
#include "protocols/base/pan.h"

#define BUFFER_BYTES 262144

struct receipts {
    FILE *file;
    char buffer[BUFFER_BYTES];
};

static const char *const OUTCOMES[] = {
#define X(name, text) text,
    OUTCOME_MAP(X)
#undef X
};

struct receipts *receipts_open(const char *path)
{
    struct receipts *receipts = malloc(sizeof *receipts);
    if (receipts == NULL) {
        return NULL;
    }
    receipts->file = fopen(path, "w");
    if (receipts->file == NULL) {
        free(receipts);
        return NULL;
    }
    setvbuf(receipts->file, receipts->buffer, _IOFBF, BUFFER_BYTES);
    return receipts;
}

/* Ids and codes come from the switch; what could break the line's JSON is left out. */
static void text_clean(char *to, size_t size, const char *text)
{
    size_t length = 0;
    for (; *text != '\0' && length + 1 < size; text++) {
        if (*text >= ' ' && *text < 0x7f && *text != '"' && *text != '\\') {
            to[length++] = *text;
        }
    }
    to[length] = '\0';
}

static void original_print(struct receipts *receipts, const struct pos_original *original)
{
    char rrn[16], auth_code[8];
    if (original->batch == 0) {
        return;
    }
    text_clean(rrn, sizeof rrn, original->rrn);
    text_clean(auth_code, sizeof auth_code, original->auth_code);
    fprintf(receipts->file,
            ",\"original_kind\":\"%s\",\"original_batch\":%" PRIu32 ",\"original_stan\":%" PRIu32
            ",\"original_rrn\":\"%s\",\"original_auth\":\"%s\"",
            pos_kind_row(original->kind)->name, original->batch, original->stan, rrn, auth_code);
}

void receipts_put(struct receipts *receipts, const struct receipt *receipt)
{
    const struct pos_request *request = receipt->request;
    char masked[PAN_MASKED_SIZE] = "";
    char code[4], rrn[16], auth_code[8], reversal_code[4];
    struct pan pan;
    if (pan_parse(&pan, request->card.pan, strlen(request->card.pan)) == STATUS_OK) {
        pan_mask(masked, &pan);
    }
    text_clean(code, sizeof code, receipt->response_code);
    text_clean(rrn, sizeof rrn, receipt->rrn);
    text_clean(auth_code, sizeof auth_code, receipt->auth_code);
    text_clean(reversal_code, sizeof reversal_code, receipt->reversal_code);
    const struct pos_kind_row *row = pos_kind_row(request->kind);
    const char *scheme =
        pos_entry_is_code(request->entry) ? code_kind_word(code_kind_of(request->pay_code)) : "";
    fprintf(receipts->file,
            "{\"terminal\":\"%s\",\"merchant\":\"%s\",\"batch\":%" PRIu32 ",\"stan\":%" PRIu32
            ",\"type\":\"%s\",\"kind\":\"%s\",\"amount\":%" PRId64
            ",\"currency\":156,\"foreign\":%s,\"pan\":\"%s\","
            "\"code_of\":\"%s\",\"entry\":\"%s\",\"outcome\":\"%s\",\"code\":\"%s\",\"rrn\":\"%s\","
            "\"auth\":\"%s\","
            "\"reversal_reason\":\"%s\",\"reversal_code\":\"%s\",\"reversal_attempts\":%" PRIu32
            ",\"repeats\":%" PRIu32,
            receipt->identity->terminal_id, receipt->identity->merchant_id,
            receipt->identity->batch, request->stan, row->type, row->name, request->amount,
            request->card.is_foreign ? "true" : "false", masked, scheme,
            pos_entry_mode(request->entry), OUTCOMES[receipt->outcome], code, rrn, auth_code,
            receipt->reversal_reason, reversal_code, receipt->reversal_attempts,
            receipt->repeat_count);
    original_print(receipts, &request->original);
    fprintf(receipts->file, ",\"started_us\":%" PRId64 ",\"ended_us\":%" PRId64 "}\n",
            receipt->started_us, receipt->ended_us);
}

static void sums_print(struct receipts *receipts, const char *name,
                       const struct journal_totals *totals)
{
    fprintf(receipts->file, ",\"%s\":[", name);
    for (unsigned half = 0; half < 2; half++) {
        const struct journal_sum *debit = &totals->debit[half], *credit = &totals->credit[half];
        fprintf(receipts->file, "%s%" PRId64 ",%" PRIu32 ",%" PRId64 ",%" PRIu32,
                half == 0 ? "" : ",", debit->minor, debit->count, credit->minor, credit->count);
    }
    fputs("]", receipts->file);
}

void receipts_put_settlement(struct receipts *receipts, const struct pos_identity *identity,
                             const struct settlement *settlement, bool is_ended)
{
    char rrn[16];
    text_clean(rrn, sizeof rrn, settlement->rrn);
    fprintf(receipts->file,
            "{\"terminal\":\"%s\",\"merchant\":\"%s\",\"batch\":%" PRIu32 ",\"stan\":%" PRIu32
            ",\"type\":\"settlement\",\"result\":\"%s\",\"rrn\":\"%s\",\"ended\":%s,"
            "\"deviation\":\"%s\",\"deviation_stan\":%" PRIu32,
            identity->terminal_id, identity->merchant_id, settlement->batch,
            settlement->settlement_stan, settlement->results, rrn, is_ended ? "true" : "false",
            settlement_deviation_word(settlement->deviation), settlement->deviation_stan);
    sums_print(receipts, "own", &settlement->own);
    sums_print(receipts, "answer", &settlement->answered);
    fputs(",\"details\":[", receipts->file);
    for (uint32_t i = 0; i < settlement->detail_count; i++) {
        const struct settlement_detail *detail = &settlement->details[i];
        fprintf(receipts->file, "%s[%" PRIu32 ",%" PRId64 "]", i == 0 ? "" : ",",
                detail->request.stan, detail->amount);
    }
    fputs("]}\n", receipts->file);
}

enum status receipts_flush(struct receipts *receipts)
{
    bool is_written = fflush(receipts->file) == 0 && ferror(receipts->file) == 0;
    return is_written ? STATUS_OK : STATUS_BROKEN;
}

enum status receipts_close(struct receipts *receipts)
{
    if (receipts == NULL) {
        return STATUS_OK;
    }
    enum status status = receipts_flush(receipts);
    fclose(receipts->file);
    free(receipts);
    return status;
}
