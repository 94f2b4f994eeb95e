/* See option_check.h. */
#include "config/option_check.h"

#include <string.h>

#include "config/channel_check.h"
#include "protocols/base/require.h"

/* The item `index` of a list that was read. */
static const struct document_node *item_of(const struct document *document, const char *list,
                                           uint32_t index)
{
    const struct document_node *item = document_member(document_root(document), list)->first_child;
    while (index-- > 0) {
        item = item->next;
    }
    return item;
}

/* The same, or one of its members when that is there. */
static const struct document_node *item_member(const struct document *document, const char *list,
                                               uint32_t index, const char *key)
{
    const struct document_node *item = item_of(document, list, index);
    const struct document_node *member = document_member(item, key);
    return member != NULL ? member : item;
}

/* Whatever a listener allows must be told apart by the first bytes of a message. */
static void lengths_check(struct document *document, const struct server_options *options,
                          uint32_t index)
{
    const struct framing_options *framing = &options->listeners[index].framing;
    const struct document_node *section = item_member(document, "listeners", index, "framing");
    const struct document_node *node = document_member(section, "length");
    for (unsigned i = 0; i < FRAME_LENGTH_KIND_COUNT; i++) {
        for (unsigned j = i + 1; j < FRAME_LENGTH_KIND_COUNT; j++) {
            char reason[FRAME_LENGTH_REASON_SIZE];
            bool are_both = (framing->lengths >> i & 1U) != 0 && (framing->lengths >> j & 1U) != 0;
            if (are_both &&
                !frame_lengths_are_told_apart((enum frame_length_kind)i, (enum frame_length_kind)j,
                                              framing->length_max, reason)) {
                document_fault(document, node != NULL ? node : section,
                               "framing.length: %s; expected a listener for each of them", reason);
            }
        }
    }
}

static void listeners_check(struct document *document, const struct server_options *options)
{
    for (uint32_t i = 0; i < options->listener_count; i++) {
        const struct listener_options *one = &options->listeners[i];
        lengths_check(document, options, i);
        if (one->http_paths.count > 0 && !one->framing.may_be_http) {
            document_fault(document, item_member(document, "listeners", i, "http_paths"),
                           "http_paths: expected framing.http: true beside it, got false");
        }
        for (uint32_t j = 0; j < i; j++) {
            const struct listener_options *other = &options->listeners[j];
            if (strcmp(one->name, other->name) == 0) {
                document_fault(document, item_member(document, "listeners", i, "name"),
                               "name: expected one of its own, got \"%s\" as in line %u", one->name,
                               other->line);
            }
            if (one->port != 0 && one->port == other->port &&
                strcmp(one->address, other->address) == 0) {
                document_fault(document, item_member(document, "listeners", i, "port"),
                               "port: expected one that is free, got %u of %s as in line %u",
                               one->port, one->address, other->line);
            }
        }
    }
}

/* An item of a channel's list, or one of its members when that is there. */
static const struct document_node *channel_item(const struct document *document, uint32_t channel,
                                                const char *list, uint32_t index, const char *key)
{
    const struct document_node *item = item_of(document, "channels", channel);
    const struct document_node *items = document_member(item, list);
    if (items == NULL) { /* a link that address and port of the channel make */
        return item;
    }
    item = items->first_child;
    while (index-- > 0) {
        item = item->next;
    }
    const struct document_node *member = document_member(item, key);
    return member != NULL ? member : item;
}

/* Either a list of links, or address and port of the only one. */
static void places_check(struct document *document, const struct channel_options *one,
                         uint32_t index)
{
    const struct document_node *item = item_of(document, "channels", index);
    if (document_member(item, "links") != NULL && one->link_count > 0) {
        if (one->address[0] != '\0' || one->port != 0) {
            document_fault(document, item,
                           "address, port: expected either these or links, got both");
        }
    } else if (one->address[0] == '\0' || one->port == 0) {
        document_fault(document, item,
                       "%s is missing: expected where the bank's host is, or a list of links",
                       one->address[0] == '\0' ? "address" : "port");
    }
}

/* What may stand in the head of a POST: what else there is ends it, or is refused by who reads it.
 */
static bool is_visible(const char *text)
{
    while (*text >= '!' && *text <= '~') {
        text++;
    }
    return *text == '\0';
}

/* Who posts is who connects. */
static void http_check(struct document *document, const struct channel_options *one,
                       uint32_t channel)
{
    for (uint32_t i = 0; one->framing.may_be_http && i < one->link_count; i++) {
        if (one->links[i].is_listening) {
            document_fault(document, channel_item(document, channel, "links", i, "listen"),
                           "listen: expected false beside framing.http: true, since who posts is "
                           "who connects, got true");
        }
    }
    if (one->framing.http_path[0] != '/' || !is_visible(one->framing.http_path) ||
        !is_visible(one->framing.http_host) || strchr(one->framing.http_host, '/') != NULL) {
        document_fault(document, item_member(document, "channels", channel, "framing"),
                       "framing.http_path, framing.http_host: expected /path and host[:port] "
                       "of ASCII without blanks, got \"%s\" and \"%s\"",
                       one->framing.http_path, one->framing.http_host);
    }
}

