"""What a blocked person meets: one page, in their language, that records nothing."""
