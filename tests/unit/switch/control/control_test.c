/* The control socket: whole answers, what closes a connection, who may open it. */
#include <sys/stat.h>

#include "tests/unit/switch/control/control_scene.h"

static void ask_status(struct scene *scene)
{
    int descriptor = scene_connect(scene);
    for (int i = 0; i < 3; i++) {
        Control__Answer *answer = scene_ask(descriptor, CONTROL__REQUEST__CALL_STATUS, NULL);
        assert_int_equal(answer->id, 42);
        assert_null(answer->fault);
        assert_string_equal(answer->status->state, "running");
        assert_int_equal(answer->status->node, 7);
        assert_int_equal(answer->status->engine->saf_oldest_age_ns, 5000000000);
        assert_int_equal(answer->status->n_channels, CONTROL_CHANNEL_COUNT_MAX);
        assert_string_equal(answer->status->channels[63]->name, "bank-63");
        assert_int_equal(answer->status->channels[63]->n_links, CONTROL_LINK_COUNT_MAX);
        control__answer__free_unpacked(answer, NULL);
    }
    close(descriptor);
}

static void test_status_comes_whole_and_again(void **state)
{
    scene_serve(*state, ask_status);
}

static void ask_nonsense(struct scene *scene)
{
    static const char *const frames[] = {
        "\xFF\xFF\xFF\xFF",             /* a length of 4 GiB */
        "\0\0\0\0",                     /* of nothing */
        "\0\x10\x10\x01",               /* one above the limit */
        "\0\0\0\4\xFF\xFF\xFF\xFF\xFF", /* no message */
        "GET / HTTP/1.1\r\n\r\n",
    };
    static const size_t lengths[] = {4, 4, 4, 8, 18};
    for (size_t i = 0; i < COUNT_OF(frames); i++) {
        int descriptor = scene_connect(scene);
        assert_int_equal(write(descriptor, frames[i], lengths[i]), (ssize_t)lengths[i]);
        assert_null(scene_read(descriptor));
        close(descriptor);
    }
    /* Half a frame and gone: the next one is served. */
    int descriptor = scene_connect(scene);
    assert_int_equal(write(descriptor, "\0\0\0\6\x08", 5), 5);
    close(descriptor);
    ask_status(scene);
}

static void test_nonsense_closes_its_own_connection_only(void **state)
{
    scene_serve(*state, ask_nonsense);
}

static void ask_crowd(struct scene *scene)
{
    int descriptors[12];
    for (size_t i = 0; i < COUNT_OF(descriptors); i++) {
        descriptors[i] = scene_connect(scene);
    }
    for (size_t i = 0; i < COUNT_OF(descriptors); i++) {
        Control__Answer *answer = scene_ask(descriptors[i], CONTROL__REQUEST__CALL_STATUS, NULL);
        assert_non_null(answer);
        control__answer__free_unpacked(answer, NULL);
        close(descriptors[i]);
    }
}

static void test_more_connections_than_slots_wait_their_turn(void **state)
{
    scene_serve(*state, ask_crowd);
}

static void test_only_user_and_group_may_open_it(void **state)
{
    struct scene *scene = *state;
    struct stat file;
    assert_int_equal(stat(scene->path, &file), 0);
    assert_int_equal(file.st_mode & 0777, 0660);
}

static void test_a_served_socket_is_not_taken_and_a_dead_one_is(void **state)
{
    struct scene *scene = *state;
    char reason[CONTROL_REASON_SIZE] = "";
    assert_null(scene_open(scene, reason));
    assert_non_null(strstr(reason, "another process serves it"));

    struct scene dead = {.rim = scene->rim};
    uv_loop_init(&dead.loop);
    snprintf(dead.path, sizeof(dead.path), "/tmp/tillway-control-dead-%d.sock", (int)getpid());
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path, sizeof(address.sun_path), "%s", dead.path);
    int descriptor = socket(AF_UNIX, SOCK_STREAM, 0);
    assert_int_equal(bind(descriptor, (struct sockaddr *)&address, sizeof(address)), 0);
    close(descriptor);
    dead.control = scene_open(&dead, reason);
    assert_non_null(dead.control);
    control_close(dead.control);
    uv_run(&dead.loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&dead.loop), 0);
}

static int scene_set(void **state)
{
    static const struct control_rim RIM = {.status = scene_on_status};
    return scene_begin(state, &RIM);
}

int main(void)
{
#define SCENE(test) cmocka_unit_test_setup_teardown(test, scene_set, scene_strike)
    const struct CMUnitTest tests[] = {
        SCENE(test_status_comes_whole_and_again),
        SCENE(test_nonsense_closes_its_own_connection_only),
        SCENE(test_more_connections_than_slots_wait_their_turn),
        SCENE(test_only_user_and_group_may_open_it),
        SCENE(test_a_served_socket_is_not_taken_and_a_dead_one_is),
    };
    return cmocka_run_group_tests_name("switch/control/control", tests, NULL, NULL);
}
