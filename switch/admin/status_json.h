/* The switch's answers as the JSON of the API. Pure but for memory. */
#pragma once

#include <jansson.h>

#include "protocols/control.pb-c.h"

json_t *status_json(const Control__Status *status);
json_t *status_json_channels(const Control__Status *status);
json_t *status_json_links(const Control__Status *status);
json_t *status_json_terminal(const Control__Terminal *terminal);
/* Its keys by name and check value. */
json_t *status_json_keys(const Control__Terminal *terminal);
