/* One direction of a link. The order of a message's fate: judged, changed, damaged, copied for
 * replay, dropped or set aside or queued, cut short, sent in pieces. */
#include <stdlib.h>
#include <string.h>

#include "loadtest/chaos/link.h"

static void pipe_pump(struct pipe *pipe);
static void timer_arm(struct pipe *pipe);

static struct parcel *parcel_create(const void *bytes, uint32_t length)
{
    struct parcel *parcel = calloc(1, sizeof *parcel + length);
    if (parcel != NULL) {
        parcel->length = length;
        memcpy(parcel->bytes, bytes, length);
    }
    return parcel;
}

static void parcels_free(struct parcel *parcel)
{
    while (parcel != NULL) {
        struct parcel *next = parcel->next;
        free(parcel);
        parcel = next;
    }
}

void pipe_free(struct pipe *pipe)
{
    parcels_free(pipe->first);
    parcels_free(pipe->aside);
    pipe->first = pipe->last = pipe->aside = NULL;
}

static uint64_t loop_now(const struct pipe *pipe)
{
    return uv_now(pipe->link->relay->setup.loop);
}

/* ---- out */

static void on_written(uv_write_t *write, int result)
{
    struct end *end = write->handle->data;
    free(write);
    if (result < 0) {
        link_close(end->link, true);
        return;
    }
    struct link *link = end->link;
    pipe_pump(&link->pipes[end == &link->server ? CHAOS_TO_SERVER : CHAOS_TO_CLIENT]);
}

/* Straight to the socket; what it does not take waits in libuv's queue. */
static void sink_write(struct pipe *pipe, const uint8_t *bytes, uint32_t length)
{
    uv_stream_t *stream = (uv_stream_t *)&pipe->sink->tcp;
    uv_buf_t all = uv_buf_init((char *)(uintptr_t)bytes, length);
    if (pipe->sink->is_closing || pipe->is_shut) {
        return;
    }
    int sent = uv_try_write(stream, &all, 1);
    uint32_t done = sent < 0 ? 0 : (uint32_t)sent;
    if (done == length) {
        return;
    }
    uv_write_t *write =
        sent < 0 && sent != UV_EAGAIN ? NULL : malloc(sizeof *write + length - done);
    if (write == NULL) {
        link_close(pipe->link, true);
        return;
    }
    memcpy(write + 1, bytes + done, length - done);
    uv_buf_t rest = uv_buf_init((char *)(write + 1), length - done);
    if (uv_write(write, stream, &rest, 1, on_written) != 0) {
        free(write);
        link_close(pipe->link, true);
    }
}

static void on_shut(uv_shutdown_t *shutdown, int result)
{
    struct end *end = shutdown->handle->data;
    (void)result; /* whatever it was, nothing more is sent */
    bool is_closing_wanted = shutdown->data != NULL;
    free(shutdown);
    struct link *link = end->link;
    if (is_closing_wanted) {
        end_close(end, false);
    }
    if (link->pipes[0].is_shut && link->pipes[1].is_shut) {
        link_close(link, false);
    }
}

/* No more goes to this end after what is on its way; `is_close`: nor is it read any more. */
static void sink_end(struct pipe *pipe, struct end *end, bool is_close)
{
    uv_shutdown_t *shutdown = end->is_closing ? NULL : malloc(sizeof *shutdown);
    pipe->is_shut = pipe->is_shut || end == pipe->sink;
    if (shutdown == NULL) {
        end_close(end, false);
        return;
    }
    shutdown->data = is_close ? end : NULL;
    if (uv_shutdown(shutdown, (uv_stream_t *)&end->tcp, on_shut) != 0) {
        free(shutdown);
        end_close(end, false);
    }
}

