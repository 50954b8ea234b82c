#!/bin/sh
# What the Web Adapter's users write: the function is a program that serves HTTP.
exec node server.js
