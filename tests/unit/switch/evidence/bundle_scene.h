/* A case with flags over a log of two segments, and the bundle that is made of it in memory. */
#pragma once

#include <sys/stat.h>

#include <openssl/evp.h>
#include <openssl/pem.h>

#include "switch/evidence/bundle_check.h"
#include "switch/evidence/bundle_readme.h"
#include "switch/evidence/bundle_writer.h"
#include "switch/evidence/row_gather.h"
#include "tests/unit/switch/desk/case_scene.h"
#include "tests/unit/switch/store/log_story.h"

struct bundle_scene {
    struct story *story;
    struct scene *desk_scene;
    uint64_t case_id;
    char folder[64], key_path[96], public_path[96];
    struct bundle_key key, public;
    char *bytes; /* owner: the bundle */
    size_t length;
    char reason[LOG_REASON_SIZE];
    struct gathered_case *gathered;
    struct gathered_rows *rows;
};

/* Both halves as PEM files. */
static inline void scene_write_key(const char *key_path, const char *public_path)
{
    EVP_PKEY *made = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
    FILE *file = fopen(key_path, "we");
    assert_non_null(file);
    assert_int_equal(PEM_write_PrivateKey(file, made, NULL, NULL, 0, NULL, NULL), 1);
    fclose(file);
    assert_int_equal(chmod(key_path, 0600), 0);
    file = fopen(public_path, "we");
    assert_non_null(file);
    assert_int_equal(PEM_write_PUBKEY(file, made), 1);
    fclose(file);
    EVP_PKEY_free(made);
}

/* Purchases 1 to 8, the first reversed in a later segment; a status row without a reference. */
static inline void scene_write_log(struct story *story)
{
    story->setup.segment_row_count_max = 10;
    story_begin(story, story_ignore, NULL);
    for (uint32_t seq = 1; seq <= 8; seq++) {
        story_purchase(story, seq);
        story_wait_durable(story);
        story_pause(20000);
    }
    struct record status = story_record(story, RECORD_STATUS, 9, 9);
    memset(status.rrn, 0, sizeof(status.rrn));
    story_put(story, status);
    story_reverse(story, 10, 1, 1, true);
    story_end(story);
}

static inline void scene_write_case(struct bundle_scene *scene)
{
    struct scene *desk = scene->desk_scene;
    uint64_t flag_id = 0;
    bool is_new = false;
    scene->case_id = scene_case(desk, CASE_FAULT, "10000001");
    struct flag flag = scene_flag(SIGNAL_TIMEOUTS, "10000001", 2);
    assert_int_equal(flag_book_add(desk->desk, &flag, &flag_id, &is_new), STATUS_OK);
    assert_int_equal(case_book_link_flag(desk->desk, scene->case_id, flag_id), STATUS_OK);
    assert_int_equal(case_book_link_txn(desk->desk, scene->case_id, 17), STATUS_OK);
    assert_true(scene_step(desk, desk->desk, scene->case_id,
                           scene_event(CASE_EVENT_TRIAGE, CASE_ROLE_STAFF, SCENE_NOW + 1)));
}

static inline int bundle_scene_set(void **state)
{
    struct bundle_scene *scene = calloc(1, sizeof(*scene));
    scene->gathered = calloc(1, sizeof(*scene->gathered));
    scene->rows = calloc(1, sizeof(*scene->rows));
    snprintf(scene->folder, sizeof(scene->folder), "/tmp/tillway-bundle-XXXXXX");
    if (mkdtemp(scene->folder) == NULL || story_set((void **)&scene->story) != 0 ||
        scene_set((void **)&scene->desk_scene) != 0) {
        return -1;
    }
    snprintf(scene->key_path, sizeof(scene->key_path), "%s/private.pem", scene->folder);
    snprintf(scene->public_path, sizeof(scene->public_path), "%s/public.pem", scene->folder);
    scene_write_key(scene->key_path, scene->public_path);
    assert_int_equal(bundle_key_load_private(&scene->key, scene->key_path, scene->reason),
                     STATUS_OK);
    assert_int_equal(bundle_key_load_public(&scene->public, scene->public_path, scene->reason),
                     STATUS_OK);
    scene_write_log(scene->story);
    scene_write_case(scene);
    *state = scene;
    return 0;
}

static inline int bundle_scene_strike(void **state)
{
    struct bundle_scene *scene = *state;
    int failed = story_strike((void **)&scene->story);
    failed |= scene_strike((void **)&scene->desk_scene);
    log_folder_strike(scene->folder);
    bundle_key_free(&scene->key);
    bundle_key_free(&scene->public);
    free(scene->bytes);
    free(scene->gathered);
    free(scene->rows);
    free(scene);
    return failed;
}

/* Gathers the case and its rows into a writer that lacks what the admin port adds. */
static inline struct bundle_writer *scene_gather(struct bundle_scene *scene)
{
    struct bundle_writer *writer = bundle_writer_create();
    enum status status =
        case_gather(scene->desk_scene->desk, scene->case_id, &scene->desk_scene->ann, writer,
                    scene->gathered, scene->reason);
    if (status == STATUS_OK) {
        status =
            row_gather(scene->story->folder, scene->gathered, writer, scene->rows, scene->reason);
    }
    if (status != STATUS_OK) {
        print_message("%s\n", scene->reason);
    }
    assert_int_equal(status, STATUS_OK);
    return writer;
}

/* Ends the writer and destroys it. */
static inline void scene_finish(struct bundle_scene *scene, struct bundle_writer *writer,
                                const struct bundle_key *key)
{
    char *readme = bundle_readme();
    struct bundle_heading heading = {.case_id = scene->case_id,
                                     .event_count = scene->gathered->it.event_count,
                                     .changed_us = scene->gathered->it.changed_us,
                                     .actor = "ann",
                                     .wall_us = SCENE_NOW + 5};
    memcpy(heading.last_hash, scene->gathered->last_hash, sizeof(heading.last_hash));
    assert_int_equal(bundle_writer_add(writer, BUNDLE_README, readme, strlen(readme)), STATUS_OK);
    free(scene->bytes);
    scene->bytes = NULL;
    FILE *to = open_memstream(&scene->bytes, &scene->length);
    assert_int_equal(bundle_writer_finish(writer, &heading, key, to), STATUS_OK);
    fclose(to);
    bundle_writer_destroy(writer);
}

static inline void scene_make(struct bundle_scene *scene)
{
    scene_finish(scene, scene_gather(scene), &scene->key);
}

static inline struct bundle_finding scene_check_bytes(const void *bytes, size_t length,
                                                      const struct bundle_key *trusted,
                                                      const char *log)
{
    struct bundle_finding finding;
    FILE *from = fmemopen((void *)(uintptr_t)bytes, length, "r");
    assert_non_null(from);
    bundle_check(from, trusted, log, &finding);
    fclose(from);
    return finding;
}

static inline struct bundle_finding scene_check(const struct bundle_scene *scene)
{
    return scene_check_bytes(scene->bytes, scene->length, &scene->public, NULL);
}
