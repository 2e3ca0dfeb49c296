"""No secret is where it does not belong: the secrets that tests know, where they are looked for, and a whole story."""
