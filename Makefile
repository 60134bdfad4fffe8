# raftd. `make help` lists what there is to make.
.DEFAULT_GOAL := all

CC ?= gcc
BUILD ?= build
SANITIZE ?=
PREFIX ?= /usr/local
DESTDIR ?=
VERSION := $(shell cat VERSION)

WARNINGS := -Wall -Wextra -Wpedantic -Wshadow -Wconversion
ifneq ($(WERROR),)
WARNINGS += -Werror
endif
OPTIMIZE ?= -O2
CFLAGS ?= -g
ifneq ($(SANITIZE),)
BUILD := $(BUILD)/$(subst $(comma),-,$(SANITIZE))
SANITIZE_FLAGS := -fsanitize=$(SANITIZE) -fno-omit-frame-pointer -fno-sanitize-recover=all
endif
comma := ,
ALL_CFLAGS := -std=c11 -D_GNU_SOURCE -DRAFTD_VERSION='"$(VERSION)"' -I. $(WARNINGS) $(OPTIMIZE) $(SANITIZE_FLAGS) -pthread $(CFLAGS)
ALL_LDFLAGS := $(SANITIZE_FLAGS) -pthread $(LDFLAGS)
LIBS := -lmicrohttpd -lcurl -lcjson -lleveldb

# -- Rooms. Each is an archive; a room may use those to its right (.ci/includes says the same of #include and CI checks it).
ROOMS := api server machine storage json raft base
room_dir_api := api
room_dir_server := server
room_dir_machine := server/machine
room_dir_storage := storage
room_dir_json := server/json
room_dir_raft := server/raft
room_dir_base := server/base
uses_api := $(ROOMS)
uses_server := server machine storage json raft base
uses_machine := machine json base
uses_storage := storage json raft base
uses_json := json base
uses_raft := raft base
uses_base := base

MAIN := server/main.c
LIB := $(BUILD)/lib

define room
$(1)_sources := $$(filter-out $$(MAIN) server/reactor.c,$$(wildcard $$(room_dir_$(1))/*.c))
$(1)_objects := $$(patsubst %.c,$$(BUILD)/%.o,$$($(1)_sources)) $$(if $$(filter api,$(1)),$$(BUILD)/api/assets.o)
$$(LIB)/lib$(1).a: $$($(1)_objects)
	@mkdir -p $$(@D)
	@rm -f $$@
	$$(AR) rcs $$@ $$^

$(1)_tests := $$(patsubst %.c,$$(BUILD)/%,$$(wildcard tests/unit/$(1)/*_test.c))
$$($(1)_tests): $$(BUILD)/tests/unit/$(1)/%: $$(BUILD)/tests/unit/$(1)/%.o $$(uses_$(1):%=$$(LIB)/lib%.a)
	$$(CC) $$(ALL_LDFLAGS) -o $$@ $$^ $$(LIBS) $$(CHECK_LIBS)
.PHONY: unit-$(1)
unit-$(1): $$($(1)_tests)
	@tests/run-units $$^
endef
CHECK_LIBS := -lcheck -lsubunit -lrt -lm
$(foreach r,$(ROOMS),$(eval $(call room,$(r))))

$(BUILD)/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<

$(BUILD)/raftd: $(BUILD)/server/main.o $(BUILD)/server/reactor.o $(ROOMS:%=$(LIB)/lib%.a)
	$(CC) $(ALL_LDFLAGS) -o $@ $^ $(LIBS)

-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)

.PHONY: all
all: $(BUILD)/raftd
