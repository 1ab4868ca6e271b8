/* SPDX-License-Identifier: MIT */
#ifndef CONFIG_SMTP_FIELDS_H
#define CONFIG_SMTP_FIELDS_H

/* The rows that `global` (prefix "smtp_") and an email_config (prefix "") share; the
 * struct T has them in its member `smtp`.  LOGIN_FIELDS are those that a fallback has,
 * too. */
#define SMTP_FIELDS(T, prefix, require_tls_default)                                       \
    SMARTHOST(T, smtp.smarthost, prefix "smarthost",                                      \
              "The mail server, or a Maildir that needs none (a relative PATH is taken "  \
              "from the working directory)."),                                            \
    FIELD(T, smtp.from, prefix "from", NULL, "The sender, one address."),                 \
    LOGIN_FIELDS(T, prefix, require_tls_default)

#define LOGIN_FIELDS(T, prefix, require_tls_default)                                      \
    FIELD(T, smtp.hello, prefix "hello", NULL,                                            \
          "The name given to the server; else this host's full name."),                   \
    FIELD(T, smtp.auth_username, prefix "auth_username", NULL,                            \
          "Log in under this name; empty means no login."),                               \
    FIELD(T, smtp.auth_password, prefix "auth_password", NULL,                            \
          "The password for PLAIN and LOGIN."),                                           \
    SECRET_FILE(T, smtp.auth_password, prefix "auth_password_file",                       \
                "The file with it, read at every login."),                                \
    FIELD(T, smtp.auth_secret, prefix "auth_secret", NULL, "The secret for CRAM-MD5."),   \
    SECRET_FILE_KEPT(T, smtp.auth_secret, prefix "auth_secret_file",                      \
                     "The file with it; blanks around it belong to it."),                 \
    FIELD(T, smtp.auth_identity, prefix "auth_identity", NULL,                            \
          "The identity to act as, for PLAIN."),                                          \
    OPTIONAL_SECTION(T, smtp.oauth2, prefix "auth_oauth2", Oauth2Settings,                \
                     &oauth2_schema, "Log in with a token in place of a password."),      \
    FIELD(T, smtp.require_tls, prefix "require_tls", require_tls_default,                 \
          "Send only over TLS. `false`: STARTTLS is not used at all, as in Alertmanager."), \
    FIELD(T, smtp.force_implicit_tls, prefix "force_implicit_tls", NULL,                  \
          "TLS from the first byte; else this is so on port 465."),                       \
    SECTION(T, smtp.tls, prefix "tls_config", TlsSettings, &tls_schema, "TLS settings.")

#endif
