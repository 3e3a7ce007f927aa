#!/usr/bin/env bash
# With the extra that jupyter-events asks for, `import jsonschema` builds a parser for IRIs out of a grammar each time,
# in whatever process imports nbformat: pytest with nbval, nbconvert, a Jupyter server. Nobody has asked to validate one.
# Seen: 2 s of the processor instead of 0.15.
set -euo pipefail
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT
seconds() { # of the processor, to import jsonschema as it was installed with this extra
  python3 -m venv "$work/$2"
  "$work/$2/bin/pip" install -q --disable-pip-version-check "jsonschema$1==4.26.0" $3
  "$work/$2/bin/python" -c 'import jsonschema'
  "$work/$2/bin/python" -c 'import time; t = time.process_time(); import jsonschema; print(time.process_time() - t)'
}
plain=$(seconds "" plain ""); extra=$(seconds "[format-nongpl]" extra "rfc3987-syntax==1.1.0 lark==1.3.1")
echo "import jsonschema: $plain s; with format-nongpl: $extra s"
awk "BEGIN { exit !($extra > 4 * $plain) }" || { echo "changed"; exit 1; }
echo "as described"
