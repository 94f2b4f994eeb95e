/* See small_ruleset.h. */
#include "tests/stage/small_ruleset.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/yaml_file.h"

static const char ROUTES[] = "routes:\n"
                             "  - when: {merchant: '102290058120002'}\n"
                             "    channels: [bank_b, bank_a]\n"
                             "  - when: {kind: [purchase, void, refund]}\n"
                             "    channels: [bank_a, bank_b]\n";
static const char FEES[] =
    "currency: 156\n"
    "plans:\n"
    "  SP1:\n"
    "    rules:\n"
    "      - {rate: 0.60%}\n"
    "cost:\n"
    "  - {scheme: unionpay, issuer_fee: {rate: 0.45%}, scheme_fee: {rate: 0.0325%, cap: 3.25}}\n";

static void check(bool is_ok, const char *what)
{
    if (!is_ok) {
        fprintf(stderr, "small_ruleset: %s\n", what);
        exit(2);
    }
}

static void add_tables(struct ruleset *ruleset, uint32_t terminal_count)
{
    struct bin_rule bin = {.prefix = 62, .digit_count = 2, .card_type = CARD_TYPE_CREDIT};
    check(bin_table_add(ruleset_bins(ruleset), &bin) == STATUS_OK, "the BIN was refused");
    for (unsigned i = 1; i <= 2; i++) {
        struct merchant_row merchant = {
            .mcc = "5812", .plan = "SP1", .is_active = true, .name = "Small"};
        snprintf(merchant.merchant_id, sizeof(merchant.merchant_id), "10229005812000%u", i);
        check(merchant_table_add(ruleset_merchants(ruleset), &merchant) == STATUS_OK,
              "a merchant was refused");
    }
    for (unsigned i = 0; i < terminal_count; i++) {
        struct terminal_row terminal = {.is_active = true};
        snprintf(terminal.terminal_id, sizeof(terminal.terminal_id), "%08u", 10000001 + i);
        snprintf(terminal.merchant_id, sizeof(terminal.merchant_id), "10229005812000%u", i % 2 + 1);
        check(terminal_table_add(ruleset_terminals(ruleset), &terminal) == STATUS_OK,
              "a terminal was refused");
    }
    static const char *const CHANNELS[] = {"bank_a", "bank_b"};
    for (unsigned i = 0; i < 2; i++) {
        struct channel_row channel = {
            .kinds = UINT64_C(1) << PAYMENT_PURCHASE | UINT64_C(1) << PAYMENT_VOID |
                     UINT64_C(1) << PAYMENT_REFUND | UINT64_C(1) << PAYMENT_REVERSAL};
        snprintf(channel.name, sizeof(channel.name), "%s", CHANNELS[i]);
        check(channel_table_add(ruleset_channels(ruleset), &channel) == STATUS_OK,
              "a channel was refused");
    }
}

typedef void compile_function(struct ruleset *ruleset, struct document *document);

static void compile_text(struct ruleset *ruleset, const char *name, const char *text,
                         compile_function *compile)
{
    struct document *document = yaml_file_parse(name, text, (uint32_t)strlen(text));
    check(document != NULL, "no memory");
    if (document_fault_count(document) == 0) {
        compile(ruleset, document);
    }
    check(document_fault_count(document) == 0,
          document_fault_count(document) > 0 ? document_fault_text(document, 0) : "");
    document_destroy(document);
}

struct ruleset *small_ruleset_create(uint32_t terminal_count)
{
    struct ruleset *ruleset = ruleset_create(1, &(struct ruleset_limits){8, 8, terminal_count});
    check(ruleset != NULL, "no memory");
    add_tables(ruleset, terminal_count);
    compile_text(ruleset, "routes", ROUTES, ruleset_compile_routes);
    compile_text(ruleset, "fees", FEES, ruleset_compile_fees);
    char reason[160];
    check(ruleset_freeze(ruleset, reason) == STATUS_OK, reason);
    return ruleset;
}
