# heatpipe for Homebrew on Linux: `brew install --formula ./heatpipe.rb`, once the tarball of
# `make dist` is where `url` says and `sha256` is its checksum.
#
# `make check-recipes` runs the commands of `install` and `test` on the tarball. Homebrew itself
# has not run this file.
class Heatpipe < Formula
  desc "Grad-CAM error analysis of image classifiers"
  homepage "https://example.org/heatpipe"
  url "https://example.org/heatpipe/heatpipe-0.1.0.tar.gz"
  sha256 "0000000000000000000000000000000000000000000000000000000000000000"
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
