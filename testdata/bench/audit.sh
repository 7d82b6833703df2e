#!/usr/bin/env bash
# Measures audits of a registry of 200 images in 20 repositories over 5 bases,
# made of Debian packages, in one run: only the ratios mean something on another
# machine. Needs Go, curl, apt-get, dpkg-deb, docker-registry and PostgreSQL's
# server on Debian; downloads about 500 MB once.
#
# Usage: testdata/bench/audit.sh [OUTPUT FOLDER]
set -euo pipefail
cd "$(dirname "$0")/../.."
out=${1:-testdata/bench/out}
mkdir -p "$out/bases"
out=$(cd "$out" && pwd)
tmp=$(mktemp -d)
chmod 755 "$tmp"
export CGO_ENABLED=0
unset "${!INTERDICT_@}"

for p in measure mkimage mkregistry; do go build -o "$out/$p" "./testdata/bench/$p"; done
go build -o "$out/interdict" ./cmd/interdict

# --- a registry, PostgreSQL, and the images

registry() { # NAME PORT
	mkdir -p "$tmp/$1"
	cat >"$tmp/$1/config.yml" <<-YML
		version: 0.1
		log: {level: error, accesslog: {disabled: true}}
		storage: {filesystem: {rootdirectory: $tmp/$1}, maintenance: {uploadpurging: {enabled: false}}}
		http: {addr: "127.0.0.1:$2"}
	YML
	docker-registry serve "$tmp/$1/config.yml" >"$tmp/$1.log" 2>&1 &
	pids+=($!)
	for _ in $(seq 100); do (: <"/dev/tcp/127.0.0.1/$2") 2>/dev/null && return; sleep 0.1; done
	echo "error: docker-registry did not start" >&2
	exit 1
}

pids=() as=()
bin=$(find /usr/lib/postgresql -path '*/bin/initdb' | sort -V | tail -1)
bin=$(dirname "${bin:?"needs PostgreSQL's server: apt-get install postgresql"}")
[ "$(id -u)" != 0 ] || as=(setpriv --reuid nobody --regid nogroup --clear-groups)
stop() {
	[ ! -d "$tmp/pg/data" ] || "${as[@]}" "$bin/pg_ctl" -D "$tmp/pg/data" -m immediate stop >/dev/null || true
	for p in "${pids[@]}"; do kill "$p" 2>/dev/null || true; done
	wait
	rm -rf "$tmp"
}
trap stop EXIT
trap 'exit 1' INT TERM

fleet=127.0.0.1:5871 other=127.0.0.1:5872
registry fleet "${fleet#*:}"
registry other "${other#*:}"
mkdir "$tmp/pg"
[ "$(id -u)" != 0 ] || chown nobody "$tmp/pg"
"${as[@]}" "$bin/initdb" -D "$tmp/pg/data" -A trust -U interdict >/dev/null
"${as[@]}" "$bin/pg_ctl" -D "$tmp/pg/data" -l "$tmp/pg/log" -w -o "-c listen_addresses='' -k $tmp/pg" start >/dev/null
postgres() { # NAME: makes a database and prints its address
	"${as[@]}" "$bin/createdb" -h "$tmp/pg" -U interdict "$1"
	echo "postgres://interdict@/$1?host=$tmp/pg"
}

base=base-files,base-passwd,bash,coreutils,dash,dpkg,apt,libc-bin,login,mount,util-linux,ca-certificates,curl
n=0
for group in python3,python3-pip,python3-requests,python3-numpy default-jre-headless,maven nodejs,npm golang-go,git postgresql,nginx; do
	n=$((n + 1))
	[ -f "$out/bases/base-$n.tar" ] || "$out/mkimage" -ref "bench.example/base:$n" -o "$out/bases/base-$n.tar" "$base" "$group"
done
"$out/mkregistry" -tall "$other" "$fleet" "$out"/bases/base-*.tar
"$out/mkregistry" -tiny 20 "$other"
"$out/mkregistry" -tiny 2000 "$other"

# --- what is measured

: >"$out/audit.tsv"
run() { # LABEL COMMAND...: a verdict is no error
	local label=$1 code
	shift
	"$out/measure" "$label" "$@" 2>"$tmp/$label.err" >"$tmp/$label.out" || { cat "$tmp/$label.err" >&2; exit 1; }
	tail -1 "$tmp/$label.out" | tee -a "$out/audit.tsv"
	code=$(tail -1 "$tmp/$label.out" | cut -f6)
	case $code in 0 | 3 | 4) ;; *) cat "$tmp/$label.err" "$tmp/$label.out" >&2; exit 1 ;; esac
}

