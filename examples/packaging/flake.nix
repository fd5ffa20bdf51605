# heatpipe for Nix: `nix build 'git+file:.?dir=examples/packaging'` in the root of the sources.
#
# `make check-recipes` runs the commands of buildPhase and installPhase on the tarball. Nix
# itself has not run this file.
{
  description = "Grad-CAM error analysis of image classifiers";
  inputs.nixpkgs.url = "github:NixOS/nixpkgs/nixos-unstable";
  outputs = { self, nixpkgs }:
    let
      systems = [ "x86_64-linux" "aarch64-linux" ];
      package = pkgs: pkgs.stdenv.mkDerivation {
        pname = "heatpipe";
        version = "0.1.0";
        src = ../..;
        nativeBuildInputs = with pkgs; [ pkg-config makeWrapper ];
        buildInputs = with pkgs; [ jansson libdeflate cairo pango libpng libjpeg libwebp zlib glib ];
        postPatch = "patchShebangs .";
        dontConfigure = true;
        enableParallelBuilding = true;
        buildPhase = ''
          make -j"$NIX_BUILD_CORES" CUDA=0
        '';
        installPhase = ''
          make install CUDA=0 PREFIX="$out"
        '';
        # What the analysis runs beside heatpipe's own programs.
        postFixup = ''
          wrapProgram $out/lib/heatpipe/bin/heatpipe --prefix PATH : ${pkgs.lib.makeBinPath (with pkgs; [
            bash coreutils diffutils findutils gawk gnugrep gnumake gnused gnuplot util-linux
          ])} --set-default FONTCONFIG_FILE ${pkgs.makeFontsConf { fontDirectories = [ pkgs.dejavu_fonts ]; }}
        '';
        meta = {
          license = pkgs.lib.licenses.mit;
          mainProgram = "heatpipe";
          platforms = systems;
        };
      };
    in {
      packages = nixpkgs.lib.genAttrs systems (system: {
        default = package nixpkgs.legacyPackages.${system};
      });
    };
}
