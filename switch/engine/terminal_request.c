/* See terminal_request.h. */
#include "switch/engine/terminal_request.h"

#include <string.h>

#include "protocols/base/require.h"
#include "switch/engine/order_use.h"

const char *terminal_request_text(uint8_t terminal_request)
{
    switch (terminal_request) {
#define X(name, digit, text)                                                                       \
    case TERMINAL_REQUEST_##name:                                                                  \
        return (text);
        TERMINAL_REQUEST_MAP(X)
#undef X
    default:
        return "";
    }
}

/* The version of the parameters that the rules in force mean for the terminal; 0: it has none. */
static uint32_t wanted_parameters(const struct engine *engine,
                                  const struct terminal_state *terminal)
{
    const struct download_table *table = ruleset_download_view(engine->ruleset);
    char text[DOWNLOAD_PARAMETER_BYTES_MAX];
    struct byte_writer writer;
    if (terminal->day.parameters_ruleset == engine->ruleset_count) {
        return terminal->day.parameters;
    }
    byte_writer_init(&writer, text, sizeof(text));
    return table == NULL ? 0
                         : download_table_parameters(table, terminal->merchant_id,
                                                     terminal->terminal_id, &writer);
}

static bool is_outdated(const struct engine *engine, const struct terminal_state *terminal,
                        enum download_class class)
{
    const struct download_table *table = ruleset_download_view(engine->ruleset);
    uint32_t version = table == NULL ? 0 : download_table_version(table, class);
    return version != 0 && version != terminal->day.versions[class];
}

static bool is_status_due(const struct engine *engine, const struct terminal_state *terminal)
{
    const struct terminal_day *day = &terminal->day;
    return engine->limits.status_every_ns != 0 &&
           (day->status_wall_us == 0 ||
            engine->now_ns - day->status_ns >= engine->limits.status_every_ns);
}

/* What somebody ordered to be asked; somebody may have the terminal in his hands. */
static uint8_t ordered(const struct engine *engine, const struct terminal_state *terminal)
{
    uint32_t asks = order_asks(engine, terminal->terminal_id);
    return (asks & ORDER_BIT(ORDER_ASK_SIGNON)) != 0     ? TERMINAL_REQUEST_SIGN_ON
           : (asks & ORDER_BIT(ORDER_ASK_DOWNLOAD)) != 0 ? TERMINAL_REQUEST_PARAMETERS
           : (asks & ORDER_BIT(ORDER_ASK_STATUS)) != 0   ? TERMINAL_REQUEST_STATUS
           : (asks & ORDER_BIT(ORDER_ASK_UPDATE)) != 0   ? TERMINAL_REQUEST_SOFTWARE
                                                         : TERMINAL_REQUEST_NONE;
}

uint8_t terminal_request_pending(const struct engine *engine, uint32_t terminal)
{
    const struct terminal_state *state = &engine->terminals.states[terminal];
    uint8_t request = state->is_signed_on ? ordered(engine, state) : TERMINAL_REQUEST_SIGN_ON;
    if (request != TERMINAL_REQUEST_NONE) {
        return request;
    }
    if (is_outdated(engine, state, DOWNLOAD_CA_KEYS)) {
        return TERMINAL_REQUEST_CA_KEYS;
    }
    if (is_outdated(engine, state, DOWNLOAD_AIDS)) {
        return TERMINAL_REQUEST_AIDS;
    }
    uint32_t parameters = wanted_parameters(engine, state);
    if (parameters != 0 && parameters != state->day.versions[DOWNLOAD_PARAMETERS]) {
        return TERMINAL_REQUEST_PARAMETERS;
    }
    if (is_status_due(engine, state)) {
        return TERMINAL_REQUEST_STATUS;
    }
    return is_outdated(engine, state, DOWNLOAD_BLACKLIST) ? TERMINAL_REQUEST_BLACKLIST
                                                          : TERMINAL_REQUEST_NONE;
}

static bool is_in_download(enum payment_kind kind)
{
    return kind == PAYMENT_PARAMETER || kind == PAYMENT_CA_KEY_LIST || kind == PAYMENT_CA_KEY ||
           kind == PAYMENT_AID_LIST || kind == PAYMENT_AID || kind == PAYMENT_BIN_LIST;
}

uint8_t terminal_request_of(struct engine *engine, const struct payment *reply)
{
    uint32_t terminal = terminal_set_find(&engine->terminals, reply->terminal_id);
    if (terminal == 0 || reply->kind == PAYMENT_SIGNOFF) {
        return TERMINAL_REQUEST_NONE;
    }
    if (strcmp(reply->response_code, "77") == 0) {
        return TERMINAL_REQUEST_SIGN_ON; /* batch or keys are not what it thinks */
    }
    if (is_in_download(reply->kind)) {
        return TERMINAL_REQUEST_NONE;
    }
    struct terminal_state *state = &engine->terminals.states[terminal];
    state->day.parameters = wanted_parameters(engine, state); /* once a version of the rules */
    state->day.parameters_ruleset = engine->ruleset_count;
    return terminal_request_pending(engine, terminal);
}
