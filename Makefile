# SPDX-License-Identifier: MIT OR Apache-2.0
# make          the libraries, headers and the command, in build/
# make demo     watch a small sender in C deliver by policy, with and without an attacker
# make check    every test, as CI runs it
# make bench    figures, each beside its target; build/bench.json and docs/performance.md
# make book     docs/ as pages, in build/book; needs mdbook (cargo install --locked mdbook)
# make supply   what dependencies bring and our crates promise; make release-check: all of it
# make fuzz     SECONDS= of fuzzing for each target, 5 by default
# make scale    the engine with ten million domains, simulated (SCALE="--domains 10000": small)
# make endurance  half an hour of load and faults, and a thousand SIGKILLs (SECONDS=, KILLS=)
# make packages  Debian's, twice, and the tutorials with them; make release: all that is handed out
# make differential  who of other implementations disagrees where
# make install, make uninstall  DESTDIR= PREFIX= LIBDIR=

PREFIX ?= /usr/local
DESTDIR ?=
CARGO ?= cargo
CC ?= cc
# Where Debian and its kin keep a distribution's libraries; nothing elsewhere.
MULTIARCH := $(if $(filter /usr,$(PREFIX)),$(shell $(CC) -print-multiarch 2> /dev/null))
LIBDIR ?= $(PREFIX)/lib$(MULTIARCH:%=/%)
# Distributions strip for themselves: STRIP=true
STRIP ?= strip

VERSION := $(shell sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -n 1)
ABI := 0
# Behind the soname is a file of this version: libmtasts.so.0.1.0.
REAL := $(ABI).$(shell echo $(VERSION) | cut -d . -f 2-)
B := build
T := $(or $(CARGO_TARGET_DIR),target)/$(if $(CARGO_BUILD_TARGET),$(CARGO_BUILD_TARGET)/)release
T_LIB := $(patsubst %release,%c-library,$(T))
SOURCES := $(shell find core ffi host web publish cli -name '*.rs' -o -name 'Cargo.toml' 2>/dev/null) Cargo.toml Cargo.lock

# Tells the loader of them, where they are to be used here and now.
LDCONFIG := $(if $(DESTDIR),:,PATH=$$PATH:/sbin:/usr/sbin ldconfig 2> /dev/null || :)

# What a Rust static library needs of the system.
SYSTEM_LIBS := -lgcc_s -lutil -lrt -lpthread -lm -ldl -lc
LINK := -shared -Wl,--gc-sections -Wl,--as-needed -Wl,-z,relro,-z,now -Wl,-z,defs

.PHONY: all lib tools sender demo check fuzz bench book supply release-check scale endurance packages release differential install uninstall headers clean
all: lib $(B)/bin/mtasts $(B)/share/.made

lib: $(B)/lib/libmtasts.so $(B)/lib/libmtasts.a $(B)/lib/libmtasts-host.so $(B)/lib/libmtasts-host.a \
     $(B)/lib/pkgconfig/libmtasts.pc $(B)/lib/pkgconfig/libmtasts-host.pc \
     $(B)/include/mtasts.h $(B)/include/mtasts_host.h

# A cdylib cannot carry symbol versions, so the static library is linked again, with a version
# script that exports the C ABI and nothing else.
$(B)/lib/libmtasts.a: $(SOURCES) | $(B)/lib
	$(CARGO) rustc --profile c-library -p mtasts-ffi --crate-type staticlib
	cp $(T_LIB)/libmtasts_ffi.a $@

$(B)/lib/libmtasts.so: $(B)/lib/libmtasts.a ffi/libmtasts.map
	$(CC) $(LINK) $(LDFLAGS) -Wl,-soname,libmtasts.so.$(ABI) -Wl,--version-script,ffi/libmtasts.map \
	    -Wl,--whole-archive $< -Wl,--no-whole-archive $(SYSTEM_LIBS) -o $@.$(ABI)
	$(STRIP) --strip-unneeded $@.$(ABI)
	ln -sf libmtasts.so.$(ABI) $@

