/* A port of ours that a bank connects to: its connections become the channel's links.
 *
 * Life:  bank_port_create -> start -> (link_take) ... bank_port_released -> stop -> destroy
 */
#pragma once

#include "switch/channel/bank_state.h"

/* For all links of the channel that listen at this one's address and port. NULL: `reason`. */
struct bank_port *bank_port_create(struct bank_channel *channel, struct loop *loop,
                                   const struct bank_link_setup *setup,
                                   char reason[CHANNEL_REASON_SIZE]);
/* Whether the link of that setup is one of the port's. */
bool bank_port_serves(const struct bank_port *port, const struct bank_link_setup *setup);
/* Takes no further connections. */
void bank_port_stop(struct bank_port *port);
void bank_port_destroy(struct bank_port *port);
/* A connection that a link took over has ended. */
void bank_port_released(struct bank_port *port, const struct net_address *peer);
