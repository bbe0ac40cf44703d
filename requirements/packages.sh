#!/bin/sh
# uv or plain pip, for .venv alone:  requirements/packages.sh uv|pip install ARGUMENTS…
set -eu
installer=$1
shift
python=.venv/bin/python

case $installer in
  pip) exec $python -m pip "$@" ;;
  uv) ;;
  *) echo "INSTALLER is uv or pip, not '$installer'." >&2 && exit 2 ;;
esac

# uv itself comes by pip, held to the hashes in uv.txt.
$python -m pip install --quiet --only-binary :all: --require-hashes -r requirements/uv.txt || {
  echo "uv could not be installed; plain pip does the same: make setup INSTALLER=pip" >&2
  exit 1
}

# uv does not read pip's settings, so the two it cannot do without are handed on.
pip_setting() {
  $python -m pip config list | sed -nE "s/^(global|install)\.$1='(.*)'\$/\2/p" | tail -n 1
}
index=${UV_DEFAULT_INDEX:-${UV_INDEX_URL:-${PIP_INDEX_URL:-$(pip_setting index-url)}}}
certificates=${SSL_CERT_FILE:-${PIP_CERT:-$(pip_setting cert)}}
if [ -n "$index" ]; then export UV_DEFAULT_INDEX="$index"; fi
if [ -n "$certificates" ]; then export SSL_CERT_FILE="$certificates"; fi

export UV_PYTHON=$python UV_COMPILE_BYTECODE=1 # once here, not at every start
exec .venv/bin/uv pip "$@"
