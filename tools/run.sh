#!/usr/bin/env bash
# What `make run` shows: a server, Loopscope watching it from outside, light traffic with
# a blocking request now and then, and a small live table. With TARGET="node app.js" that
# program is started and watched instead. Ctrl-C ends everything this script started.
# RUN_SECONDS=N ends it after N seconds.
set -euo pipefail
cd "$(dirname "$0")/.."

readonly bin=${LOOPSCOPE_BUILD:-build}/bin
target=${TARGET:-}
seconds=${RUN_SECONDS:-0}
work=$(mktemp -d)
pids=()

end_everything() {
  trap - EXIT INT TERM
  local pid
  for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null || true; done
  for pid in "${pids[@]}"; do wait "$pid" 2>/dev/null || true; done
  rm -rf "$work"
}
trap end_everything EXIT
trap 'echo; exit 0' INT TERM

# address_in FILE: waits for the line that says where a program listens; prints HOST:PORT.
address_in() {
  local tries
  for tries in $(seq 100); do
    if grep -qs '^listening on http://' "$1"; then
      sed -n 's#^listening on http://##p' "$1" | head -n 1
      return
    fi
    sleep 0.1
  done
  echo "error: nothing listens after $((tries / 10)) s:" >&2
  cat "$1" >&2
  return 1
}

# figure METRIC [LABEL-PART]: the first sample of that metric, or 0.
figure() {
  awk -v name="$1" -v part="${2:-}" \
    'index($0, name "{") == 1 && index($0, part) { print $NF; found = 1; exit }
     END { if (!found) print 0 }' "$work/metrics"
}

watch_command=("$bin/loopscope" run --listen "${LISTEN:-127.0.0.1:0}")
if [ -n "$target" ]; then
  # The words of TARGET are meant to be split.
  # shellcheck disable=SC2086
  "${watch_command[@]}" -- $target 2>"$work/loopscope.log" &
  pids+=($!)
else
  "$bin/loopscope-server" --listen 127.0.0.1:0 --metrics-listen 127.0.0.1:0 2>"$work/server.log" &
  server=$!
  pids+=("$server")
  app=$(address_in "$work/server.log")
  "${watch_command[@]}" --pid "$server" 2>"$work/loopscope.log" &
  pids+=($!)
fi
watcher=${pids[-1]}
exporter=$(address_in "$work/loopscope.log")

echo
echo "  metrics    http://$exporter/metrics"
echo "  live page  http://$exporter/"
if [ -z "$target" ]; then
  echo "  server     http://$app/   (also /compute?ms=N and /block?phase=check&ms=N)"
  (
    trap - EXIT
    phases=(timers pending idle_prepare poll check closing)
    for ((turn = 1; ; turn++)); do
      curl -s -o /dev/null --max-time 10 "http://$app/" || true
      if ((turn % 25 == 0)); then
        phase=${phases[$((turn / 25 % 6))]}
        curl -s -o /dev/null --max-time 10 "http://$app/block?phase=$phase&ms=$((200 + turn * 37 % 900))" || true
      fi
      sleep 0.2
    done
  ) &
  pids+=($!)
fi
echo "  Ctrl-C ends everything"
echo
printf '%-10s %9s %12s %12s %8s %9s %9s\n' time 'busy %' 'blocked now' 'lag max 1m' stalls backlog iter/s

before_active=0 before_idle=0 before_turns=0
for ((second = 0; seconds == 0 || second < seconds; second++)); do
  sleep 1
  kill -0 "$watcher" 2>/dev/null || { cat "$work/loopscope.log" >&2; exit 1; }
  curl -s --max-time 2 "http://$exporter/metrics" >"$work/metrics" || continue
  active=$(figure eventloop_time_seconds_total 'state="active"')
  idle=$(figure eventloop_time_seconds_total 'state="idle"')
  turns=$(figure eventloop_iterations_total)
  awk -v clock="$(date +%T)" -v a="$active" -v i="$idle" -v t="$turns" \
    -v a0="$before_active" -v i0="$before_idle" -v t0="$before_turns" \
    -v blocked="$(figure eventloop_blocked_seconds)" -v lag="$(figure eventloop_lag_max_seconds)" \
    -v stalls="$(figure eventloop_stall_duration_seconds_count)" \
    -v backlog="$(figure eventloop_backlog_connections)" \
    'BEGIN { wall = a - a0 + i - i0; if (wall <= 0) wall = 1
             printf "%-10s %8.1f%% %10.3f s %10.3f s %8d %9d %9.0f\n", clock,
                    100 * (a - a0) / wall, blocked, lag, stalls, backlog, (t - t0) / wall }'
  before_active=$active before_idle=$idle before_turns=$turns
done
