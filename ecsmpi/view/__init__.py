"""The page of `ecsmpi view`: a file of frames in the browser, served on this machine alone."""
