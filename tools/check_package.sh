#!/usr/bin/env bash
# Installs a .deb on this machine, uses it, removes and purges it, and looks for what is left. For a machine to throw away:
#   ../shared/tools/bare-machine.sh 'make package && tools/check_package.sh build/release/packages/*.deb'
# or a chroot of it, as root. Does without systemd: server and worker are started as the services' user, with what their units
# set; the worker takes its job from Debian's nats-server.
set -euo pipefail
deb=$(realpath "$1")
say() { echo "check_package: $*"; }
fail() { echo "check_package: $*" >&2; exit 1; }
recording=/usr/share/amanuensis/models/demo/recordings/meeting.flac
export DEBIAN_FRONTEND=noninteractive
! getent passwd amanuensis >/dev/null || fail "there is a user amanuensis already: not a machine to try this on"

apt-get install -y --no-install-recommends "$deb" curl >/dev/null
say "installed: $(amanuensis --version)"
cd /
says() { [[ $1 == *'Jack is in Boston today'* ]]; }
says "$(amanuensis transcribe --model demo --quiet "$recording")" || fail "it does not transcribe"
say "transcribes"

# What a unit sets with Environment=, the folders that systemd would make, and its user.
as_service() {
  local unit=/lib/systemd/system/$1.service
  shift
  mapfile -t variables < <(sed -n 's/^Environment=//p' "$unit" | tr ' ' '\n')
  exec setpriv --reuid amanuensis --regid amanuensis --init-groups env "${variables[@]}" amanuensis "$@"
}
(as_service amanuensis serve --check-config)
as_service amanuensis serve >/tmp/amanuensis-check.log 2>&1 &
server=$!
for _ in $(seq 600); do curl -sf http://127.0.0.1:9004/ready >/dev/null && break; sleep 0.1; done
says "$(curl -sf -F "file=@$recording" -F response_format=text http://127.0.0.1:9004/v1/audio/transcriptions)" || fail "the server does not transcribe: $(tail -3 /tmp/amanuensis-check.log)"
kill -TERM "$server"
wait "$server" || fail "the server ended with $?"
say "serves as user $(stat -c %U /var/lib/amanuensis/jobs.sqlite), and ends"

[ -e /lib/systemd/system/amanuensis-worker.service ] || fail "there is no unit for a worker"
! find /etc/systemd -name 'amanuensis-worker*' 2>/dev/null | grep -q . || fail "a worker is enabled that nobody has told its queue"
zgrep -q 'amanuensis worker' /usr/share/man/man1/amanuensis.1.gz || fail "the manual says nothing of workers"
apt-get install -y --no-install-recommends nats-server >/dev/null
nats-server -js -sd /tmp/amanuensis-check-nats -a 127.0.0.1 -p 4222 >/tmp/amanuensis-check-nats.log 2>&1 &
nats=$!
install -d -o amanuensis -g amanuensis /var/cache/amanuensis-worker /tmp/amanuensis-check-results
for _ in $(seq 600); do (: </dev/tcp/127.0.0.1/4222) 2>/dev/null && break; sleep 0.1; done
(as_service amanuensis-worker worker --check-config) || fail "the worker's settings are refused"
as_service amanuensis-worker worker >/tmp/amanuensis-check-worker.log 2>&1 &
worker=$!
amanuensis submit "$recording" --model demo --results /tmp/amanuensis-check-results --output-format txt --wait >/tmp/amanuensis-check-submit.log 2>&1 \
  || fail "the worker does not transcribe: $(tail -3 /tmp/amanuensis-check-submit.log /tmp/amanuensis-check-worker.log)"
says "$(cat /tmp/amanuensis-check-results/*/*.txt)" || fail "the worker's transcript is not there"
# It counts a job a moment after the job is known to be done.
counts_one() { grep -q '^amanuensis_worker_jobs_done_total{.*} 1$' <<<"$(curl -sf http://127.0.0.1:9005/metrics)"; }
for _ in $(seq 600); do counts_one && break; sleep 0.1; done
counts_one || fail "the worker's metrics do not count its job"
kill -TERM "$worker"
wait "$worker" || fail "the worker ended with $?"
kill "$nats"
wait "$nats" || true
say "works as user $(stat -c %U /tmp/amanuensis-check-results/*/*.txt) for a queue, and ends"

echo '# mine' | tee -a /etc/amanuensis/config.toml >>/etc/amanuensis/worker.toml
apt-get remove -y amanuensis >/dev/null
[ -e /var/lib/amanuensis/jobs.sqlite ] && grep -q '^# mine' /etc/amanuensis/config.toml && grep -q '^# mine' /etc/amanuensis/worker.toml \
  || fail "removing took jobs or settings"
apt-get purge -y amanuensis >/dev/null
left=$(find / -xdev -iname '*amanuensis*' -not -path '/proc/*' -not -path '/tmp/*' -not -path '/home/*' -not -path "$(dirname "$deb")/*" \
  -not -path '/var/log/*' -not -path '/var/cache/*' 2>/dev/null || true)
[ -z "$left" ] && [ ! -e /var/cache/amanuensis-worker ] || fail "left behind: ${left:-/var/cache/amanuensis-worker}"
! getent passwd amanuensis >/dev/null || fail "the user is left behind"
say "removed, purged, nothing left"
