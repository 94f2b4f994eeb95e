/* See status_json.h. */
#include "switch/admin/status_json.h"

#include <stdbool.h>

#include "switch/admin/text_json.h"

static json_t *given_json(const char *text)
{
    return text == NULL || text[0] == '\0' ? json_null() : text_json(text);
}

static json_t *engine_json(const Control__Engine *engine)
{
    return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:f, s:I, s:I}", "epoch",
                     (json_int_t)engine->epoch, "txn_in_flight", (json_int_t)engine->txn_in_flight,
                     "txn_remembered", (json_int_t)engine->txn_remembered, "reversals_pending",
                     (json_int_t)engine->reversals_pending, "reversals_in_flight",
                     (json_int_t)engine->reversals_in_flight, "cases", (json_int_t)engine->cases,
                     "saf_oldest_seconds", (double)engine->saf_oldest_age_ns / 1e9, "effects_held",
                     (json_int_t)engine->held, "log_position", (json_int_t)engine->log_position);
}

static json_t *store_json(const Control__Store *store)
{
    double commits = store->commits == 0 ? 1 : (double)store->commits;
    return json_pack(
        "{s:s, s:I, s:I, s:I, s:I, s:f, s:f, s:I}", "durability", "sync", "rows",
        (json_int_t)store->rows, "commits", (json_int_t)store->commits, "position_durable",
        (json_int_t)store->position_durable, "queued", (json_int_t)store->queued,
        "commit_seconds_mean", (double)store->commit_ns_total / 1e9 / commits, "commit_seconds_max",
        (double)store->commit_ns_max / 1e9, "free_bytes", (json_int_t)store->free_bytes);
}

static json_t *listener_json(const Control__Listener *listener)
{
    return json_pack("{s:s, s:s, s:I, s:b, s:b, s:I, s:I, s:I}", "name", listener->name, "address",
                     listener->address, "port", (json_int_t)listener->port, "tls",
                     (int)listener->is_tls, "listening", (int)listener->is_listening, "open",
                     (json_int_t)listener->open, "accepted", (json_int_t)listener->accepted,
                     "refused", (json_int_t)listener->refused);
}

static json_t *link_json(const char *channel, const Control__Link *link)
{
    return json_pack("{s:s, s:s, s:I, s:s, s:o, s:I, s:I, s:o}", "channel", channel, "address",
                     link->address, "port", (json_int_t)link->port, "state", link->state, "since",
                     text_json_wall(link->since_wall_us), "inflight", (json_int_t)link->inflight,
                     "connects", (json_int_t)link->connects, "text", given_json(link->text));
}

static void links_append(json_t *list, const Control__Channel *channel)
{
    for (size_t i = 0; i < channel->n_links; i++) {
        json_array_append_new(list, link_json(channel->name, channel->links[i]));
    }
}

static json_t *channel_json(const Control__Channel *channel)
{
    json_t *links = json_array();
    links_append(links, channel);
    return json_pack("{s:s, s:b, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:s?, s:s?, s:I, s:o}", "name",
                     channel->name, "up", (int)channel->is_up, "inflight",
                     (json_int_t)channel->inflight, "window", (json_int_t)channel->window,
                     "requests", (json_int_t)channel->requests, "answers",
                     (json_int_t)channel->answers, "timeouts", (json_int_t)channel->timeouts,
                     "late", (json_int_t)channel->late, "unmatched", (json_int_t)channel->unmatched,
                     "breaker", channel->breaker, "breaker_reason", channel->breaker_reason,
                     "breaker_openings", (json_int_t)channel->breaker_openings, "links", links);
}

static json_t *listeners_json(const Control__Status *status)
{
    json_t *list = json_array();
    for (size_t i = 0; i < status->n_listeners; i++) {
        json_array_append_new(list, listener_json(status->listeners[i]));
    }
    return list;
}

static json_t *channel_list(const Control__Status *status)
{
    json_t *list = json_array();
    for (size_t i = 0; i < status->n_channels; i++) {
        json_array_append_new(list, channel_json(status->channels[i]));
    }
    return list;
}

json_t *status_json(const Control__Status *status)
{
    json_t *config = json_pack(
        "{s:o, s:b, s:o, s:I}", "loaded", text_json_wall(status->config_loaded_wall_us),
        "last_reload_successful", (int)status->is_config_good, "text",
        given_json(status->config_text), "ruleset_version", (json_int_t)status->ruleset_version);
    json_t *terminals =
        json_pack("{s:I, s:I, s:I}", "registered", (json_int_t)status->terminals->registered,
                  "signed_on", (json_int_t)status->terminals->signed_on, "connected",
                  (json_int_t)status->terminals->connected);
    return json_pack(
        "{s:s, s:s, s:I, s:s, s:o, s:f, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "version",
        status->version, "revision", status->revision, "node", (json_int_t)status->node, "state",
        status->state, "started", text_json_wall(status->started_wall_us), "uptime_seconds",
        (double)status->uptime_ns / 1e9, "time", text_json_wall(status->wall_us), "config", config,
        "engine", engine_json(status->engine), "store", store_json(status->store), "terminals",
        terminals, "listeners", listeners_json(status), "channels", channel_list(status));
}

