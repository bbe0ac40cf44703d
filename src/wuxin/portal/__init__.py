"""Portal: how people and programs see Wuxin; a JSON API and the screens that are its client."""
