"""`make bench`: the numbers of docs/promises, measured in one run beside xero-python against one kind of sandbox."""
