dist_man_MANS += docs/pvscsid.8 docs/pvscsid.conf.5 docs/pvscsictl.8
