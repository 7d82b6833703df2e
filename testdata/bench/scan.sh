#!/usr/bin/env bash
# Measures interdict against syft, and against the least that any scanner must
# do, on one image in one run: only the ratios mean something on another machine.
# Needs Go, apt-get and dpkg-deb on Debian; downloads about 620 MB once.
#
# Usage: testdata/bench/scan.sh [OUTPUT FOLDER]
set -euo pipefail
cd "$(dirname "$0")/../.."
out=${1:-testdata/bench/out}
mkdir -p "$out"
out=$(cd "$out" && pwd)
export CGO_ENABLED=0

build() { [ -x "$out/$1" ] || go build -o "$out/$1" "$2"; }
go build -o "$out/interdict" ./cmd/interdict
build measure ./testdata/bench/measure
build limit ./testdata/bench/limit
build mkimage ./testdata/bench/mkimage
[ -x "$out/syft" ] || GOBIN="$out" go install github.com/anchore/syft/cmd/syft@v1.54.1

base=base-files,base-passwd,bash,coreutils,dash,dpkg,apt,libc-bin,login,mount,util-linux,ca-certificates,curl
one=("$base" python3,python3-pip,python3-requests,python3-numpy default-jre,maven nodejs,npm golang-go postgresql,git clamav,wireshark,nmap)
two=("${one[@]}" libreoffice-core,libreoffice-common gcc,g++,clang,llvm linux-image-amd64 texlive-base texlive-fonts-recommended)
[ -f "$out/image.tar" ] || "$out/mkimage" -o "$out/image.tar" "${one[@]}"
[ -f "$out/twice.tar" ] || "$out/mkimage" -o "$out/twice.tar" "${two[@]}"

run() { "$out/measure" "$@" | tee -a "$out/scan.tsv"; }
: >"$out/scan.tsv"
cat "$out/image.tar" >/dev/null # every run finds the image in the page cache
run limit "$out/limit" "$out/image.tar"
run syft "$out/syft" scan -q "docker-archive:$out/image.tar" -o "cyclonedx-json=$out/syft.json"
run interdict "$out/interdict" scan -q --no-cache "$out/image.tar" -o "cyclonedx-json=$out/interdict.json" -o "json=$out/report.json"
run interdict-twice "$out/interdict" scan -q --no-cache "$out/twice.tar" -o "cyclonedx-json=$out/twice.json"
rm -rf "$out/cache"
run interdict-cold "$out/interdict" scan -q --cache-dir "$out/cache" "$out/image.tar" -o "cyclonedx-json=$out/cold.json"
run interdict-warm "$out/interdict" scan -q --cache-dir "$out/cache" "$out/image.tar" -o "cyclonedx-json=$out/warm.json"
cmp "$out/cold.json" "$out/warm.json"

awk -F'\t' '
{ wall[$1] = $2; rss[$1] = $4 }
function row(what, value, reach) { printf "%-46s %6.2f   (reach: %s)\n", what, value, reach }
END {
	print ""
	row("wall / syft", wall["interdict"] / wall["syft"], "0.40")
	row("wall / one-thread limit", wall["interdict"] / wall["limit"], "1.15")
	row("peak memory / syft", rss["interdict"] / rss["syft"], "0.25")
	row("peak memory, image twice as large / image", rss["interdict-twice"] / rss["interdict"], "1.20")
	row("wall, warm cache / cold", wall["interdict-warm"] / wall["interdict-cold"], "0.05")
}' "$out/scan.tsv"
