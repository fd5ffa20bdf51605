# heatpipe for Homebrew on Linux. It has no public address: the tarball of `make dist` is named.
#
#   export HOMEBREW_HEATPIPE_TARBALL=$PWD/build/heatpipe-0.1.0.tar.gz
#   brew install --formula examples/packaging/heatpipe.rb
#
# `make check-recipes` runs the commands of `install` and `test` on the tarball. Homebrew itself
# has not run this file.
class Heatpipe < Formula
  desc "Grad-CAM error analysis of image classifiers"
  version "0.1.0"
  url "file://" + ENV.fetch("HOMEBREW_HEATPIPE_TARBALL") {
    raise "HOMEBREW_HEATPIPE_TARBALL: expected the path of the tarball of `make dist`, found nothing"
  }
  license "MIT"

  depends_on "pkgconf" => :build
  depends_on "bash"
  depends_on "cairo"
  depends_on "font-dejavu"
  depends_on "gawk"
  depends_on "glib"
  depends_on "gnuplot"
  depends_on "jansson"
  depends_on "jpeg-turbo"
  depends_on "libdeflate"
  depends_on "libpng"
  depends_on :linux
  depends_on "make"
  depends_on "pango"
  depends_on "webp"
  depends_on "zlib"

  def install
    system "make", "-j#{ENV.make_jobs}", "CUDA=0"
    system "make", "install", "CUDA=0", "PREFIX=#{prefix}"
  end

  test do
    system "#{bin}/confmat", "--version"
  end
end
