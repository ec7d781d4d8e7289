"""Search attributes that make the Temporal UI answer who, what, how urgent and how far."""

from dataclasses import dataclass
from typing import Final

from temporalio.common import SearchAttributeKey

MODULE: Final = SearchAttributeKey.for_keyword("TocsinModule")
CATEGORY: Final = SearchAttributeKey.for_keyword("TocsinCategory")
PRIORITY: Final = SearchAttributeKey.for_keyword("TocsinPriority")
STATE: Final = SearchAttributeKey.for_keyword("TocsinState")
CHANNEL: Final = SearchAttributeKey.for_keyword_list("TocsinChannel")


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of a workflow when it starts."""

    module: str
    category: str
    channels: tuple[str, ...]


ALL: Final = (MODULE, CATEGORY, PRIORITY, STATE, CHANNEL)
