"""How the structure of an invented dataset changes. A change is a line of text, so that an edition remembers it:

    add deg_urb 3       a dimension appears before geo, with the first three positions of its code list
    remove deg_urb      a dimension is gone
    rename age age18    a dimension has another name
    position geo XK     one more position somewhere between the others; a period comes last
    reorder geo 7       positions move while codes stay; each number is another order

Cells follow from the changed dimensions (cube.py); when a change is published is the publisher's business.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from eurostat_assets.sandbox.codelists import DIMENSION_LABELS, positions
from eurostat_assets.sandbox.datasets import Dataset, Dimension
from eurostat_assets.sandbox.draw import code_hash
from eurostat_assets.sandbox.errors import Unchangeable
from eurostat_assets.sandbox.periods import series
from eurostat_assets.sandbox.shapes import dimension_of

# Every dataset keeps these under their names: the wire and the cells are made with them.
_KEPT = frozenset({"freq", "time", "geo"})
_ADDABLE = ("deg_urb", "quant_inc", "isced11", "lev_limit", "c_birth", "levels")
_MOST_CELLS = 200_000
"""Cells of a cube beyond which no dimension is proposed that would multiply them."""


def restructured(dataset: Dataset, changes: Iterable[str]) -> Dataset:
    """The dataset after the changes, in their order. Raises Unchangeable."""
    for change in changes:
        dataset = replace(dataset, dimensions=tuple(_changed(dataset, change)))
    return dataset


def possible(dataset: Dataset, number: int) -> list[str]:
    """Changes that the dataset can undergo, at most one per verb and dimension; `number` is a new one for `reorder`."""
    names = [dimension.id for dimension in dataset.dimensions]
    changeable = [name for name in names if name not in _KEPT]
    # A dimension that was renamed is still there.
    addable = [name for name in _ADDABLE if not {name, f"{name}18"} & set(names)]
    return [
        *(f"add {name} 2" for name in addable if dataset.size < _MOST_CELLS),
        *(f"remove {name}" for name in changeable if len(changeable) > 1),
        *(f"rename {name} {_other_name(name)}" for name in changeable),
        *(f"position {d.id} {code}" for d in dataset.dimensions for code in _unused(d, dataset)),
        *(f"reorder {d.id} {number}" for d in dataset.dimensions if d.id != "time" and len(d) > 2),
    ]


def _changed(dataset: Dataset, change: str) -> list[Dimension]:
    verb, *words = change.split() or [""]
    dimensions = {dimension.id: dimension for dimension in dataset.dimensions}
    match verb, *words:
        case "add", name, count if name not in dimensions and name in DIMENSION_LABELS and count.isdigit():
            before = list(dimensions).index("geo" if "geo" in dimensions else "time")
            found = list(dimensions.values())
            return [*found[:before], dimension_of(f"{name}:{count}"), *found[before:]]
        case "remove", name if name in dimensions.keys() - _KEPT:
            return [dimension for dimension in dataset.dimensions if dimension.id != name]
        case "rename", name, new if name in dimensions.keys() - _KEPT and new not in dimensions:
            dimensions[name] = replace(dimensions[name], id=new)
        case "position", name, code if name in dimensions and code in _unused(dimensions[name], dataset):
            dimensions[name] = _extended(dimensions[name], code)
        case "reorder", name, number if name in dimensions and name != "time":
            dimensions[name] = _reordered(dimensions[name], number)
        case _:
            raise Unchangeable(dataset.code, change)
    return list(dimensions.values())


def _unused(dimension: Dimension, dataset: Dataset) -> list[str]:
    """The next period, or the first code of the code list that the dimension does not have; none where there is none."""
    if dimension.id == "time":
        # With several frequencies there are several next periods.
        single = all(len(d) == 1 for d in dataset.dimensions if d.id == "freq")
        return [list(series(dimension.codes[-1], 2))[-1]] if single else []
    if dimension.id not in DIMENSION_LABELS or dimension.id == "freq":
        return []
    return [code for code in positions(dimension.id) if code not in dimension.codes][:1]


def _extended(dimension: Dimension, code: str) -> Dimension:
    if dimension.id == "time":
        place, label = len(dimension), code
    else:
        place = code_hash("position", code) % (len(dimension) + 1)
        label = positions(dimension.id)[code]
    return replace(
        dimension,
        codes=(*dimension.codes[:place], code, *dimension.codes[place:]),
        labels=(*dimension.labels[:place], label, *dimension.labels[place:]),
    )


def _reordered(dimension: Dimension, number: str) -> Dimension:
    pairs = list(zip(dimension.codes, dimension.labels, strict=True))
    ordered = sorted(pairs, key=lambda pair: code_hash("order", number, pair[0]))
    if ordered == pairs:
        ordered = [*pairs[1:], pairs[0]]
    return replace(
        dimension, codes=tuple(code for code, _ in ordered), labels=tuple(label for _, label in ordered)
    )


def _other_name(name: str) -> str:
    """`age18` for `age` and back, as coicop became coicop18."""
    return name.removesuffix("18") if name.endswith("18") else f"{name}18"
