/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* Which cgroup a login is filtered in, which sessions a user has, and the lock around both. */
#ifndef SESSION_H
#define SESSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/reason.h"
#include "base/run.h"

enum session_place {
	SESSION_OWN_SCOPE,   /* session-*.scope of the user */
	SESSION_OWN_MANAGER, /* user@UID.service of the user */
	SESSION_FOREIGN,     /* a session scope or user manager of another user */
	SESSION_NONE,	     /* anything else: a daemon's cgroup, for one */
};

struct session {
	enum session_place place;
	uid_t uid;
	char *cgroup; /* of the caller, as /proc/self/cgroup has it */
	char *path;   /* of that, as the file system has it */
	char *slice;  /* path of user-UID.slice; NULL for SESSION_NONE */
	char *unit;   /* path of the session's or manager's cgroup; NULL likewise */
	/*
	 * The parent process is itself in a session or manager, and in another one: so this is no
	 * login but su, sudo or the like within one, whatever PAM_RHOST and PAM_TTY say.
	 */
	bool nested;
	bool shared; /* the parent process is in the same session or manager: it did not begin here */
	/* Where the parent is then: path of that session's or manager's cgroup. NULL: not known. */
	char *from;
};

/*
 * Finds the calling process' place in the cgroup2 hierarchy and whether it belongs to @uid.
 * Returns 0; -ENODEV: no cgroup2 is mounted; another negative errno; both with @why.
 * Free with session_free().
 */
int session_find(uid_t uid, struct session *session, struct reason *why);

/*
 * Whether the process that leads a session was started by a daemon to log somebody in, and not by
 * a user in another session, as su and sudo are: see nested above. One that is gone counts as no
 * login: nobody can tell any more.
 */
bool session_is_login(pid_t leader);

/*
 * Whether a session is at this machine: at a seat, as pam_systemd says (XDG_SEAT; NULL and "": at
 * none), or on a console or serial line as @tty (without "/dev/"; "": none). Neither a
 * pseudo-terminal nor the lack of a remote host tells.
 */
bool session_is_local(const char *seat, const char *tty);

/* The part of @session_find that is only text; @cgroup: the path after "0::". The same errors. */
int session_locate(const char *cgroup, const char *mount, const char *mount_root, uid_t uid,
		   struct session *session, struct reason *why);

void session_free(struct session *session);

/*
 * Sets @other to the user @uid beside that of @session, for session_open_manager() and the like.
 * Returns 0, or -ENOMEM with @why. Free with session_free().
 */
int session_of_other(const struct session *session, uid_t uid, struct session *other,
		     struct reason *why);

/* The last component of the unit's path: session-3.scope. */
const char *session_unit_name(const struct session *session);

/* The id in the name of a session's scope, "3" of session-3.scope. Returns its length; 0: none. */
size_t session_scope_id(const char *unit, const char **id);

#define SESSION_MANAGER_SIZE sizeof("user@4294967295.service")

/* The name of the unit of a user's manager. @unit: SESSION_MANAGER_SIZE bytes. Returns @unit. */
char *session_manager_unit(uid_t uid, char *unit);

/* Opens a cgroup's folder, close-on-exec. Returns the descriptor or a negative errno with @why. */
int session_open_cgroup(const char *path, struct reason *why);

/*
 * Open a unit, or the manager, below the slice of @user (see session_each_user()).
 * Return 1 with *@fd; 0: there is none; or a negative errno with @why.
 */
int session_open_unit(const struct session *user, const char *unit, int *fd, struct reason *why);
int session_open_manager(const struct session *user, int *fd, struct reason *why);

/*
 * Whether the cgroup was removed since @cgroup_fd was opened: asked of the cgroup, as no errno of
 * something else tells.
 */
bool session_is_gone(int cgroup_fd);

/* Called with the descriptor and unit name of each session scope; not 0 ends the walk with that. */
typedef int session_visit(int cgroup_fd, const char *unit, void *data);

/*
 * Visits the session scopes below the slice of @user that have processes; a slice that is gone has
 * none. Returns 0, what @visit returned, or a negative errno with @why.
 */
int session_each_scope(const struct session *user, session_visit *visit, void *data,
		       struct reason *why);

/*
 * Finds the folder that user.slice is in, for who looks at all users: where the cgroup2 mount shows
 * the cgroup of process 1 without its last part, init.scope (systemd's own is in there, whatever
 * cgroup a container began in). Returns 0 with *@root, to be freed; -ENODEV: no cgroup2 is mounted;
 * another negative errno; both with @why.
 */
int session_find_root(char **root, struct reason *why);

/*
 * Called for each user that has a slice. @user: its uid and slice, as session_each_scope() and
 * session_open_manager() want them; the rest is empty. Not 0 ends the walk with that.
 */
typedef int session_user_visit(const struct session *user, void *data);

/*
 * Visits the slices below user.slice in @root, in no order; a user.slice that does not exist has
 * none. Returns 0, what @visit returned, or a negative errno with @why.
 */
int session_each_user(const char *root, session_user_visit *visit, void *data, struct reason *why);

/* A process that somebody asks about. */
struct session_process {
	pid_t pid;
	uint64_t start; /* clock ticks since boot: no other process of this pid has the same */
	uid_t uids[4];	/* real, effective, saved, of the file system */
	struct session session; /* where it is; uid: the real one */
};

/*
 * Looks at the process @pid. All that is said of it is of one process, also if it ends meanwhile and
 * another gets its pid. Returns 1; 0: there is no such process, or it ended meanwhile; or a negative
 * errno with @why. Free with session_free(&process->session).
 */
int session_look_at(pid_t pid, struct session_process *process, struct reason *why);

/*
 * Whether the calling process is the only one left in the unit's cgroup, which is open as @unit_fd, and
 * those below it. Returns 1, 0, or a negative errno with @why.
 */
int session_is_last(const struct session *session, int unit_fd, struct reason *why);

/* Where an installed system has the locks. */
#define SESSION_LOCK_FOLDER RUN_FOLDER
#define SESSION_LOCK_TIMEOUT_MS 15000

#define SESSION_LOCK_PATH_SIZE 128

/* Where the lock of @uid is, below @folder. @path: SESSION_LOCK_PATH_SIZE bytes. Returns @path. */
char *session_lock_path(const char *folder, uid_t uid, char *path);

/* A process that had a user's lock while another waited for it, and was killed for that. */
struct session_holder {
	pid_t pid;     /* 0: none */
	char name[32]; /* what it calls itself */
	bool stopped;  /* a signal has stopped it; else it did not get on */
	int waited_ms; /* how long was waited until then */
};

/*
 * Takes the lock that all changes to the filters of a user's sessions share, waiting for it at most
 * @timeout_ms milliseconds. It is in a file that is root's alone, so that no user can hold it. There
 * is one for each user. Nothing slow is to be done with it. A process that has it and was stopped, or
 * does not get on in a user's session, is killed by whoever waits, within two seconds; @killed (may be
 * NULL) says which, in any case: there is hardly ever more than one, and this is the last.
 * Returns a descriptor for session_unlock(); -ETIMEDOUT or another negative errno with @why.
 */
int session_lock(const char *folder, uid_t uid, int timeout_ms, struct session_holder *killed,
		 struct reason *why);

void session_unlock(int lock);

#endif
