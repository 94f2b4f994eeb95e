/* The outward half of a stream: gathering, the BIO that TLS writes through, and the write itself.
 */
#pragma once

#include <stdbool.h>

#include "switch/net/stream_state.h"

/* Makes the stream's TLS state over our BIO. False: no memory. */
bool output_tls_create(struct stream *stream, SSL_CTX *context);
/* Gives back all buffers that are not in a write. */
void output_drop(struct stream *stream);
