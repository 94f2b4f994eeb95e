/* See late_report.h. */
#include "switch/admin/late_report.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "switch/admin/control_client.h"
#include "switch/admin/version_list.h"

#define WAIT_S 600 /* as long as the switch keeps the connection of an act */
#define METHOD_SIZE 12
#define PATH_SIZE 160
#define ADDRESS_SIZE 48
#define TEXT_SIZE 900

/* One that is waited for. */
struct late_seat {
    struct late_report *report;
    pthread_t thread;
    bool is_used, is_over; /* over: the thread may be joined */
    int descriptor;        /* -1: closed */
    time_t begun;
    enum endpoint endpoint;
    struct token_holder holder;
    char method[METHOD_SIZE], path[PATH_SIZE], address[ADDRESS_SIZE];
};

struct late_report {
    struct gate *gate;     /* borrowed */
    const char *log;       /* borrowed */
    pthread_mutex_t mutex; /* guards the rest */
    bool is_ending;
    struct late_seat seats[LATE_REPORT_COUNT_MAX];
};

struct late_report *late_report_create(struct gate *gate, const char *log)
{
    struct late_report *report = calloc(1, sizeof(*report));
    if (report != NULL) {
        report->gate = gate;
        report->log = log;
        pthread_mutex_init(&report->mutex, NULL);
    }
    return report;
}

void late_report_destroy(struct late_report *report)
{
    pthread_mutex_lock(&report->mutex);
    report->is_ending = true;
    for (int i = 0; i < LATE_REPORT_COUNT_MAX; i++) {
        if (report->seats[i].is_used && report->seats[i].descriptor >= 0) {
            shutdown(report->seats[i].descriptor, SHUT_RDWR);
        }
    }
    pthread_mutex_unlock(&report->mutex);
    for (int i = 0; i < LATE_REPORT_COUNT_MAX; i++) {
        if (report->seats[i].is_used) {
            pthread_join(report->seats[i].thread, NULL);
        }
    }
    pthread_mutex_destroy(&report->mutex);
    free(report);
}

/* ---- the thread ---- */

/* What the second line says behind the time that passed. */
static void outcome_text(const struct late_report *report, const Control__Done *done,
                         char text[TEXT_SIZE])
{
    size_t length = strlen(text);
    if (done->has_version) {
        char changes[TEXT_SIZE / 2];
        bool is_kept = version_list_changes(report->log, done->version, changes, sizeof(changes));
        snprintf(text + length, TEXT_SIZE - length, "version %u%s%s", done->version,
                 is_kept ? ": " : "", is_kept ? changes : "");
    } else {
        snprintf(text + length, TEXT_SIZE - length, "%s",
                 done->text != NULL ? done->text : "nothing more was said");
    }
}

static const char *outcome_of(const struct late_report *report, const Control__Answer *answer,
                              char text[TEXT_SIZE])
{
    size_t length = strlen(text);
    if (answer == NULL) {
        snprintf(text + length, TEXT_SIZE - length,
                 report->is_ending ? "tillway-admin ended and heard no answer"
                                   : "the switch has ended the connection without an answer");
        return "unknown";
    }
    if (answer->done == NULL) {
        snprintf(text + length, TEXT_SIZE - length, "%s",
                 answer->fault != NULL ? answer->fault : "an answer of another kind");
        return answer->fault != NULL ? "failed" : "unknown";
    }
    outcome_text(report, answer->done, text);
    return answer->done->is_done ? "done" : "failed";
}

static void *seat_run(void *argument)
{
    struct late_seat *seat = argument;
    struct late_report *report = seat->report;
    char text[TEXT_SIZE];
    Control__Answer *answer = control_client_wait(seat->descriptor, WAIT_S);
    const struct gate_request request = {.endpoint = seat->endpoint,
                                         .method = seat->method,
                                         .path = seat->path,
                                         .address = seat->address};
    snprintf(text, sizeof(text), "%lld s later: ", (long long)(time(NULL) - seat->begun));
    pthread_mutex_lock(&report->mutex);
    const char *outcome = outcome_of(report, answer, text);
    close(seat->descriptor);
    seat->descriptor = -1;
    pthread_mutex_unlock(&report->mutex);
    gate_note(report->gate, &request, &seat->holder, (const char *const[2]){outcome, text});
    if (answer != NULL) {
        control__answer__free_unpacked(answer, NULL);
    }
    pthread_mutex_lock(&report->mutex);
    seat->is_over = true;
    pthread_mutex_unlock(&report->mutex);
    return NULL;
}

/* ---- beginning ---- */

/* A free one; NULL: there is none. */
static struct late_seat *seat_take(struct late_report *report)
{
    for (int i = 0; i < LATE_REPORT_COUNT_MAX; i++) {
        struct late_seat *seat = &report->seats[i];
        if (seat->is_used && seat->is_over) {
            pthread_join(seat->thread, NULL);
            seat->is_used = false;
        }
        if (!seat->is_used) {
            return seat;
        }
    }
    return NULL;
}

bool late_report_begin(struct late_report *report, const struct gate_request *request,
                       const struct token_holder *holder, int descriptor)
{
    pthread_mutex_lock(&report->mutex);
    struct late_seat *seat = seat_take(report);
    if (seat != NULL) {
        *seat = (struct late_seat){.report = report,
                                   .descriptor = descriptor,
                                   .begun = time(NULL),
                                   .endpoint = request->endpoint,
                                   .holder = *holder};
        snprintf(seat->method, sizeof(seat->method), "%s", request->method);
        snprintf(seat->path, sizeof(seat->path), "%s", request->path);
        snprintf(seat->address, sizeof(seat->address), "%s", request->address);
        seat->is_used = pthread_create(&seat->thread, NULL, seat_run, seat) == 0;
    }
    bool is_begun = seat != NULL && seat->is_used;
    pthread_mutex_unlock(&report->mutex);
    if (!is_begun) {
        close(descriptor);
    }
    return is_begun;
}
