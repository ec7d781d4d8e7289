"""Any tree of unions, intersections and differences holds whom the same sets in Python hold."""

import random
from typing import Any

from services.app import App
from services.audience_definitions import read
from services.audience_resolving import resolve
from stores import access
from tests.stores.test_profiles import a_profile

PEOPLE = 12
TAGS = "abc"
TREES = 25


def a_tree(rng: random.Random, tagged: dict[str, set[str]], depth: int) -> tuple[Any, set[str]]:
    """Return a selection, and who must be in it by e-mail address."""
    kind = rng.choice(["filter", "profiles", "union", "intersect", "except"])
    if depth == 0 or kind in ("filter", "profiles"):
        if rng.random() < 0.5:
            tag = rng.choice(TAGS)
            leaf = {"field": "attributes.tags", "op": "contains", "value": tag}
            return {"kind": "filter", "filter": leaf}, tagged[tag]
        # some of them are profiles, found by address; the others are known by address alone
        listed = rng.sample([f"p{n}@example.com" for n in range(PEOPLE * 2)], rng.randint(1, 9))
        named = [{"email": one.upper() if rng.random() < 0.3 else one} for one in listed]
        return {"kind": "profiles", "profiles": named}, set(listed)
    parts = [a_tree(rng, tagged, depth - 1) for _ in range(rng.randint(2, 3))]
    sets = [members for _, members in parts]
    wanted = {
        "union": set.union(*sets), "intersect": set.intersection(*sets),
        "except": sets[0].difference(*sets[1:]),
    }[kind]  # fmt: skip
    return {"kind": kind, kind: [one for one, _ in parts]}, wanted


async def test_sets_are_those_of_mathematics(app: App) -> None:
    rng = random.Random(7)
    tagged: dict[str, set[str]] = {tag: set() for tag in TAGS}
    async with app.db.leader() as conn:
        module = (await access.default_module(conn)).id
        for number in range(PEOPLE):
            email = f"p{number}@example.com"
            tags = [tag for tag in TAGS if rng.random() < 0.5]
            await a_profile(
                conn, module, external_id=f"x{number}", email=email, attributes={"tags": tags}
            )
            for tag in tags:
                tagged[tag].add(email)
    sizes = set()
    for _ in range(TREES):
        document, wanted = a_tree(rng, tagged, 3)
        async with resolve(app, module, read(document)) as found:
            members = [row["email"].lower() async for page in found.members() for row in page]
            count = await found.count()
        assert sorted(members) == sorted(wanted), document
        assert count == len(wanted)
        sizes.add(count)
    assert len(sizes) > 5
