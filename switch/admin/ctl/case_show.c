/* See case_show.h. */
#include "switch/admin/ctl/case_show.h"

#include <stdio.h>
#include <string.h>

#include "switch/admin/ctl/shown_text.h"
#include "switch/admin/ctl/table.h"

#define COLUMN_ROOM 24

/* The columns of a language: "zh" or "en" in place of "*" at the end of a path. */
static void columns_of(struct table_column columns[COLUMN_ROOM], const struct table_column *both,
                       bool is_chinese)
{
    static char paths[COLUMN_ROOM][48];
    int i = 0;
    for (; i < COLUMN_ROOM - 1 && both[i].heading != NULL; i++) {
        size_t length = strlen(both[i].path);
        columns[i] = both[i];
        if (length > 0 && both[i].path[length - 1] == '*' && length < sizeof(paths[0]) - 1) {
            snprintf(paths[i], sizeof(paths[0]), "%.*s%s", (int)length - 1, both[i].path,
                     is_chinese ? "zh" : "en");
            columns[i].path = paths[i];
        }
    }
    columns[i] = (struct table_column){NULL, NULL};
}

static void show_table(const json_t *items, const struct table_column *both, bool is_chinese)
{
    struct table_column columns[COLUMN_ROOM];
    columns_of(columns, both, is_chinese);
    table_write(stdout, items, columns);
}

static void show_one(const json_t *item, const struct table_column *both, bool is_chinese)
{
    struct table_column columns[COLUMN_ROOM];
    columns_of(columns, both, is_chinese);
    table_write_one(stdout, item, columns);
}

static const json_t *at(const json_t *json, const char *name)
{
    return json_object_get(json, name);
}

bool case_show_heading(const json_t *items, const char *heading)
{
    bool is_there = json_array_size(items) > 0 || json_object_size(items) > 0;
    if (is_there) {
        printf("\n%s:\n", heading);
    }
    return is_there;
}

void case_show_list(const json_t *json, bool is_chinese)
{
    static const struct table_column COLUMNS[] = {{"ID", "id"},
                                                  {"KIND", "kind"},
                                                  {"STATE", "state_*"},
                                                  {"SEV", "severity"},
                                                  {"DUE", "due"},
                                                  {"LATE", "is_late"},
                                                  {"TERMINAL", "terminal_id"},
                                                  {"MERCHANT", "merchant_id"},
                                                  {"SUBJECT", "subject_id"},
                                                  {"FAULT", "fault"},
                                                  {"WHAT", "fault_*"},
                                                  {NULL, NULL}};
    const char *cursor = json_string_value(at(json, "cursor"));
    show_table(at(json, "items"), COLUMNS, is_chinese);
    if (cursor != NULL) {
        fprintf(stderr, "tillwayctl: there are more: --cursor %s\n", cursor);
    }
}

/* ---- what to do ---- */

void case_show_flags(const json_t *flags, bool is_chinese)
{
    const struct table_column columns[] = {{"ID", "id"},
                                           {"RAISED", "raised"},
                                           {"SIGNAL", "signal"},
                                           {"SUBJECT", "subject_id"},
                                           {"SEV", "severity"},
                                           {"VALUE", "value"},
                                           {"LIMIT", "threshold"},
                                           {"CASE", "case_id"},
                                           {"OUTCOME", "outcome"},
                                           {"WHAT", is_chinese ? "sentence_zh" : "sentence"},
                                           {NULL, NULL}};
    table_write(stdout, flags, columns);
}

static void show_cause(const json_t *cause, bool is_chinese)
{
    const json_t *lines = at(cause, is_chinese ? "lines_zh" : "lines_en");
    if (case_show_heading(lines, "likely cause")) {
        table_write_lines(stdout, lines);
    }
}

/* Sentences in their order, uncut. */
static void show_numbered(const json_t *steps, bool is_chinese)
{
    for (size_t i = 0; i < json_array_size(steps); i++) {
        const char *text =
            json_string_value(at(json_array_get(steps, i), is_chinese ? "zh" : "en"));
        printf("%zu. ", i + 1);
        shown_text_write(stdout, text == NULL ? "" : text, text == NULL ? 0 : strlen(text), 400);
        putchar('\n');
    }
}

static void show_self_help(const json_t *help, bool is_chinese)
{
    char heading[200];
    const char *fault = json_string_value(at(help, "fault"));
    const char *name = json_string_value(at(help, is_chinese ? "zh" : "en"));
    snprintf(heading, sizeof(heading), "self-help, %s %s", fault == NULL ? "" : fault,
             name == NULL ? "" : name);
    shown_text_clean(heading);
    if (case_show_heading(at(help, "steps"), heading)) {
        show_numbered(at(help, "steps"), is_chinese);
    }
}

