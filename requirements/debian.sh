#!/bin/sh
# Install Debian packages that are missing, where we may:  requirements/debian.sh PACKAGE…
# Without root or without apt it says what is missing and ends well; the caller goes on.
set -eu
missing=
for package in "$@"; do
  dpkg-query --show --showformat='${db:Status-Status}' "$package" 2>/dev/null |
    grep -qx installed || missing="$missing $package"
done
if [ -z "$missing" ]; then exit 0; fi

if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
  echo "Not installed, and only root on Debian can change that here:$missing"
  exit 0
fi
echo "Installing Debian packages:$missing"
export DEBIAN_FRONTEND=noninteractive
apt-get update --quiet=2 &&
  apt-get install --quiet=2 --yes --no-install-recommends $missing </dev/null >/dev/null ||
  echo "apt-get could not install:$missing"
