/* See event_feed.h.
 *
 * Length-delimited messages, or JSON lines where the reader prefers them (Accept). Whose token
 * shows no cases of risk gets none of their events either, and the number behind which it goes on
 * stands in a header, so that hidden events are not read again and again. Reading a case's event is
 * reading the case, and is written down as such before it is shown.
 */
#include "switch/admin/event_feed.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "protocols/base/digits.h"
#include "switch/admin/case_desk.h"
#include "switch/admin/event_json.h"
#include "switch/admin/wall_text.h"

#define BODY_BYTES_MAX (1024 * 1024)
#define LOOK_EVERY_NS 200000000L
#define TYPE_PROTOBUF "application/x-protobuf; proto=aftersales.Event; delimited=true"
#define TYPE_JSON_LINES "application/jsonl; charset=utf-8"

/* What is asked, and what was found so far. */
struct feed {
    uint64_t after; /* behind which it goes on */
    uint32_t wait_s, room;
    bool is_json, hides_risk;
    FILE *to; /* owner, with the text below until it is closed */
    char *text;
    size_t length;
    uint64_t broken; /* the event whose bytes are none; 0: none */
    uint32_t given, case_count;
    uint64_t cases[EVENT_FEED_COUNT_MAX]; /* whose events were given */
};

/* False: a problem was put into `answer`. */
static bool read_number(const struct call *call, const char *name, uint64_t max, uint64_t *number)
{
    const char *text = call->option(call->connection, name);
    return text == NULL || digits_parse(number, text, (uint32_t)strlen(text),
                                        (struct number_range){0, max}) == STATUS_OK;
}

static bool read_feed(const struct call *call, struct feed *feed, struct answer *answer)
{
    uint64_t wait = 0;
    uint64_t limit = EVENT_FEED_COUNT_MAX;
    if (!read_number(call, "after", INT64_MAX, &feed->after) ||
        !read_number(call, "wait", EVENT_FEED_WAIT_S_MAX, &wait) ||
        !read_number(call, "limit", EVENT_FEED_COUNT_MAX, &limit) || limit == 0) {
        char detail[160];
        snprintf(detail, sizeof(detail),
                 "expected after: the number of the last event that was seen, wait: 0 to %d "
                 "seconds, limit: 1 to %u events",
                 EVENT_FEED_WAIT_S_MAX, EVENT_FEED_COUNT_MAX);
        answer_problem(answer, 400, detail);
        return false;
    }
    const char *accepted = call->header(call->connection, "Accept");
    feed->wait_s = (uint32_t)wait;
    feed->room = (uint32_t)limit;
    feed->is_json = accepted != NULL && strstr(accepted, "application/json") != NULL;
    feed->hides_risk = call->holder->role != ROLE_RISK;
    return true;
}

/* Whatever was kept no longer is missed for good: the reader must learn of it. */
static bool is_within(struct desk *desk, const struct feed *feed, struct answer *answer)
{
    struct event_out_range range;
    char detail[200];
    enum status status = event_out_range(desk, &range);
    if (status != STATUS_OK) {
        case_desk_problem(desk, status, answer);
        return false;
    }
    if (feed->after > range.last) {
        snprintf(detail, sizeof(detail),
                 "the newest event is %" PRIu64 ": %" PRIu64 " is of another database; begin with "
                 "after=0",
                 range.last, feed->after);
        answer_problem(answer, 409, detail);
        return false;
    }
    if (feed->after > 0 && feed->after + 1 < range.first) {
        snprintf(detail, sizeof(detail),
                 "events up to %" PRIu64 " are kept no longer, and were not read; go on with "
                 "after=%" PRIu64,
                 range.first - 1, range.first - 1);
        answer_problem(answer, 410, detail);
        return false;
    }
    return true;
}

/* 0: it tells of no case. */
static uint64_t case_of(const Aftersales__Event *event)
{
    if (event->what_case == AFTERSALES__EVENT__WHAT_CASE_MESSAGE) {
        return event->case_message->case_id;
    }
    const Aftersales__CaseEvent *told =
        event->what_case == AFTERSALES__EVENT__WHAT_CASE_OPENED  ? event->case_opened
        : event->what_case == AFTERSALES__EVENT__WHAT_CASE_EVENT ? event->case_event
                                                                 : NULL;
    return told == NULL ? 0 : told->service_case->id;
}

static void note_case(struct feed *feed, const Aftersales__Event *event)
{
    uint64_t case_id = case_of(event);
    if (case_id == 0) {
        return;
    }
    for (uint32_t i = 0; i < feed->case_count; i++) {
        if (feed->cases[i] == case_id) {
            return;
        }
    }
    feed->cases[feed->case_count++] = case_id;
}

