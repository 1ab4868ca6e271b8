/* SPDX-License-Identifier: MIT */
/* A mechanism is a row and a function that gives the response to a challenge; the first
 * row that the server offers and that our credentials serve is taken.  Rows with a token
 * come first: a relay has either a token or a password.  CRAM-MD5 takes the password where
 * there is no secret of its own; it shows neither. */
#include "bridge/delivery/smtp/auth.h"

#include <string.h>

#include "bridge/delivery/mask.h"

enum { LINE_MAX_BYTES = 510, CHALLENGES_MAX = 4 };

struct AuthMechanism {
    const char *name;
    bool (*serves)(const Credentials *credentials);
    /* The bytes of response number N, NULL: there is none.  CHALLENGE is what the server
     * said, decoded; NULL for an initial response. */
    GString *(*respond)(const Credentials *credentials, unsigned n, const GString *challenge);
    bool initial; /* the first response needs no challenge */
};

/* --- what each says --- */

static bool has_token(const Credentials *credentials)
{
    return *credentials->token != '\0' && !credentials->exposed;
}

static bool has_password(const Credentials *credentials)
{
    return *credentials->password != '\0' && !credentials->exposed;
}

static bool has_any(const Credentials *credentials)
{
    return *credentials->secret != '\0' || *credentials->password != '\0';
}

/* After a refusal both mechanisms tell why in one more challenge, and want an answer to it
 * before the refusal itself. */
static GString *respond_bearer(const Credentials *c, unsigned n, const GString *challenge)
{
    (void)challenge;
    GString *out = g_string_new(NULL);
    if (n == 0) {
        g_string_append_printf(out, "n,a=%s,\1host=%s\1port=%u\1auth=Bearer %s\1\1", c->username,
                               c->host, c->port, c->token);
    } else {
        g_string_append_c(out, '\1');
    }
    return out;
}

static GString *respond_xoauth2(const Credentials *c, unsigned n, const GString *challenge)
{
    (void)challenge;
    GString *out = g_string_new(NULL);
    if (n == 0) {
        g_string_append_printf(out, "user=%s\1auth=Bearer %s\1\1", c->username, c->token);
    }
    return out;
}

static GString *respond_plain(const Credentials *c, unsigned n, const GString *challenge)
{
    (void)challenge;
    if (n > 0) {
        return NULL;
    }
    GString *out = g_string_new(c->identity);
    g_string_append_len(out, "", 1);
    g_string_append(out, c->username);
    g_string_append_len(out, "", 1);
    return g_string_append(out, c->password);
}

static GString *respond_login(const Credentials *c, unsigned n, const GString *challenge)
{
    (void)challenge;
    const char *const texts[] = {c->username, c->password};
    return n < G_N_ELEMENTS(texts) ? g_string_new(texts[n]) : NULL;
}

static GString *respond_cram_md5(const Credentials *c, unsigned n, const GString *challenge)
{
    if (n > 0 || challenge->len == 0) {
        return NULL;
    }
    const char *key = *c->secret != '\0' ? c->secret : c->password;
    g_autofree char *digest =
        g_compute_hmac_for_data(G_CHECKSUM_MD5, (const guchar *)key, strlen(key),
                                (const guchar *)challenge->str, challenge->len);
    GString *out = g_string_new(NULL);
    g_string_append_printf(out, "%s %s", c->username, digest);
    return out;
}

static const AuthMechanism mechanisms[] = {
    {"OAUTHBEARER", has_token, respond_bearer, true},
    {"XOAUTH2", has_token, respond_xoauth2, true},
    {"PLAIN", has_password, respond_plain, true},
    {"LOGIN", has_password, respond_login, false},
    {"CRAM-MD5", has_any, respond_cram_md5, false},
};

/* --- the lines --- */

static bool is_offered(const char *offered, const char *name)
{
    g_auto(GStrv) words = g_strsplit_set(offered, " =,", 0);
    for (size_t i = 0; words[i] != NULL; i++) {
        if (g_ascii_strcasecmp(words[i], name) == 0) {
            return true;
        }
    }
    return false;
}

