/* See day.h; the file's words are told in loadtest/README.md. */
#include "loadtest/day.h"

#include <stdlib.h>
#include <string.h>

#include "config/file_text.h"
#include "config/yaml_file.h"

#define SECONDS_MAX 86400
#define TPS_MAX 100000
#define WEIGHT_MAX 1000000

static const char *const ERRAND_WORDS[] = {
#define X(name, word) word,
    ERRAND_MAP(X)
#undef X
        NULL};

static const char *const KIND_WORDS[] = {
#define X(name, word, type, mti, processing, condition, code, manner, side) word,
    POS_KIND_MAP(X)
#undef X
        NULL};

static const char *const SIGN_ON_WORDS[] = {"003", "004", "001", NULL};

static void sign_on_read(struct document *document, const struct document_node *root,
                         struct day *day)
{
    const struct document_node *node = document_member(root, "sign_on");
    day->sign_on_weights[0] = node == NULL;
    if (node == NULL) {
        return;
    }
    document_refuse_unknown(document, node, SIGN_ON_WORDS);
    for (unsigned i = 0; i < 3; i++) {
        struct document_want want = {SIGN_ON_WORDS[i], false};
        day->sign_on_weights[i] =
            (uint32_t)document_integer(document, node, want, (int64_t[]){0, WEIGHT_MAX, 0});
    }
    if (day->sign_on_weights[0] + day->sign_on_weights[1] + day->sign_on_weights[2] == 0) {
        document_fault(document, node, "a share above 0 is expected of 003, 004 or 001");
    }
}

static void errands_read(struct document *document, const struct document_node *errands,
                         struct day_phase *phase)
{
    if (errands->kind != DOCUMENT_SEQUENCE || errands->child_count == 0) {
        document_fault(document, errands, "a list of errands is expected, such as [settle]");
        return;
    }
    for (const struct document_node *node = errands->first_child; node != NULL; node = node->next) {
        const char *word = node->kind == DOCUMENT_SCALAR ? node->text : "";
        enum errand_kind kind = errand_from_word(word);
        if (kind != ERRAND_COUNT) {
            phase->errands |= 1U << kind;
            continue;
        }
        const char *near = document_nearest(word, ERRAND_WORDS);
        document_fault(document, node, "\"%s\" is no errand%s%s", word,
                       near == NULL ? "; see loadtest/README.md" : "; did you mean ",
                       near == NULL ? "" : near);
    }
}

static void trade_read(struct document *document, const struct document_node *weights,
                       struct day_phase *phase)
{
    uint64_t sum = 0;
    document_refuse_unknown(document, weights, KIND_WORDS);
    for (unsigned kind = 0; kind < POS_KIND_COUNT; kind++) {
        struct document_want want = {KIND_WORDS[kind], false};
        phase->trade.weights[kind] =
            (uint32_t)document_integer(document, weights, want, (int64_t[]){0, WEIGHT_MAX, 0});
        sum += phase->trade.weights[kind];
    }
    if (sum == 0) {
        document_fault(document, weights, "a weight above 0 is expected, such as {purchase: 1}");
    }
}

static const char *const CODE_WORDS[] = {
#define X(name, word, prefix, count, digits) word,
    CODE_KIND_MAP(X)
#undef X
        NULL};

/* `qr: {percent: 30, alipay: 2, wechat: 2, unionpay: 1}`: of the purchases of its trade. */
static void codes_read(struct document *document, const struct document_node *codes,
                       struct day_phase *phase)
{
    static const char *const known[] = {"percent",
#define X(name, word, prefix, count, digits) word,
                                        CODE_KIND_MAP(X)
#undef X
                                            NULL};
    uint64_t sum = 0;
    document_refuse_unknown(document, codes, known);
    phase->trade.code_percent = (double)document_integer(
        document, codes, (struct document_want){"percent", true}, (int64_t[]){0, 100, 0});
    for (unsigned kind = 0; kind < CODE_KIND_COUNT; kind++) {
        struct document_want want = {CODE_WORDS[kind], false};
        phase->trade.code_weights[kind] =
            (uint32_t)document_integer(document, codes, want, (int64_t[]){0, WEIGHT_MAX, 0});
        sum += phase->trade.code_weights[kind];
    }
    if (sum == 0) {
        document_fault(document, codes,
                       "a share above 0 is expected of alipay, wechat or unionpay");
    }
}

