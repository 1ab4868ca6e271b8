/* SPDX-License-Identifier: MIT */
#include "config/tls_names.h"

#include <glib.h>
#include <string.h>

static const TlsSuite suites[] = {
    {"TLS_AES_128_GCM_SHA256", TLS_KEY_ANY, "AES-128-GCM"},
    {"TLS_AES_256_GCM_SHA384", TLS_KEY_ANY, "AES-256-GCM"},
    {"TLS_CHACHA20_POLY1305_SHA256", TLS_KEY_ANY, "CHACHA20-POLY1305"},
    {"TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256", TLS_KEY_ECDSA, "AES-128-GCM"},
    {"TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384", TLS_KEY_ECDSA, "AES-256-GCM"},
    {"TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256", TLS_KEY_ECDSA, "CHACHA20-POLY1305"},
    {"TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA", TLS_KEY_ECDSA, "AES-128-CBC"},
    {"TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA", TLS_KEY_ECDSA, "AES-256-CBC"},
    {"TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", TLS_KEY_RSA, "AES-128-GCM"},
    {"TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384", TLS_KEY_RSA, "AES-256-GCM"},
    {"TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256", TLS_KEY_RSA, "CHACHA20-POLY1305"},
    {"TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA", TLS_KEY_RSA, "AES-128-CBC"},
    {"TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA", TLS_KEY_RSA, "AES-256-CBC"},
};

static const TlsCurve curves[] = {
    {"CurveP256", "SECP256R1"},
    {"CurveP384", "SECP384R1"},
    {"CurveP521", "SECP521R1"},
    {"X25519", "X25519"},
};

const TlsSuite *tls_suite_at(unsigned index)
{
    return index < G_N_ELEMENTS(suites) ? &suites[index] : NULL;
}

const TlsCurve *tls_curve_at(unsigned index)
{
    return index < G_N_ELEMENTS(curves) ? &curves[index] : NULL;
}

const TlsSuite *tls_suite_find(const char *name)
{
    unsigned i = 0;
    while (i < G_N_ELEMENTS(suites) && strcmp(suites[i].name, name) != 0) {
        i++;
    }
    return tls_suite_at(i);
}

const TlsCurve *tls_curve_find(const char *name)
{
    unsigned i = 0;
    while (i < G_N_ELEMENTS(curves) && strcmp(curves[i].name, name) != 0) {
        i++;
    }
    return tls_curve_at(i);
}
