/* SPDX-License-Identifier: MIT */
#ifndef CONFIG_EMAILS_H
#define CONFIG_EMAILS_H

#include "config/loader.h"

/* One entry of email_configs, with what `global` says merged in and its templates
 * compiled; what is wrong goes to the report, and EMAIL is then incomplete. */
void email_build(Loader *loader, const EmailSettings *settings, EmailConfig *email);

#endif
