/* Lines gather in the library's buffer and are handed on every second and at the end. */
#include "loadtest/load/receipts.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

void receipts_put(struct receipts *receipts, const struct receipt *receipt)
{
    static const char *const entries[] = {"051", "021", "072"};
    const struct pos_purchase *purchase = receipt->purchase;
    char masked[PAN_MASKED_SIZE] = "";
    char code[4], rrn[16], auth_code[8], reversal_code[4];
    struct pan pan;
    if (pan_parse(&pan, purchase->card.pan, strlen(purchase->card.pan)) == STATUS_OK) {
        pan_mask(masked, &pan);
    }
    text_clean(code, sizeof code, receipt->response_code);
    text_clean(rrn, sizeof rrn, receipt->rrn);
    text_clean(auth_code, sizeof auth_code, receipt->auth_code);
    text_clean(reversal_code, sizeof reversal_code, receipt->reversal_code);
    fprintf(receipts->file,
            "{\"terminal\":\"%s\",\"merchant\":\"%s\",\"batch\":%" PRIu32 ",\"stan\":%" PRIu32
            ",\"type\":\"purchase\",\"amount\":%" PRId64 ",\"currency\":156,\"pan\":\"%s\","
            "\"entry\":\"%s\",\"outcome\":\"%s\",\"code\":\"%s\",\"rrn\":\"%s\",\"auth\":\"%s\","
            "\"reversal_reason\":\"%s\",\"reversal_code\":\"%s\",\"reversal_attempts\":%" PRIu32
            ",\"started_us\":%" PRId64 ",\"ended_us\":%" PRId64 "}\n",
            receipt->identity->terminal_id, receipt->identity->merchant_id,
            receipt->identity->batch, purchase->stan, purchase->amount, masked,
            entries[purchase->entry], OUTCOMES[receipt->outcome], code, rrn, auth_code,
            receipt->reversal_reason, reversal_code, receipt->reversal_attempts,
            receipt->started_us, receipt->ended_us);
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
