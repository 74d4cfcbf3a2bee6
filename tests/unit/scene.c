/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
#include "check.h"

#include "scene.h"

#include "command/base/output.h"

void scene_begin(struct scene *scene, const char *text)
{
	memset(scene, 0, sizeof(*scene));
	scene->request.conf = login_policy(text);
	scene->request.devices = &login_world.source;
	scene->request.names = names_new(&login_world.source);
	scene->request.users = scene->users;
	scene->request.logins = scene->logins;
	scene->request.uses = scene->uses;
	assert_non_null(scene->request.names);
}

static size_t user_of(struct scene *scene, const struct policy_subject *subject)
{
	for (size_t i = 0; i < scene->request.user_count; i++)
		if (strcmp(scene->users[i].subject.name, subject->name) == 0)
			return i;
	assert_true(scene->request.user_count < SCENE_MAX);
	scene->users[scene->request.user_count].subject = *subject;
	return scene->request.user_count++;
}

size_t scene_login(struct scene *scene, const struct policy_subject *subject,
		   const struct policy_session *session)
{
	assert_true(scene->request.login_count < SCENE_MAX);
	scene->logins[scene->request.login_count] =
		(struct suggest_login) { user_of(scene, subject), *session };
	return scene->request.login_count++;
}

void scene_deny(struct scene *scene, size_t login, uint32_t type, uint32_t major, uint32_t minor,
		uint32_t access)
{
	assert_true(scene->request.use_count < SCENE_USES_MAX);
	scene->uses[scene->request.use_count++] = (struct suggest_use) {
		.login = login,
		.device = { type, major, minor },
		.access = access,
		.count = 1,
		.comm = "",
	};
}

const char *scene_lines(struct scene *scene)
{
	struct reason why = { "" };
	size_t length = 0;

	if (suggest_make(&scene->request, &scene->suggest, &why) < 0)
		fail_msg("%s", why.text);
	*scene->lines = '\0';
	for (size_t i = 0; i < scene->suggest.line_count; i++) {
		const struct suggest_line *line = &scene->suggest.lines[i];
		char device[SUGGEST_DEVICE_SIZE], letters[4];

		length += (size_t)snprintf(scene->lines + length, sizeof(scene->lines) - length,
					   "%s allow %s %s\n", scene->suggest.whos[line->who].text,
					   suggest_device(&scene->suggest, line, device),
					   output_letters(line->access, letters));
		assert_true(length < sizeof(scene->lines));
	}
	return scene->lines;
}

size_t scene_blocked(const struct scene *scene)
{
	size_t count = 0;

	for (size_t i = 0; i < scene->suggest.wish_count; i++)
		count += scene->suggest.wishes[i].blocked;
	return count;
}

void scene_end(struct scene *scene)
{
	suggest_free(&scene->suggest);
	names_free(scene->request.names);
	conf_free(scene->request.conf);
}

size_t scene_begin_alice(struct scene *scene, const char *text)
{
	scene_begin(scene, text);
	return scene_login(scene, &alice, &local);
}

void scene_end_with(struct scene *scene, const char *lines)
{
	assert_string_equal(scene_lines(scene), lines);
	scene_end(scene);
}