static void write_delimited(FILE *to, const struct event_line *line)
{
    size_t left = line->length;
    for (; left >= 0x80; left >>= 7) {
        fputc((int)(left & 0x7F) | 0x80, to);
    }
    fputc((int)left, to);
    fwrite(line->payload, 1, line->length, to);
}

static void write_line(struct feed *feed, const struct event_line *line,
                       const Aftersales__Event *event)
{
    if (!feed->is_json) {
        write_delimited(feed->to, line);
        return;
    }
    json_t *object = event_json(line, event);
    json_dumpf(object, feed->to, JSON_COMPACT);
    fputc('\n', feed->to);
    json_decref(object);
}

static bool on_line(void *argument, const struct event_line *line)
{
    struct feed *feed = argument;
    if (ftell(feed->to) > BODY_BYTES_MAX) {
        return false;
    }
    if (!feed->hides_risk || line->case_kind != CASE_RISK) {
        Aftersales__Event *event = aftersales__event__unpack(NULL, line->length, line->payload);
        if (event == NULL) {
            feed->broken = line->number;
            return false;
        }
        note_case(feed, event);
        write_line(feed, line, event);
        aftersales__event__free_unpacked(event, NULL);
        feed->given++;
    }
    feed->after = line->number;
    return true;
}

/* One look. False: a problem was put into `answer`. */
static bool look(const struct call *call, struct feed *feed, struct answer *answer)
{
    char reason[DESK_SHARE_REASON_SIZE];
    const struct event_sink sink = {on_line, feed};
    uint32_t count = 0;
    struct desk *desk = desk_share_take(call->desk, reason);
    if (desk == NULL) {
        answer_problem(answer, 503, reason);
        return false;
    }
    bool is_good = is_within(desk, feed, answer);
    if (is_good) {
        struct desk_actor by = {.wall_us = wall_text_now_us()};
        snprintf(by.actor, sizeof(by.actor), "%s", call->operator_name);
        enum status status = event_out_read(desk, feed->after, feed->room, &sink, &count);
        if (status == STATUS_OK && feed->case_count > 0) {
            status = event_out_note_reading(desk, &by, feed->cases, feed->case_count);
        }
        is_good = status == STATUS_OK && (feed->broken == 0 || feed->given > 0);
        if (status != STATUS_OK) {
            case_desk_problem(desk, status, answer);
        } else if (!is_good) {
            snprintf(reason, sizeof(reason), "event %" PRIu64 ": its bytes are no event",
                     feed->broken);
            answer_problem(answer, 503, reason);
        }
    }
    desk_share_give(call->desk);
    return is_good;
}

static int64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

/* False: a problem was put into `answer`. */
static bool look_until(const struct call *call, struct feed *feed, struct answer *answer)
{
    int64_t end_ns = now_ns() + (int64_t)feed->wait_s * 1000000000;
    bool is_good = look(call, feed, answer);
    while (is_good && feed->given == 0 && now_ns() < end_ns && !call->waits->is_ending) {
        nanosleep(&(struct timespec){0, LOOK_EVERY_NS}, NULL);
        is_good = look(call, feed, answer);
    }
    return is_good;
}

/* With a seat among those that wait, if it wants to. */
static bool look_seated(const struct call *call, struct feed *feed, struct answer *answer)
{
    if (feed->wait_s == 0) {
        return look(call, feed, answer);
    }
    bool is_good = false;
    if (atomic_fetch_add(&call->waits->count, 1) >= EVENT_FEED_WAITING_MAX) {
        answer_problem(answer, 429, "too many readers wait for events; ask later, or without wait");
    } else {
        is_good = look_until(call, feed, answer);
    }
    atomic_fetch_sub(&call->waits->count, 1);
    return is_good;
}

void event_feed_serve(const struct call *call, struct answer *answer)
{
    struct feed feed = {0};
    if (!read_feed(call, &feed, answer)) {
        return;
    }
    feed.to = open_memstream(&feed.text, &feed.length);
    if (feed.to == NULL) {
        answer_text(answer, 500, NULL, NULL, 0);
        return;
    }
    bool is_good = look_seated(call, &feed, answer);
    fclose(feed.to);
    if (!is_good) {
        free(feed.text);
        return;
    }
    answer_text(answer, 200, feed.is_json ? TYPE_JSON_LINES : TYPE_PROTOBUF, feed.text,
                feed.length);
    answer->header = "Tillway-Events-After";
    snprintf(answer->header_value, sizeof(answer->header_value), "%" PRIu64, feed.after);
}