static void end_do(struct pipe *pipe, enum chaos_action end, enum chaos_side side)
{
    if (end == CHAOS_HALF_CLOSE) {
        sink_end(pipe, pipe->sink, false);
        return;
    }
    if (side != CHAOS_SIDE_SENDER && end == CHAOS_RESET) {
        end_close(pipe->sink, true);
    } else if (side != CHAOS_SIDE_SENDER) {
        sink_end(pipe, pipe->sink, true);
    }
    if (side != CHAOS_SIDE_RECEIVER && end == CHAOS_RESET) {
        end_close(pipe->source, true);
    } else if (side != CHAOS_SIDE_RECEIVER) {
        sink_end(pipe, pipe->source, true);
    }
}

static void first_pop(struct pipe *pipe)
{
    struct parcel *parcel = pipe->first;
    pipe->first = parcel->next;
    pipe->last = pipe->first == NULL ? NULL : pipe->last;
    pipe->queued_bytes -= parcel->length;
    pipe->merged_count -= parcel->is_merged;
    pipe->is_stalled = pipe->is_stalled && !parcel->is_stall;
    bool is_ended = parcel->is_ended;
    enum chaos_action end = parcel->end;
    enum chaos_side side = parcel->end_side;
    free(parcel);
    if (is_ended && !pipe->is_shut) {
        end_do(pipe, end, side);
    }
}

/* All merged parcels at the front, in one writing. */
static void merged_write(struct pipe *pipe)
{
    uint8_t all[PIPE_IN_BYTES * 4];
    uint32_t length = 0, count = 0;
    for (struct parcel *at = pipe->first; at != NULL && at->is_merged; at = at->next, count++) {
        if (at->due_ms > loop_now(pipe) || sizeof all - length < at->length) {
            break;
        }
        memcpy(all + length, at->bytes, at->length);
        length += at->length;
    }
    if (length > 0) {
        sink_write(pipe, all, length);
    }
    for (; count > 0 && pipe->first != NULL; count--) {
        first_pop(pipe);
    }
}

/* Answers whether the pump may go on at once. */
static bool first_write(struct pipe *pipe)
{
    struct parcel *parcel = pipe->first;
    if (parcel->is_merged && parcel->length <= PIPE_IN_BYTES) {
        merged_write(pipe);
        return true;
    }
    uint32_t left = parcel->length - parcel->sent;
    uint32_t now = parcel->piece > 0 && parcel->piece < left ? parcel->piece : left;
    if (now > 0) {
        sink_write(pipe, parcel->bytes + parcel->sent, now);
    }
    parcel->sent += now;
    if (parcel->sent == parcel->length) {
        first_pop(pipe);
        return true;
    }
    parcel->due_ms = parcel->piece_ms > 0 ? loop_now(pipe) + parcel->piece_ms : parcel->due_ms;
    return parcel->piece_ms == 0;
}

static void on_alloc(uv_handle_t *handle, size_t wanted, uv_buf_t *buffer)
{
    (void)wanted;
    struct end *end = handle->data;
    struct relay *relay = end->link->relay;
    *buffer = uv_buf_init(relay->bytes, sizeof relay->bytes);
}

static void on_read(uv_stream_t *stream, ssize_t count, const uv_buf_t *buffer);

/* The source is read while there is room, and nothing holds all that comes behind. */
static void reading_update(struct pipe *pipe)
{
    bool is_wanted =
        !pipe->source->is_closing && !pipe->is_source_ended && !pipe->is_stalled &&
        pipe->queued_bytes < PIPE_QUEUE_BYTES_MAX &&
        uv_stream_get_write_queue_size((uv_stream_t *)&pipe->sink->tcp) < PIPE_QUEUE_BYTES_MAX;
    if (is_wanted && !pipe->is_reading) {
        pipe->is_reading = uv_read_start((uv_stream_t *)&pipe->source->tcp, on_alloc, on_read) == 0;
    } else if (!is_wanted && pipe->is_reading) {
        uv_read_stop((uv_stream_t *)&pipe->source->tcp);
        pipe->is_reading = false;
    }
}

