/* See link.h. The stream ends in on_closed and nowhere else; whatever shall follow is decided
 * there, by the state alone. */
#include "switch/channel/link.h"

#include <stddef.h>
#include <stdlib.h>

#include <unistd.h>

#include "protocols/base/require.h"

#define NS_PER_MS UINT64_C(1000000)
#define PAUSED_LOOK_NS (100 * NS_PER_MS) /* a deadline that finds the link paused comes again */

struct link {
    struct link_setup setup;
    enum link_state state;
    struct stream *stream; /* NULL unless CONNECTING, OPEN or CLOSING */
    struct deadline retry;
    uint64_t pause_ms; /* the next one */
    uint64_t chance;   /* of the jitter */
    uint64_t opened_ns;
    uint32_t skip_length; /* bytes to come of an answer that nobody reads */
    bool is_settled;      /* this connection has proved good */
    bool is_stopping, is_paused;
};

const char *link_state_text(enum link_state state)
{
    static const char *const texts[] = {
#define X(name, text) text,
        LINK_STATE_MAP(X)
#undef X
    };
    REQUIRE((unsigned)state < sizeof(texts) / sizeof(texts[0]));
    return texts[state];
}

static void link_connect(struct link *link);

static void on_retry(struct deadline *deadline)
{
    link_connect((struct link *)(void *)((char *)deadline - offsetof(struct link, retry)));
}

struct link *link_create(const struct link_setup *setup)
{
    struct link *link = calloc(1, sizeof(*link));
    if (link == NULL) {
        return NULL;
    }
    link->setup = *setup;
    link->pause_ms = setup->reconnect_min_ms;
    link->chance = loop_now_ns() ^ (uint64_t)(uintptr_t)link;
    deadline_init(&link->retry, on_retry);
    return link;
}

void link_destroy(struct link *link)
{
    if (link == NULL) {
        return;
    }
    REQUIRE(link->state == LINK_STOPPED);
    deadline_cancel(&link->retry);
    free(link);
}

/* Waits half the pause, and up to the other half by chance: many links that were lost together do
 * not come back together. */
static void link_wait(struct link *link)
{
    uint64_t half = link->pause_ms / 2;
    link->chance = link->chance * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    uint64_t pause_ms = link->pause_ms - half + (link->chance >> 33) % (half + 1);
    link->pause_ms = link->pause_ms * 2 < link->setup.reconnect_max_ms
                         ? link->pause_ms * 2
                         : link->setup.reconnect_max_ms;
    link->state = LINK_WAITING;
    if (link->setup.is_listening) {
        return; /* the bank's turn */
    }
    deadline_arm(&link->setup.loop->wheel, &link->retry, loop_now_ns() + pause_ms * NS_PER_MS);
}

static void on_open(void *owner)
{
    struct link *link = owner;
    link->state = LINK_OPEN;
    link->opened_ns = loop_now_ns();
    link->is_settled = false;
    link->skip_length = 0;
    link->setup.calls->on_open(link->setup.owner);
}

/* Answers how many bytes of the text of an error there are. */
static uint32_t skip(struct link *link, uint32_t length)
{
    uint32_t skipped = length < link->skip_length ? length : link->skip_length;
    link->skip_length -= skipped;
    return skipped;
}

/* Why an answer to what was posted carries no message. */
static const char *refusal(const struct frame *frame, const char *body_fault)
{
    if (frame->message.length > 0) {
        return NULL;
    }
    if (body_fault[0] != '\0') {
        return body_fault;
    }
    return frame->http_status == 200 ? "the answer has no message; one is expected"
                                     : "status 200 and a message are expected";
}

static void take_frame(struct link *link, const struct frame *frame, const char *body_fault)
{
    const bool has_message = frame->message.length > 0; /* else it keeps the connection alive */
    link->skip_length = frame->skip_length;
    if (frame->http_status >= 200) { /* below, the answer itself is still to come */
        link->setup.calls->on_posted(link->setup.owner, frame->http_status,
                                     refusal(frame, body_fault));
    }
    if (has_message && link->state == LINK_OPEN) {
        link->setup.calls->on_frame(link->setup.owner, frame->message);
    }
    if (frame->is_http && !frame->may_keep_alive) { /* what is posted now would not be read */
        link_drop(link, CLOSE_PEER, "the bank's HTTP answer says that this connection ends");
    }
}

static uint32_t on_bytes(void *owner, struct byte_view bytes)
{
    struct link *link = owner;
    uint32_t used = skip(link, bytes.length);
    while (used < bytes.length && link->state == LINK_OPEN) {
        struct frame frame;
        struct frame_fault fault;
        uint32_t consumed = 0;
        struct byte_view rest = {bytes.bytes + used, bytes.length - used};
        enum status status = frame_parse(&frame, &consumed, &link->setup.framing, rest, &fault);
        if (status == STATUS_TRUNCATED) {
            break;
        }
        if (status != STATUS_OK) {
            link_drop(link, CLOSE_FRAME, fault.reason);
            return bytes.length;
        }
        used += consumed;
        take_frame(link, &frame, fault.reason);
        used += skip(link, bytes.length - used);
    }
    return link->state == LINK_OPEN ? used : bytes.length;
}

