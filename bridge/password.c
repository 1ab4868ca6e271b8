/* SPDX-License-Identifier: MIT */
#include "bridge/password.h"

#include <crypt.h>
#include <glib.h>
#include <string.h>

#include "bridge/crypto.h"

bool password_matches(const char *password, const char *hash)
{
    struct crypt_data *data = g_new0(struct crypt_data, 1);
    /* Not crypt_r(), which the sanitizers take for their own when nothing else needs libxcrypt. */
    const char *made = crypt_rn(password, hash, data, (int)sizeof *data);
    bool same = made != NULL && crypto_equal(made, strlen(made), hash, strlen(hash));
    explicit_bzero(data, sizeof *data);
    g_free(data);
    return same;
}
