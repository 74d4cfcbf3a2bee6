// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/array.h"
#include "command/doctor/place.h"

int doctor_place_read(pid_t pid, char **cgroup)
{
	char path[64], *line = NULL;
	size_t size = 0;
	FILE *file;
	int ret = -ENOENT;

	snprintf(path, sizeof(path), "/proc/%d/cgroup", pid);
	file = fopen(path, "re");
	if (!file)
		return errno == ESRCH ? -ENOENT : -errno;
	*cgroup = NULL;
	while (ret == -ENOENT && getline(&line, &size, file) >= 0) {
		if (strncmp(line, "0::", 3) != 0)
			continue;
		line[strcspn(line, "\n")] = '\0';
		*cgroup = strdup(line + 3);
		ret = *cgroup ? 0 : -ENOMEM;
	}
	free(line);
	fclose(file);
	return ret;
}

int doctor_places_init(struct doctor_places *places, struct reason *why)
{
	char *last;
	int ret;

	*places = (struct doctor_places) { 0 };
	ret = doctor_place_read(1, &places->prefix);
	if (ret < 0) {
		reason_set(why, "/proc/1/cgroup: %s", strerror(-ret));
		return ret;
	}
	/* systemd's own: what session_find_root() leaves out. */
	last = strrchr(places->prefix, '/');
	if (last && strcmp(last, "/init.scope") == 0)
		*last = '\0';
	return 0;
}

static void free_place(struct doctor_place *place)
{
	table_free(place->table);
	free(place->cgroup);
	free(place);
}

void doctor_places_free(struct doctor_places *places)
{
	for (size_t i = 0; i < places->count; i++)
		free_place(places->items[i]);
	free(places->items);
	free(places->prefix);
	*places = (struct doctor_places) { 0 };
}

static int find_filter(struct doctor_place *place, const char *unit, struct reason *why)
{
	int cgroup_fd = session_open_cgroup(unit, why), prog_fd = -1, ret;

	if (cgroup_fd < 0)
		return cgroup_fd;
	ret = filter_find(cgroup_fd, &prog_fd, why);
	place->filtered = ret > 0;
	if (ret > 0)
		ret = filter_read(prog_fd, &place->info, &place->table, why);
	if (prog_fd >= 0)
		close(prog_fd);
	close(cgroup_fd);
	/* Of another version: that it is there can be told, and no more. */
	return ret == -EPROTO ? 0 : ret;
}

static struct doctor_place *add(struct doctor_places *places, const char *cgroup, size_t length)
{
	struct doctor_place **grown =
		array_grow(places->items, places->count, &places->capacity, sizeof(void *));
	struct doctor_place *place = grown ? calloc(1, sizeof(*place)) : NULL;

	if (grown)
		places->items = grown;
	if (place)
		place->cgroup = strndup(cgroup, length);
	if (!place || !place->cgroup) {
		free(place);
		return NULL;
	}
	places->items[places->count++] = place;
	return place;
}

static void failed(struct doctor *doctor, int error, const struct reason *why)
{
	if (error == -ENOMEM) {
		doctor->error = error;
	} else if (error != -ENOENT && error != -ENODEV) {
		doctor_find(doctor, DOCTOR_BLIND, "processes", "",
			    "a cgroup cannot be looked at: %s", why->text);
		doctor_advise(doctor, "mend that, and look again");
	}
}

/* A container may have users' slices of its own, further down. */
static bool is_ours(const struct doctor *doctor, const struct session *session)
{
	static const char slice[] = "/user.slice/";
	size_t length = strlen(doctor->root);

	return strncmp(session->slice, doctor->root, length) == 0 &&
	       strncmp(session->slice + length, slice, strlen(slice)) == 0;
}

/* Adds the place of @cgroup, which begins with its @length bytes. */
static const struct doctor_place *look(struct doctor *doctor, struct doctor_places *places,
				       const struct session *session, size_t length)
{
	struct doctor_place *place = add(places, session->cgroup, length);
	struct reason why = { "" };
	int ret = 0;

	if (!place) {
		doctor->error = -ENOMEM;
		return NULL;
	}
	if (session->unit) {
		place->session = is_ours(doctor, session);
		ret = find_filter(place, session->unit, &why);
	}
	if (ret >= 0)
		return place;
	failed(doctor, ret, &why);
	places->count--;
	free_place(place);
	return NULL;
}

/* How much of the cgroup's path is its unit's. */
static size_t unit_length(const struct doctor *doctor, const struct doctor_places *places,
			  const struct session *session)
{
	if (!session->unit)
		return strlen(session->cgroup);
	return strlen(session->unit) - strlen(doctor->root) + strlen(places->prefix);
}

/* Finds the unit of a cgroup. What this container does not show is nobody's session here. */
static int locate(const struct doctor *doctor, const struct doctor_places *places,
		  const char *cgroup, uid_t uid, struct session *session)
{
	/* As if what systemd has were mounted by itself, at the folder where it is. */
	int ret = session_locate(cgroup, doctor->root, *places->prefix ? places->prefix : "/", uid,
				 session, NULL);

	if (ret != -ENODEV)
		return ret;
	*session = (struct session) { .place = SESSION_NONE, .cgroup = strdup(cgroup) };
	return session->cgroup ? 0 : -ENOMEM;
}

static const struct doctor_place *find(const struct doctor_places *places, const char *cgroup,
				       size_t length)
{
	for (size_t i = 0; i < places->count; i++)
		if (strlen(places->items[i]->cgroup) == length &&
		    memcmp(places->items[i]->cgroup, cgroup, length) == 0)
			return places->items[i];
	return NULL;
}

const struct doctor_place *doctor_place_of(struct doctor *doctor, struct doctor_places *places,
					   const char *cgroup, uid_t uid, enum session_place *whose)
{
	const struct doctor_place *place;
	struct session session;
	size_t length;

	if (locate(doctor, places, cgroup, uid, &session) < 0) {
		doctor->error = -ENOMEM;
		return NULL;
	}
	*whose = session.place;
	length = unit_length(doctor, places, &session);
	place = find(places, cgroup, length);
	if (!place)
		place = look(doctor, places, &session, length);
	session_free(&session);
	return place;
}
