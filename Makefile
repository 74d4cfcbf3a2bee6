# SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
#
# make                 build/pam_bpfdev.so and build/bpfdev; needs no root
# sudo make demo       a real login, filtered, in a machine of its own
# sudo make check      all tests; also: make check LAYERS="unit bpf"
# make help            everything else

# debian/changelog, the spec file, the manual pages and CHANGELOG.md have it too: `make lint` compares them.
VERSION = 0.1.0

PREFIX ?= /usr/local
DESTDIR ?=
MANDIR ?= $(PREFIX)/share/man
DOCDIR ?= $(PREFIX)/share/doc/pam_bpfdev
SBINDIR ?= $(PREFIX)/sbin
BASHDIR ?= $(PREFIX)/share/bash-completion/completions
ZSHDIR ?= $(PREFIX)/share/zsh/site-functions
UNITDIR ?= $(PREFIX)/lib/systemd/system
UDEVDIR ?= $(PREFIX)/lib/udev
CONFDIR ?= /etc/security
# polkit looks nowhere else for what is installed, until version 125.
POLKITDIR ?= /usr/share/polkit-1
# What profiles of AppArmor include.
APPARMORDIR ?= /etc/apparmor.d/abstractions
# Where distributions keep policy modules of packages.
SELINUXDIR ?= $(PREFIX)/share/selinux/packages
# The classes that ship belong to the system's share, wherever the manual pages go.
VENDORDIR ?= /usr/share/pam_bpfdev

CC ?= cc
CLANG ?= clang
LLVM_STRIP ?= llvm-strip
BPFTOOL ?= $(firstword $(wildcard /usr/sbin/bpftool /sbin/bpftool) bpftool)
PKG_CONFIG ?= pkg-config
PYTHON ?= /usr/bin/python3
INSTALL ?= install
CHECKMODULE ?= checkmodule
SEMODULE_PACKAGE ?= semodule_package
SEMODULE ?= semodule

# Programs have the byte order of the machine that they run on, which is the compiler's target.
BPF_TARGET := $(if $(shell echo __BYTE_ORDER__ | $(CC) -E -P - 2>/dev/null | grep 4321),bpfeb,bpfel)
MULTIARCH := $(shell $(CC) -print-multiarch 2>/dev/null)
# Headers of the kernel that Debian keeps by machine, of which the BPF program uses what is the same on all of them.
BPF_INCLUDES := $(patsubst %/asm,-idirafter %,$(firstword $(wildcard /usr/include/$(MULTIARCH)/asm \
	/usr/$(MULTIARCH)/include/asm /usr/include/*-linux-gnu*/asm)))
# Where Linux-PAM looks for modules: Debian's multiarch folder, else lib64, else lib.
PAMDIR ?= $(firstword $(wildcard $(if $(MULTIARCH),/lib/$(MULTIARCH)/security \
	/usr/lib/$(MULTIARCH)/security) /lib64/security /usr/lib64/security) \
	$(if $(MULTIARCH),/lib/$(MULTIARCH)/security,/lib/security))

BUILD ?= build
# V=1 shows the commands, -s nothing.
Q = $(if $(V),,@)
silent := $(findstring s,$(firstword -$(MAKEFLAGS)))
say = $(if $(V)$(silent),,@printf '  %-5s %s\n' $(1) $(2))
SANITIZE ?=
CFLAGS ?= -O2 -g
# With sanitizers gcc warns of what cannot happen: lint has both compilers' warnings without.
WARNINGS = -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wformat=2 \
	$(if $(CI),$(if $(SANITIZE),,-Werror))
