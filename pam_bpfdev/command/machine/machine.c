// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* The walk over what is in force, and the selection from it. */
#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "command/base/memory.h"
#include "command/base/output.h"
#include "command/machine/change.h"
#include "command/machine/machine.h"

char *unit_id(const struct unit *unit, char *text)
{
	const char *id;
	size_t length = session_scope_id(unit->name, &id);

	if (unit->role == BPFDEV_MANAGER)
		snprintf(text, UNIT_ID_SIZE, "manager");
	else if (length)
		snprintf(text, UNIT_ID_SIZE, "%.*s", (int)length, id);
	else
		snprintf(text, UNIT_ID_SIZE, "%s", unit->name);
	return text;
}

int unit_compare(const struct unit *a, const struct unit *b)
{
	char left[UNIT_ID_SIZE], right[UNIT_ID_SIZE];
	int order = strcmp(a->user, b->user);

	if (order == 0)
		order = (a->uid > b->uid) - (a->uid < b->uid);
	if (order == 0)
		order = (a->role == BPFDEV_MANAGER) - (b->role == BPFDEV_MANAGER);
	/* Numbers in them count by their value: 2, 10, c9, c10. */
	return order ? order : strverscmp(unit_id(a, left), unit_id(b, right));
}

int machine_open(struct machine *machine, struct reason *why)
{
	static const struct enforce_options options = { .conf = &conf_paths_now,
							.devices = &device_source_system,
							.lock_folder = SESSION_LOCK_FOLDER,
							.tell = change_tell };

	*machine = (struct machine) { .decider = decider_new(&options) };
	return xcheck(session_find_root(&machine->root, why));
}

static void free_unit(struct machine_unit *unit)
{
	for (size_t i = 0; i < unit->copy_count; i++)
		free(unit->copies[i].denials);
	free(unit->copies);
	free(unit->denials);
	free(unit->user);
	free(unit->name);
	free(unit->slice);
}

/* All that was read at the last look. */
static void drop_units(struct machine *machine)
{
	for (size_t i = 0; i < machine->unit_count; i++)
		free_unit(&machine->units[i]);
	machine->unit_count = 0;
	while (machine->watched_count)
		close(machine->watched[--machine->watched_count].fd);
	machine->overlooks = false;
	free(machine->denials);
	machine->denials = NULL;
	machine->denial_count = 0;
	names_free(machine->names);
	machine->names = NULL;
}

void machine_close(struct machine *machine)
{
	drop_units(machine);
	free(machine->units);
	free(machine->watched);
	decider_free(&machine->decider);
	free(machine->wanted.one);
	free(machine->root);
	*machine = (struct machine) { 0 };
}

static char *name_user(const struct enforce_live *live)
{
	const struct passwd *entry;

	if (live->known && live->info.user[0])
		return xstrdup(live->info.user);
	entry = getpwuid(live->user->uid);
	return entry ? xstrdup(entry->pw_name) : xasprintf(":%u", live->user->uid);
}

struct look {
	struct machine *machine;
	unsigned int what;
	struct reason *why;
};

/* From what was read of it on, so that nothing is between. */
static void watch(struct machine *machine, int prog_fd, const struct filter_denial *denials,
		  size_t count, uint64_t lost)
{
	int fd = xcheck(filter_watch(prog_fd));

	if (fd < 0) {
		machine->overlooks = true;
		return;
	}
	for (size_t i = 0; i < count; i++)
		lost += denials[i].count;
	machine->watched = xgrow(machine->watched, machine->watched_count,
				 &machine->watched_capacity, sizeof(*machine->watched));
	machine->watched[machine->watched_count++] = (struct machine_watched) { fd, lost };
}

bool machine_has_moved(const struct machine *machine)
{
	uint64_t count;

	for (size_t i = 0; i < machine->watched_count; i++)
		if (xcheck(filter_moved(machine->watched[i].fd, &count)) < 0 ||
		    count != machine->watched[i].count)
			return true;
	return machine->overlooks;
}

/* Another version's filter counts in a way of its own, if it does. */
static int read_denials(const struct enforce_live *live, struct machine_unit *unit,
			struct reason *why)
{
	struct reason cause;
	int ret;

	if (!live->known)
		return 0;
	ret = xcheck(filter_read_denials(live->prog_fd, &unit->denials, &unit->denial_count,
					 &unit->lost, &cause));
	unit->counted = ret == 0;
	if (ret >= 0)
		return 0;
	reason_set(why, "%s: %s", live->unit, cause.text);
	return ret;
}

