"""Where nodes get their VPN configuration from."""