# The host calls the engine in libmtasts.so.0, as every other host does.
$(B)/lib/libmtasts-host.so: $(SOURCES) host/libmtasts-host.map $(B)/lib/libmtasts.so | $(B)/lib
	$(CARGO) rustc --release -p mtasts-host --features capi --crate-type staticlib
	$(CC) $(LINK) $(LDFLAGS) -Wl,-soname,libmtasts-host.so.$(ABI) \
	    -Wl,--version-script,host/libmtasts-host.map \
	    -Wl,--whole-archive $(T)/libmtasts_host.a -Wl,--no-whole-archive \
	    -L$(B)/lib -lmtasts $(SYSTEM_LIBS) -o $@.$(ABI)
	$(STRIP) --strip-unneeded $@.$(ABI)
	ln -sf libmtasts-host.so.$(ABI) $@

# Two Rust static libraries do not link together, so this one holds libmtasts too.
$(B)/lib/libmtasts-host.a: $(SOURCES) $(B)/lib/libmtasts-host.so | $(B)/lib
	$(CARGO) rustc --release -p mtasts-host --features bundle --crate-type staticlib
	cp $(T)/libmtasts_host.a $@
	tools/rename-lmdb.sh $@

$(B)/bin/mtasts: $(SOURCES) | $(B)/bin
	$(CARGO) build --release -p mtasts-cli
	cp $(T)/mtasts $@