static const AuthMechanism *choose(const Credentials *credentials, const char *offered)
{
    for (size_t i = 0; i < G_N_ELEMENTS(mechanisms); i++) {
        if (mechanisms[i].serves(credentials) && is_offered(offered, mechanisms[i].name)) {
            return &mechanisms[i];
        }
    }
    return NULL;
}

static void wipe(void *text)
{
    secret_free(text);
}

static void wipe_string(GString *bytes)
{
    explicit_bzero(bytes->str, bytes->len);
    g_string_free(bytes, TRUE);
}

/* The next response in base64, which is remembered; NULL if there is none. */
static char *respond(Auth *auth, const Credentials *credentials, const GString *challenge)
{
    GString *bytes = auth->mechanism->respond(credentials, auth->answers, challenge);
    if (bytes == NULL) {
        return NULL;
    }
    auth->answers++;
    char *text = g_base64_encode((const guchar *)bytes->str, bytes->len);
    wipe_string(bytes);
    g_ptr_array_add(auth->said, g_strdup(text));
    return text;
}

char *auth_start(Auth *auth, const Credentials *credentials, const char *offered)
{
    *auth = (Auth){.mechanism = choose(credentials, offered)};
    auth->said = g_ptr_array_new_with_free_func(wipe);
    if (auth->mechanism == NULL) {
        return NULL;
    }
    const char *name = auth->mechanism->name;
    char *first = auth->mechanism->initial ? respond(auth, credentials, NULL) : NULL;
    bool fits = first != NULL && strlen("AUTH  ") + strlen(name) + strlen(first) <= LINE_MAX_BYTES;
    if (first != NULL && !fits) {
        auth->answers = 0; /* it follows the server's empty challenge */
    }
    char *line = fits ? g_strdup_printf("AUTH %s %s\r\n", name, first)
                      : g_strdup_printf("AUTH %s\r\n", name);
    secret_free(first);
    return line;
}

static GString *decode(const char *challenge)
{
    gsize length = 0;
    g_autofree guchar *bytes = g_base64_decode(challenge, &length);
    return g_string_new_len((const char *)bytes, (gssize)length);
}

char *auth_answer(Auth *auth, const Credentials *credentials, const char *challenge)
{
    if (++auth->challenges > CHALLENGES_MAX) {
        return NULL;
    }
    g_autoptr(GString) said = decode(challenge);
    char *text = respond(auth, credentials, said);
    char *line = g_strdup_printf("%s\r\n", text != NULL ? text : "*");
    secret_free(text);
    return line;
}

/* --- secrets --- */

void auth_clear(Auth *auth)
{
    if (auth->said != NULL) {
        g_ptr_array_unref(auth->said);
    }
    *auth = (Auth){0};
}

void credentials_clear(Credentials *credentials)
{
    g_free(credentials->username);
    g_free(credentials->identity);
    g_free(credentials->host);
    secret_free(credentials->password);
    secret_free(credentials->secret);
    secret_free(credentials->token);
    *credentials = (Credentials){0};
}

/* What may have been said in an earlier session. */
static void add_initial(GPtrArray *list, const Credentials *credentials)
{
    for (size_t i = 0; i < G_N_ELEMENTS(mechanisms); i++) {
        if (mechanisms[i].initial && mechanisms[i].serves(credentials)) {
            GString *bytes = mechanisms[i].respond(credentials, 0, NULL);
            char *text = g_base64_encode((const guchar *)bytes->str, bytes->len);
            mask_list_add(list, text);
            wipe_string(bytes);
            secret_free(text);
        }
    }
}

GPtrArray *auth_secrets(const Auth *auth, const Credentials *credentials)
{
    GPtrArray *list = mask_list_new();
    for (guint i = 0; auth->said != NULL && i < auth->said->len; i++) {
        mask_list_add(list, g_ptr_array_index(auth->said, i));
    }
    add_initial(list, credentials);
    mask_list_add_secret(list, credentials->password);
    mask_list_add_secret(list, credentials->secret);
    mask_list_add_secret(list, credentials->token);
    return list;
}
