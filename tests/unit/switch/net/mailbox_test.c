/* A mailbox hands slots over in order, wakes once a burst, and refuses when full. */
#include "tests/unit/unit_test.h"

#include <pthread.h>

#include "switch/net/loop.h"
#include "switch/net/mailbox.h"

#define MAIL_COUNT 20000

struct mail {
    uint64_t number;
    uint64_t check;
};

struct box {
    struct loop *loop;
    struct mailbox *mailbox;
    uint64_t received;
    bool is_in_order;
};

static bool on_mail(void *argument, void *slot)
{
    struct box *box = argument;
    struct mail *mail = slot;
    box->is_in_order =
        box->is_in_order && mail->number == box->received && mail->check == mail->number * 31;
    box->received++;
    if (box->received == MAIL_COUNT) {
        loop_stop(box->loop);
    }
    return true;
}

static struct box box_make(void)
{
    struct box box = {.loop = loop_create(0, 8), .is_in_order = true};
    assert_non_null(box.loop);
    return box;
}

static void *sender_run(void *argument)
{
    struct box *box = argument;
    for (uint64_t i = 0; i < MAIL_COUNT;) {
        struct mail *mail = mailbox_reserve(box->mailbox);
        if (mail == NULL) {
            mailbox_flush(box->mailbox);
            continue;
        }
        *mail = (struct mail){i, i * 31};
        mailbox_commit(box->mailbox);
        i++;
        if (i % 50 == 0) {
            mailbox_flush(box->mailbox);
        }
    }
    mailbox_flush(box->mailbox);
    return NULL;
}

static void test_mail_of_another_thread_comes_in_order(void **state)
{
    (void)state;
    struct box box = box_make();
    struct mailbox_setup setup = {sizeof(struct mail), 64, on_mail, &box};
    box.mailbox = mailbox_create(&box.loop->uv, &setup);
    pthread_t sender;
    assert_int_equal(pthread_create(&sender, NULL, sender_run, &box), 0);
    loop_run(box.loop);
    pthread_join(sender, NULL);
    assert_int_equal(box.received, MAIL_COUNT);
    assert_true(box.is_in_order);
    mailbox_close(box.mailbox);
    loop_destroy(box.loop);
}

static void test_full_mailbox_refuses_and_close_delivers_the_rest(void **state)
{
    (void)state;
    struct box box = box_make();
    struct mailbox_setup setup = {sizeof(struct mail), 4, on_mail, &box};
    box.mailbox = mailbox_create(&box.loop->uv, &setup);
    for (uint64_t i = 0; i < 4; i++) {
        struct mail *mail = mailbox_reserve(box.mailbox);
        assert_non_null(mail);
        *mail = (struct mail){i, i * 31};
        mailbox_commit(box.mailbox);
    }
    assert_null(mailbox_reserve(box.mailbox));
    assert_int_equal(mailbox_depth(box.mailbox), 4);
    assert_int_equal(box.received, 0);
    mailbox_close(box.mailbox);
    assert_int_equal(box.received, 4);
    assert_true(box.is_in_order);
    loop_destroy(box.loop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_mail_of_another_thread_comes_in_order),
        cmocka_unit_test(test_full_mailbox_refuses_and_close_delivers_the_rest),
    };
    return cmocka_run_group_tests_name("switch/net/mailbox", tests, NULL, NULL);
}