# The manual pages and the completions of shells: by the command itself, and from the comments in the
# headers and in the example configuration.
$(B)/share/.made: $(B)/bin/mtasts $(wildcard include/*.h docs/man*.py docs/*.7) cli/etc/mtasts.toml \
                   bindings/postfix/README.md
	rm -rf $(B)/share && mkdir -p $(B)/share/completions
	$(B)/bin/mtasts manual $(B)/share/man1
	docs/man3.py $(B)/share/man3
	docs/man5.py $(B)/share/man5
	mkdir $(B)/share/man7 && cp docs/mtasts.7 $(B)/share/man7/
	for shell in bash zsh fish; do \
	    $(B)/bin/mtasts completions $$shell > $(B)/share/completions/$$shell || exit 1; \
	done
	touch $@

$(B)/include/%.h: include/%.h | $(B)/include
	cp $< $@

$(B)/lib/pkgconfig/%.pc: tools/%.pc.in Makefile | $(B)/lib/pkgconfig
	sed -e 's|@PREFIX@|$${pcfiledir}/../..|' -e 's|@LIBDIR@|$${pcfiledir}/..|' -e 's|@VERSION@|$(VERSION)|' $< > $@

$(B)/lib $(B)/bin $(B)/include $(B)/lib/pkgconfig:
	mkdir -p $@

# For tests/hosts; bindings/exim/README.md says how to build and install it otherwise.
$(B)/exim/mtasts_exim.so: lib $(wildcard bindings/exim/*.[ch])
	PKG_CONFIG_PATH=$(abspath $(B))/lib/pkgconfig $(MAKE) -s -C bindings/exim \
	    OUT=$(abspath $(B))/exim

headers:
	tools/headers.sh include

# What tests and figures are made with, and the command as they use it: always all of it in one go, so
# that what all of it depends on is compiled once.
tools:
	$(CARGO) build -q --release -p mtasts-lab -p mtasts-cli -p mtasts-conformance -p mtasts-endurance \
	    -p mtasts-benches --bin lab --bin mtasts --bin mtasts-conformance --bin endurance --bin bench-scale

# With the lab that it sends to.
sender: lib tools
	PKG_CONFIG_PATH=$(abspath $(B))/lib/pkgconfig $(MAKE) -s -C examples/c \
	    SENDER=$(abspath $(B))/sender

demo: sender
	python3 examples/demo.py $(T)/lab $(B)/sender

check:
	tools/check.sh

# One lane of it.
check-%:
	tools/check.sh $*

# Needs a nightly compiler.
fuzz:
	fuzz/run $(SECONDS)

bench: all
	benches/run.sh

# The pages are as good unbuilt: this is for those who hand them out.
book:
	mdbook build docs

supply:
	tools/supply/check.sh

# Before a release; the first time it builds a tool for some ten minutes, then it takes about ten more.
release-check:
	tools/supply/check.sh release
# docs/scale.md has what it printed.
SCALE ?=
scale: tools
	$(T)/bench-scale $(SCALE)

# tests/endurance/README.md says what is checked.
endurance: tools
	$(T)/endurance load --seconds $(or $(SECONDS),1800)
	$(T)/endurance kills --kills $(or $(KILLS),1000)

# Debian's packages, and an operator who follows the tutorials with them; then all that a release has.
packages:
	packaging/debian/build --twice
	tests/packages/run build/debian/first

release:
	packaging/release

# How other implementations read what the vectors ask; needs PyPI, crates.io and npm.
differential:
	tests/differential/run

install: all
	install -d $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(PREFIX)/include $(DESTDIR)$(LIBDIR)/pkgconfig
	install -m 755 $(B)/bin/mtasts $(DESTDIR)$(PREFIX)/bin/
	for section in 1 3 5 7; do \
	    install -d $(DESTDIR)$(PREFIX)/share/man/man$$section && \
	    install -m 644 $(B)/share/man$$section/* $(DESTDIR)$(PREFIX)/share/man/man$$section/ || exit 1; \
	done
	install -d \
	    $(DESTDIR)$(PREFIX)/share/bash-completion/completions \
	    $(DESTDIR)$(PREFIX)/share/zsh/site-functions $(DESTDIR)$(PREFIX)/share/fish/vendor_completions.d
	install -m 644 $(B)/share/completions/bash \
	    $(DESTDIR)$(PREFIX)/share/bash-completion/completions/mtasts
	install -m 644 $(B)/share/completions/zsh $(DESTDIR)$(PREFIX)/share/zsh/site-functions/_mtasts
	install -m 644 $(B)/share/completions/fish \
	    $(DESTDIR)$(PREFIX)/share/fish/vendor_completions.d/mtasts.fish
	install -d $(DESTDIR)$(PREFIX)/share/mtasts $(DESTDIR)$(PREFIX)/lib/systemd/system \
	    $(DESTDIR)$(PREFIX)/lib/sysusers.d
	install -m 644 cli/etc/mtasts.toml $(DESTDIR)$(PREFIX)/share/mtasts/
	sed -e 's|@PREFIX@|$(PREFIX)|' cli/etc/mtasts.service > $(B)/mtasts.service
	install -m 644 $(B)/mtasts.service cli/etc/mtasts.socket $(DESTDIR)$(PREFIX)/lib/systemd/system/
	install -m 644 cli/etc/mtasts.sysusers $(DESTDIR)$(PREFIX)/lib/sysusers.d/mtasts.conf
	install -m 644 include/mtasts.h include/mtasts_host.h $(DESTDIR)$(PREFIX)/include/
	for lib in libmtasts libmtasts-host; do \
	    install -m 644 $(B)/lib/$$lib.a $(DESTDIR)$(LIBDIR)/ && \
	    install -m 755 $(B)/lib/$$lib.so.$(ABI) $(DESTDIR)$(LIBDIR)/$$lib.so.$(REAL) && \
	    ln -sf $$lib.so.$(REAL) $(DESTDIR)$(LIBDIR)/$$lib.so.$(ABI) && \
	    ln -sf $$lib.so.$(ABI) $(DESTDIR)$(LIBDIR)/$$lib.so && \
	    sed -e 's|@PREFIX@|$(PREFIX)|' -e 's|@LIBDIR@|$(LIBDIR)|' -e 's|@VERSION@|$(VERSION)|' \
	        tools/$$lib.pc.in > $(B)/$$lib.pc && \
	    install -m 644 $(B)/$$lib.pc $(DESTDIR)$(LIBDIR)/pkgconfig/ || exit 1; \
	done
	$(LDCONFIG)

# What is listed there, and the one folder that is ours alone.
uninstall:
	sed -e 's|@PREFIX@|$(DESTDIR)$(PREFIX)|' -e 's|@LIBDIR@|$(DESTDIR)$(LIBDIR)|' \
	    -e 's|@REAL@|$(REAL)|' tools/installed-files | xargs -d '\n' rm -f
	[ ! -d $(DESTDIR)$(PREFIX)/share/mtasts ] || rmdir $(DESTDIR)$(PREFIX)/share/mtasts
	$(LDCONFIG)

clean:
	rm -rf $(B)
	$(CARGO) clean
