import sys
sys.exit("no way")