tall=()
for i in 0 1 2 3 4; do tall+=("$other/tall:base-$i"); done
run once "$out/interdict" scan -q --cache-dir "$tmp/cache-once" "${tall[@]}" -o "json=$tmp/once.json"

audit() { # LABEL DATABASE CACHE SCOPE...
	local label=$1 db=$2 cache=$3
	shift 3
	run "$label" "$out/interdict" audit start -q --database "$db" --cache-dir "$tmp/cache-$cache" "$@"
}
audit cold "sqlite://$tmp/fleet.db" fleet "$fleet"
for _ in 1 2 3; do audit second "sqlite://$tmp/fleet.db" fleet "$fleet"; done # the median counts
# The least that a second audit can do: ask for each tag's digest, 16 at once.
names=(shop billing search platform)
for i in $(seq 0 199); do
	printf 'url = "http://%s/v2/%s/app-%02d/manifests/v%d"\noutput = /dev/null\n' "$fleet" "${names[i % 20 % 4]}" $((i % 20)) $((i / 20 + 1))
done >"$tmp/heads"
run heads curl -sfIZ --parallel-max 16 -H 'Accept: application/vnd.docker.distribution.manifest.v2+json' -K "$tmp/heads"
audit tiny20 "sqlite://$tmp/tiny20.db" tiny20 "$other/tiny-20/"
audit tiny2000 "sqlite://$tmp/tiny2000.db" tiny2000 "$other/tiny-2000/"

# One worker and two on PostgreSQL, each on one processor.
work() { # LABEL PROCESSOR DATABASE
	run "$1" taskset -c "$2" env GOMAXPROCS=1 "$out/interdict" audit work 1 -q --jobs 1 --database "$3" --cache-dir "$tmp/cache-$1"
}
cores=$(nproc)
one=$(postgres one) two=$(postgres two)
"$out/interdict" audit start -q --plan-only --database "$one" --cache-dir "$tmp/cache-plan" "$fleet" >/dev/null
"$out/interdict" audit start -q --plan-only --database "$two" --cache-dir "$tmp/cache-plan" "$fleet" >/dev/null
work one 0 "$one"
work two-a 0 "$two" &
a=$!
work two-b $((cores > 1)) "$two" &
wait "$a"
wait "$!"

# The dashboard's queries, on 100,000 images, each on a new connection.
CGO_ENABLED=0 go test -run '^$' -bench '^BenchmarkQueries$' -benchtime 5x -timeout 60m ./scanner/audit/store >"$out/queries.txt" ||
	{ cat "$out/queries.txt" >&2; exit 1; }

awk '
function row(what, value, reach) { printf "%-58s %7.3f   (reach: %s)\n", what, value, reach }
function max(a, b) { return a > b ? a : b }
FILENAME ~ /queries/ {
	if (/^BenchmarkQueries/) {
		split($1, name, "/")
		n[name[2]]++
		if ($3 > slow[name[2]]) { slow[name[2]] = $3; which[name[2]] = name[3] }
	}
	next
}
{ wall[$1] = $2; cpu[$1] = $3; rss[$1] = $4 }
$1 == "second" {
	low = sum == 0 || $2 < low ? $2 : low
	high = max(high, $2)
	sum += $2
}
END {
	wall["second"] = sum - low - high # the one between
	print ""
	row("wall, cold audit / every distinct layer once", wall["cold"] / wall["once"], "at most 1.3")
	row("CPU, cold audit / every distinct layer once", cpu["cold"] / cpu["once"], "-")
	row("wall, second audit / first", wall["second"] / wall["cold"], "at most 0.02")
	row("wall, bare HEADs of all tags / first audit", wall["heads"] / wall["cold"], "-")
	row("peak memory, 2,000 tiny images / 20", rss["tiny2000"] / rss["tiny20"], "at most 1.2")
	row("wall, one worker / two, a processor each", wall["one"] / max(wall["two-a"], wall["two-b"]), "at least 1.7")
	row("the same by CPU time: 2 x one / sum of two", 2 * cpu["one"] / (cpu["two-a"] + cpu["two-b"]), "at least 1.7")
	for (db in n)
		row(sprintf("ms, slowest of %d queries on %s: %s", n[db], db, which[db]), slow[db] / 1e6, "below 100")
}' "$out/queries.txt" FS='\t' "$out/audit.tsv"
