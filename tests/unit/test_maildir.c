/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <sys/stat.h>

#include "tests/unit/post.h"

static const DeliveryOps *const ops = &delivery_maildir;

typedef struct {
    Post *post;
    char *folder; /* of the test */
    char *path;   /* the Maildir */
} Box;

static void box_open(Box *box)
{
    box->folder = g_dir_make_tmp("box-XXXXXX", NULL);
    box->path = g_build_filename(box->folder, "deep", "mail", NULL);
    g_autofree char *smarthost = g_strconcat("maildir:", box->path, NULL);
    box->post = post_open(ops, smarthost, "", "");
}

static void remove_tree(const char *path)
{
    GDir *entries = g_dir_open(path, 0, NULL);
    const char *name;
    while (entries != NULL && (name = g_dir_read_name(entries)) != NULL) {
        g_autofree char *entry = g_build_filename(path, name, NULL);
        if (g_file_test(entry, G_FILE_TEST_IS_DIR)) {
            remove_tree(entry);
        } else {
            g_unlink(entry);
        }
    }
    if (entries != NULL) {
        g_dir_close(entries);
    }
    g_rmdir(path);
}

static void box_close(Box *box)
{
    post_close(box->post, ops, 1000);
    remove_tree(box->folder);
    g_free(box->folder);
    g_free(box->path);
}

/* How many files are in FOLDER of the Maildir; TEXT gets what is in the last one. */
static unsigned count_files(const Box *box, const char *folder, char **text)
{
    unsigned n = 0;
    g_autofree char *path = g_build_filename(box->path, folder, NULL);
    GDir *entries = g_dir_open(path, 0, NULL);
    assert_non_null(entries);
    for (const char *name; (name = g_dir_read_name(entries)) != NULL; n++) {
        g_autofree char *file = g_build_filename(path, name, NULL);
        if (text != NULL) {
            g_free(*text);
            assert_true(g_file_get_contents(file, text, NULL, NULL));
        }
    }
    g_dir_close(entries);
    return n;
}

static void set_bytes(Mail *mail, const char *bytes)
{
    g_free(mail->bytes);
    mail->bytes = g_strdup(bytes);
    mail->length = strlen(bytes);
}

static void a_mail_becomes_one_file_whoever_gets_it(void **state)
{
    (void)state;
    Box box;
    box_open(&box);
    Mail *mail = make_mail(1, 2);
    set_bytes(mail, "Subject: s\r\n\r\n.dot\r\nbare\nend");
    ops->offer(box.post->relay, mail);
    wait_done(box.post, 1);
    g_autofree char *text = NULL;
    assert_int_equal(count_files(&box, "new", &text), 1);
    assert_string_equal(text, "Return-Path: <a@b.example>\n"
                              "Delivered-To: r0@y.example\n"
                              "Delivered-To: r1@y.example\n"
                              "Subject: s\n\n.dot\nbare\nend");
    assert_int_equal(count_files(&box, "tmp", NULL), 0);
    assert_int_equal(count_files(&box, "cur", NULL), 0);
    assert_int_equal(count_text(box.post->outcomes->str, "delivered 0 stored as new/"), 2);
    box_close(&box);
}

static void only_those_who_wait_are_named(void **state)
{
    (void)state;
    Box box;
    box_open(&box);
    Mail *mail = make_mail(1, 2);
    mail->recipients[0].state = RECIPIENT_DELIVERED;
    mail_add_recipient(mail, "x@y\nDelivered-To: evil@z");
    ops->offer(box.post->relay, mail);
    wait_done(box.post, 1);
    g_autofree char *text = NULL;
    assert_int_equal(count_files(&box, "new", &text), 1);
    assert_true(g_str_has_prefix(text, "Return-Path: <a@b.example>\nDelivered-To: r1@y.example\nMessage-ID"));
    assert_true(g_str_has_prefix(box.post->outcomes->str, "untried 0 \ndelivered 0 stored as new/"));
    assert_true(g_str_has_suffix(box.post->outcomes->str,
                                 "\nrefused 0 a control character in the address\n"));
    box_close(&box);
}

