/* The table of signals, as text and numbers. */
#include "switch/aftersales/flag.h"

#include <string.h>

#include "protocols/base/require.h"

struct signal_row {
    const char *code, *name, *texts[2]; /* English, Chinese */
    enum flag_subject subject;
    enum case_kind kind;
    enum follow_up follow;
    uint8_t severity;
};

static const struct signal_row SIGNALS[SIGNAL_COUNT] = {
#define SIGNAL(code, name, subject, kind, severity, follow, zh, en)                                \
    [SIGNAL_##name] = {                                                                            \
        #code, #name, {en, zh}, FLAG_OF_##subject, CASE_##kind, FOLLOW_UP_##follow, severity},
#include "switch/aftersales/signal.def"
#undef SIGNAL
};

static const struct signal_row *row_of(enum signal_code signal)
{
    REQUIRE((unsigned)signal < SIGNAL_COUNT);
    return &SIGNALS[signal];
}

const char *signal_code_text(enum signal_code signal)
{
    return row_of(signal)->code;
}
const char *signal_name(enum signal_code signal)
{
    return row_of(signal)->name;
}
const char *signal_text(enum signal_code signal, bool is_chinese)
{
    return row_of(signal)->texts[is_chinese];
}

enum signal_code signal_from_code(const char *code)
{
    for (unsigned i = 0; i < SIGNAL_COUNT; i++) {
        if (strcmp(SIGNALS[i].code, code) == 0) {
            return (enum signal_code)i;
        }
    }
    return SIGNAL_COUNT;
}

uint8_t signal_severity(enum signal_code signal)
{
    return row_of(signal)->severity;
}
enum case_kind signal_case_kind(enum signal_code signal)
{
    return row_of(signal)->kind;
}
enum follow_up signal_follow_up(enum signal_code signal)
{
    return row_of(signal)->follow;
}
enum flag_subject signal_subject(enum signal_code signal)
{
    return row_of(signal)->subject;
}

const char *cohort_kind_name(enum cohort_kind kind)
{
    static const char *const NAMES[COHORT_KIND_COUNT] = {
#define X(name) [COHORT_##name] = #name,
        COHORT_MAP(X)
#undef X
    };
    REQUIRE((unsigned)kind < COHORT_KIND_COUNT);
    return NAMES[kind];
}

bool cohort_is_makers(enum cohort_kind kind)
{
    return kind == COHORT_BRAND || kind == COHORT_MODEL || kind == COHORT_FIRMWARE;
}

static const char *const FOLLOW_UPS[FOLLOW_UP_COUNT][2] = {
#define X(name, text) [FOLLOW_UP_##name] = {#name, text},
    FOLLOW_UP_MAP(X)
#undef X
};

const char *follow_up_name(enum follow_up follow)
{
    REQUIRE((unsigned)follow < FOLLOW_UP_COUNT);
    return FOLLOW_UPS[follow][0];
}

const char *follow_up_text(enum follow_up follow)
{
    REQUIRE((unsigned)follow < FOLLOW_UP_COUNT);
    return FOLLOW_UPS[follow][1];
}
