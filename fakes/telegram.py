"""Telegram's Bot API as its pages describe it, for one bot."""

import itertools
import json
import time
from typing import Any, ClassVar

from fakes.http_vendor import Answer, Asked, Behaviour, Call, FakeVendor, Forgery, Taken

_REFUSALS: dict[Behaviour, tuple[int, str]] = {
    Behaviour.REJECT_RECIPIENT: (400, "Bad Request: chat not found"),
    Behaviour.REJECT_MESSAGE: (400, "Bad Request: can't parse entities: unclosed start tag"),
    Behaviour.REJECT_ACCOUNT: (401, "Unauthorized"),
    Behaviour.THROTTLE: (429, "Too Many Requests: retry after 5"),
    Behaviour.FAIL: (500, "Internal Server Error"),
    Behaviour.UNAVAILABLE: (503, "Service Unavailable"),
}


class FakeTelegram(FakeVendor):
    """A bot and the chats that it may write to."""

    name: ClassVar[str] = "telegram"
    token: ClassVar[str] = "110201543:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw"
    secret: ClassVar[str] = "fake_header-secret"

    def __init__(self) -> None:
        super().__init__()
        self.upgraded: dict[int, int] = {}
        """Groups that have become supergroups: old id → new."""
        self._numbers = itertools.count(100)

    def addresses(self, asked: Asked) -> list[str]:
        """Return the one chat."""
        return [str(asked.json().get("chat_id"))]

    def answer(self, asked: Asked) -> Answer:
        """Send a message."""
        bot, _, method = asked.path.removeprefix("/bot").partition("/")
        if not bot.partition(":")[0].isdecimal():
            return _error(404, "Not Found")
        if bot != self.token:
            return _error(401, "Unauthorized")
        if method.lower() != "sendmessage":
            return _error(404, "Not Found: method not found")
        return self._send(asked)

    def refuse(self, behaviour: Behaviour, asked: Asked) -> Answer:  # noqa: ARG002
        """Answer with Telegram's description."""
        code, words = _REFUSALS[behaviour]
        return _error(code, words, {"retry_after": 5} if code == 429 else None)

    def receipt(
        self, taken: Taken, event: str, *, url: str, forgery: Forgery | None = None
    ) -> Call:
        """Fail: Telegram tells nothing of a message that it has."""
        raise NotImplementedError

    def message(
        self, chat: int, *, url: str, forgery: Forgery | None = None, **content: Any
    ) -> Call:
        """Return the update for what somebody wrote: `text`, or `photo` and `caption`."""
        kind = "private" if chat > 0 else "group"
        message = {
            "message_id": next(self._numbers),
            "from": {"id": abs(chat), "is_bot": False, "first_name": "Sam"},
            "chat": {"id": chat, "type": kind},
            "date": int(time.time()),
            **content,
        }
        return self._update({"message": message}, url, forgery)

    def membership(self, chat: int, was: str, now: str, *, url: str) -> Call:
        """Return the update for a change of what the bot may do in a chat."""
        bot = {"id": int(self.token.partition(":")[0]), "is_bot": True, "first_name": "Tocsin"}
        change = {
            "chat": {"id": chat, "type": "private"},
            "from": {"id": abs(chat), "is_bot": False, "first_name": "Sam"},
            "date": int(time.time()),
            "old_chat_member": {"user": bot, "status": was},
            "new_chat_member": {"user": bot, "status": now, "until_date": 0},
        }
        return self._update({"my_chat_member": change}, url, None)

    def _update(self, content: dict[str, Any], url: str, forgery: Forgery | None) -> Call:
        headers = {
            "Content-Type": "application/json",
            "X-Telegram-Bot-Api-Secret-Token": self.secret,
        }
        if forgery is Forgery.UNSIGNED:
            del headers["X-Telegram-Bot-Api-Secret-Token"]
        if forgery is Forgery.WRONG_KEY:
            headers["X-Telegram-Bot-Api-Secret-Token"] = "another"
        document = {"update_id": next(self._numbers), **content}
        return Call(url, headers, json.dumps(document).encode())

    def _send(self, asked: Asked) -> Answer:
        document = asked.json()
        chat, text = document.get("chat_id"), document.get("text")
        if not chat:
            return _error(400, "Bad Request: chat_id is empty")
        if not text:
            return _error(400, "Bad Request: message text is empty")
        if len(text) > 4096 and "parse_mode" not in document:
            return _error(400, "Bad Request: message is too long")
        if document.get("parse_mode", "HTML") not in ("HTML", "MarkdownV2", "Markdown"):
            return _error(400, "Bad Request: unsupported parse_mode")
        for row in document.get("reply_markup", {}).get("inline_keyboard", []):
            if any(not button["url"].startswith(("http", "tg:")) for button in row):
                return _error(400, "Bad Request: BUTTON_URL_INVALID")
        if chat in self.upgraded:
            words = "Bad Request: group chat was upgraded to a supergroup chat"
            return _error(400, words, {"migrate_to_chat_id": self.upgraded[chat]})
        number = next(self._numbers)
        self.taken.append(Taken(f"{chat}:{number}", str(chat), "", asked, document))
        result = {
            "message_id": number, "date": int(time.time()), "text": text,
            "chat": {"id": chat if isinstance(chat, int) else -1001000000001, "type": "private"},
        }  # fmt: skip
        return Answer.of_json(200, {"ok": True, "result": result})


def _error(code: int, words: str, parameters: dict[str, int] | None = None) -> Answer:
    document: dict[str, Any] = {"ok": False, "error_code": code, "description": words}
    return Answer.of_json(code, document | ({"parameters": parameters} if parameters else {}))
