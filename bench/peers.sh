#!/usr/bin/env bash
# Installs what the benchmark compares the router with: nginx from Debian, Portkey from npm and LiteLLM from PyPI, the
# last two into bench/.peers. Versions are fixed so that figures can be compared. What cannot be installed is left out of
# the table; the rest runs. Usage: bench/peers.sh [nginx] [portkey] [litellm]
set -uo pipefail
cd "$(dirname "$0")"

PORTKEY=1.15.2
# Not simply the newest: malicious versions of this package have been published twice (1.82.7 and 1.82.8, 1.107.0) and
# taken back. Wheels only, so that nothing is run while it is installed.
LITELLM=1.101.6

missing=0
install() { # NAME COMMAND...
	local name=$1; shift
	if "$@" >".peers/$name.log" 2>&1; then echo "$name: installed"; else echo "$name: not installed, see bench/.peers/$name.log"; missing=1; fi
}

get_nginx() {
	[ -x /usr/sbin/nginx ] && return
	# Without the service: the benchmark starts its own with its own configuration.
	printf '#!/bin/sh\nexit 101\n' >.peers/policy-rc.d && chmod +x .peers/policy-rc.d
	apt-get update -qq && POLICYRCD="$PWD/.peers/policy-rc.d" RUNLEVEL=1 apt-get install -y -qq --no-install-recommends nginx-light
}

get_portkey() { npm install --prefix .peers/portkey --ignore-scripts --no-audit --no-fund --omit=dev "@portkey-ai/gateway@$PORTKEY"; }

get_litellm() { python3 -m venv .peers/litellm && .peers/litellm/bin/pip install --quiet --only-binary :all: "litellm[proxy]==$LITELLM"; }

mkdir -p .peers
[ $# -gt 0 ] || set -- nginx portkey litellm
for peer; do
	case $peer in
	nginx | portkey | litellm) install "$peer" "get_$peer" ;;
	*) echo "$peer: not known; nginx, portkey, litellm"; missing=1 ;;
	esac
done
exit $missing
