control_checks = check_vhost_table check_dev_table check_device check_host
check_PROGRAMS += $(control_checks)
TESTS += $(control_checks)
check_vhost_table_SOURCES = tests/check_vhost_table.c
check_vhost_table_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
check_vhost_table_LDADD = libcontrol.a $(CHECK_LIBS)
check_dev_table_SOURCES = tests/check_dev_table.c
check_dev_table_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
check_dev_table_LDADD = libcontrol.a $(CHECK_LIBS)
check_device_SOURCES = tests/check_device.c
check_device_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
check_device_LDADD = libdevice.a libcommon.a $(CHECK_LIBS)
# Its own store.h and supervise.h stand before the library's.
check_host_SOURCES = tests/check_host.c tests/fake-control.c tests/fake-control.h
check_host_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
check_host_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=device_open
check_host_LDADD = libcontrol.a libdevice.a $(COMMON_LIBS) $(JSONC_LIBS) $(CHECK_LIBS) -lpthread