# For bpf_helpers.h. Neither module nor command is linked with libbpf: see pam_bpfdev/filter/call.h.
LIBBPF_CFLAGS := $(shell $(PKG_CONFIG) --cflags libbpf 2>/dev/null)
# The command's: libsmartcols for tables, jansson for JSON, libsystemd's header (the library is loaded
# only if it is there).
COMMAND_CFLAGS := $(shell $(PKG_CONFIG) --cflags smartcols jansson libsystemd 2>/dev/null)
COMMAND_LIBS := $(shell $(PKG_CONFIG) --libs smartcols jansson 2>/dev/null || echo -lsmartcols -ljansson)
HARDENING ?= -fstack-protector-strong -D_FORTIFY_SOURCE=2
ALL_CFLAGS = -std=gnu11 -D_GNU_SOURCE -D_FILE_OFFSET_BITS=64 -D_TIME_BITS=64 -fPIC -fvisibility=hidden $(WARNINGS) \
	$(if $(SANITIZE),-fsanitize=$(SANITIZE) -fno-omit-frame-pointer,$(HARDENING)) \
	-DPAM_BPFDEV_VENDORDIR='"$(VENDORDIR)"' -DPAM_BPFDEV_CONFDIR='"$(CONFDIR)"' \
	-Ipam_bpfdev -Ibpf -I$(BUILD) $(CPPFLAGS) $(CFLAGS)
ALL_LDFLAGS = $(if $(SANITIZE),-fsanitize=$(SANITIZE)) -Wl,-z,relro,-z,now $(LDFLAGS)

MODULE = $(BUILD)/pam_bpfdev.so
COMMAND = $(BUILD)/bpfdev
# What module and command share: an archive, so that each takes only what it uses. Made with q, not r: folders have
# files of the same name.
CORE_SOURCES := $(filter-out pam_bpfdev/command/%,$(wildcard pam_bpfdev/*/*.c))
CORE = $(BUILD)/core.a
COMMAND_OBJECTS := $(patsubst %.c,$(BUILD)/%.o,$(wildcard pam_bpfdev/command/*/*.c pam_bpfdev/command/*/*/*.c))
# The subcommands, for tests of their parts.
COMMAND_PARTS = $(BUILD)/command.a
PAGES8 := $(wildcard pam_bpfdev/*.8)
PAGES5 := $(wildcard pam_bpfdev/*.5)
UNITS = bpfdev-monitor.service bpfdev-ask.socket bpfdev-ask.service
UDEV_RULES = 99-zz-bpfdev.rules
POLKIT_RULES = 60-bpfdev.rules
EXAMPLES := $(wildcard conf/examples/*.* conf/examples/*/*)

.PHONY: all
all: $(MODULE) $(COMMAND)

# The kernel's half. -g is for BTF, which tells the kernel of the maps' types and lets bpftool show names; the DWARF
# beside it is stripped. BTF names the sources: not by the folder in which they happened to be built. Linux 5.1 and later
# know the third version of the instruction set, which has 32-bit jumps.
BPF_OBJECT = $(BUILD)/bpfdev.bpf.o
$(BPF_OBJECT): bpf/bpfdev.bpf.c bpf/bpfdev.h
	@mkdir -p $(@D)
	$(call say,CLANG,$<)
	$(Q)$(CLANG) -target $(BPF_TARGET) -mcpu=v3 -g -O2 -Wall $(if $(CI),-Werror) \
		$(BPF_INCLUDES) $(LIBBPF_CFLAGS) -ffile-prefix-map=$(CURDIR)=. -c $< -o $@
	$(Q)$(LLVM_STRIP) -g $@

# The object's bytes, in C.
$(BUILD)/bpfdev.object.h: $(BPF_OBJECT)
	$(call say,EMBED,$<)
	$(Q){ echo 'static const unsigned char object_bytes[] __attribute__((aligned(8))) = {' && \
		od -An -v -tx1 $< | sed 's/ \(..\)/0x\1,/g' && echo '};'; } >$@.new
	@mv $@.new $@

$(BUILD)/%.o: %.c $(BUILD)/bpfdev.object.h
	@mkdir -p $(@D)
	$(call say,CC,$<)
	$(Q)$(CC) $(ALL_CFLAGS) -MMD -MP -c $< -o $@

$(CORE): $(CORE_SOURCES:%.c=$(BUILD)/%.o)
	$(call say,AR,$@)
	$(Q)rm -f $@ && $(AR) qcs $@ $^

