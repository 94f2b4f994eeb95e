/* Four sources, asked one after the other. */
#include "loadtest/wallet/mischief.h"

#include <string.h>

static const char *const FATE_NAMES[] = {
#define X(name, option, text) option,
    FATE_MAP(X)
#undef X
};
static const char *const MOOD_NAMES[] = {
#define X(name, option, text) option,
    MOOD_MAP(X)
#undef X
};
static const char *const OPERATION_WORDS[] = {
#define X(name, word) word,
    OPERATION_MAP(X)
#undef X
};

static unsigned name_find(const char *const *names, unsigned count, const char *name)
{
    unsigned i = 0;
    while (i < count && strcmp(names[i], name) != 0) {
        i++;
    }
    return i;
}

enum fate fate_from_name(const char *name)
{
    return (enum fate)name_find(FATE_NAMES, FATE_COUNT, name);
}

enum mood mood_from_name(const char *name)
{
    return (enum mood)name_find(MOOD_NAMES, MOOD_COUNT, name);
}

enum operation operation_from_word(const char *word)
{
    return (enum operation)name_find(OPERATION_WORDS, OPERATION_COUNT, word);
}

const char *operation_word(enum operation operation)
{
    return operation < OPERATION_COUNT ? OPERATION_WORDS[operation] : "";
}

const char *verdict_word(const struct verdict *verdict)
{
    if (verdict->fate < FATE_COUNT) {
        return FATE_NAMES[verdict->fate];
    }
    for (unsigned i = 0; i < MOOD_COUNT; i++) {
        if (verdict->moods[i]) {
            return MOOD_NAMES[i];
        }
    }
    return "";
}

enum status mischief_check(const struct mischief *mischief)
{
    double sum = 0;
    for (unsigned i = 0; i < FATE_COUNT; i++) {
        sum += mischief->fate_percent[i];
    }
    return sum > 100.0 ? STATUS_BAD_VALUE : STATUS_OK;
}

enum status mischief_script(struct mischief *mischief, const struct script *script)
{
    if (mischief->script_count == SCRIPT_COUNT_MAX) {
        return STATUS_NO_ROOM;
    }
    mischief->scripts[mischief->script_count++] = *script;
    return STATUS_OK;
}

static bool fate_is_before_acting(enum fate fate)
{
    return fate == FATE_SILENT_BEFORE;
}

static void verdict_set(struct verdict *verdict, const char *source, enum fate fate, enum mood mood,
                        enum refusal refusal)
{
    verdict->source = source;
    verdict->fate = fate;
    verdict->is_acted = !fate_is_before_acting(fate);
    verdict->refusal = refusal;
    if (mood < MOOD_COUNT) {
        verdict->moods[mood] = true;
    }
}

/* WeChat Pay's simulator knows four names; ours are taken as well. */
static bool header_decides(const struct occasion *occasion, struct verdict *verdict)
{
    static const struct {
        const char *name;
        enum fate fate;
        enum mood mood;
        enum refusal refusal;
    } names[] = {{"MICROPAY_USERPAYING", FATE_COUNT, MOOD_USERPAYING, REFUSAL_NONE},
                 {"MICROPAY_TIMEOUT", FATE_LATE, MOOD_COUNT, REFUSAL_NONE},
                 {"MICROPAY_PAYERROR", FATE_LATE, MOOD_PAYERROR, REFUSAL_BUYER},
                 {"MICROPAY_PAY_QUERY_TIMEOUT", FATE_LATE, MOOD_QUERY_FAILS, REFUSAL_NONE}};
    if (occasion->header == NULL) {
        return false;
    }
    for (unsigned i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (strcmp(names[i].name, occasion->header) == 0) {
            if (occasion->operation == OPERATION_PAY) {
                verdict_set(verdict, "header", names[i].fate, names[i].mood, names[i].refusal);
            }
            return occasion->operation == OPERATION_PAY;
        }
    }
    enum fate fate = fate_from_name(occasion->header);
    enum mood mood = mood_from_name(occasion->header);
    bool is_known = fate < FATE_COUNT || mood < MOOD_COUNT;
    if (is_known) {
        verdict_set(verdict, "header", fate, mood,
                    mood == MOOD_DECLINE ? REFUSAL_BALANCE : REFUSAL_NONE);
    }
    return is_known;
}

