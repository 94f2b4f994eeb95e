/* Bytes of configuration files: whatever they are, they end in values or in faults. The first byte
 * chooses the reader; what a reader takes is then used once. */
#include "tests/fuzz/fuzz.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/csv_file.h"
#include "config/server_options.h"
#include "config/yaml_file.h"
#include "routing/route_rule.h"
#include "routing/ruleset.h"

#define TEXT_BYTES_MAX 65536

static void must(bool is_so)
{
    if (!is_so) {
        abort();
    }
}

static void fuzz_options(struct document *document)
{
    static char reference[1024];
    struct byte_writer writer;
    struct server_options *options = server_options_load(document);
    must((options != NULL) == (document_fault_count(document) == 0));
    if (options != NULL) {
        must(options->listener_count >= 1);
        must(options->listener_count <= OPTION_LISTENER_COUNT_MAX);
        must(options->channel_count <= OPTION_CHANNEL_COUNT_MAX);
        byte_writer_init(&writer, reference, sizeof(reference));
        must(server_options_frozen_changes(options, options, &writer) == 0);
    }
    server_options_destroy(options);
}

/* One payment that has everything a condition may look at. */
static void fuzz_payment(struct payment *payment)
{
    payment_clear(payment);
    payment->kind = PAYMENT_PURCHASE;
    payment->amount = (struct money){123456, MONEY_CNY};
    memcpy(payment->entry_mode, "072", 4);
    must(pan_parse(&payment->pan, "6210948000000060", 16) == STATUS_OK);
}

static const struct bin_rule BIN = {.prefix = 621094, .digit_count = 6};
static const struct merchant_row MERCHANT = {
    .merchant_id = "898110058120001", .mcc = "5812", .plan = "SP1", .is_active = true};
static const struct terminal_row TERMINAL = {.terminal_id = "10000001", .brand = "newland"};

static const struct route_rule *walk(const struct route_rules *rules,
                                     const struct condition_facts *facts)
{
    for (uint32_t i = 0; i < route_rules_count(rules); i++) {
        const struct route_rule *rule = route_rules_at(rules, i);
        if (condition_matches(&rule->condition, facts)) {
            return rule;
        }
    }
    return NULL;
}

static void fuzz_routes(struct document *document)
{
    struct payment payment;
    struct channel_table *channels = channel_table_create();
    must(channels != NULL);
    must(channel_table_add(channels, &(struct channel_row){"bank_a", UINT64_MAX, false}) ==
         STATUS_OK);
    must(channel_table_add(channels, &(struct channel_row){"bank_b", UINT64_MAX, false}) ==
         STATUS_OK);
    struct bin_table *bins = bin_table_create(1);
    must(bins != NULL && bin_table_group(bins, "fleet") == 1);
    struct health_rules breakers;
    health_rules_read(&breakers, document, channels);
    struct route_rules *rules =
        route_rules_compile(document, &(struct route_tables){channels, bins});
    must((rules != NULL) == (document_fault_count(document) == 0));
    if (rules != NULL) {
        struct condition_facts facts;
        fuzz_payment(&payment);
        const struct condition_subject subject = {.payment = &payment,
                                                  .amount = payment.amount,
                                                  .bin = &BIN,
                                                  .merchant = &MERCHANT,
                                                  .terminal = &TERMINAL,
                                                  .wall_us = INT64_C(1767268800000000),
                                                  .bin_group = "fleet"};
        condition_facts_fill(&facts, &subject, route_rules_form(rules));
        const struct route_rule *rule = route_rules_find(rules, &facts);
        must(rule == NULL || (rule->channel_count >= 1 && rule->channels[0] < 2));
        must(rule == walk(rules, &facts)); /* the index and a walk agree */
    }
    route_rules_destroy(rules);
    bin_table_destroy(bins);
    channel_table_destroy(channels);
}

static void fuzz_fees(struct document *document)
{
    struct payment payment;
    struct fee_plan_set *plans = fee_plan_set_compile(document, NULL);
    must((plans != NULL) == (document_fault_count(document) == 0));
    if (plans != NULL) {
        char text[600];
        struct fee_quote quote;
        fuzz_payment(&payment);
        payment.amount.currency = fee_plan_set_currency(plans);
        const struct fee_inputs inputs = {.amount = payment.amount,
                                          .bin = &BIN,
                                          .merchant = &MERCHANT,
                                          .payment = &payment,
                                          .channel = "bank_a"};
        must(fee_explain(plans, &inputs, text, sizeof(text)) < sizeof(text));
        if (fee_quote(plans, &inputs, &quote) == STATUS_OK) {
            /* I16: the parts add up. */
            must(quote.merchant_fee.minor ==
                 quote.issuer_fee.minor + quote.scheme_fee.minor + fee_margin(&quote).minor);
        }
    }
    fee_plan_set_destroy(plans);
}

static void on_row(void *argument, const struct csv_row *row)
{
    uint32_t *line = argument;
    must(row->line > *line); /* each row begins on a line of its own */
    *line = row->line;
    must(strlen(row->fields[0]) + strlen(row->fields[1]) <= TEXT_BYTES_MAX);
}

static void on_fault(void *argument, uint32_t line, const char *sentence)
{
    (void)argument;
    must(line >= 1 && sentence[0] != '\0');
}

static void fuzz_csv(const uint8_t *bytes, uint32_t length)
{
    static const struct csv_column columns[] = {{"a", true}, {"b", false}, {NULL, false}};
    uint32_t line = 0;
    const struct csv_sink sink = {on_row, on_fault, &line};
    char *text = malloc((size_t)length + 1); /* to the byte, so that a sanitizer sees the next */
    must(text != NULL);
    memcpy(text, bytes, length);
    enum status status = csv_file_read(text, length, columns, &sink);
    must(status == STATUS_OK || status == STATUS_MALFORMED);
    free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    static void (*const readers[])(struct document *) = {fuzz_options, fuzz_routes, fuzz_fees};
    if (length < 1 || length > TEXT_BYTES_MAX) {
        return 0;
    }
    unsigned reader = bytes[0] & 3;
    if (reader == 3) {
        fuzz_csv(bytes + 1, (uint32_t)length - 1);
        return 0;
    }
    struct document *document = yaml_file_parse("fuzz", bytes + 1, (uint32_t)length - 1);
    must(document != NULL);
    if (document_fault_count(document) == 0) {
        readers[reader](document);
    }
    document_destroy(document);
    return 0;
}
