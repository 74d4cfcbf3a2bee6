// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* bpfdev ask: what the rules say of a device that a service would open for a process. */
#include <errno.h>
#include <pwd.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "command/ask/ask.h"
#include "command/base/command.h"
#include "command/base/row.h"

struct request {
	struct command_options options; /* words: PID ACCESS DEVICE */
	bool serve, mount, drive, zero;
	const char *by, *user, *start, *socket;
	struct enforce_question question;
};

static const struct command_option ask_options[] = {
	{ "by", 0, "NAME", "the service that would open the device, for those who read of denials",
	  offsetof(struct request, by), NULL },
	{ "user", 0, "USER", "who asks: a process of another's has taken the pid of theirs",
	  offsetof(struct request, user), NULL },
	{ "start", 0, "TICKS", "when the process began: field 22 of its stat in proc(5)",
	  offsetof(struct request, start), NULL },
	{ "mount", 0, NULL, "to mount it: what the kernel holds read-only is only read",
	  offsetof(struct request, mount), NULL },
	{ "drive", 0, NULL, "all of the drive: its partitions, too",
	  offsetof(struct request, drive), NULL },
	{ "zero", 0, NULL, "exit with 0 for any answer: polkit takes all else for a failure",
	  offsetof(struct request, zero), NULL },
	{ "socket", 0, "PATH", "ask there, and not at " ASK_SOCKET,
	  offsetof(struct request, socket), NULL },
	{ "serve", 0, NULL, "answer: bpfdev-ask.socket has systemd run this",
	  offsetof(struct request, serve), NULL },
	{ 0 },
};

static void take_number(const char *text, const char *what, uint64_t *number,
			struct argp_state *state)
{
	char *end;

	errno = 0;
	*number = strtoull(text, &end, 10);
	if (errno || *end || end == text || *text == '-')
		argp_error(state, "\"%s\" is no %s", text, what);
}

static void check_words(struct request *request, struct argp_state *state)
{
	const char *const *words = request->options.words;
	struct enforce_question *question = &request->question;
	const char *bad = NULL;
	uint64_t pid = 0;
	size_t next;

	take_number(words[0], "process id", &pid, state);
	question->pid = pid <= INT32_MAX ? (pid_t)pid : 0;
	question->access = device_parse_access(words[1], &bad);
	if (!question->access)
		argp_error(state, "\"%s\": expected letters of rwm", words[1]);
	next = command_take_device(&request->options, 2, question->device,
				   sizeof(question->device));
	if (words[next])
		argp_error(state, "expected one device, which only \"c M:m\" writes in two words");
}

static void check_line(void *data, struct argp_state *state)
{
	struct request *request = data;
	struct enforce_question *question = &request->question;
	char line[ASK_LINE_SIZE];

	if (request->serve && !request->options.word_count)
		return;
	if (request->serve || request->options.word_count < 3)
		argp_error(state, "expected a process id, an access and a device");
	check_words(request, state);
	if (request->start)
		take_number(request->start, "time", &question->start, state);
	snprintf(question->by, sizeof(question->by), "%s", request->by ? request->by : "bpfdev");
	question->uid = (uid_t)-1;
	question->mount = request->mount;
	question->drive = request->drive;
	if (request->by && !ask_is_name(request->by))
		argp_error(state, "--by=%s: expected up to 15 of a-z, 0-9, \".\", \"_\" and \"-\"",
			   request->by);
	if (!ask_write_question(question, line))
		argp_error(state, "\"%s\" of process %s cannot be asked for", question->device,
			   request->options.words[0]);
}

static const struct command_set ask_set = { ask_options, 0, check_line };

static const char *word_of(const struct ask_answer *answer)
{
	static const char *const words[] = { "no opinion", "allow", "deny" };

	return answer->audit ? "audit" : words[answer->verdict];
}

static void tell(const struct request *request, const struct ask_answer *answer)
{
	json_t *object;

	if (!request->options.output.json) {
		output_line("%s%s%s%s%s", word_of(answer), *answer->line ? ": " : "",
			    answer->numbers, *answer->numbers ? " by " : "", answer->line);
		return;
	}
	object = json_object();
	row_put(object, "answer", output_string(word_of(answer)));
	row_put(object, "device", *answer->numbers ? output_string(answer->numbers) : json_null());
	row_put(object, "line", *answer->line ? output_string(answer->line) : json_null());
	output_json(object);
}

static int ask(const struct request *request)
{
	struct ask_answer answer;
	struct reason why = { "" };

	if (ask_service(request->socket ? request->socket : ASK_SOCKET, &request->question, &answer,
			&why) < 0) {
		output_error("nobody answers: %s", why.text);
		if (!request->user || !ask_is_stranger(&request->question, request->user, &why))
			return COMMAND_FAILED;
		answer = (struct ask_answer) { .verdict = ENFORCE_NO_OPINION };
	}
	tell(request, &answer);
	return answer.verdict == ENFORCE_DENY && !request->zero ? COMMAND_NO : COMMAND_YES;
}

static int run(void *data)
{
	struct request *request = data;
	const struct passwd *entry;

	if (request->serve)
		return ask_serve();
	if (request->user) {
		entry = getpwnam(request->user);
		if (!entry) {
			output_error("there is no user \"%s\"", request->user);
			return COMMAND_FAILED;
		}
		request->question.uid = entry->pw_uid;
	}
	return ask(request);
}

const struct command command_ask = {
	.name = "ask",
	.summary = "what the rules say of a device that a service would open for somebody",
	.arguments = "PID ACCESS DEVICE",
	.doc = "Says whether the rules of the session that process PID is in let it have ACCESS (rw) "
	       "to DEVICE: allow, deny, audit, or no opinion, where no rules stand for its user. A "
	       "refusal is counted as one of the session's denials. Services that open devices for "
	       "users ask so, by polkit; DEVICE is " DEVICE_ASKED_FORMS ".\v"
	       "bpfdev-ask.socket has to be active: root and polkitd may ask there.",
	.words_max = 4,
	.sets = { { &ask_set, 0 }, { &command_output_set, 0 } },
	.size = sizeof(struct request),
	.run = run,
};
