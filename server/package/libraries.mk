# The libraries that others link, each shared and static, with header, manual and pkg-config file: libraft is the consensus module alone,
# libraftclient the client, libraftd a whole node. Included by the Makefile.
#
# A library's ABI has a number, in its soname and in the version of its symbols (its .map): another one when what was linked against it would
# not run any more. .ci/check-abi holds symbols and layouts beside what is recorded in tests/abi.
LIBRARIES := libraft libraftclient libraftd
abi_libraft := 1
abi_libraftclient := 1
abi_libraftd := 1
map_libraft := server/raft/libraft.map
map_libraftclient := api/client/libraftclient.map
map_libraftd := server/libraftd.map
headers_libraft := raft.h raft_buffer.h
headers_libraftclient := raftclient.h
headers_libraftd := raftd.h machine.h log_store.h
sources_libraft := $(raft_sources) $(base_sources)
sources_libraftclient := $(client_sources) $(json_sources) $(filter %/memory.c,$(base_sources))
sources_libraftd := $(filter-out server/main.c,$(TOP_SOURCES)) $(foreach r,$(uses_api),$($(r)_sources))
what_libraft := the Raft consensus module, without input and output
what_libraftclient := a client for raftd clusters
what_libraftd := a whole raftd node in your own program
# What they are linked with; a static one leaves that to who links it.
links_libraftclient := -lcurl
links_libraftd := $(LIBS)

# Inside the tree the counted buffers have short names; whoever links libraft sees raft_buffer_... .
renamed_libraft := $(foreach f,take copy retain release,-Dbuffer_$(f)=raft_buffer_$(f))
SHARED_LDFLAGS := $(filter-out -pie,$(ALL_LDFLAGS)) $(if $(SANITIZE),,-Wl$(comma)-z$(comma)defs)

# Headers as they are installed: they include each other by their own names, and nothing else of the tree.
INSTALLED := $(BUILD)/include/raftd
define installed_header
$$(INSTALLED)/$(1): $(2)
	@mkdir -p $$(@D)
	sed 's,"server/base/buffer.h",<raftd/raft_buffer.h>,; s,"server/machine/machine.h",<raftd/machine.h>,; s,"storage/log_store.h",<raftd/log_store.h>,; s,server/base/buffer.h,raftd/raft_buffer.h,; s,server/raft/raft.h,raftd/raft.h,; s,RAFTD_BUFFER_H,RAFT_BUFFER_H,; s,struct buffer\b,struct raft_buffer,g; s,\bbuffer_\(take\|copy\|retain\|release\)\b,raft_buffer_\1,g' $$< >$$@
endef
$(eval $(call installed_header,raft.h,server/raft/raft.h))
$(eval $(call installed_header,raft_buffer.h,server/base/buffer.h))
$(eval $(call installed_header,raftclient.h,api/client/raftclient.h))
$(eval $(call installed_header,raftd.h,server/raftd.h))
$(eval $(call installed_header,log_store.h,storage/log_store.h))

define library
objects_$(1) := $$(sources_$(1):%.c=$$(BUILD)/$$(if $$(renamed_$(1)),libraries/$(1)/)%.o) $$(if $$(filter libraftd,$(1)),$$(BUILD)/api/assets.o)
$$(BUILD)/libraries/$(1)/%.o: %.c $$(BUILD)/flags | $$(SETUP)-build
	@mkdir -p $$(@D)
	$$(CC) $$(ALL_CFLAGS) $$(renamed_$(1)) -MMD -MP -c -o $$@ $$<

$$(BUILD)/libraries/$(1).so.$$(abi_$(1)): $$(objects_$(1)) $$(map_$(1))
	@mkdir -p $$(@D)
	$$(CC) $$(SHARED_LDFLAGS) -shared -Wl,-soname,$$(@F) -Wl,--version-script=$$(map_$(1)) -o $$@ $$(objects_$(1)) $$(links_$(1))

