/* See case_report.h. One statement a kind, from pieces: how a case and a terminal come to their
 * group, and the figures, which are the same for all. */
#include "switch/desk/case_report.h"

#include <stdio.h>
#include <string.h>

#include "protocols/base/require.h"
#include "switch/desk/desk_state.h"

#define REPORT_SQL_SIZE 12288

/* How one kind finds its groups. */
struct grouping {
    const char *word;
    const char *of_case;   /* expression over service_case AS c */
    const char *terminals; /* gives `name` and `city` (0: none) of each terminal; NULL: no fleet */
    const char *name;      /* gives the text of a group, over `g.name` */
    const char *point_brand; /* the brand of a group, over `g.name`; NULL: it has none */
};

#define IN_SERVICE "t.state IN ('active', 'stopped', 'in_repair')"
#define BOUND                                                                                      \
    " LEFT JOIN registry_binding AS b ON b.terminal_id = t.terminal_id AND b.valid_to_day = ''"

static const struct grouping GROUPINGS[CASE_REPORT_COUNT] = {
    [CASE_REPORT_BRAND] = {"brand", "c.brand",
                           "SELECT t.brand AS name, coalesce(b.area_code, 0) / 100 AS city"
                           " FROM terminal_registration AS t" BOUND " WHERE " IN_SERVICE,
                           "''", "g.name"},
    [CASE_REPORT_MODEL] = {"model", "trim(c.brand || ' ' || c.model)",
                           "SELECT trim(t.brand || ' ' || t.model) AS name,"
                           " coalesce(b.area_code, 0) / 100 AS city"
                           " FROM terminal_registration AS t" BOUND " WHERE " IN_SERVICE,
                           "''",
                           "(SELECT d.brand FROM device_model AS d"
                           " WHERE trim(d.brand || ' ' || d.model) = g.name LIMIT 1)"},
    [CASE_REPORT_AGENT] = {"agent",
                           "coalesce((SELECT m.agent_id FROM merchant_registration AS m"
                           " WHERE m.merchant_id = c.merchant_id), '')",
                           "SELECT coalesce(m.agent_id, '') AS name,"
                           " coalesce(b.area_code, 0) / 100 AS city"
                           " FROM terminal_registration AS t" BOUND
                           " LEFT JOIN merchant_registration AS m"
                           " ON m.merchant_id = b.merchant_id WHERE " IN_SERVICE,
                           "(SELECT a.name FROM agent AS a WHERE a.agent_id = g.name)", NULL},
    [CASE_REPORT_POINT] = {"point", "c.point_id", NULL,
                           "(SELECT p.name FROM service_point AS p WHERE p.point_id = g.name)",
                           NULL}};

const char *case_report_word(enum case_report_kind kind)
{
    REQUIRE((unsigned)kind < CASE_REPORT_COUNT);
    return GROUPINGS[kind].word;
}

enum case_report_kind case_report_from_word(const char *word)
{
    unsigned i = 0;
    while (i < CASE_REPORT_COUNT && strcmp(GROUPINGS[i].word, word) != 0) {
        i++;
    }
    return (enum case_report_kind)i;
}

/* Ranks of a time within its group: `half` is the median, `most` the ninth tenth of `k` times. Both
 * are cases that were there, not means of two. */
#define RANKED(value)                                                                              \
    "SELECT name, max(v) FILTER (WHERE n = (k + 1) / 2) AS half,"                                  \
    " max(v) FILTER (WHERE n = (k * 9 + 9) / 10) AS most, max(k) AS k FROM (SELECT name, " value   \
    " AS v, row_number() OVER (PARTITION BY name ORDER BY " value ") AS n,"                        \
    " count(*) OVER (PARTITION BY name) AS k FROM opened WHERE "
#define ANSWERS                                                                                    \
    RANKED("answer_used_us / 60000000")                                                            \
    "answer_budget_us > 0 AND answer_since_us = 0 AND is_waiting = 'no') GROUP BY name"
#define REPAIRS                                                                                    \
    RANKED("(repaired_us - opened_us) / 60000000")                                                 \
    "is_failure AND repaired_us >= opened_us) GROUP BY name"

