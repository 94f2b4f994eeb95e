/* Requests of a link that wait for the bank's answer, by trace number: how many, and since when.
 *
 * The engine decides what an answer means; this only counts, so that no more wait than the bank
 * takes. A request whose answer stays away leaves after its life.
 *
 * Life:  stan_window_create -> put, take, expire ... -> stan_window_destroy
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "protocols/base/status.h"

struct stan_window;

struct stan_window *stan_window_create(uint32_t count_max, uint64_t life_ns); /* NULL: no memory */
void stan_window_destroy(struct stan_window *window);

/* False: as many as may wait do. A number that waits already counts once and lives anew. */
MUST_CHECK bool stan_window_put(struct stan_window *window, uint32_t stan, uint64_t now_ns);
/* Whether it waited. */
bool stan_window_take(struct stan_window *window, uint32_t stan);
void stan_window_clear(struct stan_window *window);
uint32_t stan_window_count(struct stan_window *window, uint64_t now_ns);