static void show_serve(const json_t *serve, bool is_chinese)
{
    static const struct table_column ORDER[] = {{"ASK, IN THIS ORDER", "*"}, {NULL, NULL}};
    static const struct table_column CHANNELS[] = {{"CHANNEL", "name"},    {"KIND", "kind_*"},
                                                   {"CONTACT", "contact"}, {"OPEN", "is_open"},
                                                   {"OLD", "is_stale"},    {NULL, NULL}};
    static const struct table_column POINTS[] = {
        {"POINT", "point_id"}, {"NAME", "name"},         {"ADDRESS", "address"},
        {"PHONE", "phone"},    {"METRES", "distance_m"}, {"SPARES", "spares"},
        {"OPEN", "is_open"},   {"OLD", "is_stale"},      {NULL, NULL}};
    if (case_show_heading(at(serve, "order"), "who serves")) {
        show_table(at(serve, "order"), ORDER, is_chinese);
    }
    if (case_show_heading(at(serve, "channels"), "where help is found")) {
        show_table(at(serve, "channels"), CHANNELS, is_chinese);
    }
    if (case_show_heading(at(serve, "points"), "nearest service points")) {
        show_table(at(serve, "points"), POINTS, is_chinese);
    }
}

static void show_warranty(const json_t *warranty, bool is_chinese)
{
    static const struct table_column COLUMNS[] = {{"verdict", "verdict_*"},
                                                  {"part", "part"},
                                                  {"free of charge", "is_free"},
                                                  {"until", "ends"},
                                                  {"way", "way"},
                                                  {"why", "why"},
                                                  {"cost (fen)", "cost_minor"},
                                                  {"acceptance needed", "needs_acceptance"},
                                                  {"terms are old", "is_stale"},
                                                  {NULL, NULL}};
    if (case_show_heading(warranty, "warranty")) {
        show_one(warranty, COLUMNS, is_chinese);
    }
}

void case_show_advice(const json_t *json, bool is_chinese)
{
    show_cause(at(json, "cause"), is_chinese);
    show_self_help(at(json, "self_help"), is_chinese);
    show_serve(at(json, "serve"), is_chinese);
    show_warranty(at(json, "warranty"), is_chinese);
    if (case_show_heading(at(json, "flags"), "flags")) {
        case_show_flags(at(json, "flags"), is_chinese);
    }
    if (case_show_heading(at(json, "cohorts"), "others of its kind are ill as well")) {
        case_show_flags(at(json, "cohorts"), is_chinese);
    }
}

/* ---- one case ---- */

static void show_head(const json_t *json, bool is_chinese)
{
    static const struct table_column COLUMNS[] = {{"case", "id"},
                                                  {"kind", "kind"},
                                                  {"state", "state"},
                                                  {"in words", "state_*"},
                                                  {"severity", "severity"},
                                                  {"service class", "service_class"},
                                                  {"fault", "fault"},
                                                  {"that is", "fault_*"},
                                                  {"terminal", "terminal_id"},
                                                  {"brand", "brand"},
                                                  {"model", "model"},
                                                  {"serial number", "serial"},
                                                  {"merchant", "merchant_id"},
                                                  {"came by", "source"},
                                                  {"opened", "opened"},
                                                  {"engineer", "engineer"},
                                                  {"service point", "point_id"},
                                                  {"price", "quote"},
                                                  {"outcome", "outcome"},
                                                  {NULL, NULL}};
    static const struct table_column MORE[] = {{"due", "due"},
                                               {"held for a court", "is_kept"},
                                               {"shop", "merchant.name"},
                                               {"to call", "merchant.contact"},
                                               {"address", "place.address"},
                                               {NULL, NULL}};
    show_one(at(json, "case"), COLUMNS, is_chinese);
    show_one(json, MORE, is_chinese);
}

/* What an event says beside its reason, as it would be typed: "step=1 result=done". */
static json_t *says(const json_t *event)
{
    static const char *const MEMBERS[] = {"step",          "result",       "flag",     "fault",
                                          "place",         "engineer",     "point_id", "serial",
                                          "outcome",       "closing_code", "score",    "cost_minor",
                                          "service_class", "second_actor"};
    char text[160] = "";
    size_t used = 0;
    for (size_t i = 0; i < sizeof(MEMBERS) / sizeof(MEMBERS[0]); i++) {
        const json_t *value = at(event, MEMBERS[i]);
        const char *word = json_string_value(value);
        char number[24];
        snprintf(number, sizeof(number), "%lld", (long long)json_integer_value(value));
        const char *shown = word != NULL ? word : json_is_integer(value) ? number : "";
        if (shown[0] != '\0' && used < sizeof(text)) {
            used += (size_t)snprintf(text + used, sizeof(text) - used, "%s%s=%.40s",
                                     used > 0 ? " " : "", MEMBERS[i], shown);
        }
    }
    return json_string(text);
}