#define COUNTED                                                                                    \
    "SELECT name, count(*) AS cases, sum(is_failure) AS failures,"                                 \
    " sum(is_failure AND EXISTS (SELECT 1 FROM service_case AS p WHERE p.id <> opened.id"          \
    " AND p.terminal_id = opened.terminal_id AND p.kind = 'FAULT' AND p.subject = 'terminal'"      \
    " AND p.outcome <> 'benign' AND p.closed_us > 0 AND p.closed_us <= opened.opened_us"           \
    " AND opened.opened_us - p.closed_us <= ?3)) AS repeats, sum(reopen_count) AS reopenings,"     \
    " count(*) FILTER (WHERE score > 0) AS scored, sum(score) AS score_sum"                        \
    " FROM opened GROUP BY name"

/* Each group's open service points and their cities, and those of its own cities that have one; the
 * points are looked at once a group, not once a terminal. */
#define NEAR                                                                                       \
    "SELECT b.name, p.point_id, p.area_code / 100 AS city FROM brands AS b"                        \
    " JOIN service_point AS p"                                                                     \
    " ON p.is_open = 'yes' AND b.brand <> '' AND instr(';' || p.brands || ';', ';' || b.brand ||"  \
    " ';') > 0"
#define SERVED                                                                                     \
    "SELECT l.name, count(*) AS areas FROM places AS l"                                            \
    " JOIN (SELECT DISTINCT name, city FROM near) AS n ON n.name = l.name AND n.city = l.city "    \
    "GROUP BY l.name"

/* What repairs of these cases replaced: a column a class. */
#define PART_SUM(name, word, zh, en)                                                               \
    ", coalesce(sum(quantity) FILTER (WHERE part = '" word "'), 0) AS part_" #name
#define REPLACED                                                                                   \
    "SELECT o.name, sum(quantity) AS k" PART_MAP(                                                  \
        PART_SUM) " FROM opened AS o"                                                              \
                  " JOIN case_part AS p ON p.case_id = o.id GROUP BY o.name"
#define PART_COLUMN(name, word, zh, en) ", coalesce(e.part_" #name ", 0)"

/* %s: of_case; terminals; ANSWERS; REPAIRS; COUNTED; brand; NEAR; SERVED; REPLACED; text. */
#define REPORT_SQL                                                                                 \
    "WITH opened AS MATERIALIZED (SELECT c.*, %s AS name, c.kind = 'FAULT' AND"                    \
    " c.subject = 'terminal' AND c.outcome <> 'benign' AS is_failure"                              \
    " FROM service_case AS c WHERE c.opened_us >= ?1 AND c.opened_us < ?2),"                       \
    " fleet AS MATERIALIZED (SELECT name, city, count(*) AS k FROM (%s) GROUP BY name, city),"     \
    " answers AS (%s), repairs AS (%s), counted AS (%s),"                                          \
    " places AS MATERIALIZED (SELECT name, city FROM fleet WHERE city > 0),"                       \
    " standing AS MATERIALIZED (SELECT name, sum(k) AS terminals, sum(city > 0) AS areas"          \
    " FROM fleet GROUP BY name),"                                                                  \
    " g AS MATERIALIZED (SELECT name FROM counted UNION SELECT name FROM standing),"               \
    " brands AS MATERIALIZED (SELECT g.name, %s AS brand FROM g), near AS MATERIALIZED (%s),"      \
    " points AS (SELECT name, count(*) AS k FROM near GROUP BY name), served AS (%s),"             \
    " replaced AS (%s)"                                                                            \
    " SELECT g.name, coalesce(%s, ''), coalesce(s.terminals, 0), coalesce(c.cases, 0),"            \
    " coalesce(c.failures, 0), coalesce(a.k, 0), coalesce(a.half, -1), coalesce(a.most, -1),"      \
    " coalesce(r.k, 0), coalesce(r.half, -1), coalesce(r.most, -1), coalesce(c.repeats, 0),"       \
    " coalesce(c.reopenings, 0), coalesce(c.scored, 0), coalesce(c.score_sum, 0),"                 \
    " coalesce(p.k, 0), coalesce(s.areas, 0), coalesce(v.areas, 0), coalesce(e.k, 0)" PART_MAP(    \
        PART_COLUMN) " FROM g LEFT JOIN counted AS c ON c.name = g.name LEFT JOIN standing AS s "  \
                     "ON s.name = g.name"                                                          \
                     " LEFT JOIN answers AS a ON a.name = g.name LEFT JOIN repairs AS r ON "       \
                     "r.name = g.name"                                                             \
                     " LEFT JOIN points AS p ON p.name = g.name LEFT JOIN served AS v ON v.name "  \
                     "= g.name"                                                                    \
                     " LEFT JOIN replaced AS e ON e.name = g.name"                                 \
                     " ORDER BY s.terminals IS NULL, c.failures * 1.0 / s.terminals DESC, "        \
                     "c.failures DESC, g.name"                                                     \
                     " LIMIT ?4"

