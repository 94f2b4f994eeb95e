/* The transactions that simulated terminals make: see kind.def. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "protocols/payment.h"

enum kind_silence { SILENCE_UNDOES, SILENCE_SENDS_AGAIN, SILENCE_LETS_GO };
enum kind_side { SIDE_NEITHER, SIDE_DEBIT, SIDE_CREDIT };

struct sim_kind {
    enum payment_kind kind;
    char processing_code[7], condition_code[3], type_code[3];
    enum kind_silence silence;
    enum kind_side side;
    char mti[5];
    uint64_t originals; /* bit set by enum payment_kind */
};

#define SIM_KIND_ROW_COUNT 16

/* Row `row` of the table; REQUIREs one. */
const struct sim_kind *sim_kind_at(uint32_t row);
/* NULL: terminals do not make it. */
const struct sim_kind *sim_kind_of(enum payment_kind kind);
bool sim_kind_may_follow(enum payment_kind kind, enum payment_kind original);
