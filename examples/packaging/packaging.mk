# Tarballs and packages, and their tests.

dist_name := heatpipe-$(VERSION)
dist      := $(BUILD)/$(dist_name).tar.gz

.PHONY: dist deb check-dist check-deb check-recipes check-container
dist:
	@examples/packaging/dist.sh $(dist_name) $(dist)
deb:
	@CC='$(CC)' examples/packaging/deb.sh $(dist_name) $(BUILD) '$(cuda_built)'

# The tarball as others get it: without git and network, from a folder that is read only.
check-dist: dist
	@CC='$(CC)' tests/packaging/dist.sh $(abspath $(dist))
# The packages in a bare system of Debian.
check-deb: deb
	@tests/packaging/deb.sh $(abspath $(BUILD)/deb)
# The commands of each recipe on the tarball, and those of the Containerfile.
check-recipes: dist
	@CC='$(CC)' tests/packaging/recipes.sh $(abspath $(dist))
check-container:
	@tests/packaging/container.sh