/* Copies of other versions are left out. */
static int read_copies(const struct enforce_live *live, struct machine_unit *unit,
		       unsigned int what, struct reason *why)
{
	int ret = 0;

	unit->copies = xcalloc((size_t)live->copy_count, sizeof(*unit->copies));
	for (int i = 0; i < live->copy_count && ret >= 0; i++) {
		struct machine_copy *copy = &unit->copies[unit->copy_count];
		struct reason cause;

		ret = xcheck(filter_read(live->copies[i], &copy->info, NULL, &cause));
		if (ret == 0 && (what & MACHINE_DENIALS))
			ret = xcheck(filter_read_denials(live->copies[i], &copy->denials,
							 &copy->denial_count, &copy->lost, &cause));
		unit->copy_count += ret == 0;
		if (ret < 0)
			reason_set(why, "%s: %s", live->unit, cause.text);
	}
	return ret < 0 ? ret : 0;
}

static void watch_unit(struct machine *machine, const struct enforce_live *live,
		       const struct machine_unit *unit)
{
	if (unit->counted)
		watch(machine, live->prog_fd, unit->denials, unit->denial_count, unit->lost);
	/* Those of other versions are left out of the list of copies. */
	if (unit->copy_count != (size_t)live->copy_count)
		machine->overlooks = true;
	for (size_t i = 0; i < unit->copy_count && !machine->overlooks; i++)
		watch(machine, live->copies[i], unit->copies[i].denials,
		      unit->copies[i].denial_count, unit->copies[i].lost);
}

static int visit(const struct enforce_live *live, void *data)
{
	struct look *look = data;
	struct machine *machine = look->machine;
	struct machine_unit unit = {
		.user = name_user(live),
		.name = xstrdup(live->unit),
		.slice = xstrdup(live->user->slice),
		.filters = live->filters,
		.known = live->known,
		.info = live->info,
	};
	struct stat st;
	int ret = 0;

	unit.unit = (struct unit) { live->role, live->user->uid, unit.user, unit.name };
	if (fstat(live->cgroup_fd, &st) < 0) {
		ret = -errno;
		reason_set(look->why, "%s: %s", live->unit, strerror(errno));
	}
	unit.cgroup = st.st_ino;
	if (ret == 0 && (look->what & MACHINE_DENIALS))
		ret = read_denials(live, &unit, look->why);
	if (ret == 0)
		ret = read_copies(live, &unit, look->what, look->why);
	if (ret < 0) {
		free_unit(&unit);
		return ret;
	}
	if (look->what & MACHINE_WATCH)
		watch_unit(machine, live, &unit);
	machine->units =
		xgrow(machine->units, machine->unit_count, &machine->unit_capacity, sizeof(unit));
	machine->units[machine->unit_count++] = unit;
	return 0;
}

static int compare_units(const void *a, const void *b)
{
	const struct machine_unit *left = a, *right = b;

	return unit_compare(&left->unit, &right->unit);
}

/* @copy: of the unit, whose they are; NULL: its own filter's. */
static void list_some(struct machine *machine, const struct machine_unit *unit,
		      const struct machine_copy *copy, const struct filter_denial *denials,
		      size_t count)
{
	for (size_t i = 0; i < count; i++)
		machine->denials[machine->denial_count++] = (struct denial) {
			.unit = unit,
			.denial = &denials[i],
			.first = denials[i].first + machine->since_boot,
			.last = denials[i].last + machine->since_boot,
			.copy = copy,
		};
}

static void list_denials(struct machine *machine, const struct machine_unit *unit)
{
	machine->lost += unit->lost;
	list_some(machine, unit, NULL, unit->denials, unit->denial_count);
	for (size_t i = 0; i < unit->copy_count; i++) {
		const struct machine_copy *copy = &unit->copies[i];

		machine->lost += copy->lost;
		list_some(machine, unit, copy, copy->denials, copy->denial_count);
	}
}

/* Units, and what is in them, have an order of their own, which stands where times are the same. */
static int compare_denials(const void *a, const void *b)
{
	const struct denial *left = a, *right = b;

	if (left->last != right->last)
		return left->last < right->last ? 1 : -1;
	if (left->unit != right->unit)
		return left->unit < right->unit ? -1 : 1;
	return (left->denial > right->denial) - (left->denial < right->denial);
}

static bool is_unit(const struct unit *unit, const char *text)
{
	char id[UNIT_ID_SIZE];

	if (strcmp(unit->name, text) == 0)
		return true;
	return unit->role == BPFDEV_SESSION && strcmp(unit_id(unit, id), text) == 0;
}

bool machine_wants(const struct machine *machine, const struct unit *unit)
{
	const struct wanted *wanted = &machine->wanted;

	if (!wanted->text)
		return true;
	if (wanted->one)
		return strcmp(unit->name, wanted->one) == 0;
	return (wanted->known && unit->uid == wanted->uid) || strcmp(unit->user, wanted->text) == 0;
}

