// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* What bpfdev explain --session says to people. */
#include <stdio.h>
#include <string.h>

#include "command/explain/session.h"

/* "session 3, service sshd, tty ssh, from 10.0.0.5, since 2026-11-22 03:50" */
static void print_head(const struct place *place)
{
	const struct bpfdev_info *info = &place->info;
	char id[128], since[32];
	const char *found = place_id(place, id);

	if (!found || !place->table) {
		output_line("%s%s", found ? "session " : "the user's systemd manager",
			    found ? found : "");
		return;
	}
	output_line("session %s, service %s%s%s%s%s, since %s%s%s", found, info->service,
		    *info->tty ? ", tty " : "", info->tty, *info->rhost ? ", from " : "",
		    info->rhost, output_time(info->opened, since),
		    info->flags & BPFDEV_NO_LOGIN ? ", by su or the like" : "",
		    info->flags & BPFDEV_CLOSED ? ", closed, with processes left" : "");
}

/* How the place stands to the files, or to the sessions that it is to be the union of. */
static void print_agreement(const struct view *view, const char *user)
{
	const struct place *place = view->place;
	bool agrees = place->conf && view_agrees_on_all(view);

	if (!place->conf)
		output_line("  it cannot be compared with the files: %s", place->why.text);
	else if (agrees && place->united)
		output_line("  it is the union of what the open sessions may do");
	else if (agrees)
		output_line("  the filter and the files agree%s",
			    place->changed ? ", though the policy has changed since" : "");
	else if (place->united)
		output_line("  it is not the union of what the open sessions may do: bpfdev reload "
			    "%s mends it",
			    user);
	else
		output_line("  the filter and the files differ: bpfdev reload %s puts the policy "
			    "in force",
			    user);
}

static void print_program(const struct other_program *other)
{
	output_line("  also asked: program %u \"%s\" on %s (not ours: it can refuse too)",
		    other->program.id, other->program.name,
		    other->cgroup ? other->cgroup : "a cgroup further up, out of sight");
}

static void print_target(const struct view *view, const struct target *target)
{
	struct sources kernel = view_sources(view, target, false);
	struct sources files = view_sources(view, target, true);

	explain_print_title(view->explain, target, "  ");
	explain_print_verdicts(view->explain, target->row.entry, &kernel, "    ");
	if (view->place->conf && !view_agrees(view, target))
		explain_print_verdicts(view->explain, target->other, &files,
				       view->place->united ? "    the open sessions: "
							   : "    the files: ");
}

void view_print(const struct view *view, const char *user)
{
	print_head(view->place);
	if (view->place->error < 0) {
		output_line("  its filter cannot be read: %s", view->place->why.text);
	} else {
		for (size_t i = 0; i < view->targets.count; i++)
			print_target(view, &view->targets.items[i]);
		print_agreement(view, user);
	}
	for (size_t i = 0; i < view->programs.count; i++)
		print_program(&view->programs.items[i]);
}