static void pipe_pump(struct pipe *pipe)
{
    if (pipe->link->is_closing || !pipe->link->is_connected) {
        return;
    }
    while (pipe->first != NULL && pipe->first->due_ms <= loop_now(pipe) && first_write(pipe)) {
    }
    if (pipe->link->is_closing) {
        return;
    }
    if (pipe->first == NULL && pipe->aside == NULL && pipe->is_source_ended && !pipe->is_shut) {
        sink_end(pipe, pipe->sink, false);
    }
    reading_update(pipe);
    timer_arm(pipe);
}

/* ---- queue */

static void parcel_queue(struct pipe *pipe, struct parcel *parcel)
{
    parcel->next = NULL;
    if (pipe->last == NULL) {
        pipe->first = parcel;
    } else {
        pipe->last->next = parcel;
    }
    pipe->last = parcel;
    pipe->queued_bytes += parcel->length;
    pipe->merged_count += parcel->is_merged;
    pipe->is_stalled = pipe->is_stalled || parcel->is_stall;
}

static void aside_add(struct pipe *pipe, struct parcel *parcel)
{
    struct parcel **place = &pipe->aside;
    while (*place != NULL) {
        place = &(*place)->next;
    }
    parcel->next = NULL;
    *place = parcel;
}

/* Back into the queue: who has been overtaken enough, or has waited long enough. */
static void aside_release(struct pipe *pipe, bool has_passed)
{
    for (struct parcel **place = &pipe->aside; *place != NULL;) {
        struct parcel *parcel = *place;
        parcel->passes_left -= has_passed && parcel->passes_left > 0;
        if (parcel->passes_left > 0 && parcel->due_ms > loop_now(pipe)) {
            place = &parcel->next;
            continue;
        }
        *place = parcel->next;
        parcel->due_ms = loop_now(pipe);
        parcel_queue(pipe, parcel);
    }
}

static void on_timer(uv_timer_t *timer)
{
    struct pipe *pipe = timer->data;
    aside_release(pipe, false);
    pipe_pump(pipe);
}

static void timer_arm(struct pipe *pipe)
{
    uint64_t due_ms = pipe->first == NULL ? PARCEL_NEVER : pipe->first->due_ms;
    for (struct parcel *at = pipe->aside; at != NULL; at = at->next) {
        due_ms = at->due_ms < due_ms ? at->due_ms : due_ms;
    }
    if (due_ms == PARCEL_NEVER) {
        uv_timer_stop(&pipe->timer);
        return;
    }
    uint64_t now_ms = loop_now(pipe);
    uv_timer_start(&pipe->timer, on_timer, due_ms > now_ms ? due_ms - now_ms : 0, 0);
}

void pipe_put(struct pipe *pipe, const void *bytes, uint32_t length)
{
    struct parcel *parcel = parcel_create(bytes, length);
    if (parcel == NULL) {
        link_close(pipe->link, true);
        return;
    }
    parcel->due_ms = loop_now(pipe);
    parcel_queue(pipe, parcel);
    pipe_pump(pipe);
}

void pipe_heal(struct pipe *pipe)
{
    for (struct parcel *at = pipe->first; at != NULL; at = at->next) {
        at->due_ms = at->due_ms == PARCEL_NEVER ? loop_now(pipe) : at->due_ms;
    }
    pipe_pump(pipe);
}

/* ---- in */

/* Applies what changes bytes, and writes down every rule that struck. */
static void strikes_do(struct pipe *pipe, const struct chaos_fact *fact,
                       const struct chaos_verdict *verdict, struct byte_writer *body)
{
    struct relay_setup *setup = &pipe->link->relay->setup;
    for (uint32_t i = 0; i < setup->judge->rules->count; i++) {
        const struct chaos_rule *rule = &setup->judge->rules->items[i];
        char told[CHAOS_TOLD_SIZE] = "";
        if (!chaos_verdict_has(verdict, i)) {
            continue;
        }
        if (rule->action == CHAOS_CORRUPT) {
            chaos_damage(body->bytes, body->position, rule->bytes, verdict->draws[i]);
        } else if (rule->action == CHAOS_CHANGE) {
            struct chaos_change change = {rule->field, rule->value, verdict->draws[i]};
            enum status status = chaos_rewrite(setup->spec, body, &change, &setup->seal, told);
            if (status != STATUS_OK) {
                snprintf(told, sizeof told, "unchanged: %s", status_text(status));
            }
        }
        journal_strike(setup->journal, &(struct journal_strike){fact, rule, verdict, told});
    }
}

