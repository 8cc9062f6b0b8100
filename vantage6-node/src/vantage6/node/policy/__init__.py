"""Which runs this data station allows."""
