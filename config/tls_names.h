/* SPDX-License-Identifier: MIT */
#ifndef CONFIG_TLS_NAMES_H
#define CONFIG_TLS_NAMES_H

/* Cipher suites and curves by the names that Go, and so the exporter-toolkit, has for them,
 * and the words for their parts in GnuTLS' priority strings. */

/* The key of the certificate that a suite is for; TLS 1.3's are for any. */
typedef enum { TLS_KEY_ANY, TLS_KEY_RSA, TLS_KEY_ECDSA } TlsKey;

typedef struct {
    const char *name; /* "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256" */
    TlsKey key;
    const char *cipher; /* "AES-128-GCM" */
} TlsSuite;

typedef struct {
    const char *name;  /* "CurveP256" */
    const char *group; /* "SECP256R1" */
} TlsCurve;

/* NULL if there is none of this NAME. */
const TlsSuite *tls_suite_find(const char *name);
const TlsCurve *tls_curve_find(const char *name);
/* All of them, up to a NULL. */
const TlsSuite *tls_suite_at(unsigned index);
const TlsCurve *tls_curve_at(unsigned index);

#endif
