// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* The part of logind's D-Bus interface that is asked, by a libsystemd that need not be there. */
#include <dlfcn.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <systemd/sd-bus.h>

#include "session/session.h"
#include "command/base/memory.h"
#include "command/machine/logind.h"

#define SERVICE "org.freedesktop.login1"
#define PATH "/org/freedesktop/login1/session"
#define INTERFACE "org.freedesktop.login1.Session"

/* What is used of libsystemd, under its own types. */
struct logind {
	void *library;
	sd_bus *bus;
	__typeof__(&sd_bus_open_system) open_system;
	__typeof__(&sd_bus_flush_close_unref) close;
	__typeof__(&sd_bus_path_encode) encode;
	__typeof__(&sd_bus_get_property_string) get_string;
	__typeof__(&sd_bus_get_property_trivial) get_trivial;
	__typeof__(&sd_bus_error_free) error_free;
};

static bool find_functions(struct logind *logind)
{
	logind->open_system = dlsym(logind->library, "sd_bus_open_system");
	logind->close = dlsym(logind->library, "sd_bus_flush_close_unref");
	logind->encode = dlsym(logind->library, "sd_bus_path_encode");
	logind->get_string = dlsym(logind->library, "sd_bus_get_property_string");
	logind->get_trivial = dlsym(logind->library, "sd_bus_get_property_trivial");
	logind->error_free = dlsym(logind->library, "sd_bus_error_free");
	return logind->open_system && logind->close && logind->encode && logind->get_string &&
	       logind->get_trivial && logind->error_free;
}

static int connect_bus(struct logind *logind, struct reason *why)
{
	int ret;

	logind->library = dlopen("libsystemd.so.0", RTLD_NOW | RTLD_LOCAL);
	if (!logind->library || !find_functions(logind)) {
		const char *error = dlerror();

		reason_set(why, "libsystemd cannot be loaded: %s", error ? error : "it is too old");
		return -ENOPKG;
	}
	ret = logind->open_system(&logind->bus);
	if (ret < 0)
		reason_set(why, "the system bus, by which logind is asked: %s", strerror(-ret));
	/* ENOENT would say that there is no such session. */
	return ret == -ENOENT ? -ECONNREFUSED : ret < 0 ? ret : 0;
}

int logind_open(struct logind **logind, struct reason *why)
{
	int ret;

	*logind = xcalloc(1, sizeof(**logind));
	ret = xcheck(connect_bus(*logind, why));
	if (ret < 0) {
		logind_close(*logind);
		*logind = NULL;
	}
	return ret;
}

void logind_close(struct logind *logind)
{
	if (!logind)
		return;
	if (logind->bus)
		logind->close(logind->bus);
	if (logind->library)
		dlclose(logind->library);
	free(logind);
}

void logind_free_session(struct logind_session *session)
{
	free(session->service);
	free(session->tty);
	free(session->rhost);
	free(session->user);
	*session = (struct logind_session) { 0 };
}

static int ask_strings(struct logind *logind, const char *path, struct logind_session *session,
		       sd_bus_error *error)
{
	const struct {
		const char *property;
		char **value;
	} wanted[] = {
		{ "Service", &session->service },
		{ "TTY", &session->tty },
		{ "RemoteHost", &session->rhost },
		{ "Name", &session->user },
	};
	int ret = 0;

	for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]) && ret >= 0; i++)
		ret = logind->get_string(logind->bus, SERVICE, path, INTERFACE, wanted[i].property,
					 error, wanted[i].value);
	return ret;
}

/* pam_systemd drops the "ssh" that sshd sets as PAM_TTY while there is no terminal. */
static void restore_tty(struct logind_session *session)
{
	if (*session->tty || strcmp(session->service, "sshd") != 0)
		return;
	free(session->tty);
	session->tty = xstrdup("ssh");
}

static int ask(struct logind *logind, const char *path, struct logind_session *session,
	       sd_bus_error *error)
{
	uint32_t leader = 0, terminal = 0;
	int ret = ask_strings(logind, path, session, error);

	if (ret >= 0)
		ret = logind->get_trivial(logind->bus, SERVICE, path, INTERFACE, "VTNr", error, 'u',
					  &terminal);

	if (ret >= 0)
		ret = logind->get_trivial(logind->bus, SERVICE, path, INTERFACE, "Leader", error,
					  'u', &leader);
	if (ret < 0)
		return ret;
	session->seated = terminal != 0;
	session->login = leader && session_is_login((pid_t)leader);
	restore_tty(session);
	return 0;
}

int logind_ask(struct logind *logind, const char *id, struct logind_session *session,
	       struct reason *why)
{
	sd_bus_error error = SD_BUS_ERROR_NULL;
	char *path = NULL;
	int ret = xcheck(logind->encode(PATH, id, &path));

	*session = (struct logind_session) { 0 };
	if (ret >= 0)
		ret = xcheck(ask(logind, path, session, &error));
	if (ret < 0) {
		reason_set(why, "asking logind for session %s: %s", id,
			   error.message ? error.message : strerror(-ret));
		logind_free_session(session);
		/* sd-bus maps "unknown object" to EBADR. */
		ret = ret == -EBADR ? -ENOENT : ret;
	}
	logind->error_free(&error);
	free(path);
	return ret < 0 ? ret : 0;
}

int logind_count(struct logind *logind, uint64_t *sessions, uint64_t *most)
{
	static const char path[] = "/org/freedesktop/login1",
			  interface[] = "org.freedesktop.login1.Manager";
	sd_bus_error error = SD_BUS_ERROR_NULL;
	int ret = logind->get_trivial(logind->bus, SERVICE, path, interface, "NCurrentSessions",
				      &error, 't', sessions);

	if (ret >= 0)
		ret = logind->get_trivial(logind->bus, SERVICE, path, interface, "SessionsMax",
					  &error, 't', most);
	logind->error_free(&error);
	return ret < 0 ? ret : 0;
}
