"""Speed, memory and start-up; see README.md beside this file."""