static void parcel_mark(struct pipe *pipe, struct parcel *parcel,
                        const struct chaos_verdict *verdict)
{
    uint64_t now_ms = loop_now(pipe);
    parcel->due_ms = now_ms + verdict->delay_ms + (verdict->is_merged ? verdict->merge_ms : 0);
    parcel->is_merged = verdict->is_merged;
    parcel->piece = verdict->piece;
    parcel->piece_ms = verdict->piece_ms;
    if (verdict->is_stalled) {
        parcel->is_stall = true;
        parcel->due_ms = verdict->stall_ms == 0 ? PARCEL_NEVER : now_ms + verdict->stall_ms;
    }
    if (verdict->is_ended) {
        uint32_t half = parcel->length / 2;
        uint32_t wanted = verdict->end == CHAOS_HALF_CLOSE   ? parcel->length
                          : verdict->end_bytes == CHAOS_HALF ? half
                                                             : verdict->end_bytes;
        parcel->length = wanted < parcel->length ? wanted : parcel->length;
        parcel->is_ended = true;
        parcel->end = verdict->end;
        parcel->end_side = verdict->end_side;
    }
}

/* Enough have gathered: all of them are due. */
static void merged_check(struct pipe *pipe, uint32_t wanted)
{
    for (struct parcel *at = pipe->first; at != NULL && pipe->merged_count >= wanted;
         at = at->next) {
        at->due_ms = at->is_merged ? loop_now(pipe) : at->due_ms;
    }
}

/* The pipe that the message leaves by. */
static struct pipe *way_out(struct pipe *pipe, const struct chaos_fact *fact,
                            const struct chaos_verdict *verdict)
{
    struct relay *relay = pipe->link->relay;
    struct link *other = verdict->is_elsewhere ? relay_other_link(pipe->link) : NULL;
    if (verdict->is_elsewhere && other == NULL) {
        journal_event(relay->setup.journal, fact->now_ms, fact->link, "not_delivered",
                      "no other connection is open; the message goes its own way");
    }
    return other == NULL ? pipe : &other->pipes[pipe->direction];
}

static void parcel_send(struct pipe *pipe, struct parcel *parcel,
                        const struct chaos_verdict *verdict)
{
    for (uint32_t i = 0; i < verdict->copies; i++) {
        struct parcel *copy = parcel_create(parcel->bytes, parcel->length);
        if (copy != NULL) {
            copy->due_ms = loop_now(pipe) + verdict->delay_ms;
            parcel_queue(pipe, copy);
        }
    }
    parcel_mark(pipe, parcel, verdict);
    parcel_queue(pipe, parcel);
    if (verdict->is_merged) {
        merged_check(pipe, verdict->merge_count);
    }
}

static const char *mti_read(const struct relay *relay, struct byte_view body, char mti[5])
{
    struct message message;
    struct message_fault fault;
    mti[0] = '\0';
    if (relay->setup.spec != NULL &&
        message_parse(&message, relay->setup.spec, body, &fault) == STATUS_OK) {
        memcpy(mti, message.mti, 5);
    }
    return mti;
}

