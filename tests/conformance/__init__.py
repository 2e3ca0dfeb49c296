"""A foreign client, Xero's own SDK, and the published OpenAPI file hold the sandbox to what Xero does."""
