include docs/control.mk
include docs/toolstack.mk
include docs/pr.mk
