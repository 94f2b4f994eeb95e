/* See cause.h. Each flag gives its weight to the faults it points to; what lies elsewhere (a
 * channel that is down for all, a cohort) takes its flags away before the terminal is blamed. */
#include "switch/aftersales/cause.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "protocols/base/require.h"
#include "switch/aftersales/speech.h"

#define MERCHANT_WEIGHT 100 /* a registry that says no outweighs every signal */

struct fault_row {
    const char *code, *zh, *en, *cashier;
    enum service_class service_class;
};
struct signal_row {
    enum fault fault;
    enum signal_code signal;
    uint32_t weight;
};
struct step_row {
    enum fault fault;
    const char *zh, *en;
};

#define FAULT(code, name, service_class, zh, en, cashier)                                          \
    [FAULT_##name] = {#code, zh, en, cashier, SERVICE_##service_class},
#define FAULT_SIGNAL(name, signal, weight)
#define FAULT_STEP(name, zh, en)
static const struct fault_row FAULTS[FAULT_COUNT] = {
#include "switch/aftersales/fault.def"
};
#undef FAULT
#undef FAULT_SIGNAL
#define FAULT(code, name, service_class, zh, en, cashier)
#define FAULT_SIGNAL(name, signal, weight) {FAULT_##name, SIGNAL_##signal, weight},
static const struct signal_row SIGNALS[] = {
#include "switch/aftersales/fault.def"
};
#undef FAULT_SIGNAL
#undef FAULT_STEP
#define FAULT_SIGNAL(name, signal, weight)
#define FAULT_STEP(name, zh, en) {FAULT_##name, zh, en},
static const struct step_row STEPS[] = {
#include "switch/aftersales/fault.def"
};
#define SIGNAL_ROW_COUNT (sizeof(SIGNALS) / sizeof(SIGNALS[0]))
#define STEP_ROW_COUNT (sizeof(STEPS) / sizeof(STEPS[0]))

static const struct fault_row *row_of(enum fault fault)
{
    REQUIRE((unsigned)fault < FAULT_COUNT);
    return &FAULTS[fault];
}

const char *fault_code(enum fault fault)
{
    return row_of(fault)->code;
}
const char *fault_text(enum fault fault, bool is_chinese)
{
    return is_chinese ? row_of(fault)->zh : row_of(fault)->en;
}
const char *fault_cashier_text(enum fault fault)
{
    return row_of(fault)->cashier;
}
enum service_class fault_service_class(enum fault fault)
{
    return row_of(fault)->service_class;
}

enum fault fault_from_code(const char *code)
{
    unsigned i = 0;
    while (i < FAULT_COUNT && strcmp(FAULTS[i].code, code) != 0) {
        i++;
    }
    return (enum fault)i;
}

bool fault_is_investigated(enum fault fault)
{
    return fault != FAULT_COUNT && fault_code(fault)[0] == 'X';
}

const char *fault_step(enum fault fault, uint32_t step, bool is_chinese)
{
    uint32_t seen = 0;
    for (uint32_t i = 0; i < STEP_ROW_COUNT; i++) {
        seen += STEPS[i].fault == fault;
        if (STEPS[i].fault == fault && seen == step) {
            return is_chinese ? STEPS[i].zh : STEPS[i].en;
        }
    }
    return NULL;
}

enum fault fault_of_signal(enum signal_code signal)
{
    const struct signal_row *best = NULL;
    for (uint32_t i = 0; i < SIGNAL_ROW_COUNT; i++) {
        if (SIGNALS[i].signal == signal && (best == NULL || SIGNALS[i].weight > best->weight)) {
            best = &SIGNALS[i];
        }
    }
    return best == NULL ? FAULT_COUNT : best->fault;
}

const char *merchant_qualification_fault(const struct merchant_registration *merchant,
                                         int32_t today, bool is_chinese)
{
    if (merchant->state != MERCHANT_STATE_ACTIVE) {
        return is_chinese ? "商户状态不是正常" : "the merchant is not active";
    }
    if (merchant->licence_to_day != 0 && merchant->licence_to_day < today) {
        return is_chinese ? "营业执照已过期" : "the licence has run out";
    }
    if (merchant->contract_to_day != 0 && merchant->contract_to_day < today) {
        return is_chinese ? "收单合同已到期" : "the contract has ended";
    }
    return NULL;
}

static void check_say(struct cause_check *check, enum cause_place place, const char *zh,
                      const char *en)
{
    check->place = place;
    snprintf(check->zh, sizeof(check->zh), "%s", zh);
    snprintf(check->en, sizeof(check->en), "%s", en);
}

static void check_channel(const struct cause_question *question, struct cause_answer *answer)
{
    struct cause_check *check = &answer->checks[0];
    check->is_known = question->channel != NULL;
    check->is_ruled_out = check->is_known && !question->is_channel_down;
    check_say(check, CAUSE_AT_CHANNEL,
              !check->is_known      ? "通道:情况未知"
              : check->is_ruled_out ? "通道:正常"
                                    : "通道:对所有终端中断",
              !check->is_known      ? "channel: not known"
              : check->is_ruled_out ? "channel: it is well"
                                    : "channel: it is down for all");
}

static void check_cohort(const struct cause_question *question, struct cause_answer *answer)
{
    struct cause_check *check = &answer->checks[1];
    check->is_known = true;
    check->is_ruled_out = question->cohort == NULL;
    check_say(check, CAUSE_AT_COHORT, "同品牌、机型、版本的其他终端:正常",
              "others of its brand, model and firmware: they are well");
    if (question->cohort != NULL) {
        snprintf(check->zh, sizeof(check->zh), "同类终端也异常:%s", question->cohort->subject_id);
        snprintf(check->en, sizeof(check->en), "others are ill as well: %s %s",
                 cohort_kind_name(question->cohort->cohort), question->cohort->subject_id);
    }
}

static void check_merchant(const struct cause_question *question, struct cause_answer *answer)
{
    struct cause_check *check = &answer->checks[2];
    check->is_known = question->merchant != NULL;
    if (!check->is_known) {
        check_say(check, CAUSE_AT_MERCHANT, "商户资质:未登记", "merchant: not registered here");
        return;
    }
    const char *zh = merchant_qualification_fault(question->merchant, question->today, true);
    const char *en = merchant_qualification_fault(question->merchant, question->today, false);
    check->is_ruled_out = en == NULL;
    check_say(check, CAUSE_AT_MERCHANT, "商户资质:有效",
              "merchant: active, licence and contract in force");
    if (en != NULL) {
        snprintf(check->zh, sizeof(check->zh), "商户资质:%s", zh);
        snprintf(check->en, sizeof(check->en), "merchant: %s", en);
    }
}

/* What the channel alone explains. */
static bool is_of_channel(enum signal_code signal)
{
    return signal == SIGNAL_TIMEOUTS || signal == SIGNAL_REVERSALS || signal == SIGNAL_SLOW ||
           signal == SIGNAL_DECLINES || signal == SIGNAL_LATE_APPROVAL;
}

static void add_evidence(struct cause_rank *rank, const struct flag *flag, uint32_t weight)
{
    /* A flag far above its threshold counts up to twice. */
    uint32_t score = flag->score > 1000 ? 1000 : flag->score;
    rank->score += weight * (1000 + score) / 1000;
    if (rank->evidence_count < CAUSE_EVIDENCE_COUNT_MAX) {
        rank->evidence[rank->evidence_count++] =
            (struct cause_evidence){flag->signal, flag->position, flag->value, flag->threshold};
    }
}

static void weigh(const struct cause_question *question, struct cause_rank *ranks)
{
    for (uint32_t i = 0; i < question->flag_count; i++) {
        const struct flag *flag = &question->flags[i];
        if (question->is_channel_down && is_of_channel(flag->signal)) {
            continue;
        }
        for (uint32_t row = 0; row < SIGNAL_ROW_COUNT; row++) {
            if (SIGNALS[row].signal == flag->signal) {
                add_evidence(&ranks[SIGNALS[row].fault], flag, SIGNALS[row].weight);
            }
        }
    }
}

/* The heaviest first; of equals the one that stands first in fault.def. */
static void rank(const struct cause_rank *ranks, struct cause_answer *answer)
{
    for (uint32_t i = 0; i < FAULT_COUNT; i++) {
        if (ranks[i].score == 0) {
            continue;
        }
        uint32_t at = answer->count < CAUSE_COUNT_MAX ? answer->count++ : CAUSE_COUNT_MAX;
        while (at > 0 && answer->ranks[at - 1].score < ranks[i].score) {
            if (at < CAUSE_COUNT_MAX) {
                answer->ranks[at] = answer->ranks[at - 1];
            }
            at--;
        }
        if (at < CAUSE_COUNT_MAX) {
            answer->ranks[at] = ranks[i];
        }
    }
}

static void find_place(const struct cause_question *question, struct cause_answer *answer)
{
    bool is_merchants = answer->checks[2].is_known && !answer->checks[2].is_ruled_out;
    uint32_t channels = 0;
    for (uint32_t i = 0; i < question->flag_count; i++) {
        channels += is_of_channel(question->flags[i].signal);
    }
    if (question->is_channel_down && channels > 0 && channels == question->flag_count) {
        answer->place = CAUSE_AT_CHANNEL;
        snprintf(answer->place_name, sizeof(answer->place_name), "%s",
                 question->channel != NULL ? question->channel : "");
    } else if (question->cohort != NULL && !is_merchants) {
        answer->place = CAUSE_AT_COHORT;
        snprintf(answer->place_name, sizeof(answer->place_name), "%s",
                 question->cohort->subject_id);
    } else if (is_merchants || (answer->count > 0 && answer->ranks[0].fault == FAULT_MERCHANT)) {
        answer->place = CAUSE_AT_MERCHANT;
    }
}

/* A cohort of one channel is that channel; the others stay what they are. */
static struct cause_question plain_question(const struct cause_question *question)
{
    struct cause_question plain = *question;
    if (plain.cohort != NULL && plain.cohort->cohort == COHORT_CHANNEL) {
        plain.channel = plain.cohort->subject_id;
        plain.is_channel_down = true;
        plain.cohort = NULL;
    }
    return plain;
}

void cause_find(const struct cause_question *asked, struct cause_answer *answer)
{
    struct cause_rank ranks[FAULT_COUNT] = {0};
    const struct cause_question plain = plain_question(asked);
    const struct cause_question *question = &plain;
    memset(answer, 0, sizeof(*answer));
    for (unsigned i = 0; i < FAULT_COUNT; i++) {
        ranks[i].fault = (enum fault)i;
    }
    check_channel(question, answer);
    check_cohort(question, answer);
    check_merchant(question, answer);
    weigh(question, ranks);
    if (answer->checks[2].is_known && !answer->checks[2].is_ruled_out) {
        ranks[FAULT_MERCHANT].score += MERCHANT_WEIGHT;
    }
    /* What a maker's devices have in common is software; a region or an agent has none. */
    if (question->cohort != NULL && cohort_is_makers(question->cohort->cohort)) {
        add_evidence(&ranks[FAULT_SOFTWARE], question->cohort, MERCHANT_WEIGHT);
    }
    rank(ranks, answer);
    find_place(question, answer);
}

static void say_rank(struct speech *speech, const struct cause_rank *ranked, uint32_t number,
                     bool is_chinese)
{
    speech_say(speech, is_chinese ? "%u. %s %s(%u 分)" : "%u. %s %s (%u points)", number,
               fault_code(ranked->fault), fault_text(ranked->fault, is_chinese), ranked->score);
    for (uint32_t i = 0; i < ranked->evidence_count; i++) {
        const struct cause_evidence *evidence = &ranked->evidence[i];
        speech_say(speech,
                   is_chinese ? ";%s:%s,值 %" PRId64 ",阈值 %" PRId64 ",日志 %" PRIu64
                              : "; %s: %s, %" PRId64 " against %" PRId64 ", log %" PRIu64,
                   signal_code_text(evidence->signal), signal_text(evidence->signal, is_chinese),
                   evidence->value, evidence->threshold, evidence->position);
    }
    speech_say(speech, "\n");
}

uint32_t cause_explain(const struct cause_answer *answer, bool is_chinese, char *text,
                       uint32_t text_size)
{
    static const char *const PLACES[][2] = {
        [CAUSE_AT_TERMINAL] = {"the terminal", "终端"},
        [CAUSE_AT_CHANNEL] = {"the channel", "通道"},
        [CAUSE_AT_COHORT] = {"its brand, model or firmware", "同品牌、机型或版本"},
        [CAUSE_AT_MERCHANT] = {"the merchant's registration", "商户资质"}};
    struct speech speech;
    speech_begin(&speech, text, text_size);
    /* A case that people opened may have no signal: then nothing is said of where it lies. */
    if (answer->count > 0 || answer->place != CAUSE_AT_TERMINAL) {
        speech_say(&speech,
                   is_chinese ? "可能的原因在:%s%s%s\n" : "The cause is likely at: %s%s%s\n",
                   PLACES[answer->place][is_chinese], answer->place_name[0] == '\0' ? "" : " ",
                   answer->place_name);
    }
    for (uint32_t i = 0; i < answer->count; i++) {
        say_rank(&speech, &answer->ranks[i], i + 1, is_chinese);
    }
    if (answer->count == 0) {
        speech_say(&speech, is_chinese ? "没有信号指向终端故障\n"
                                       : "no signal points to a fault of the terminal\n");
    }
    for (uint32_t i = 0; i < CAUSE_CHECK_COUNT; i++) {
        const struct cause_check *check = &answer->checks[i];
        const char *head = check->is_ruled_out ? (is_chinese ? "已排除 " : "ruled out, ")
                                               : (is_chinese ? "注意 " : "mind, ");
        speech_say(&speech, "%s%s\n", head, is_chinese ? check->zh : check->en);
    }
    return speech.used;
}