# One object, of which only what the map names can be seen: two static libraries in one program do not meet.
$$(BUILD)/libraries/$(1).a: $$(objects_$(1)) $$(map_$(1))
	@mkdir -p $$(@D)
	sed -n 's/^ *\(raft[a-z_]*\);$$$$/\1/p' $$(map_$(1)) >$$(BUILD)/libraries/$(1).symbols
	$$(LD) -r -o $$(BUILD)/libraries/$(1).o $$(objects_$(1))
	$$(OBJCOPY) --keep-global-symbols=$$(BUILD)/libraries/$(1).symbols $$(BUILD)/libraries/$(1).o
	@rm -f $$@
	$$(AR) rcs $$@ $$(BUILD)/libraries/$(1).o

$$(BUILD)/libraries/$(1).pc: server/package/library.pc.in VERSION $$(BUILD)/place
	@mkdir -p $$(@D)
	sed 's|@NAME@|$(1)|; s|@LINK@|$(1:lib%=%)|; s|@WHAT@|$$(what_$(1))|; s|@VERSION@|$$(VERSION)|; s|@PREFIX@|$$(PREFIX)|; s|@LINKS@|$$(links_$(1))|' $$< >$$@

# Pages lie in a folder that is made anew, so that none outlives its function.
$$(BUILD)/man3/$(1)/.made: server/package/man3.sh $$(headers_$(1):%=$$(INSTALLED)/%) VERSION
	@rm -rf $$(@D)
	@mkdir -p $$(@D)
	server/package/man3.sh $(1) '$$(what_$(1))' $$(VERSION) "$$$$(date -u -d @$$(SOURCE_DATE_EPOCH) +%F)" $$(@D) $$(headers_$(1):%=$$(INSTALLED)/%)
	@touch $$@
endef
OBJCOPY ?= objcopy
$(foreach l,$(LIBRARIES),$(eval $(call library,$(l))))

# Written only when it is another one.
ifneq ($(filter install,$(MAKECMDGOALS)),)
ifneq ($(file <$(BUILD)/place),$(PREFIX))
$(shell mkdir -p $(BUILD))
$(file >$(BUILD)/place,$(PREFIX))
endif
endif
$(BUILD)/place: ;

.PHONY: libraries install-libraries uninstall-libraries
libraries: $(foreach l,$(LIBRARIES),$(BUILD)/libraries/$(l).so.$(abi_$(l)) $(BUILD)/libraries/$(l).a $(BUILD)/man3/$(l)/.made $(headers_$(l):%=$(INSTALLED)/%)) $(INSTALLED)/machine.h ## libraft, libraftclient and libraftd, shared and static, with their manual

LIB_DIR := $(DESTDIR)$(PREFIX)/lib
install-libraries: libraries $(LIBRARIES:%=$(BUILD)/libraries/%.pc)
	install -d $(INCLUDE_DIR) $(LIB_DIR)/pkgconfig $(MAN_DIR)/man3
	$(foreach l,$(LIBRARIES),install -m 644 $(BUILD)/libraries/$(l).so.$(abi_$(l)) $(BUILD)/libraries/$(l).a $(LIB_DIR) && \
	    ln -sf $(l).so.$(abi_$(l)) $(LIB_DIR)/$(l).so && \
	    install -m 644 $(BUILD)/libraries/$(l).pc $(LIB_DIR)/pkgconfig && \
	    install -m 644 $(headers_$(l):%=$(INSTALLED)/%) $(INCLUDE_DIR) && \
	    install -m 644 $(BUILD)/man3/$(l)/*.3 $(MAN_DIR)/man3 &&) true

# The folder of the headers is the Makefile's to remove.
uninstall-libraries: $(LIBRARIES:%=$(BUILD)/man3/%/.made)
	$(foreach l,$(LIBRARIES),rm -f $(LIB_DIR)/$(l).so.$(abi_$(l)) $(LIB_DIR)/$(l).so $(LIB_DIR)/$(l).a $(LIB_DIR)/pkgconfig/$(l).pc && \
	    (cd $(BUILD)/man3/$(l) && ls) | sed 's,^,$(MAN_DIR)/man3/,' | xargs rm -f &&) true
