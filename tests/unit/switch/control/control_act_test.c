/* What is asked of the switch over the control socket: answered at once or later, however long. */
#include "tests/unit/switch/control/control_scene.h"

static struct control_call waiting; /* for control_done, when its id is not 0 */

static void on_reload(void *argument, struct control_call call, const char *operator_name)
{
    (void)argument;
    assert_string_equal(operator_name, "ann");
    waiting = call;
}

static void on_purge(void *argument, struct control_call call, uint32_t days)
{
    struct scene *scene = argument;
    control_done(scene->control, call, days == 30, "thirty days are expected");
}

/* Takes two files of the operator ann, whose bytes come whole. */
static void on_version(void *argument, struct control_call call,
                       const struct control_version *version)
{
    struct scene *scene = argument;
    bool is_good = version->act == CONTROL_VERSION_PROPOSE && version->file_count == 2 &&
                   strcmp(version->operator_name, "ann") == 0 &&
                   strcmp(version->reason, "dearer") == 0 &&
                   strcmp(version->files[1].name, "fees.yaml") == 0;
    for (uint32_t i = 0; is_good && i < version->files[1].bytes.length; i++) {
        is_good = version->files[1].bytes.bytes[i] == (uint8_t)i;
    }
    control_conclude(scene->control, call,
                     &(struct control_outcome){.is_done = is_good,
                                               .text = "kept",
                                               .version = version->files[1].bytes.length});
}

static void on_later(uv_timer_t *timer)
{
    struct scene *scene = timer->data;
    if (waiting.id != 0) {
        uv_close((uv_handle_t *)timer, NULL);
        control_done(scene->control, waiting, false, "routes.yaml:3: no such channel");
    }
}

static void ask_reload(struct scene *scene)
{
    int descriptor = scene_connect(scene);
    Control__Answer *answer = scene_ask(descriptor, CONTROL__REQUEST__CALL_RELOAD, NULL);
    assert_false(answer->done->is_done);
    assert_string_equal(answer->done->text, "routes.yaml:3: no such channel");
    control__answer__free_unpacked(answer, NULL);
    close(descriptor);
}

static void test_a_reload_may_be_answered_later(void **state)
{
    struct scene *scene = *state;
    uv_timer_t timer;
    uv_timer_init(&scene->loop, &timer);
    timer.data = scene;
    uv_timer_start(&timer, on_later, 20, 20);
    scene_serve(scene, ask_reload);
}

static void ask_purge(struct scene *scene)
{
    int descriptor = scene_connect(scene);
    Control__Answer *answer = scene_ask(descriptor, CONTROL__REQUEST__CALL_PURGE, NULL);
    assert_true(answer->done->is_done);
    control__answer__free_unpacked(answer, NULL);
    close(descriptor);
}

static void test_a_purge_tells_the_days_that_are_kept(void **state)
{
    scene_serve(*state, ask_purge);
}

/* As long as a request may be, then a short one on the same connection. */
static void ask_version(struct scene *scene)
{
    static uint8_t content[1048576];
    int descriptor = scene_connect(scene);
    Control__Request request = CONTROL__REQUEST__INIT;
    Control__VersionCall version = CONTROL__VERSION_CALL__INIT;
    Control__RuleFile files[2] = {CONTROL__RULE_FILE__INIT, CONTROL__RULE_FILE__INIT};
    Control__RuleFile *places[2] = {&files[0], &files[1]};
    for (size_t i = 0; i < sizeof(content); i++) {
        content[i] = (uint8_t)i;
    }
    files[0].name = (char *)(uintptr_t) "routes.yaml";
    files[1].name = (char *)(uintptr_t) "fees.yaml";
    files[1].content = (ProtobufCBinaryData){sizeof(content), content};
    version.act = CONTROL__VERSION_CALL__ACT__PROPOSE;
    version.reason = (char *)(uintptr_t) "dearer";
    version.files = places;
    version.n_files = 2;
    request.id = 42;
    request.operator_ = (char *)(uintptr_t) "ann";
    request.call_case = CONTROL__REQUEST__CALL_VERSION;
    request.version = &version;
    scene_send(descriptor, &request);
    Control__Answer *answer = scene_read(descriptor);
    assert_non_null(answer);
    assert_true(answer->done->is_done);
    assert_string_equal(answer->done->text, "kept");
    assert_int_equal(answer->done->version, sizeof(content));
    control__answer__free_unpacked(answer, NULL);
    answer = scene_ask(descriptor, CONTROL__REQUEST__CALL_PURGE, NULL);
    assert_true(answer->done->is_done);
    assert_false(answer->done->has_version);
    control__answer__free_unpacked(answer, NULL);
    close(descriptor);
}

static void test_a_version_brings_its_files_whole(void **state)
{
    scene_serve(*state, ask_version);
}

static int scene_set(void **state)
{
    static const struct control_rim RIM = {
        .reload = on_reload, .purge = on_purge, .version = on_version};
    return scene_begin(state, &RIM);
}

int main(void)
{
#define SCENE(test) cmocka_unit_test_setup_teardown(test, scene_set, scene_strike)
    const struct CMUnitTest tests[] = {
        SCENE(test_a_reload_may_be_answered_later),
        SCENE(test_a_purge_tells_the_days_that_are_kept),
        SCENE(test_a_version_brings_its_files_whole),
    };
    return cmocka_run_group_tests_name("switch/control/control_act", tests, NULL, NULL);
}
