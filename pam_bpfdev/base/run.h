/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* Where we keep what need not outlive the machine's run: conf/udev looks for it, too. */
#ifndef RUN_H
#define RUN_H

/* root's, mode 0700. The first login with rules makes it. */
#define RUN_FOLDER "/run/pam_bpfdev"

#endif
