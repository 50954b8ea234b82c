x = 1
handler = None
