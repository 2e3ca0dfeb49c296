"""Housekeeping: each task has its turn, and no failure is forgotten for another."""

import pytest

from counterfoil.app.serving import housekeeping


async def test_what_each_failed_task_raised_is_told(monkeypatch):
    """The one between them is carried out, and both failures come up."""
    done = []

    def failing(error):
        async def task(_books):
            raise error

        return task

    async def working(books):
        done.append(books)

    first, second = ValueError("one"), RuntimeError("two")
    monkeypatch.setattr(housekeeping, "TASKS", [failing(first), working, failing(second)])
    with pytest.raises(ExceptionGroup) as caught:
        await housekeeping.tidy("books")
    assert (caught.value.exceptions, done) == ((first, second), ["books"])
    monkeypatch.setattr(housekeeping, "TASKS", [failing(first), working])
    with pytest.raises(ValueError, match="one"):
        await housekeeping.tidy("books")
