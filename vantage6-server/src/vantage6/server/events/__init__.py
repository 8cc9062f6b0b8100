"""What happened, told after it is stored; hints for those who wait, never the truth itself."""
