import dataclasses
import typing

import pytest

from groundup.course import lesson_parts


@pytest.mark.parametrize("part", typing.get_args(lesson_parts.Part), ids=lambda p: p.__name__)
def test_what_a_lesson_is_made_of_is_never_changed(part):
    one = part(**dict.fromkeys((field.name for field in dataclasses.fields(part)), ""))
    with pytest.raises(dataclasses.FrozenInstanceError):
        setattr(one, dataclasses.fields(part)[0].name, "another")
