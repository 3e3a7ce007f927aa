"""Drawing a graph: cards and curves (`svg`), placed by Graphviz or by a layered layout of our own (`layout`)."""
