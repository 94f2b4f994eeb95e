/* See log_list.h. */
#include "switch/admin/log_list.h"

#include <string.h>
#include <sys/stat.h>

#include "switch/admin/wall_text.h"

static json_t *time_json(int64_t wall_us)
{
    char text[WALL_TEXT_SIZE];
    if (wall_us == 0) {
        return json_null();
    }
    wall_text_format(text, wall_us);
    return json_string(text);
}

static json_t *segment_json(struct log_view *view, uint32_t ordinal)
{
    static const char sql[] = "SELECT settlement_day, opened_us, sealed_us FROM segment";
    char path[LOG_PATH_SIZE];
    struct stat file = {0};
    struct log_view_segment *segment = log_view_segment(view, ordinal);
    sqlite3_stmt *row = NULL;
    if (segment == NULL) {
        return NULL;
    }
    log_folder_segment_path(path, view->folder, ordinal);
    if (segment->database == NULL || stat(path, &file) != 0) { /* purged this moment */
        return json_null();
    }
    row = log_view_prepare(view, segment, sql);
    bool has_row = row != NULL && sqlite3_step(row) == SQLITE_ROW;
    bool is_empty = segment->last < segment->first;
    json_t *json = json_pack(
        "{s:I, s:s, s:I, s:I, s:I, s:I, s:o, s:o, s:I}", "ordinal", (json_int_t)ordinal, "file",
        strrchr(path, '/') + 1, "first_position", (json_int_t)(is_empty ? 0 : segment->first),
        "last_position", (json_int_t)(is_empty ? 0 : segment->last), "rows",
        (json_int_t)(is_empty ? 0 : segment->last - segment->first + 1), "settlement_day",
        (json_int_t)(has_row ? sqlite3_column_int64(row, 0) : 0), "opened",
        time_json(has_row ? sqlite3_column_int64(row, 1) : 0), "sealed",
        time_json(has_row ? sqlite3_column_int64(row, 2) : 0), "bytes", (json_int_t)file.st_size);
    sqlite3_finalize(row);
    return json;
}

json_t *log_list_json(struct log_view *view)
{
    json_t *items = json_array();
    for (uint32_t ordinal = view->span.first; ordinal <= view->span.last; ordinal++) {
        json_t *segment = segment_json(view, ordinal);
        if (segment == NULL) {
            json_decref(items);
            return NULL;
        }
        if (json_is_null(segment)) {
            json_decref(segment);
        } else {
            json_array_append_new(items, segment);
        }
    }
    return json_pack("{s:o}", "items", items);
}
