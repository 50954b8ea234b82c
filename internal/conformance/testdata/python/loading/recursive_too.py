from loading.recursive import handler
