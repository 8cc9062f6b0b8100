"""Names and shapes that travel between the parts; nothing here knows how they are sent."""
