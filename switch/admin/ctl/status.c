/* The switch at a glance, its channels and terminals, and the two acts on the whole of it. */
#include <stdio.h>

#include "switch/admin/ctl/command.h"

static void show_status(const json_t *json)
{
    static const struct table_column plain[] = {
        {"state", "state"},
        {"version", "version"},
        {"node", "node"},
        {"started", "started"},
        {"uptime, s", "uptime_seconds"},
        {"ruleset version", "config.ruleset_version"},
        {"last reload taken over", "config.last_reload_successful"},
        {"last reload said", "config.text"},
        {"in flight", "engine.txn_in_flight"},
        {"remembered", "engine.txn_remembered"},
        {"reversals pending", "engine.reversals_pending"},
        {"oldest reversal, s", "engine.saf_oldest_seconds"},
        {"cases", "engine.cases"},
        {"log position", "store.position_durable"},
        {"rows since start", "store.rows"},
        {"commit mean, s", "store.commit_seconds_mean"},
        {"commit max, s", "store.commit_seconds_max"},
        {"free bytes", "store.free_bytes"},
        {"terminals registered", "terminals.registered"},
        {"terminals signed on", "terminals.signed_on"},
        {"terminals connected", "terminals.connected"},
        {NULL, NULL}};
    static const struct table_column listeners[] = {
        {"LISTENER", "name"},     {"ADDRESS", "address"},     {"PORT", "port"},
        {"TLS", "tls"},           {"LISTENING", "listening"}, {"OPEN", "open"},
        {"ACCEPTED", "accepted"}, {"REFUSED", "refused"},     {NULL, NULL}};
    table_write_one(stdout, json, plain);
    putchar('\n');
    table_write(stdout, json_object_get(json, "listeners"), listeners);
}

static void show_channels(const json_t *json)
{
    static const struct table_column channels[] = {
        {"CHANNEL", "name"},        {"UP", "up"},
        {"IN FLIGHT", "inflight"},  {"WINDOW", "window"},
        {"REQUESTS", "requests"},   {"ANSWERS", "answers"},
        {"TIME-OUTS", "timeouts"},  {"LATE", "late"},
        {"UNMATCHED", "unmatched"}, {"BREAKER", "breaker"},
        {"WHY", "breaker_reason"},  {NULL, NULL}};
    static const struct table_column links[] = {
        {"CHANNEL", "channel"}, {"ADDRESS", "address"},   {"PORT", "port"}, {"STATE", "state"},
        {"SINCE", "since"},     {"CONNECTS", "connects"}, {"WHY", "text"},  {NULL, NULL}};
    const json_t *items = json_object_get(json, "items");
    size_t index;
    json_t *channel;
    json_t *all = json_array();
    json_array_foreach(items, index, channel)
    {
        json_array_extend(all, json_object_get(channel, "links"));
    }
    table_write(stdout, items, channels);
    putchar('\n');
    table_write(stdout, all, links);
    json_decref(all);
}

static void show_terminal(const json_t *json)
{
    static const struct table_column columns[] = {
        {"terminal", "terminal_id"},
        {"merchant", "merchant_id"},
        {"registered", "registered"},
        {"active", "active"},
        {"brand", "brand"},
        {"model", "model"},
        {"connected", "connected"},
        {"address", "address"},
        {"TLS", "tls_version"},
        {"signed on", "signed_on"},
        {"signed on at", "signed_on_at"},
        {"batch", "batch"},
        {"last seen", "last_seen"},
        {"requests", "counts.requests"},
        {"approved", "counts.approved"},
        {"declined", "counts.declined"},
        {"refused", "counts.refused"},
        {"unknown", "counts.unknown"},
        {"reversals", "counts.reversals"},
        {"settled", "day.settled"},
        {"domestic debit, fen", "day.domestic_debit.amount"},
        {"domestic debits", "day.domestic_debit.count"},
        {"domestic credit, fen", "day.domestic_credit.amount"},
        {"domestic credits", "day.domestic_credit.count"},
        {"foreign debit, fen", "day.foreign_debit.amount"},
        {"foreign debits", "day.foreign_debit.count"},
        {"foreign credit, fen", "day.foreign_credit.amount"},
        {"foreign credits", "day.foreign_credit.count"},
        {"last status", "day.status_at"},
        {"faulty", "day.faulty"},
        {"should", "day.wanted"},
        {"clock ahead, s", "day.clock_ahead_seconds"},
        {NULL, NULL}};
    table_write_one(stdout, json, columns);
}

static int run_status(const struct command *command)
{
    return command->word_count == 1 ? command_get(command, "/api/v1/status", show_status)
                                    : COMMAND_UNKNOWN;
}

static int run_channels(const struct command *command)
{
    return command->word_count == 1 ? command_get(command, "/api/v1/channels", show_channels)
                                    : COMMAND_UNKNOWN;
}

static int run_terminal(const struct command *command)
{
    char path[COMMAND_PATH_SIZE];
    if (!command_is(command, "show", 3)) {
        return COMMAND_UNKNOWN;
    }
    if (!command_id_is_plain(command->words[2])) {
        return CTL_USAGE;
    }
    snprintf(path, sizeof(path), "/api/v1/terminals/%s", command->words[2]);
    return command_get(command, path, show_terminal);
}

static int run_reload(const struct command *command)
{
    return command->word_count == 1 ? command_post(command, "/api/v1/reload") : COMMAND_UNKNOWN;
}

static int run_drain(const struct command *command)
{
    return command->word_count == 1 ? command_post(command, "/api/v1/drain") : COMMAND_UNKNOWN;
}

const struct command_group STATUS_GROUP = {
    .word = "status",
    .usage = "  status                     the switch at a glance\n",
    .expected = "status",
    .run = run_status,
};
const struct command_group CHANNELS_GROUP = {
    .word = "channels",
    .usage = "  channels                   channels and their links\n",
    .expected = "channels",
    .run = run_channels,
};
const struct command_group TERMINAL_GROUP = {
    .word = "terminal",
    .usage = "  terminal show ID           one terminal\n",
    .expected = "terminal show ID",
    .run = run_terminal,
};
const struct command_group RELOAD_GROUP = {
    .word = "reload",
    .usage = "  reload                     checks and takes over the configuration\n",
    .expected = "reload",
    .run = run_reload,
};
const struct command_group DRAIN_GROUP = {
    .word = "drain",
    .usage = "  drain                      finishes what is in flight and stops the switch\n",
    .expected = "drain",
    .run = run_drain,
};
