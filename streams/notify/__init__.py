"""Chat channels, by name. Nothing is discovered: a channel is what stands in CHANNELS."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from streams.config import Settings
from streams.notify import dingtalk
from streams.notify.channel import Channel

# Channel name → what makes it from the settings, or None when the settings leave it out.
CHANNELS: Mapping[str, Callable[[Settings], Channel | None]] = {
    "dingtalk": dingtalk.from_settings,
}


def configured(settings: Settings) -> list[Channel]:
    """The channels that the settings name."""
    return [channel for make in CHANNELS.values() if (channel := make(settings)) is not None]
