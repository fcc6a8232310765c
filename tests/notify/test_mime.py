"""A mail is one MIME message, the same bytes whenever it is made; who it is from and to cannot be talked into more."""

from __future__ import annotations

import dataclasses

import pytest
from pydantic import ValidationError

from monitor.alerts.messages import Digest
from monitor.notify.base import Message
from monitor.notify.mime import MailParameters, compose, domain_of

ANN = MailParameters.model_validate({"from": "Desk <desk@example.com>", "to": "ann@example.com"})


def test_a_mail_is_the_same_bytes_whenever_it_is_made(message: Message) -> None:
    first, second = (compose(message, ANN, "ann@example.com").as_bytes() for _ in range(2))
    assert first == second
    other = compose(dataclasses.replace(message, id="another"), ANN, "ann@example.com").as_bytes()
    assert first != other, "nothing of one message is left in another"


def test_one_recipient_may_be_written_without_a_list() -> None:
    assert ANN.to == ("ann@example.com",)
    assert domain_of(ANN) == "example.com"


@pytest.mark.parametrize("text", ["nobody", "@example.com", "a@", "a@b, c@d", "a@example.com\r\nBcc: b@example.com", "a@b\x00"])
def test_what_is_not_one_mail_address_is_refused(text: str) -> None:
    with pytest.raises(ValidationError, match="is not a mail address"):
        MailParameters.model_validate({"to": [text]})


def test_hostile_words_add_no_header_and_no_path(message: Message, hostile: Digest) -> None:
    mail = compose(dataclasses.replace(message, digest=hostile, route="a\r\nBcc: x@y"), ANN, "ann@example.com")
    assert mail["Bcc"] is None
    assert mail["List-Id"] == "<a-bcc-x-y.example.com>"
    assert [part.get_filename() for part in mail.iter_attachments()] == ["etc-pass-wd.csv"]


def test_a_link_to_unsubscribe_is_one_click_only_where_it_is_safe_on_the_way(message: Message) -> None:
    for url, one_click in (("https://x.example/u/t", "List-Unsubscribe=One-Click"), ("http://x.example/u/t", None)):
        mail = compose(message, ANN, "ann@example.com", unsubscribe_url=url)
        assert mail["List-Unsubscribe"] == f"<{url}>"
        assert mail["List-Unsubscribe-Post"] == one_click
        assert all(url in part.get_content() for part in map(mail.get_body, (("plain",), ("html",))) if part is not None)
