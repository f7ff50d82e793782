dist_man_MANS += docs/xl-scsi.8 docs/vscsi.7
