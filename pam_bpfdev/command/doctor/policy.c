// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* Whether there is a policy that can be used. */
#include <errno.h>

#include "command/doctor/doctor.h"
#include "command/warnings/warnings.h"

#define TOPIC "policy"
#define SHOWN 5 /* mistakes: bpfdev check is for the others */

static void tell_mistakes(struct doctor *doctor, const struct conf *conf)
{
	size_t shown = conf->error_count < SHOWN ? conf->error_count : SHOWN;
	struct reason what;

	for (size_t i = 0; i < shown; i++) {
		conf_describe_error(conf, &conf->errors[i], &what);
		doctor_find(doctor, DOCTOR_MISTAKE, TOPIC, "", "%s", what.text);
		doctor_advise(doctor, "mend it; until then everybody but root is refused");
	}
	if (conf->error_count == shown)
		return;
	doctor_find(doctor, DOCTOR_MISTAKE, TOPIC, "", "there are %zu more mistakes",
		    conf->error_count - shown);
	doctor_advise(doctor, "bpfdev check lists them all");
}

/* What bpfdev check would warn of. Mistakes that show only on this machine are added to @conf. */
static void count_warnings(struct doctor *doctor, struct conf *conf, const struct conf_paths *paths)
{
	struct warnings warnings = { 0 };
	struct accounts accounts;
	struct warnings_input input = { conf, &device_source_system, &accounts, paths->vendor };
	struct reason why = { "" };
	int ret = accounts_system(&accounts, &why);

	if (ret == 0)
		ret = warnings_find(&input, &warnings, &why);
	if (ret == -ENOMEM) {
		doctor->error = ret;
	} else if (ret < 0 && conf->error_count == 0) {
		doctor_find(doctor, DOCTOR_BLIND, TOPIC, "", "it cannot be looked through: %s",
			    why.text);
		doctor_advise(doctor, "mend that, and look again");
	} else if (warnings.count) {
		doctor_find(doctor, DOCTOR_NOTE, TOPIC, "", "there %s %zu warning%s",
			    warnings.count == 1 ? "is" : "are", warnings.count,
			    warnings.count == 1 ? "" : "s");
		doctor_advise(doctor, "bpfdev check%s%s says more", paths->dropins ? "" : " ",
			      paths->dropins ? "" : paths->main);
	}
	warnings_free(&warnings);
}

static void tell_lines(struct doctor *doctor, const struct conf *conf,
		       const struct conf_paths *paths)
{
	if (conf->statement_count) {
		doctor_find(doctor, DOCTOR_OK, TOPIC, "", "%zu line%s in %s%s, without mistakes",
			    conf->statement_count, conf->statement_count == 1 ? "" : "s",
			    paths->main, paths->dropins ? " and drop-ins" : "");
		return;
	}
	doctor_find(doctor, DOCTOR_NOTE, TOPIC, "", "no line names anybody: nobody is filtered");
	doctor_advise(doctor, "write the rules into %s; bpfdev.conf(5) says how", paths->main);
}

void doctor_check_policy(struct doctor *doctor)
{
	struct conf_paths *paths = &doctor->options.paths;
	struct conf *conf = NULL;
	int ret;

	if (!doctor->options.conf && doctor->conf_path)
		*paths = conf_paths_of(doctor->conf_path);
	ret = conf_load(paths, &conf);
	if (ret < 0) {
		doctor->error = ret;
		return;
	}
	if (conf->error_count == 0)
		count_warnings(doctor, conf, paths);
	if (conf->error_count) {
		tell_mistakes(doctor, conf);
		conf_free(conf);
		return;
	}
	tell_lines(doctor, conf, paths);
	doctor->conf = conf;
}
