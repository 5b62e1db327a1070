"""Definitions of your own, beside the mirror's: what `dg scaffold defs` makes lies here and is loaded with the rest."""
