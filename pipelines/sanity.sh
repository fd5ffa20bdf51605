#!/usr/bin/env bash
# What the maps of several layers and methods depend on: whether they lie on the right images of a
# mosaic, and whether they change when the network loses what it learnt or another class is asked for.
#
#   sanity.sh BIN SCORE PREDICTIONS ROWS LAYERS DIR SAMPLE IMAGES ... -- NETWORK ... -- LAYER METHOD MAPS ...
#
#   BIN          the folder of the programs
#   SCORE        what the maps explain
#   PREDICTIONS  all predictions, from which mosaics are made
#   ROWS         those that MAPS belong to
#   LAYERS       the table of layers
#   DIR          a folder for what is made on the way
#   SAMPLE       half as many mosaics, and a quarter as many images for randomised networks
#   IMAGES       options that say which images these are
#   NETWORK      options of the network and its device
#
# Writes to standard output the table `sanity.tsv`. Maps that are equal are looked at once. Methods
# that pass the network once for each channel are left out: each check would take as long as their
# maps.
set -u -o pipefail

bin=$1 score=$2 predictions=$3 rows=$4 layers=$5 dir=$6 sample=$7
shift 7
images=() network=() layer=() method=()
while [ "$1" != -- ]; do
    images+=("$1")
    shift
done
shift
while [ "$1" != -- ]; do
    network+=("$1")
    shift
done
shift
declare -A first=()
while [ $# -gt 0 ]; do
    last=$(awk -F '\t' -v "name=$1" '$1 == name || $2 == name { print $6 }' "$layers")
    case $2:$last in
    random:* | scorecam:* | ablationcam: | ablationcam:0) ;;
    *)
        key=$(sha256sum -- "$3") || exit 1
        key="$1 ${key%% *}"
        if [ -z "${first[$key]-}" ]; then
            first[$key]=1
            layer+=("$1")
            method+=("$2")
        fi
        ;;
    esac
    shift 3
done

export HEATPIPE_STAGE=1
# What a program said when it failed.
told() { tail -n 1 "$dir/words"; }
fail() {
    told >&2
    exit 1
}
compute() { # which map, options
    local at=()
    [ "${layer[$1]}" = network ] || at=(--layer "${layer[$1]}")
    "$bin/cam-compute" "${network[@]}" --method "${method[$1]}" "${at[@]}" --score "$score" --size layer --scale none "${@:2}"
}

# Rows of a summary of cam-score as rows of the table.
rows() { # which map, its summary
    awk -F '\t' -v "layer=${layer[$1]}" -v "method=${method[$1]}" 'BEGIN { OFS = FS }
        FNR > 1 && $1 != "original" {
            metric = $2 == "mass_inside" ? "focus" : $2
            print layer, method, $1, metric, $4, $5, $6, $7
        }' "$2"
}

printf 'layer\tmethod\tchanged\tmetric\tmean\tlow\thigh\timages\n'

# Mosaics are twice as high and as wide, which not every network takes.
"$bin/mosaic" -n $((sample / 2 > 0 ? sample / 2 : 1)) --rows-out "$dir/mosaics.tsv" --tiles-out "$dir/tiles.npy" "${images[@]:2}" "${images[1]}" \
    <"$predictions" >"$dir/mosaics.npy" 2>"$dir/words" || fail
for i in "${!layer[@]}"; do
    [ "$(head -n 2 "$dir/mosaics.tsv" | wc -l)" -gt 1 ] || break
    if ! compute "$i" --data "$dir/mosaics.npy" --target true <"$dir/mosaics.tsv" >"$dir/maps.npy" 2>"$dir/words"; then
        [ "$i" -eq 0 ] || fail
        echo "heatpipe: no mosaics: $(told)" >&2
        break
    fi
    "$bin/cam-score" --data "$dir/mosaics.npy" --target true --masks "$dir/tiles.npy" --metrics mass_inside \
        --no-baselines --summary "$dir/focus.tsv" mosaic="$dir/maps.npy" <"$dir/mosaics.tsv" >/dev/null || exit $?
    rows "$i" "$dir/focus.tsv"
done

every=$((($(wc -l <"$rows") - 2 + sample / 4) / (sample / 4 > 0 ? sample / 4 : 1)))
awk -v "every=$((every > 0 ? every : 1))" 'NR == 1 || (NR - 2) % every == 0' "$rows" >"$dir/rows.tsv"
mapfile -t down < <(awk -F '\t' 'NR > 1 { sub(/\..*/, "", $1); if (!($1 in seen)) { seen[$1]; name[++n] = $1 } }
    END { for (; n > 0; n--) print name[n] }' "$layers")
for i in "${!layer[@]}"; do
    maps=()
    for changed in original logit top "${down[@]}"; do
        how=()
        [ "$changed" = original ] || how=(--randomise "$changed")
        if ! compute "$i" "${images[@]}" "${how[@]}" <"$dir/rows.tsv" >"$dir/map_${#maps[@]}.npy" 2>"$dir/words"; then
            [ "$i" -eq 0 ] || fail
            echo "heatpipe: no randomised networks: $(told)" >&2
            break 2
        fi
        maps+=("$changed=$dir/map_${#maps[@]}.npy")
    done
    "$bin/cam-score" "${images[@]}" --reference original --metrics rank_correlation,ssim --no-baselines \
        --summary "$dir/random.tsv" "${maps[@]}" <"$dir/rows.tsv" >/dev/null || exit $?
    rows "$i" "$dir/random.tsv"
done