$(COMMAND_OBJECTS) $(BUILD)/pam_bpfdev/bpfdev.o: ALL_CFLAGS += $(COMMAND_CFLAGS)

$(BUILD)/pam_bpfdev/bpfdev.o: ALL_CFLAGS += -DPAM_BPFDEV_VERSION='"$(VERSION)"'
$(BUILD)/pam_bpfdev/bpfdev.o: Makefile

$(COMMAND_PARTS): $(COMMAND_OBJECTS)
	$(call say,AR,$@)
	$(Q)rm -f $@ && $(AR) qcs $@ $^

$(COMMAND): $(BUILD)/pam_bpfdev/bpfdev.o $(COMMAND_OBJECTS) $(CORE)
	$(call say,LINK,$@)
	$(Q)$(CC) $(ALL_LDFLAGS) -pie -o $@ $^ $(COMMAND_LIBS)

$(MODULE): $(BUILD)/pam_bpfdev/pam_bpfdev.o $(CORE) pam_bpfdev/pam_bpfdev.map
	$(call say,LINK,$@)
	$(Q)$(CC) $(ALL_LDFLAGS) -shared $(if $(SANITIZE),,-Wl,-z,defs) \
		-Wl,--version-script=pam_bpfdev/pam_bpfdev.map -o $@ $(filter %.o %.a,$^) \
		-lpam

# The policy module, in the plain language that every policy's tools compile: conf/selinux/README.md.
SELINUX_MODULE = $(BUILD)/selinux/pam_bpfdev.pp

$(BUILD)/selinux/%.mod: conf/selinux/%.te
	@mkdir -p $(@D)
	$(call say,SEMOD,$<)
	$(Q)$(CHECKMODULE) -M -m -o $@ $<

$(SELINUX_MODULE): $(BUILD)/selinux/pam_bpfdev.mod conf/selinux/pam_bpfdev.fc
	$(Q)$(SEMODULE_PACKAGE) -o $@ -m $< -f conf/selinux/pam_bpfdev.fc

# Only on the machine that runs, not in a package's tree: polkit's rule refuses everybody while nobody answers it.
IF_HERE = if [ -z "$(DESTDIR)" ] && [ -d /run/systemd/system ]; then
IF_NO_DESTDIR = if [ -z "$(DESTDIR)" ]; then
# Folders that are new have the labels of what they are in, and systemd starts no unit with one of these.
IF_SELINUX = if [ -z "$(DESTDIR)" ] && [ -e /sys/fs/selinux/enforce ]; then

