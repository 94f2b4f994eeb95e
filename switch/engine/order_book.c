/* See order_book.h. */
#include "switch/engine/order_book.h"

#include <string.h>

#include "protocols/base/require.h"
#include "protocols/firmware_order.h"
#include "switch/engine/effect.h"
#include "switch/engine/planted_bug.h"
#include "switch/engine/text.h"

/* HOLD is none of a terminal's, and a merchant has fewer. */
#define SUBJECT_STANDING_COUNT (ORDER_STANDING_COUNT - 1)
#define NOTES_BYTES_MAX(origin)                                                                    \
    (SUBJECT_STANDING_COUNT * ORDER_NOTE_BYTES_MAX(origin) + ORDER_NOTE_LIMIT_BYTES +              \
     ORDER_NOTE_UPDATE_BYTES + ORDER_NOTE_TEXT_BYTES_MAX)
_Static_assert(NOTES_BYTES_MAX(ORDER_OF_PERSON) + NOTES_BYTES_MAX(ORDER_OF_CASE) <=
                   RECORD_ANSWER_BYTES_MAX,
               "all that one subject has fits a row");
_Static_assert(ORDER_NOTE_SIZE_MAX <= RECORD_PAYLOAD_BYTES_MAX, "and so does any order");
#define X(name, word, subject, text)                                                               \
    _Static_assert(TXN_REASON_ORDER_##name ==                                                      \
                       (enum txn_reason)(TXN_REASON_ORDER_ASK_SIGNON + ORDER_##name),              \
                   "reasons stand as the kinds do");
ORDER_KIND_MAP(X)
#undef X

/* --- rows --------------------------------------------------------------------------------- */

static void write_in_force(struct byte_writer *writer, const struct order_entry *entry)
{
    for (uint32_t i = 0; i < ORDER_ORIGIN_COUNT * ORDER_STANDING_COUNT; i++) {
        uint32_t origin = i / ORDER_STANDING_COUNT, kind = i % ORDER_STANDING_COUNT;
        if ((entry->in_force[origin] & ORDER_BIT(kind)) != 0) {
            order_note_write(writer, &entry->standing[origin][kind]);
        }
    }
}

/* The row of what became of an order, with all that is in force behind it. */
static struct record *write_row(struct engine *engine, enum record_kind kind,
                                const struct order_entry *entry,
                                const struct order_standing *standing)
{
    struct byte_writer writer;
    struct record *record = effect_log(engine, kind);
    record->reason = (uint16_t)(TXN_REASON_ORDER_ASK_SIGNON + standing->order.kind);
    TEXT_COPY(record->terminal_id, entry->terminal_id);
    TEXT_COPY(record->merchant_id, entry->merchant_id);
    record->amount = standing->order.limit;
    byte_writer_init(&writer, record->payload, sizeof(record->payload));
    order_note_write(&writer, standing);
    record->payload_length = (uint16_t)writer.position;
    REQUIRE(writer.status == STATUS_OK);
    byte_writer_init(&writer, record->answer, sizeof(record->answer));
    write_in_force(&writer, entry);
    record->answer_length = (uint16_t)writer.position;
    REQUIRE(writer.status == STATUS_OK);
    return record;
}

/* Takes an order out of force, which its row says. */
static void end(struct engine *engine, uint32_t place, const struct order_standing *standing,
                enum record_kind how)
{
    struct order_entry *entry = &engine->orders.entries[place];
    uint32_t *in_force = &entry->in_force[standing->order.origin];
    REQUIRE((*in_force & ORDER_BIT(standing->order.kind)) != 0);
    *in_force &= ~ORDER_BIT(standing->order.kind);
    (void)write_row(engine, how, entry, standing);
    order_table_settle(&engine->orders, place);
}

#define ORIGIN_BIT(origin) (1u << (origin))
#define ANY_ORIGIN (ORIGIN_BIT(ORDER_OF_PERSON) | ORIGIN_BIT(ORDER_OF_CASE))

/* The terminal did what they who are named by ORIGIN_BIT ask of it. */
static void end_asked(struct engine *engine, uint32_t place, enum order_kind kind, uint32_t origins)
{
    struct order_entry *entry = &engine->orders.entries[place];
    uint32_t ended = 0;
    REQUIRE((ORDER_BIT(kind) & ORDER_ASKED_BITS) != 0);
    for (uint32_t origin = 0; origin < ORDER_ORIGIN_COUNT; origin++) {
        if ((origins & ORIGIN_BIT(origin)) != 0 &&
            (entry->in_force[origin] & ORDER_BIT(kind)) != 0) {
            entry->in_force[origin] &= ~ORDER_BIT(kind);
            ended |= ORIGIN_BIT(origin);
        }
    }
    REQUIRE(ended != 0);
    bool is_of_people = (ended & ORIGIN_BIT(ORDER_OF_PERSON)) != 0;
    const struct order_standing *first =
        &entry->standing[is_of_people ? ORDER_OF_PERSON : ORDER_OF_CASE][kind];
    (void)write_row(engine, RECORD_ORDER_DONE, entry, first);
    order_table_settle(&engine->orders, place);
}

static struct order_clock clock_of(const struct engine *engine)
{
    return (struct order_clock){engine->now_ns, engine->wall_us};
}

/* --- giving ------------------------------------------------------------------------------- */

static uint32_t lifted_by(enum order_kind kind)
{
    static const uint32_t LIFTED[ORDER_KIND_COUNT] = {
        [ORDER_RELEASE] = ORDER_BIT(ORDER_HOLD),
        [ORDER_RESUME] = ORDER_BIT(ORDER_STOP) | ORDER_BIT(ORDER_LIMIT),
        [ORDER_WITHDRAW] = ORDER_ASKED_BITS | ORDER_BIT(ORDER_TELL),
    };
    return LIFTED[kind];
}

/* Fills in the merchant of a terminal. False: nobody knows the subject. */
static bool know_subject(const struct engine *engine, struct order *order)
{
    if (order->terminal_id[0] == '\0') {
        return merchant_table_find(ruleset_merchant_view(engine->ruleset), order->merchant_id) !=
               NULL;
    }
    const struct terminal_row *row =
        terminal_table_find(ruleset_terminal_view(engine->ruleset), order->terminal_id);
    if (row != NULL) {
        TEXT_COPY(order->merchant_id, row->merchant_id);
    }
    return row != NULL;
}

/* What a case has the cashier told fits the terminal that works or the one that is stopped, never
 * both; what people say, they answer for themselves. */
static void drop_words_of_case(struct order_entry *entry)
{
    entry->in_force[ORDER_OF_CASE] &= ~ORDER_BIT(ORDER_TELL);
}

static enum order_answer stand(struct engine *engine, const struct order_standing *standing)
{
    const struct order *order = &standing->order;
    if (!order_table_has_room(&engine->orders, order)) {
        return ORDER_ANSWER_NO_ROOM;
    }
    uint32_t place = order_table_enroll(&engine->orders, order->terminal_id, order->merchant_id);
    REQUIRE(place != 0);
    struct order_entry *entry = &engine->orders.entries[place];
    if (order->kind == ORDER_STOP) {
        drop_words_of_case(entry);
    }
    order_table_put(&engine->orders, place, standing, clock_of(engine));
    (void)write_row(engine, RECORD_ORDER, entry, standing);
    order_table_settle(&engine->orders, place);
    return ORDER_ANSWER_TAKEN;
}

/* A case that ends takes back what cases gave; what people have ordered beside it stands. People
 * lift all, or what names a case where theirs does. */
static bool is_lifted(const struct order *order, const struct order *standing)
{
    if ((lifted_by(order->kind) & ORDER_BIT(standing->kind)) == 0) {
        return false;
    }
    return order->origin == ORDER_OF_CASE ? standing->origin == ORDER_OF_CASE
                                          : order->case_id == 0 || standing->case_id != 0;
}

/* False: nothing of it was in force. */
static bool lift_from(struct order_entry *entry, const struct order *order)
{
    bool is_any = false;
    for (uint32_t i = 0; i < ORDER_ORIGIN_COUNT * ORDER_STANDING_COUNT; i++) {
        uint32_t origin = i / ORDER_STANDING_COUNT, kind = i % ORDER_STANDING_COUNT;
        if ((entry->in_force[origin] & ORDER_BIT(kind)) != 0 &&
            is_lifted(order, &entry->standing[origin][kind].order)) {
            entry->in_force[origin] &= ~ORDER_BIT(kind);
            is_any = true;
        }
    }
    return is_any;
}

static enum order_answer lift(struct engine *engine, struct order_standing *standing)
{
    struct order *order = &standing->order;
    uint32_t place = order_table_find(&engine->orders, order->terminal_id, order->merchant_id);
    struct order_entry *entry = &engine->orders.entries[place];
    bool was_stopped = (order_table_kinds(entry) & ORDER_BIT(ORDER_STOP)) != 0;
    if (place == 0 || !lift_from(entry, order)) {
        return ORDER_ANSWER_NOTHING_TO_LIFT;
    }
    if (was_stopped && (order_table_kinds(entry) & ORDER_BIT(ORDER_STOP)) == 0) {
        drop_words_of_case(entry);
    }
    TEXT_COPY(order->merchant_id, entry->merchant_id);
    (void)write_row(engine, RECORD_ORDER, entry, standing);
    order_table_settle(&engine->orders, place);
    return ORDER_ANSWER_TAKEN;
}

/* The software that it has now, where it has told that. */
static uint32_t software_of(const struct engine *engine, const char terminal_id[9])
{
    uint32_t place = terminal_set_find(&engine->terminals, terminal_id);
    return place == 0 ? 0 : engine->terminals.states[place].day.software;
}

static enum order_answer give(struct engine *engine, const struct order *given)
{
    struct order_standing standing = {.order = *given, .since_us = engine->wall_us};
    if (!order_is_whole(given)) {
        return ORDER_ANSWER_MALFORMED;
    }
    if ((unsigned)given->kind >= ORDER_STANDING_COUNT) {
        return lift(engine, &standing);
    }
    if (given->until_us != 0 && given->until_us <= engine->wall_us) {
        return ORDER_ANSWER_PAST;
    }
    if (!know_subject(engine, &standing.order)) {
        return ORDER_ANSWER_SUBJECT_UNKNOWN;
    }
    if (given->kind != ORDER_LIMIT) {
        standing.order.limit = (struct money){0, 0};
    }
    if (given->until_us == 0 && order_kind_subject(given->kind) == ORDER_SUBJECT_TERMINAL) {
        standing.order.until_us = engine->wall_us + ORDER_LIFE_US;
    }
    standing.order.times = given->kind != ORDER_TELL ? 0 : given->times == 0 ? 1 : given->times;
    if (given->kind == ORDER_ASK_UPDATE) {
        standing.software = software_of(engine, given->terminal_id);
    }
    return stand(engine, &standing);
}

void order_on_event(struct engine *engine, const struct engine_event *event)
{
    REQUIRE(engine->is_running);
    REQUIRE(event->order.order != NULL);
    enum order_answer answer = give(engine, event->order.order);
    struct engine_effect *effect = effect_add(engine, ENGINE_ORDERED);
    effect->order.ticket = event->order.ticket;
    effect->order.answer = answer;
    effect->after = answer == ORDER_ANSWER_TAKEN && !PLANTED_BUG(47) ? engine->position : 0;
}

/* --- ending ------------------------------------------------------------------------------- */

static void end_over(struct engine *engine, uint32_t place)
{
    const struct order_entry *entry = &engine->orders.entries[place];
    for (uint32_t i = 0; i < ORDER_ORIGIN_COUNT * ORDER_STANDING_COUNT; i++) {
        uint32_t origin = i / ORDER_STANDING_COUNT, kind = i % ORDER_STANDING_COUNT;
        if ((entry->in_force[origin] & ORDER_BIT(kind)) != 0 &&
            entry->deadlines_ns[origin][kind] <= engine->now_ns) {
            end(engine, place, &entry->standing[origin][kind], RECORD_ORDER_OVER);
            return;
        }
    }
}

void order_on_tick(struct engine *engine)
{
    struct order_book *book = &engine->orders;
    while (book->deadline_ns <= engine->now_ns && effect_has_room(engine, 1, 1)) {
        uint32_t place = 1;
        while (place <= book->fresh && book->deadlines_ns[place] > engine->now_ns) {
            place++;
        }
        REQUIRE(place <= book->fresh); /* `deadline_ns` is the earliest of them */
        end_over(engine, place);
    }
}

/* A case that asks for a sign-on has the cashier told why: behind it that is no news any more. Of a
 * terminal that is stopped it is told just that, which a sign-on changes nothing of. */
static bool ends_words(const struct order_entry *entry, enum order_kind kind)
{
    const uint32_t both = ORDER_BIT(ORDER_ASK_SIGNON) | ORDER_BIT(ORDER_TELL);
    const struct order_standing *of_case = entry->standing[ORDER_OF_CASE];
    bool is_stopped = (order_table_kinds(entry) & ORDER_BIT(ORDER_STOP)) != 0;
    return kind == ORDER_ASK_SIGNON && !is_stopped &&
           (entry->in_force[ORDER_OF_CASE] & both) == both &&
           of_case[ORDER_TELL].order.case_id == of_case[ORDER_ASK_SIGNON].order.case_id;
}

void order_on_done(struct engine *engine, const char terminal_id[9], enum order_kind kind)
{
    uint32_t place = order_table_find(&engine->orders, terminal_id, "");
    const struct order_entry *entry = &engine->orders.entries[place];
    if (place == 0 || (order_table_kinds(entry) & ORDER_BIT(kind)) == 0) {
        return;
    }
    if (ends_words(entry, kind)) { /* something else is in force: the place stays */
        end(engine, place, &entry->standing[ORDER_OF_CASE][ORDER_TELL], RECORD_ORDER_DONE);
    }
    end_asked(engine, place, kind, ANY_ORIGIN);
}

static uint64_t hash_text(const char *text)
{
    uint64_t hash = 0;
    for (; *text != '\0'; text++) {
        hash = hash_mix(hash ^ (uint8_t)*text) + 1;
    }
    return hash;
}

/* Has it what is wanted, or where nobody said which, another than it is to leave? */
static bool is_updated(const struct order_standing *standing, const char *firmware,
                       uint32_t software)
{
    return standing->order.firmware[0] != '\0'
               ? firmware_order(firmware, standing->order.firmware) >= 0
               : standing->software != software;
}

void order_on_software(struct engine *engine, const struct payment *payment)
{
    uint32_t terminal = terminal_set_find(&engine->terminals, payment->terminal_id);
    if (terminal == 0 || !payment->device.is_told || payment->device.firmware[0] == '\0') {
        return;
    }
    uint32_t software = (uint32_t)hash_text(payment->device.firmware) | 1; /* 0 is none */
    engine->terminals.states[terminal].day.software = software;
    uint32_t place = order_table_find(&engine->orders, payment->terminal_id, "");
    struct order_entry *entry = &engine->orders.entries[place];
    uint32_t done = 0;
    for (uint32_t origin = 0; place != 0 && origin < ORDER_ORIGIN_COUNT; origin++) {
        struct order_standing *standing = &entry->standing[origin][ORDER_ASK_UPDATE];
        if ((entry->in_force[origin] & ORDER_BIT(ORDER_ASK_UPDATE)) == 0) {
            continue;
        }
        if (standing->software == 0) {
            standing->software = software; /* what it is to leave; after a restart it tells again */
        }
        done |= is_updated(standing, payment->device.firmware, software) ? ORIGIN_BIT(origin) : 0;
    }
    if (done != 0) {
        end_asked(engine, place, ORDER_ASK_UPDATE, done);
    }
}

void order_on_told(struct engine *engine, const char terminal_id[9], enum payment_words kind)
{
    uint32_t place = order_table_find(&engine->orders, terminal_id, "");
    REQUIRE(place != 0);
    struct order_entry *entry = &engine->orders.entries[place];
    struct order_standing *standing = order_table_words(entry, kind);
    REQUIRE(standing != NULL);
    if (standing->order.times > 1) {
        standing->order.times--;
        (void)write_row(engine, RECORD_ORDER_DONE, entry, standing);
    } else {
        end(engine, place, standing, RECORD_ORDER_DONE);
    }
}

/* --- a restart ---------------------------------------------------------------------------- */

/* False: the row holds what no version of ours wrote. */
static bool read_all(const struct record *record, struct order_standing *standing, uint32_t *count)
{
    struct byte_reader reader;
    byte_reader_init(&reader, record->answer, record->answer_length);
    *count = 0;
    while (byte_reader_left(&reader) > 0) {
        if (*count == ORDER_ORIGIN_COUNT * ORDER_STANDING_COUNT ||
            order_note_read(&reader, &standing[*count]) != STATUS_OK ||
            (unsigned)standing[*count].order.kind >= ORDER_STANDING_COUNT) {
            return false;
        }
        ++*count;
    }
    return true;
}

bool order_may_replay(const struct engine *engine, const struct record *record)
{
    struct order_standing standing[ORDER_ORIGIN_COUNT * ORDER_STANDING_COUNT];
    uint32_t count = 0;
    const struct order_book *book = &engine->orders;
    bool has_subject = record->terminal_id[0] != '\0' || record->merchant_id[0] != '\0';
    return has_subject && read_all(record, standing, &count) &&
           (count == 0 || book->count < ORDER_SUBJECT_COUNT_MAX ||
            order_table_find(book, record->terminal_id, record->merchant_id) != 0);
}

void order_replay(struct engine *engine, const struct record *record)
{
    struct order_standing standing[ORDER_ORIGIN_COUNT * ORDER_STANDING_COUNT];
    uint32_t count = 0;
    if (PLANTED_BUG(46)) {
        return;
    }
    REQUIRE(order_may_replay(engine, record));
    REQUIRE(read_all(record, standing, &count));
    uint32_t place = order_table_enroll(&engine->orders, record->terminal_id, record->merchant_id);
    if (place == 0) {
        return; /* it had none, and has none */
    }
    struct order_entry *entry = &engine->orders.entries[place];
    memset(entry->in_force, 0, sizeof(entry->in_force));
    for (uint32_t i = 0; i < count; i++) {
        TEXT_COPY(standing[i].order.terminal_id, record->terminal_id);
        TEXT_COPY(standing[i].order.merchant_id, record->merchant_id);
        order_table_put(&engine->orders, place, &standing[i], clock_of(engine));
    }
    order_table_settle(&engine->orders, place);
}

static uint64_t hash_standing(const struct order_standing *standing)
{
    uint8_t bytes[ORDER_NOTE_SIZE_MAX];
    struct byte_writer writer;
    struct order_standing plain = *standing;
    plain.software = 0; /* what was learnt behind the row, a restart learns again */
    byte_writer_init(&writer, bytes, sizeof(bytes));
    order_note_write(&writer, &plain);
    REQUIRE(writer.status == STATUS_OK);
    uint64_t hash = hash_mix(writer.position);
    for (uint32_t i = 0; i < writer.position; i++) {
        hash = hash_mix(hash ^ bytes[i]) + 1;
    }
    return hash;
}

uint64_t order_hash(const struct engine *engine)
{
    uint64_t sum = 0;
    for (uint32_t place = 1; place <= engine->orders.fresh; place++) {
        const struct order_entry *entry = &engine->orders.entries[place];
        uint64_t subject = hash_text(entry->terminal_id) + hash_mix(hash_text(entry->merchant_id));
        for (uint32_t i = 0; i < ORDER_ORIGIN_COUNT * ORDER_STANDING_COUNT; i++) {
            uint32_t origin = i / ORDER_STANDING_COUNT, kind = i % ORDER_STANDING_COUNT;
            if ((entry->in_force[origin] & ORDER_BIT(kind)) != 0) {
                sum += hash_mix(hash_standing(&entry->standing[origin][kind]) ^ subject);
            }
        }
    }
    return sum;
}

/* --- views -------------------------------------------------------------------------------- */

uint32_t engine_orders(const struct engine *engine, uint32_t after, struct order_standing *standing)
{
    const struct order_book *book = &engine->orders;
    const uint32_t of_each = ORDER_ORIGIN_COUNT * ORDER_STANDING_COUNT;
    for (uint32_t at = after; at < book->fresh * of_each; at++) {
        const struct order_entry *entry = &book->entries[at / of_each + 1];
        uint32_t origin = at % of_each / ORDER_STANDING_COUNT, kind = at % ORDER_STANDING_COUNT;
        if ((entry->in_force[origin] & ORDER_BIT(kind)) != 0) {
            *standing = entry->standing[origin][kind];
            return at + 1;
        }
    }
    return 0;
}

void engine_count_orders(const struct engine *engine,
                         uint32_t counts[ORDER_ORIGIN_COUNT][ORDER_STANDING_COUNT])
{
    const struct order_book *book = &engine->orders;
    const uint32_t of_each = ORDER_ORIGIN_COUNT * ORDER_STANDING_COUNT;
    memset(counts, 0, of_each * sizeof(counts[0][0]));
    for (uint32_t at = 0; at < book->fresh * of_each; at++) {
        uint32_t origin = at % of_each / ORDER_STANDING_COUNT, kind = at % ORDER_STANDING_COUNT;
        counts[origin][kind] +=
            book->entries[at / of_each + 1].in_force[origin] >> kind & UINT32_C(1);
    }
}