json_t *status_json_channels(const Control__Status *status)
{
    return json_pack("{s:o}", "items", channel_list(status));
}

json_t *status_json_links(const Control__Status *status)
{
    json_t *list = json_array();
    for (size_t i = 0; i < status->n_channels; i++) {
        links_append(list, status->channels[i]);
    }
    return json_pack("{s:o}", "items", list);
}

static json_t *sum_json(const Control__BatchSum *sum)
{
    return json_pack("{s:I, s:I}", "amount", (json_int_t)sum->minor, "count",
                     (json_int_t)sum->count);
}

static json_t *clock_json(const Control__TerminalDay *day)
{
    return day->has_clock_ahead_s ? json_integer((json_int_t)day->clock_ahead_s) : json_null();
}

static json_t *day_json(const Control__TerminalDay *day)
{
    return day == NULL ? json_null()
                       : json_pack("{s:o, s:o, s:o, s:o, s:s, s:o, s:o, s:o, s:o}",
                                   "domestic_debit", sum_json(day->domestic_debit),
                                   "domestic_credit", sum_json(day->domestic_credit),
                                   "foreign_debit", sum_json(day->foreign_debit), "foreign_credit",
                                   sum_json(day->foreign_credit), "settled", day->settled,
                                   "status_at", text_json_wall(day->status_wall_us), "faulty",
                                   given_json(day->faulty), "wanted", given_json(day->wanted),
                                   "clock_ahead_seconds", clock_json(day));
}

static json_t *watch_json(const Control__TerminalWatch *watch)
{
    return watch == NULL ? json_null()
                         : json_pack("{s:o, s:o, s:o, s:o, s:o, s:I, s:I, s:I, s:I, s:I, s:I, s:I}",
                                     "as_of", text_json_wall(watch->as_of_us), "last_seen",
                                     text_json_wall(watch->last_seen_us), "last_signon",
                                     text_json_wall(watch->last_signon_us), "last_settled",
                                     text_json_wall(watch->last_settled_us), "last_payment",
                                     text_json_wall(watch->last_payment_us), "payments_day",
                                     (json_int_t)watch->payments_day, "declines_day",
                                     (json_int_t)watch->declines_day, "timeouts_day",
                                     (json_int_t)watch->timeouts_day, "reversals",
                                     (json_int_t)watch->reversals, "mac_failures",
                                     (json_int_t)watch->mac_failures, "tls_failures",
                                     (json_int_t)watch->tls_failures, "fallback_per_mille",
                                     (json_int_t)watch->fallback_per_mille);
}

json_t *status_json_terminal(const Control__Terminal *terminal)
{
    return json_pack(
        "{s:s, s:s, s:b, s:b, s:o, s:o, s:b, s:I, s:o, s:o, s:b, s:o, s:o, s:{s:I, s:I, s:I, s:I, "
        "s:I, s:I}, s:o, s:o, s:o}",
        "terminal_id", terminal->terminal_id, "merchant_id", terminal->merchant_id, "registered",
        (int)terminal->is_registered, "active", (int)terminal->is_active, "brand",
        given_json(terminal->brand), "model", given_json(terminal->model), "signed_on",
        (int)terminal->is_signed_on, "batch", (json_int_t)terminal->batch, "signed_on_at",
        text_json_wall(terminal->signed_on_wall_us), "last_seen",
        text_json_wall(terminal->last_seen_wall_us), "connected", (int)terminal->is_connected,
        "address", given_json(terminal->address), "tls_version", given_json(terminal->tls_version),
        "counts", "requests", (json_int_t)terminal->requests, "approved",
        (json_int_t)terminal->approved, "declined", (json_int_t)terminal->declined, "refused",
        (json_int_t)terminal->refused, "unknown", (json_int_t)terminal->unknown, "reversals",
        (json_int_t)terminal->reversals, "day", day_json(terminal->day), "watch",
        watch_json(terminal->watch), "watch_fault", given_json(terminal->watch_fault));
}

json_t *status_json_keys(const Control__Terminal *terminal)
{
    json_t *keys = json_array();
    for (size_t i = 0; i < terminal->n_keys; i++) {
        json_array_append_new(keys, json_pack("{s:s, s:s}", "name", terminal->keys[i]->name, "kcv",
                                              terminal->keys[i]->kcv));
    }
    return keys;
}
