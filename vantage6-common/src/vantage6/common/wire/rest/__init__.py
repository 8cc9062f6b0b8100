"""Bodies of REST requests, one module per noun; the server checks what it receives with them."""
