"""Formulas: TeX to MathML (`texml`), a learner's names in them (`notation`), exported notebooks (`mathcells`)."""
