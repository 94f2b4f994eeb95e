/* What the rim tells, as messages of the control protocol, built in the memory of one call. */
#pragma once

#include "protocols/control.pb-c.h"
#include "switch/control/control.h"
#include "switch/control/control_arena.h"
#include "switch/control/metric_sink.h"

/* NULL: the arena is full. Texts stay the status's. */
Control__Status *control_answer_status(struct control_arena *arena,
                                       const struct control_status *status);
Control__Terminal *control_answer_terminal(struct control_arena *arena,
                                           struct control_terminal *terminal);
/* A watch of `call`, begun, read or ended. NULL: `fault` says why not. */
Control__Trace *control_answer_trace(struct control_arena *arena, const Control__TraceCall *call,
                                     const char **fault);
/* Where the payment that `call` describes would go. NULL: `fault` says why not. */
Control__Explanation *control_answer_explanation(struct control_arena *arena,
                                                 const struct control_rim *rim,
                                                 const Control__ExplainCall *call,
                                                 const char **fault);
/* What the merchant, terminal or card that `call` names has taken. NULL: `fault` says why not. */
Control__Usage *control_answer_usage(struct control_arena *arena, const struct control_rim *rim,
                                     const Control__UsageCall *call, const char **fault);
/* The order that a request gives. NULL: whole as far as can be seen here; else what was expected.
 */
const char *control_order_of(struct control_order *asked, const Control__Request *request);
/* Those in force that `call` asks for. NULL: the arena is full. */
Control__Orders *control_answer_orders(struct control_arena *arena, const struct control_rim *rim,
                                       const Control__OrdersCall *call);
/* Puts the metrics that the status holds. */
void control_answer_metrics(struct metric_sink *sink, const struct control_status *status);
