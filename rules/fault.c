/* SPDX-License-Identifier: MIT */
#include "rules/fault.h"

G_DEFINE_QUARK(alertpost-fault, fault)
