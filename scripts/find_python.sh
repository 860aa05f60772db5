#!/bin/sh
# Prints the path of a working Python of one of the versions that are named, the first
# that there is: `find_python.sh 3.13 3.12`.

works() {
  "$1" -c 'import sys, venv, ensurepip
sys.exit("%d.%d" % sys.version_info[:2] != sys.argv[1])' "$2" >/dev/null 2>&1
}

# A version manager's shim may be on PATH and not run, so each is tried.
for version; do
  for python in "$PYTHON" $(command -v "python$version" python3 python 2>/dev/null) \
    "${PYENV_ROOT:-$HOME/.pyenv}"/versions/"$version"*/bin/python; do
    if [ -n "$python" ] && works "$python" "$version"; then
      echo "$python"
      exit 0
    fi
  done
  if command -v uv >/dev/null 2>&1; then
    python=$(uv python find --managed-python "$version" 2>/dev/null ||
      uv python find "$version" 2>/dev/null)
    if [ -n "$python" ] && works "$python" "$version"; then
      echo "$python"
      exit 0
    fi
  fi
done

cat >&2 <<MESSAGE
error: no working Python $* was found. Any of these installs one:
  uv python install $1
  pyenv install $1
or name one yourself: make setup PYTHON=/path/to/python$1
(looked at \$PYTHON, python$1, python3 and python on PATH, pyenv's versions, and
\`uv python find\`; Debian's needs the package python$1-venv as well)
MESSAGE
exit 1
