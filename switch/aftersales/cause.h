/* The likely cause: faults ranked by the flags that point to them, with the evidence for each, and
 * what was ruled out on the way. Plain values in and out.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "switch/aftersales/flag.h"
#include "switch/aftersales/registry_rows.h"
#include "switch/aftersales/work_calendar.h"

enum fault {
#define FAULT(code, name, service_class, zh, en, cashier) FAULT_##name,
#define FAULT_SIGNAL(name, signal, weight)
#define FAULT_STEP(name, zh, en)
#include "switch/aftersales/fault.def"
#undef FAULT
#undef FAULT_SIGNAL
#undef FAULT_STEP
    FAULT_COUNT
};

const char *fault_code(enum fault fault); /* "N1" */
const char *fault_text(enum fault fault, bool is_chinese);
const char *fault_cashier_text(enum fault fault); /* Chinese, at most 30 characters */
enum service_class fault_service_class(enum fault fault);
enum fault fault_from_code(const char *code); /* FAULT_COUNT: none */
/* Whether it is an X fault: nothing to mend, people look into it. FAULT_COUNT is none. */
bool fault_is_investigated(enum fault fault);
/* Self-help: step `step` from 1; NULL: no more. */
const char *fault_step(enum fault fault, uint32_t step, bool is_chinese);
/* The fault to which a signal points most; FAULT_COUNT: to none. */
enum fault fault_of_signal(enum signal_code signal);

/* What is known when the question is asked. Pointers are borrowed; NULL: not known. */
struct cause_question {
    const struct flag *flags; /* of the terminal and its merchant, that stand */
    uint32_t flag_count;
    const char *channel;       /* that its payments go to */
    bool is_channel_down;      /* for all, not for this terminal alone */
    const struct flag *cohort; /* a flag that stands of its brand, model, firmware ... */
    const struct merchant_registration *merchant;
    int32_t today; /* days since 1970 */
};

/* Where the cause lies. */
enum cause_place { CAUSE_AT_TERMINAL, CAUSE_AT_CHANNEL, CAUSE_AT_COHORT, CAUSE_AT_MERCHANT };

#define CAUSE_COUNT_MAX 5
#define CAUSE_EVIDENCE_COUNT_MAX 6
#define CAUSE_TEXT_SIZE 160
#define CAUSE_CHECK_COUNT 3
struct cause_answer {
    enum cause_place place;
    char place_name[40]; /* the channel or the cohort's value; else empty */
    uint32_t count;      /* 0: nothing points anywhere */
    struct cause_rank {
        enum fault fault;
        uint32_t score;
        uint32_t evidence_count;
        struct cause_evidence {
            enum signal_code signal;
            uint64_t position;
            int64_t value, threshold;
        } evidence[CAUSE_EVIDENCE_COUNT_MAX];
    } ranks[CAUSE_COUNT_MAX]; /* likeliest first */
    /* channel, cohort, merchant: what was found of each */
    struct cause_check {
        enum cause_place place;
        bool is_known, is_ruled_out;
        char zh[CAUSE_TEXT_SIZE], en[CAUSE_TEXT_SIZE];
    } checks[CAUSE_CHECK_COUNT];
};

void cause_find(const struct cause_question *asked, struct cause_answer *answer);
/* NULL: the merchant may do business; else why not. */
const char *merchant_qualification_fault(const struct merchant_registration *merchant,
                                         int32_t today, bool is_chinese);
/* The answer in sentences, a line each, as far as there is room; answers the length. */
uint32_t cause_explain(const struct cause_answer *answer, bool is_chinese, char *text,
                       uint32_t text_size);
