// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* The plan of suggest.h: wishes take the first target of their ladders that helps. */
#include <errno.h>
#include <stdlib.h>

#include "command/base/lines.h"
#include "command/suggest/plan.h"

/* Whom the line for a use is to be for. */
static size_t who_of(const struct suggest_request *request, const struct suggest_use *use)
{
	return request->who ? 0 : request->logins[use->login].user;
}

static int compare_uses(const void *left, const void *right, void *data)
{
	const struct suggest_use *a = left, *b = right;
	size_t who = who_of(data, a), other = who_of(data, b);

	if (who != other)
		return who < other ? -1 : 1;
	return table_compare_keys(&a->device, &b->device);
}

/*
 * Makes a wish of uses of one device, and moves those that the policy as it is still
 * denies to @kept. Returns how many these are.
 */
static size_t make_wish(struct suggest *suggest, size_t first, size_t count, size_t kept)
{
	struct suggest_request *request = suggest->request;
	struct suggest_wish wish = {
		.who = who_of(request, &request->uses[first]),
		.device = request->uses[first].device,
		.first_use = kept,
	};

	for (size_t i = first; i < first + count; i++) {
		struct suggest_use use = request->uses[i];
		uint32_t source;

		use.access = suggest_missing(request, suggest->now, use.login, &use.device,
					     use.access, &source);
		if (!use.access)
			continue;
		wish.access |= use.access;
		request->uses[wish.first_use + wish.use_count++] = use;
	}
	if (wish.use_count)
		suggest->wishes[suggest->wish_count++] = wish;
	else
		suggest->allowed++;
	return wish.use_count;
}

static int make_wishes(struct suggest *suggest)
{
	struct suggest_request *request = suggest->request;
	struct suggest_use *uses = request->uses;
	size_t first = 0, kept = 0;

	suggest->wishes = calloc(request->use_count + 1, sizeof(*suggest->wishes));
	if (!suggest->wishes)
		return -ENOMEM;
	if (request->use_count)
		qsort_r(uses, request->use_count, sizeof(*uses), compare_uses, request);
	while (first < request->use_count) {
		size_t count = 1;

		while (first + count < request->use_count &&
		       compare_uses(&uses[first], &uses[first + count], request) == 0)
			count++;
		kept += make_wish(suggest, first, count, kept);
		first += count;
	}
	request->use_count = kept;
	return 0;
}

/*
 * Whether those of the users whom the line is about have all. That it is about others (--who) is
 * meant.
 */
static bool is_granted(const struct suggest *suggest, const struct suggest_wish *wish,
		       const struct policy_result *results, uint32_t *source)
{
	const struct suggest_request *request = suggest->request;

	for (size_t i = wish->first_use; i < wish->first_use + wish->use_count; i++) {
		const struct suggest_use *use = &request->uses[i];
		size_t user = request->logins[use->login].user;

		if (suggest->whos[wish->who].ranks[user] == TABLE_BASELINE)
			continue;
		if (suggest_missing(request, results, use->login, &use->device, use->access,
				    source))
			return false;
	}
	return true;
}

static struct conf_statement statement_of(const struct suggest *suggest, size_t line)
{
	const struct suggest_line *suggested = &suggest->lines[line];
	const struct suggest_who *who = &suggest->whos[suggested->who];
	struct device_spec spec = suggest->targets[suggested->target].spec;

	spec.minor.high += suggested->range;
	return (struct conf_statement) {
		.place = { (uint32_t)suggest->request->conf->file_count, (uint32_t)line + 1, 1 },
		.who = who->conf->statements[0].who,
		.verb = CONF_ALLOW,
		.device = spec,
		.access = suggested->access,
	};
}

/* What the policy and the lines together come to. */
static int judge_lines(const struct suggest *suggest, struct policy_result **results,
		       struct reason *why)
{
	struct conf_statement *more = calloc(suggest->line_count + 1, sizeof(*more));
	int ret;

	if (!more)
		return -ENOMEM;
	for (size_t i = 0; i < suggest->line_count; i++)
		more[i] = statement_of(suggest, i);
	ret = suggest_judge(suggest->request, more, suggest->line_count, results, why);
	free(more);
	return ret;
}

/* Returns 1: some wishes have been changed; 0: all is well; or a negative errno. */
static int try_lines(struct suggest *suggest, struct reason *why)
{
	struct policy_result *results = NULL;
	int ret = suggest_lines_make(suggest);

	if (ret == 0)
		ret = judge_lines(suggest, &results, why);
	if (ret < 0)
		return ret;
	for (size_t i = 0; i < suggest->wish_count; i++) {
		struct suggest_wish *wish = &suggest->wishes[i];

		if (wish->blocked || is_granted(suggest, wish, results, &wish->source))
			continue;
		if (wish->rung + 1 < wish->rungs)
			wish->rung++;
		else
			wish->blocked = true;
		ret = 1;
	}
	suggest_results_free(results, suggest->request->login_count);
	return ret;
}

static int survey_users(const struct suggest_request *request, struct reason *why)
{
	int ret = 0;

	for (size_t i = 0; i < request->user_count && ret == 0; i++)
		ret = policy_survey(request->conf, &request->users[i].subject,
				    &policy_manager_session, &request->users[i].survey, why);
	return ret;
}

static int make(struct suggest *suggest, struct reason *why)
{
	int ret = survey_users(suggest->request, why);

	if (ret == 0)
		ret = suggest_whos_add(suggest, why);
	if (ret == 0)
		ret = suggest_judge(suggest->request, NULL, 0, &suggest->now, why);
	if (ret == 0)
		ret = make_wishes(suggest);
	if (ret == 0)
		ret = suggest_ladders_build(suggest, why);
	if (ret < 0)
		return ret;
	do
		ret = try_lines(suggest, why);
	while (ret == 1);
	return ret;
}

int suggest_make(struct suggest_request *request, struct suggest *suggest, struct reason *why)
{
	int ret;

	suggest->request = request;
	ret = make(suggest, why);
	if (ret == -ENOMEM)
		reason_set(why, "out of memory");
	return ret;
}

void suggest_free(struct suggest *suggest)
{
	const struct suggest_request *request = suggest->request;

	if (!request)
		return;
	suggest_results_free(suggest->now, request->login_count);
	suggest_whos_free(suggest);
	for (size_t i = 0; i < suggest->target_count; i++)
		free(suggest->targets[i].text);
	for (size_t i = 0; i < request->user_count; i++)
		policy_survey_free(&request->users[i].survey);
	free(suggest->targets);
	free(suggest->wishes);
	free(suggest->lines);
	*suggest = (struct suggest) { 0 };
}

void suggest_deniers(const struct suggest *suggest, const struct suggest_wish *wish, bool *denies)
{
	const struct suggest_request *request = suggest->request;

	for (size_t i = 0; i < wish->use_count; i++) {
		const struct suggest_use *use = &request->uses[wish->first_use + i];

		for (uint32_t bit = 1; bit < 1u << BPFDEV_BITS; bit <<= 1) {
			const struct conf_statement *line;
			uint32_t source = 0;

			suggest_missing(request, suggest->now, use->login, &use->device,
					use->access & bit, &source);
			line = lines_find(request->conf, source);
			if (line)
				denies[line - request->conf->statements] = true;
		}
	}
}
