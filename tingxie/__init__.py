"""What a user's program or shell uses: HTTP client, command line, `up`. Imports none of jobs, web, worker."""
