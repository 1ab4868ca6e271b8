/* SPDX-License-Identifier: MIT */
#include <stdio.h>

int main(void)
{
    puts("alertpost " ALERTPOST_VERSION);
    return 0;
}
