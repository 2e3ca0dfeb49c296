"""Attachments, through the SDK and as bytes (facts 5.22); that every parent has them is told by docs/sandbox-coverage.md."""

import pytest

from counterfoil.sandbox.resources import attachments
from tests.conformance import foreign

PDF = b"%PDF-1.7 a receipt"


@pytest.fixture
def files(xero, contact):
    """Where the attachments of a new sales invoice are."""
    (sale,) = xero.created(xero.invoice(contact, foreign.line()))
    return f"/Invoices/{sale.invoice_id}/Attachments"


def put(xero, path, content=PDF, mime="application/pdf"):
    return xero.raw("PUT", path, body=content, headers={"Content-Type": mime})


def test_what_the_sdk_puts_comes_back_byte_for_byte(xero, contact):
    """By name and by id; the invoice says that it has one, and its stamp stands."""
    (sale,) = xero.created(xero.invoice(contact, foreign.line()))
    before = xero.api.get_invoice(xero.tenant, sale.invoice_id).invoices[0]
    put_by = xero.api.create_invoice_attachment_by_file_name
    (kept,) = put_by(xero.tenant, sale.invoice_id, "receipt.pdf", PDF, include_online=True).attachments
    (listed,) = xero.api.get_invoice_attachments(xero.tenant, sale.invoice_id).attachments
    assert (kept.attachment_id, "receipt.pdf", len(PDF), True) == (
        listed.attachment_id, listed.file_name, listed.content_length, listed.include_online,
    )  # fmt: skip
    for name in ("receipt.pdf", kept.attachment_id):
        assert xero.raw("GET", f"/Invoices/{sale.invoice_id}/Attachments/{name}").body == PDF
    after = xero.api.get_invoice(xero.tenant, sale.invoice_id).invoices[0]
    assert (before.has_attachments, after.has_attachments) == (False, True)
    assert before.updated_date_utc == after.updated_date_utc


def test_a_file_has_xeros_keys_and_its_own_type(xero, files):
    """Five keys in Xero's order; the content is answered with the type that it came with."""
    (shown,) = put(xero, f"{files}/note.txt", b"hello", "text/plain; charset=utf-8").json()["Attachments"]
    assert list(shown) == ["AttachmentID", "FileName", "Url", "MimeType", "ContentLength"]
    assert shown["Url"] == f"https://api.xero.com/api.xro/2.0{files}/note.txt"
    assert xero.raw("GET", f"{files}/note.txt").headers["content-type"] == "text/plain"


@pytest.mark.parametrize("method", ["PUT", "POST"])
def test_the_same_name_replaces(xero, files, method):
    """One file, under the id that it had."""
    (first,) = put(xero, f"{files}/a.pdf").json()["Attachments"]
    (second,) = xero.raw(method, f"{files}/a.pdf", body=b"later", headers={"Content-Type": "application/pdf"}).json()[
        "Attachments"
    ]
    assert first["AttachmentID"] == second["AttachmentID"]
    assert [one["ContentLength"] for one in xero.raw("GET", files).json()["Attachments"]] == [5]


def test_saving_the_invoice_again_keeps_its_files(xero, files):
    """HasAttachments outlives an update."""
    put(xero, f"{files}/a.pdf")
    sale = files.split("/")[2]
    assert xero.raw("POST", f"/Invoices/{sale}", body={"Reference": "new"}).status == 200
    assert xero.raw("GET", f"/Invoices/{sale}").json()["Invoices"][0]["HasAttachments"] is True


@pytest.mark.parametrize(
    ("name", "content"),
    [("a+b.pdf", PDF), ("a%5Bb%5D.pdf", PDF), ("a%3Ab.pdf", PDF), ("empty.pdf", b""),
     ("large.pdf", b"x" * (attachments.BYTES_MAX + 1))],
)  # fmt: skip
def test_a_file_that_xero_refuses_is_not_kept(xero, files, name, content):
    """A forbidden name, no content, or too much: 400, and nothing is there."""
    reply = put(xero, f"{files}/{name}", content)
    assert (reply.status, reply.json()["ErrorNumber"]) == (400, 10)
    assert xero.raw("GET", files).json()["Attachments"] == []


def test_a_document_has_ten_files_at_most(xero, files):
    """The eleventh is refused; one of the ten may still be replaced."""
    for n in range(attachments.PER_DOCUMENT_MAX):
        assert put(xero, f"{files}/{n}.pdf").status == 200
    assert put(xero, f"{files}/more.pdf").status == 400
    assert put(xero, f"{files}/0.pdf", b"again").status == 200


def test_what_is_not_there_is_404(xero, files):
    """An unknown file, and a file of an unknown invoice."""
    assert xero.raw("GET", f"{files}/none.pdf").status == 404
    assert put(xero, "/Invoices/00000000-0000-0000-0000-000000000001/Attachments/a.pdf").status == 404
