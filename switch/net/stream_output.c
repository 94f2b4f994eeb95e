/* See stream_output.h. Bytes are gathered in buffers of the loop's pool; at the end of the turn one
 * uv_try_write takes them all. Only when the peer does not read fast enough is the rest handed to
 * uv_write, which waits for it. */
#include "switch/net/stream_output.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/bio.h>
#include <openssl/err.h>

#include "protocols/base/require.h"
#include "switch/net/stream_turn.h"
#include "switch/net/tls.h"

#define WRITE_BUFFER_COUNT_MAX 16u

static void mark_dirty(struct stream *stream)
{
    if (!stream->is_dirty) {
        stream->is_dirty = true;
        stream->next_dirty = stream->loop->dirty;
        stream->loop->dirty = stream;
    }
}

/* False: no buffer is free. */
static bool output_append(struct stream *stream, const uint8_t *bytes, uint32_t length)
{
    while (length > 0) {
        struct loop_buffer *last = stream->output_last;
        if (last == NULL || last->end == LOOP_BUFFER_BYTES) {
            struct loop_buffer *buffer =
                loop_buffer_take(stream->loop, stream_spared(stream, false));
            if (buffer == NULL) {
                return false;
            }
            if (last == NULL) {
                stream->output = buffer;
            } else {
                last->next = buffer;
            }
            stream->output_last = buffer;
            last = buffer;
        }
        uint32_t room = LOOP_BUFFER_BYTES - last->end;
        uint32_t taken = length < room ? length : room;
        memcpy(last->bytes + last->end, bytes, taken);
        last->end += taken;
        stream->output_count += taken;
        bytes += taken;
        length -= taken;
    }
    mark_dirty(stream);
    return true;
}

/* ---- the BIO ---- */

static int bio_write(BIO *bio, const char *bytes, int length)
{
    BIO_clear_retry_flags(bio);
    struct stream *stream = BIO_get_data(bio);
    if (length <= 0 || !output_append(stream, (const uint8_t *)bytes, (uint32_t)length)) {
        return -1;
    }
    return length;
}

static int bio_read(BIO *bio, char *bytes, int length)
{
    struct byte_view *input = &((struct stream *)BIO_get_data(bio))->input;
    BIO_clear_retry_flags(bio);
    if (input->length == 0) {
        BIO_set_retry_read(bio);
        return -1;
    }
    uint32_t taken = (uint32_t)length < input->length ? (uint32_t)length : input->length;
    memcpy(bytes, input->bytes, taken);
    input->bytes += taken;
    input->length -= taken;
    return (int)taken;
}

static long bio_ctrl(BIO *bio, int command, long number, void *pointer)
{
    (void)bio;
    (void)number;
    (void)pointer;
    return command == BIO_CTRL_FLUSH || command == BIO_CTRL_DUP;
}

static int bio_create(BIO *bio)
{
    BIO_set_init(bio, 1);
    return 1;
}

static BIO_METHOD *bio_method;

static void bio_method_make(void)
{
    bio_method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "stream");
    REQUIRE(bio_method != NULL);
    BIO_meth_set_write(bio_method, bio_write);
    BIO_meth_set_read(bio_method, bio_read);
    BIO_meth_set_ctrl(bio_method, bio_ctrl);
    BIO_meth_set_create(bio_method, bio_create);
}

bool output_tls_create(struct stream *stream, SSL_CTX *context)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, bio_method_make);
    BIO *bio = BIO_new(bio_method);
    stream->ssl = SSL_new(context);
    if (bio == NULL || stream->ssl == NULL) {
        BIO_free(bio);
        SSL_free(stream->ssl);
        stream->ssl = NULL;
        return false;
    }
    BIO_set_data(bio, stream);
    SSL_set_bio(stream->ssl, bio, bio);
    return true;
}

/* ---- gathering and writing ---- */

static void tls_write(struct stream *stream, struct byte_view bytes)
{
    while (bytes.length > 0) {
        ERR_clear_error();
        int written = SSL_write(stream->ssl, bytes.bytes, (int)bytes.length);
        if (written <= 0) {
            char text[STREAM_CLOSE_TEXT_SIZE];
            tls_error_text(text, sizeof(text));
            stream_fail(stream, CLOSE_NO_MEMORY, text);
            return;
        }
        bytes.bytes += written;
        bytes.length -= (uint32_t)written;
    }
}

