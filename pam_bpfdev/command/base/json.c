// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
#include "command/base/json.h"
#include "command/base/memory.h"

void json_build_append(json_t **array, json_t *value)
{
	json_array_append_new(*array, xneed(value));
}

void json_build_set(json_t **object, const char *key, json_t *value)
{
	json_object_set_new(*object, key, xneed(value));
}
