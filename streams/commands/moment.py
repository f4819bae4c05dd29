"""A moment on the command line: epoch seconds or RFC 3339 in, epoch seconds out."""

from __future__ import annotations

import click

from streams.folder_csv import epoch_seconds


class Moment(click.ParamType):
    """Epoch seconds (int) from what a user types."""

    name = "time"

    def convert(self, value: str | int, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """The moment. Fails with click.BadParameter."""
        if isinstance(value, int):
            return value
        try:
            return int(epoch_seconds(value))
        except ValueError as error:
            self.fail(f"{error}; give epoch seconds or RFC 3339", param, ctx)
