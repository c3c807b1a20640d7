"""What happened to accounts and sign-ins, for those who must answer for it."""