/* A port of ours is one channel's, and says who may come. */
static void listening_check(struct document *document, const struct server_options *options,
                            uint32_t channel, uint32_t index)
{
    const struct channel_options *one = &options->channels[channel];
    const struct link_options *link = &one->links[index];
    if (!one->tls.is_on && link->from.count == 0) {
        document_fault(document, channel_item(document, channel, "links", index, "from"),
                       "from is missing: expected the addresses that may connect, or a section "
                       "tls of the channel");
    }
    if (one->tls.is_on && (one->tls.certificate[0] == '\0' || one->tls.key[0] == '\0')) {
        document_fault(document, item_member(document, "channels", channel, "tls"),
                       "tls.%s is missing: expected the certificate that is shown to whoever "
                       "connects",
                       one->tls.certificate[0] == '\0' ? "certificate" : "key");
    }
    for (uint32_t i = 0; i < channel; i++) {
        for (uint32_t j = 0; j < options->channels[i].link_count; j++) {
            const struct link_options *other = &options->channels[i].links[j];
            if (other->is_listening && other->port == link->port &&
                strcmp(other->address, link->address) == 0) {
                document_fault(document, channel_item(document, channel, "links", index, "port"),
                               "port: expected one of this channel's own, got %u of %s as in line "
                               "%u",
                               link->port, link->address, other->line);
            }
        }
    }
}

static void links_check(struct document *document, const struct server_options *options,
                        uint32_t channel)
{
    const struct channel_options *one = &options->channels[channel];
    places_check(document, one, channel);
    http_check(document, one, channel);
    for (uint32_t i = 0; i < one->link_count; i++) {
        const struct link_options *link = &one->links[i];
        if (link->is_listening) {
            listening_check(document, options, channel, i);
        } else if (link->from.count > 0) {
            document_fault(document, channel_item(document, channel, "links", i, "from"),
                           "from: expected listen: true beside it, got false");
        }
        if (link->window > one->window) {
            document_fault(document, channel_item(document, channel, "links", i, "window"),
                           "window: expected at most the channel's (%u), got %u", one->window,
                           link->window);
        }
    }
    if ((one->tls.certificate[0] == '\0') != (one->tls.key[0] == '\0')) {
        document_fault(document, item_member(document, "channels", channel, "tls"),
                       "tls.certificate, tls.key: expected both or none");
    }
}

static bool is_pattern(const char *text, uint32_t length)
{
    return text[0] == '\0' || (strlen(text) == length && strspn(text, "0123456789x") == length);
}

static void match_check(struct document *document, const struct channel_options *one,
                        uint32_t channel)
{
    static const char *const words[] = {
#define X(set, name, word) word,
        MATCH_FIELD_MAP(X) NULL
#undef X
    };
    for (uint32_t i = 0; i < one->match_count; i++) {
        const struct match_options *rule = &one->match[i];
        if (!is_pattern(rule->mti, 4)) {
            document_fault(document, channel_item(document, channel, "match", i, "mti"),
                           "mti: expected 4 digits, got \"%s\"", rule->mti);
        }
        if (!is_pattern(rule->processing_code, 6)) {
            document_fault(document, channel_item(document, channel, "match", i, "processing_code"),
                           "processing_code: expected 6 digits, x for any, got \"%s\"",
                           rule->processing_code);
        }
        for (uint32_t j = 0; j < rule->fields.count; j++) {
            const char *word = rule->fields.items[j];
            const char *nearest = document_nearest(word, words);
            if (nearest == NULL || strcmp(nearest, word) != 0) {
                document_fault(document, channel_item(document, channel, "match", i, "fields"),
                               "fields: \"%s\" is none; expected stan, terminal, merchant, rrn, "
                               "amount, sent_at or acquirer%s%s%s",
                               word, nearest != NULL ? "; did you mean \"" : "",
                               nearest != NULL ? nearest : "", nearest != NULL ? "\"?" : "");
            }
        }
    }
}

static void channels_check(struct document *document, const struct server_options *options)
{
    for (uint32_t i = 0; i < options->channel_count; i++) {
        const struct channel_options *one = &options->channels[i];
        if (one->reconnect_min_ms > one->reconnect_max_ms) {
            document_fault(document, item_member(document, "channels", i, "reconnect_max_ms"),
                           "reconnect_max_ms: expected at least reconnect_min_ms (%u), got %u",
                           one->reconnect_min_ms, one->reconnect_max_ms);
        }
        channel_check(document, item_of(document, "channels", i), one);
        if (!one->wallet.is_on) {
            links_check(document, options, i);
            match_check(document, one, i);
        }
        for (uint32_t j = 0; j < i; j++) {
            if (strcmp(one->name, options->channels[j].name) == 0) {
                document_fault(document, item_member(document, "channels", i, "name"),
                               "name: expected one of its own, got \"%s\" as in line %u", one->name,
                               options->channels[j].line);
            }
        }
    }
}

