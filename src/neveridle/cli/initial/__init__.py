"""What ``neveridle init`` looks for in a repository, and what it writes there."""
