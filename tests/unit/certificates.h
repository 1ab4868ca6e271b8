/* SPDX-License-Identifier: MIT */
#ifndef TESTS_UNIT_CERTIFICATES_H
#define TESTS_UNIT_CERTIFICATES_H

#include <glib.h>
#include <glib/gstdio.h>

/* Setup and teardown of a group of tests that need certificates. */

static char *tls_folder; /* a CA and a certificate for localhost and 127.0.0.1 */

static int make_certificates(void **state)
{
    (void)state;
    tls_folder = g_dir_make_tmp("tls-XXXXXX", NULL);
    const char *const command[] = {
        "/usr/bin/python3", "-c",
        "import sys; sys.path.insert(0, '" SOURCE_DIR "/tests/flow'); "
        "import faultserver; faultserver.make_certificate(sys.argv[1])",
        tls_folder, NULL};
    int status = 1;
    g_spawn_sync(NULL, (char **)(uintptr_t)command, NULL, G_SPAWN_DEFAULT, NULL, NULL, NULL, NULL,
                 &status, NULL);
    return status;
}

static int remove_certificates(void **state)
{
    (void)state;
    static const char *const names[] = {"ca.pem", "ca.key", "ca.srl", "cert.pem", "cert.key", "cert.csr"};
    for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
        g_autofree char *path = g_build_filename(tls_folder, names[i], NULL);
        g_unlink(path);
    }
    int failed = g_rmdir(tls_folder);
    g_free(tls_folder);
    return failed;
}

#endif