static void report_sql(enum case_report_kind kind, char sql[REPORT_SQL_SIZE])
{
    const struct grouping *grouping = &GROUPINGS[kind];
    const char *fleet = grouping->terminals != NULL ? grouping->terminals
                                                    : "SELECT '' AS name, 0 AS city WHERE false";
    const char *brand = grouping->point_brand != NULL ? grouping->point_brand : "''";
    int length = snprintf(sql, REPORT_SQL_SIZE, REPORT_SQL, grouping->of_case, fleet, ANSWERS,
                          REPAIRS, COUNTED, brand, NEAR, SERVED, REPLACED, grouping->name);
    REQUIRE(length > 0 && length < REPORT_SQL_SIZE);
}

static int64_t rate(int64_t of, int64_t among)
{
    return among > 0 ? (of + among / 2) / among : -1;
}

/* Columns 2 and on, in the order of the statement. */
static void line_read(sqlite3_stmt *statement, const struct grouping *grouping,
                      struct case_report_line *line)
{
    int at = 0;
    const char *name = (const char *)sqlite3_column_text(statement, at++);
    const char *text = (const char *)sqlite3_column_text(statement, at++);
    snprintf(line->name, sizeof(line->name), "%s", name != NULL ? name : "");
    snprintf(line->text, sizeof(line->text), "%s", text != NULL ? text : "");
    line->terminals = sqlite3_column_int64(statement, at++);
    line->cases = sqlite3_column_int64(statement, at++);
    line->failures = sqlite3_column_int64(statement, at++);
    line->answered = sqlite3_column_int64(statement, at++);
    line->answer_minutes = sqlite3_column_int64(statement, at++);
    line->answer_minutes_p90 = sqlite3_column_int64(statement, at++);
    line->repaired = sqlite3_column_int64(statement, at++);
    line->repair_minutes = sqlite3_column_int64(statement, at++);
    line->repair_minutes_p90 = sqlite3_column_int64(statement, at++);
    line->repeats = sqlite3_column_int64(statement, at++);
    line->reopenings = sqlite3_column_int64(statement, at++);
    line->scored = sqlite3_column_int64(statement, at++);
    line->score_tenths = rate(sqlite3_column_int64(statement, at++) * 10, line->scored);
    line->points = sqlite3_column_int64(statement, at++);
    line->areas = sqlite3_column_int64(statement, at++);
    line->areas_served = sqlite3_column_int64(statement, at++);
    line->parts = sqlite3_column_int64(statement, at++);
    for (unsigned part = 0; part < PART_COUNT; part++) {
        line->parts_of[part] = sqlite3_column_int64(statement, at++);
    }
    line->parts_per_1000_tenths = rate(line->parts * 10000, line->terminals);
    line->failures_per_1000_tenths = rate(line->failures * 10000, line->terminals);
    if (grouping->terminals == NULL) {
        line->terminals = line->areas = -1;
    }
    if (grouping->point_brand == NULL) {
        line->points = line->areas_served = -1;
    }
}

enum status case_report(struct desk *desk, enum case_report_kind kind,
                        const struct case_report_window *window,
                        const struct case_report_sink *sink, bool *has_more)
{
    char sql[REPORT_SQL_SIZE];
    REQUIRE((unsigned)kind < CASE_REPORT_COUNT);
    report_sql(kind, sql);
    sqlite3_stmt *statement = desk_prepare(desk, sql);
    const struct desk_value values[] = {DESK_NUMBER(window->from_us), DESK_NUMBER(window->to_us),
                                        DESK_NUMBER(CASE_REPORT_REPEAT_DAYS * INT64_C(86400000000)),
                                        DESK_NUMBER(CASE_REPORT_LINE_COUNT_MAX + 1)};
    enum status status = STATUS_OK;
    if (statement == NULL || !desk_bind(statement, values, DESK_COUNT_OF(values))) {
        status = desk_broken(desk, "reading");
    }
    *has_more = false;
    for (uint32_t count = 0; status == STATUS_OK && !*has_more; count++) {
        struct case_report_line line = {0};
        status = desk_step(desk, statement);
        *has_more = status == STATUS_OK && count == CASE_REPORT_LINE_COUNT_MAX;
        if (status == STATUS_OK && !*has_more) {
            line_read(statement, &GROUPINGS[kind], &line);
            sink->on_line(sink->argument, &line);
        }
    }
    desk_release(desk, statement);
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}
