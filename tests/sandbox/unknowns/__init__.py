"""The switches for what could not be established about Xero."""
