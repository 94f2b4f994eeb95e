/* See fact_book.h. */
#include "switch/followup/fact_book.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "protocols/base/pause.h"
#include "protocols/base/require.h"
#include "switch/desk/registry.h"

#define COHORT_COUNT_MAX 4096
#define TERMINAL_COUNT_LEAST 1024u

_Static_assert(sizeof(((struct merchant_facts *)0)->owner) <= REGISTRY_HASH_SIZE,
               "an owner is told apart by the first digits of the hash");

/* What a merchant hands down to its terminals. */
struct heritage {
    char agent[AGENT_ID_SIZE];
    uint32_t area_code; /* 0: not known */
    bool may_fallback, may_key_in;
};

struct fact_book {
    uint32_t terminal_count, merchant_count;
    struct terminal_facts *terminals; /* owner; in the order of their ids, as the next */
    struct merchant_facts *merchants; /* owner */
    struct heritage *heritage;        /* owner; beside the merchants */
};

/* --- making -------------------------------------------------------------------------------- */

static struct fact_book *book_make(uint32_t terminal_count, uint32_t merchant_count)
{
    struct fact_book *book = calloc(1, sizeof(*book));
    if (book == NULL) {
        return NULL;
    }
    book->terminal_count = terminal_count;
    book->merchant_count = merchant_count;
    book->terminals = calloc((size_t)terminal_count + 1, sizeof(*book->terminals));
    book->merchants = calloc((size_t)merchant_count + 1, sizeof(*book->merchants));
    book->heritage = calloc((size_t)merchant_count + 1, sizeof(*book->heritage));
    if (book->terminals == NULL || book->merchants == NULL || book->heritage == NULL) {
        fact_book_destroy(book);
        return NULL;
    }
    return book;
}

void fact_book_destroy(struct fact_book *book)
{
    if (book != NULL) {
        free(book->terminals);
        free(book->merchants);
        free(book->heritage);
        free(book);
    }
}

static int terminal_compare(const void *left, const void *right)
{
    const struct terminal_facts *a = left, *b = right;
    pause_point();
    return strcmp(a->terminal_id, b->terminal_id);
}

static int merchant_compare(const void *left, const void *right)
{
    const struct merchant_facts *a = left, *b = right;
    pause_point();
    return strcmp(a->merchant_id, b->merchant_id);
}

static uint32_t merchant_place(const struct fact_book *book, const char *merchant_id)
{
    const struct merchant_facts *found = fact_book_merchant(book, merchant_id);
    return found == NULL ? book->merchant_count : (uint32_t)(found - book->merchants);
}

static void merchants_fill(struct fact_book *book, const struct ruleset *ruleset)
{
    const struct merchant_table *table = ruleset_merchant_view(ruleset);
    for (uint32_t i = 0; i < book->merchant_count; i++) {
        const struct merchant_row *row = merchant_table_at(table, i);
        struct merchant_facts *facts = &book->merchants[i];
        memcpy(facts->merchant_id, row->merchant_id, sizeof(facts->merchant_id));
        memcpy(facts->mcc, row->mcc, sizeof(facts->mcc));
        facts->single_max_minor = row->amount_max;
    }
    qsort(book->merchants, book->merchant_count, sizeof(*book->merchants), merchant_compare);
    for (uint32_t i = 0; i < book->merchant_count; i++) {
        const struct merchant_row *row = merchant_table_at(table, i);
        const struct agent_row *agent = ruleset_agent_of(ruleset, row);
        if (agent != NULL) {
            memcpy(book->heritage[merchant_place(book, row->merchant_id)].agent, agent->agent_id,
                   AGENT_ID_SIZE);
        }
    }
}

/* The place of a binding goes before that of its merchant. */
static void inherit(const struct fact_book *book, struct terminal_facts *facts)
{
    _Static_assert(AGENT_ID_SIZE <= sizeof(facts->agent), "an agent's id fits");
    uint32_t place = merchant_place(book, facts->merchant_id);
    if (place < book->merchant_count) {
        const struct heritage *heritage = &book->heritage[place];
        memcpy(facts->agent, heritage->agent, AGENT_ID_SIZE);
        facts->area_code = facts->area_code != 0 ? facts->area_code : heritage->area_code;
        facts->may_fallback = heritage->may_fallback;
        facts->may_key_in = heritage->may_key_in;
    }
}

static void terminals_fill(struct fact_book *book, const struct ruleset *ruleset)
{
    const struct terminal_table *table = ruleset_terminal_view(ruleset);
    for (uint32_t i = 0; i < book->terminal_count; i++) {
        const struct terminal_row *row = terminal_table_at(table, i);
        struct terminal_facts *facts = &book->terminals[i];
        memcpy(facts->terminal_id, row->terminal_id, sizeof(facts->terminal_id));
        memcpy(facts->merchant_id, row->merchant_id, sizeof(facts->merchant_id));
        memcpy(facts->brand, row->brand, sizeof(facts->brand));
        memcpy(facts->model, row->model, sizeof(facts->model));
        facts->is_active = row->is_active;
        inherit(book, facts);
    }
    qsort(book->terminals, book->terminal_count, sizeof(*book->terminals), terminal_compare);
}

