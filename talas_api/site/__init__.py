"""The web page: what listeners, chatters and broadcasters see."""
