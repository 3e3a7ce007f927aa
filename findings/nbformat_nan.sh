#!/usr/bin/env bash
# nbformat 5.11.1: a notebook with a float nan in an application/json output passes `validate`, and `writes` writes the
# bare word NaN. That is no JSON (RFC 8259): strict readers, such as JavaScript's JSON.parse, refuse the whole file.
# Seen: validate raises nothing; the text holds "NaN"; a strict parse fails.
set -euo pipefail
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --disable-pip-version-check nbformat==5.11.1
"$work/venv/bin/python" - <<'PYTHON'
import json
import sys

import nbformat
from nbformat.v4 import new_code_cell, new_notebook, new_output

output = new_output("display_data", data={"application/json": {"loss": float("nan")}, "text/plain": "nan"})
notebook = new_notebook(cells=[new_code_cell("show(loss)", outputs=[output])])
nbformat.validate(notebook)
text = nbformat.writes(notebook)


def refuse(word):
    raise ValueError(f"{word} is not JSON")


try:
    json.loads(text, parse_constant=refuse)
except ValueError as error:
    print("validate: no complaint; strict reader:", error)
else:
    sys.exit("changed: what nbformat writes is strict JSON now")
PYTHON
echo "as described"
