/* What the loop asks of its streams at the end of a turn. For loop.c alone. */
#pragma once

struct loop;

/* Offers kept bytes again to the owners that asked for them. */
void streams_offer_again(struct loop *loop);
/* Writes what was gathered. */
void streams_flush(struct loop *loop);