struct fact_book *fact_book_create(const struct ruleset *ruleset)
{
    struct fact_book *book = book_make(terminal_table_count(ruleset_terminal_view(ruleset)),
                                       merchant_table_count(ruleset_merchant_view(ruleset)));
    if (book != NULL) {
        merchants_fill(book, ruleset);
        terminals_fill(book, ruleset);
    }
    return book;
}

struct fact_book *fact_book_copy(const struct fact_book *book)
{
    struct fact_book *copy = book_make(book->terminal_count, book->merchant_count);
    if (copy != NULL) {
        memcpy(copy->terminals, book->terminals, book->terminal_count * sizeof(*copy->terminals));
        memcpy(copy->merchants, book->merchants, book->merchant_count * sizeof(*copy->merchants));
        memcpy(copy->heritage, book->heritage, book->merchant_count * sizeof(*copy->heritage));
    }
    return copy;
}

const struct terminal_facts *fact_book_terminal(const struct fact_book *book,
                                                const char *terminal_id)
{
    struct terminal_facts wanted = {.terminal_id = ""};
    size_t length = strlen(terminal_id);
    if (length >= sizeof(wanted.terminal_id)) {
        return NULL;
    }
    memcpy(wanted.terminal_id, terminal_id, length);
    return bsearch(&wanted, book->terminals, book->terminal_count, sizeof(wanted),
                   terminal_compare);
}

const struct merchant_facts *fact_book_merchant(const struct fact_book *book,
                                                const char *merchant_id)
{
    struct merchant_facts wanted = {.merchant_id = ""};
    size_t length = strlen(merchant_id);
    if (length >= sizeof(wanted.merchant_id)) {
        return NULL;
    }
    memcpy(wanted.merchant_id, merchant_id, length);
    return bsearch(&wanted, book->merchants, book->merchant_count, sizeof(wanted),
                   merchant_compare);
}

/* --- the registry -------------------------------------------------------------------------- */

/* All zeros where it is empty, or no hash. */
static void card_read(struct pan_hash *card, const char hash[REGISTRY_HASH_SIZE])
{
    struct byte_writer writer;
    memset(card, 0, sizeof(*card));
    byte_writer_init(&writer, card->bytes, sizeof(card->bytes));
    enum status status = bytes_from_hex(&writer, hash, (uint32_t)strlen(hash));
    if (status != STATUS_OK || writer.position != sizeof(card->bytes)) {
        memset(card, 0, sizeof(*card));
    }
}

static bool on_merchant(void *argument, const void *row)
{
    struct fact_book *book = argument;
    const struct merchant_registration *registered = row;
    uint32_t place = merchant_place(book, registered->merchant_id);
    if (place == book->merchant_count) {
        return true;
    }
    struct merchant_facts *facts = &book->merchants[place];
    if (registered->mcc[0] != '\0') {
        memcpy(facts->mcc, registered->mcc, sizeof(facts->mcc));
    }
    memcpy(facts->owner, registered->owner_hash, sizeof(facts->owner) - 1);
    facts->since_day =
        registered->contract_from_day > 0 ? (uint32_t)registered->contract_from_day : 0;
    facts->opens_minute = registered->opens_minute;
    facts->closes_minute = registered->closes_minute;
    if (registered->single_max_minor > 0) {
        facts->single_max_minor = registered->single_max_minor;
    }
    facts->month_minor = registered->month_max_minor;
    card_read(&facts->owner_cards[0], registered->owner_card_hash);
    card_read(&facts->owner_cards[1], registered->owner_card_2_hash);
    struct heritage *heritage = &book->heritage[place];
    if (registered->agent_id[0] != '\0') {
        memcpy(heritage->agent, registered->agent_id, AGENT_ID_SIZE);
    }
    heritage->area_code = registered->area_code;
    heritage->may_fallback = registered->may_fallback;
    heritage->may_key_in = registered->may_key_in;
    return true;
}

static struct terminal_facts *terminal_of(struct fact_book *book, const char *terminal_id)
{
    return (struct terminal_facts *)fact_book_terminal(book, terminal_id);
}

static bool on_terminal(void *argument, const void *row)
{
    struct fact_book *book = argument;
    const struct terminal_registration *registered = row;
    struct terminal_facts *facts = terminal_of(book, registered->terminal_id);
    if (facts == NULL) {
        return true;
    }
    memcpy(facts->serial, registered->serial, sizeof(facts->serial));
    if (registered->brand[0] != '\0') {
        memcpy(facts->brand, registered->brand, sizeof(facts->brand));
        memcpy(facts->model, registered->model, sizeof(facts->model));
    }
    facts->is_spare = registered->is_spare;
    facts->is_active = facts->is_active && registered->state == TERMINAL_STATE_ACTIVE;
    return true;
}

