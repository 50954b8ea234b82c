import logging

logging.getLogger().setLevel(logging.INFO)
logging.info("loading")


def handler(event, context):
    logging.info("handling")
