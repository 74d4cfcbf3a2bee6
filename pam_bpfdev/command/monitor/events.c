// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* What bpfdev monitor waits for: its next look, signals, keys, the end of its reader. */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"
#include "command/monitor/monitor.h"

/* What nohup(1), or a shell for what runs in the background, has ignored stays ignored. */
static void add(struct monitor_events *events, int number)
{
	struct sigaction now;

	if (sigaction(number, NULL, &now) == 0 && now.sa_handler != SIG_IGN)
		sigaddset(&events->set, number);
}

int monitor_events_begin(struct monitor_events *events, enum monitor_keep keep)
{
	*events = (struct monitor_events) { .keep = keep, .signals = -1 };
	events->keys = keep == MONITOR_KEEP_SCREEN && isatty(STDIN_FILENO);
	sigemptyset(&events->set);
	add(events, SIGINT);
	add(events, SIGTERM);
	add(events, SIGHUP);
	add(events, SIGQUIT);
	if (keep == MONITOR_KEEP_SCREEN) {
		add(events, SIGTSTP);
		add(events, SIGWINCH);
	}
	if (sigprocmask(SIG_BLOCK, &events->set, &events->before) < 0)
		return -errno;
	events->signals = signalfd(-1, &events->set, SFD_CLOEXEC);
	return events->signals < 0 ? -errno : 0;
}

void monitor_events_end(struct monitor_events *events)
{
	if (events->signals < 0)
		return;
	close(events->signals);
	events->signals = -1;
	sigprocmask(SIG_SETMASK, &events->before, NULL);
}

static enum monitor_event read_signal(const struct monitor_events *events)
{
	struct signalfd_siginfo info;

	if (read(events->signals, &info, sizeof(info)) != sizeof(info))
		return MONITOR_SHOW;
	switch (info.ssi_signo) {
	case SIGWINCH:
		return MONITOR_SHOW;
	case SIGTSTP:
		return MONITOR_STOP;
	default:
		return MONITOR_END;
	}
}

/* The key q, or the end of the input. Other keys mean nothing: the wait goes on. */
static bool is_end(int input)
{
	char key;
	ssize_t count = read(input, &key, 1);

	return count == 1 ? key == 'q' || key == 'Q' : count == 0;
}

enum { SIGNALS, OUTPUT, INPUT, SOURCES };

/* Returns what came, or MONITOR_LOOK: nothing that means anything. */
static enum monitor_event see(const struct monitor_events *events, const struct pollfd *sources)
{
	if (sources[SIGNALS].revents)
		return read_signal(events);
	/* No event was asked for, so this is POLLERR: nobody reads any more. */
	if (sources[OUTPUT].revents)
		return MONITOR_END;
	if (sources[INPUT].revents && is_end(sources[INPUT].fd))
		return MONITOR_END;
	return MONITOR_LOOK;
}

enum monitor_event monitor_events_wait(const struct monitor_events *events, uint64_t next)
{
	struct pollfd sources[SOURCES] = {
		[SIGNALS] = { events->signals, POLLIN, 0 },
		[OUTPUT] = { events->keep ? STDOUT_FILENO : -1, 0, 0 },
		[INPUT] = { events->keys ? STDIN_FILENO : -1, POLLIN, 0 },
	};

	for (;;) {
		uint64_t now = monitor_clock();
		int left = now < next ? (int)(next - now) : 0, count;
		enum monitor_event event = MONITOR_LOOK;

		count = poll(sources, SOURCES, left);
		if (count > 0)
			event = see(events, sources);
		if (event != MONITOR_LOOK || count == 0)
			return event;
	}
}

void monitor_events_stop(const struct monitor_events *events)
{
	sigset_t stop;

	sigemptyset(&stop);
	sigaddset(&stop, SIGTSTP);
	raise(SIGTSTP);
	/* It stops in this call. */
	sigprocmask(SIG_UNBLOCK, &stop, NULL);
	sigprocmask(SIG_BLOCK, &events->set, NULL);
}

uint64_t monitor_clock(void)
{
	return (uint64_t)clock_ms() + 1;
}

void monitor_ready(void)
{
	static const char text[] = "READY=1";
	const char *path = getenv("NOTIFY_SOCKET");
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	size_t length = path ? strlen(path) : 0;
	int fd;

	if (length == 0 || length >= sizeof(address.sun_path))
		return;
	memcpy(address.sun_path, path, length);
	/* The name of an abstract socket begins with NUL, and only its length ends it. */
	if (*path == '@')
		address.sun_path[0] = '\0';
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return;
	sendto(fd, text, sizeof(text) - 1, MSG_NOSIGNAL, (struct sockaddr *)&address,
	       (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length));
	close(fd);
}
