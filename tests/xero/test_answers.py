import json

import pytest

from counterfoil import errors
from counterfoil.xero.answers import Answer, explain, validation_messages

JSON = "application/json; charset=utf-8"
CORRELATION = {"xero-correlation-id": "c-1"}


def answer(status, body=b"", content_type=JSON, **headers):
    raw = json.dumps(body).encode() if isinstance(body, dict) else body
    kept = CORRELATION | {name.lower().replace("_", "-"): value for name, value in headers.items()}
    return Answer(status=status, body=raw, content_type=content_type, headers=kept)


def unauthorised(detail, status=401):
    title = "Unauthorized" if status == 401 else "Forbidden"
    return {"Type": None, "Title": title, "Status": status, "Detail": detail, "Instance": "0-0", "Extensions": {}}


VALIDATION = {
    "ErrorNumber": 10,
    "Type": "ValidationException",
    "Message": "A validation exception occurred",
    "Elements": [
        {
            "InvoiceID": "00000000-0000-0000-0000-000000000000",
            "Contact": {"Name": "<b>", "ValidationErrors": [{"Message": "Name is bad"}]},
            "LineItems": [{"Description": "x", "ValidationErrors": [{"Message": "Account code '999' is not valid"}]}],
            "ValidationErrors": [{"Message": "Invoice # must be unique."}, {"Message": "Name is bad"}],
        },
        {"ValidationErrors": [{"Message": "One or more line items must be specified"}]},
    ],
}


def test_a_validation_refusal_names_every_message():
    """400/10: the messages of all elements and of what they hold, once each, with the elements as echoed."""
    found = explain(answer(400, VALIDATION))
    assert isinstance(found, errors.Refused)
    assert found.messages == (
        "Invoice # must be unique.",
        "Name is bad",
        "Account code '999' is not valid",
        "One or more line items must be specified",
    )
    assert (found.status, found.error_number, found.correlation_id) == (400, 10, "c-1")
    assert found.elements == tuple(VALIDATION["Elements"])


PARSE = 'Error converting value "NO_TAX" to type ...'
CLASH = "Idempotency Key: k-1 is used with a different request."
SINGLE = {
    "bad where": (
        400,
        {"ErrorNumber": 16, "Type": "QueryParseException", "Message": "Expression expected"},
        16,
        "Expression expected",
    ),
    "too much": (
        400,
        {"ErrorNumber": 51, "Type": "HighVolumeException", "Message": "Too much data"},
        51,
        "Too much data",
    ),
    "unparsable": (400, {"ErrorNumber": 14, "Type": "PostDataInvalidException", "Message": PARSE}, 14, PARSE),
    "clash": (400, {"Message": CLASH}, None, CLASH),
    "clash in an element": (400, {"Elements": [{"ValidationErrors": [{"Message": CLASH}]}]}, None, CLASH),
    "not implemented": (
        501,
        {
            "ErrorNumber": 20,
            "Type": "ApiMethodNotImplementedException",
            "Message": "The Api Method called is not implemented",
        },
        20,
        "The Api Method called is not implemented",
    ),
    "header condition": (412, b"Precondition failed", None, "Precondition failed"),
    "too large": (413, b"Request Entity Too Large", None, "Request Entity Too Large"),
    "method": (405, {"Message": "Not allowed"}, None, "Not allowed"),
    "broken body": (400, b'{"ErrorNumber": 10, "Mess', None, None),
}


@pytest.mark.parametrize(("status", "body", "number", "message"), SINGLE.values(), ids=SINGLE)
def test_other_refusals(status, body, number, message):
    """Every other 4xx (and 501) is Refused with its number and its one message."""
    found = explain(answer(status, body))
    assert type(found) is errors.Refused
    assert (found.status, found.error_number, found.messages) == (status, number, (message,) if message else ())


REST = {
    "expired": (answer(401, unauthorised("TokenExpired: token expired at 11/22/2026 09:00:00")), errors.TokenExpired),
    "no token": (answer(401, unauthorised("AuthenticationUnsuccessful")), errors.NoConsent),
    "401 without a body": (answer(401), errors.NoConsent),
    "no scope": (answer(401, unauthorised("AuthorizationUnsuccessful")), errors.MissingScope),
    "not connected": (answer(403, unauthorised("AuthenticationUnsuccessful", 403)), errors.NotConnected),
    "role": (answer(403, unauthorised("The user may not", 403)), errors.NotConnected),
    "unknown id": (
        answer(404, b"The resource you're looking for cannot be found", "text/html; charset=utf-8"),
        errors.NotFound,
    ),
    "500": (answer(500, b""), errors.XeroUnavailable),
    "502": (answer(502, b"<html>Bad gateway</html>", "text/html"), errors.XeroUnavailable),
    "maintenance": (
        answer(503, b"The Xero API is currently offline for maintenance", "text/plain"),
        errors.XeroUnavailable,
    ),
    "temporarily": (answer(503, b"The Xero API is temporarily unavailable", "text/plain"), errors.XeroUnavailable),
    "organisation": (answer(503, b"The Organisation is offline", "text/plain"), errors.OrganisationOffline),
    "redirect": (answer(302), errors.Unclear),
    "cut JSON": (answer(200, b'{"Status": "OK", "Invoices": ['), errors.Unclear),
    "no JSON": (answer(200, b"<html></html>", "text/html"), errors.Unclear),
    "not UTF-8": (answer(200, b'{"a": "\xff"'), errors.Unclear),
}


@pytest.mark.parametrize(("got", "kind"), REST.values(), ids=REST)
def test_each_status_means_one_error(got, kind):
    """Each row of the facts has exactly one class."""
    assert type(explain(got)) is kind


def test_success_means_nothing():
    """A 2xx with whole JSON, or empty, is no error."""
    assert [explain(answer(200, {"Status": "OK"})), explain(answer(204))] == [None, None]


LIMITS = {
    "minute": (answer(429, Retry_After="26", X_Rate_Limit_Problem="minute"), "minute", 26.0),
    "day": (answer(429, Retry_After="66975", X_Rate_Limit_Problem="day"), "day", 66975.0),
    "app": (answer(429, Retry_After="3", X_Rate_Limit_Problem="appminute"), "app", 3.0),
    "concurrent": (answer(429, X_Rate_Limit_Problem="concurrent"), "concurrent", None),
    "silent": (answer(429), "concurrent", None),
    "only seconds": (answer(429, Retry_After="5"), "minute", 5.0),
}


@pytest.mark.parametrize(("got", "limit", "retry_after_s"), LIMITS.values(), ids=LIMITS)
def test_each_limit(got, limit, retry_after_s):
    """A 429 has an empty body; its headers say which limit and how long."""
    found = explain(got)
    assert (type(found), found.limit, found.retry_after_s) == (errors.RateLimited, limit, retry_after_s)


def test_when_an_offline_organisation_returns():
    """Xero's own advice is five minutes."""
    assert explain(REST["organisation"][0]).retry_after_s == 300.0


def test_the_words_of_a_503_reach_the_user():
    """A text body is quoted."""
    assert "offline for maintenance" in str(explain(REST["maintenance"][0]))


def test_an_answer_shows_no_body():
    """The repr of an answer holds no customer's data and no token."""
    assert repr(Answer(status=200, body=b'{"access_token": "secret"}')) == "<Answer 200 no content 26 bytes>"


def test_messages_are_found_without_recursion():
    """A hostile depth does not end in a RecursionError."""
    element = {"ValidationErrors": [{"Message": "deep"}]}
    for _ in range(5000):
        element = {"x": [element]}
    assert validation_messages(element) == ["deep"]
