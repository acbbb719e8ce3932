"""What a bulletin may print: no sum or difference of printed sums speaks of one or two firms."""

from __future__ import annotations

from itertools import product

from hypothesis import given, settings
from hypothesis import strategies as st

from wasteflow.core.disclosure import Area, Atom, Atoms, firms_of, hidden_through, tells

ATOMS = [(firm, stuff) for firm in "abcde" for stuff in ("mud", "slag")]
SUMS = st.lists(st.frozensets(st.sampled_from(ATOMS)), min_size=1, max_size=5)


def hidden_sums(areas: list[dict[str, Atoms]], own: frozenset[str] = frozenset()) -> frozenset[str]:
    """Hidden sums of the last of areas."""
    return hidden_through(
        [
            Area(
                firms_of(atom for atoms in cells.values() for atom in atoms),
                ({key: (atoms,) for key, atoms in cells.items()},),
                {},
            )
            for cells in areas
        ],
        own,
    )[-1]


def told_of(sums: list[frozenset[Atom]], own: frozenset[str]) -> bool:
    """By trying every combination with -1, 0 and 1: those a reader would think of."""
    for signs in product((-1, 0, 1), repeat=len(sums)):
        left = {
            atom: sum(sign for sign, atoms in zip(signs, sums, strict=True) if atom in atoms)
            for atom in ATOMS
        }
        firms = firms_of(atom for atom, weight in left.items() if weight) - own
        if 0 < len(firms) < (2 if own else 3):
            return True
    return False


@given(SUMS, st.sampled_from([frozenset(), frozenset("a")]))
@settings(max_examples=40)
def test_what_is_left_tells_of_nobody(sums: list[frozenset[Atom]], own: frozenset[str]) -> None:
    cells = {str(place): atoms for place, atoms in enumerate(sums)}
    hidden = hidden_sums([cells], own)
    shown = [atoms for key, atoms in cells.items() if key not in hidden]
    assert not told_of(shown, own)
    if told_of(sums, own):
        assert tells(sums, own) and hidden
    if not tells(sums, own) and not any(0 < len(firms_of(atoms)) < 3 for atoms in sums):
        assert not hidden, "nothing is hidden without need"


def test_an_area_inside_another_hides_what_their_difference_would_tell() -> None:
    def area(firms: str) -> frozenset[Atom]:
        return frozenset((firm, "mud") for firm in firms)

    assert hidden_sums([{"mud": area("abc")}, {"mud": area("abcd")}]) == {"mud"}
    assert not hidden_sums([{"mud": area("abc")}, {"mud": area("abcdef")}])
    assert hidden_sums([{"mud": area("ab")}, {"mud": area("abcd")}]) == frozenset()
