from __future__ import annotations

from datetime import UTC, datetime

import pytest
import standardwebhooks

from monitor.notify.signing import signature, signed_headers, signing_key

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
OLD_SECRET = "whsec_" + "QUJD" * 10


def test_the_published_signature_is_reproduced() -> None:
    made = signature(SECRET, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}')
    assert made == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_both_keys_are_accepted_while_they_are_exchanged_and_none_that_is_gone() -> None:
    headers = signed_headers("msg_1", datetime.now(UTC), b"{}", [SECRET, OLD_SECRET])
    for secret in (SECRET, OLD_SECRET):
        assert standardwebhooks.Webhook(secret).verify(b"{}", headers) == {}
    after = signed_headers("msg_1", datetime.now(UTC), b"{}", [SECRET])
    with pytest.raises(standardwebhooks.WebhookVerificationError):
        standardwebhooks.Webhook(OLD_SECRET).verify(b"{}", after)


def test_without_a_key_there_is_no_signature() -> None:
    assert set(signed_headers("msg_1", datetime.now(UTC), b"{}", [])) == {"webhook-id", "webhook-timestamp"}


@pytest.mark.parametrize("secret", ["whsec_short", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_" + "QUJD" * 30, "whsec_!!"])
def test_what_is_no_key_is_refused_without_quoting_it(secret: str) -> None:
    with pytest.raises(ValueError, match="24 to 64 random bytes") as refused:
        signing_key(secret)
    assert secret not in str(refused.value)
