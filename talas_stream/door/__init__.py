"""Where connections come in: their requests' heads, the answers, how many fit, and who is there."""
