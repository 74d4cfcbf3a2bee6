// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* The plan of suggest.h: wishes take the first target of their ladders that helps. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "command/base/lines.h"
#include "command/base/memory.h"
#include "command/suggest/plan.h"

/* NULL is fine. */
static void free_results(struct policy_result *results, size_t count)
{
	for (size_t i = 0; results && i < count; i++)
		policy_result_free(&results[i]);
	free(results);
}

/*
 * Sets *@results to what the policy with @more statements behind its own comes to for each login;
 * free them with free_results(). Returns as suggest_make(), without *@results.
 */
static int judge(const struct suggest_request *request, const struct conf_statement *more,
		 size_t count, struct policy_result **results, struct reason *why)
{
	struct conf longer = *request->conf;
	int ret = 0;

	longer.statement_count += count;
	longer.statements = xcalloc(longer.statement_count + 1, sizeof(*longer.statements));
	if (request->conf->statement_count)
		memcpy(longer.statements, request->conf->statements,
		       request->conf->statement_count * sizeof(*longer.statements));
	if (count)
		memcpy(longer.statements + request->conf->statement_count, more,
		       count * sizeof(*longer.statements));
	*results = xcalloc(request->login_count + 1, sizeof(**results));
	for (size_t i = 0; i < request->login_count && ret == 0; i++)
		ret = xcheck(policy_decide(&longer, request->devices,
					   &request->users[request->logins[i].user].subject,
					   &request->logins[i].session, &(*results)[i], why));
	free(longer.statements);
	if (ret == 0)
		return 0;
	free_results(*results, request->login_count);
	*results = NULL;
	return longer.error_count ? -EINVAL : ret;
}

/*
 * A login that no line names has no rules and may do everything; but lines for it are looked for, so
 * that everything counts as missing.
 */
static uint32_t missing_in(const struct policy_result *result, const struct bpfdev_key *device,
			   uint32_t access, uint32_t *source)
{
	const struct bpfdev_entry *entry;
	uint32_t missing;

	*source = 0;
	if (result->kind != POLICY_RULES)
		return result->kind == POLICY_NONE ? access : 0;
	entry = table_find(result->table, device->type, device->major, device->minor);
	missing = access & (~(uint32_t)entry->allow | entry->audit);
	if (missing)
		*source = entry->source[__builtin_ctz(missing)];
	return missing;
}

/*
 * A manager has its own rules while no session of its user is open, and may do what any of them may
 * while some are: what is missing in either case.
 */
static uint32_t missing_in_sessions(const struct suggest_request *request,
				    const struct policy_result *results, size_t manager,
				    const struct bpfdev_key *device, uint32_t access,
				    uint32_t *source)
{
	bool any = false;
	uint32_t left = access;

	for (size_t i = 0; i < request->login_count; i++) {
		if (request->logins[i].user != request->logins[manager].user ||
		    request->logins[i].session.kind == POLICY_MANAGER)
			continue;
		any = true;
		left &= missing_in(&results[i], device, access, source);
	}
	return any ? left : 0;
}

/*
 * The bits of @access that @results do not allow @login, or for audit only. *@source: of the line
 * that decided on the lowest of them; 0: none did.
 */
static uint32_t missing_of(const struct suggest_request *request,
			   const struct policy_result *results, size_t login,
			   const struct bpfdev_key *device, uint32_t access, uint32_t *source)
{
	uint32_t missing = missing_in(&results[login], device, access, source), other, sessions;

	if (request->logins[login].session.kind != POLICY_MANAGER)
		return missing;
	sessions = missing_in_sessions(request, results, login, device, access, &other);
	if (!missing && sessions)
		*source = other;
	return missing | sessions;
}

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

		use.access = missing_of(request, suggest->now, use.login, &use.device, use.access,
					&source);
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

static void make_wishes(struct suggest *suggest)
{
	struct suggest_request *request = suggest->request;
	struct suggest_use *uses = request->uses;
	size_t first = 0, kept = 0;

	suggest->wishes = xcalloc(request->use_count + 1, sizeof(*suggest->wishes));
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
}

static size_t target_of(const struct suggest_wish *wish)
{
	return wish->ladder[wish->rung];
}

/*
 * Wishes of one line stand side by side, and lines in the order in which a reader looks for them: by
 * who, then by device, numbers in it by their value. Blocked wishes come last.
 */
static int compare_wishes(const void *left, const void *right, void *data)
{
	const struct suggest_wish *a = *(struct suggest_wish *const *)left;
	const struct suggest_wish *b = *(struct suggest_wish *const *)right;
	const struct suggest *suggest = data;
	int order = a->blocked - b->blocked;

	if (order == 0)
		order = strcmp(suggest->whos[a->who].text, suggest->whos[b->who].text);
	if (order == 0)
		order = strverscmp(suggest->targets[target_of(a)].text,
				   suggest->targets[target_of(b)].text);
	return order ? order : (a > b) - (a < b);
}

/*
 * Whether the line can grant the wish, too: it is for the same target, or for the number behind the
 * line's last one, as long as a policy may have so long a range.
 */
