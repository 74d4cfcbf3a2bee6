/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* What a session was denied, in short: for the log. */
#ifndef ENFORCE_DENIED_H
#define ENFORCE_DENIED_H

#include "enforce/enforce.h"

/*
 * Sums up what the filter @prog_fd has denied; @info: what it says of itself. What cannot be read
 * is said in @denied->why: it is no reason to do anything else.
 */
void enforce_denied(const struct enforce_options *options, int prog_fd,
		    const struct bpfdev_info *info, struct enforce_denied *denied);

#endif
