// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/*
 * Lines as bytes, and back. Of what they stand for only that is packed which devices that come and
 * go have made of it; the rest is looked up again.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "rules/rules.h"

struct packed_rules {
	uint32_t count; /* of lines, which follow */
	uint8_t audit, unrestricted, reserved[2];
	uint64_t drivers;
};

#define PACKED_BLOCK 0x1
#define PACKED_CHARACTER 0x2
#define PACKED_ALLOW 0x4
#define PACKED_TEXT 0x8 /* the device is what its text says */
#define PACKED_ANY_MAJOR 0x10
#define PACKED_ANY_MINOR 0x20

/* Behind it: the four ends of the ranges (DEVICE_NUMBERS only), what was found, the text. */
struct packed_line {
	uint32_t source;
	uint8_t kind, flags, access, rank;
	uint8_t loan, reserved[3];
	uint32_t found_count; /* keys, as bpfdev_pack() makes them */
	uint32_t text_length;
};

struct writer {
	unsigned char *bytes; /* NULL: it is only counted */
	size_t size;
};

static void write_bytes(struct writer *writer, const void *bytes, size_t size)
{
	if (writer->bytes && size)
		memcpy(writer->bytes + writer->size, bytes, size);
	writer->size += size;
}

static bool is_packed(const struct rules_line *line)
{
	return device_follows(&line->device);
}

static void write_line(struct writer *writer, const struct rules_line *line)
{
	const struct device_spec *device = &line->device;
	const bool numbers = device->kind == DEVICE_NUMBERS;
	const struct packed_line head = {
		.source = line->source,
		.kind = (uint8_t)device->kind,
		.flags = (uint8_t)((device->block ? PACKED_BLOCK : 0) |
				   (device->character ? PACKED_CHARACTER : 0) |
				   (line->allow ? PACKED_ALLOW : 0) |
				   (line->text ? PACKED_TEXT : 0) |
				   (numbers && device->major.any ? PACKED_ANY_MAJOR : 0) |
				   (numbers && device->minor.any ? PACKED_ANY_MINOR : 0)),
		.access = line->access,
		.rank = line->rank,
		.loan = line->loan,
		.found_count = is_packed(line) ? (uint32_t)line->found.count : 0,
		.text_length = line->text ? (uint32_t)strlen(line->text) : 0,
	};

	write_bytes(writer, &head, sizeof(head));
	if (numbers) {
		const uint32_t ends[] = { device->major.low, device->major.high, device->minor.low,
					  device->minor.high };

		write_bytes(writer, ends, sizeof(ends));
	}
	for (uint32_t i = 0; i < head.found_count; i++) {
		const struct device_pattern *pattern = &line->found.items[i];
		const struct bpfdev_key key = { pattern->type, pattern->major, pattern->minor };
		const uint64_t packed = bpfdev_pack(&key);

		write_bytes(writer, &packed, sizeof(packed));
	}
	write_bytes(writer, line->text, head.text_length);
}

static void write_rules(struct writer *writer, const struct rules *rules)
{
	const struct packed_rules head = {
		.count = (uint32_t)rules->count,
		.audit = (uint8_t)rules->audit,
		.unrestricted = rules->unrestricted,
		.drivers = rules->drivers,
	};

	write_bytes(writer, &head, sizeof(head));
	for (size_t i = 0; i < rules->count; i++)
		write_line(writer, &rules->items[i]);
}

int rules_pack(const struct rules *rules, void **bytes, size_t *size)
{
	struct writer counting = { NULL, 0 }, writer = { NULL, 0 };

	write_rules(&counting, rules);
	writer.bytes = malloc(counting.size);
	if (!writer.bytes)
		return -ENOMEM;
	write_rules(&writer, rules);
	*bytes = writer.bytes;
	*size = writer.size;
	return 0;
}

struct reader {
	const unsigned char *bytes;
	size_t left;
};

static bool read_bytes(struct reader *reader, void *out, size_t size)
{
	if (size > reader->left)
		return false;
	memcpy(out, reader->bytes, size);
	reader->bytes += size;
	reader->left -= size;
	return true;
}

