# SPDX-License-Identifier: GPL-2.0-or-later
doc_pages += docs/persistent-reservations.md
# Where units go: xl-scripts/local.mk.
dist_unit_DATA = xl-scripts/pvscsid-pr-helper.socket xl-scripts/pvscsid-pr-helper.service
