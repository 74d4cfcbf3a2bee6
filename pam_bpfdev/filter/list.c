// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* All device programs that bear on a cgroup, whoever attached them. */
#include <bpf/bpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "filter/filter.h"
#include "filter/kernel.h"

/* A program may be gone since it was listed: it is then left out. Returns 1, 0 or an errno. */
static int describe(__u32 id, struct filter_program *program)
{
	FILTER_CLOSE int fd = bpf_prog_get_fd_by_id(id);
	struct bpf_prog_info info = { 0 };
	__u32 size = sizeof(info);
	int err;

	if (fd < 0)
		return fd == -ENOENT ? 0 : fd;
	err = bpf_obj_get_info_by_fd(fd, &info, &size);
	if (err)
		return err;
	*program = (struct filter_program) { .id = id, .loaded = info.load_time };
	memcpy(program->name, info.name, sizeof(info.name));
	err = filter_is_ours(fd);
	program->ours = err > 0;
	return err < 0 ? err : 1;
}

static int describe_all(const __u32 *ids, __u32 count, struct filter_program *programs, size_t size,
			struct reason *why)
{
	size_t listed = 0;

	for (__u32 i = 0; i < count && listed < size; i++) {
		int ret = describe(ids[i], &programs[listed]);

		if (ret < 0)
			return filter_failed(ret, "looking at the device programs of the cgroup",
					     why);
		listed += (size_t)ret;
	}
	return (int)listed;
}

int filter_list(int cgroup_fd, bool effective, struct filter_program *programs, size_t size,
		struct reason *why)
{
	__u32 flags = effective ? BPF_F_QUERY_EFFECTIVE : 0, count = (__u32)size;
	__u32 *ids = calloc(size + 1, sizeof(*ids));
	int ret;

	if (!ids)
		return filter_failed(-ENOMEM, "listing the device programs of the cgroup", why);
	ret = bpf_prog_query(cgroup_fd, BPF_CGROUP_DEVICE, flags, NULL, ids, &count);
	/* ENOSPC: there are more than were asked for, and those that fit are there. */
	if (ret && ret != -ENOSPC)
		ret = filter_failed(ret == -EINVAL ? -EOPNOTSUPP : ret,
				    "listing the device programs of the cgroup", why);
	else
		ret = describe_all(ids, count < size ? count : (__u32)size, programs, size, why);
	free(ids);
	return ret;
}