static void phase_check(struct document *document, const struct document_node *node,
                        const struct day_phase *phase)
{
    bool is_trade = document_member(node, "trade") != NULL;
    if (is_trade && phase->errands != 0) {
        document_fault(document, node, "a phase is trade or errands, not both");
    }
    if (!is_trade && phase->trade.code_percent > 0) {
        document_fault(document, node, "`qr` belongs to a phase of trade");
    }
    if (is_trade && phase->tps <= 0) {
        document_fault(document, node, "trade wants `tps`, the transactions a second");
    }
    if (phase->mismatch_percent > 0 && !(phase->errands & 1U << ERRAND_SETTLE)) {
        document_fault(document, node, "`mismatch` belongs to a phase whose errands name settle");
    }
}

static void phase_read(struct document *document, const struct document_node *node,
                       struct day_phase *phase)
{
    static const char *const known[] = {"name",    "seconds",  "tps",      "trade", "reversals",
                                        "errands", "mismatch", "cut_over", "qr",    NULL};
    if (node->kind != DOCUMENT_MAPPING) {
        document_fault(document, node, "a phase is expected, such as {name: morning, ...}");
        return;
    }
    document_refuse_unknown(document, node, known);
    const char *name =
        document_text(document, node, (struct document_want){"name", true}, "unnamed");
    if (strlen(name) >= sizeof phase->name || strpbrk(name, "\"\\") != NULL) {
        document_fault(document, node, "a name of at most %d characters without quotes is expected",
                       DAY_NAME_SIZE - 1);
        return;
    }
    memcpy(phase->name, name, strlen(name) + 1);
    phase->seconds = (double)document_integer(
        document, node, (struct document_want){"seconds", true}, (int64_t[]){1, SECONDS_MAX, 1});
    phase->tps = (double)document_integer(document, node, (struct document_want){"tps", false},
                                          (int64_t[]){1, TPS_MAX, 0});
    phase->trade.reversal_percent = (double)document_integer(
        document, node, (struct document_want){"reversals", false}, (int64_t[]){0, 100, 0});
    phase->mismatch_percent = (double)document_integer(
        document, node, (struct document_want){"mismatch", false}, (int64_t[]){0, 100, 0});
    phase->is_cut_over =
        document_boolean(document, node, (struct document_want){"cut_over", false}, false);
    if (document_member(node, "trade") != NULL) {
        trade_read(document, document_member(node, "trade"), phase);
    }
    if (document_member(node, "qr") != NULL) {
        codes_read(document, document_member(node, "qr"), phase);
    }
    if (document_member(node, "errands") != NULL) {
        errands_read(document, document_member(node, "errands"), phase);
    }
    phase_check(document, node, phase);
}

static void day_read(struct document *document, struct day *day)
{
    static const char *const known[] = {"sign_on", "phases", NULL};
    const struct document_node *root = document_root(document);
    const struct document_node *phases = document_member(root, "phases");
    document_refuse_unknown(document, root, known);
    sign_on_read(document, root, day);
    if (phases == NULL || phases->kind != DOCUMENT_SEQUENCE || phases->child_count == 0 ||
        phases->child_count > DAY_PHASE_COUNT_MAX) {
        document_fault(document, phases == NULL ? root : phases,
                       "a list `phases` of 1 to %d is expected", DAY_PHASE_COUNT_MAX);
        return;
    }
    for (const struct document_node *node = phases->first_child; node != NULL; node = node->next) {
        phase_read(document, node, &day->phases[day->phase_count++]);
    }
}

struct day *day_load(const char *path, FILE *faults)
{
    struct document *document = file_text_load_yaml(path);
    struct day *day = calloc(1, sizeof *day);
    if (document == NULL || day == NULL) {
        fprintf(faults, "%s: no memory\n", path);
        document_destroy(document);
        free(day);
        return NULL;
    }
    if (document_fault_count(document) == 0) {
        day_read(document, day);
    }
    uint32_t count = document_fault_count(document);
    for (uint32_t i = 0; i < count && i < DOCUMENT_FAULT_COUNT_MAX; i++) {
        fprintf(faults, "%s\n", document_fault_text(document, i));
    }
    document_destroy(document);
    if (count > 0) {
        free(day);
        return NULL;
    }
    return day;
}

void day_destroy(struct day *day)
{
    free(day);
}