static void on_deadline(void *owner)
{
    struct link *link = owner;
    if (link->is_paused) {
        link_arm(link, loop_now_ns() + PAUSED_LOOK_NS);
    } else if (link->state == LINK_OPEN) {
        link->setup.calls->on_deadline(link->setup.owner);
    }
}

/* A connection that was good for a while is made again without a pause, once: where the bank is
 * gone, that attempt fails, and the pauses begin. */
static bool may_connect_at_once(const struct link *link)
{
    return !link->setup.is_listening && link->is_settled &&
           loop_now_ns() - link->opened_ns >= link->setup.reconnect_min_ms * NS_PER_MS;
}

static void on_closed(void *owner, enum close_reason reason, const char *text)
{
    struct link *link = owner;
    (void)reason;
    link->stream = NULL;
    link->is_paused = false;
    if (link->is_stopping) {
        link->state = LINK_STOPPED;
        link->setup.calls->on_stopped(link->setup.owner);
        return;
    }
    bool is_at_once = may_connect_at_once(link);
    if (is_at_once) {
        link->state = LINK_WAITING;
    } else {
        link_wait(link);
    }
    link->setup.calls->on_down(link->setup.owner, text);
    if (is_at_once && !link->is_stopping) {
        link_connect(link);
    }
}

static const struct stream_calls CALLS = {
    .on_open = on_open, .on_bytes = on_bytes, .on_deadline = on_deadline, .on_closed = on_closed};

static struct stream_setup stream_setup_of(struct link *link, const struct net_address *peer)
{
    return (struct stream_setup){.address = *peer,
                                 .tls = link->setup.tls,
                                 .server_name = link->setup.server_name,
                                 .timeout_ms = link->setup.connect_timeout_ms,
                                 .output_max = link->setup.output_max,
                                 .calls = &CALLS,
                                 .owner = link};
}

static void link_connect(struct link *link)
{
    const struct stream_setup setup = stream_setup_of(link, &link->setup.address);
    if (link->is_stopping) {
        link->state = LINK_STOPPED;
        link->setup.calls->on_stopped(link->setup.owner);
        return;
    }
    link->is_settled = false;
    link->state = LINK_CONNECTING;
    link->stream = stream_connect(link->setup.loop, &setup);
    if (link->stream == NULL) {
        link_wait(link);
        link->setup.calls->on_down(link->setup.owner, "no memory or no descriptor is left");
    }
}

void link_start(struct link *link)
{
    REQUIRE(link->state == LINK_STOPPED);
    link->is_stopping = false;
    link->pause_ms = link->setup.reconnect_min_ms;
    if (link->setup.is_listening) {
        link->state = LINK_WAITING;
    } else {
        link_connect(link);
    }
}

bool link_is_vacant(const struct link *link)
{
    return link->setup.is_listening && link->state == LINK_WAITING && !link->is_stopping;
}

bool link_take(struct link *link, int descriptor, const struct net_address *peer)
{
    if (!link_is_vacant(link)) {
        close(descriptor);
        return false;
    }
    const struct stream_setup setup = stream_setup_of(link, peer);
    link->stream = stream_accept(link->setup.loop, descriptor, &setup);
    if (link->stream == NULL) {
        return false;
    }
    link->state = LINK_CONNECTING;
    if (link->setup.tls == NULL) { /* open from the start, without a call */
        on_open(link);
    }
    return true;
}

void link_stop(struct link *link)
{
    if (link->is_stopping || link->state == LINK_STOPPED) {
        return;
    }
    link->is_stopping = true;
    if (link->state == LINK_WAITING) { /* the wheel tells, so that on_stopped comes later */
        deadline_arm(&link->setup.loop->wheel, &link->retry, loop_now_ns());
        return;
    }
    link->state = LINK_CLOSING;
    stream_close(link->stream, CLOSE_DRAIN, NULL);
}

void link_drop(struct link *link, enum close_reason reason, const char *text)
{
    if (link->state == LINK_OPEN || link->state == LINK_CONNECTING) {
        link->state = LINK_CLOSING;
        stream_close(link->stream, reason, text);
    }
}

void link_settle(struct link *link)
{
    link->is_settled = true;
    link->pause_ms = link->setup.reconnect_min_ms;
}

bool link_has_room(const struct link *link)
{
    return link->state == LINK_OPEN &&
           stream_output_count(link->stream) + FRAME_LENGTH_MAX <= link->setup.output_max / 2;
}

bool link_send(struct link *link, struct byte_view framed)
{
    if (link->state != LINK_OPEN ||
        stream_output_count(link->stream) + framed.length > link->setup.output_max / 2) {
        return false;
    }
    stream_write(link->stream, framed);
    return true;
}

void link_arm(struct link *link, uint64_t due_ns)
{
    if (link->state == LINK_OPEN) {
        stream_arm(link->stream, due_ns);
    }
}

void link_pause(struct link *link)
{
    if (link->state == LINK_OPEN && !link->is_paused) {
        link->is_paused = true;
        stream_pause(link->stream);
    }
}

void link_resume(struct link *link)
{
    if (link->state == LINK_OPEN && link->is_paused) {
        stream_resume(link->stream);
    }
    link->is_paused = false;
}

enum link_state link_state(const struct link *link)
{
    return link->state;
}
