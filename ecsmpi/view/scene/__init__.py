"""What the page of `ecsmpi view` draws, from arrays: no file, no browser, no server."""