/* One frame, or one run of bytes; `head` bytes stand before what may be changed. */
static void pipe_on_message(struct pipe *pipe, struct byte_view whole, uint32_t head)
{
    struct relay *relay = pipe->link->relay;
    char mti[5];
    struct chaos_verdict verdict;
    struct chaos_fact fact = {
        .direction = pipe->direction,
        .link = pipe->link->number,
        .message = ++pipe->message_count,
        .now_ms = relay_now_ms(relay),
        .mti = mti_read(relay, (struct byte_view){whole.bytes + head, whole.length - head}, mti)};
    relay->counts.messages[pipe->direction]++;
    chaos_judge(relay->setup.judge, &fact, &verdict);
    struct parcel *parcel = parcel_create(whole.bytes, whole.length);
    if (parcel == NULL) {
        link_close(pipe->link, true);
        return;
    }
    struct byte_writer body;
    byte_writer_init(&body, parcel->bytes + head, whole.length - head);
    body.position = whole.length - head;
    strikes_do(pipe, &fact, &verdict, &body);
    if (verdict.is_replayed) {
        relay_replay(pipe, parcel, verdict.replay_ms);
    }
    if (verdict.is_dropped) {
        free(parcel);
        return;
    }
    struct pipe *out = way_out(pipe, &fact, &verdict);
    if (verdict.is_reordered) {
        parcel->passes_left = verdict.reorder_after;
        parcel->due_ms = loop_now(pipe) + verdict.reorder_ms;
        aside_add(out, parcel);
    } else {
        parcel_send(out, parcel, &verdict);
        aside_release(out, true);
    }
    if (out != pipe) {
        pipe_pump(out);
    }
}

/* Takes whole frames out of the buffer. Bytes that are no frame are carried as they are: a proxy
 * that closed the link here would hide what the other side makes of them. */
static void frames_take(struct pipe *pipe)
{
    struct relay *relay = pipe->link->relay;
    uint32_t at = 0;
    while (at < pipe->in_length && !pipe->is_unframed) {
        struct frame frame;
        struct frame_fault fault;
        uint32_t consumed = 0;
        struct byte_view left = {pipe->in + at, pipe->in_length - at};
        enum status status = frame_parse(&frame, &consumed, relay->setup.framing, left, &fault);
        if (status == STATUS_TRUNCATED) {
            break;
        }
        if (status != STATUS_OK) {
            pipe->is_unframed = true;
            relay->counts.unframed++;
            journal_event(relay->setup.journal, relay_now_ms(relay), pipe->link->number, "unframed",
                          fault.reason);
            break;
        }
        pipe_on_message(pipe, (struct byte_view){left.bytes, consumed},
                        consumed - frame.message.length);
        at += consumed;
    }
    if (pipe->is_unframed) {
        pipe_put(pipe, pipe->in + at, pipe->in_length - at);
        at = pipe->in_length;
    }
    pipe->in_length -= at;
    memmove(pipe->in, pipe->in + at, pipe->in_length);
}

static void pipe_on_bytes(struct pipe *pipe, const char *bytes, uint32_t length)
{
    struct relay *relay = pipe->link->relay;
    relay->counts.bytes[pipe->direction] += length;
    if (relay->setup.framing == NULL) {
        pipe_on_message(pipe, (struct byte_view){(const uint8_t *)bytes, length}, 0);
        return;
    }
    while (length > 0 && !pipe->link->is_closing) {
        uint32_t room = PIPE_IN_BYTES - pipe->in_length;
        uint32_t part = length < room ? length : room;
        memcpy(pipe->in + pipe->in_length, bytes, part);
        pipe->in_length += part;
        bytes += part;
        length -= part;
        frames_take(pipe);
    }
}

static void on_read(uv_stream_t *stream, ssize_t count, const uv_buf_t *buffer)
{
    struct end *end = stream->data;
    struct link *link = end->link;
    struct pipe *pipe = &link->pipes[end == &link->client ? CHAOS_TO_SERVER : CHAOS_TO_CLIENT];
    if (count > 0 && !pipe->is_shut && !pipe->sink->is_closing) {
        pipe_on_bytes(pipe, buffer->base, (uint32_t)count);
    } else if (count == UV_EOF) {
        pipe->is_source_ended = true;
        if (pipe->in_length > 0) {
            pipe_put(pipe, pipe->in, pipe->in_length); /* half a message is carried too */
            pipe->in_length = 0;
        }
        if (pipe->sink->is_closing) {
            end_close(end, false);
        }
    } else if (count < 0) {
        link_close(link, true); /* a reset on one side is one on the other */
    }
    pipe_pump(pipe);
}

void pipe_start(struct pipe *pipe)
{
    reading_update(pipe);
    pipe_pump(pipe);
}