/* Marks what is wanted, and lists its denials. Returns how many units that are. */
static size_t mark(struct machine *machine)
{
	size_t denials = 0, found = 0;

	for (size_t i = 0; i < machine->unit_count; i++) {
		struct machine_unit *unit = &machine->units[i];

		unit->wanted = machine_wants(machine, &unit->unit);
		found += unit->wanted;
		denials += unit->wanted ? unit->denial_count : 0;
		for (size_t j = 0; j < unit->copy_count && unit->wanted; j++)
			denials += unit->copies[j].denial_count;
	}
	free(machine->denials);
	machine->denials = xcalloc(denials + 1, sizeof(*machine->denials));
	machine->denial_count = 0;
	machine->lost = 0;
	for (size_t i = 0; i < machine->unit_count; i++)
		if (machine->units[i].wanted)
			list_denials(machine, &machine->units[i]);
	qsort(machine->denials, machine->denial_count, sizeof(*machine->denials), compare_denials);
	return found;
}

int machine_look(struct machine *machine, const uid_t *of, unsigned int what, struct reason *why)
{
	struct look look = { machine, what, why };
	struct session user = { .place = SESSION_NONE };
	int ret;

	drop_units(machine);
	machine->names = xneed(names_new(&device_source_system));
	conf_store_renew(&machine->decider.policies);
	if (of) {
		user.uid = *of;
		user.slice = xasprintf("%s/user.slice/user-%u.slice", machine->root, *of);
		ret = enforce_live_of(&user, visit, &look, why);
		free(user.slice);
	} else {
		ret = enforce_live_each(machine->root, visit, &look, why);
	}
	machine->since_boot = clock_ns(CLOCK_REALTIME) - clock_ns(CLOCK_BOOTTIME);
	if (machine->unit_count)
		qsort(machine->units, machine->unit_count, sizeof(*machine->units), compare_units);
	mark(machine);
	return xcheck(ret);
}

/* Whose uid the argument is, or who has that name. Sets wanted->known; *account: there is one. */
static void find_user(struct wanted *wanted, bool *account)
{
	const struct passwd *entry = getpwnam(wanted->text);
	const char *digits = wanted->text + (*wanted->text == ':');
	unsigned long number;

	if (!entry) {
		errno = 0;
		number = strtoul(digits, NULL, 10);
		if (errno || !*digits || digits[strspn(digits, "0123456789")] ||
		    number >= (uid_t)-1)
			return;
		wanted->uid = (uid_t)number;
		entry = getpwuid(wanted->uid);
	} else {
		wanted->uid = entry->pw_uid;
	}
	wanted->known = true;
	*account = entry != NULL;
}

bool machine_want(struct machine *machine, const char *text, bool later)
{
	struct wanted *wanted = &machine->wanted;
	bool account = false;

	free(wanted->one);
	*wanted = (struct wanted) { .text = text };
	/* A session wins: its number is what tables show first. */
	for (size_t i = 0; text && !wanted->one && i < machine->unit_count; i++)
		if (is_unit(&machine->units[i].unit, text))
			wanted->one = xstrdup(machine->units[i].name);
	if (text && !wanted->one)
		find_user(wanted, &account);
	if (mark(machine) || !text || (later && account))
		return true;
	if (wanted->known)
		output_error("%s is not logged in, and has no manager", text);
	else
		output_error("there is no session and no user \"%s\"", text);
	return false;
}

static int read_filter(int cgroup_fd, struct machine_unit *unit, struct table **table,
		       struct reason *why)
{
	int prog_fd = -1, ret = filter_find(cgroup_fd, &prog_fd, why);

	if (ret <= 0)
		return ret;
	ret = filter_read(prog_fd, &unit->info, table, why);
	close(prog_fd);
	if (ret == 0)
		table_end_loans(*table);
	return ret < 0 ? ret : ret == 0 ? 1 : MACHINE_OTHER_VERSION;
}

int machine_read_table(struct machine_unit *unit, struct table **table, struct reason *why)
{
	const struct session user = { .slice = unit->slice };
	int fd, ret = xcheck(session_open_unit(&user, unit->name, &fd, why));

	if (ret <= 0)
		return ret;
	ret = xcheck(read_filter(fd, unit, table, why));
	if (ret < 0 && session_is_gone(fd))
		ret = 0;
	close(fd);
	return ret;
}

bool machine_counts(const struct machine_unit *manager, const struct machine_unit *session)
{
	return session->unit.role == BPFDEV_SESSION && session->unit.uid == manager->unit.uid &&
	       session->filters && !(session->known && (session->info.flags & BPFDEV_CLOSED));
}

size_t machine_count_sessions(const struct machine *machine, bool filtered)
{
	size_t count = 0;

	for (size_t i = 0; i < machine->unit_count; i++)
		if (machine->units[i].unit.role == BPFDEV_SESSION &&
		    (machine->units[i].filters > 0) == filtered)
			count++;
	return count;
}