static void nobody_left_means_no_file(void **state)
{
    (void)state;
    Box box;
    box_open(&box);
    Mail *mail = make_mail(1, 0);
    mail_add_recipient(mail, "nobody");
    ops->offer(box.post->relay, mail);
    wait_done(box.post, 1);
    assert_string_equal(box.post->outcomes->str, "refused 0 not of the form local@domain\n");
    assert_false(g_file_test(box.path, G_FILE_TEST_EXISTS));
    box_close(&box);
}

static void many_mails_are_many_files(void **state)
{
    (void)state;
    Box box;
    box_open(&box);
    unsigned room = ops->room(box.post->relay);
    assert_int_equal(room, 64);
    for (unsigned i = 0; i < room; i++) {
        ops->offer(box.post->relay, make_mail(i, 1));
    }
    wait_done(box.post, room);
    pthread_mutex_lock(&box.post->lock);
    while (box.post->rooms == 0) {
        wait_changed(&box.post->changed, &box.post->lock);
    }
    pthread_mutex_unlock(&box.post->lock);
    assert_int_equal(ops->room(box.post->relay), 64);
    assert_int_equal(count_files(&box, "new", NULL), room);
    box_close(&box);
}

static void what_cannot_be_written_is_deferred_in_the_systems_words(void **state)
{
    (void)state;
    Box box;
    box_open(&box);
    g_autofree char *parent = g_path_get_dirname(box.path);
    assert_true(g_file_set_contents(parent, "in the way", -1, NULL));
    send_one(box.post, ops);
    g_autofree char *expected = g_strdup_printf("deferred 0 make %s/tmp: Not a directory\n", box.path);
    assert_string_equal(box.post->outcomes->str, expected);
    assert_int_equal(g_unlink(parent), 0);
    send_one(box.post, ops); /* and then it can */
    assert_int_equal(count_files(&box, "new", NULL), 1);
    box_close(&box);
}

static void a_move_that_fails_leaves_nothing_behind(void **state)
{
    (void)state;
    Box box;
    box_open(&box);
    send_one(box.post, ops);
    g_autofree char *folder = g_build_filename(box.path, "new", NULL);
    remove_tree(folder);
    assert_true(g_file_set_contents(folder, "in the way", -1, NULL));
    send_one(box.post, ops);
    assert_int_equal(count_text(box.post->outcomes->str, "deferred 0 "), 1);
    assert_int_equal(count_files(&box, "tmp", NULL), 0);
    box_close(&box);
}

static void stopping_gives_back_what_is_not_written(void **state)
{
    (void)state;
    Box box;
    box_open(&box);
    for (unsigned i = 0; i < 500; i++) {
        ops->offer(box.post->relay, make_mail(i, 1));
    }
    ops->stop(box.post->relay, 0);
    assert_int_equal(ops->room(box.post->relay), 0);
    ops->join(box.post->relay);
    assert_int_equal(box.post->done, 500);
    unsigned written = count_text(box.post->outcomes->str, "delivered 0 ");
    unsigned back = count_text(box.post->outcomes->str, "untried 0 stopping");
    assert_int_equal(written + back, 500);
    assert_true(back > 0);
    ops->offer(box.post->relay, make_mail(500, 1));
    assert_int_equal(box.post->done, 501);
    if (written > 0) {
        assert_int_equal(count_files(&box, "new", NULL), written);
    }
    box_close(&box);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_mail_becomes_one_file_whoever_gets_it),
        cmocka_unit_test(only_those_who_wait_are_named),
        cmocka_unit_test(nobody_left_means_no_file),
        cmocka_unit_test(many_mails_are_many_files),
        cmocka_unit_test(what_cannot_be_written_is_deferred_in_the_systems_words),
        cmocka_unit_test(a_move_that_fails_leaves_nothing_behind),
        cmocka_unit_test(stopping_gives_back_what_is_not_written),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
