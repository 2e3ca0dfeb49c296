"""Prepayments: like overpayments, with lines on accounts and with tax; listed by number and reference (facts 5.12).

Called through `resources`. They are made by a bank transaction.
"""

from counterfoil.sandbox.resources import overpayments
from counterfoil.sandbox.resources.document_kinds import PREPAYMENT
from counterfoil.sandbox.resources.resource import Resource

_CHOSEN = overpayments.by(PREPAYMENT, "Reference", "invoicenumbers", "references")
COLLECTION = overpayments.collection(PREPAYMENT, _CHOSEN, ("invoicenumbers", "references"))
RESOURCE = Resource("Prepayments", "Prepayment", "accounting.payments", COLLECTION.handle)
