"""Categories as every process loads them."""

from domain.category import Category
from domain.vocabulary import CategoryClass, Priority
from stores import categories
from stores.database import Database


async def test_one_category_per_class_is_there(db: Database) -> None:
    async with db.leader() as conn:
        found = await categories.load_all(conn)
    assert set(found) == {class_.value for class_ in CategoryClass}
    assert found["otp"].class_ is CategoryClass.OTP
    assert found["otp"].priority is Priority.HIGH
    assert found["otp"].mandatory


async def test_a_category_is_added_once(db: Database) -> None:
    news = Category("news", "News", CategoryClass.MARKETING, False, Priority.LOW)
    async with db.leader() as conn:
        assert await categories.add(conn, news) is not None
        assert await categories.add(conn, news) is None
        assert (await categories.load_all(conn))["news"] == news
