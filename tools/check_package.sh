#!/usr/bin/env bash
# Installs a .deb on this machine, uses it, removes and purges it, and looks for what is left. For a machine to throw away:
#   ../shared/tools/bare-machine.sh 'make package && tools/check_package.sh build/release/packages/*.deb'
# or a chroot of it, as root. Does without systemd: the server is started as the service's user.
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

as_service() { exec setpriv --reuid amanuensis --regid amanuensis --init-groups env AMANUENSIS_CONFIG=/etc/amanuensis/config.toml \
  AMANUENSIS_DATA_DIR=/var/lib/amanuensis HF_HOME=/var/lib/amanuensis/models amanuensis "$@"; }
(as_service serve --check-config)
as_service serve >/tmp/amanuensis-check.log 2>&1 &
server=$!
for _ in $(seq 100); do curl -sf http://127.0.0.1:9004/ready >/dev/null && break; sleep 0.1; done
says "$(curl -sf -F "file=@$recording" -F response_format=text http://127.0.0.1:9004/v1/audio/transcriptions)" || fail "the server does not transcribe: $(tail -3 /tmp/amanuensis-check.log)"
kill -TERM "$server"
wait "$server" || fail "the server ended with $?"
say "serves as user $(stat -c %U /var/lib/amanuensis/jobs.sqlite), and ends"

echo '# mine' >>/etc/amanuensis/config.toml
apt-get remove -y amanuensis >/dev/null
[ -e /var/lib/amanuensis/jobs.sqlite ] && grep -q '^# mine' /etc/amanuensis/config.toml || fail "removing took jobs or settings"
apt-get purge -y amanuensis >/dev/null
left=$(find / -xdev -iname '*amanuensis*' -not -path '/proc/*' -not -path '/tmp/*' -not -path '/home/*' -not -path "$(dirname "$deb")/*" \
  -not -path '/var/log/*' -not -path '/var/cache/*' 2>/dev/null || true)
[ -z "$left" ] || fail "left behind: $left"
! getent passwd amanuensis >/dev/null || fail "the user is left behind"
say "removed, purged, nothing left"
