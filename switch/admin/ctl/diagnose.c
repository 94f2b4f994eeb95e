/* All that is known of a terminal, and what is likely wrong with it. */
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "switch/admin/ctl/case_show.h"
#include "switch/admin/ctl/command.h"

static const json_t *at(const json_t *json, const char *name)
{
    return json_object_get(json, name);
}

static void show_state(const json_t *json)
{
    static const struct table_column COLUMNS[] = {{"terminal", "terminal_id"},
                                                  {"connected", "live.connected"},
                                                  {"signed on", "live.signed_on"},
                                                  {"signed on at", "live.signed_on_at"},
                                                  {"last seen", "live.last_seen"},
                                                  {"TLS", "live.tls_version"},
                                                  {"last sign-on", "last_signon.time"},
                                                  {"  its outcome", "last_signon.outcome"},
                                                  {"failed in a row", "error_streak"},
                                                  {"round trip, ms", "round_trip_ms.median"},
                                                  {"  longest", "round_trip_ms.longest"},
                                                  {"brand", "terminal.brand"},
                                                  {"model", "terminal.model"},
                                                  {"serial number", "terminal.serial"},
                                                  {"  as it says", "serial_told"},
                                                  {"software", "terminal.firmware"},
                                                  {"  as it says", "firmware_told"},
                                                  {"channel", "channel.name"},
                                                  {"  down for all", "channel.is_down"},
                                                  {NULL, NULL}};
    static const char *const FAULTS[] = {"live_fault", "log_fault"};
    static const struct table_column WATCH[] = {
        {"as of", "as_of"},
        {"payments of a day", "payments_day"},
        {"declines", "declines_day"},
        {"time-outs", "timeouts_day"},
        {"reversals", "reversals"},
        {"wrong MACs", "mac_failures"},
        {"failed handshakes", "tls_failures"},
        {"stripe for chip, per mille", "fallback_per_mille"},
        {NULL, NULL}};
    const json_t *watch = at(at(json, "live"), "watch");
    const char *watch_fault = json_string_value(at(at(json, "live"), "watch_fault"));
    table_write_one(stdout, json, COLUMNS);
    if (json_is_object(watch) && case_show_heading(watch, "what the watcher counts now")) {
        table_write_one(stdout, watch, WATCH);
    } else if (watch_fault != NULL) {
        printf("not known now: %s\n", watch_fault);
    }
    for (size_t i = 0; i < sizeof(FAULTS) / sizeof(FAULTS[0]); i++) {
        const char *fault = json_string_value(at(json, FAULTS[i]));
        if (fault != NULL) {
            printf("not known now: %s\n", fault);
        }
    }
}

static void show_messages(const json_t *json)
{
    static const struct table_column MESSAGES[] = {{"TIME", "time"},
                                                   {"KIND", "payment_kind"},
                                                   {"AMOUNT", "amount.text"},
                                                   {"CARD", "pan_masked"},
                                                   {"CHANNEL", "channel"},
                                                   {"OUTCOME", "outcome"},
                                                   {"CODE", "response_code"},
                                                   {"MS", "round_trip_ms"},
                                                   {"REASON", "reason"},
                                                   {"TIMES", "count"},
                                                   {NULL, NULL}};
    static const struct table_column HOLDS[] = {{"CASE", "case_id"},
                                                {"SETTLEMENT HELD", "is_held"},
                                                {"STOPPED", "is_stopped"},
                                                {"UNTIL", "until"},
                                                {NULL, NULL}};
    static const struct table_column KEYS[] = {
        {"KEY", "name"}, {"CHECK VALUE", "kcv"}, {NULL, NULL}};
    static const struct table_column ORDERS[] = {{"ORDER", "kind"},  {"SINCE", "since"},
                                                 {"UNTIL", "until"}, {"BY", "by"},
                                                 {"CASE", "case"},   {NULL, NULL}};
    if (case_show_heading(at(at(json, "live"), "keys"), "keys")) {
        table_write(stdout, at(at(json, "live"), "keys"), KEYS);
    }
    if (case_show_heading(at(json, "orders"), "orders in force")) {
        table_write(stdout, at(json, "orders"), ORDERS);
    }
    if (case_show_heading(at(json, "messages"), "last messages")) {
        table_write(stdout, at(json, "messages"), MESSAGES);
    }
    if (case_show_heading(at(json, "holds"), "holds")) {
        table_write(stdout, at(json, "holds"), HOLDS);
    }
}

static void show(const json_t *json, bool is_chinese)
{
    const json_t *suggestion = at(json, "suggestion");
    static const struct table_column ZH[] = {
        {"likely", "fault"}, {"that is", "zh"}, {"told by", "by"}, {NULL, NULL}};
    static const struct table_column EN[] = {
        {"likely", "fault"}, {"that is", "en"}, {"told by", "by"}, {NULL, NULL}};
    show_state(json);
    show_messages(json);
    if (case_show_heading(suggestion, "suggestion")) {
        table_write_one(stdout, suggestion, is_chinese ? ZH : EN);
    }
    if (case_show_heading(at(json, "cases"), "open cases")) {
        const json_t *cases = at(json, "cases");
        json_t *list = json_pack("{s:O}", "items", (json_t *)(uintptr_t)cases);
        case_show_list(list, is_chinese);
        json_decref(list);
    }
    case_show_advice(json, is_chinese);
}

static void show_en(const json_t *json)
{
    show(json, false);
}

static void show_zh(const json_t *json)
{
    show(json, true);
}

static int run_diagnose(const struct command *command)
{
    char path[COMMAND_PATH_SIZE];
    if (command->word_count != 2) {
        return COMMAND_UNKNOWN;
    }
    if (!command_id_is_plain(command->words[1]) || !command_language_is_known(command)) {
        return CTL_USAGE;
    }
    snprintf(path, sizeof(path), "/api/v1/terminals/%s/diagnosis", command->words[1]);
    return command_get(command, path, command_is_chinese(command) ? show_zh : show_en);
}

static const char *const OPTIONS[] = {"--lang", NULL};

const struct command_group DIAGNOSE_GROUP = {
    .word = "diagnose",
    .options = OPTIONS,
    .usage = "  diagnose TERMINAL [--lang zh]\n"
             "                             its last messages, state, cases, and what is likely\n"
             "                             wrong with it\n",
    .expected = "diagnose TERMINAL [--lang zh]",
    .run = run_diagnose,
};
