/* The section `breaker` of a routes file. See channel_health.h. */
#include <stdio.h>
#include <string.h>

#include "routing/channel_health.h"

#define NS_PER_MS UINT64_C(1000000)

static const char *const KNOWN[] = {
    "window_ms",    "request_min",     "connect_percent", "timeout_percent",
    "code_percent", "latency_percent", "latency_ms",      "codes",
    "open_ms",      "open_max_ms",     "probe_count",     "channels",
    NULL,
};

static int64_t number(struct document *document, const struct document_node *node, const char *key,
                      const int64_t range_and_fallback[3])
{
    return document_integer(document, node, (struct document_want){key, false}, range_and_fallback);
}

static void codes_read(struct health_limits *limits, struct document *document,
                       const struct document_node *node)
{
    const struct document_node *list = document_member(node, "codes");
    if (list == NULL) {
        return;
    }
    if (list->kind != DOCUMENT_SEQUENCE || list->child_count == 0 ||
        list->child_count > HEALTH_CODE_COUNT_MAX) {
        document_fault(document, list, "codes: expected a list of 1 to %d response codes",
                       HEALTH_CODE_COUNT_MAX);
        return;
    }
    limits->code_count = 0;
    for (const struct document_node *item = list->first_child; item != NULL; item = item->next) {
        if (item->kind != DOCUMENT_SCALAR || strlen(item->text) != 2) {
            document_fault(document, item, "codes: expected response codes of 2 characters");
            return;
        }
        memcpy(limits->codes[limits->code_count++], item->text, 3);
    }
}

/* What is not said stays as it is in `limits`. */
static void limits_read(struct health_limits *limits, struct document *document,
                        const struct document_node *node)
{
    struct health_limits old = *limits;
    const int64_t window[] = {100, 600000, (int64_t)(old.window_ns / NS_PER_MS)};
    const int64_t first[] = {100, 3600000, (int64_t)(old.open_ns / NS_PER_MS)};
    const int64_t longest[] = {100, 3600000, (int64_t)(old.open_max_ns / NS_PER_MS)};
    const int64_t latency[] = {1, 60000, (int64_t)(old.latency_ns / NS_PER_MS)};
    const int64_t least[] = {1, 1000000, old.request_min};
    const int64_t probes[] = {1, HEALTH_PROBE_COUNT_MAX, old.probe_count};
    document_refuse_unknown(document, node, KNOWN);
    limits->window_ns = NS_PER_MS * (uint64_t)number(document, node, "window_ms", window);
    limits->open_ns = NS_PER_MS * (uint64_t)number(document, node, "open_ms", first);
    limits->open_max_ns = NS_PER_MS * (uint64_t)number(document, node, "open_max_ms", longest);
    limits->latency_ns = NS_PER_MS * (uint64_t)number(document, node, "latency_ms", latency);
    limits->request_min = (uint32_t)number(document, node, "request_min", least);
    limits->probe_count = (uint8_t)number(document, node, "probe_count", probes);
    for (unsigned fault = 0; fault < HEALTH_FAULT_COUNT; fault++) {
        const int64_t percent[] = {0, 100, old.percent[fault]};
        char key[32];
        snprintf(key, sizeof(key), "%s_percent", health_fault_name((enum health_fault)fault));
        limits->percent[fault] = (uint8_t)number(document, node, key, percent);
    }
    codes_read(limits, document, node);
    if (limits->open_max_ns < limits->open_ns) {
        document_fault(document, document_member(node, "open_max_ms"),
                       "open_max_ms: expected at least open_ms");
    }
}

static void channel_read(struct health_rules *rules, struct document *document,
                         const struct document_node *node, const struct channel_table *channels)
{
    int index = channel_table_find(channels, node->key);
    if (index < 0) {
        const char *nearest = channel_table_nearest(channels, node->key);
        document_fault(document, node, "breaker: expected a channel, got \"%.40s\"%s%s%s",
                       node->key, nearest != NULL ? "; did you mean \"" : "",
                       nearest != NULL ? nearest : "", nearest != NULL ? "\"?" : "");
        return;
    }
    if (node->kind != DOCUMENT_MAPPING) {
        document_fault(document, node, "breaker: %s: expected a section", node->key);
        return;
    }
    if (document_member(node, "channels") != NULL) {
        document_fault(document, node, "breaker: %s: expected no channels within a channel",
                       node->key);
        return;
    }
    limits_read(&rules->channels[index], document, node);
}

void health_rules_read(struct health_rules *rules, struct document *document,
                       const struct channel_table *channels)
{
    static const struct health_limits FALLBACK = {
        .window_ns = 10000 * NS_PER_MS,
        .open_ns = 5000 * NS_PER_MS,
        .open_max_ns = 60000 * NS_PER_MS,
        .latency_ns = 10000 * NS_PER_MS,
        .request_min = 20,
        .percent = {[HEALTH_CONNECT] = 50,
                    [HEALTH_TIMEOUT] = 30,
                    [HEALTH_CODE] = 50,
                    [HEALTH_LATENCY] = 50},
        .probe_count = 3,
        .code_count = 2,
        .codes = {"91", "96"},
    };
    const struct document_node *node = document_member(document_root(document), "breaker");
    memset(rules, 0, sizeof(*rules));
    if (node == NULL) {
        return;
    }
    if (node->kind != DOCUMENT_MAPPING) {
        document_fault(document, node, "breaker: expected a section");
        return;
    }
    struct health_limits limits = FALLBACK;
    limits_read(&limits, document, node);
    for (unsigned i = 0; i < CHANNEL_COUNT_MAX; i++) {
        rules->channels[i] = limits;
    }
    const struct document_node *list = document_member(node, "channels");
    if (list != NULL && list->kind != DOCUMENT_MAPPING) {
        document_fault(document, list, "channels: expected a section, a channel each");
        return;
    }
    const struct document_node *item = list == NULL ? NULL : list->first_child;
    for (; item != NULL; item = item->next) {
        channel_read(rules, document, item, channels);
    }
}
