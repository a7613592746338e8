# Builds the fuzzers, for tests/fuzz/run:
#   make -f tests/fuzz/fuzz.mk srcdir=… builddir=… TARGETS="fuzz_config …"
# A build of its own, since every file is compiled by clang, instrumented for the fuzzer and the sanitizers.

CLANG = clang
CC = $(CLANG)
CHECKS = -fsanitize=address,undefined -fno-sanitize-recover=undefined
CFLAGS = -g -O1 -fno-omit-frame-pointer -fsanitize=fuzzer-no-link $(CHECKS) -Wall -Wextra -Wno-unused-parameter
LIBRARIES = sqlite3 smartcols jansson libconfig libcurl
CPPFLAGS = -I$(srcdir) -I$(builddir) -D_GNU_SOURCE -DPDTT_SYSCONFDIR='"/etc"' -DPDTT_LOCALSTATEDIR='"/var"' -MMD -MP \
	$(shell pkg-config --cflags $(LIBRARIES))

names = $(patsubst $(srcdir)/%.c,%.o,$(wildcard $(1)))
COMMON = $(filter-out common/syscall_filter.o common/worker.o common/control_client.o,$(call names,$(srcdir)/common/*.c))
STORE = $(call names,$(srcdir)/sql/*.c)
REPORT = $(filter-out report/main.o,$(call names,$(srcdir)/report/*.c))
CONFIG = $(call names,$(srcdir)/collector/config*.c) collector/notice_words.o

all: $(TARGETS)

VPATH = $(srcdir)

%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(CFLAGS) -c $< -o $@

LINK = $(CC) -fsanitize=fuzzer $(CHECKS) $^ -o $@
REPORT_LIBS = $(shell pkg-config --libs sqlite3 smartcols jansson)

fuzz_config: tests/fuzz/fuzz_config.o $(CONFIG) $(COMMON)
	$(LINK) -lconfig
fuzz_policy: tests/fuzz/fuzz_policy.o $(CONFIG) $(COMMON)
	$(LINK) -lconfig
fuzz_escape: tests/fuzz/fuzz_escape.o $(COMMON)
	$(LINK)
fuzz_packet: tests/fuzz/fuzz_packet.o
	$(LINK)
fuzz_tzfile: tests/fuzz/fuzz_tzfile.o $(COMMON)
	$(LINK)
fuzz_period: tests/fuzz/fuzz_period.o $(REPORT) $(STORE) $(COMMON)
	$(LINK) $(REPORT_LIBS)
fuzz_allocation: tests/fuzz/fuzz_allocation.o $(REPORT) $(STORE) $(COMMON)
	$(LINK) $(REPORT_LIBS)
fuzz_options: tests/fuzz/fuzz_options.o $(REPORT) $(STORE) $(COMMON)
	$(LINK) $(REPORT_LIBS)
fuzz_database: tests/fuzz/fuzz_database.o $(REPORT) $(STORE) $(COMMON)
	$(LINK) $(REPORT_LIBS)
fuzz_query: tests/fuzz/fuzz_query.o serve/question.o serve/request.o $(REPORT) $(STORE) $(COMMON)
	$(LINK) $(REPORT_LIBS)

-include $(shell find . -name '*.d' 2>/dev/null)
