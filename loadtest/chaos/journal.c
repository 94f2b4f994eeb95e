/* A line is whole or not there: stdio holds it until the end of the line. */
#include "loadtest/chaos/journal.h"

#include <inttypes.h>

void journal_put_text(FILE *file, const char *text)
{
    fputc('"', file);
    for (; *text != '\0'; text++) {
        unsigned char byte = (unsigned char)*text;
        if (byte == '"' || byte == '\\') {
            fputc('\\', file);
        }
        fputc(byte < 0x20 || byte > 0x7e ? '?' : byte, file);
    }
    fputc('"', file);
}

static void numbers_put(FILE *file, const struct journal_strike *strike)
{
    const struct chaos_verdict *verdict = strike->verdict;
    switch ((int)strike->rule->action) { /* the others have no number worth a word */
    case CHAOS_DELAY:
        fprintf(file, ",\"ms\":%u", verdict->delay_ms);
        break;
    case CHAOS_STALL:
        fprintf(file, ",\"ms\":%u", verdict->stall_ms);
        break;
    case CHAOS_REPLAY:
        fprintf(file, ",\"ms\":%u", verdict->replay_ms);
        break;
    case CHAOS_CHANGE:
        fprintf(file, ",\"field\":%u,\"told\":", strike->rule->field);
        journal_put_text(file, strike->told);
        break;
    default:
        break;
    }
}

void journal_strike(struct journal *journal, const struct journal_strike *strike)
{
    FILE *file = journal->file;
    const struct chaos_fact *fact = strike->fact;
    if (file == NULL) {
        return;
    }
    fprintf(file,
            "{\"at_ms\":%" PRIu64 ",\"link\":%" PRIu64 ",\"direction\":\"%s\",\"message\":%" PRIu64
            ",\"mti\":",
            fact->now_ms, fact->link, chaos_direction_word(fact->direction), fact->message);
    journal_put_text(file, fact->mti);
    fprintf(file, ",\"rule\":");
    journal_put_text(file, strike->rule->name);
    fprintf(file, ",\"action\":\"%s\"", chaos_action_word(strike->rule->action));
    numbers_put(file, strike);
    fprintf(file, "}\n");
}

void journal_event(struct journal *journal, uint64_t now_ms, uint64_t link, const char *event,
                   const char *text)
{
    if (journal->file == NULL) {
        return;
    }
    fprintf(journal->file,
            "{\"at_ms\":%" PRIu64 ",\"link\":%" PRIu64 ",\"event\":\"%s\",\"text\":", now_ms, link,
            event);
    journal_put_text(journal->file, text);
    fprintf(journal->file, "}\n");
}
