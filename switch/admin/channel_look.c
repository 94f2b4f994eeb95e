/* See channel_look.h. */
#include "switch/admin/channel_look.h"

#include <stdio.h>
#include <string.h>

#include "switch/admin/log_search.h"

#define LAST_COUNT 8 /* of the terminal's messages: sign-ons go to no channel */

static void find_name(const struct call *call, const char *terminal_id, char name[16])
{
    struct log_view view;
    struct txn_query query;
    txn_query_init(&query);
    query.limit = LAST_COUNT;
    snprintf(query.terminal_id, sizeof(query.terminal_id), "%s", terminal_id);
    json_t *page = log_view_open(&view, call->log) ? log_search_find(&view, &query) : NULL;
    const json_t *items = json_object_get(page, "items");
    for (size_t i = 0; i < json_array_size(items) && name[0] == '\0'; i++) {
        const char *channel =
            json_string_value(json_object_get(json_array_get(items, i), "channel"));
        snprintf(name, 16, "%s", channel == NULL ? "" : channel);
    }
    json_decref(page);
    log_view_close(&view);
}

static void ask_switch(const struct call *call, struct channel_look *look)
{
    char reason[CONTROL_CLIENT_REASON_SIZE] = "";
    struct control_client client = {call->control_socket, call->operator_name, NULL};
    Control__Answer *told =
        control_client_call(&client, CONTROL__REQUEST__CALL_STATUS, NULL, reason);
    const Control__Status *status = told == NULL ? NULL : told->status;
    for (size_t i = 0; status != NULL && i < status->n_channels; i++) {
        const Control__Channel *channel = status->channels[i];
        if (strcmp(channel->name, look->name) == 0) {
            look->is_known = true;
            look->is_down = !channel->is_up ||
                            (channel->breaker != NULL && strcmp(channel->breaker, "open") == 0);
        }
    }
    if (told != NULL) {
        control__answer__free_unpacked(told, NULL);
    }
}

void channel_look(const struct call *call, const char *terminal_id, struct channel_look *look)
{
    *look = (struct channel_look){.is_known = false};
    if (terminal_id[0] == '\0') {
        return;
    }
    find_name(call, terminal_id, look->name);
    if (look->name[0] != '\0') {
        ask_switch(call, look);
    }
}
