"""Notices in browsers: as those on phones, with less room (RFC 8291)."""

from collections.abc import Mapping
from typing import Any

from channels import push
from channels.problems import ContentProblem
from domain.vocabulary import Channel

transform = push.transform


def problems(content: Mapping[str, Any]) -> list[ContentProblem]:
    """Return what is wrong with a rendered notice."""
    return push.problems(content, Channel.WEBPUSH)