void stream_write(struct stream *stream, struct byte_view bytes)
{
    if (stream->state != STREAM_OPEN || bytes.length == 0) {
        return;
    }
    if (stream->ssl != NULL) {
        tls_write(stream, bytes);
    } else if (!output_append(stream, bytes.bytes, bytes.length)) {
        stream_fail(stream, CLOSE_NO_MEMORY, "no buffer is free for the bytes to be written");
    }
    if (stream->output_count > stream->output_max) {
        stream_fail(stream, CLOSE_SLOW_READER, NULL);
    }
}

uint32_t stream_output_count(const struct stream *stream)
{
    return stream->output_count;
}

/* Gives back what is written; what is left of a buffer stays first. */
static void output_written(struct stream *stream, uint32_t length)
{
    count_add(&stream->loop->counts.bytes_out, length);
    stream->output_count -= length;
    while (length > 0) {
        struct loop_buffer *first = stream->output;
        uint32_t held = first->end - first->start;
        if (length < held) {
            first->start += length;
            return;
        }
        length -= held;
        stream->output = first->next;
        loop_buffer_give(stream->loop, first);
    }
    if (stream->output == NULL) {
        stream->output_last = NULL;
    }
}

static uint32_t output_view(const struct stream *stream, uv_buf_t views[WRITE_BUFFER_COUNT_MAX],
                            uint32_t *length)
{
    uint32_t count = 0;
    *length = 0;
    for (struct loop_buffer *b = stream->output; b != NULL && count < WRITE_BUFFER_COUNT_MAX;
         b = b->next) {
        views[count++] = uv_buf_init((char *)b->bytes + b->start, b->end - b->start);
        *length += b->end - b->start;
    }
    return count;
}

/* A write that waits: how much of the output it covers. On the heap, since only a peer that does
 * not read makes it necessary. */
struct waiting_write {
    uv_write_t request;
    uint32_t length;
};

static void on_written(uv_write_t *request, int status)
{
    struct stream *stream = request->data;
    uint32_t length = ((struct waiting_write *)request)->length;
    stream->writing = NULL;
    free(request);
    if (stream->state == STREAM_CLOSED) {
        return;
    }
    if (status != 0) {
        stream_fail(stream, CLOSE_RESET, uv_strerror(status));
        return;
    }
    output_written(stream, length);
    stream_flush(stream);
    if (stream->state == STREAM_CLOSING && stream->output_count == 0) {
        stream_end(stream);
    }
}

static void write_waiting(struct stream *stream)
{
    uv_buf_t views[WRITE_BUFFER_COUNT_MAX];
    struct waiting_write *waiting = malloc(sizeof(*waiting));
    if (waiting == NULL) {
        stream_fail(stream, CLOSE_NO_MEMORY, NULL);
        return;
    }
    uint32_t count = output_view(stream, views, &waiting->length);
    waiting->request.data = stream;
    count_add(&stream->loop->counts.writes_waited, 1);
    /* The last buffer may be appended to meanwhile; its end as it is now is what is written. */
    int result = uv_write(&waiting->request, (uv_stream_t *)&stream->tcp, views, count, on_written);
    if (result != 0) {
        free(waiting);
        stream_fail(stream, CLOSE_RESET, uv_strerror(result));
        return;
    }
    stream->writing = &waiting->request;
}

void stream_flush(struct stream *stream)
{
    uv_buf_t views[WRITE_BUFFER_COUNT_MAX];
    while (stream->output_count > 0 && stream->writing == NULL && stream->state < STREAM_CLOSED) {
        uint32_t length;
        uint32_t count = output_view(stream, views, &length);
        count_add(&stream->loop->counts.writes, 1);
        int written = uv_try_write((uv_stream_t *)&stream->tcp, views, count);
        if (written < 0 && written != UV_EAGAIN) {
            stream_fail(stream, CLOSE_RESET, uv_strerror(written));
            return;
        }
        output_written(stream, written > 0 ? (uint32_t)written : 0);
        if (written < (int)length) {
            write_waiting(stream);
        }
    }
}

void output_drop(struct stream *stream)
{
    while (stream->output != NULL) {
        struct loop_buffer *first = stream->output;
        stream->output = first->next;
        loop_buffer_give(stream->loop, first);
    }
    stream->output_last = NULL;
    stream->output_count = 0;
}

void streams_flush(struct loop *loop)
{
    while (loop->dirty != NULL) {
        struct stream *stream = loop->dirty;
        loop->dirty = stream->next_dirty;
        stream->is_dirty = false;
        stream_flush(stream);
    }
}
