#!/bin/sh
# Prints the path of a working Python 3.10, the only one that Launchpad, Reverb and
# today's JAX all have wheels for.

works() {
  "$1" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info[:2] != (3, 10))' \
    >/dev/null 2>&1
}

# A version manager's shim may be on PATH and not run, so each is tried.
for python in "$PYTHON" $(command -v python3.10 python3 python 2>/dev/null) \
  "${PYENV_ROOT:-$HOME/.pyenv}"/versions/3.10*/bin/python; do
  if [ -n "$python" ] && works "$python"; then
    echo "$python"
    exit 0
  fi
done
if command -v uv >/dev/null 2>&1; then
  python=$(uv python find --managed-python 3.10 2>/dev/null || uv python find 3.10 2>/dev/null)
  if [ -n "$python" ] && works "$python"; then
    echo "$python"
    exit 0
  fi
fi

cat >&2 <<'MESSAGE'
error: no working Python 3.10 was found. Any of these installs one:
  uv python install 3.10
  pyenv install 3.10
or name one yourself: make setup PYTHON=/path/to/python3.10
(looked at $PYTHON, python3.10, python3 and python on PATH, pyenv's versions, and
`uv python find`; Debian's needs the package python3.10-venv as well)
MESSAGE
exit 1
