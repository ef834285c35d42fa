#!/bin/bash
# Gives new volumes to user 10001 of the other containers, and makes the token by which Prometheus scrapes.
set -eu
umask 077
token=/parts/mesh/keys/scrape.token
mkdir -p "${token%/*}"
[ -e "$token" ] || head -c 32 /dev/urandom | base64 | tr -d '\n' > "$token"
chown 10001:10001 "${token%/*}" "$token"
for dir in /parts/mesh /parts/root /parts/*/*/; do
  case $dir in /parts/mesh/?* | /parts/root/?* | /parts/scrape/?*) continue ;; esac
  chown 10001:10001 "$dir"
  chmod 0700 "$dir"
done
# Prometheus is another user.
cp "$token" /parts/scrape/token
chown -R 65534:65534 /parts/scrape
chmod 0700 /parts/scrape
