// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* The user and the policy of a question, and the answer. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "command/asking/asking.h"

int asking_find_user(const char *user, struct asked *asked)
{
	struct reason why;
	int ret = policy_subject_load(user, &asked->subject, &why);

	asked->devices = &device_source_system;
	/* Whether there is such a user is no secret, but it is not what is to be said here. */
	if (geteuid() != 0 && (ret < 0 || asked->subject.uid != getuid())) {
		output_error("only root may ask about other users (try: sudo bpfdev ...)");
		return COMMAND_FAILED;
	}
	if (ret == 0)
		return COMMAND_YES;
	output_error("%s", why.text);
	return COMMAND_FAILED;
}

/* A file or folder of the policy that is there, but not for whoever runs this; NULL: none. */
static const char *find_unreadable(const struct conf_paths *paths, const struct conf *conf)
{
	if (paths->dropins && access(paths->dropins, R_OK | X_OK) < 0 && errno == EACCES)
		return paths->dropins;
	if (access(paths->main, R_OK) < 0 && errno == EACCES)
		return paths->main;
	for (size_t i = 0; i < conf->file_count; i++)
		if (access(conf->files[i].path, R_OK) < 0 && errno == EACCES)
			return conf->files[i].path;
	return NULL;
}

/* An administrator may keep the rules from those whom they are for. */
static int check_readable(const struct conf_paths *paths)
{
	const char *unreadable = NULL;
	struct conf *conf;

	if (conf_load(paths, &conf) < 0)
		return COMMAND_YES; /* said by who loads it next */
	unreadable = find_unreadable(paths, conf);
	if (unreadable)
		output_error("%s may be read by root only: ask your administrator", unreadable);
	conf_free(conf);
	return unreadable ? COMMAND_FAILED : COMMAND_YES;
}

int asking_load(const struct command_options *options, struct asked *asked)
{
	int status = geteuid() == 0 ? COMMAND_YES : check_readable(&options->paths);

	return status == COMMAND_YES ? command_load_policy(options, &asked->conf) : status;
}

void asking_close(struct asked *asked)
{
	conf_free(asked->conf);
	policy_subject_free(&asked->subject);
	asked->conf = NULL;
}

int asking_decide(const struct asking *asking, struct asked *asked, struct answer *answer)
{
	const struct policy_session session = asking_session(asking);
	struct reason why;
	int ret;

	*answer = (struct answer) { 0 };
	ret = policy_decide(asked->conf, asked->devices, &asked->subject, &session, &answer->result,
			    &why);
	if (ret == 0)
		ret = policy_survey(asked->conf, &asked->subject, &session, &answer->survey, &why);
	if (ret == 0)
		return COMMAND_YES;
	policy_result_free(&answer->result);
	output_error("%s", why.text);
	return asked->conf->error_count ? COMMAND_MISTAKES : COMMAND_FAILED;
}

void answer_free(struct answer *answer)
{
	policy_result_free(&answer->result);
	policy_survey_free(&answer->survey);
}
