// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* Whether what the module logs gets anywhere: what sessions were denied is known by nothing else later. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <syslog.h>
#include <unistd.h>

#include "command/base/memory.h"
#include "command/doctor/doctor.h"
#include "log/journal.h"

#define TOPIC "log"
#define SYSLOG "/dev/log"
#define ANALYZE "/usr/bin/systemd-analyze"
#define JOURNALCTL "/usr/bin/journalctl"
/* SD_MESSAGE_JOURNAL_DROPPED: "Suppressed 12 messages from session-3.scope". */
#define DROPPED "MESSAGE_ID=a596d6fe7bfa4994828e72309e95d61e"
#define INIT "init.scope" /* the unit of pid 1 */
#define CAP_SYS_ADMIN_BIT 21

/* Whether somebody reads what is sent there. */
static bool is_served(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	bool served;

	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	/* EPROTOTYPE: as a stream, which syslog(3) knows, too. */
	served = fd >= 0 && (connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0 ||
			     errno == EPROTOTYPE);
	if (fd >= 0)
		close(fd);
	return served;
}

/* Without CAP_SYS_ADMIN entries come in the name of whoever speaks: see JOURNAL_INSIST. */
static bool speaks_for_init(void)
{
	FILE *file = fopen("/proc/self/status", "re");
	uint64_t capabilities = 0;
	char line[256];

	while (file && fgets(line, sizeof(line), file))
		if (sscanf(line, "CapEff: %" SCNx64, &capabilities) == 1)
			break;
	if (file)
		fclose(file);
	return capabilities >> CAP_SYS_ADMIN_BIT & 1;
}

/* What MaxLevelStore= has for the least urgent level that is kept. */
static int level_of(const char *word)
{
	static const char *const levels[] = { "emerg",	 "alert",  "crit", "err",
					      "warning", "notice", "info", "debug" };

	for (int i = 0; i < (int)(sizeof(levels) / sizeof(levels[0])); i++)
		if (strcmp(word, levels[i]) == 0 || (word[0] == '0' + i && !word[1]))
			return i;
	return LOG_DEBUG;
}

/* journald.conf(5) with its drop-ins: what is read later counts. */
static void look_at_settings(struct doctor *doctor, char *text)
{
	char *rest = text, *line, word[32];
	int level = LOG_DEBUG;
	bool kept = true;

	while ((line = strsep(&rest, "\n"))) {
		if (sscanf(line, " Storage = %31s", word) == 1)
			kept = strcmp(word, "none") != 0;
		else if (sscanf(line, " MaxLevelStore = %31s", word) == 1)
			level = level_of(word);
	}
	if (kept && level >= LOG_NOTICE)
		return;
	doctor_find(doctor, DOCTOR_WARN, TOPIC, "",
		    "the journal does not keep %s: what a session was denied is not known any more "
		    "once it is over",
		    kept ? "what is less urgent than a warning (MaxLevelStore=)"
			 : "anything (Storage=none)");
	doctor_advise(doctor, "%s",
		      kept ? "set MaxLevelStore=info in journald.conf(5)"
			   : "see that a syslog daemon does, or set Storage= in journald.conf(5)");
}

/* Which units journald took less from than they sent, since boot; ours are among them if @any. */
static void look_at_dropped(struct doctor *doctor, char *text, bool any)
{
	char *rest = text, *line, unit[256];
	unsigned int count;

	while ((line = strsep(&rest, "\n"))) {
		if (sscanf(line, "Suppressed %u messages from %255s", &count, unit) != 2 ||
		    (!any && strcmp(unit, INIT) != 0))
			continue;
		doctor_find(doctor, DOCTOR_WARN, TOPIC, unit,
			    "the journal has dropped %u of its messages since boot, as there were "
			    "too many at once; what sessions were denied may have been among them",
			    count);
		doctor_advise(doctor, "RateLimitBurst= in journald.conf(5) says how many it takes; "
				      "bpfdev-monitor.service looks while sessions are open");
	}
}

static void check_journal(struct doctor *doctor)
{
	char *settings[] = { ANALYZE, "cat-config", "--no-pager", "systemd/journald.conf", NULL };
	char *dropped[] = { JOURNALCTL, "-q", "-b", "--no-pager", "-o", "cat", DROPPED, NULL };
	char *text = xmalloc(DOCTOR_OUTPUT_MAX);
	bool for_init = speaks_for_init();

	if (!for_init) {
		doctor_find(
			doctor, DOCTOR_NOTE, TOPIC, "",
			"without CAP_SYS_ADMIN, a session that writes enough to the journal can "
			"have it drop what is said of that session");
		doctor_advise(doctor, "let bpfdev-monitor.service run, which looks while sessions "
				      "are open; RateLimitBurst=0 in journald.conf(5) has nothing "
				      "dropped");
	}
	if (access(ANALYZE, X_OK) == 0 && doctor_run(settings, text) == 0)
		look_at_settings(doctor, text);
	if (access(JOURNALCTL, X_OK) == 0 && doctor_run(dropped, text) == 0)
		look_at_dropped(doctor, text, !for_init);
	free(text);
}

void doctor_check_log(struct doctor *doctor)
{
	if (is_served(JOURNAL_SOCKET)) {
		check_journal(doctor);
	} else if (!is_served(SYSLOG)) {
		doctor_find(doctor, DOCTOR_WARN, TOPIC, "",
			    "neither the journal (" JOURNAL_SOCKET ") nor a syslog daemon (" SYSLOG
			    ") reads what is logged: who was refused, and what sessions were "
			    "denied, is lost");
		doctor_advise(doctor, "start systemd-journald.service or a syslog daemon");
	}
}
