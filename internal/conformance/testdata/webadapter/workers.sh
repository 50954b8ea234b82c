#!/bin/sh
# The server is a child of the program that the runtime starts, and is waited for.
trap : TERM
node server.js &
wait
wait
