"""What a group of laws reads and changes, and what of it its code depends on."""

from ecsmpi.reactions.expression import Expression
from ecsmpi.reactions.rate_law import Law, LawGroup
import numpy as np

from support.rate_trees import Concentration

A, B, C, D = (Concentration(number) for number in (7, 3, 5, 2))


def test_fields_are_what_laws_read_and_then_what_they_change_in_the_order_of_mention():
    laws = (
        Law(C * A, {D.number: Expression("*", -1, B)}, "first"),
        Law(A * 2.0, {9: 1, C.number: 1}, "second"),
    )
    group = LawGroup(laws)
    assert group.fields == (5, 7, 3, 2, 9)
    assert group.changed == (2, 9, 5)


def test_a_catalyst_is_read_and_not_changed():
    group = LawGroup((Law(A * B, {A.number: -1, B.number: 0, D.number: 1}, "catalysed"),))
    assert group.fields == (7, 3, 2)
    assert group.changed == (7, 2)


def test_unknowns_are_the_fewer_of_rates_and_species():
    one = LawGroup((Law(A, {A.number: -1, B.number: 1}, "one law, two species"),))
    assert one.solved_by_rates
    two = LawGroup((Law(A, {A.number: -1}, "in"), Law(A * A, {A.number: 1}, "out")))
    assert not two.solved_by_rates


def test_laws_with_one_rate_share_an_unknown():
    pump = A * C
    laws = (
        Law(pump, {A.number: -3}, "sodium"),
        Law(C * A, {B.number: 1}, "another"),
        Law(pump, {A.number: 2, B.number: 1}, "potassium"),
    )
    assert LawGroup(laws).alike == ((laws[0], laws[2]), (laws[1],))
    assert LawGroup(laws).solved_by_rates


def test_code_does_not_depend_on_where_laws_act():
    mask = np.ones((1, 2, 3), dtype=bool)
    group = LawGroup((Law(A, {A.number: -1}, "decay", mask),))
    assert group.everywhere().laws[0].where is None
    assert group.everywhere().key == group.key
