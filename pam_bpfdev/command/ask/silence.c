// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* Nobody answers: what can be known by itself, as polkitd's user may. */
#include <errno.h>
#include <string.h>

#include "command/ask/ask.h"
#include "command/machine/change.h"
#include "command/pam/stack.h"

static bool has_other_policy(const char *service, struct reason *why)
{
	static const char module[] = "pam_bpfdev.so";
	struct pam_stack stack;
	int ret = pam_stack_load("", service, "session", &stack);
	bool has = ret < 0 && ret != -ENOENT;

	if (has)
		reason_set(why, "PAM's %s: %s", service, strerror(-ret));
	for (size_t i = pam_stack_find(&stack, module, 0); i < stack.count && !has;
	     i = pam_stack_find(&stack, module, i + 1))
		for (size_t j = 0; j < stack.lines[i].argument_count && !has; j++) {
			has = strncmp(stack.lines[i].arguments[j], "conf=", 5) == 0;
			reason_set(why, "PAM's %s has another policy", service);
		}
	pam_stack_free(&stack);
	return has;
}

/* Whom the policies name that PAM's lines bring along (conf=) is not looked at: there are hardly any. */
static bool have_other_policy(struct reason *why)
{
	struct pam_stack_names names = { 0 };
	int ret = pam_stack_services("", &names);
	bool have = ret < 0;

	if (have)
		reason_set(why, "PAM's files: %s", strerror(-ret));
	for (size_t i = 0; i < names.count && !have; i++)
		have = has_other_policy(names.items[i], why);
	pam_stack_names_free(&names);
	return have;
}

bool ask_is_stranger(const struct enforce_question *question, const char *user,
		     const struct reason *why)
{
	const struct enforce_options options = change_options(&conf_paths_now);
	struct reason known = { "" };

	if (enforce_is_stranger(&options, question, &known) && !have_other_policy(&known))
		return true;
	change_log_error("what %s would open for %s is refused, as the rules cannot be asked: %s; "
			 "%s",
			 question->by, user, why->text, known.text);
	return false;
}
