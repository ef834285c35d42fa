#!/bin/bash
# Gives new volumes to user 10001 of the other containers, and makes the token by which Prometheus scrapes.
# Run as root, with every volume below /volumes. A second run changes nothing.
set -eu
umask 077
chmod 0700 /volumes/*
chown 10001:10001 /volumes/*
keys=/volumes/mesh/keys
install --directory --owner 10001 --group 10001 --mode 0700 "$keys"
if [ ! -e "$keys/scrape.token" ]; then
  head --bytes 32 /dev/urandom | base64 > /tmp/token
  install --owner 10001 --group 10001 --mode 0600 /tmp/token "$keys/scrape.token"
fi
# Prometheus runs as another user, and sees no more than this.
install --owner 65534 --group 65534 --mode 0400 "$keys/scrape.token" /volumes/scrape/token
chown 65534:65534 /volumes/scrape
