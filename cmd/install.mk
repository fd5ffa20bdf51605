# What is installed, and where; install.sh does it.

BINDIR  ?= $(PREFIX)/bin
LIBDIR  ?= $(PREFIX)/lib
DATADIR ?= $(PREFIX)/share
MANDIR  ?= $(DATADIR)/man
# Where the shells look for completions of their own accord.
BASHDIR ?= $(DATADIR)/bash-completion/completions
ZSHDIR  ?= $(DATADIR)/zsh/site-functions
FISHDIR ?= $(DATADIR)/fish/vendor_completions.d

install_dirs := DESTDIR BINDIR LIBDIR DATADIR MANDIR BASHDIR ZSHDIR FISHDIR

# All programs stand under their own names where heatpipe is, in a folder of their own. BINDIR
# has links to them, under names that are nobody else's.
install_plan = \
  $(foreach c,$(commands),755 $(BUILD)/bin/$c LIBDIR/heatpipe/bin/$c) \
  $(foreach c,$(commands),link LIBDIR/heatpipe/bin/$c BINDIR/$(call command,$c)) \
  $(if $(cuda_so),644 $(cuda_so) LIBDIR/heatpipe/cuda.so) \
  link DATADIR/heatpipe LIBDIR/heatpipe/share/heatpipe \
  $(foreach f,$(share:$(BUILD)/share/%=%),644 $(BUILD)/share/$f DATADIR/$f) \
  $(foreach f,$(notdir $(man)),644 $(BUILD)/man/$f MANDIR/man$(lastword $(subst ., ,$f))/$f) \
  $(foreach c,$(commands),$(if $(filter heatpipe,$c),644 $(BUILD)/completions/bash BASHDIR/heatpipe,\
    link BASHDIR/heatpipe BASHDIR/$(call command,$c))) \
  644 $(BUILD)/completions/zsh ZSHDIR/_heatpipe \
  $(foreach c,$(commands),644 $(BUILD)/completions/fish/$(call command,$c).fish FISHDIR/$(call command,$c).fish)

# The folders may hold any characters: install.sh takes them from the environment.
.PHONY: install uninstall
$(foreach d,$(install_dirs),$(eval install uninstall: private export install_$d = $$($d)))
install: all
	@$(foreach d,$(install_dirs),$d="$$install_$d") cmd/install.sh install $(install_plan)
	@echo "installed in $$install_BINDIR, $$install_LIBDIR/heatpipe and $$install_DATADIR"
uninstall:
	@$(foreach d,$(install_dirs),$d="$$install_$d") cmd/install.sh uninstall