/* What was replaced, and when; of a service point's own answer its own parts. */
static void show_parts(const json_t *json, bool is_chinese)
{
    static const struct table_column COLUMNS[] = {{"TIME", "time"},        {"BY", "by"},
                                                  {"PART", "part"},        {"THAT IS", "part_*"},
                                                  {"PIECES", "quantity"},  {"OLD", "serial_before"},
                                                  {"NEW", "serial_after"}, {"FEN", "cost_minor"},
                                                  {"PAID BY", "paid_by"},  {NULL, NULL}};
    json_t *parts = json_array();
    size_t index, part_index;
    json_t *event, *part;
    json_array_foreach(at(json, "events"), index, event)
    {
        json_array_foreach(at(event, "parts"), part_index, part)
        {
            json_object_set(part, "time", json_object_get(event, "time"));
            json_object_set(part, "by", json_object_get(event, "actor"));
            json_array_append(parts, part);
        }
    }
    if (json_array_size(at(json, "parts")) > 0) {
        json_array_extend(parts, json_object_get(json, "parts"));
    }
    if (case_show_heading(parts, "parts that were replaced")) {
        show_table(parts, COLUMNS, is_chinese);
    }
    json_decref(parts);
}

static void show_events(const json_t *json, bool is_chinese)
{
    static const struct table_column EVENTS[] = {
        {"N", "number"},    {"TIME", "time"}, {"EVENT", "kind"},    {"AS", "role"}, {"BY", "actor"},
        {"TO", "to_state"}, {"SAYS", "says"}, {"REASON", "reason"}, {NULL, NULL}};
    static const struct table_column STEPS[] = {
        {"STEP", "step"}, {"NAME", "name"}, {"RESULT", "result"}, {"WHAT", "*"}, {NULL, NULL}};
    size_t index;
    json_t *event;
    json_array_foreach(at(json, "events"), index, event)
    {
        json_object_set_new(event, "says", says(event));
    }
    if (case_show_heading(at(json, "events"), "events")) {
        show_table(at(json, "events"), EVENTS, is_chinese);
    }
    if (case_show_heading(at(json, "first_steps"), "first steps")) {
        show_table(at(json, "first_steps"), STEPS, is_chinese);
    }
}

/* The words of a list, in a cell. */
static json_t *joined(const json_t *words)
{
    char text[160] = "";
    size_t used = 0, index;
    const json_t *word;
    json_array_foreach(words, index, word)
    {
        if (used < sizeof(text)) {
            used += (size_t)snprintf(text + used, sizeof(text) - used, "%s%.60s",
                                     index > 0 ? ", " : "", json_string_value(word));
        }
    }
    return json_string(text);
}

/* What `case do` takes next: the event, as whom, what must be said with it and what may be. */
static void show_permitted(const json_t *json, bool is_chinese)
{
    static const struct table_column COLUMNS[] = {{"EVENT", "event"},   {"AS", "as_words"},
                                                  {"NEEDS", "needed"},  {"MEMBERS", "may_say"},
                                                  {"WHAT", "sentence"}, {NULL, NULL}};
    size_t index;
    json_t *event;
    json_array_foreach(at(json, "permitted"), index, event)
    {
        json_object_set_new(event, "as_words", joined(at(event, "as")));
        json_object_set_new(event, "needed", joined(at(event, "needs")));
        json_object_set_new(event, "may_say", joined(at(event, "members")));
    }
    if (case_show_heading(at(json, "permitted"), "permitted now")) {
        show_table(at(json, "permitted"), COLUMNS, is_chinese);
    }
}

/* The explanation of each fee, in the merchant's words. */
static void show_fees(const json_t *fees, bool is_chinese)
{
    size_t index;
    const json_t *fee;
    json_array_foreach(fees, index, fee)
    {
        const json_t *lines = at(fee, is_chinese ? "lines_zh" : "lines_en");
        const char *note = json_string_value(at(fee, "note"));
        if (case_show_heading(lines, is_chinese ? "手续费说明" : "the fee, explained")) {
            table_write_lines(stdout, lines);
        }
        if (note != NULL) {
            printf("\nthe fee: %s\n", note);
            table_write_lines(stdout, at(at(fee, "explanation"), "lines"));
        }
    }
}

void case_show(const json_t *json, bool is_chinese)
{
    show_head(json, is_chinese);
    show_events(json, is_chinese);
    show_parts(json, is_chinese);
    show_fees(at(json, "fees"), is_chinese);
    case_show_advice(json, is_chinese);
    show_permitted(json, is_chinese);
}

void case_show_step(const json_t *json, bool is_chinese)
{
    static const struct table_column COLUMNS[] = {
        {"case", "id"}, {"event", "event"}, {"from", "from"}, {"state", "state"}, {NULL, NULL}};
    static const struct table_column TO_DO[] = {
        {"WHAT", "sentence"}, {"UNTIL", "due"}, {"TEXT", "text"}, {NULL, NULL}};
    show_one(json, COLUMNS, is_chinese);
    if (case_show_heading(at(json, "to_do"), "what follows, by the switch and its messages")) {
        show_table(at(json, "to_do"), TO_DO, is_chinese);
    }
    show_permitted(json, is_chinese);
}