/* Where an option of a section stands, for faults of the pair that it belongs to. */
static const struct document_node *section_member(const struct document *document,
                                                  const char *section, const char *key)
{
    const struct document_node *root = document_root(document);
    const struct document_node *node = document_member(root, section);
    const struct document_node *member = document_member(node, key);
    return member != NULL ? member : node != NULL ? node : root;
}

static void server_check(struct document *document, const struct server_options *options)
{
    const struct hsm_options *hsm = &options->hsm;
    const struct engine_options *engine = &options->engine;
    if (hsm->master_key != OPTION_MASTER_KEY_TEST && hsm->master_key_path[0] == '\0') {
        document_fault(document, section_member(document, "hsm", "master_key_path"),
                       "hsm.master_key_path is missing: expected the file that holds the key");
    }
    if (hsm->pin_policy == OPTION_PIN_POLICY_LIVE && hsm->module == OPTION_HSM_MODULE_SOFT) {
        document_fault(document, section_member(document, "hsm", "pin_policy"),
                       "hsm.pin_policy: expected lab or non_pin with the soft module, got live; "
                       "cardholders' PINs need a security module in hardware");
    }
    if (engine->saf_retry_min_ms > engine->saf_retry_max_ms) {
        document_fault(document, section_member(document, "engine", "saf_retry_max_ms"),
                       "engine.saf_retry_max_ms: expected at least saf_retry_min_ms (%u), got %u",
                       engine->saf_retry_min_ms, engine->saf_retry_max_ms);
    }
    if (engine->inflight_life_ms < engine->response_timeout_ms) {
        document_fault(document, section_member(document, "engine", "inflight_life_ms"),
                       "engine.inflight_life_ms: expected at least response_timeout_ms (%u), got "
                       "%u",
                       engine->response_timeout_ms, engine->inflight_life_ms);
    }
    if (engine->saf_life_ms < engine->inflight_life_ms) {
        document_fault(document, section_member(document, "engine", "saf_life_ms"),
                       "engine.saf_life_ms: expected at least inflight_life_ms (%u), got %u",
                       engine->inflight_life_ms, engine->saf_life_ms);
    }
}

/* Only its own machine is reached without TLS. */
static bool is_webhook_url(const char *url)
{
    static const char HERE[] = "http://127.0.0.1";
    size_t length = strlen(HERE);
    bool is_here = strncmp(url, HERE, length) == 0 && (url[length] == ':' || url[length] == '/');
    bool is_https = strncmp(url, "https://", 8) == 0 && url[8] != '\0' && url[8] != '/';
    return (is_https || is_here) && strpbrk(url, "@# \\\"") == NULL && is_visible(url);
}

/* A name stands in paths of the admin port. */
static bool is_webhook_name(const char *name)
{
    return strspn(name, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz-_") ==
           strlen(name);
}

static void webhook_check(struct document *document, const struct server_options *options,
                          const struct document_node *item, uint32_t index)
{
    const struct webhook_options *one = &options->aftersales.webhooks[index];
    const struct document_node *url = document_member(item, "url");
    if (!is_webhook_url(one->url)) {
        document_fault(document, url,
                       "url: expected https://host[:port][/path] without a user, or http:// to "
                       "127.0.0.1, got \"%.80s\"",
                       one->url);
    }
    if (!is_webhook_name(one->name)) {
        document_fault(document, document_member(item, "name"),
                       "name: expected letters, digits, - and _, got \"%s\"", one->name);
    }
    if (one->retry_min_ms > one->retry_max_ms) {
        document_fault(document, item, "retry_max_ms: expected at least retry_min_ms (%u), got %u",
                       one->retry_min_ms, one->retry_max_ms);
    }
    for (uint32_t i = 0; i < index; i++) {
        const struct webhook_options *other = &options->aftersales.webhooks[i];
        if (strcmp(one->name, other->name) == 0) {
            document_fault(document, document_member(item, "name"),
                           "name: expected one of its own, got \"%s\" as in line %u", one->name,
                           other->line);
        }
    }
}

static void webhooks_check(struct document *document, const struct server_options *options)
{
    const struct document_node *section = document_member(document_root(document), "aftersales");
    const struct document_node *list = document_member(section, "webhooks");
    if (options->aftersales.webhook_count == 0) {
        return;
    }
    if (options->aftersales.folder[0] == '\0') {
        document_fault(
            document, list,
            "aftersales.webhooks: expected aftersales.folder beside it, whose events are "
            "posted");
    }
    const struct document_node *item = list->first_child;
    for (uint32_t i = 0; i < options->aftersales.webhook_count; i++, item = item->next) {
        webhook_check(document, options, item, i);
    }
}

void option_check(struct document *document, const struct server_options *options)
{
    REQUIRE(document_fault_count(document) == 0);
    listeners_check(document, options);
    channels_check(document, options);
    server_check(document, options);
    webhooks_check(document, options);
}
