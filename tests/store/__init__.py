"""Our own database: transactions, types, and the rules that its indexes hold."""
