/* Rows of a day, put in order and written. See month_town.h. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "loadtest/month_town.h"
#include "protocols/device_note.h"

#define CHINA_S 28800
#define ROW_COUNT_FIRST 65536

int64_t month_wall_us(struct month_moment at)
{
    return ((int64_t)at.day * 86400 - CHINA_S) * 1000000 + (int64_t)(at.minute * 60e6);
}

struct month_row month_row_make(const struct month *month, uint32_t terminal,
                                struct month_moment at, bool is_told)
{
    const struct month_terminal *own = &month->terminals[terminal];
    const struct month_merchant *merchant = &month->merchants[own->merchant];
    struct month_row row = {.wall_us = month_wall_us(at),
                            .kind = "",
                            .detail = "",
                            .payment = "",
                            .terminal = terminal,
                            .channel = MONTH_NONE,
                            .merchant_id = merchant->id,
                            .count = 1,
                            .entry_mode = "",
                            .response_code = "",
                            .serial = "",
                            .firmware = ""};
    if (is_told) {
        row.serial = own->serial;
        row.firmware = own->firmware;
        row.cell = 1000 + own->merchant * 2 + (uint32_t)(month->order % 2);
    }
    if (is_told && own->has_place) {
        row.device_flags = DEVICE_NOTE_HAS_POSITION;
        row.latitude_e3 = own->latitude_e3 + (int32_t)(month->order % 3) - 1;
        row.longitude_e3 = own->longitude_e3 + (int32_t)(month->order % 5 % 3) - 1;
    }
    return row;
}

void month_row_add(struct month *month, const struct month_row *row)
{
    if (month->row_count == month->row_count_max) {
        uint32_t count_max = month->row_count_max == 0 ? ROW_COUNT_FIRST : 2 * month->row_count_max;
        struct month_row *rows = realloc(month->rows, count_max * sizeof *rows);
        if (rows == NULL) {
            month->is_broken = true;
            return;
        }
        month->rows = rows;
        month->row_count_max = count_max;
    }
    struct month_row *added = &month->rows[month->row_count++];
    *added = *row;
    added->order = ++month->order;
}

static int row_compare(const void *left, const void *right)
{
    const struct month_row *a = left, *b = right;
    if (a->wall_us != b->wall_us) {
        return a->wall_us < b->wall_us ? -1 : 1;
    }
    return a->order < b->order ? -1 : 1;
}

void month_header_write(FILE *file)
{
    fprintf(file, "kind,detail,position,wall_us,count,payment_kind,terminal_id,merchant_id,channel,"
                  "batch,stan,"
                  "amount_minor,currency,pan_hash,pan_masked,entry_mode,response_code,mcc,rrn,"
                  "card_credit,device_flags,serial,firmware,latitude_e3,longitude_e3,cell,faulty,"
                  "clock_ahead_s\n");
}

void month_card_hash_write(FILE *file, uint32_t card)
{
    uint64_t hash = draw_mix(card);
    fprintf(file, "%016" PRIx64 "%016" PRIx64, hash, draw_mix(hash));
}

/* Half of the cards are credit cards; their numbers say which. */
static void card_write(FILE *file, uint32_t card)
{
    if (card == 0) {
        fputs(",,", file);
        return;
    }
    month_card_hash_write(file, card);
    fprintf(file, ",622848******%04u,", card % 10000);
}

/* A terminal numbers its requests as it makes them, so when the rows stand in order. */
static uint32_t stan_of(struct month_terminal *own, const struct month_row *row)
{
    uint32_t *stan = &own->stans[row->request % MONTH_STAN_COUNT];
    if (row->request != 0 && strcmp(row->kind, "ASKED") == 0) {
        own->stan = (own->stan + row->leap) % 1000000;
        own->stan += own->stan == 0 ? 1 : 0;
        *stan = own->stan;
    }
    return row->request == 0 ? 0 : *stan;
}

static void row_write(struct month *month, const struct month_row *row)
{
    struct month_terminal *own = &month->terminals[row->terminal];
    uint32_t stan = stan_of(own, row);
    FILE *file = month->observations;
    fprintf(file, "%s,%s,%" PRIu64 ",%" PRId64 ",%u,%s,%s,%s,%s,%u,%u,%" PRId64 ",156,", row->kind,
            row->detail, ++month->position, row->wall_us, row->count, row->payment, own->id,
            row->merchant_id, row->channel == MONTH_NONE ? "" : MONTH_CHANNELS[row->channel],
            own->batch, stan, row->amount_minor);
    card_write(file, row->card);
    fprintf(file, "%s,%s,%s,", row->entry_mode, row->response_code,
            month->merchants[own->merchant].trade->mcc);
    if (stan != 0) {
        fprintf(file, "%012u", row->terminal * 1000003u % 1000000u * 1000u + stan % 1000u);
    }
    fprintf(file, ",%u,%u,%s,%s,%d,%d,%u,%u,%d\n", row->card == 0 ? 0 : 1 + row->card % 2,
            row->device_flags, row->serial, row->firmware, row->latitude_e3, row->longitude_e3,
            row->cell, row->faulty, row->clock_ahead_s);
    own->batch = strcmp(row->kind, "BATCH_ENDED") == 0 ? own->batch % 999999 + 1 : own->batch;
}

void month_rows_write(struct month *month, int64_t wall_us)
{
    uint32_t written = 0;
    if (month->row_count == 0) {
        return;
    }
    qsort(month->rows, month->row_count, sizeof *month->rows, row_compare);
    while (written < month->row_count && month->rows[written].wall_us < wall_us) {
        row_write(month, &month->rows[written++]);
    }
    month->row_count -= written;
    memmove(month->rows, month->rows + written, month->row_count * sizeof *month->rows);
}
