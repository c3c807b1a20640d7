"""What a mail proves: that an address is its reader's, and so whose account it is."""