static void script_forget(struct mischief *mischief, uint32_t index)
{
    mischief->script_count--;
    memmove(&mischief->scripts[index], &mischief->scripts[index + 1],
            (mischief->script_count - index) * sizeof mischief->scripts[0]);
}

static bool script_decides(struct mischief *mischief, const struct occasion *occasion,
                           struct verdict *verdict)
{
    for (uint32_t i = 0; i < mischief->script_count; i++) {
        struct script *script = &mischief->scripts[i];
        bool is_meant =
            (script->wallet == WALLET_COUNT || script->wallet == occasion->wallet) &&
            (script->operation == occasion->operation ||
             (script->operation == OPERATION_COUNT && occasion->operation != OPERATION_NOTIFY));
        if (!is_meant) {
            continue;
        }
        if (script->skip > 0) {
            script->skip--;
            return false;
        }
        verdict_set(verdict, "script", script->fate, MOOD_COUNT, script->refusal);
        verdict->is_acted = verdict->is_acted && script->is_acted;
        memcpy(verdict->moods, script->moods, sizeof verdict->moods);
        if (script->has_ms) {
            verdict->late_ms = verdict->buyer_ms = verdict->close_ms = script->ms;
        }
        if (--script->count == 0) {
            script_forget(mischief, i);
        }
        return true;
    }
    return false;
}

static bool amount_decides(const struct occasion *occasion, struct verdict *verdict)
{
    static const struct {
        int64_t fen;
        enum fate fate;
        enum mood mood;
        enum refusal refusal;
    } amounts[] = {
#define X(fen, fate, mood, refusal) {fen, fate, mood, refusal},
        AMOUNT_MAP(X)
#undef X
    };
    for (unsigned i = 0; i < sizeof amounts / sizeof amounts[0]; i++) {
        if (amounts[i].fen == occasion->amount && occasion->operation == OPERATION_PAY) {
            verdict_set(verdict, "amount", amounts[i].fate, amounts[i].mood, amounts[i].refusal);
            return true;
        }
    }
    return false;
}

static enum fate fate_draw(struct mischief *mischief)
{
    double at = (double)(draw_next(&mischief->draw) >> 11) * (100.0 / 9007199254740992.0);
    for (unsigned i = 0; i < FATE_COUNT; i++) {
        if (at < mischief->fate_percent[i]) {
            return (enum fate)i;
        }
        at -= mischief->fate_percent[i];
    }
    return FATE_COUNT;
}

static bool fate_may_strike_before(enum fate fate)
{
    return fate == FATE_DROP || fate == FATE_SERVER_ERROR || fate == FATE_ERROR_BODY;
}

static void rate_decides(struct mischief *mischief, struct verdict *verdict)
{
    struct verdict drawn = *verdict;
    enum fate fate = fate_draw(mischief);
    bool is_coin_up = draw_next(&mischief->draw) >> 63 != 0;
    enum refusal refusal =
        (enum refusal)(REFUSAL_NONE + 1 + draw_below(&mischief->draw, REFUSAL_COUNT - 1));
    verdict_set(&drawn, "rate", fate, MOOD_COUNT, refusal);
    drawn.is_acted = drawn.is_acted && (!fate_may_strike_before(fate) || is_coin_up);
    bool is_struck = fate < FATE_COUNT;
    for (unsigned i = 0; i < MOOD_COUNT; i++) {
        drawn.moods[i] = draw_hits(&mischief->draw, mischief->mood_percent[i]) != 0;
        is_struck |= drawn.moods[i];
    }
    if (is_struck && !mischief->is_healed && verdict->source == NULL) {
        *verdict = drawn;
    }
}

void mischief_decide(struct mischief *mischief, const struct occasion *occasion,
                     struct verdict *verdict)
{
    *verdict = (struct verdict){.fate = FATE_COUNT,
                                .is_acted = true,
                                .late_ms = mischief->late_ms,
                                .buyer_ms = mischief->buyer_ms,
                                .close_ms = mischief->close_ms};
    bool is_decided = header_decides(occasion, verdict) ||
                      script_decides(mischief, occasion, verdict) ||
                      (mischief->has_amounts && amount_decides(occasion, verdict));
    (void)is_decided; /* `source` says so, too */
    rate_decides(mischief, verdict);
}