static int read_found(struct reader *reader, struct rules_line *line, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		struct device_pattern pattern = { 0 };
		struct bpfdev_key key;
		uint64_t packed;
		int ret;

		if (!read_bytes(reader, &packed, sizeof(packed)))
			return -EPROTO;
		key = bpfdev_unpack(packed);
		pattern.type = key.type;
		pattern.major = key.major;
		pattern.minor = key.minor;
		ret = device_add(&line->found, &pattern, NULL);
		if (ret < 0)
			return ret;
	}
	return 0;
}

static int read_text(struct reader *reader, struct rules_line *line, uint32_t length)
{
	int used;

	if (length > reader->left)
		return -EPROTO;
	line->text = malloc((size_t)length + 1);
	if (!line->text)
		return -ENOMEM;
	read_bytes(reader, line->text, length);
	line->text[length] = '\0';
	return device_parse(line->text, NULL, &line->device, &used, NULL) < 0 ? -EPROTO : 0;
}

/* What is understood of it is freed by the caller, whatever is returned. */
static int read_line(struct reader *reader, struct rules_line *line)
{
	struct packed_line head;
	uint32_t ends[4] = { 0 };
	int ret;

	if (!read_bytes(reader, &head, sizeof(head)) ||
	    (head.kind == DEVICE_NUMBERS && !read_bytes(reader, ends, sizeof(ends))) ||
	    head.rank > TABLE_USER)
		return -EPROTO;
	*line = (struct rules_line) {
		.device = {
			.kind = (enum device_kind)head.kind,
			.block = head.flags & PACKED_BLOCK,
			.character = head.flags & PACKED_CHARACTER,
			.major = { head.flags & PACKED_ANY_MAJOR, ends[0], ends[1] },
			.minor = { head.flags & PACKED_ANY_MINOR, ends[2], ends[3] },
		},
		.source = head.source,
		.access = head.access,
		.rank = head.rank,
		.allow = head.flags & PACKED_ALLOW,
		.loan = head.loan,
	};
	ret = read_found(reader, line, head.found_count);
	if (ret == 0 && head.flags & PACKED_TEXT)
		ret = read_text(reader, line, head.text_length);
	line->known = is_packed(line);
	return ret;
}

static int read_rules(struct reader *reader, struct rules *rules)
{
	struct packed_rules head;

	if (!read_bytes(reader, &head, sizeof(head)))
		return -EPROTO;
	rules->audit = (enum table_rank)head.audit;
	rules->unrestricted = head.unrestricted;
	rules->drivers = head.drivers;
	for (uint32_t i = 0; i < head.count; i++) {
		struct rules_line *grown =
			array_grow(rules->items, rules->count, &rules->capacity, sizeof(*grown));
		int ret;

		if (!grown)
			return -ENOMEM;
		rules->items = grown;
		grown[rules->count] = (struct rules_line) { .text = NULL };
		ret = read_line(reader, &grown[rules->count++]);
		if (ret < 0)
			return ret;
	}
	return 0;
}

int rules_unpack(const void *bytes, size_t size, struct rules *rules, struct reason *why)
{
	struct reader reader = { bytes, size };
	int ret;

	*rules = (struct rules) { 0 };
	ret = bytes ? read_rules(&reader, rules) : -EPROTO;
	if (ret == -ENOMEM)
		reason_set(why, "out of memory");
	else if (ret < 0)
		reason_set(why, "the filter does not carry the rules that it was made from; "
				"bpfdev reload makes it anew");
	if (ret < 0)
		rules_free(rules);
	return ret;
}

/* Passes over what stands behind the head of a line. */
static bool skip_line(struct reader *reader, const struct packed_line *head)
{
	size_t size = (size_t)head->found_count * sizeof(uint64_t) + head->text_length;

	if (head->kind == DEVICE_NUMBERS)
		size += 4 * sizeof(uint32_t);
	if (size > reader->left)
		return false;
	reader->bytes += size;
	reader->left -= size;
	return true;
}

bool rules_table_follows(const struct table *table)
{
	struct reader reader = { table->origin, table->origin_size };
	struct packed_rules head;
	struct packed_line line;

	if (!table->origin)
		return false;
	if (!read_bytes(&reader, &head, sizeof(head)))
		return true;
	for (uint32_t i = 0; i < head.count; i++) {
		if (!read_bytes(&reader, &line, sizeof(line)) || !skip_line(&reader, &line))
			return true;
		if (device_follows(&(struct device_spec) { .kind = (enum device_kind)line.kind }))
			return true;
	}
	return false;
}
