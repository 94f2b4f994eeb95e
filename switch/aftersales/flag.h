/* A flag: one signal of one subject has passed its threshold, and why. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum signal_code {
#define SIGNAL(code, name, subject, kind, severity, follow, zh, en) SIGNAL_##name,
#include "switch/aftersales/signal.def"
#undef SIGNAL
    SIGNAL_COUNT
};

enum flag_subject { FLAG_OF_TERMINAL, FLAG_OF_MERCHANT, FLAG_OF_COHORT };
enum case_kind { CASE_FAULT, CASE_TRANSACTION, CASE_RISK, CASE_SERVICE, CASE_FEE };

/* X(name, sentence): what should follow. */
#define FOLLOW_UP_MAP(X)                                                                           \
    X(REMIND, "remind the merchant")                                                               \
    X(CALL, "call the merchant")                                                                   \
    X(UPDATE, "update software or parameters")                                                     \
    X(SERVICE, "technical repair")                                                                 \
    X(VISIT, "visit on site")                                                                      \
    X(HOLD, "delay the settlement")                                                                \
    X(STOP, "stop the terminal")                                                                   \
    X(RECOVER, "collect the terminal")                                                             \
    X(REPORT, "file for compliance")
enum follow_up {
#define X(name, text) FOLLOW_UP_##name,
    FOLLOW_UP_MAP(X)
#undef X
        FOLLOW_UP_COUNT
};

/* X(name): by what terminals are compared with one another. */
#define COHORT_MAP(X) X(BRAND) X(MODEL) X(FIRMWARE) X(AGENT) X(REGION) X(CHANNEL)
enum cohort_kind {
#define X(name) COHORT_##name,
    COHORT_MAP(X)
#undef X
        COHORT_KIND_COUNT
};

#define FLAG_EVIDENCE_COUNT_MAX 8
struct flag {
    enum signal_code signal;
    uint32_t rules_version;
    enum flag_subject subject;
    enum cohort_kind cohort; /* of FLAG_OF_COHORT */
    char subject_id[40];     /* terminal, merchant, or the cohort's value ("PAX A920 1.2.3") */
    char terminal_id[9];     /* the terminal that completed it; of a cohort empty */
    char merchant_id[16];
    char serial[21];      /* as it last told */
    uint8_t severity;     /* may be higher than the signal's own */
    bool is_watched_only; /* the rule is in watch mode: a flag, no case */
    bool is_fleet_linked; /* explained by a cohort's flag that stands: link it, open nothing */
    int64_t window_begin_us, window_end_us; /* event time; the end is when it was raised */
    int64_t value,
        threshold;     /* in the signal's own unit: count, per mille, metres, km/h, seconds */
    uint64_t position; /* of the row that completed it: with `signal` it names the flag */
    uint32_t evidence_count;
    uint64_t evidence[FLAG_EVIDENCE_COUNT_MAX]; /* positions in the log, newest last */
    uint32_t score;                             /* 0..1000: how far above its threshold, how rare */
};

const char *signal_code_text(enum signal_code signal); /* "T5" */
const char *signal_name(enum signal_code signal);      /* "TIMEOUTS" */
/* What it means, as people who follow up read it. */
const char *signal_text(enum signal_code signal, bool is_chinese);
enum signal_code signal_from_code(const char *code); /* "T5"; SIGNAL_COUNT: none */
uint8_t signal_severity(enum signal_code signal);
enum case_kind signal_case_kind(enum signal_code signal);
enum follow_up signal_follow_up(enum signal_code signal);
enum flag_subject signal_subject(enum signal_code signal);
const char *cohort_kind_name(enum cohort_kind kind); /* "FIRMWARE" */
bool cohort_is_makers(enum cohort_kind kind);        /* a brand, a model, a firmware */
const char *follow_up_name(enum follow_up follow);
const char *follow_up_text(enum follow_up follow);
