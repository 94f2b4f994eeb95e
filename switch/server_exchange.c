/* Working keys that banks have sent, on disk: one small file a channel in <store.folder>/keys, as
 * sealed blocks. Written by the pool, whole or not at all; read at start. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config/csv_file.h"
#include "config/file_text.h"
#include "protocols/base/require.h"
#include "switch/channel/bank_channel.h"
#include "switch/server_state.h"

#define FOLDER_NAME "keys"
#define PATH_SIZE (OPTION_PATH_SIZE + 64)
#define FILE_BYTES_MAX 65536

struct key_keeping {
    uv_work_t work;
    struct server *server;
    struct seat *seat; /* good while its keys_writing counts this */
    char folder[PATH_SIZE], path[PATH_SIZE];
    char text[KEY_EXCHANGE_TEXT_SIZE];
    uint32_t length;
    int error; /* errno; 0: it is on disk */
};

static void folder_of(const struct server *server, char folder[PATH_SIZE])
{
    snprintf(folder, PATH_SIZE, "%s/" FOLDER_NAME, server->configuration->options->store.folder);
}

static void path_of(const struct server *server, const char *channel, char path[PATH_SIZE])
{
    char folder[PATH_SIZE];
    folder_of(server, folder);
    int length = snprintf(path, PATH_SIZE, "%s/%s.csv", folder, channel);
    REQUIRE(length > 0 && length < PATH_SIZE);
}

/* A name stands for the old file or for the new one, whatever happens (rename(2)); the folder is
 * synced so that it stands for the new one after a power cut, too. */
static bool write_whole(const struct key_keeping *keeping)
{
    char fresh[PATH_SIZE + 8];
    snprintf(fresh, sizeof(fresh), "%s.new", keeping->path);
    int file = open(fresh, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    bool is_good = file >= 0 &&
                   write(file, keeping->text, keeping->length) == (ssize_t)keeping->length &&
                   fsync(file) == 0;
    is_good = (file < 0 || close(file) == 0) && is_good;
    is_good = is_good && rename(fresh, keeping->path) == 0;
    int folder = is_good ? open(keeping->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
    is_good = folder >= 0 && fsync(folder) == 0;
    if (folder >= 0) {
        close(folder);
    }
    return is_good;
}

static void on_work(uv_work_t *work)
{
    struct key_keeping *keeping = work->data;
    errno = 0;
    bool is_good = (mkdir(keeping->folder, 0700) == 0 || errno == EEXIST) && write_whole(keeping);
    keeping->error = is_good ? 0 : errno != 0 ? errno : EIO;
}

static void on_worked(uv_work_t *work, int status)
{
    struct key_keeping *keeping = work->data;
    struct server *server = keeping->server;
    struct seat *seat = keeping->seat;
    bool is_kept = status == 0 && keeping->error == 0;
    if (!is_kept) {
        LOG(LOG_ERROR, "keys_not_written", LOG_TEXT("path", keeping->path),
            LOG_TEXT("reason", status != 0 ? uv_strerror(status) : strerror(keeping->error)));
    }
    secret_wipe(keeping->text, sizeof(keeping->text));
    free(keeping);
    server->keys_writing--;
    if (server->state != CONTROL_STOPPING) { /* the channels may be gone already */
        seat->keys_writing--;
        bank_channel_keys_kept(seat->channel, is_kept);
    }
}

void server_keys_keep(void *argument, uint16_t channel, const struct key_exchange *exchange)
{
    struct seat *seat = argument;
    struct server *server = seat->server;
    struct byte_writer writer;
    (void)channel;
    struct key_keeping *keeping = calloc(1, sizeof(*keeping));
    REQUIRE(keeping != NULL);
    keeping->server = server;
    keeping->seat = seat;
    keeping->work.data = keeping;
    folder_of(server, keeping->folder);
    path_of(server, seat->options.name, keeping->path);
    byte_writer_init(&writer, keeping->text, sizeof(keeping->text));
    key_exchange_text(server->security, exchange, &writer);
    REQUIRE(writer.status == STATUS_OK);
    keeping->length = writer.position;
    server->keys_writing++;
    seat->keys_writing++;
    int queued = uv_queue_work(&server->loop->uv, &keeping->work, on_work, on_worked);
    REQUIRE(queued == 0);
}

struct key_restore {
    struct security *security;
    const char *path;
    char *reason; /* SERVER_REASON_SIZE; empty: no fault */
};

static void on_fault(void *argument, uint32_t line, const char *sentence)
{
    struct key_restore *restore = argument;
    snprintf(restore->reason, SERVER_REASON_SIZE, "%s:%u: %s", restore->path, line, sentence);
}

static void on_row(void *argument, const struct csv_row *row)
{
    struct key_restore *restore = argument;
    char reason[SECURITY_REASON_SIZE];
    const struct key_exchange_row key = {row->fields[0], row->fields[1], row->fields[2],
                                         row->fields[3]};
    enum status status = key_exchange_restore(restore->security, &key, reason);
    if (status == STATUS_DUPLICATE || status == STATUS_NOT_FOUND) {
        LOG(LOG_WARN, "exchanged_key_left", LOG_TEXT("path", restore->path),
            LOG_TEXT("reason", reason));
    } else if (status != STATUS_OK) {
        on_fault(restore, row->line, reason);
    }
}

static bool restore_channel(struct server *server, const char *channel,
                            char reason[SERVER_REASON_SIZE])
{
    static const struct csv_column COLUMNS[] = {
        {"name", true}, {"kind", true}, {"block", true}, {"replaces", true}, {NULL, false}};
    char path[PATH_SIZE];
    struct file_text text;
    path_of(server, channel, path);
    struct key_restore restore = {server->security, path, reason};
    struct csv_sink sink = {on_row, on_fault, &restore};
    if (access(path, F_OK) != 0) {
        return true; /* no key of it has been exchanged */
    }
    enum status status = file_text_read(&text, path, FILE_BYTES_MAX);
    if (status != STATUS_OK) {
        snprintf(reason, SERVER_REASON_SIZE, "%s: %s", path, status_text(status));
        return false;
    }
    status = csv_file_read(text.bytes, text.length, COLUMNS, &sink);
    file_text_free(&text);
    if (status != STATUS_OK && reason[0] == 0) {
        snprintf(reason, SERVER_REASON_SIZE, "%s: %s", path, status_text(status));
    }
    return reason[0] == 0;
}

bool server_exchange_restore(struct server *server, char reason[SERVER_REASON_SIZE])
{
    bool is_good = true;
    reason[0] = 0;
    for (uint32_t i = 0; i < server->configuration->options->channel_count && is_good; i++) {
        is_good = restore_channel(server, server->configuration->options->channels[i].name, reason);
    }
    return is_good;
}