static bool on_binding(void *argument, const void *row)
{
    struct fact_book *book = argument;
    const struct registry_binding *bound = row;
    struct terminal_facts *facts = terminal_of(book, bound->terminal_id);
    if (facts == NULL || bound->binding.valid_to_day != 0) {
        return true;
    }
    facts->has_place = bound->binding.has_place;
    facts->latitude_e3 = bound->binding.latitude_e3;
    facts->longitude_e3 = bound->binding.longitude_e3;
    facts->radius_m = bound->binding.radius_m;
    facts->area_code = bound->binding.area_code;
    return true;
}

/* Software that a model must have at least, told to each terminal of it. */
static bool on_model(void *argument, const void *row)
{
    struct fact_book *book = argument;
    const struct device_model *model = row;
    for (uint32_t i = 0; i < book->terminal_count; i++) {
        struct terminal_facts *facts = &book->terminals[i];
        if (strcmp(facts->brand, model->brand) == 0 && strcmp(facts->model, model->model) == 0) {
            memcpy(facts->firmware_min, model->firmware_min, sizeof(facts->firmware_min));
        }
    }
    return true;
}

enum status fact_book_register(struct fact_book *book, struct desk *desk)
{
    static const struct {
        enum registry_kind kind;
        bool (*on_row)(void *argument, const void *row);
    } STEPS[] = {{REGISTRY_MERCHANT, on_merchant},
                 {REGISTRY_TERMINAL, on_terminal},
                 {REGISTRY_BINDING, on_binding},
                 {REGISTRY_DEVICE_MODEL, on_model}};
    enum status status = STATUS_OK;
    for (unsigned i = 0; i < sizeof(STEPS) / sizeof(STEPS[0]) && status == STATUS_OK; i++) {
        status = registry_list(desk, STEPS[i].kind, &(struct registry_sink){STEPS[i].on_row, book});
    }
    for (uint32_t i = 0; i < book->terminal_count; i++) {
        inherit(book, &book->terminals[i]);
    }
    return status;
}

/* --- telling ------------------------------------------------------------------------------- */

/* Both in the order of their ids: walks along `before` as its caller walks along the book. */
struct walk {
    const char *rows; /* each begins with its id, and its unused bytes are zeros */
    size_t size;
    uint32_t count, next;
};

/* Whether the same was told before. */
static bool is_old_news(struct walk *before, const void *row)
{
    int order = 1;
    while (before->next < before->count &&
           (order = strcmp(before->rows + before->next * before->size, row)) < 0) {
        before->next++;
    }
    return before->next < before->count && order == 0 &&
           memcmp(before->rows + before->next * before->size, row, before->size) == 0;
}

_Static_assert(offsetof(struct terminal_facts, terminal_id) == 0, "a row begins with its id");
_Static_assert(offsetof(struct merchant_facts, merchant_id) == 0, "a row begins with its id");

uint32_t fact_book_learn(const struct fact_book *book, const struct fact_book *before,
                         struct watcher *watcher)
{
    struct walk terminals = {.size = sizeof(*book->terminals)};
    struct walk merchants = {.size = sizeof(*book->merchants)};
    if (before != NULL) {
        terminals.rows = (const char *)before->terminals;
        terminals.count = before->terminal_count;
        merchants.rows = (const char *)before->merchants;
        merchants.count = before->merchant_count;
    }
    uint32_t refused_count = 0;
    for (uint32_t i = 0; i < book->terminal_count; i++) {
        refused_count += is_old_news(&terminals, &book->terminals[i]) ||
                                 watcher_learn_terminal(watcher, &book->terminals[i])
                             ? 0
                             : 1;
    }
    for (uint32_t i = 0; i < book->merchant_count; i++) {
        refused_count += is_old_news(&merchants, &book->merchants[i]) ||
                                 watcher_learn_merchant(watcher, &book->merchants[i])
                             ? 0
                             : 1;
    }
    for (uint32_t i = 0; before != NULL && i < before->terminal_count; i++) {
        struct terminal_facts gone = before->terminals[i];
        if (gone.is_active && fact_book_terminal(book, gone.terminal_id) == NULL) {
            gone.is_active = false;
            (void)watcher_learn_terminal(watcher, &gone);
        }
    }
    return refused_count;
}

/* A power of two above the count and a reserve. */
static uint32_t room_for(uint32_t count)
{
    uint32_t room = TERMINAL_COUNT_LEAST;
    while (room < count + count / 4 + TERMINAL_COUNT_LEAST / 4 && room < UINT32_C(1) << 31) {
        room *= 2;
    }
    return room;
}

struct watch_limits fact_book_limits(const struct ruleset *ruleset, uint32_t card_count_max)
{
    return (struct watch_limits){
        .terminal_count_max = room_for(terminal_table_count(ruleset_terminal_view(ruleset))),
        .merchant_count_max = room_for(merchant_table_count(ruleset_merchant_view(ruleset))),
        .card_count_max = card_count_max,
        .cohort_count_max = COHORT_COUNT_MAX};
}