# Users need not know each other's rules: policy and drop-ins are root's to read.
.PHONY: install uninstall
install: all
	$(INSTALL) -d $(DESTDIR)$(PAMDIR) $(DESTDIR)$(SBINDIR) $(DESTDIR)$(CONFDIR) $(DESTDIR)$(VENDORDIR) \
		$(DESTDIR)$(MANDIR)/man8 $(DESTDIR)$(MANDIR)/man5 $(DESTDIR)$(BASHDIR) $(DESTDIR)$(ZSHDIR) \
		$(DESTDIR)$(UNITDIR) $(DESTDIR)$(UDEVDIR)/rules.d $(DESTDIR)$(APPARMORDIR)
	test -d $(DESTDIR)$(CONFDIR)/bpfdev.d || $(INSTALL) -d -m 0700 $(DESTDIR)$(CONFDIR)/bpfdev.d
	$(INSTALL) -m 0644 $(MODULE) $(DESTDIR)$(PAMDIR)/
	$(INSTALL) -m 0755 $(COMMAND) $(DESTDIR)$(SBINDIR)/
	$(INSTALL) -m 0644 conf/classes.conf $(DESTDIR)$(VENDORDIR)/
	$(INSTALL) -m 0644 $(PAGES8) $(DESTDIR)$(MANDIR)/man8/
	$(INSTALL) -m 0644 $(PAGES5) $(DESTDIR)$(MANDIR)/man5/
	$(INSTALL) -m 0644 conf/completion/bpfdev $(DESTDIR)$(BASHDIR)/
	$(INSTALL) -m 0644 conf/completion/_bpfdev $(DESTDIR)$(ZSHDIR)/
	for unit in $(UNITS); do sed 's|@SBINDIR@|$(SBINDIR)|' conf/$$unit >$(BUILD)/$$unit && \
		$(INSTALL) -m 0644 $(BUILD)/$$unit $(DESTDIR)$(UNITDIR)/ || exit 1; done
	sed 's|@SBINDIR@|$(SBINDIR)|' conf/udev/$(UDEV_RULES) >$(BUILD)/$(UDEV_RULES)
	$(INSTALL) -m 0644 $(BUILD)/$(UDEV_RULES) $(DESTDIR)$(UDEVDIR)/rules.d/
	test -d $(DESTDIR)$(POLKITDIR)/rules.d || $(INSTALL) -d $(DESTDIR)$(POLKITDIR)/rules.d
	sed 's|@SBINDIR@|$(SBINDIR)|' conf/polkit/$(POLKIT_RULES) >$(BUILD)/$(POLKIT_RULES)
	$(INSTALL) -m 0644 $(BUILD)/$(POLKIT_RULES) $(DESTDIR)$(POLKITDIR)/rules.d/
	$(INSTALL) -m 0644 conf/apparmor/pam_bpfdev $(DESTDIR)$(APPARMORDIR)/
	for file in $(EXAMPLES); do mode=$$(test -x $$file && echo 0755 || echo 0644); \
		$(INSTALL) -D -m $$mode $$file $(DESTDIR)$(DOCDIR)/$${file#conf/} || exit 1; done
	test -e $(DESTDIR)$(CONFDIR)/bpfdev.conf || \
		$(INSTALL) -m 0600 conf/bpfdev.conf $(DESTDIR)$(CONFDIR)/
	$(IF_SELINUX) restorecon -R $(PAMDIR)/pam_bpfdev.so $(SBINDIR)/bpfdev $(CONFDIR) $(VENDORDIR) $(MANDIR) $(UNITDIR) $(UDEVDIR) \
		$(POLKITDIR)/rules.d; fi
	$(IF_HERE) systemctl daemon-reload && systemctl enable --now bpfdev-ask.socket; fi

# What is there already has the label of before.
.PHONY: selinux install-selinux uninstall-selinux
selinux: $(SELINUX_MODULE)

install-selinux: selinux
	$(INSTALL) -D -m 0644 $(SELINUX_MODULE) $(DESTDIR)$(SELINUXDIR)/pam_bpfdev.pp
	$(IF_NO_DESTDIR) $(SEMODULE) -i $(SELINUXDIR)/pam_bpfdev.pp && for path in /run/pam_bpfdev /run/bpfdev-ask.socket; do \
		test ! -e $$path || restorecon -RF $$path || exit 1; done; fi

uninstall-selinux:
	$(IF_NO_DESTDIR) $(SEMODULE) -r pam_bpfdev; fi
	rm -f $(DESTDIR)$(SELINUXDIR)/pam_bpfdev.pp

# The policy is the administrator's: it stays.
# A stack that names a module which is not there refuses everybody, root too.
uninstall:
	@if grep -rs 'pam_bpfdev\.so' $(DESTDIR)/etc/pam.d $(DESTDIR)/etc/pam.conf | grep .; then \
		echo "take these lines out first: with the module gone they refuse every login" >&2; \
		exit 1; fi
	rm -f $(DESTDIR)$(POLKITDIR)/rules.d/$(POLKIT_RULES)
	rm -f $(DESTDIR)$(PAMDIR)/pam_bpfdev.so $(DESTDIR)$(VENDORDIR)/classes.conf
	rm -f $(DESTDIR)$(SBINDIR)/bpfdev $(DESTDIR)$(BASHDIR)/bpfdev $(DESTDIR)$(ZSHDIR)/_bpfdev
	$(IF_HERE) systemctl disable --now bpfdev-ask.socket || true; fi
	rm -f $(UNITS:%=$(DESTDIR)$(UNITDIR)/%) $(DESTDIR)$(UDEVDIR)/rules.d/$(UDEV_RULES)
	rm -f $(DESTDIR)$(APPARMORDIR)/pam_bpfdev
	rm -f $(PAGES8:pam_bpfdev/%=$(DESTDIR)$(MANDIR)/man8/%)
	rm -f $(PAGES5:pam_bpfdev/%=$(DESTDIR)$(MANDIR)/man5/%)
	rm -rf $(DESTDIR)$(DOCDIR)/examples
	-rmdir $(DESTDIR)$(DOCDIR) $(DESTDIR)$(VENDORDIR) $(DESTDIR)$(CONFDIR)/bpfdev.d 2>/dev/null

# A release: the same bytes from the same commit, wherever and whenever it is made. The time in it is the commit's, or
# in an unpacked tarball, which has no commit, the one that all its files have.
RELEASE = pam_bpfdev-$(VERSION)
TARBALL = $(BUILD)/$(RELEASE).tar.gz
IN_GIT := $(wildcard .git)
EPOCH = $(if $(IN_GIT),$(shell git log -1 --format=%ct),$(shell stat -c %Y Makefile))
FILES = $(if $(IN_GIT),git ls-files -co --exclude-standard,find . -path ./build -prune -o -type f -printf '%P\n')

.PHONY: dist tarball deb
dist:
	@if git status --porcelain | grep .; then \
		echo "dist: these are not committed, and a release is what a commit has" >&2; exit 1; fi
	@$(MAKE) --no-print-directory tarball

# What is here, committed or not.
tarball:
	@mkdir -p $(BUILD)
	$(call say,TAR,$(TARBALL))
	$(Q)$(FILES) | LC_ALL=C sort | tar -c -f $(TARBALL).new --no-recursion --format=gnu --mtime=@$(EPOCH) \
		--mode=u=rwX,go=rX --owner=0 --group=0 --numeric-owner --transform='s,^,$(RELEASE)/,' -T -
	$(Q)gzip -9n <$(TARBALL).new >$(TARBALL)
	@rm $(TARBALL).new

# Built from the tarball, in a folder of its own: debhelper cleans where it builds.
deb: tarball
	tests/setup/packages deb
	rm -rf $(BUILD)/deb
	mkdir -p $(BUILD)/deb/source
	tar -C $(BUILD)/deb/source --strip-components=1 -xf $(TARBALL)
	cd $(BUILD)/deb/source && MAKEFLAGS= dpkg-buildpackage -us -uc
	mv $(BUILD)/deb/*_* $(BUILD)/
	rm -r $(BUILD)/deb

.PHONY: clean help
clean:
	rm -rf build

help:
	@sed -n 's/^#: //p' $(MAKEFILE_LIST)

#: make                 builds build/pam_bpfdev.so and build/bpfdev
#: sudo make demo       shows a filtered login on a machine of its own
#: sudo make check      runs all tests (LAYERS="unit bpf lab machines fuzz" for some)
#: make lint            looks for mistakes without running anything
#: sudo make bench      measures, beside others (PEERS=no: without; BENCH="login growth": some; RECORD=yes: keeps it, for README)
#: make fuzz            fuzzes what is parsed until interrupted (RUNS=N: so many inputs)
#: sudo make lab        a root shell on a machine where the module is installed (SUITE=trixie; MACHINE=1: one to plug devices into)
#: make install         DESTDIR=, PREFIX=, PAMDIR=
#: make install-selinux  builds the policy module for SELinux and loads it (make selinux: builds it; uninstall-selinux)
#: make uninstall       takes all of it away but the policy
#: make deb             the Debian package, build/libpam-bpfdev_*.deb
#: make dist            the tarball of a release, build/pam_bpfdev-VERSION.tar.gz
#: make clean
#: V=1 with any of them shows the commands

include tests/tests.mk
-include $(shell find $(BUILD) -name '*.d' -type f 2>/dev/null)