static bool fits(const struct suggest *suggest, const struct suggest_line *line,
		 const struct suggest_wish *wish)
{
	const struct device_spec *a = &suggest->targets[line->target].spec;
	const struct device_spec *b = &suggest->targets[target_of(wish)].spec;

	if (line->who != wish->who)
		return false;
	if (line->target == target_of(wish))
		return true;
	return line->access == wish->access && a->kind == DEVICE_NUMBERS &&
	       b->kind == DEVICE_NUMBERS && a->block == b->block && a->major.low == b->major.low &&
	       a->minor.low + line->range + 1 == b->minor.low &&
	       line->range + 1 < DEVICE_PATTERNS_MAX;
}

static void add_wish(struct suggest *suggest, struct suggest_wish *wish)
{
	struct suggest_line *line = &suggest->lines[suggest->line_count];
	bool hidden;
	const char *risk = suggest_risk(suggest->request->names, &wish->device, &hidden);

	if (suggest->line_count && fits(suggest, &line[-1], wish))
		line--;
	else
		suggest->lines[suggest->line_count++] =
			(struct suggest_line) { .who = wish->who, .target = target_of(wish) };
	line->range += line->target != target_of(wish);
	line->access |= wish->access;
	if (risk)
		line->warning = risk;
	wish->line = suggest->line_count - 1;
}

/* Makes the lines that grant the wishes as they are; see wish->line. */
static void make_lines(struct suggest *suggest)
{
	struct suggest_wish **wishes = xcalloc(suggest->wish_count + 1, sizeof(void *));

	free(suggest->lines);
	suggest->line_count = 0;
	suggest->lines = xcalloc(suggest->wish_count + 1, sizeof(*suggest->lines));
	for (size_t i = 0; i < suggest->wish_count; i++)
		wishes[i] = &suggest->wishes[i];
	if (suggest->wish_count)
		qsort_r(wishes, suggest->wish_count, sizeof(void *), compare_wishes, suggest);
	for (size_t i = 0; i < suggest->wish_count && !wishes[i]->blocked; i++)
		add_wish(suggest, wishes[i]);
	free(wishes);
}

/*
 * Whether all users whom the line names have what they wish for. Others (with --who) are not
 * helped, which is meant.
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
		if (missing_of(request, results, use->login, &use->device, use->access, source))
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

/*
 * Makes the lines for the wishes as they are, and has those wishes that the policy with these lines
 * does not grant take the next step of their ladders. Returns 1: some did; 0: all is well; or as
 * suggest_make().
 */
static int try_lines(struct suggest *suggest, struct reason *why)
{
	struct policy_result *results;
	struct conf_statement *more;
	int ret;

	make_lines(suggest);
	more = xcalloc(suggest->line_count + 1, sizeof(*more));
	for (size_t i = 0; i < suggest->line_count; i++)
		more[i] = statement_of(suggest, i);
	ret = judge(suggest->request, more, suggest->line_count, &results, why);
	free(more);
	for (size_t i = 0; i < suggest->wish_count && ret >= 0; i++) {
		struct suggest_wish *wish = &suggest->wishes[i];

		if (wish->blocked || is_granted(suggest, wish, results, &wish->source))
			continue;
		if (wish->rung + 1 < wish->rungs)
			wish->rung++;
		else
			wish->blocked = true;
		ret = 1;
	}
	free_results(results, suggest->request->login_count);
	return ret;
}

int suggest_make(struct suggest_request *request, struct suggest *suggest, struct reason *why)
{
	int ret = 0;

	suggest->request = request;
	for (size_t i = 0; i < request->user_count && ret == 0; i++)
		ret = xcheck(policy_survey(request->conf, &request->users[i].subject,
					   &policy_manager_session, &request->users[i].survey,
					   why));
	if (ret == 0)
		ret = suggest_whos_add(suggest, why);
	if (ret == 0)
		ret = judge(request, NULL, 0, &suggest->now, why);
	if (ret == 0) {
		make_wishes(suggest);
		ret = suggest_ladders_build(suggest, why);
	}
	if (ret < 0)
		return ret;
	do
		ret = try_lines(suggest, why);
	while (ret == 1);
	return ret;
}

void suggest_free(struct suggest *suggest)
{
	const struct suggest_request *request = suggest->request;

	if (!request)
		return;
	free_results(suggest->now, request->login_count);
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

			missing_of(request, suggest->now, use->login, &use->device,
				   use->access & bit, &source);
			line = lines_find(request->conf, source);
			if (line)
				denies[line - request->conf->statements] = true;
		}
	}
}

char *suggest_device(const struct suggest *suggest, const struct suggest_line *line, char *out)
{
	const struct suggest_target *target = &suggest->targets[line->target];

	if (line->range)
		snprintf(out, SUGGEST_DEVICE_SIZE, "%s-%u", target->text,
			 target->spec.minor.low + line->range);
	else
		snprintf(out, SUGGEST_DEVICE_SIZE, "%s", target->text);
	return out;
}
